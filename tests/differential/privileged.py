# SPDX-License-Identifier: Apache-2.0
"""Programs about control registers, traps, interrupts, modes and physical memory protection."""

import random
from collections.abc import Callable

from builder import Builder
from computing import illegal_word
from image import ALL_BACK, FLOAT_ON, LOCKED, MACHINE, SCRATCH, Program
from riscv import names

# Control registers, by what a program may do with them.
FFLAGS, FRM, FCSR = 1, 2, 3
SSTATUS, SIE, STVEC, SCOUNTEREN, SENVCFG, SSCRATCH, SEPC, SCAUSE, STVAL, SIP, SATP = (
    0x100, 0x104, 0x105, 0x106, 0x10a, 0x140, 0x141, 0x142, 0x143, 0x144, 0x180)
MSTATUS, MISA, MEDELEG, MIDELEG, MIE, MTVEC, MCOUNTEREN, MENVCFG, MSCRATCH, MEPC, MCAUSE, MTVAL, MIP = (
    0x300, 0x301, 0x302, 0x303, 0x304, 0x305, 0x306, 0x30a, 0x340, 0x341, 0x342, 0x343, 0x344)
PMPCFG0, PMPCFG2, PMPADDR0 = 0x3a0, 0x3a2, 0x3b0
MVENDORID, MHARTID, MCONFIGPTR = 0xf11, 0xf14, 0xf15
STIMECMP, CYCLE, TIME, INSTRET, MCYCLE = 0x14d, 0xc00, 0xc01, 0xc02, 0xb00

UNPRIVILEGED = [FFLAGS, FRM, FCSR]
SUPERVISOR = [SSTATUS, SIE, SCOUNTEREN, SENVCFG, SSCRATCH, SEPC, SCAUSE, STVAL, SIP, SATP]
MACHINE_LEVEL = [MSTATUS, MISA, MEDELEG, MIDELEG, MIE, MCOUNTEREN, MENVCFG, MEPC, MCAUSE, MTVAL, MIP]
READ_ONLY = [MHARTID, MCONFIGPTR]
ABSENT = [0x004, 0x107, 0x10b, 0x145, 0x1ff, 0x200, 0x280, 0x307, 0x30f, 0x345, 0x380, 0x3c0, 0x3ff, 0x400, 0x5aa,
          0x600, 0x680, 0x7b0, 0x800, 0x8ff, 0xa00, 0xd00, 0xe00, 0xfff]

MIE_BIT, MPRV, SUM, MXR, TVM, TW, TSR = 1 << 3, 1 << 17, 1 << 18, 1 << 19, 1 << 20, 1 << 21, 1 << 22
MPP_SHIFT = 11
USER, SUPER = 0, 1
CSR_OPS = ("csrrw", "csrrs", "csrrc", "csrrwi", "csrrsi", "csrrci")

# Nothing is there on either machine.
HOLES = [0x0, 0xf8, 0x200000, 0x0f000000, 0x18000000, 0x7000_0000_0000, 0x00ff_ffff_ffff_f000]
EXCEPTIONS_TO_DELEGATE = 0xb1ff  # not the environment call from S-mode: the handler there makes one


def small(b: Builder) -> None:
    b.random_op(b.rng.choice(("add", "xor", "addi", "sltu", "mul", "ld", "sd", "lw", "sw")))


