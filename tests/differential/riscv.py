# SPDX-License-Identifier: Apache-2.0
"""An encoder of RISC-V instructions, made from the manuals and from nothing of Holdfast's.

`TABLE` maps a mnemonic to (format, bits that do not vary, extension); `encode` puts operands in. Registers are
numbers; `rm` is the rounding mode.
"""

import random

X_SCRATCH = 30  # what the harness points to scratch memory
RNE, RTZ, RDN, RUP, RMM, DYN = 0, 1, 2, 3, 4, 7

TABLE: dict[str, tuple[str, int, str]] = {}


def _add(extension: str, form: str, entries: dict[str, int]) -> None:
    for name, bits in entries.items():
        TABLE[name] = (form, bits, extension)


def _op(opcode: int, funct3: int, funct7: int = 0) -> int:
    return opcode | funct3 << 12 | funct7 << 25


_add("i", "u", {"lui": 0x37, "auipc": 0x17})
_add("i", "i", {n: _op(0x13, f) for n, f in (("addi", 0), ("slti", 2), ("sltiu", 3), ("xori", 4), ("ori", 6),
                                             ("andi", 7))})
_add("i", "i", {"addiw": 0x1b, "jalr": 0x67})
_add("i", "sh6", {"slli": _op(0x13, 1), "srli": _op(0x13, 5), "srai": _op(0x13, 5, 0x20)})
_add("i", "sh5", {"slliw": _op(0x1b, 1), "srliw": _op(0x1b, 5), "sraiw": _op(0x1b, 5, 0x20)})
_add("i", "r", {n: _op(0x33, f3, f7) for n, f3, f7 in (
    ("add", 0, 0), ("sub", 0, 0x20), ("sll", 1, 0), ("slt", 2, 0), ("sltu", 3, 0), ("xor", 4, 0), ("srl", 5, 0),
    ("sra", 5, 0x20), ("or", 6, 0), ("and", 7, 0))})
_add("i", "r", {n: _op(0x3b, f3, f7) for n, f3, f7 in (
    ("addw", 0, 0), ("subw", 0, 0x20), ("sllw", 1, 0), ("srlw", 5, 0), ("sraw", 5, 0x20))})
_add("i", "load", {n: _op(0x03, f) for f, n in enumerate(("lb", "lh", "lw", "ld", "lbu", "lhu", "lwu"))})
_add("i", "store", {n: _op(0x23, f) for f, n in enumerate(("sb", "sh", "sw", "sd"))})
_add("i", "b", {n: _op(0x63, f) for n, f in (("beq", 0), ("bne", 1), ("blt", 4), ("bge", 5), ("bltu", 6),
                                             ("bgeu", 7))})
_add("i", "j", {"jal": 0x6f})
_add("i", "none", {"ecall": 0x73, "ebreak": 0x100073, "mret": 0x30200073, "sret": 0x10200073, "fence": 0x0ff0000f,
                   "fence.i": 0x100f, "wfi": 0x10500073})
_add("i", "two", {"sfence.vma": 0x12000073})
_add("i", "csr", {"csrrw": _op(0x73, 1), "csrrs": _op(0x73, 2), "csrrc": _op(0x73, 3), "csrrwi": _op(0x73, 5),
                  "csrrsi": _op(0x73, 6), "csrrci": _op(0x73, 7)})
_add("svinval", "two", {"sinval.vma": 0x16000073})
_add("svinval", "none", {"sfence.w.inval": 0x18000073, "sfence.inval.ir": 0x18100073})
_add("m", "r", {n: _op(0x33, f, 1) for f, n in enumerate(("mul", "mulh", "mulhsu", "mulhu", "div", "divu", "rem",
                                                          "remu"))})
_add("m", "r", {n: _op(0x3b, f, 1) for n, f in (("mulw", 0), ("divw", 4), ("divuw", 5), ("remw", 6), ("remuw", 7))})
for _name, _f5 in (("lr", 2), ("sc", 3), ("amoswap", 1), ("amoadd", 0), ("amoxor", 4), ("amoand", 12), ("amoor", 8),
                   ("amomin", 16), ("amomax", 20), ("amominu", 24), ("amomaxu", 28)):
    for _suffix, _f3 in ((".w", 2), (".d", 3)):
        _add("a", "lr" if _name == "lr" else "amo", {_name + _suffix: _op(0x2f, _f3) | _f5 << 27})
_add("zba", "r", {"sh1add": _op(0x33, 2, 0x10), "sh2add": _op(0x33, 4, 0x10), "sh3add": _op(0x33, 6, 0x10),
                  "add.uw": _op(0x3b, 0, 4), "sh1add.uw": _op(0x3b, 2, 0x10), "sh2add.uw": _op(0x3b, 4, 0x10),
                  "sh3add.uw": _op(0x3b, 6, 0x10)})
