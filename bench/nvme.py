#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Commands of 4 KiB a second that a guest gets done by an NVMe controller, on Holdfast and on Debian's QEMU by turns.

    bench/nvme.py build/bench/holdfast/app/holdfast [--rounds 3] [null|file...]

The guest (guests/nvme.c) polls, and neither makes nor compares data; one command at a time and 32. Drives are
null-co, and a file in memory (/dev/shm): as it comes, which with QEMU is a pool of threads, and with aio=io_uring.
"""
import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

import beside
from slots import served_by

COMMANDS = {"null": 50_000, "file": 20_000, "uring": 20_000}
DEPTHS = (1, 32)
DISK_BYTES = 256 << 20
LIMIT = 300  # seconds


def drive(what, folder):
    if what == "null":
        return f"driver=null-co,node-name=d,size={DISK_BYTES}"
    disk = folder / "disk"
    with disk.open("wb") as file:
        file.truncate(DISK_BYTES)
    return f"driver=file,node-name=d,filename={disk}" + (",aio=io_uring" if what == "uring" else "")


def rates(program, what, depth):
    """Thousands of writes and of reads a second."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        folder = pathlib.Path(name)
        elf = beside.build(folder, "nvme.c", "-DTIMED", "-DBLIND", f"-DDEPTH={depth}", f"-DCOMMANDS={COMMANDS[what]}")
        command = [program, "-M", "virt", "-m", "64M", "-nographic", "-bios", "none", "-kernel", str(elf),
                   "-blockdev", drive(what, folder), "-device", "nvme,drive=d,serial=s"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=LIMIT, check=False)
    found = re.findall(r"(?:writes|reads) a second (\d+)", done.stdout)
    if done.returncode != 0 or len(found) != 2:
        sys.exit(f"{' '.join(command)}: status {done.returncode}\n{done.stdout}")
    return [int(rate) / 1e3 for rate in found]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("holdfast")
    parser.add_argument("what", nargs="*", help="null, file, uring; all if none")
    parser.add_argument("--peer", default=beside.PEER)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_intermixed_args()
    beside.state()
    print(f"holdfast's file is served by {served_by(args.holdfast)}")
    programs = {"holdfast": args.holdfast, "qemu": args.peer}
    for what in args.what or COMMANDS:
        for depth in DEPTHS:
            found = beside.by_turns(programs, args.rounds, lambda program: rates(program, what, depth))
            for index, kind in enumerate(("writes", "reads")):
                beside.show(f"{what}, depth {depth}, {kind}", "k/s", {name: [pair[index] for pair in values]
                                                                      for name, values in found.items()}, width=24)


if __name__ == "__main__":
    main()
