#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A test client on the emulator's qtest socket, and beside it another emulator on the same requests.

usage: qtest_test.py HOLDFAST [case...]
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

import harness

PATIENCE = 60.0  # seconds without an answer: the machine hangs
REFERENCE = "qemu-system-riscv64"


class Machine:
    """An emulator that connects to a listening socket, as harnesses have it."""

    def __init__(self, program, *arguments, accel="qtest", server=False, environment=()):
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, "q.sock")
        listener = socket.socket(socket.AF_UNIX)
        listener.settimeout(PATIENCE)
        place = f"unix:{self.path}"
        if server:
            place += ",server=on,wait=on"
        else:
            listener.bind(self.path)
            listener.listen()
        self.process = subprocess.Popen(
            [program, "-qtest", place, "-qtest-log", os.path.join(self.folder.name, "log"), "-display", "none",
             "-bios", "none", *accel_arguments(accel), *arguments], stdin=subprocess.DEVNULL,
            env={**os.environ, **dict(environment)})
        if server:
            listener.close()
            self.connect()
        else:
            self.socket, _ = listener.accept()
            listener.close()
            self.start()

    def connect(self):
        self.socket = socket.socket(socket.AF_UNIX)
        while True:
            try:
                self.socket.connect(self.path)
                break
            except (FileNotFoundError, ConnectionRefusedError):
                assert self.process.poll() is None, "the emulator ended"
        self.start()

    def start(self):
        self.socket.settimeout(PATIENCE)
        self.stream = self.socket.makefile("rb")

    def ask(self, request):
        """The reply, with what interrupts did before it."""
        self.socket.sendall(request.encode() + b"\n")
        lines = []
        while True:
            line = self.stream.readline().decode()
            assert line.endswith("\n"), f"no answer to {request[:80]}"
            lines.append(line.rstrip("\n"))
            if not line.startswith("IRQ "):
                return " / ".join(lines)

    def expect(self, request, reply):
        got = self.ask(request)
        assert got == reply, f"{request[:80]}: {got[:200]}, not {reply[:200]}"

    def log(self):
        with open(os.path.join(self.folder.name, "log"), encoding="utf-8") as file:
            return file.read()

    def end(self):
        """As harnesses do it; the status must be 0."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout=PATIENCE)
        self.close()
        assert status == 0, f"SIGTERM gave status {status}"

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.stream.close()
        self.socket.close()
        self.folder.cleanup()


def accel_arguments(accel):
    return ["-accel", accel] if accel else ["-S"]


def as_a_client(program):
    machine = Machine(program, "-M", "virt", "-d", "census")
    machine.expect("endianness", "OK little")
    machine.expect("inb 0x0", "OK 0x00ff")
    machine.expect("clock_step 1000", "OK 1000")
    machine.expect("irq_intercept_in /machine/plic", "OK")
    machine.expect("writeb 0x10000001 0x2", "IRQ raise 10 / OK")
    machine.expect("bad", "FAIL Unknown command 'bad'")
    log = machine.log()
    assert re.match(r"\[I 0\.\d{6}\] OPENED\n", log), log
    assert "] endianness\n" in log and "] OK little\n" in log, log
    machine.end()


def as_a_server_that_outlives_its_clients(program):
    machine = Machine(program, "-M", "virt", server=True)
    machine.expect("writel 0x80000000 0x1234", "OK")
    machine.socket.sendall(b"readl 0x8000")  # and away in mid-request
    machine.stream.close()
    machine.socket.close()
    machine.connect()
    machine.expect("readl 0x80000000", "OK 0x0000000000001234")
    machine.end()


def closing_the_socket_is_no_exit(program):
    machine = Machine(program, "-M", "virt")
    machine.expect("endianness", "OK little")
    machine.socket.shutdown(socket.SHUT_RDWR)
    machine.end()


def megabytes_in_a_line(program):
    machine = Machine(program, "-M", "virt")
    digits = "a5" * (4 << 20)
    machine.expect(f"write 0x80000000 0x400000 0x{digits}", "OK")
    machine.expect("read 0x80000000 0x400000", f"OK 0x{digits}")
    machine.end()


def nonsense_without_an_end(program):
    """200 MiB in one line: refused when it ends, and nothing of it is kept."""
    machine = Machine(program, "-M", "virt")
    block = b"x" * (1 << 20)
    for _ in range(200):
        machine.socket.sendall(block)
    got = machine.ask("")
    assert got.startswith("ERR a line of 209715200 bytes"), got
    with open(f"/proc/{machine.process.pid}/status", encoding="utf-8") as file:
        resident = next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))
    assert resident < 150_000, f"{resident} KiB are kept"
    machine.expect("endianness", "OK little")
    machine.end()


def with_another_accelerator(program):
    machine = Machine(program, "-M", "virt", "-S", accel="tcg")
    machine.expect("readl 0x80000000", "OK 0x0000000000000000")
    machine.expect("clock_step", "FAIL Unknown command 'clock_step'")
    machine.end()


def the_time_of_day_is_the_clients(program):
    """It begins where -rtc says, or on a fixed day, and goes by the client's clock."""
    for words, seconds in (([], 946684800), (["-rtc", "base=2006-06-17"], 1150502400),
                           (["-rtc", "base=2006-06-17T16:01:21,clock=vm"], 1150560081),
                           (["-rtc", "base=1999-12-31"], 946598400), (["-rtc", "base=localtime"], 946684800 + 7200),
                           (["-rtc", "base=2500-01-01"], 16725225600)):
        machine = Machine(program, "-M", "virt", *words, environment={"TZ": "XYZ-2"})
        for step in (0, 1_500):
            machine.ask(f"clock_step {step}")
            instant = seconds * 1_000_000_000 + step
            machine.expect("readl 0x101000", f"OK {instant & 0xffffffff:#018x}")
            machine.expect("readl 0x101004", f"OK {instant >> 32:#018x}")
        machine.end()


