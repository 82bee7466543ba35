#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Unmodified firmware from Debian's packages on the emulator, driven over a pseudo-terminal.

usage: boot_test.py HOLDFAST [case...]
"""

import os
import pty
import re
import select
import subprocess
import sys
import tempfile
import time

import harness

OPENSBI = "/usr/lib/riscv64-linux-gnu/opensbi/generic"
UBOOT = "/usr/lib/u-boot"
S_MODE = ["-bios", f"{OPENSBI}/fw_dynamic.bin", "-kernel", f"{UBOOT}/qemu-riscv64_smode/u-boot.bin"]
M_MODE = ["-bios", f"{UBOOT}/qemu-riscv64/u-boot.bin"]
# fw_jump goes on at 2 MiB behind the beginning of RAM, where U-Boot's S-mode variant is linked.
S_MODE_BY_JUMP = ["-bios", f"{OPENSBI}/fw_jump.elf", "-kernel", S_MODE[3]]
PATIENCE = 120.0  # seconds without what is waited for: the machine hangs


class Console:
    """The emulator with its terminal."""

    def __init__(self, program, arguments):
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen([program, *arguments], stdin=slave, stdout=slave,
                                        stderr=slave, close_fds=True)
        os.close(slave)
        self.text = ""
        self.all = ""

    def read_some(self, deadline):
        ready, _, _ = select.select([self.master], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            raise AssertionError(f"nothing more came; last was:\n{self.all[-2000:]}")
        try:
            data = os.read(self.master, 65536)
        except OSError:  # the other end is closed
            data = b""
        text = data.decode("utf-8", "replace")
        self.text += text
        self.all += text
        return bool(data)

    def expect(self, pattern):
        """Waits for the pattern; returns the match and forgets what came before its end."""
        deadline = time.monotonic() + PATIENCE
        while True:
            match = re.search(pattern, self.text)
            if match:
                self.text = self.text[match.end():]
                return match
            if not self.read_some(deadline):
                raise AssertionError(f"ended before /{pattern}/; last was:\n{self.all[-2000:]}")

    def send(self, line):
        os.write(self.master, line.encode())

    def command(self, line, pattern):
        """One line at the U-Boot prompt; its output must match, and the prompt come back."""
        self.send(line + "\n")
        match = self.expect(pattern)
        self.expect(r"=> ")
        return match

    def status(self):
        deadline = time.monotonic() + PATIENCE
        while self.read_some(deadline):
            pass
        return self.process.wait(timeout=PATIENCE)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)


def to_prompt(console):
    console.expect(r"Hit any key to stop autoboot")
    console.send("\n")
    console.expect(r"=> ")


def under_opensbi(program, harts):
    console = Console(program, ["-M", "virt", "-smp", str(harts), "-m", "256M", "-nographic", *S_MODE])
    try:
        console.expect(r"OpenSBI v\d")
        console.expect(rf"Platform HART Count\s+: {harts}\b")
        console.expect(r"U-Boot 20\d\d")
        to_prompt(console)
        console.command("version", r"U-Boot 20\d\d")
        console.command("bdinfo", r"-> size\s*= 0x0*10000000")
        console.command("md 80200000 4", r"80200000: [0-9a-f]{8} [0-9a-f]{8} [0-9a-f]{8} [0-9a-f]{8}")
        console.command("fdt addr ${fdtcontroladdr}", r"Working FDT set")
        console.command("fdt print /soc/serial@10000000", r"compatible = \"ns16550a\"")
        console.command("mw.l 84000000 12345678 1; md.l 84000000 1", r"84000000: 12345678")
        console.send("poweroff\n")
        status = console.status()
        assert status == 0, f"exit status {status}"
    finally:
        console.close()


def matrix(program, counts):
    """Each way to the prompt with each number of harts; OpenSBI finds them all."""
    for harts in counts:
        for name, firmware in (("fw_dynamic", S_MODE), ("fw_jump", S_MODE_BY_JUMP), ("alone", M_MODE)):
            began = time.monotonic()
            console = Console(program, ["-M", "virt", "-smp", str(harts), "-m", "256M", "-nographic",
                                        *firmware])
            try:
                if firmware is not M_MODE:
                    console.expect(rf"Platform HART Count\s+: {harts}\b")
                to_prompt(console)
                took = time.monotonic() - began
                console.send("poweroff\n")
                status = console.status()
                assert status == 0, f"{name}, {harts} harts: exit status {status}"
                print(f"  {name}, {harts} harts: {took:.2f} s to the prompt", flush=True)
            finally:
                console.close()


def up_to_eight_harts(program):
    matrix(program, (1, 2, 8))


def sixty_four_harts(program):
    matrix(program, (64,))


def one_hart(program):
    under_opensbi(program, 1)


def two_harts(program):
    under_opensbi(program, 2)


def machine_mode(program):
    console = Console(program, ["-M", "virt", "-nographic", *M_MODE])
    try:
        to_prompt(console)
        console.command("version", r"U-Boot 20\d\d")
        console.send("poweroff\n")
        status = console.status()
        assert status == 0, f"exit status {status}"
    finally:
        console.close()


def pci_functions_are_found_and_mapped(program):
    """U-Boot finds functions, a device with two among them, and gives their BARs addresses; ours tell where."""
    console = Console(program, ["-M", "virt", "-nographic", *M_MODE,
                                "-device", "pci-testdev,id=both,addr=3,multifunction=on",
                                "-device", "pci-testdev,addr=3.1,membar=64K,membar-backed=on",
                                "-device", "pci-testdev"])
    try:
        to_prompt(console)
        console.command("pci enum", "")
        console.command("pci", r"00\.00\.00\s+0x1b36\s+0x0008\s+Bridge device\s+0x00\s+"
                               r"00\.01\.00\s+0x1b36\s+0x0005.*\s+"
                               r"00\.03\.00\s+0x1b36\s+0x0005.*\s+00\.03\.01\s+0x1b36\s+0x0005")
        console.command("pci header 0.3.0", r"header type =\s+0x80")
        at = console.command("pci bar 0.3.1", r"0\s+0x0000000(\w+)\s+0x0000000000001000\s+32\s+MEM\s+"
                                              r"1\s+0x0000000(\w+)\s+0x0000000000000100\s+32\s+I/O\s+"
                                              r"2\s+0x0000000(\w+)\s+0x0000000000010000\s+64\s+MEM\s+Prefetchable")
        memory, ports, backed = (int(group, 16) for group in at.groups())
        # The first test of the memory BAR: its name, then a write that it counts.
        console.command(f"mw.b {memory:x} 0; md.b {memory + 16:x} 10", r"6d 6d 69 6f 2d 6e 6f 2d +")
        console.command(f"mw.b {memory + 0x800:x} fa 3; mw.b {memory + 0x800:x} fa; md.l {memory + 12:x} 1",
                        r": 00000002")
        console.command(f"mw.b {0x3000000 + ports:x} 1; md.b {0x3000000 + ports + 16:x} 8", r"70 6f 72 74 69 6f")
        console.command(f"mw.l {backed + 0xfffc:x} cafe; md.l {backed + 0xfffc:x} 1", r": 0000cafe")
        # Unmapped, it reads as ones; another place shows it again, bytes and all.
        console.command("pci write.w 0.3.1 4 0", "")
        console.command(f"md.l {backed + 0xfffc:x} 1", r": ffffffff")
        console.command("pci write.l 0.3.1 18 50000000; pci write.l 0.3.1 4 6; md.l 5000fffc 1", r": 0000cafe")
        console.command("md.l 30010000 1", r": ffffffff")
        console.send("poweroff\n")
        assert console.status() == 0
    finally:
        console.close()


def reset_starts_afresh(program):
    console = Console(program, ["-M", "virt", "-smp", "2", "-nographic", *S_MODE])
    try:
        to_prompt(console)
        console.send("reset\n")
        console.expect(r"OpenSBI v\d")
        to_prompt(console)
        console.send("poweroff\n")
        assert console.status() == 0
    finally:
        console.close()


def escape_key_ends_it(program):
    console = Console(program, ["-M", "virt", "-nographic", *S_MODE])
    try:
        console.expect(r"OpenSBI v\d")
        console.send("\x01x")
        assert console.status() == 0
    finally:
        console.close()


def census_is_empty_at_exit(program):
    console = Console(program, ["-M", "virt", "-smp", "2", "-nographic", "-d", "census", *S_MODE])
    try:
        to_prompt(console)
        console.send("poweroff\n")
        console.expect(r"census: nothing left")
        assert console.status() == 0
    finally:
        console.close()


def terminated(program):
    process = subprocess.Popen([program, "-M", "virt", "-nographic", *S_MODE], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout.read(1)
    process.terminate()
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, f"exit status {process.returncode}"


def refused(program, arguments, *words):
    """Status 1 and one line that has all the words."""
    done = subprocess.run([program, *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 1, f"{arguments}: status {done.returncode}"
    lines = done.stderr.splitlines()
    assert len(lines) == 1, f"{arguments}: not one line: {done.stderr!r}"
    for word in words:
        assert word in lines[0], f"{arguments}: '{word}' is not in {lines[0]!r}"
    assert not done.stdout, f"{arguments}: wrote {done.stdout!r}"


def bad_input(program):
    with tempfile.TemporaryDirectory() as folder:
        empty = os.path.join(folder, "empty.bin")
        open(empty, "wb").close()
        foreign = os.path.join(folder, "foreign.elf")
        with open("/bin/true", "rb") as source, open(foreign, "wb") as target:
            target.write(source.read())
        with open(f"{OPENSBI}/fw_dynamic.elf", "rb") as source:
            whole = source.read()
        truncated = os.path.join(folder, "truncated.elf")
        with open(truncated, "wb") as target:
            target.write(whole[:4096])
        large = os.path.join(folder, "large.bin")
        with open(large, "wb") as target:
            target.truncate(64 << 20)
        virt = ["-M", "virt", "-nographic"]
        refused(program, [*virt, "-bios", os.path.join(folder, "missing")], "missing")
        refused(program, [*virt, "-bios", empty], "empty.bin")
        refused(program, [*virt, "-bios", foreign], "foreign.elf")
        refused(program, [*virt, "-bios", truncated], "truncated.elf")
        refused(program, [*virt, "-m", "32M", "-bios", M_MODE[1], "-kernel", large], "large.bin")
        refused(program, ["-M", "nonsense"], "nonsense", "-M")
        refused(program, ["-M", "virt,nonsense=1", "-nographic"], "nonsense")
        refused(program, ["-nonsense"], "nonsense")
        refused(program, [*virt, "-m", "lots"], "-m", "lots")
        refused(program, [*virt, "-m", "99999999T"], "-m")
        refused(program, [*virt, "-smp", "0"], "-smp")
        refused(program, [*virt, "-smp", "65"], "-smp", "64")
        refused(program, [*virt, "-cpu", "rv65"], "-cpu", "rv64", "max")
        refused(program, [*virt, "-cpu", "rv64,f=off"], "-cpu", "d needs f")
        refused(program, [*virt, "-cpu", "rv64,zbz=on"], "-cpu", "zbz", "help")
        refused(program, [*virt, "-cpu", "rv64,cboz_blocksize=48"], "-cpu", "48", "4096")
        refused(program, ["-nographic"], "-M")


CASES = [one_hart, two_harts, machine_mode, pci_functions_are_found_and_mapped, reset_starts_afresh, escape_key_ends_it,
         census_is_empty_at_exit, terminated, bad_input, up_to_eight_harts]
# Only on a build for users: each hart is a host thread.
LARGE = [sixty_four_harts]


def main():
    harness.run(CASES, lambda case: case(sys.argv[1]), on_request=LARGE)


if __name__ == "__main__":
    main()