def csr_access(b: Builder, number: int) -> None:
    """One instruction, its operand such that what QEMU 7.2 does otherwise than the manual is not met."""
    name = b.rng.choice(CSR_OPS)
    if name.endswith("i"):
        operand = b.src()
        if number in (SENVCFG, MENVCFG):
            operand &= 1
        if number in (SEPC, MEPC):
            operand &= ~1
        if number in (MIDELEG, MIE, MIP):
            operand &= 0xb
    else:
        operand = b.temporary()
        b.op("addi", operand, b.src(), imm=0)
        if number >> 10 == 3 or number in UNPRIVILEGED:  # nothing to set or clear is no write, though rs1 is not x0
            b.op("ori", operand, operand, imm=1)
        if number in (SSTATUS, MSTATUS):  # VS, GVA, MPV are there without V and H; UXL can be anything
            b.op("andi", operand, operand, imm=~0x600)
            if number == MSTATUS:  # MPP can become 2: so 1 and 3 are set, 2 and 3 cleared, 0, 1 and 3 written
                first, second = (12, 11) if name == "csrrc" else (11, 12)
                whether = b.rng.random()
                b.op("bseti" if whether < 0.7 else "bclri", operand, operand, imm=first)
                b.op("bseti" if whether < 0.3 else "bclri", operand, operand, imm=second)
            b.op("bclri", operand, operand, imm=38)
            b.op("bclri", operand, operand, imm=39)
            b.op("bclri", operand, operand, imm=33 if name == "csrrc" else 32)
            if name == "csrrw":
                b.op("bseti", operand, operand, imm=33)
        # Fields of Zicbom, Zicboz and Svpbmt are there without them, Svadu's is not. For STCE see `interrupts`.
        if number in (SENVCFG, MENVCFG):
            b.op("andi", operand, operand, imm=~0xf0)
            for bit in (61, 62, 63):
                b.op("bclri", operand, operand, imm=bit)
        if number in (SEPC, MEPC):  # bit 0 is there
            b.op("andi", operand, operand, imm=~1)
        if number in (MCOUNTEREN, SCOUNTEREN):  # the upper half is there
            b.op("add.uw", operand, operand, 0)
        if number in (MIDELEG, MIE, MIP):  # interrupts of VS-mode and of counters are there without H and Sscofpmf
            b.op("andi", operand, operand, imm=~0x444)
            b.op("bclri", operand, operand, imm=12)
            b.op("bclri", operand, operand, imm=13)
        if number == MEDELEG:  # so are ECALL from M- and VS-mode and guest page faults
            for bit in (10, 11, 20, 21, 22, 23):
                b.op("bclri", operand, operand, imm=bit)
    b.csr(name, number, b.reg(), operand)


def csrs(b: Builder) -> None:
    """Reads and writes of every register, from M-mode."""
    for _ in range(b.rng.randrange(20, 50)):
        kind = b.rng.random()
        if kind < 0.85:
            csr_access(b, b.rng.choice(UNPRIVILEGED + SUPERVISOR + MACHINE_LEVEL))
        elif kind < 0.9:
            csr_access(b, b.rng.choice(READ_ONLY + ABSENT))
        elif kind < 0.95:  # the harness needs these two: they are put back
            number = b.rng.choice((MTVEC, MSCRATCH))
            b.csr("csrrw", number, 29, b.src())
            b.csr("csrrs", number, b.reg_but(29), 0)
            b.csr("csrrw", number, b.reg_but(29), 29)
        else:
            b.csr("csrrs", STVEC, b.reg(), 0)
            b.csr("csrrw", STVEC, b.reg(), b.src())
            b.csr("csrrs", STVEC, b.reg(), 0)
        if b.rng.random() < 0.1:
            b.write_csr(MSTATUS, MACHINE | FLOAT_ON)


def enter(b: Builder, mode: int, status: int = 0) -> None:
    """MRET to what follows."""
    b.write_csr(MSTATUS, mode << MPP_SHIFT | FLOAT_ON | status)

    def leave() -> None:
        b.csr("csrrw", MEPC, 0, 5)
        b.op("mret")
    b.address_of_later(5, leave)


def wild_load(b: Builder) -> None:
    address = b.temporary()
    b.li(address, b.rng.choice(HOLES) + b.rng.randrange(8) * 8)
    # Not AMOs: QEMU 7.2 does their load first and reports that it failed.
    name = b.rng.choice([*names("i", "f", "d", forms="load store fload fstore"), "lr.w", "lr.d"])
    b.op(name, b.reg(), address, 0 if name.startswith("lr.") else b.src())


