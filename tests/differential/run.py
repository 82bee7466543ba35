# SPDX-License-Identifier: Apache-2.0
"""Runs generated programs on Holdfast and on Debian's QEMU and compares all they print.

usage: run.py [--holdfast FILE] [--seed N] [--seconds S | --images N] [--class C]...

Prints how many programs ran, how many instructions of theirs were compared (counted by the guest), which instructions stand in
them and which traps they took. What QEMU 7.2 is known to do otherwise is left out of the programs where they are
made, with a comment each; docs/limits.md lists it.
Image n of a seed is the same whenever it is made: a difference names the image, which --first N --images 1 runs again.
Exit status 1: there was a difference, or too little was compared. All classes together, for some time, have to
run so many programs with so many instructions, each instruction there is and each trap (see `NEVER`).
"""

import argparse
import concurrent.futures
import dataclasses
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter

import computing
import paging
import privileged
import riscv
from image import BASE, Harness, Program, assemble, build_harness

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLASSES = computing.CLASSES | privileged.CLASSES | paging.CLASSES
LAST = privileged.LAST  # classes that leave something behind, or are few: at the end of an image
ALIGNED = privileged.ALIGNED  # classes for harts without compressed instructions: in images of their own
ALIGNED_EVERY = 6  # images
QEMU = "qemu-system-riscv64"
QEMU_CPU = "rv64,h=off,x-smaia=on,x-ssaia=on,svinval=on,zba=on,zbb=on,zbc=on,zbs=on,pmp=on,debug=off"
HOLDFAST_CPU = "rv64,zicbom=off,zicboz=off,zicond=off"
PER_IMAGE = 200
HANG = 30  # seconds

FEWEST_PROGRAMS = 5_000
FEWEST_INSTRUCTIONS = 10_000_000


@dataclasses.dataclass
class Outcome:
    lines: list[str]  # without the counts
    retired: int = 0
    causes: Counter = dataclasses.field(default_factory=Counter)


def run(command: list[str]) -> Outcome:
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=HANG, check=False)
        text = done.stdout.decode("latin-1")
    except subprocess.TimeoutExpired as late:
        text = (late.stdout or b"").decode("latin-1") + "\n(does not end)"
    outcome = Outcome([])
    for line in text.replace("\r", "").splitlines():
        words = line.split()
        if len(words) == 5 and words[0] == "P":
            outcome.retired += int(words[4], 16)
            words.pop()
        if len(words) == 3 and words[0] == "C":
            outcome.causes[int(words[1], 16)] += int(words[2], 16)
        outcome.lines.append(" ".join(words))
    return outcome


class Oracle:
    def __init__(self, holdfast: str, harness: Harness, folder: pathlib.Path) -> None:
        self.holdfast, self.harness, self.folder = holdfast, harness, folder

    def commands(self, image: pathlib.Path, more: str) -> tuple[list[str], list[str]]:
        # Two harts, of which one sleeps: with one alone, QEMU 7.2 reports misaligned AMOs as loads.
        common = ["-M", "virt", "-smp", "2", "-m", "64M", "-nographic", "-bios", str(image)]
        return [self.holdfast, "-cpu", HOLDFAST_CPU + more, *common], [QEMU, "-cpu", QEMU_CPU + more, *common]

    def both(self, image: pathlib.Path, more: str) -> tuple[Outcome, Outcome]:
        """`more` is added to what both harts are told to be."""
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            ours, theirs = (pool.submit(run, command) for command in self.commands(image, more))
            return ours.result(), theirs.result()

    def explain(self, name: str, programs: list[Program], rng_seed: str, number: int, more: str) -> str:
        """What differs in a program, from a run in which it prints everything."""
        image = self.folder / f"{name}-loud.bin"
        image.write_bytes(assemble(self.harness, programs, random.Random(rng_seed), loud=number))
        ours, theirs = self.both(image, more)
        program = programs[number]
        text = [f"program {number} ({program.kind}), at {program.at:#x}; the loud image is {image}"]
        context: list[str] = []
        for mine, other in zip(ours.lines, theirs.lines):
            if mine != other:
                text += ["before:", *context[-3:], f"holdfast: {mine}", f"qemu:     {other}"]
                for a, b in zip(mine.split(), other.split()):
                    if a != b:
                        text.append(f"    {a}  /  {b}")
                break
            context.append(mine)
        else:
            text.append("nothing differs when it prints everything")
        text.append(listing(image, program))
        return "\n".join(text)