_add("zba", "sh6", {"slli.uw": _op(0x1b, 1, 4)})
_add("zbb", "r", {"andn": _op(0x33, 7, 0x20), "orn": _op(0x33, 6, 0x20), "xnor": _op(0x33, 4, 0x20),
                  "max": _op(0x33, 6, 5), "maxu": _op(0x33, 7, 5), "min": _op(0x33, 4, 5), "minu": _op(0x33, 5, 5),
                  "rol": _op(0x33, 1, 0x30), "ror": _op(0x33, 5, 0x30), "rolw": _op(0x3b, 1, 0x30),
                  "rorw": _op(0x3b, 5, 0x30)})
_add("zbb", "unary", {n: _op(0x13, 1) | f << 20 for n, f in (("clz", 0x600), ("ctz", 0x601), ("cpop", 0x602),
                                                              ("sext.b", 0x604), ("sext.h", 0x605))})
_add("zbb", "unary", {n: _op(0x1b, 1) | f << 20 for n, f in (("clzw", 0x600), ("ctzw", 0x601), ("cpopw", 0x602))})
_add("zbb", "unary", {"orc.b": _op(0x13, 5) | 0x287 << 20, "rev8": _op(0x13, 5) | 0x6b8 << 20,
                      "zext.h": _op(0x3b, 4) | 0x080 << 20})
_add("zbb", "sh6", {"rori": _op(0x13, 5, 0x30)})
_add("zbb", "sh5", {"roriw": _op(0x1b, 5, 0x30)})
_add("zbc", "r", {"clmul": _op(0x33, 1, 5), "clmulh": _op(0x33, 3, 5), "clmulr": _op(0x33, 2, 5)})
_add("zbs", "r", {"bclr": _op(0x33, 1, 0x24), "bext": _op(0x33, 5, 0x24), "binv": _op(0x33, 1, 0x34),
                  "bset": _op(0x33, 1, 0x14)})
_add("zbs", "sh6", {"bclri": _op(0x13, 1, 0x24), "bexti": _op(0x13, 5, 0x24), "binvi": _op(0x13, 1, 0x34),
                    "bseti": _op(0x13, 1, 0x14)})
for _p, _ext, _fmt, _f3 in (("s", "f", 0, 2), ("d", "d", 1, 3)):
    _add(_ext, "fload", {"fl" + ("w" if _p == "s" else "d"): _op(0x07, _f3)})
    _add(_ext, "fstore", {"fs" + ("w" if _p == "s" else "d"): _op(0x27, _f3)})
    _add(_ext, "f4", {f"{n}.{_p}": o | _fmt << 25 for n, o in (("fmadd", 0x43), ("fmsub", 0x47), ("fnmsub", 0x4b),
                                                                ("fnmadd", 0x4f))})
    _add(_ext, "f2rm", {f"{n}.{_p}": _op(0x53, 0, f5 << 2 | _fmt) for n, f5 in (("fadd", 0), ("fsub", 1), ("fmul", 2),
                                                                                 ("fdiv", 3))})
    _add(_ext, "f1rm", {f"fsqrt.{_p}": _op(0x53, 0, 0x0b << 2 | _fmt)})
    _add(_ext, "f2", {f"{n}.{_p}": _op(0x53, f3, f5 << 2 | _fmt) for n, f5, f3 in (
        ("fsgnj", 4, 0), ("fsgnjn", 4, 1), ("fsgnjx", 4, 2), ("fmin", 5, 0), ("fmax", 5, 1))})
    _add(_ext, "fcmp", {f"{n}.{_p}": _op(0x53, f3, 0x14 << 2 | _fmt) for n, f3 in (("fle", 0), ("flt", 1), ("feq", 2))})
    for _i, _n in enumerate(("w", "wu", "l", "lu")):
        _add(_ext, "ftoxrm", {f"fcvt.{_n}.{_p}": _op(0x53, 0, 0x18 << 2 | _fmt) | _i << 20})
        _add(_ext, "xtofrm", {f"fcvt.{_p}.{_n}": _op(0x53, 0, 0x1a << 2 | _fmt) | _i << 20})
    _w = "w" if _p == "s" else "d"
    _add(_ext, "ftox", {f"fmv.x.{_w}": _op(0x53, 0, 0x1c << 2 | _fmt), f"fclass.{_p}": _op(0x53, 1, 0x1c << 2 | _fmt)})
    _add(_ext, "xtof", {f"fmv.{_w}.x": _op(0x53, 0, 0x1e << 2 | _fmt)})
_add("d", "f1rm", {"fcvt.s.d": _op(0x53, 0, 0x20) | 1 << 20, "fcvt.d.s": _op(0x53, 0, 0x21)})


def names(*extensions: str, forms: str = "") -> list[str]:
    """The mnemonics of some extensions, of some formats if given."""
    wanted = forms.split()
    return [n for n, (form, _, ext) in TABLE.items() if ext in extensions and (not wanted or form in wanted)]