def wild_jump(b: Builder) -> None:
    address = b.temporary()
    b.li(address, b.rng.choice(HOLES) + b.rng.randrange(8) * 2)
    b.op("jalr", 1, address, imm=0)


def exception(b: Builder) -> None:
    kind = b.rng.randrange(8)
    if kind == 0:
        b.word(illegal_word(b.rng))
    elif kind == 1:
        b.op("ebreak")
    elif kind == 2:
        b.half(0x9002)
    elif kind == 3:
        b.op("ecall")
    elif kind == 4:
        wild_load(b)
    elif kind == 5:
        wild_jump(b)
    elif kind == 6:
        b.atomic(b.rng.choice(("amoadd.w", "amoswap.d", "lr.w", "lr.d")), 0.0)
    else:
        b.half(b.rng.choice((0x0000, 0x2001, 0x4002, 0x6002, 0x6101, 0x8002, 0x9c41, 0x8000, 0x9c61)))


def traps(b: Builder) -> None:
    """Exceptions of every kind from each mode, some delegated."""
    mode = b.rng.choice((USER, SUPER, SUPER, 3))
    delegated = b.rng.getrandbits(16) & EXCEPTIONS_TO_DELEGATE if b.rng.random() < 0.6 else 0
    b.write_csr(MEDELEG, delegated)
    if mode != 3:
        enter(b, mode)
    for _ in range(b.rng.randrange(10, 30)):
        (exception if b.rng.random() < 0.5 else small)(b)


def modes(b: Builder) -> None:
    """What each mode may do: registers of all levels, returns, fences, with TVM, TW and TSR."""
    mode = b.rng.choice((USER, SUPER, SUPER, SUPER))
    status = sum(bit for bit in (TVM, TW, TSR, SUM, MXR) if b.rng.random() < 0.3)
    if b.rng.random() < 0.2:
        status ^= FLOAT_ON
    if status & TSR == 0:  # with it the handler in S-mode cannot return
        b.write_csr(MEDELEG, b.rng.getrandbits(16) & EXCEPTIONS_TO_DELEGATE if b.rng.random() < 0.4 else 0)
        b.write_csr(MIDELEG, b.rng.getrandbits(12) & ~0x444)
    b.write_csr(MCOUNTEREN, b.rng.getrandbits(3))
    enter(b, mode, status)
    for _ in range(b.rng.randrange(10, 30)):
        kind = b.rng.random()
        if kind < 0.2:
            csr_access(b, b.rng.choice(SUPERVISOR[:-1] + UNPRIVILEGED + MACHINE_LEVEL + ABSENT))
        elif kind < 0.25:
            b.csr("csrrs", SATP, b.reg(), 0)
        elif kind < 0.35:
            csr_access(b, b.rng.choice((SSTATUS, SIE, SIP, SCAUSE, STVAL, SSCRATCH)))
        elif kind < 0.45:  # SRET to what follows, to S or U
            csr_access(b, SSTATUS)

            def leave() -> None:
                b.csr("csrrw", SEPC, 0, 5)
                b.op("sret")
            b.address_of_later(5, leave)
        elif kind < 0.55:
            name = b.rng.choice(("mret", "sfence.vma"))
            b.op(name, 0, b.src(), b.src())
        elif kind < 0.6 and mode == USER:
            b.op("sret")
        elif kind < 0.63:  # counters: whether they may be read, not what they say
            b.csr("csrrs", b.rng.choice((CYCLE, TIME, INSTRET)), 5, 0)
            b.op("addi", 5, 0, imm=1)
        elif kind < 0.66:
            b.random_op(b.rng.choice(("fadd.d", "fmul.s", "fld", "fsd", "fmv.x.d", "fcvt.d.w")))
        elif kind < 0.75:
            exception(b)
        else:
            small(b)


