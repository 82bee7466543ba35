#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An NVMe controller plugged into a root port and unplugged again, on Holdfast and on Debian's QEMU by turns.

    bench/slots.py build/bench/holdfast/app/holdfast [--rounds 3] [--cycles 200] [unpowered|consent|surprise...]

  unpowered  the guest leaves the slot without power: nobody has to be asked
  consent    the guest (guests/slot.c) powers the slot up, maps the controller, and lets go of it when asked
  surprise   the same, and it is torn out; QEMU has no command for that

Each with a guest that sleeps and with two more harts that are busy, but for a timer that interrupts them 250 times
a second (without it QEMU's grace periods do not end). A cycle is what passes from device_add
to its reply and from device_del to DEVICE_DELETED, as a client sees it; what the guest takes to power up
comes between, and is not in it. CPU time is that of all threads but the two busy harts', until the guest
has said that the slot is empty.
"""
import argparse
import contextlib
import pathlib
import socket
import statistics
import tempfile
import time

import beside
from holdfast import Machine  # by way of beside's path

SURPRISE = "x-surprise-remove"
DRIVE_BYTES = 64 << 20
WARM_UP = 10
PATIENCE = 60.0  # seconds without a word from the guest: it hangs


class Slot:
    """A machine whose guest drives a slot, and its console."""

    def __init__(self, machine, listener):
        self.machine, self.qmp = machine, machine.qmp
        self.console = listener.accept()[0]
        self.console.settimeout(PATIENCE)
        self.text = b""
        self.hear("slot holds 0")
        harts = self.qmp.execute("query-cpus-fast")
        self.busy = {hart["thread-id"] for hart in harts if hart["cpu-index"] != 0}

    def hear(self, beginning):
        """Reads until a line begins so."""
        while True:
            line, end, rest = self.text.partition(b"\n")
            if end:
                self.text = rest
                if line.startswith(beginning.encode()):
                    return
            else:
                more = self.console.recv(4096)
                if not more:
                    raise SystemExit(f"the machine ended: {self.machine.output()}")
                self.text += more

    def type(self, key, answer):
        self.console.sendall(key.encode())
        self.hear(answer)

    def cpu_seconds(self):
        used = 0
        for task in pathlib.Path(f"/proc/{self.machine.process.pid}/task").iterdir():
            if int(task.name) not in self.busy:
                with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                    used += int((task / "schedstat").read_text().split()[0])
        return used / 1e9

    def plug(self):
        self.qmp.execute("device_add", {"driver": "nvme", "id": "n", "serial": "s", "drive": "d", "bus": "rp1"})

    def unplug(self, command):
        self.qmp.execute(command, {"id": "n"})
        self.qmp.wait_event("DEVICE_DELETED", lambda event: event["data"].get("device") == "n")


def cycle(slot, path):
    """Wall and CPU seconds."""
    wall, cpu = -time.perf_counter(), -slot.cpu_seconds()
    slot.plug()
    wall += time.perf_counter()
    cpu += slot.cpu_seconds()
    if path == "unpowered":
        slot.hear("present 1")
    else:
        slot.hear("powered")
        slot.type("d", "device 1b36:0010")
    cpu -= slot.cpu_seconds()
    wall -= time.perf_counter()
    slot.unplug(SURPRISE if path == "surprise" else "device_del")
    wall += time.perf_counter()
    slot.hear("let go" if path == "consent" else "present 0")
    return wall, cpu + slot.cpu_seconds()


def arguments(folder, elf, harts):
    disk = folder / "disk"
    with disk.open("wb") as file:
        file.truncate(DRIVE_BYTES)
    return ["-M", "virt", "-m", "64M", "-smp", str(harts), "-display", "none", "-bios", "none", "-kernel", str(elf),
            "-device", "pcie-root-port,id=rp1,chassis=1,slot=1,addr=2",
            "-blockdev", f"driver=file,node-name=d,filename={disk}", "-chardev", f"socket,id=con,path={folder}/console",
            "-serial", "chardev:con"]


def cycles(program, path, harts, times):
    """Wall and CPU times of all cycles, in milliseconds."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name, socket.socket(socket.AF_UNIX) as listener:
        folder = pathlib.Path(name)
        elf = beside.build(folder, "slot.c", "-DTICKS")
        listener.bind(str(folder / "console"))
        listener.listen()
        with Machine(*arguments(folder, elf, harts), program=program) as machine:
            slot = Slot(machine, listener)
            with contextlib.closing(slot.console):
                if path == "unpowered":
                    slot.type("u", "so be it")
                for _ in range(WARM_UP):
                    cycle(slot, path)
                return [[value * 1e3 for value in values] for values in
                        zip(*(cycle(slot, path) for _ in range(times)))]


def served_by(program):
    """The engine that the drive's requests would go to."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        disk = pathlib.Path(name) / "disk"
        disk.write_bytes(bytes(1 << 20))
        with Machine("-M", "none", "-display", "none", "-nodefaults", "-drive",
                     f"if=none,id=d,format=raw,file={disk}", program=program) as machine:
            lines = machine.qmp.human("info block").splitlines()
            return next(line.split(":")[1].strip() for line in lines if "Served by" in line)


def show(what, name, runs):
    """Of all cycles the median and the 99th percentile; in brackets the medians of the quickest and the slowest
    run."""
    for measure, values in zip(("wall", "CPU"), zip(*runs)):
        ordered = sorted(value for run in values for value in run)
        medians = [statistics.median(run) for run in values]
        print(f"{what:24} {measure:4} {name:8} p50 {statistics.median(ordered):7.3f} ms"
              f" ({min(medians):.3f} - {max(medians):.3f}), p99 {ordered[len(ordered) * 99 // 100]:7.3f} ms", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("holdfast")
    parser.add_argument("what", nargs="*", help="unpowered, consent, surprise; all if none")
    parser.add_argument("--peer", default=beside.PEER)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cycles", type=int, default=200)
    args = parser.parse_intermixed_args()
    beside.state()
    print(f"holdfast's drive is served by {served_by(args.holdfast)}")
    programs = {"holdfast": args.holdfast, "qemu": args.peer}
    for path in args.what or ("unpowered", "consent", "surprise"):
        for harts, load in ((1, "idle"), (3, "two harts busy")):
            able = {name: program for name, program in programs.items() if name == "holdfast" or path != "surprise"}
            found = beside.by_turns(able, args.rounds, lambda program: cycles(program, path, harts, args.cycles))
            for name, runs in found.items():
                show(f"{path}, {load}", name, runs)


if __name__ == "__main__":
    main()
