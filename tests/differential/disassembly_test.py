# SPDX-License-Identifier: Apache-2.0
"""Compares the disassembler, and so the decoder's table, with GNU objdump.

usage: disassembly_test.py DISASSEMBLE_WORDS [--count N] [--seed N]

Every 16-bit encoding, every register number in a CSR instruction, every selection of funct7, funct3 and rs2 where
they tell instructions apart, and N random words, as many for each major opcode. What is taken for different on
purpose is listed in `tolerated`, what objdump does not know in `made_from_the_manual`.
"""

import argparse
import pathlib
import random
import re
import struct
import subprocess
import sys
import tempfile

PREFIX = "riscv64-unknown-elf-"
EXTENSIONS = ["zicsr", "zifencei", "zihintpause", "zicbom", "zicboz", "zba", "zbb", "zbc", "zbs", "svinval"]
# Reserved fields that the architecture asks implementations to ignore, and that objdump takes for no instruction.
FENCE = re.compile(r"fence(\.i)?\b")
EXACT_CONVERSION = re.compile(r"fcvt\.(d\.(w|wu|s)) ")
REGISTERS = ("zero ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 "
             "t6").split()
# Not known to binutils 2.40: Zicond 1.0.0, sections 3.1 and 3.2.
CONDITIONAL_ZERO = {0x0e005033: "czero.eqz", 0x0e007033: "czero.nez"}
# The defined illegal instruction, and a reserved encoding that objdump has a text for.
NO_INSTRUCTION = {"c.unimp", "c.addi16sp sp,0"}