def interrupts(b: Builder) -> None:
    """Software and timer interrupts, pending before they are enabled, taken where they become enabled."""
    b.write_csr(MIDELEG, b.rng.choice((0, 0x222, b.rng.getrandbits(12) & ~0x444)))
    for _ in range(b.rng.randrange(1, 4)):
        pending = b.rng.getrandbits(12) & 0x222
        b.write_csr(MIP, pending)
        if b.rng.random() < 0.4:  # MSIP
            b.li(5, 0x2000000)
            b.op("addi", 6, 0, imm=1)
            b.op("sw", 0, 5, 6)
            wait_for(b, 0x8)
        if b.rng.random() < 0.4:  # MTIP
            b.li(5, 0x2004000)
            b.op("sd", 0, 5, 0)
            wait_for(b, 0x80)
        if b.rng.random() < 0.3:  # STIP by stimecmp
            b.write_csr(MENVCFG, 1 << 63)
            b.csr("csrrwi", STIMECMP, 0, b.rng.randrange(2))
            wait_for(b, 0x20)
        enabled = b.rng.choice((0xaaa, b.rng.getrandbits(12) & ~0x444))
        b.write_csr(MIE, enabled)
        if pending & enabled & ~0x20:  # ends at once
            b.op("wfi")
        b.csr("csrrs", MIP, b.reg(), 0)
        b.csr("csrrs", SIP, b.reg(), 0)
        if b.rng.random() < 0.5:
            b.csr("csrrsi", MSTATUS, b.reg(), MIE_BIT)
            small(b)
            b.csr("csrrci", MSTATUS, b.reg(), MIE_BIT)
    mode = b.rng.choice((USER, SUPER))
    enter(b, mode, b.rng.choice((0, 2, 0x20, 0x80, 0xa0, 0xaa)))
    for _ in range(b.rng.randrange(5, 15)):
        kind = b.rng.random()
        if kind < 0.3:
            b.csr(b.rng.choice(("csrrsi", "csrrci", "csrrwi")), b.rng.choice((SSTATUS, SIP, SIE)), b.reg(),
                  b.rng.choice((2, 2, 0, 31)))
        else:
            small(b)


def wait_for(b: Builder, bits: int) -> None:
    """Until these bits of mip are set: lines rise some time after the store."""
    start = b.here
    b.csr("csrrs", MIP, 7, 0)
    b.op("andi", 7, 7, imm=bits)
    b.op("beq", 0, 7, 0, imm=start - b.here)


# Physical memory protection -----------------------------------------------------------------------

OFF, TOP, FOUR, POWER = 0, 1, 2, 3


def region_address(rng: random.Random, mode: int, base: int, size: int) -> int:
    """A pmpaddr value that stays in [base, base + size)."""
    if mode == POWER:
        order = rng.randrange(3, size.bit_length())
        start = base + rng.randrange(size >> order) * (1 << order)
        return start >> 2 | (1 << order - 3) - 1
    at = base + rng.choice((rng.randrange(size), rng.randrange(size) & ~0xfff, rng.randrange(size) & ~7))
    return at >> 2


def accesses_around(b: Builder, addresses: list[int], base: int, size: int, count: int,
                    misaligned: float, status: int | None = None) -> None:
    """`status` is what mstatus is set to before each: then nothing is fetched from there either."""
    for _ in range(count):
        pointer = b.temporary()
        around = b.rng.choice(addresses) + b.rng.randrange(-8, 9)
        around = min(max(around, base), base + size - 8)
        name = b.rng.choice(names("i", "f", "d", "a", forms="load store fload fstore lr amo"))
        if name.startswith("sc."):
            continue
        b.used[name] += 1
        kind = b.rng.random()
        if status is not None:
            kind /= 2
            b.write_csr(MSTATUS, status, pointer)
        if name.startswith(("lr.", "amo")):
            b.li(pointer, around & -8)
            b.op(name, b.reg(), pointer, 0 if name.startswith("lr.") else b.src())
        elif kind < 0.85:
            # A misaligned access may be checked in parts: in which, is seen where it crosses a page.
            b.li(pointer, around if b.rng.random() < misaligned and 8 <= around & 0xfff < 0xff8 else around & -8)
            b.op(name, b.reg(), pointer, b.src())
        elif kind < 0.95:
            b.li(pointer, SCRATCH + 0x4000 + b.rng.randrange(0x2000) * 2)
            b.op("jalr", 1, pointer)
        else:
            small(b)


