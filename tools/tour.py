#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""./run --tour: Holdfast shown in about a minute. Nothing is staged: a machine boots Debian's firmware, a disk
is plugged into it, read and checked under load, and torn out a thousand times; harts come and go; and in the
end the machine is asked what is left.

usage: tour.py HOLDFAST OPENSBI U-BOOT [cycles]
"""

import os
import pathlib
import re
import socket
import sys
import time
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "python"))
from holdfast import Ended, Machine, ProtocolError  # noqa: E402

PATIENCE = 60.0  # seconds without what is waited for: something is wrong
DISK_MIB = 16
READ_AT = 0x8400_0000  # where U-Boot reads the disk to
CHUNK_MIB = 4
PCI_EXPRESS = 0x10  # a capability's number, and in it
SLOT_CONTROL = 0x18
POWER_ON = 0x1c0  # power indicator on, attention indicator off, power on


class TourFailed(Exception):
    """Something was not as it has to be."""


def check(holds, what):
    if not holds:
        raise TourFailed(what)


def title(number, text):
    print(f"\n\033[1m{number}. {text}\033[0m" if sys.stdout.isatty() else f"\n{number}. {text}", flush=True)


def say(text):
    print(f"   {text}", flush=True)


class Console:
    """The machine's serial port, with U-Boot behind it."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(path)
        self.text = ""

    def until(self, pattern):
        """What was said up to the pattern; it and all before it are forgotten."""
        while not (found := re.search(pattern, self.text)):
            try:
                data = self.socket.recv(65536)
            except TimeoutError:
                data = b""
            check(data, f"U-Boot did not say {pattern!r}; its last words: {self.text[-500:]}")
            self.text += data.decode("utf-8", "replace")
        before, self.text = self.text[:found.end()], self.text[found.end():]
        return before

    def send(self, text):
        self.socket.sendall(text.encode())

    def ask(self, line):
        self.send(line + "\n")
        return self.until(r"=> ")


