#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The devices of the B-L475E-IOT01A, driven over qtest and QMP as test clients do.

usage: stm32_devices_test.py HOLDFAST [case...]
"""

import os
import socket
import sys
import tempfile
import time

import harness
import stm32_test

PATIENCE = stm32_test.PATIENCE

RCC, EXTI, SYSCFG = 0x40021000, 0x40010400, 0x40010000
AHB2ENR, APB2ENR = RCC + 0x4C, RCC + 0x60
IMR1, RTSR1, FTSR1, PR1 = EXTI, EXTI + 0x08, EXTI + 0x0C, EXTI + 0x14
USART1 = 0x40013800
CR1, BRR, ISR, RDR, TDR = 0x00, 0x0C, 0x1C, 0x24, 0x28
INPUT, OUTPUT = 0, 1
UP, DOWN = 1, 2


class Board(stm32_test.Board):
    """With pins that are driven, lines that are watched and, if asked for, somebody at USART1."""

    def __init__(self, program, serial=False):
        self.line = None
        if not serial:
            super().__init__(program)
            return
        with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
            place = os.path.join(folder, "serial")
            listener.settimeout(PATIENCE)
            listener.bind(place)
            listener.listen()
            super().__init__(program, "-chardev", f"socket,id=s0,path={place}", "-serial", "chardev:s0")
            self.line, _ = listener.accept()
        self.line.settimeout(PATIENCE)

    def do(self, request):
        reply = self.ask(request)
        assert reply.split(" / ")[-1] == "OK", f"{request}: {reply}"

    def level(self, line):
        self.ask("inb 0x0")
        return self.levels.get(line, False)

    def drive(self, path, line, level):
        self.do(f"set_irq_in {path} unnamed-gpio-in {line} {level}")

    def set(self, path, name, value):
        self.execute("qom-set", path=path, property=name, value=value)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.line:
            self.line.close()
        if kind is None:
            self.end()
        self.close()


class Port:
    """A port of pins."""

    def __init__(self, board, letter):
        self.board = board
        self.number = "abcdefgh".index(letter)
        self.path = f"/machine/soc/gpio{letter}"
        self.base = 0x48000000 + 0x400 * self.number

    def field(self, register, bits, pin, value):
        mask = (1 << bits) - 1
        old = self.board.read(self.base + register)
        self.board.write(self.base + register, old & ~(mask << bits * pin) | value << bits * pin)

    def mode(self, pin, value):
        self.field(0x00, 2, pin, value)

    def open_drain(self, pin, value):
        self.field(0x04, 1, pin, value)

    def pull(self, pin, value):
        self.field(0x0C, 2, pin, value)

    def output(self, pin, value):
        self.field(0x14, 1, pin, value)

    def input(self):
        return self.board.read(self.base + 0x10)

    def drive(self, pin, level):
        self.board.drive(self.path, pin, level)

    def line(self, pin):
        """Its number at the SoC and at SYSCFG."""
        return 16 * self.number + pin

    def disconnected(self):
        return self.board.get(self.path, "disconnected-pins")

    def disconnect(self, pins=0xFFFF):
        self.board.set(self.path, "disconnected-pins", pins)


def equal(got, wanted):
    assert got == wanted, f"{got:#x}, not {wanted:#x}"


def pins_after_reset(program):
    with Board(program) as board:
        for letter, mode, pull, levels in [("a", 0xABFFFFFF, 0x64000000, 0xA000), ("b", 0xFFFFFEBF, 0x100, 0x10),
                                           ("c", 0xFFFFFFFF, 0, 0), ("h", 0xF, 0, 0)]:
            port = Port(board, letter)
            for register in (0x00, 0x04, 0x0C, 0x14):
                board.write(port.base + register, 0xDEADBEEF)
            board.execute("system_reset")
            equal(board.read(port.base), mode)
            equal(board.read(port.base + 0x0C), pull)
            equal(port.input(), levels)


def a_reset_shows_on_the_lines(program):
    """Pulls are there again when it is over, whatever was driven."""
    with Board(program) as board:
        board.do("irq_intercept_in /machine/soc/exti")
        board.drive("/machine/soc/gpioa", 15, 0)
        board.drive("/machine/soc/gpioa", 14, 1)
        assert board.level(14)
        board.execute("system_reset")
        assert board.level(15)
        assert not board.level(14)
        equal(board.get("/machine/soc/gpioa", "disconnected-pins"), 0xFFFF)


def pins_as_the_rest_of_the_chip_sees_them(program):
    """The SoC has them as its inputs, and so has SYSCFG."""
    for place in ("/machine/soc", "machine/soc/syscfg"):
        with Board(program) as board:
            board.do(f"irq_intercept_in {place}")
            port = Port(board, "d")
            port.output(6, 1)
            assert not board.level(port.line(6))
            port.mode(6, OUTPUT)
            assert board.level(port.line(6))
            equal(port.input(), 1 << 6)
            port.output(6, 0)
            assert not board.level(port.line(6))
            port.mode(5, INPUT)
            port.drive(5, 1)
            assert board.level(port.line(5))
            port.disconnect()
            port.pull(5, DOWN)
            assert not board.level(port.line(5))
            port.pull(5, UP)
            assert board.level(port.line(5))
            equal(port.input(), 1 << 5)


def short_circuits(program):
    with Board(program) as board:
        port, other = Port(board, "g"), Port(board, "h")
        port.drive(3, 1)
        equal(port.disconnected(), 0xFFF7)
        port.mode(3, OUTPUT)
        equal(port.disconnected(), 0xFFFF)
        equal(port.input(), 0)
        port.drive(3, 1)
        equal(port.disconnected(), 0xFFFF)
        other.drive(3, 0)
        other.output(3, 1)
        other.open_drain(3, 1)
        other.mode(3, OUTPUT)
        equal(other.disconnected(), 0xFFF7)
        equal(other.input(), 0)
        other.disconnect()
        other.pull(3, UP)
        equal(other.disconnected(), 0xFFFF)
        equal(other.input(), 8)


def ports_show_their_clock(program):
    with Board(program) as board:
        for number, letter in enumerate("abcdefgh"):
            path = f"/machine/soc/gpio{letter}"
            equal(board.get(path, "clock-freq-hz"), 0)
            board.write(AHB2ENR, board.read(AHB2ENR) | 1 << number)
            equal(board.get(path, "clock-freq-hz"), 4_000_000)


def a_button_interrupts(program):
    """The user's button is at PC13, which shares interrupt 40 with its neighbours."""
    with Board(program) as board:
        button = Port(board, "c")
        button.mode(13, INPUT)
        board.write(SYSCFG + 0x14, 2 << 4)
        board.write(IMR1, 1 << 13)
        board.write(FTSR1, 1 << 13)
        button.drive(13, 1)
        equal(board.read(PR1), 0)
        assert not board.is_pending(40)
        button.drive(13, 0)
        equal(board.read(PR1), 1 << 13)
        assert board.is_pending(40)
        board.write(PR1, 1 << 13)
        equal(board.read(PR1), 0)
        assert board.is_pending(40)
        board.unpend(40)
        assert not board.is_pending(40)