def listing(image: pathlib.Path, program: Program) -> str:
    done = subprocess.run(
        ["riscv64-unknown-elf-objdump", "-D", "-b", "binary", "-m", "riscv:rv64", "-M", "no-aliases,numeric",
         f"--adjust-vma={BASE:#x}", f"--start-address={program.at:#x}",
         f"--stop-address={program.at + len(program.code):#x}", str(image)], check=False, stdout=subprocess.PIPE, text=True)
    return "\n".join(line for line in done.stdout.splitlines() if "\t" in line)


def make_programs(seed: str, kinds: list[str]) -> list[Program]:
    rng = random.Random(seed)
    ordinary = [k for k in kinds if k not in LAST]
    programs = [CLASSES[rng.choice(ordinary)](rng) for _ in range(PER_IMAGE)] if ordinary else []
    for kind in kinds:
        if kind in LAST:
            programs += [CLASSES[kind](rng) for _ in range(LAST[kind])]
    return programs


@dataclasses.dataclass
class Totals:
    programs: int = 0
    retired: int = 0
    differences: int = 0
    used: Counter = dataclasses.field(default_factory=Counter)
    kinds: Counter = dataclasses.field(default_factory=Counter)
    causes: Counter = dataclasses.field(default_factory=Counter)


CAUSES = {0: "instruction misaligned", 1: "instruction access fault", 2: "illegal instruction", 3: "breakpoint",
          4: "load misaligned", 5: "load access fault", 6: "store misaligned", 7: "store access fault",
          8: "ecall from U", 9: "ecall from S", 11: "ecall from M", 12: "instruction page fault", 13: "load page fault",
          15: "store page fault", 33: "S software interrupt", 35: "M software interrupt", 37: "S timer interrupt",
          39: "M timer interrupt", 41: "S external interrupt", 43: "M external interrupt"}


# What cannot be taken in the mode of this column (0: machine, 64: supervisor), and why.
NEVER = {
    64 + 9: "the handler in S-mode calls the harness by it",
    64 + 11: "what happens in M-mode is not delegated",
    64 + 35: "interrupts of M-mode are not delegated",
    64 + 39: "interrupts of M-mode are not delegated",
    64 + 43: "interrupts of M-mode are not delegated",
}


def report(totals: Totals) -> None:
    print("programs by class:")
    for kind, count in sorted(totals.kinds.items()):
        print(f"  {kind:<18}{count:>8}")
    print("traps by cause, to M-mode and to S-mode:")
    for cause, text in CAUSES.items():
        print(f"  {text:<26}{totals.causes[cause]:>10}{totals.causes[cause + 64]:>10}", end="")
        print(f"   ({NEVER[cause + 64]})" if cause + 64 in NEVER else "")
    print("instructions by how many stand in programs:")
    cells = [f"{name:<16}{count:>7}" for name, count in sorted(totals.used.items())]
    for i in range(0, len(cells), 4):
        print("  " + "   ".join(cells[i:i + 4]))


def missing(totals: Totals) -> list[str]:
    """Instructions that stand in no program and traps that none took."""
    traps = [f"'{text}' to {mode}-mode" for cause, text in CAUSES.items() for mode, column in (("M", 0), ("S", 64))
             if totals.causes[cause + column] == 0 and cause + column not in NEVER]
    return [name for name in riscv.TABLE if totals.used[name] == 0] + traps


