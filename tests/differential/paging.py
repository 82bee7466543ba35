# SPDX-License-Identifier: Apache-2.0
"""Programs about address translation: Sv39, Sv48 and Sv57 with pages of all sizes, rights, bits and errors.

The first two megabytes (harness, scratch memory, tables) are mapped to themselves for S-mode, the programs
for the mode they run in. Beside that there are a few mappings at other places, which are what is tested.
"""

import dataclasses
import random

from builder import Builder
from image import ALL_BACK, BASE, CODE, EMPTY, FLOAT_ON, PAGE_TABLES, SCRATCH, TABLES, TABLES_SIZE, Program
from privileged import (MEDELEG, MENVCFG, MPP_SHIFT, MPRV, MSTATUS, MXR, PMPADDR0, PMPCFG0, SATP, SSTATUS, SUM,
                        SUPER, USER, enter, small)
from riscv import names

V, R, W, X, U, G, A, D = (1 << i for i in range(8))
ENTRIES = TABLES_SIZE // 4096
ACCESSES = names("i", "f", "d", forms="load store fload fstore")
ATOMICS = [n for n in names("a") if not n.startswith("sc.")]


@dataclasses.dataclass
class Mapping:
    va: int  # where scratch memory page `page` is to be found
    entry: int  # the leaf's address
    level: int
    target: int
    user: bool = False  # whether it is, or ever becomes, a page of U-mode


class Tables:
    """Page tables being built: a list of entries to write."""

    def __init__(self, rng: random.Random, levels: int) -> None:
        self.rng, self.levels = rng, levels
        self.writes: dict[int, int] = {}
        self.next = TABLES + 4096
        self.known: dict[int, int] = {}  # entry that points to a table: the table
        self.wrong_tables = 0.0  # how often such an entry has a bit that is for leaves

    def canonical(self, va: int) -> int:
        bits = 12 + 9 * self.levels
        va &= (1 << bits) - 1
        return va | ((1 << 64) - (1 << bits) if va >> (bits - 1) else 0)

    def slot(self, va: int, level: int) -> int | None:
        """Where the entry of that level for `va` is; None if there is no room for the tables."""
        table = TABLES
        for at in range(self.levels - 1, level, -1):
            where = table + (va >> (12 + 9 * at) & 511) * 8
            if where not in self.known:
                if where in self.writes or self.next >= TABLES + TABLES_SIZE:
                    return None
                self.known[where] = self.next
                wrong = self.rng.random() < self.wrong_tables
                self.writes[where] = self.next >> 2 | V | (self.rng.choice((A, D, U)) if wrong else 0)
                self.next += 4096
            table = self.known[where]
        return table + (va >> (12 + 9 * level) & 511) * 8

    def map(self, va: int, level: int, target: int, flags: int) -> int | None:
        where = self.slot(va, level)
        if where is None or where in self.writes:
            return None
        self.writes[where] = target >> 2 | flags
        return where


def flags(rng: random.Random) -> int:
    kind = rng.random()
    bits = rng.choice((R, R | W, R | W | X, R | X, X, R | W | X, R | W))
    bits |= rng.choice((0, U)) | rng.choice((0, G)) | rng.getrandbits(2) << 8
    bits |= rng.choice((A | D, A | D, A, 0))
    if kind < 0.8:
        return V | bits
    if kind < 0.84:
        return bits  # not valid
    if kind < 0.88:
        return V | (bits & ~(R | X)) | W  # reserved
    if kind < 0.91:
        return V | W | X | (bits & ~R)  # reserved
    if kind < 0.94:
        return V | bits | 1 << rng.randrange(54, 64)  # reserved bits
    if kind < 0.97:
        return V | (bits & ~(R | W | X))  # a table where none can be, or one with A, D, U
    return rng.getrandbits(10)


def is_table(bits: int, level: int) -> bool:
    return level > 0 and bits & (V | R | W | X) == V