def ports_are_chosen(program):
    """As clients of either place drive the pins."""
    for place in ("/machine/soc", "/machine/soc/syscfg"):
        with Board(program) as board:
            board.do("irq_intercept_in /machine/soc/exti")
            board.drive(place, 3, 1)
            assert board.level(3)
            board.drive(place, 3, 0)
            board.drive(place, 19, 1)
            assert not board.level(3)
            board.write(SYSCFG + 0x08, 0x1000)
            assert board.level(3)


def a_line_that_is_high_already(program):
    """PA15 is up by its pull. Who begins to look hears nothing of that; who drives it, does."""
    for place in ("/machine/soc", "/machine/soc/syscfg", "/machine/soc/exti"):
        with Board(program) as board:
            board.do("irq_intercept_in /machine/soc/exti")
            assert not board.level(15)
            board.drive(place, 0, 1)
            assert board.level(0) and not board.level(15)
            board.drive(place, 0, 0)
            board.expect(f"set_irq_in {place} unnamed-gpio-in 15 1", "IRQ raise 15 / OK")
            assert board.level(15) and not board.level(0)
            board.expect(f"set_irq_in {place} unnamed-gpio-in 15 1", "OK")
            board.expect(f"set_irq_in {place} unnamed-gpio-in 15 0", "IRQ lower 15 / OK")
            assert not board.level(13)


def interrupts_of_lines(program):
    with Board(program) as board:
        for line, interrupt in [(0, 6), (1, 7), (2, 8), (3, 9), (4, 10), (5, 23), (9, 23), (10, 40), (15, 40),
                                (16, 1), (18, 41), (19, 2), (20, 3), (21, 64), (22, 64), (35, 1), (38, 1)]:
            bank, bit = line // 32 * 0x20, 1 << line % 32
            board.drive("/machine/soc/exti", line, 0)  # PA15 is up by its pull
            board.write(IMR1 + bank, bit)
            board.write(RTSR1 + bank, bit)
            board.drive("/machine/soc/exti", line, 1)
            equal(board.read(PR1 + bank), bit)
            assert board.is_pending(interrupt), f"line {line}"
            board.write(PR1 + bank, bit)
            board.unpend(interrupt)
            assert not board.is_pending(interrupt), f"line {line}"


