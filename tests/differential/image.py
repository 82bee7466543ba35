# SPDX-License-Identifier: Apache-2.0
"""Puts the harness and generated programs into one image, as harness.S expects them.

    80000000  the harness        80008000  parameters      80008100  table of programs
    80020000  pool of integers   80024000  pool of floats
    80040000  scratch memory, eight pages: four of data, four of returns
    80050000  page tables, sixteen pages
    80060000  a page that locked PMP entries are about
    80070000  a page that stays empty
    80400000  programs and the lists of what to write before each round
"""

import dataclasses
import pathlib
import random
import struct
import subprocess
from collections import Counter

BASE = 0x80000000
PARAMETERS = 0x80008000
PROGRAM_TABLE = 0x80008100
INTEGERS = 0x80020000
FLOATS = 0x80024000
SCRATCH = 0x80040000
TABLES = 0x80050000
TABLES_SIZE = 0x10000
LOCKED = 0x80060000
EMPTY = 0x80070000
CODE = 0x80400000

POOL = 1024 + 32
MOST = (INTEGERS - PROGRAM_TABLE) // 64
MACHINE = 3 << 11
FLOAT_ON = 1 << 13

ALL_BACK = 1  # flags of a program
PAGE_TABLES = 2


@dataclasses.dataclass
class Program:
    kind: str
    code: bytes
    end: int  # offset of its last ECALL
    rounds: int = 8
    flags: int = 0
    writes: list[tuple[int, int]] = dataclasses.field(default_factory=list)
    status: int = MACHINE | FLOAT_ON
    memory: int = 256
    used: Counter = dataclasses.field(default_factory=Counter)
    at: int = 0


@dataclasses.dataclass
class Harness:
    binary: bytes
    symbols: dict[str, int]


def build_harness(folder: pathlib.Path) -> Harness:
    here = pathlib.Path(__file__).resolve().parent
    elf, raw = folder / "harness.elf", folder / "harness.bin"
    prefix = "riscv64-unknown-elf-"
    subprocess.run([prefix + "gcc", "-march=rv64gc", "-mabi=lp64d", "-nostdlib", "-nostartfiles",
                    "-Wl,--build-id=none,--no-warn-rwx-segments", "-T", str(here / "harness.ld"),
                    str(here / "harness.S"), "-o", str(elf)], check=True)
    subprocess.run([prefix + "objcopy", "-O", "binary", str(elf), str(raw)], check=True)
    listing = subprocess.run([prefix + "nm", str(elf)], check=True, stdout=subprocess.PIPE, text=True).stdout
    symbols = {name: int(value, 16) for value, _, name in (line.split() for line in listing.splitlines())}
    return Harness(raw.read_bytes(), symbols)


INTEGER_EDGES = [0, 1, 2, 3, 7, 8, 31, 32, 33, 63, 64, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000,
                 0xffffffff, 0x100000000, 0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff,
                 0xffffffff7fffffff, 0xffffffff80000000, 0x5555555555555555, 0xaaaaaaaaaaaaaaaa, 0x0123456789abcdef]


def edge_integer(rng: random.Random) -> int:
    kind = rng.random()
    if kind < 0.3:
        return rng.choice(INTEGER_EDGES)
    if kind < 0.45:
        return (rng.choice(INTEGER_EDGES) + rng.randrange(-2, 3)) & (1 << 64) - 1
    if kind < 0.6:
        return 1 << rng.randrange(64)
    if kind < 0.75:
        return rng.getrandbits(rng.randrange(1, 65))
    if kind < 0.9:
        return -rng.getrandbits(rng.randrange(1, 64)) & (1 << 64) - 1
    return rng.getrandbits(64)


def edge_single(rng: random.Random) -> int:
    sign = rng.getrandbits(1) << 31
    exponent = rng.choice([0, 0, 1, 2, 24, 100, 103, 104, 118, 126, 127, 127, 128, 149, 150, 151, 157, 158, 159, 189,
                           190, 191, 253, 254, 255, 255, rng.randrange(256)])
    fraction = rng.choice([0, 0, 1, 2, 3, 0x400000, 0x3fffff, 0x7fffff, 0x7ffffe, 0x555555, 1 << rng.randrange(23),
                           0x7fffff ^ ((1 << rng.randrange(23)) - 1), rng.getrandbits(23), rng.getrandbits(23)])
    return sign | exponent << 23 | fraction


def edge_double(rng: random.Random) -> int:
    sign = rng.getrandbits(1) << 63
    exponent = rng.choice([0, 0, 1, 2, 53, 54, 872, 873, 874, 896, 897, 1021, 1022, 1023, 1023, 1024, 1054, 1055, 1075,
                           1076, 1085, 1086, 1087, 1149, 1150, 1151, 2045, 2046, 2047, 2047, rng.randrange(2048)])
    full = (1 << 52) - 1
    fraction = rng.choice([0, 0, 1, 2, 3, 1 << 51, full >> 1, full, full - 1, 1 << 29, 1 << 28, (1 << 28) + 1,
                           full ^ ((1 << 29) - 1), full ^ ((1 << 28) - 1), 1 << rng.randrange(52),
                           full ^ ((1 << rng.randrange(52)) - 1), rng.getrandbits(52), rng.getrandbits(52)])
    return sign | exponent << 52 | fraction


def edge_float(rng: random.Random) -> int:
    kind = rng.random()
    if kind < 0.45:
        return 0xffffffff << 32 | edge_single(rng)
    if kind < 0.9:
        return edge_double(rng)
    return rng.choice([rng.getrandbits(64), edge_single(rng), 0xfffffffe << 32 | edge_single(rng),
                       0x7fffffff << 32 | edge_single(rng)])


def assemble(harness: Harness, programs: list[Program], rng: random.Random, loud: int | None = None) -> bytes:
    """The image; sets where each program stands. `loud` is the number of one that prints everything."""
    assert len(programs) <= MOST
    image = bytearray(CODE - BASE)

    def put(address: int, data: bytes) -> None:
        image[address - BASE:address - BASE + len(data)] = data

    put(BASE, harness.binary)
    pools = rng.getrandbits(64)  # drawn in any case, so that loud images equal quiet ones
    pool_rng = random.Random(pools)
    put(PARAMETERS, struct.pack("<8Q", len(programs), PROGRAM_TABLE, (1 << 64) - 1 if loud is None else loud, INTEGERS,
                                FLOATS, SCRATCH, TABLES, TABLES_SIZE))
    put(INTEGERS, struct.pack(f"<{POOL}Q", *(edge_integer(pool_rng) for _ in range(POOL))))
    put(FLOATS, struct.pack(f"<{POOL}Q", *(edge_float(pool_rng) for _ in range(POOL))))
    for number, program in enumerate(programs):
        image += bytes(-len(image) % 64)
        program.at = BASE + len(image)
        image += program.code
        image += bytes(-len(image) % 8)
        writes = BASE + len(image)
        for address, value in program.writes:
            image += struct.pack("<QQ", address, value)
        put(PROGRAM_TABLE + 64 * number, struct.pack(
            "<8Q", program.at, program.at + program.end, program.rounds, program.flags, writes,
            writes + 16 * len(program.writes), program.status, program.memory))
    return bytes(image)
