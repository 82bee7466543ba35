# SPDX-License-Identifier: Apache-2.0
"""Programs that compute: every instruction of the unprivileged extensions, with loads, stores and branches between."""

import random
from collections.abc import Callable

from builder import Builder
from image import FLOAT_ON, MACHINE, Program
from riscv import X_SCRATCH, encode, is_instruction, names, random_instruction

INTEGER = [n for n in names("i", forms="r i sh6 sh5 u load store b") if n != "jalr"] + ["fence"]
FLOATS = names("f", "d")


def mixed(main: list[str], share: float, aligned: float = 1.0) -> Callable[[Builder], None]:
    def body(b: Builder) -> None:
        def some(count: int) -> None:
            for _ in range(count):
                b.random_op(b.rng.choice(main if b.rng.random() < share else INTEGER), aligned)

        some(b.rng.randrange(10, 30))
        b.loop(lambda: some(b.rng.randrange(5, 25)), b.rng.randrange(2, 7))
        if b.rng.random() < 0.5:
            call(b)
        some(b.rng.randrange(5, 20))
    return body


def call(b: Builder) -> None:
    """A routine, jumped over first and then called; it returns to the address that its caller left in memory."""
    over = b.here
    b.code += bytes(4)
    routine = b.here
    for _ in range(3):
        b.random_op(b.rng.choice(("add", "sltu", "xori")))
    b.op("ld", 7, X_SCRATCH, imm=-8)
    b.op("jalr", b.rng.choice((0, 1, 7)), 7, imm=0)
    b.code[over:over + 4] = encode("jal", 0, imm=b.here - over).to_bytes(4, "little")
    b.op("auipc", 7)
    b.op("addi", 7, 7, imm=16)
    b.op("sd", 0, X_SCRATCH, 7, imm=-8)
    b.op("jal", b.rng.choice((0, 1)), imm=routine - b.here)


def floating(b: Builder) -> None:
    """Floating point, with the rounding mode and the flags looked at and changed now and then."""
    def some(count: int) -> None:
        for _ in range(count):
            kind = b.rng.random()
            if kind < 0.85:
                b.random_op(b.rng.choice(FLOATS))
            elif kind < 0.9:
                b.csr(b.rng.choice(("csrrwi", "csrrsi", "csrrci")), b.rng.choice((1, 2, 2, 3)), b.reg(), b.src())
            elif kind < 0.93:
                b.csr("csrrwi", 2, 0, b.rng.randrange(5))
            elif kind < 0.95:
                b.csr("csrrs", b.rng.choice((1, 3)), b.reg(), 0)
            else:
                b.random_op(b.rng.choice(INTEGER))

    b.csr("csrrwi", 2, 0, b.rng.randrange(5))
    some(b.rng.randrange(20, 50))
    b.loop(lambda: some(b.rng.randrange(5, 15)), b.rng.randrange(2, 4))


def compressed_access(b: Builder, half: int) -> bool:
    """Makes the base of a compressed access point to scratch memory. False: it is none."""
    quadrant, funct3 = half & 3, half >> 13
    if funct3 in (0, 4) or quadrant == 1:
        return False
    if quadrant == 0:
        b.op("addi", 8 + (half >> 7 & 7), X_SCRATCH, imm=-256)
    else:
        b.op("addi", 2, X_SCRATCH, imm=-256)
    return True


def compressed_jump(b: Builder, half: int) -> bool:
    """C.J, C.BEQZ, C.BNEZ, C.JR, C.JALR: forward over some code. False: it is none of them."""
    quadrant, funct3 = half & 3, half >> 13

    def some(most: int = 4) -> None:
        for _ in range(b.rng.randrange(1, most if b.rng.random() < 0.3 else 4)):
            b.random_op(b.rng.choice(("add", "xor", "addiw")))

    if quadrant == 1 and funct3 in (5, 6, 7):
        place = b.here
        b.code += bytes(2)
        some(200 if funct3 == 5 else 60)
        d = b.here - place
        if funct3 == 5:
            half = (0xa001 | (d >> 8 & 3) << 9 | (d >> 10 & 1) << 8 | (d >> 4 & 1) << 11 | (d >> 6 & 1) << 7 | (d >> 1 & 7) << 3 | (d >> 5 & 1) << 2 |
                    (d >> 7 & 1) << 6)
        else:
            half = (half & 0xe381) | (d >> 3 & 3) << 10 | (d >> 1 & 3) << 3 | (d >> 5 & 1) << 2 | (d >> 6 & 3) << 5
        b.code[place:place + 2] = half.to_bytes(2, "little")
        return True
    if quadrant == 2 and funct3 == 4 and half >> 2 & 31 == 0 and half >> 7 & 31:
        target = b.temporary()
        half = (half & 0xf07f) | target << 7

        def jump() -> None:
            b.half(half)
            some()
        b.address_of_later(target, jump)
        return True
    return False


