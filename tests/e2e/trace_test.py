#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What -d shows of a program whose every step is known: its traps, blocks, instructions, registers.

usage: trace_test.py HOLDFAST [case...]
"""
import re
import subprocess
import sys
import tempfile

import harness
from guest_test import Guest

NOWHERE = 0x80000
TRAP = re.compile(r"riscv_cpu_do_interrupt: hart:0, async:0, cause:([0-9a-f]{16}), epc:0x([0-9a-f]{16}), "
                  r"tval:0x([0-9a-f]{16}), desc=(\w+), from:([MSU])")
LISTED = re.compile(r"^0x([0-9a-f]{16}):  ([0-9a-f]{4,8}) +(\S.*)$", re.M)
ENTERED = re.compile(r"^exec: hart:0, mode:([MSU]), pc:0x([0-9a-f]{16}), retired:(\d+)$", re.M)


class Traced:
    def __init__(self, program, folder):
        self.guest = Guest(program, folder)
        self.elf = self.guest.build("traps.S", "traps", "-Wa,-march=rv64i_zicsr")
        names = subprocess.run(["riscv64-unknown-elf-nm", self.elf], capture_output=True, text=True,
                               check=True).stdout
        self.at = {line.split()[2]: int(line.split()[0], 16) for line in names.splitlines()}

    def log(self, topics):
        path = self.guest.folder / "log"
        done = self.guest.run("-bios", "none", "-kernel", self.elf, "-d", topics, "-D", path, status=0,
                              text="")
        assert done.stderr == "", done.stderr
        return path.read_text()


def traps(traced):
    at, log = traced.at, traced.log("int")
    expected = [(11, at["call_m"], 0, "call_from_M", "M"),
                (2, at["zeroes"], 0, "illegal_instruction", "M"),
                (3, at["break"], at["break"], "breakpoint", "M"),
                (5, at["load"], NOWHERE, "load_access_fault", "M"),
                (7, at["store"], NOWHERE + 4, "store_access_fault", "M"),
                (9, at["supervisor"], 0, "call_from_S", "S"),
                (2, at["register"], 0x340022f3, "illegal_instruction", "S"),
                (8, at["user"], 0, "call_from_U", "U"),
                (2, at["ones"], 0xffffffff, "illegal_instruction", "U"),
                (8, at["last"], 0, "call_from_U", "U")]
    found = [(int(cause, 16), int(epc, 16), int(tval, 16), *rest) for cause, epc, tval, *rest in TRAP.findall(log)]
    assert found == expected, log
    assert len(log.splitlines()) == len(expected), log


def instructions(traced):
    """Everything that ran is listed, as the assembler put it there; nothing is listed twice in a mode."""
    dump = subprocess.run(["riscv64-unknown-elf-objdump", "-d", "-z", traced.elf], capture_output=True,
                          text=True, check=True).stdout
    words = {int(place, 16): word for place, word in
             re.findall(r"^ *([0-9a-f]+):\s+([0-9a-f]{4,8}) ", dump, re.M)}
    log = traced.log("in_asm")
    listed = {int(place, 16): word for place, word, _ in LISTED.findall(log)}
    for place, word in listed.items():
        if place >= traced.at["_start"]:
            assert words[place].endswith(word), f"{place:#x}: {word}, not {words[place]}\n{log}"
    for name in ("_start", "call_m", "store", "supervisor", "user", "last", "handler", "end"):
        assert traced.at[name] in listed, f"{name} at {traced.at[name]:#x}\n{log}"
    assert f"{traced.at['call_m']:016x}:  00000073      ecall" in log, log
    blocks = log.split("in_asm: ")[1:]
    assert len(set(blocks)) == len(blocks), log


def blocks(traced):
    log = traced.log("exec")
    entered = [(mode, int(pc, 16), int(retired)) for mode, pc, retired in ENTERED.findall(log)]
    assert len(entered) == len(log.splitlines()), log
    assert [retired for _, _, retired in entered] == sorted(retired for _, _, retired in entered), log
    assert sum(pc == traced.at["handler"] for _, pc, _ in entered) == 10, log
    assert ("S", traced.at["supervisor"]) in [(mode, pc) for mode, pc, _ in entered], log
    assert ("U", traced.at["user"]) in [(mode, pc) for mode, pc, _ in entered], log


def registers(traced):
    """At the entry of the handler t1 is what the program put there, and mepc says where it was."""
    at, log = traced.at, traced.log("cpu")
    dumps = [dump for dump in log.split("hart 0  pc ")[1:] if dump.startswith(f"{at['handler']:016x}")]
    assert len(dumps) == 10, log
    value = lambda dump, name: int(re.search(rf"\b{name} ([0-9a-f]{{16}})", dump)[1], 16)
    assert [value(dump, "mepc") for dump in dumps[:4]] == [at[name] for name in
                                                          ("call_m", "zeroes", "break", "load")], log
    assert value(dumps[0], "t1") == 0 and value(dumps[3], "t1") == NOWHERE, log
    assert value(dumps[9], "a7") == 93, log


def what_is_unimplemented_or_wrong(traced):
    """Topics say nothing where there is nothing to say, and no topic says anything of another."""
    for topic in ("unimp", "mmu"):
        log = traced.log(topic)
        assert "riscv_cpu_do_interrupt" not in log and "in_asm" not in log, log
    both = traced.log("int,exec")
    assert len(TRAP.findall(both)) == 10 and ENTERED.search(both), both


def unknown_topic(traced):
    done = subprocess.run([traced.guest.program, "-M", "virt", "-d", "nonsense"], capture_output=True,
                          text=True, timeout=60, check=False)
    assert done.returncode == 1 and "nonsense" in done.stderr and "in_asm" in done.stderr, done.stderr


CASES = [traps, instructions, blocks, registers, what_is_unimplemented_or_wrong, unknown_topic]


def main():
    with tempfile.TemporaryDirectory() as folder:
        traced = Traced(sys.argv[1], folder)
        harness.run(CASES, lambda case: case(traced))


if __name__ == "__main__":
    main()
