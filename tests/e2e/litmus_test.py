#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Litmus tests of the memory model, on two and four harts with a host thread each.

usage: litmus_test.py HOLDFAST [--rounds N] [--long]

--long, and HOLDFAST_LONG in the environment, which ./test --long sets, mean ten million rounds a test.

No outcome that RVWMO forbids may appear. The outcome of store buffering that it allows, and that a
host shows whenever two harts really run at the same time, must appear: else nothing was tested, and
that is a failure, too.
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

GUEST = pathlib.Path(__file__).resolve().parent.parent.parent / "guests"
LINE = re.compile(r"(\S+): (\d+) rounds, weak (\d+), forbidden (\d+)")
EXPECTED = {2: 12, 4: 14}  # tests


def batch(harts):
    """Harts that share a processor lose a slice of time wherever all of them meet: seldom, then."""
    return 32768 if harts > (os.cpu_count() or 1) else 4096


def run(program, harts, rounds, limit):
    with tempfile.TemporaryDirectory() as folder:
        elf = pathlib.Path(folder) / "litmus.elf"
        subprocess.run(["riscv64-unknown-elf-gcc", "-O2", "-march=rv64ima_zicsr", "-mabi=lp64",
                        "-mcmodel=medany", "-ffreestanding", "-fno-tree-loop-distribute-patterns",
                        "-nostdlib", "-static", "-Wall", "-Werror", f"-DHARTS={harts}",
                        f"-DROUNDS={rounds}UL", f"-DBATCH={batch(harts)}", "-T", GUEST / "guest.ld",
                        "-Wl,--build-id=none,--no-warn-rwx-segments", "-o", elf,
                        GUEST / "litmus.c"], check=True)
        began = time.monotonic()
        done = subprocess.run([program, "-M", "virt", "-m", "64M", "-smp", str(harts), "-nographic",
                               "-bios", "none", "-kernel", elf], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=limit, check=False)
        took = time.monotonic() - began
    print(f"{harts} harts, {took:.1f} s\n{done.stdout}{done.stderr}", flush=True)
    found = {name: tuple(map(int, numbers)) for name, *numbers in LINE.findall(done.stdout)}
    assert len(found) == EXPECTED[harts], f"{len(found)} tests of {EXPECTED[harts]} ran"
    for name, (count, _, forbidden) in found.items():
        assert count >= rounds, f"{name}: {count} rounds of {rounds}"
        assert forbidden == 0, f"{name}: {forbidden} forbidden outcomes in {count} rounds"
    assert done.returncode == 0, f"status {done.returncode}"
    if harts > (os.cpu_count() or 1):
        print(f"{harts} harts on {os.cpu_count()} processors: whether SB's outcome appears is left open\n")
        return
    assert found["SB"][1] > 0, "SB: the outcome that is allowed never appeared: not run"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("holdfast")
    parser.add_argument("--rounds", type=int, default=50_000)
    parser.add_argument("--long", action="store_true", help="ten million rounds a test")
    args = parser.parse_args()
    long = args.long or bool(os.environ.get("HOLDFAST_LONG"))
    rounds = 10_000_000 if long else args.rounds
    for harts in EXPECTED:
        run(args.holdfast, harts, rounds, limit=3600 if long else 300)


if __name__ == "__main__":
    sys.exit(main())