def protection(b: Builder) -> None:
    """PMP entries over the scratch memory, and accesses around their ends from each mode."""
    size, addresses = 0x8000, []
    narrow = False  # QEMU 7.2 does not see an entry that lies inside a misaligned access
    for entry in range(15):
        b.write_csr(PMPADDR0 + entry, SCRATCH >> 2)
    first = b.rng.randrange(1, 13)
    config = [0] * 16
    config[15] = 0x1f
    for entry in range(first, first + b.rng.randrange(1, 3)):
        mode = b.rng.choice((TOP, TOP, FOUR, POWER, POWER, OFF))
        value = region_address(b.rng, mode, SCRATCH, size)
        b.write_csr(PMPADDR0 + entry, value)
        if mode == TOP:
            addresses += [value << 2]
            narrow = narrow or any(0 < value - (a >> 2) < 2 for a in addresses + [SCRATCH])
        elif mode == POWER:
            ones = value ^ value + 1
            addresses += [(value & ~ones) << 2, ((value | ones) + 1) << 2]
        else:
            addresses += [value << 2]
            narrow = narrow or mode == FOUR
        config[entry] = mode << 3 | b.rng.choice((0, 1, 3, 4, 5, 7))
        b.csr("csrrs", PMPADDR0 + entry, b.reg(), 0)
    b.write_csr(PMPCFG0, sum(c << 8 * i for i, c in enumerate(config[:8])))
    b.write_csr(PMPCFG2, sum(c << 8 * i for i, c in enumerate(config[8:])))
    b.csr("csrrs", PMPCFG0, b.reg(), 0)
    b.op("sfence.vma")
    how = b.rng.random()
    if how < 0.7:
        enter(b, b.rng.choice((USER, SUPER)))
    status = None
    if how >= 0.9:
        status = b.rng.choice((USER, SUPER)) << MPP_SHIFT | FLOAT_ON | MPRV
    accesses_around(b, addresses, SCRATCH, size, b.rng.randrange(10, 25), 0.0 if narrow else 0.3, status)


def locked_protection(b: Builder) -> None:
    """An entry that is locked, so M-mode obeys it, over a page nothing else uses. It stays till the end."""
    entry = b.rng.randrange(2, 15)
    mode = b.rng.choice((TOP, FOUR, POWER))
    value = region_address(b.rng, mode, LOCKED, 0x1000)
    bottom = LOCKED + b.rng.randrange(0x100) * 4
    if mode == TOP:
        b.write_csr(PMPADDR0 + entry - 1, bottom >> 2)
    b.write_csr(PMPADDR0 + entry, value)
    config = 0x80 | mode << 3 | b.rng.choice((0, 1, 3, 4, 5, 7))
    if entry < 8:
        b.write_csr(PMPCFG0, config << 8 * entry)
    else:
        b.write_csr(PMPCFG2, config << 8 * (entry - 8) | 0x1f << 56)
    b.op("sfence.vma")
    for number in range(PMPADDR0, PMPADDR0 + 16):
        b.csr("csrrs", number, 6, 0)
        b.op("xor", 7, 7, 6)
    if b.rng.random() < 0.5:
        enter(b, b.rng.choice((USER, SUPER)))
    accesses_around(b, [value << 2, bottom], LOCKED, 0x1000, b.rng.randrange(10, 25), 0.0)


def made(kind: str, body: Callable[[Builder], None], rounds: int, memory: int = 256,
         flags: int = ALL_BACK) -> Callable[[random.Random], Program]:
    def make(rng: random.Random) -> Program:
        b = Builder(rng, memory)
        body(b)
        end = b.end()
        return Program(kind, bytes(b.code), end, rounds=rounds, memory=memory, used=b.used, flags=flags)
    return make


# A line from outside --------------------------------------------------------------------------------

