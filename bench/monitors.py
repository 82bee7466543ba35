#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What driving a machine costs, on Holdfast and on Debian's QEMU by turns: round trips of both protocols,
start, memory, a look at every type, a CPU plugged and unplugged.

    bench/monitors.py build/bench/holdfast/app/holdfast [--rounds 5] [what...]

A ratio is Holdfast's by QEMU's, round by round. For CPUs the peer is Debian's qemu-system-x86_64, whose
machine q35 can unplug them: its guest's part, the word in a port that lets a CPU go, is done by the test
protocol; Holdfast's harts need nobody's word.
"""
import argparse
import time

import beside
from holdfast import Ended, Machine, ProtocolError, QtestError  # by way of beside's path

TRIPS = 4000
CYCLES = 500
QTEST = ("-accel", "tcg", "-S", "-display", "none")  # Debian's QEMU has no accelerator for tests
VIRT = ("-M", "virt", "-m", "128M", "-bios", "none", *QTEST)
NONE = ("-M", "none", "-display", "none", "-nodefaults")


class HoldfastCpu:
    arguments = (*VIRT, "-smp", "1,maxcpus=2")

    @staticmethod
    def cycle(machine):
        machine.qmp.execute("device_add", {"driver": "rv64-riscv-cpu", "id": "c", "core-id": 1})
        machine.qmp.execute("device_del", {"id": "c"})
        machine.qmp.wait_event("DEVICE_DELETED", lambda event: event["data"].get("device") == "c")


class PeerCpu:
    """q35's registers of CPU hot-plug: a selector, and flags of which bit 1 and 2 end what has been told
    and bit 3 lets the CPU go."""
    arguments = ("-M", "q35", "-m", "128M", *QTEST, "-smp", "1,maxcpus=2,sockets=2", "-nodefaults")
    SELECT, FLAGS = 0xcd8, 0xcdc

    @classmethod
    def cycle(cls, machine):
        machine.qmp.execute("device_add", {"driver": "qemu64-x86_64-cpu", "id": "c", "socket-id": 1, "core-id": 0,
                                           "thread-id": 0})
        machine.qtest.command("outb", cls.SELECT, 0)  # out of the mode of old
        machine.qtest.command("outl", cls.SELECT, 1)
        machine.qtest.command("outb", cls.FLAGS, 2)
        machine.qmp.execute("device_del", {"id": "c"})
        machine.qtest.command("outb", cls.FLAGS, 4)
        machine.qtest.command("outb", cls.FLAGS, 8)
        machine.qmp.wait_event("DEVICE_DELETED", lambda event: event["data"].get("device") == "c")


class Bench:
    def __init__(self, holdfast, peer, cpu_peer, rounds):
        self.programs = {"holdfast": holdfast, "qemu": peer}
        self.cpu_programs = {"holdfast": (holdfast, HoldfastCpu), "qemu": (cpu_peer, PeerCpu)}
        self.rounds = rounds
        self.deadly = {}

    def by_turns(self, what, unit, measure):
        beside.show(what, unit, beside.by_turns(self.programs, self.rounds, measure), width=22)

    def qmp(self):
        self.by_turns("query-status", "us", lambda program: self.trips(
            program, lambda machine: machine.qmp.execute("query-status")))

    def qtest(self):
        self.by_turns("readl of RAM", "us", lambda program: self.trips(
            program, lambda machine: machine.qtest.readl(0x8000_0000)))
        self.by_turns("write of 64 KiB", "us", lambda program: self.trips(
            program, lambda machine: machine.qtest.write(0x8000_0000, bytes(65536)), 200))

    @staticmethod
    def trips(program, trip, times=TRIPS):
        with Machine(*VIRT, program=program, qtest=True) as machine:
            trip(machine)
            began = time.perf_counter()
            for _ in range(times):
                trip(machine)
            return (time.perf_counter() - began) / times * 1e6

    def start(self):
        for name, arguments in (("none", NONE), ("virt", VIRT)):
            self.by_turns(f"start of {name}", "ms", lambda program: self.started(program, arguments)[0])
            self.by_turns(f"private, {name}", "MiB", lambda program: self.started(program, arguments)[1])

    @staticmethod
    def started(program, arguments):
        began = time.perf_counter()
        with Machine(*arguments, program=program) as machine:
            return (time.perf_counter() - began) * 1e3, beside.private_mib(machine.process.pid)

    def types(self):
        self.by_turns("look at a type", "us", self.look)

    def look(self, program):
        """Of each type that does not end the program; of those it says the name, once."""
        deadly = self.deadly.setdefault(program, set())
        while True:
            try:
                with Machine(*NONE, program=program) as machine:
                    types = [entry["name"] for entry in
                             machine.qmp.execute("qom-list-types", {"implements": "device", "abstract": False})]
                    types = [name for name in types if name not in deadly]
                    began = time.perf_counter()
                    for name in types:
                        at = name
                        machine.qmp.execute("device-list-properties", {"typename": name})
                    return (time.perf_counter() - began) / len(types) * 1e6
            except (ProtocolError, Ended):
                deadly.add(at)
                print(f"  {program} ends when one looks at '{at}'")

    def cpu(self):
        for running in (False, True):
            for name, (program, how) in self.cpu_programs.items():
                arguments = [word for word in how.arguments if word != "-S" or not running]
                for _ in range(self.rounds):
                    print(f"CPU to and fro, {'running' if running else 'stopped'}: {name} "
                          f"{self.cycles(program, how, arguments)}", flush=True)

    @staticmethod
    def cycles(program, how, arguments):
        """What becomes of a machine whose CPU comes and goes: time and memory, or how it ends."""
        machine = Machine(*arguments, program=program, qtest=True, timeout=10).start()
        done = 0
        try:
            for done in range(20):
                how.cycle(machine)
            before, began = beside.private_mib(machine.process.pid), time.perf_counter()
            for done in range(20, 20 + CYCLES):
                how.cycle(machine)
            took = time.perf_counter() - began
            grown = (beside.private_mib(machine.process.pid) - before) * (1 << 20)
            spaces = machine.qmp.execute("human-monitor-command", {"command-line": "info mtree"})
            return (f"{took / CYCLES * 1e6:.0f} us and {grown / CYCLES:.0f} bytes more private memory a cycle; "
                    f"{spaces.count('address-space:')} address spaces at the end")
        except (ProtocolError, QtestError) as error:
            time.sleep(1)
            status = machine.process.poll()
            end = f"ended with status {status}: {machine.output().strip()}" if status is not None else str(error)
            return f"cycle {done + 1}: {end}"
        finally:
            machine.kill()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("holdfast")
    parser.add_argument("what", nargs="*", help="qmp, qtest, start, types, cpu; all if none")
    parser.add_argument("--peer", default=beside.PEER)
    parser.add_argument("--cpu-peer", default="qemu-system-x86_64")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_intermixed_args()
    bench = Bench(args.holdfast, args.peer, args.cpu_peer, args.rounds)
    for what in args.what or ("qmp", "qtest", "start", "types", "cpu"):
        getattr(bench, what)()


if __name__ == "__main__":
    main()