def place(rng: random.Random, levels: int) -> int:
    """An address in either half, not in what is mapped to itself."""
    bits = 12 + 9 * levels
    top = rng.choice((0, 1, 3, 255, 256, 511, rng.randrange(512)))
    if levels == 3 and top == 2 or levels > 3 and top == 0:
        top = 256
    return (top << (bits - 9)) | rng.getrandbits(bits - 9) & ~0x3fffff | rng.randrange(4) << 12


def make_mappings(rng: random.Random, tables: Tables) -> list[Mapping]:
    mappings: list[Mapping] = []
    for _ in range(rng.randrange(3, 9)):
        level = rng.choice((0, 0, 0, 1, 1, 2, tables.levels - 1))
        size = 1 << (12 + 9 * level)
        if mappings and rng.random() < 0.3:
            va = mappings[-1].va + 4096  # a neighbour: accesses may cross
        else:
            va = place(rng, tables.levels)
        page = SCRATCH + rng.randrange(8) * 4096
        target = page & -size
        if level and rng.random() < 0.15:
            target |= 1 << rng.randrange(12, 12 + 9 * level)  # a superpage that is not aligned
        leaf = flags(rng)
        # Not a table that is something else, or where no memory is: it leads anywhere, to device registers and to
        # where nothing is. What QEMU 7.2 does otherwise there is left out of the programs as their addresses are.
        if is_table(leaf, level):
            target = EMPTY
        base = tables.canonical(va & -size)
        entry = tables.map(base, level, target, leaf)
        if entry is not None:
            mappings.append(Mapping(base + (page & size - 1), entry, level, target, leaf & U != 0))
    return mappings


class Body:
    def __init__(self, b: Builder, mappings: list[Mapping], levels: int, reaches_user: bool) -> None:
        self.b, self.mappings, self.levels = b, mappings, levels
        self.reaches_user = reaches_user  # S-mode, with SUM
        self.crosses = True  # whether accesses may cross a page
        self.status: int | None = None  # what mstatus is set to before each access

    def address(self, size: int) -> int:
        rng = self.b.rng
        kind = rng.random()
        if kind < 0.8 and self.mappings:
            va = rng.choice(self.mappings).va
            if self.crosses and rng.random() < 0.1:  # across the end, misaligned
                return va + 4096 - rng.randrange(1, 8)
            return va + rng.randrange(128) * 8 + (rng.randrange(8) if rng.random() < 0.1 else 0)
        if kind < 0.83:
            # Behind the windows for PCI, where QEMU's machine answers: a page may be as large as to hold them.
            return place(rng, self.levels) | 1 << 35
        if kind < 0.96 and self.mappings:  # not canonical: one bit, or all above those that are translated
            top = 12 + 9 * self.levels
            above = (1 << 64) - (1 << top)
            wrong = rng.choice((1 << rng.randrange(top, 64), above, above))
            return rng.choice(self.mappings).va ^ wrong
        return SCRATCH + rng.randrange(0x1000) * 8

    def access(self) -> None:
        b, rng = self.b, self.b.rng
        pointer = b.temporary()
        address = self.address(8)
        if self.status is not None:
            b.write_csr(MSTATUS, self.status, pointer)
        if self.mappings and rng.random() < 0.2:
            # Where scratch memory is, if anything: QEMU 7.2 reports AMOs as loads where the load is what is refused.
            b.li(pointer, rng.choice(self.mappings).va + rng.randrange(128) * 8)
            name = rng.choice(ATOMICS)
            b.op(name, b.reg(), pointer, 0 if name.startswith("lr.") else b.src(), order=rng.randrange(4))
        else:
            b.li(pointer, address)
            b.op(rng.choice(ACCESSES), b.reg(), pointer, b.src())

    def fetch(self) -> None:
        b = self.b
        pointer = b.temporary()
        # Where a load with SUM was before, QEMU 7.2 lets S-mode execute pages of U-mode.
        mappings = [m for m in self.mappings if not (self.reaches_user and m.user)]
        if not mappings:
            return
        b.li(pointer, b.rng.choice(mappings).va + 0x800 + b.rng.randrange(0x200) * 2)
        b.op("jalr", 1, pointer)

    def change(self) -> None:
        """Another entry for a page, and a fence, of one address or of all."""
        b = self.b
        if not self.mappings:
            return
        mapping = b.rng.choice(self.mappings)
        new = flags(b.rng) & (0xff if mapping.user or not self.reaches_user else 0xff & ~U)
        if is_table(new, mapping.level) and mapping.target != EMPTY:
            new = 0
        b.li(5, mapping.entry)
        b.op("lbu", 6, 5, imm=0)
        b.op("addi", 6, 0, imm=new)
        b.op("sb", 0, 5, 6, imm=0)
        b.li(5, mapping.va)
        kind = b.rng.random()
        if kind < 0.4:
            b.op("sfence.vma")
        elif kind < 0.7:
            b.op("sfence.vma", 0, 5, 0)
        else:
            b.op("sfence.w.inval")
            b.op("sinval.vma", 0, 5, 0)
            b.op("sfence.inval.ir")