UART, PLIC, PLIC_THRESHOLD, SOURCE = 0x10000000, 0xc000000, 0xc200000, 10
MEIP, SEIP = 1 << 11, 1 << 9


def store_word(b: Builder, address: int, value: int, name: str = "sw") -> None:
    b.li(5, address)
    b.li(6, value)
    b.op(name, 0, 5, 6, imm=0)


def load_word(b: Builder, address: int, rd: int) -> None:
    b.li(rd, address)
    b.op("lw", rd, rd, imm=0)


def wait_until_clear(b: Builder, bits: int) -> None:
    start = b.here
    b.csr("csrrs", MIP, 7, 0)
    b.li(6, bits)
    b.op("and", 7, 7, 6)
    b.op("bne", 0, 7, 0, imm=start - b.here)


def external(b: Builder) -> None:
    """The interrupt that the serial port asks for when it has nothing to send, by way of the PLIC, to one or both of
    the lines of the hart. Its enable bit is cleared between claim and completion: QEMU 7.2's PLIC does not ask again
    for a line that is still up. Nor does it let a context claim what is not above its threshold."""
    priority, level = b.rng.randrange(8), (b.rng.randrange(4), b.rng.randrange(4))
    enabled = b.rng.choice(((True, False), (False, True), (True, True)))
    reaches = [enabled[context] and priority > level[context] for context in (0, 1)]
    b.write_csr(MIDELEG, b.rng.choice((0, SEIP, SEIP, 0x222)))
    store_word(b, PLIC + 4 * SOURCE, priority)
    for context in (0, 1):
        store_word(b, PLIC + 0x2000 + 0x80 * context, enabled[context] << SOURCE)
        store_word(b, PLIC_THRESHOLD + 0x1000 * context, level[context])
    for address in (PLIC + 4 * SOURCE, PLIC + 0x2000, PLIC + 0x2080, PLIC_THRESHOLD, PLIC_THRESHOLD + 0x1000):
        load_word(b, address, b.temporary())
    b.li(5, UART)
    start = b.here
    b.op("lbu", 6, 5, imm=5)  # nothing is left to send of what the harness said
    b.op("andi", 6, 6, imm=0x40)
    b.op("beq", 0, 6, 0, imm=start - b.here)
    store_word(b, UART + 1, 2, "sb")
    for context, bit in ((0, MEIP), (1, SEIP)):
        if reaches[context]:
            wait_for(b, bit)
    load_word(b, PLIC + 0x1000, b.temporary())
    b.csr("csrrs", MIP, b.reg(), 0)
    b.csr("csrrs", SIP, b.reg(), 0)
    b.write_csr(MIE, b.rng.choice((MEIP, SEIP, MEIP | SEIP, MEIP | SEIP)))
    kind = b.rng.random()
    if kind < 0.3:  # taken, if at all, in M-mode
        b.csr("csrrsi", MSTATUS, b.reg(), MIE_BIT)
        small(b)
        b.csr("csrrci", MSTATUS, b.reg(), MIE_BIT)
    elif kind < 0.6 and any(reaches):  # not taken, but asked for
        claim = PLIC_THRESHOLD + 0x1000 * b.rng.choice([context for context in (0, 1) if reaches[context]]) + 4
        load_word(b, claim, 28)
        b.kept.add(28)
        load_word(b, claim, b.temporary())
        store_word(b, UART + 1, 0, "sb")
        b.li(5, claim)
        b.op("sw", 0, 5, 28, imm=0)
        b.kept.discard(28)
        small(b)
    enter(b, b.rng.choice((USER, SUPER)), b.rng.choice((0, 2, 0x80, 0xa0, 0xaa)))
    for _ in range(b.rng.randrange(3, 8)):
        if b.rng.random() < 0.3:
            b.csr(b.rng.choice(("csrrsi", "csrrci")), SSTATUS, b.reg(), 2)
        else:
            small(b)


# Registers of devices, by every size -----------------------------------------------------------------