def encode(name: str, rd: int = 0, rs1: int = 0, rs2: int = 0, imm: int = 0, rs3: int = 0, rm: int = DYN,
           order: int = 0) -> int:
    """The word. `imm` is signed; a branch's or jump's is the distance, a CSR instruction's the register number."""
    form, bits, _ = TABLE[name]
    if form in ("r", "f2", "fcmp", "lr", "amo"):
        return bits | rd << 7 | rs1 << 15 | rs2 << 20 | order << 25
    if form in ("i", "load", "fload", "csr"):
        return bits | rd << 7 | rs1 << 15 | (imm & 0xfff) << 20
    if form in ("sh6", "sh5"):
        return bits | rd << 7 | rs1 << 15 | (imm & 0x3f) << 20
    if form in ("store", "fstore"):
        return bits | (imm & 31) << 7 | rs1 << 15 | rs2 << 20 | (imm >> 5 & 0x7f) << 25
    if form == "u":
        return bits | rd << 7 | (imm & 0xfffff) << 12
    if form == "b":
        return (bits | (imm >> 11 & 1) << 7 | (imm >> 1 & 15) << 8 | rs1 << 15 | rs2 << 20 | (imm >> 5 & 63) << 25 |
                (imm >> 12 & 1) << 31)
    if form == "j":
        return (bits | rd << 7 | (imm >> 12 & 0xff) << 12 | (imm >> 11 & 1) << 20 | (imm >> 1 & 0x3ff) << 21 |
                (imm >> 20 & 1) << 31)
    if form in ("unary", "ftox", "xtof"):
        return bits | rd << 7 | rs1 << 15
    if form in ("f1rm", "ftoxrm", "xtofrm"):
        return bits | rd << 7 | rs1 << 15 | rm << 12
    if form == "f2rm":
        return bits | rd << 7 | rs1 << 15 | rs2 << 20 | rm << 12
    if form == "f4":
        return bits | rd << 7 | rs1 << 15 | rs2 << 20 | rm << 12 | rs3 << 27
    if form == "two":
        return bits | rs1 << 15 | rs2 << 20
    return bits


# What no format above leaves free, by format: for deciding whether a word is an instruction.
_FREE = {"r": 0x1ff8f80, "f2": 0x1ff8f80, "fcmp": 0x1ff8f80, "lr": 0x60f8f80, "amo": 0x7ff8f80, "i": 0xffff8f80,
         "load": 0xffff8f80, "fload": 0xffff8f80, "csr": 0xffff8f80, "sh6": 0x3ff8f80, "sh5": 0x1ff8f80,
         "store": 0xffff8f80, "fstore": 0xffff8f80, "u": 0xffffff80, "b": 0xffff8f80, "j": 0xffffff80,
         "unary": 0xf8f80, "ftox": 0xf8f80, "xtof": 0xf8f80, "f1rm": 0xfff80, "ftoxrm": 0xfff80, "xtofrm": 0xfff80,
         "f2rm": 0x1ffff80, "f4": 0xf9ffff80, "two": 0x1ff8000, "none": 0}
_BY_OPCODE: dict[int, list[tuple[int, int]]] = {}
for _form, _bits, _ in TABLE.values():
    _BY_OPCODE.setdefault(_bits & 0x7f, []).append((0xffffffff & ~_FREE[_form], _bits))


def is_instruction(word: int) -> bool:
    """Whether some row has this 32-bit word. Of FENCE, whose reserved fields are ignored, only one form is a row."""
    return any(word & mask == bits for mask, bits in _BY_OPCODE.get(word & 0x7f, []))


def random_instruction(rng: random.Random) -> int:
    """Any row with anything in what it leaves free."""
    form, bits, _ = rng.choice(list(TABLE.values()))
    return bits | rng.getrandbits(32) & _FREE[form]


def load_immediate(rd: int, value: int) -> list[int]:
    """Words that bring a 64-bit value into a register."""
    value &= (1 << 64) - 1
    signed = value - (1 << 64) if value >> 63 else value
    if -2048 <= signed < 2048:
        return [encode("addi", rd, 0, imm=signed)]
    low = (signed & 0xfff) - ((signed & 0x800) << 1)
    if -(1 << 31) <= signed < (1 << 31) - 0x800:
        words = [encode("lui", rd, imm=(signed - low) >> 12)]
        return words + ([encode("addiw", rd, rd, imm=low)] if low else [])
    rest, shift = (signed - low) >> 12, 12
    while rest & 1 == 0 and shift < 63:
        rest, shift = rest >> 1, shift + 1
    words = load_immediate(rd, rest) + [encode("slli", rd, rd, imm=shift)]
    return words + ([encode("addi", rd, rd, imm=low)] if low else [])