def make(rng: random.Random) -> Program:
    levels = rng.choice((3, 3, 4, 5))
    mode = rng.choice((USER, SUPER, SUPER))
    b = Builder(rng, 4096)
    tables = Tables(rng, levels)
    own = V | R | W | X | A | D
    for va, bits in ((BASE, 0), (CODE, U if mode == USER else 0)):
        tables.map(va, 1, va, own | bits)
    tables.wrong_tables = 0.03
    mappings = make_mappings(rng, tables)

    status = sum(bit for bit in (SUM, MXR) if rng.random() < 0.4)
    loads_for_another = rng.random() < 0.2
    protected = rng.random() < 0.15
    if protected:  # a table, not one that the programs or the harness need, and a page that PMP takes away
        b.write_csr(PMPADDR0 + 1, (TABLES + rng.randrange(levels - 1, ENTRIES) * 4096) >> 2 | 0x1ff)
        # Not one that is only readable: QEMU 7.2 sets A and D there.
        b.write_csr(PMPADDR0 + 2, (SCRATCH + rng.randrange(8) * 4096) >> 2 | 0x1ff)
        b.write_csr(PMPCFG0, rng.choice((0x18, 0x1b, 0x1f)) << 8 | rng.choice((0x18, 0x19, 0x1f, 0x1c)) << 16)
    if rng.random() < 0.4:
        b.write_csr(MEDELEG, rng.getrandbits(16) & 0xb0ff)
    b.write_csr(MENVCFG, 1 << 61)  # ADUE: QEMU 7.2, which does not know it, always sets A and D
    b.write_csr(SATP, (levels + 5) << 60 | rng.choice((0, 1, 0xffff)) << 44 | TABLES >> 12)
    b.op("sfence.vma")
    reaches_user = mode == SUPER and rng.random() < 0.7
    if mode == SUPER and not reaches_user:
        status &= ~SUM
    body = Body(b, mappings, levels, reaches_user)
    # QEMU 7.2 asks PMP for the whole of an access that crosses a page as if the pages were neighbours.
    body.crosses = not protected
    if loads_for_another:
        body.status = status | mode << MPP_SHIFT | FLOAT_ON | MPRV
    else:
        enter(b, mode, status)
    for _ in range(rng.randrange(12, 30)):
        kind = rng.random()
        if kind < 0.65 or loads_for_another:
            body.access()
        elif kind < 0.8:
            body.fetch()
        elif kind < 0.9 and mode == SUPER:
            body.change()
        elif kind < 0.95 and mode == SUPER:
            b.li(5, rng.choice((SUM, MXR, SUM | MXR)) if reaches_user else MXR)
            b.csr(rng.choice(("csrrs", "csrrc")), SSTATUS, b.reg(), 5)
        else:
            small(b)
    end = b.end()
    return Program("paging", bytes(b.code), end, rounds=3, flags=ALL_BACK | PAGE_TABLES, memory=4096, used=b.used,
                   writes=sorted(tables.writes.items()))


CLASSES = {"paging": make}