# What reads the same on both, and takes a zero without harm: the test finisher, the real-time clock, MSIP, where none
# is, and the PLIC.
REGISTERS = [0x100000, 0x100ff8, 0x101008, 0x101010, 0x101018, 0x2000000, 0x2000004, 0x2003ff8, 0x200c000, PLIC,
             PLIC + 4 * SOURCE, PLIC + 0x1000, PLIC + 0x2000, PLIC + 0x2080, PLIC_THRESHOLD, 0xc5ffff8]
COMPARISON = 0x2004000  # mtimecmp, as the harness leaves it
BY_SIZE = {1: ["lb", "lbu", "sb"], 2: ["lh", "lhu", "sh"], 4: ["lw", "lwu", "flw", "sw"], 8: ["ld", "fld", "sd"]}


def devices(b: Builder) -> None:
    """Loads, stores of zero and fetches of every size: which of them a device takes."""
    mode = b.rng.choice((USER, SUPER, 3, 3))
    b.write_csr(MEDELEG, b.rng.getrandbits(16) & EXCEPTIONS_TO_DELEGATE if b.rng.random() < 0.3 else 0)
    if mode != 3:
        enter(b, mode)
    for _ in range(b.rng.randrange(20, 40)):
        pointer = b.temporary()
        size = b.rng.choice(list(BY_SIZE))
        kind = b.rng.random()
        place = b.rng.choice(REGISTERS) if kind < 0.95 else COMPARISON
        b.li(pointer, (place & -size) + (b.rng.randrange(8) & -size if kind < 0.5 else 0))
        name = b.rng.choice(BY_SIZE[size])
        if 0.85 < kind < 0.95:
            b.op("jalr", 1, pointer, imm=0)
        elif not name.startswith("s"):
            b.op(name, b.reg(), pointer, imm=0)
        elif place != COMPARISON:
            b.op(name, 0, pointer, 0, imm=0)


# Jumps where instructions are aligned ----------------------------------------------------------------

def taken_or_not(b: Builder) -> None:
    """A branch, its target not aligned, forwards or backwards: if it is taken it faults and what is next follows."""
    b.op(b.rng.choice(names("i", forms="b")), 0, b.src(), b.src(), imm=4 * b.rng.randrange(-500, 500) + 2)


def jump(b: Builder, base: int, further: int) -> None:
    b.address_of_later(base, lambda: b.op("jalr", b.reg(), base, imm=further))


def aligned_jumps(b: Builder) -> None:
    """Jumps and branches to halfwords: without compressed instructions they fault, and write no register."""
    mode = b.rng.choice((USER, SUPER, SUPER, 3))
    b.write_csr(MEDELEG, b.rng.choice((0, 1, 1, 0x1ff)))
    if mode != 3:
        enter(b, mode)
    for _ in range(b.rng.randrange(20, 50)):
        kind = b.rng.random()
        if kind < 0.2:
            b.op("jal", b.reg(), imm=4 * b.rng.randrange(-1000, 1000) + 2)
        elif kind < 0.25:
            b.op("jal", b.reg(), imm=4)
        elif kind < 0.5:  # to the next instruction, or a halfword behind it; bit 0 does not count
            jump(b, b.temporary(), b.rng.randrange(4))
        elif kind < 0.7:
            taken_or_not(b)
        elif kind < 0.75:
            b.skip(b.rng.choice(names("i", forms="b")))
        else:
            small(b)


CLASSES = {
    "csr": made("csr", csrs, 12),
    "trap": made("trap", traps, 6),
    "mode": made("mode", modes, 8),
    "interrupt": made("interrupt", interrupts, 6),
    "pmp": made("pmp", protection, 4, 4096),
    "pmp-locked": made("pmp-locked", locked_protection, 3),
    "external": made("external", external, 3),
    "device": made("device", devices, 3),
    "aligned-jump": made("aligned-jump", aligned_jumps, 6),
}
LAST = {"pmp-locked": 5, "external": 5, "device": 5}
ALIGNED = {"aligned-jump"}
