#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A guest that loads the UART's line status register in a loop, on Holdfast and on Debian's QEMU by
turns: nanoseconds of host CPU time a load, and the ratio.

    taskset -c 1 bench/guest_mmio.py build/release/holdfast/app/holdfast

Each figure is the difference between a long run and one without loads, divided by the loads: what it
takes to start is not in it. CPU time, not time passed: neighbours on the host count less.
"""
import argparse
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile

GUEST = pathlib.Path(__file__).resolve().parent.parent / "guests" / "mmio_loop.S"


def build(folder: pathlib.Path, loads: int) -> pathlib.Path:
    elf = folder / f"mmio_loop_{loads}.elf"
    subprocess.run(["riscv64-unknown-elf-gcc", "-march=rv64imac_zicsr", "-mabi=lp64", "-nostdlib",
                    "-static", "-Wl,-n,--build-id=none,-Ttext=0x80000000", f"-Wa,--defsym,LOADS={loads}", "-o", elf,
                    GUEST], check=True)
    return elf


def cpu_seconds(program: str, elf: pathlib.Path, limit: float) -> float:
    command = [program, "-M", "virt", "-m", "64M", "-nographic", "-bios", str(elf)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=limit, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: status {done.returncode}\n{done.stdout.decode()}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("holdfast")
    parser.add_argument("--peer", default="qemu-system-riscv64")
    parser.add_argument("--loads", type=int, default=16_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--limit", type=float, default=120, help="seconds for one run")
    args = parser.parse_args()

    programs = {"holdfast": args.holdfast, "qemu": args.peer}
    found: dict[str, list[float]] = {name: [] for name in programs}
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        loop, nothing = build(folder, args.loads), build(folder, 0)
        for _ in range(args.rounds):
            for name, program in programs.items():
                seconds = (cpu_seconds(program, loop, args.limit)
                           - cpu_seconds(program, nothing, args.limit))
                found[name].append(seconds / args.loads * 1e9)

    for name, times in found.items():
        print(f"{name:9} {statistics.median(times):6.1f} ns a load"
              f" ({min(times):.1f} - {max(times):.1f})")
    ratios = [ours / peer for ours, peer in zip(found["holdfast"], found["qemu"])]
    print(f"ratio     {statistics.median(ratios):6.2f}           ({min(ratios):.2f} - {max(ratios):.2f})")


if __name__ == "__main__":
    main()