def places_that_cannot_be(program):
    for arguments, message in [
            (["-qtest", "unix:/nowhere/q.sock"], "/nowhere/q.sock"),
            (["-qtest", "unix:" + "x" * 200], "unix"),
            (["-qtest", "chardev:none-such"], "none-such"),
            (["-qtest", "nowhere:1"], "nowhere"),
            (["-qtest", "null", "-qtest-log", "/nowhere/log"], "/nowhere/log")]:
        run = subprocess.run([program, "-M", "virt", "-display", "none", "-accel", "qtest", *arguments],
                             capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=PATIENCE)
        assert run.returncode == 1, f"{arguments}: status {run.returncode}, {run.stderr}"
        assert message in run.stderr and run.stderr.count("\n") == 1, run.stderr


# What both must answer alike: RAM, holes, ports, the UART, the PLIC, the CLINT. Their paths differ.
SHARED = """
endianness
inb 0x0
inw 0x3f8
inl 0x10
outb 0x80 0x1
outl 0x80 0xffffffff
writeq 0x80100000 0x1122334455667788
readb 0x80100000
readw 0x80100001
readl 0x80100003
readq 0x80100000
readq 2148532224
readb 020000200010
read 0x80100000 0x8
write 0x80100000 0x4 0xff
read 0x80100000 0x4
memset 0x80100000 0x4 0xab
memset 0x80100000 0x0 0xab
b64read 0x80100000 0x5
b64write 0x80100000 0x5 aGVsbG8=
read 0x80100000 0x6
readl 0x18000000
writel 0x18000000 0x1
readq 0x18000000
readb -1
readq -4
writew 0x80100000 -2
readw +0x80100000
memset -1 0x1000 -1
read -1 020
foo
foo bar
clock_step 1
clock_set 1
readb 0x10000000
readb 0x10000001
readb 0x10000002
readb 0x10000005
writeb 0x10000007 0x5a
readb 0x10000007
readw 0x10000003
readl 0x10000001
readl 0x10000005
writew 0x10000007 0xa5
readw 0x10000007
writel 0x10000005 0x3c0000
readb 0x10000007
readq 0x10000001
readw 0x3000002b
readl 0x30000029
readq 0x30000001
readw 0xc000029
writew 0xc00002a 0x1
readl 0xc000028
writeb 0x10000003 0x83
writeb 0x10000000 0x0c
readb 0x10000000
readb 0x10000003
writeb 0x10000003 0x03
writeb 0x10000001 0x02
readb 0x10000002
readb 0x10000002
readl 0xc000028
writel 0xc000028 0x7
readl 0xc000028
writel 0xc002000 0x400
readl 0xc002000
writel 0xc200000 0x1
readl 0xc200000
readl 0xc001000
readl 0xc200004
readl 0xc001000
writel 0xc200004 0xa
writeq 0x2004000 0x123456789
readl 0x2004000
readl 0x2004004
writel 0x2000000 0x1
readl 0x2000000
writel 0x2000000 0x0
irq_intercept_in /machine/none-such
"""


def beside_the_reference(program):
    if shutil.which(REFERENCE) is None:
        print(f"skipped: no {REFERENCE} here to compare with")
        return
    ours = Machine(program, "-M", "virt", "-S", accel="tcg")
    theirs = Machine(REFERENCE, "-M", "virt", accel=None)
    requests = SHARED.split("\n")[1:-1]
    different = []
    for request in requests:
        a, b = ours.ask(request), theirs.ask(request)
        if (a[:4], b[:4]) != ("FAIL", "FAIL") or request.startswith("foo"):
            if a != b:
                different.append(f"{request}: {a}; there {b}")
    theirs.end()
    ours.end()
    assert not different, "\n".join(different)
    print(f"{len(requests)} requests answered alike")


CASES = [as_a_client, as_a_server_that_outlives_its_clients, closing_the_socket_is_no_exit,
         megabytes_in_a_line, nonsense_without_an_end, with_another_accelerator, the_time_of_day_is_the_clients,
         places_that_cannot_be, beside_the_reference]


def main():
    harness.run(CASES, lambda case: case(sys.argv[1]))


if __name__ == "__main__":
    main()