def writes_kept(half: int) -> bool:
    """Whether it may write x30."""
    return (half & 3) in (1, 2) and half >> 7 & 31 == X_SCRATCH and half >> 13 not in (5, 6, 7)


def compressed(b: Builder) -> None:
    for _ in range(b.rng.randrange(30, 80)):
        half = b.rng.getrandbits(14) << 2 | b.rng.randrange(3)
        if b.rng.random() < 0.05:  # C.ADDI16SP
            half = 0x6101 | half & 0x107c
        if writes_kept(half) or half == 0x9002:
            continue
        b.used[f"c ({half & 3}, {half >> 13})"] += 1
        if compressed_jump(b, half):
            continue
        compressed_access(b, half)
        b.half(half)
        if b.rng.random() < 0.2:
            b.random_op(b.rng.choice(INTEGER))


def illegal_word(rng: random.Random) -> int:
    """A word that is no instruction. FENCE's reserved fields are to be ignored, so its opcode is left out."""
    while True:
        word = rng.getrandbits(30) << 2 | 3
        if rng.random() < 0.5:  # one bit away from an instruction
            word = random_instruction(rng) ^ 1 << rng.randrange(7, 32)
        elif rng.random() < 0.5:
            word = (word & ~0x7f) | rng.choice((0x03, 0x07, 0x13, 0x1b, 0x23, 0x27, 0x2f, 0x33, 0x3b, 0x43, 0x53, 0x63,
                                                0x67, 0x73))
        if rng.random() < 0.3:
            word &= 0x01ffffff | rng.getrandbits(7) << 25 & rng.getrandbits(7) << 25
        if word & 0x1f != 0x1f and word & 0x7f != 0x0f and not is_instruction(word):
            return word


def illegal(b: Builder) -> None:
    for _ in range(b.rng.randrange(20, 60)):
        if b.rng.random() < 0.7:
            b.word(illegal_word(b.rng))
        else:
            b.random_op(b.rng.choice(INTEGER))


def self_modifying(b: Builder) -> None:
    """Stores an instruction, makes it seen with FENCE.I and runs it, in a loop, each time another."""
    def inside() -> None:
        for _ in range(b.rng.randrange(1, 4)):
            new = b.temporary()
            value = b.temporary()
            while value == new:
                value = b.temporary()
            choice = [encode(b.rng.choice(("add", "sub", "xor", "mul", "sltu")), b.reg(), b.src(), b.src())
                      for _ in range(2)]
            b.li(value, choice[0])
            b.li(new, choice[0] ^ choice[1])
            b.op("andi", 29, 31, imm=1)
            b.op("sub", 29, 0, 29)
            b.op("and", new, new, 29)
            b.op("xor", value, value, new)
            between = b.rng.randrange(0, 5)
            base = b.temporary()
            if base == value:
                continue
            def rest(value: int = value, base: int = base, between: int = between) -> None:
                b.op("sw", 0, base, value, imm=0)
                b.op("fence.i")
                for _ in range(between):
                    b.random_op(b.rng.choice(("add", "xor", "addi")))
            b.address_of_later(base, rest)
            b.word(encode("addi"))  # the slot

    b.kept.add(29)
    b.loop(inside, b.rng.randrange(2, 9))
    b.kept.discard(29)


def made(kind: str, body: Callable[[Builder], None], rounds: int,
         memory: int = 256) -> Callable[[random.Random], Program]:
    def make(rng: random.Random) -> Program:
        b = Builder(rng, memory)
        body(b)
        end = b.end()
        return Program(kind, bytes(b.code), end, rounds=rounds, memory=memory, used=b.used,
                       status=MACHINE | FLOAT_ON)
    return make


CLASSES = {
    "integer": made("integer", mixed(INTEGER, 1), 40),
    "multiply": made("multiply", mixed(names("m"), 0.8), 40),
    "bits": made("bits", mixed(names("zba", "zbb", "zbc", "zbs"), 0.85), 40),
    "atomic": made("atomic", mixed(names("a"), 0.7, 0.97), 30),
    "float": made("float", floating, 60),
    "compressed": made("compressed", compressed, 30),
    "misaligned": made("misaligned", mixed(names("i", "f", "d", forms="load store fload fstore"), 0.8, 0.2), 30, 64),
    "illegal": made("illegal", illegal, 4),
    "self-modifying": made("self-modifying", self_modifying, 10),
}
