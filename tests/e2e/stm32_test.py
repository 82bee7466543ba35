#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The B-L475E-IOT01A as a test client sees it: over qtest, and the object tree over QMP.

usage: stm32_test.py HOLDFAST [case...]
"""

import os
import subprocess
import sys
import tempfile

import harness
from holdfast import Machine

PATIENCE = 60.0  # seconds without an answer: the machine hangs

FLASH, SRAM1, SRAM2 = 0x0800_0000, 0x2000_0000, 0x1000_0000
RCC = 0x4002_1000
CR, CFGR, PLLCFGR, CIER, CIFR, CICR = (RCC + at for at in (0x00, 0x08, 0x0C, 0x18, 0x1C, 0x20))
AHB2ENR, APB1ENR1, APB2ENR, CCIPR, BDCR, CSR = (RCC + at for at in (0x4C, 0x58, 0x60, 0x88, 0x90, 0x94))
ISER, ICER, ISPR, ICPR, IPR = 0xE000_E100, 0xE000_E180, 0xE000_E200, 0xE000_E280, 0xE000_E400
ICSR = 0xE000_ED04
MSI_PERIOD = 250 << 32  # of 4 MHz


class Board:
    """The machine with a test client and a monitor, as harnesses have it."""

    def __init__(self, program, *arguments):
        self.folder = tempfile.TemporaryDirectory()
        link = os.path.join(self.folder.name, "holdfast-system-arm")
        os.symlink(os.path.abspath(program), link)
        self.machine = Machine("-display", "none", "-audio", "none", "-machine", "b-l475e-iot01a", *arguments,
                               "-accel", "qtest", program=link, qtest=True, timeout=PATIENCE)
        try:
            self.machine.start()
        except BaseException:
            self.close()
            raise
        self.levels = self.machine.qtest.levels  # of intercepted lines
        self.execute = self.machine.qmp.execute

    def ask(self, request):
        """The reply, with what interrupts did before it."""
        self.machine.qtest.changes.clear()
        reply = self.machine.qtest.ask(request)
        changes = [f"IRQ {'raise' if level else 'lower'} {line}" for line, level in self.machine.qtest.changes]
        return " / ".join([*changes, reply])

    def expect(self, request, reply):
        got = self.ask(request)
        assert got == reply, f"{request}: {got}, not {reply}"

    def write(self, address, value):
        self.machine.qtest.writel(address, value)

    def read(self, address):
        return self.machine.qtest.readl(address)

    def get(self, path, name):
        return self.execute("qom-get", path=path, property=name)

    def period(self, path):
        return self.get(path, "qtest-clock-period")

    def is_pending(self, interrupt):
        return self.read(ISPR + 4 * (interrupt // 32)) >> interrupt % 32 & 1 != 0

    def unpend(self, interrupt):
        self.write(ICPR + 4 * (interrupt // 32), 1 << interrupt % 32)

    def enable(self, interrupt):
        self.write(ISER + 4 * (interrupt // 32), 1 << interrupt % 32)

    def end(self):
        """As harnesses do it; returns what it said."""
        return self.machine.end()

    def close(self):
        self.machine.close()
        self.folder.cleanup()


def memory(board):
    board.expect("endianness", "OK little")
    for place, size in ((SRAM1, 96 << 10), (SRAM2, 32 << 10)):
        board.write(place, 0x1234_5678)
        board.write(place + size - 4, 0x9ABC_DEF0)
        assert board.read(place) == 0x1234_5678 and board.read(place + size - 4) == 0x9ABC_DEF0
        assert board.read(place + size) == 0
    board.write(FLASH, 0xFFFF_FFFF)
    assert board.read(FLASH) == 0, "flash is read-only"
    board.expect("inb 0x0", "OK 0x00ff")


def the_system_starts_from_msi(board):
    assert board.read(CR) == 0x63 and board.read(CFGR) == 0
    assert board.period("/machine/soc/rcc/sysclk") == MSI_PERIOD
    board.write(CR, 1)
    assert board.read(CR) & 2
    board.write(CFGR, 0)
    assert board.read(CFGR) & 0xC == 0


def the_pll_is_switched_to(board):
    board.write(PLLCFGR, 1 << 24 | 40 << 8 | 1)
    board.write(CR, board.read(CR) | 1 << 24)
    assert board.read(CR) >> 25 & 1
    board.write(CFGR, board.read(CFGR) | 3)
    assert board.read(CFGR) & 0xC == 0xC
    assert board.period("/machine/soc/rcc/sysclk") == (250 << 32) // 20
    assert board.period("/machine/soc/rcc/hclk") == (250 << 32) // 20


def devices_have_clocks(board):
    for number, port in enumerate("abcdefgh"):
        path = f"/machine/soc/gpio{port}/clk"
        assert board.period(path) == 0, path
        board.write(AHB2ENR, board.read(AHB2ENR) | 1 << number)
        assert board.period(path) == MSI_PERIOD, path
    for path, register, bit in (("syscfg", APB2ENR, 0), ("usart[0]", APB2ENR, 14), ("usart[1]", APB1ENR1, 17),
                                ("usart[2]", APB1ENR1, 18), ("uart[0]", APB1ENR1, 19),
                                ("uart[1]", APB1ENR1, 20), ("lpuart1", RCC + 0x5C, 0)):
        assert board.period(f"/machine/soc/{path}/clk") == 0, path
        board.write(register, board.read(register) | 1 << bit)
        assert board.period(f"/machine/soc/{path}/clk") == MSI_PERIOD, path
    board.write(CR, board.read(CR) | 1 << 8)
    board.write(CCIPR, 2)
    assert board.period("/machine/soc/usart[0]/clk") == MSI_PERIOD // 4, "HSI"
    board.execute("system_reset")
    assert board.period("/machine/soc/usart[0]/clk") == 0
    assert board.period("/machine/soc/gpioa/clk") == 0


def oscillators_interrupt(board):
    board.enable(5)
    for register, on, flag in ((CSR, 1, 0), (BDCR, 1, 1), (CR, 1 << 8, 3), (CR, 1 << 16, 4)):
        board.write(CIER, 1 << flag)
        board.write(register, on)
        assert board.is_pending(5), f"flag {flag}"
        assert board.read(CIFR) == 1 << flag
        board.unpend(5)
        assert board.is_pending(5), "it still asks"
        board.write(CICR, 1 << flag)
        board.unpend(5)
        assert not board.is_pending(5)
    board.write(CIER, 1 << 2)
    board.write(CR, 1)
    assert not board.is_pending(5), "MSI was ready all the time"


def oscillators_interrupt_while_the_pll_runs_the_system(board):
    """What is on already says nothing, and what the system needs stays on though nobody says so."""
    board.write(BDCR, 3 << 3 | 1)
    the_pll_is_switched_to(board)
    board.enable(5)
    for register, on, flag, comes in (
            (CSR, 1, 0, True), (BDCR, 1, 1, True), (CR, 1, 2, False), (CR, 1 << 8, 3, True), (CR, 1 << 16, 4, True),
            (CR, 1 << 24, 5, False), (CR, 1 << 26, 6, True), (CR, 1 << 28, 7, True)):
        board.write(CIER, 1 << flag)
        board.write(register, on)
        assert board.is_pending(5) == comes, f"flag {flag}"
        board.write(CICR, 1 << flag)
        board.unpend(5)
    assert board.read(CFGR) & 0xC == 0xC


def interrupts_are_set_up(board):
    assert board.read(0xE000_E004) == 2, "82 interrupts"
    board.write(ISER, 0x60)
    board.write(ISER + 8, 0xFFFF_FFFF)
    assert board.read(ISER) == 0x60 and board.read(ICER) == 0x60
    assert board.read(ISER + 8) == 0x0003_FFFF
    board.write(ICER, 0x20)
    assert board.read(ISER) == 0x40
    board.expect(f"writeb {IPR + 6:#x} 0x5f", "OK")
    assert board.read(IPR + 4) == 0x50 << 16, "four bits of priority"
    board.write(0xE000_EF00, 6)
    assert board.is_pending(6)
    assert board.read(ICSR) >> 12 & 0x1FF == 16 + 6
    board.execute("system_reset")
    assert board.read(ISER) == 0 and not board.is_pending(6) and board.read(IPR + 4) == 0
    assert board.read(0xE000_ED00) == 0x410F_C241


def the_system_timer_ticks(board):
    csr, rvr, cvr = 0xE000_E010, 0xE000_E014, 0xE000_E018
    board.write(rvr, 3999)
    board.write(cvr, 0)
    board.write(csr, 7)
    board.expect("clock_step 999999", "OK 999999")
    assert board.read(ICSR) >> 26 & 1 == 0
    board.expect("clock_step", "OK 1000000")
    assert board.read(ICSR) >> 26 & 1 and board.read(ICSR) >> 12 & 0x1FF == 15
    assert board.read(csr) >> 16 & 1
    assert board.period("/machine/soc/armv7m/systick/refclk") == 8 * MSI_PERIOD


def a_pin_leads_to_its_interrupt(board):
    """PC4, by SYSCFG, EXTI 4, to interrupt 10."""
    board.write(AHB2ENR, 4)
    board.write(APB2ENR, 1)
    board.enable(10)
    board.write(0x4001_000C, 2)
    board.write(0x4001_0400, 1 << 4)
    board.write(0x4001_0408, 1 << 4)
    board.write(0x4800_0800, 0xFFFF_FFFF & ~(3 << 8))
    board.expect("irq_intercept_in /machine/soc/exti", "OK")
    board.expect("set_irq_in /machine/soc/gpioc unnamed-gpio-in 4 1", "IRQ raise 4 / OK")
    assert board.is_pending(10)


def pins_lead_to_the_lights(board):
    """PA4 is what the DM163 shifts in."""
    board.expect("irq_intercept_in /machine/dm163", "OK")
    board.write(0x4800_0000, 0xABFF_FCFF | 1 << 8)
    board.expect("writel 0x48000018 0x10", "IRQ raise 8 / OK")
    board.expect("writel 0x48000018 0x100000", "IRQ lower 8 / OK")


def the_tree_has_what_clients_look_for(board):
    assert board.execute("query-target") == {"arch": "arm"}
    cpus = board.execute("query-cpus-fast")
    assert [cpu["qom-path"] for cpu in cpus] == ["/machine/soc/armv7m/cpu"], cpus
    names = {entry["name"]: entry["type"] for entry in board.execute("qom-list", path="/machine/soc")}
    for name in [f"gpio{port}" for port in "abcdefgh"] + [
            "syscfg", "exti", "rcc", "usart[0]", "usart[1]", "usart[2]", "uart[0]", "uart[1]", "lpuart1", "armv7m"]:
        assert names.get(name, "").startswith("child<"), name
    clocks = {entry["name"]: entry["type"] for entry in board.execute("qom-list", path="/machine/soc/gpioa")}
    assert clocks["clk"] == "child<clock>", clocks
    types = {entry["name"] for entry in board.execute("qom-list-types")}
    assert {"clock", "stm32l4x5-rcc", "stm32l4x5xg-soc", "dm163"} <= types
    devices = board.execute("human-monitor-command", **{"command-line": "info qtree"})
    assert 'clock-out "msi" freq_hz=4 MHz' in devices and 'clock-in "clk" freq_hz=0 Hz' in devices, devices


def what_is_not_there_is_logged(program):
    board = Board(program, "-d", "unimp")
    board.write(0x4000_7000, 0x100)
    assert board.read(0x5006_0808) == 0
    said = board.end()
    assert "/machine/soc/pwr: is not modelled: 0x100, 4 bytes, written at 0x0" in said, said
    assert "/machine/soc/rng: is not modelled: 4 bytes read at 0x8" in said, said


def a_program_is_put_into_flash(program):
    with tempfile.TemporaryDirectory() as folder:
        raw = os.path.join(folder, "program.bin")
        with open(raw, "wb") as file:
            file.write(bytes(range(16)))
        board = Board(program, "-kernel", raw, "-d", "census")
        for place in (0, FLASH):
            board.expect(f"read {place:#x} 0x10", "OK 0x000102030405060708090a0b0c0d0e0f")
        assert board.end().strip() == "census: nothing left"
        with open(raw, "wb") as file:
            file.write(bytes((1 << 20) + 1))
        done = subprocess.run([program, "-M", "b-l475e-iot01a", "-accel", "qtest", "-kernel", raw],
                              capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=PATIENCE)
        assert done.returncode == 1 and "is not all in one memory" in done.stderr, done


def an_elf_file_is_put_where_it_says(program):
    code = b"\x01\x02\x03\x04"
    header = (b"\x7fELF\x01\x01\x01" + bytes(9) + (2).to_bytes(2, "little") + (40).to_bytes(2, "little")
              + b"".join(word.to_bytes(4, "little") for word in (1, FLASH + 0x101, 52, 0, 0))
              + b"".join(half.to_bytes(2, "little") for half in (52, 32, 1, 40, 0, 0)))
    segment = b"".join(word.to_bytes(4, "little")
                       for word in (1, 84, FLASH + 0x100, FLASH + 0x100, len(code), len(code), 5, 4))
    with tempfile.TemporaryDirectory() as folder:
        elf = os.path.join(folder, "program.elf")
        with open(elf, "wb") as file:
            file.write(header + segment + code)
        board = Board(program, "-kernel", elf)
        board.expect("read 0x100 0x4", "OK 0x01020304")
        board.execute("system_reset")
        board.expect("read 0x100 0x4", "OK 0x01020304")
        board.end()


def what_it_cannot_do_is_said(program):
    for arguments, message in (
            (["-accel", "tcg"], "it takes -accel qtest"),
            ([], "it takes -accel qtest"),
            (["-accel", "qtest", "-smp", "2"], "it takes 1"),
            (["-accel", "qtest", "-cpu", "cortex-a7"], "takes cortex-m4"),
            (["-accel", "qtest", "-m", "64"], "it has the memory of its chip"),
            (["-accel", "qtest", "-bios", "x"], "-kernel puts a program into flash")):
        done = subprocess.run([program, "-M", "b-l475e-iot01a", "-display", "none", *arguments],
                              capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=PATIENCE)
        assert done.returncode == 1 and message in done.stderr and done.stderr.count("\n") == 1, (arguments, done)


# What each does to a machine of its own.
ON_A_BOARD = [memory, the_system_starts_from_msi, the_pll_is_switched_to, devices_have_clocks,
              oscillators_interrupt, oscillators_interrupt_while_the_pll_runs_the_system,
              interrupts_are_set_up, the_system_timer_ticks, a_pin_leads_to_its_interrupt,
              pins_lead_to_the_lights, the_tree_has_what_clients_look_for]
ALONE = [what_is_not_there_is_logged, a_program_is_put_into_flash, an_elf_file_is_put_where_it_says,
         what_it_cannot_do_is_said]


def main():
    def perform(case):
        if case in ALONE:
            return case(sys.argv[1])
        board = Board(sys.argv[1])
        try:
            case(board)
            board.end()
        finally:
            board.close()

    harness.run(ON_A_BOARD + ALONE, perform)


if __name__ == "__main__":
    main()
