# SPDX-License-Identifier: Apache-2.0
"""What all generators of programs share: emitting instructions, alone or in patterns that stay in scratch memory."""

import random
from collections import Counter
from collections.abc import Callable

from riscv import DYN, TABLE, X_SCRATCH, encode, load_immediate

ROUNDINGS = [0, 1, 2, 3, 4, DYN, DYN, DYN, DYN, DYN]
ACCESS_SIZE = {"b": 1, "h": 2, "w": 4, "d": 8, "bu": 1, "hu": 2, "wu": 4}


class Builder:
    def __init__(self, rng: random.Random, memory: int = 256) -> None:
        self.rng = rng
        self.memory = memory
        self.code = bytearray()
        self.used: Counter[str] = Counter()
        self.kept = {X_SCRATCH}  # registers that must not be written

    @property
    def here(self) -> int:
        return len(self.code)

    # Emitting -------------------------------------------------------------------------------------

    def word(self, word: int) -> None:
        self.code += word.to_bytes(4, "little")

    def half(self, half: int) -> None:
        self.code += half.to_bytes(2, "little")

    def op(self, name: str, *args: int, **fields: int) -> None:
        self.used[name] += 1
        self.word(encode(name, *args, **fields))

    def li(self, rd: int, value: int) -> None:
        for word in load_immediate(rd, value):
            self.word(word)

    def csr(self, name: str, number: int, rd: int, rs1: int) -> None:
        self.op(name, rd, rs1, imm=number)

    def write_csr(self, number: int, value: int, temporary: int = 5) -> None:
        self.li(temporary, value)
        self.csr("csrrw", number, 0, temporary)

    def address_of_later(self, rd: int, emit: Callable[[], None]) -> None:
        """rd = the address behind what `emit` emits."""
        place = self.here
        self.code += bytes(8)
        emit()
        distance = self.here - place
        self.code[place:place + 8] = (encode("auipc", rd).to_bytes(4, "little") +
                                      encode("addi", rd, rd, imm=distance).to_bytes(4, "little"))

    def end(self) -> int:
        """The ECALL that ends a round: its offset."""
        while self.here % 4:
            self.half(0x0001)
        self.word(encode("ecall"))
        return self.here - 4

    # Registers ------------------------------------------------------------------------------------

    def reg(self) -> int:
        """One that may be written."""
        while True:
            register = self.rng.randrange(32)
            if register not in self.kept:
                return register

    def temporary(self) -> int:
        """One that may be written and keeps what is written."""
        while True:
            register = self.reg()
            if register:
                return register

    def src(self) -> int:
        return self.rng.randrange(32)

    # Random instructions --------------------------------------------------------------------------

    def rounding(self) -> int:
        return self.rng.choice((5, 6)) if self.rng.random() < 0.01 else self.rng.choice(ROUNDINGS)

    def immediate(self) -> int:
        return self.rng.choice((0, 1, -1, 2047, -2048, *(self.rng.randrange(-2048, 2048) for _ in range(2))))

    def random_op(self, name: str, aligned: float = 1.0) -> None:
        """The instruction with random operands; what accesses memory does so around x30."""
        form, rng = TABLE[name][0], self.rng
        if form == "none":
            self.op(name)
        elif form == "b":
            self.skip(name)
        elif form in ("load", "store", "fload", "fstore"):
            self.access(name, aligned)
        elif form in ("lr", "amo"):
            self.atomic(name, aligned)
        elif name == "ctzw":  # of a word that is not zero: for zero, QEMU 7.2 says 64
            word = self.temporary()
            self.op("bseti", word, self.src(), imm=31)
            self.op(name, self.reg(), word)
        elif form in ("r", "ftox", "fcmp", "unary"):
            self.op(name, self.reg(), self.src(), self.src())
        elif form in ("f2", "xtof"):
            self.op(name, self.src(), self.src(), self.src())
        elif form == "i":
            self.op(name, self.reg(), self.src(), imm=self.immediate())
        elif form in ("sh6", "sh5"):
            self.op(name, self.reg(), self.src(), imm=rng.randrange(64 if form == "sh6" else 32))
        elif form == "u":
            self.op(name, self.reg(), imm=rng.choice((0, 1, 0x7ffff, 0x80000, 0xfffff, rng.getrandbits(20))))
        elif form == "ftoxrm":
            self.op(name, self.reg(), self.src(), rm=self.rounding())
        else:  # floating point with rm
            self.op(name, self.src(), self.src(), self.src(), rs3=self.src(), rm=self.rounding())

    def offset(self, size: int, aligned: float) -> int:
        offset = self.rng.randrange(-self.memory, self.memory - 8)
        return offset & -size if self.rng.random() < aligned else offset

    def access(self, name: str, aligned: float = 1.0) -> None:
        form = TABLE[name][0]
        kind = name[1:] if form in ("load", "store") else name[2:]
        offset = self.offset(ACCESS_SIZE[kind], aligned)
        base = X_SCRATCH
        if self.rng.random() < 0.3:
            base = self.temporary()
            part = self.rng.randrange(-1024, 1024)
            self.op("addi", base, X_SCRATCH, imm=offset - part)
            offset = part
        if form == "load":
            self.op(name, self.reg(), base, imm=offset)
        elif form == "fload":
            self.op(name, self.src(), base, imm=offset)
        else:
            self.op(name, 0, base, self.src(), imm=offset)

    def atomic(self, name: str, aligned: float = 1.0) -> None:
        size = 8 if name.endswith(".d") else 4
        base = self.temporary()
        if name.startswith("sc."):  # QEMU 7.2 lets a misaligned one without reservation fail silently
            aligned = 1.0
        self.op("addi", base, X_SCRATCH, imm=self.offset(size, aligned))
        order = self.rng.randrange(4)
        if name.startswith("sc."):  # with a reservation, mostly for the same place
            self.op("lr" + name[2:], self.reg_but(base), base, order=self.rng.randrange(4))
            for _ in range(self.rng.randrange(3)):
                self.op("addi", self.reg_but(base), self.src(), imm=self.immediate())
            if self.rng.random() < 0.2:
                self.op("addi", base, X_SCRATCH, imm=self.offset(size, 1.0))
        self.op(name, self.reg(), base, 0 if name.startswith("lr.") else self.src(), order=order)

    def reg_but(self, register: int) -> int:
        while True:
            other = self.reg()
            if other != register:
                return other

    def skip(self, name: str = "beq", inside: Callable[[], None] | None = None) -> None:
        """A conditional branch over something."""
        place = self.here
        self.used[name] += 1
        self.code += bytes(4)
        if inside is None:
            for _ in range(self.rng.randrange(1, 500 if self.rng.random() < 0.01 else 4)):
                self.random_op(self.rng.choice(("add", "xor", "addi", "sub", "srliw")))
        else:
            inside()
        word = encode(name, 0, self.src(), self.src(), imm=self.here - place)
        self.code[place:place + 4] = word.to_bytes(4, "little")

    def loop(self, inside: Callable[[], None], times: int) -> None:
        """Counts x31 down."""
        self.kept.add(31)
        self.li(31, times)
        start = self.here
        inside()
        self.op("addi", 31, 31, imm=-1)
        self.op("bne", 0, 31, 0, imm=start - self.here)
        self.kept.discard(31)