def random_words(count: int, rng: random.Random) -> list[int]:
    words = []
    for opcode in range(3, 128, 4):
        if opcode & 0x1f == 0x1f:  # longer than 32 bits
            continue
        for _ in range(count // 32):
            word = rng.getrandbits(25) << 7 | opcode
            if rng.random() < 0.5:  # few values in funct7 and rs2, where instructions are told apart
                funct7 = rng.choice([0, 1, 4, 5, 7, 0x10, 0x14, 0x20, 0x24, 0x30, 0x34, 0x35, 0x60, 0x61, 0x68, 0x69,
                                     0x70, 0x71, 0x78, 0x79, 0x50, 0x51, 0x2c, 0x2d, 0x08, 0x09, 0x0c, 0x0d, 0x18])
                word = (word & 0x01ffffff) | funct7 << 25
            if rng.random() < 0.5:
                word = (word & ~0x01f00000) | rng.randrange(8) << 20
            words.append(word)
    fixed = [0x00000073, 0x00100073, 0x30200073, 0x10200073, 0x10500073, 0x18000073, 0x18100073, 0x8330000f,
             0x0ff0000f, 0x0000100f, 0x1005a52f, 0x1005b52f, 0x12b50073, 0x16b50073, 0x0100000f]
    fixed += [0x0005200f | which << 20 for which in range(6)]  # cache blocks
    fixed += [match | rng.getrandbits(10) << 15 | rng.getrandbits(5) << 7
              for match in CONDITIONAL_ZERO for _ in range(200)]
    for opcode in (0x33, 0x3b, 0x13, 0x1b):
        for high in range(1 << 10):  # every funct7 and funct3
            words.append(opcode | (high & 7) << 12 | (high >> 3) << 25 | 0x00c58500)
        for unary in range(1 << 12):
            words.append(opcode | 0x1500 | unary << 20 | 10 << 7 | 11 << 15)
            words.append(opcode | 0x5500 | unary << 20 | 10 << 7 | 11 << 15)
            words.append(opcode | 0x4500 | unary << 20 | 10 << 7 | 11 << 15)
    for high in range(1 << 15):  # every funct7, rs2 and funct3 of floating point
        words.append(0x53 | (high & 7) << 12 | (high >> 3) << 20 | 10 << 7 | 11 << 15)
    for number in range(4096):
        words.append(0x73 | rng.choice([1, 2, 3, 5, 6, 7]) << 12 | number << 20 | 10 << 7 | 11 << 15)
    return words + fixed


def objdump(words: list[int], folder: pathlib.Path) -> list[str]:
    """The text of each, every one at a multiple of four: compressed ones are followed by a filler."""
    image, obj = folder / "words", folder / "words.o"
    image.write_bytes(b"".join(struct.pack("<I", w if w & 3 == 3 else w | 0x00010000) for w in words))
    source = folder / "empty.s"
    source.write_text("nop\n", encoding="ascii")
    subprocess.run([PREFIX + "as", "-march=rv64imafdc_" + "_".join(EXTENSIONS), "-mno-relax", str(source), "-o",
                    str(obj)], check=True)
    subprocess.run([PREFIX + "objcopy", "--update-section", f".text={image}", str(obj)], check=True)
    text = subprocess.run([PREFIX + "objdump", "-d", "-z", "-M", "no-aliases", str(obj)], check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    at = {}
    for line in text.splitlines():
        match = re.match(r"\s*([0-9a-f]+):\t[0-9a-f ]+\t(.*)", line)
        if match:
            at[int(match[1], 16)] = normal(match[2])
    return [at[4 * i] for i in range(len(words))]


def normal(text: str) -> str:
    """Without symbols and comments, and with one blank after the mnemonic."""
    text = re.sub(r" <[^>]*>", "", text.split(" # ")[0])
    text = re.sub(r"\b0x([0-9a-f]+)\b", lambda m: hex(int(m[1], 16)), text)
    return re.sub(r"\s+", " ", text).strip()


JUMP = re.compile(r"(jal |beq |bne |blt |bge |bltu |bgeu |c\.j |c\.beqz |c\.bnez )")


def same_target(ours: str, theirs: str) -> bool:
    """objdump writes targets without 0x where the section has symbols."""
    if not JUMP.match(ours):
        return False
    a, b = ours.rpartition(","), theirs.rpartition(",")
    if "," not in ours:
        a, b = ours.rpartition(" "), theirs.rpartition(" ")
    return a[0] == b[0] and int(a[2], 16) == int(b[2], 16)


def made_from_the_manual(word: int) -> str | None:
    name = CONDITIONAL_ZERO.get(word & 0xfe00707f)
    return name and f"{name} " + ",".join(REGISTERS[word >> at & 31] for at in (7, 15, 20))


def tolerated(word: int, ours: str, theirs: str) -> bool:
    is_data = theirs.startswith((".2byte", ".4byte"))
    if is_data and (FENCE.match(ours) or EXACT_CONVERSION.match(ours)):
        return True
    if ours.startswith((".2byte", ".4byte")):
        return theirs in NO_INSTRUCTION
    if ours.startswith("csr") and word & 0x7f == 0x73:  # a register that only one of them has a name for
        a, b = ours.split(","), theirs.split(",")
        return a[0] == b[0] and a[2] == b[2] and a[1] == hex(word >> 20)
    return same_target(ours, theirs)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    words = [half for half in range(1 << 16) if half & 3 != 3]
    words += random_words(options.count, random.Random(options.seed))
    data = b"".join(struct.pack("<I", word) for word in words)
    done = subprocess.run([options.program], input=data, check=True, stdout=subprocess.PIPE)
    ours = done.stdout.decode().splitlines()
    with tempfile.TemporaryDirectory() as folder:
        theirs = objdump(words, pathlib.Path(folder))
    wrong, legal, names = 0, 0, set()
    for word, mine, other in zip(words, ours, theirs, strict=True):
        other = made_from_the_manual(word) or other
        if not mine.startswith("."):
            legal += 1
            names.add(mine.split(" ")[0])
        if mine == other or tolerated(word, mine, other):
            continue
        wrong += 1
        if wrong <= 50:
            print(f"{word:08x}: {mine!r}, objdump says {other!r}")
    print(f"{len(words)} encodings, {legal} of them instructions with {len(names)} mnemonics, {wrong} different")
    if len(names) < 280:
        print("too few mnemonics were met")
        return 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