def too_little(totals: Totals) -> bool:
    return totals.programs < FEWEST_PROGRAMS or totals.retired < FEWEST_INSTRUCTIONS


def kinds_of(index: int, kinds: list[str]) -> tuple[list[str], str]:
    """The classes of an image, and what its harts are told to be besides."""
    aligned = [k for k in kinds if k in ALIGNED]
    others = [k for k in kinds if k not in ALIGNED]
    if aligned and (not others or index % ALIGNED_EVERY == ALIGNED_EVERY - 1):
        return aligned, ",c=off"
    return others, ""


def compare(oracle: Oracle, index: int, options: argparse.Namespace, totals: Totals) -> None:
    seed = f"{options.seed}/{index}"
    kinds, more = kinds_of(index, options.kinds)
    programs = make_programs(seed, kinds)
    image = oracle.folder / f"image-{index}.bin"
    image.write_bytes(assemble(oracle.harness, programs, random.Random(seed + "/pools")))
    ours, theirs = oracle.both(image, more)
    totals.programs += len(programs)
    totals.retired += ours.retired
    totals.causes += ours.causes
    for program in programs:
        totals.used += program.used
        totals.kinds[program.kind] += 1
    if ours.lines == theirs.lines and ours.lines and ours.lines[-1] == "done":
        image.unlink()
        return
    wrong = [i for i, (a, b) in enumerate(zip(ours.lines, theirs.lines)) if a != b and a.startswith("P ")]
    totals.differences += max(1, len(wrong))
    print(f"image {index} of seed {options.seed}: {len(wrong)} programs differ")
    if not wrong:
        print("the last lines are", ours.lines[-2:], "and", theirs.lines[-2:], "of", len(ours.lines), "and",
              len(theirs.lines))
        wrong = [min(len(ours.lines), len(theirs.lines)) - 1]
    for number in wrong[:options.explain]:
        if number < len(programs):
            print(oracle.explain(f"image-{index}", programs, seed + "/pools", number, more), flush=True)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--holdfast", default=str(ROOT / "build/release/holdfast/app/holdfast"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--images", type=int, default=0, help="how many, however long it takes")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--class", dest="kinds", action="append", choices=list(CLASSES), default=None)
    parser.add_argument("--explain", type=int, default=2, help="differences to explain in each image")
    parser.add_argument("--most", type=int, default=5, help="differences after which to stop")
    options = parser.parse_args()
    whole = options.kinds is None
    options.kinds = options.kinds or list(CLASSES)
    if shutil.which(QEMU) is None:
        print(f"{QEMU} is not installed (Debian package qemu-system-misc): nothing to compare with")
        return 1

    totals = Totals()
    started = time.monotonic()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="holdfast-differential-"))
    oracle = Oracle(options.holdfast, build_harness(folder), folder)
    index = options.first
    while totals.differences < options.most:
        if options.images:
            if index >= options.first + options.images:
                break
        elif time.monotonic() - started >= options.seconds:
            break
        compare(oracle, index, options, totals)
        index += 1
    report(totals)
    print(f"{totals.programs} programs, {totals.retired} instructions compared, {totals.differences} differences, "
          f"{index - options.first} images, {time.monotonic() - started:.0f} s")
    if totals.differences:
        print(f"what differed is in {folder}")
        return 1
    shutil.rmtree(folder)
    if not whole or options.images:
        return 0
    if too_little(totals):
        print(f"too little in {options.seconds:g} s: {totals.programs} programs of at least {FEWEST_PROGRAMS}, "
              f"{totals.retired} instructions of at least {FEWEST_INSTRUCTIONS}")
    if missing(totals):
        print("never met:", ", ".join(missing(totals)))
    return 1 if too_little(totals) or missing(totals) else 0


if __name__ == "__main__":
    sys.exit(main())
