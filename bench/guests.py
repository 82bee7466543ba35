#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Guests on Holdfast and on Debian's QEMU by turns: six kernels, RAM, devices, start, memory, a boot,
and a machine that has nothing to do. Each figure with its spread, and the ratio of the two.

    bench/guests.py build/release/holdfast/app/holdfast [--rounds 5] [what...]

Kernels are measured in host CPU time, less what a run without work takes: neighbours count less. A
ratio is Holdfast's time by QEMU's, round by round: below 1 Holdfast is faster.
"""
import argparse
import os
import pathlib
import pty
import resource
import select
import statistics
import subprocess
import sys
import tempfile
import time

import beside

OPENSBI = "/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin"
UBOOT = "/usr/lib/u-boot/qemu-riscv64_smode/u-boot.bin"
# How often each is run: some tenths of a second.
KERNELS = {"sieve": 60, "crc": 150, "copy": 120, "matrix": 40, "sort": 20, "hash": 60, "ram": 30,
           "uart": 200, "clint": 200, "plic": 200}
LIMIT = 300  # seconds


class Bench:
    def __init__(self, programs, rounds, folder):
        self.programs, self.rounds, self.folder = programs, rounds, pathlib.Path(folder)

    def build(self, source, *flags):
        return beside.build(self.folder, source, *flags)

    def command(self, program, elf, *more):
        return [program, "-M", "virt", "-m", "128M", "-nographic", "-bios", "none", "-kernel", str(elf),
                *more]

    def run(self, program, elf):
        """Host CPU seconds and wall seconds of one run."""
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        done = subprocess.run(self.command(program, elf), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LIMIT, check=False)
        wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode != 0:
            sys.exit(f"{program} {elf}: status {done.returncode}\n{done.stdout.decode()}")
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall, done.stdout

    def kernels(self, wanted):
        nothing = self.build("kernels.c", "-DKERNEL=nothing", "-DROUNDS=1UL")
        for kernel, times in KERNELS.items():
            if wanted and kernel not in wanted:
                continue
            elf = self.build("kernels.c", f"-DKERNEL={kernel}", f"-DROUNDS={times}UL")
            counts = self.build("kernels.c", f"-DKERNEL={kernel}", "-DROUNDS=2UL", "-DCOUNTS")
            instructions = int(self.run(self.programs["holdfast"], counts)[2])
            found = {name: [] for name in self.programs}
            for _ in range(self.rounds):
                for name, program in self.programs.items():
                    seconds = self.run(program, elf)[0] - self.run(program, nothing)[0]
                    found[name].append(seconds / times * 1e6)
            per_second = instructions / statistics.median(found["holdfast"])
            beside.show(kernel, "us", found, f"  {instructions} instructions, {per_second:.0f} MIPS")

    def start(self):
        """From the command to the first instruction, which switches the machine off, and its end."""
        elf = self.build("kernels.c", "-DKERNEL=nothing", "-DROUNDS=0UL")
        found = {name: [] for name in self.programs}
        for _ in range(4 * self.rounds):
            for name, program in self.programs.items():
                found[name].append(self.run(program, elf)[1] * 1e3)
        beside.show("start", "ms", found)

    def waiting(self, program, harts):
        """A machine whose harts have all come to WFI for a key."""
        elf = self.build("teaching_kernel.c", "-DECHO", f"-DHARTS={harts}")
        process = subprocess.Popen(self.command(program, elf, "-smp", str(harts)),
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        text = b""
        while b"type a key" not in text:
            more = os.read(process.stdout.fileno(), 4096)
            if not more:
                sys.exit(f"{program}: ended with {text.decode()}")
            text += more
        return process

    def memory(self):
        found = {name: [] for name in self.programs}
        for _ in range(self.rounds):
            for name, program in self.programs.items():
                process = self.waiting(program, 1)
                found[name].append(beside.private_mib(process.pid))
                process.communicate(b"k", timeout=LIMIT)
        beside.show("memory", "MiB", found)

    def idle(self, seconds=5):
        """Of one core, with eight harts in WFI."""
        found = {name: [] for name in self.programs}
        tick = os.sysconf("SC_CLK_TCK")
        for name, program in self.programs.items():
            process = self.waiting(program, 8)
            used = []
            for _ in range(2):
                fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
                used.append((int(fields[11]) + int(fields[12])) / tick)
                if len(used) == 1:
                    time.sleep(seconds)
            found[name].append((used[1] - used[0]) / seconds * 100)
            process.communicate(b"k", timeout=LIMIT)
        beside.show("idle", "%", found)

    def prompt_once(self, program):
        master, slave = pty.openpty()
        began = time.monotonic()
        process = subprocess.Popen([program, "-M", "virt", "-m", "256M", "-nographic", "-bios", OPENSBI,
                                    "-kernel", UBOOT], stdin=slave, stdout=slave, stderr=slave)
        os.close(slave)
        text = b""
        while b"=> " not in text:
            if not select.select([master], [], [], LIMIT)[0]:
                sys.exit(f"{program}: no prompt")
            text += os.read(master, 65536)
            if b"Hit any key" in text:
                os.write(master, b"\n")
        took = time.monotonic() - began
        process.kill()
        process.wait()
        os.close(master)
        return took

    def prompt(self):
        found = {name: [] for name in self.programs}
        for _ in range(self.rounds):
            for name, program in self.programs.items():
                found[name].append(self.prompt_once(program))
        beside.show("prompt", "s", found)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("holdfast")
    parser.add_argument("what", nargs="*", help="kernels, start, memory, idle, prompt; all if none")
    parser.add_argument("--peer", default=beside.PEER)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_intermixed_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench({"holdfast": args.holdfast, "qemu": args.peer}, args.rounds, folder)
        for what in ("start", "memory", "idle", "prompt"):
            if not args.what or what in args.what:
                getattr(bench, what)()
        kernels = [kernel for kernel in args.what if kernel in KERNELS]
        if kernels or not args.what or "kernels" in args.what:
            bench.kernels(kernels)


if __name__ == "__main__":
    main()
