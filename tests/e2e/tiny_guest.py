# SPDX-License-Identifier: Apache-2.0
"""Programs of a few instructions for the `virt` machine, made without an assembler."""

UART = 0x1000_0000
SYSCON = 0x10_0000
RTC = 0x10_1000
POWER_OFF, RESET = 0x5555, 0x7777

T0, T1 = 5, 6


def fail_with(status):
    """What the syscon takes to end with an exit status."""
    return status << 16 | 0x3333


def load(register, value):
    """lui and addi: a 32-bit value."""
    upper = (value + 0x800) >> 12 & 0xFFFFF
    return [upper << 12 | register << 7 | 0x37,
            (value & 0xFFF) << 20 | register << 15 | register << 7 | 0x13]


def put(text):
    words = load(T0, UART)
    for character in text:
        words += load(T1, ord(character)) + [T1 << 20 | T0 << 15 | 0x23]  # sb
    return words


def syscon(value):
    return load(T0, SYSCON) + load(T1, value) + [T1 << 20 | T0 << 15 | 2 << 12 | 0x23]  # sw


def send_word(address):
    """Four bytes of a register to the UART, the lowest first."""
    words = load(T0, address) + [T0 << 15 | 2 << 12 | T1 << 7 | 0x03] + load(T0, UART)  # lw
    for _ in range(4):
        words += [T1 << 20 | T0 << 15 | 0x23, 8 << 20 | T1 << 15 | 5 << 12 | T1 << 7 | 0x13]  # sb, srli
    return words


STAY = [0x10500073, 0xFFDFF06F]  # wfi, and again


def image(*pieces):
    words = [word for piece in pieces for word in piece]
    return b"".join(word.to_bytes(4, "little") for word in words)