def wait_for(board, flag):
    """The host delivers input when it comes to it; each request is an occasion."""
    deadline = time.monotonic() + PATIENCE
    while board.read(USART1 + ISR) & flag == 0:
        assert time.monotonic() < deadline, "no input"


def talk_over_a_serial_port(program):
    rxne, txe, tc = 1 << 5, 1 << 7, 1 << 6
    with Board(program, serial=True) as board:
        line = board.line
        board.write(APB2ENR, 1 << 14)
        board.write(USART1 + BRR, 35)
        board.write(USART1 + CR1, 0x0D)
        equal(board.get("/machine/soc/usart[0]", "baud-rate"), 4_000_000 // 35)
        equal(board.read(USART1 + ISR) >> 21 & 3, 3)
        line.sendall(b"a")
        wait_for(board, rxne)
        equal(board.read(USART1 + RDR), ord("a"))
        assert not board.is_pending(37)
        board.write(USART1 + CR1, 0x0D | rxne)
        text = b"twice round the block, and home"
        line.sendall(text)
        for byte in text:
            wait_for(board, rxne)
            assert board.is_pending(37)
            equal(board.read(USART1 + RDR), byte)
            board.unpend(37)
        board.write(USART1 + CR1, 0x0D)
        for byte in text:
            board.write(USART1 + TDR, byte)
        heard = b""
        while len(heard) < len(text):
            heard += line.recv(100)
        assert heard == text, heard
        equal(board.read(USART1 + ISR) & (txe | tc), txe | tc)
        assert not board.is_pending(37)
        board.write(USART1 + CR1, 0x0D | txe)
        assert board.is_pending(37)


LIGHTS = "/machine/dm163"
SIN, DCK, RST_B, LAT_B, SELBK, EN_B = range(8, 14)


def lights_are_at_their_pins(program):
    rows = [("b", 2), ("a", 15), ("a", 2), ("a", 7), ("a", 6), ("a", 5), ("b", 0), ("a", 3)]
    others = [("a", 4), ("b", 1), ("c", 3), ("c", 4), ("c", 5)]
    with Board(program) as board:
        board.do(f"irq_intercept_in {LIGHTS}")
        for line, (letter, pin) in enumerate(rows + others):
            port = Port(board, letter)
            port.mode(pin, OUTPUT)
            port.output(pin, 0)
            assert not board.level(line), line
            port.output(pin, 1)
            assert board.level(line), line
            port.output(pin, 0)
            assert not board.level(line), line


def lights_shift_through(program):
    for bank, width in ((0, 144), (1, 192)):
        with Board(program) as board:
            board.do(f"irq_intercept_out {LIGHTS} sout")

            def pulse(line=DCK):
                board.drive(LIGHTS, line, 1)
                board.drive(LIGHTS, line, 0)

            board.drive(LIGHTS, RST_B, 1)
            board.drive(LIGHTS, EN_B, 0)
            board.drive(LIGHTS, SELBK, bank)
            board.drive(LIGHTS, LAT_B, 1)
            board.drive(LIGHTS, SIN, 1)
            for _ in range(width):
                pulse()
                assert not board.level(0)
            pulse()
            assert board.level(0)


def lights_after_reset_are_as_at_the_start(program):
    """Whatever levels their pins had: those fall in the reset, and the chip begins anew behind that."""
    lines = [("b", 2), ("a", 15), ("a", 2), ("a", 4), ("b", 1), ("c", 3), ("c", 4), ("c", 5)]
    with Board(program) as board:
        def shown():
            properties = board.execute("qom-list", path=LIGHTS)
            return {one["name"]: board.get(LIGHTS, one["name"]) for one in properties}

        at_start = shown()
        assert at_start["lat_b"], at_start
        for letter, pin in lines:
            Port(board, letter).mode(pin, OUTPUT)
            Port(board, letter).output(pin, 1)
        assert shown() != at_start
        board.execute("system_reset")
        assert shown() == at_start, (shown(), at_start)


CASES = [pins_after_reset, a_reset_shows_on_the_lines, pins_as_the_rest_of_the_chip_sees_them, short_circuits,
         ports_show_their_clock, a_button_interrupts, ports_are_chosen, a_line_that_is_high_already,
         interrupts_of_lines, talk_over_a_serial_port, lights_are_at_their_pins, lights_shift_through,
         lights_after_reset_are_as_at_the_start]


def main():
    harness.run(CASES, lambda case: case(sys.argv[1]))


if __name__ == "__main__":
    main()