class Tour:
    def __init__(self, machine, console, image, cycles):
        self.qmp, self.machine, self.console = machine.qmp, machine, console
        self.image, self.cycles = image, cycles

    def census(self):
        return self.qmp.execute("x-query-census")

    def resident_kib(self):
        status = pathlib.Path(f"/proc/{self.machine.process.pid}/status").read_text(encoding="ascii")
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1])

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.machine.process.pid}/fd"))

    def plug(self, name):
        self.qmp.execute("blockdev-add", {"driver": "file", "node-name": f"{name}-file", "filename": self.image,
                                          "read-only": True})
        self.qmp.execute("device_add", {"driver": "nvme", "id": name, "bus": "port1", "serial": "tour",
                                        "drive": f"{name}-file"})

    def tear_out(self, name):
        self.qmp.execute("x-surprise-remove", {"id": name})
        self.qmp.wait_event("DEVICE_DELETED", lambda event: event["data"].get("device") == name)
        self.qmp.execute("blockdev-del", {"node-name": f"{name}-file"})

    def port(self, at):
        """A word of the port's configuration space."""
        said = self.console.ask(f"pci display.w 0.1.0 {at:x} 1")
        return int(re.search(rf"{at:08x}: ([0-9a-f]{{4}})", said)[1], 16)

    def switch_on(self):
        """The slot's power, as a driver for hot-plug would; U-Boot has none, so the hand does it."""
        capability = self.port(0x34) & 0xff
        while (head := self.port(capability)) & 0xff != PCI_EXPRESS:
            capability = head >> 8
            check(capability, "the port has no PCI Express capability")
        self.console.ask(f"pci write.w 0.1.0 {capability + SLOT_CONTROL:x} {POWER_ON:x}")

    # --- the stations --------------------------------------------------------------------------------

    def boots(self, began):
        title(1, "A machine boots: Debian's OpenSBI and U-Boot, unmodified, on two harts")
        self.console.until(r"Hit any key")
        self.console.send("\n")
        self.console.until(r"=> ")
        say(f"at the prompt {time.monotonic() - began:.2f} s after the command, with "
            f"{self.resident_kib() / 1024:.1f} MiB of the host's memory")
        say(self.console.ask("version").splitlines()[1])

    def a_disk_comes(self):
        title(2, "A disk is plugged into the running machine, found, and read")
        self.plug("disk0")
        self.switch_on()
        self.console.ask("pci enum")
        found = self.console.ask("pci 1")
        say(next(line.strip() for line in found.splitlines() if "0x0108" in line or "1b36" in line))
        self.console.ask("nvme scan")
        say(self.console.ask("nvme info").splitlines()[1].strip())
        sector = 512
        for at in range(0, DISK_MIB, CHUNK_MIB):
            self.console.ask(f"nvme read {READ_AT:x} {(at << 20) // sector:x} {(CHUNK_MIB << 20) // sector:x}")
            said = re.search(r"==> ([0-9a-f]{8})", self.console.ask(f"crc32 {READ_AT:x} {CHUNK_MIB << 20:x}"))
            with open(self.image, "rb") as file:
                file.seek(at << 20)
                wanted = zlib.crc32(file.read(CHUNK_MIB << 20))
            check(said and int(said[1], 16) == wanted, f"{CHUNK_MIB} MiB at {at} MiB are not what the host has")
            say(f"{CHUNK_MIB} MiB at {at:2} MiB: checksum {said[1]} in the guest, {wanted:08x} on the host")

    def the_disk_goes(self):
        title(3, f"It is torn out and put back {self.cycles:,} times while a hart reads its registers")
        bar = int(re.search(r"\n0 +(0x[0-9a-f]+)", self.console.ask("pci bar 1.0.0"))[1], 16)
        self.console.send(f"while true; do crc32 {bar:x} 100000 {READ_AT:x}; done\n")
        self.tear_out("disk0")
        self.plug("disk0")
        self.tear_out("disk0")
        before = self.resident_kib(), self.descriptors(), self.census()
        began = time.monotonic()
        for _ in range(self.cycles):
            self.plug("disk0")
            self.tear_out("disk0")
        took = time.monotonic() - began
        say(f"{took / self.cycles * 1e3:.2f} ms a cycle, from the command to DEVICE_DELETED and the file closed")
        after = self.resident_kib(), self.descriptors(), self.census()
        say(f"resident memory {before[0]} KiB before, {after[0]} KiB after; "
            f"descriptors {before[1]} and {after[1]}")
        check(after[1] == before[1], "descriptors are left")
        self.console.send("\x03")
        self.console.until(r"=> ")

    def harts_come_and_go(self):
        title(4, "Harts come and go")
        began = time.monotonic()
        cycles = max(self.cycles // 10, 1)
        for _ in range(cycles):
            self.qmp.execute("device_add", {"driver": "rv64-riscv-cpu", "id": "hart2", "core-id": 2})
            self.qmp.execute("device_del", {"id": "hart2"})
            self.qmp.wait_event("DEVICE_DELETED", lambda event: event["data"].get("device") == "hart2")
        say(f"{cycles} times, {(time.monotonic() - began) / cycles * 1e3:.2f} ms each; U-Boot goes on: "
            + self.console.ask("echo still here").splitlines()[1])

    def what_is_left(self, at_first, tree):
        title(5, "What is left of all that")
        now, tree_now = self.census(), self.qmp.human("info mtree")
        for line in tree_now.splitlines()[:12]:
            say(line)
        say("…")
        check(tree_now == tree, "the memory tree is another one than at first")
        say("info mtree: the same to the letter as before the first plug")
        names = sorted(name for name in at_first if isinstance(at_first[name], int))
        for name in names:
            say(f"{name:14} {at_first[name]:6} before {now[name]:6} after")
        check(at_first == now, f"the census differs: {at_first} and {now}")


def run(holdfast, firmware, kernel, cycles):
    began = time.monotonic()
    machine = Machine("-M", "virt", "-m", "256M", "-smp", "2,maxcpus=3", "-display", "none", "-bios", firmware,
                      "-kernel", kernel, "-device", "pcie-root-port,id=port1,chassis=1,slot=1", "-d", "census",
                      "-serial", "chardev:console", "-S", program=holdfast, timeout=PATIENCE)
    machine.arguments = [*machine.arguments,
                         "-chardev", f"socket,id=console,path={machine.path('console')},server=on,wait=off"]
    with machine:
        image = machine.path("disk.img")
        pathlib.Path(image).write_bytes(b"".join(number.to_bytes(8, "little") for number in
                                                 range(0, DISK_MIB << 20, 8)))
        tour = Tour(machine, Console(machine.path("console")), image, cycles)
        machine.qmp.execute("cont")
        tour.boots(began)
        at_first, tree = tour.census(), machine.qmp.human("info mtree")
        tour.a_disk_comes()
        tour.the_disk_goes()
        tour.harts_come_and_go()
        tour.what_is_left(at_first, tree)
        machine.qmp.execute("quit")
        said = machine.wait()
    check("census: nothing left" in said, f"the machine said when it ended: {said}")
    print(f"\nThe machine has ended, {time.monotonic() - began:.0f} s after the command. What was left: nothing.")


def main():
    holdfast, firmware, kernel, *cycles = sys.argv[1:]
    try:
        run(holdfast, firmware, kernel, int(cycles[0]) if cycles else 1000)
    except (TourFailed, Ended, ProtocolError, OSError) as wrong:
        sys.exit(f"the tour ends here: {wrong}")


if __name__ == "__main__":
    main()
