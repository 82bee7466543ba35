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
import struct
import sys
import time
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "python"))
from holdfast import Ended, Error, Machine, ProtocolError, QtestError  # noqa: E402

PATIENCE = 60.0  # seconds without what is waited for: something is wrong
DISK_MIB = 16
BUSY = 0x8500_0000  # where U-Boot writes what it finds


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


class Disk:
    """A driver for NVM Express with its hands on the machine's buses, by the test protocol: Debian's U-Boot has
    none. One queue of sixteen reads, each of 64 KiB with a list of its pages."""

    DEPTH, CHUNK, PAGE = 16, 65536, 4096
    PORT, FUNCTION = 0x3000_8000, 0x3010_0000  # configuration space of the root port, and of what is behind it
    SLOT_CONTROL = 0x58
    POWER_ON, POWER_OFF = 0x1c0, 0x7c0  # with the power indicator
    BAR = 0x4010_0000
    CAPABILITIES, CONFIGURATION, STATUS, QUEUE_SIZES, SUBMISSION, COMPLETION, BELLS = (
        0x00, 0x14, 0x1c, 0x24, 0x28, 0x30, 0x1000)
    MEMORY = 0x8600_0000  # the queues, lists of pages, and data

    def __init__(self, qtest):
        self.qtest = qtest

    def power(self, word):
        self.qtest.writew(self.PORT + self.SLOT_CONTROL, word)

    def set_up(self):
        """From a slot that has just been filled to a controller that takes reads."""
        self.power(self.POWER_ON)
        self.qtest.writel(self.PORT + 0x20, 0x4010_4010)  # the port passes on a MiB of memory
        self.qtest.writew(self.PORT + 0x04, 6)
        self.qtest.writel(self.FUNCTION + 0x10, self.BAR)
        self.qtest.writel(self.FUNCTION + 0x14, 0)
        self.qtest.writew(self.FUNCTION + 0x04, 6)  # memory, bus master
        self.start()

    def register(self, at, value, size=4):
        (self.qtest.writel if size == 4 else self.qtest.writeq)(self.BAR + at, value)

    def wait_until_ready(self, ready):
        deadline = time.monotonic() + PATIENCE
        while self.qtest.readl(self.BAR + self.STATUS) & 1 != ready:
            check(time.monotonic() < deadline, "the disk's controller does not become ready")

    def start(self):
        self.register(self.CONFIGURATION, 0)
        self.wait_until_ready(0)
        self.queues = [self.MEMORY + i * self.PAGE for i in range(4)]  # admin, then I/O: asks, answers
        self.qtest.memset(self.MEMORY, 4 * self.PAGE, 0)
        self.tails, self.heads = [0, 0], [0, 0]
        self.register(self.QUEUE_SIZES, 31 << 16 | 31)
        self.register(self.SUBMISSION, self.queues[0], 8)
        self.register(self.COMPLETION, self.queues[1], 8)
        self.register(self.CONFIGURATION, 1 | 6 << 16 | 4 << 20)
        self.wait_until_ready(1)
        for opcode, where, more in ((5, self.queues[3], 1), (1, self.queues[2], 1 << 16 | 1)):
            self.submit(0, struct.pack("<BBHIQQQQ6I", opcode, 0, 0, 0, 0, 0, where, 0, 31 << 16 | 1, more,
                                       0, 0, 0, 0))
            self.take(0)

    def submit(self, queue, command):
        self.qtest.write(self.queues[2 * queue] + 64 * self.tails[queue], command)
        self.tails[queue] = (self.tails[queue] + 1) % 32
        self.register(self.BELLS + 8 * queue, self.tails[queue])

    def take(self, queue):
        """The next answer's status, 0 for success."""
        place = self.queues[2 * queue + 1] + 16 * (self.heads[queue] % 32)
        phase = 1 - self.heads[queue] // 32 % 2
        deadline = time.monotonic() + PATIENCE
        while True:
            status = self.qtest.readw(place + 14)
            if status & 1 == phase:
                break
            check(time.monotonic() < deadline, "the disk does not answer")
        self.heads[queue] += 1
        self.register(self.BELLS + 8 * queue + 4, self.heads[queue] % 32)
        check(status >> 1 == 0, f"the disk answered with status {status >> 1:#x}")

    def data_of(self, slot):
        return self.MEMORY + (1 << 20) + slot * self.CHUNK

    def ask_for(self, slot, offset):
        pages = [self.data_of(slot) + i * self.PAGE for i in range(self.CHUNK // self.PAGE)]
        pages_at = self.MEMORY + (16 + slot) * self.PAGE
        self.qtest.write(pages_at, struct.pack(f"<{len(pages) - 1}Q", *pages[1:]))
        self.submit(1, struct.pack("<BBHIQQQQ6I", 2, 0, slot, 1, 0, 0, pages[0], pages_at, offset // 512, 0,
                                   self.CHUNK // 512 - 1, 0, 0, 0))

    def read(self, offset):
        """A MiB."""
        for slot in range(self.DEPTH):
            self.ask_for(slot, offset + slot * self.CHUNK)
        for _ in range(self.DEPTH):
            self.take(1)
        return self.qtest.read(self.data_of(0), self.DEPTH * self.CHUNK)


class Tour:
    def __init__(self, machine, console, image, cycles):
        self.qmp, self.machine, self.console = machine.qmp, machine, console
        self.image, self.cycles = image, cycles
        self.disk = Disk(machine.qtest)

    def census(self):
        return {entry["kind"]: entry["count"] for entry in self.qmp.execute("x-query-census")}

    def settled_census(self):
        """When nothing waits for a reader to go on."""
        deadline = time.monotonic() + PATIENCE
        while "retired" in (census := self.census()) and time.monotonic() < deadline:
            time.sleep(0.01)
        return census

    def resident_kib(self):
        status = pathlib.Path(f"/proc/{self.machine.process.pid}/status").read_text(encoding="ascii")
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1])

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.machine.process.pid}/fd"))

    def plug(self):
        self.qmp.execute("blockdev-add", {"driver": "file", "node-name": "image", "filename": self.image,
                                          "read-only": True})
        self.qmp.execute("device_add", {"driver": "nvme", "id": "disk", "bus": "port", "serial": "tour",
                                        "drive": "image"})
        self.disk.set_up()

    def tear_out(self):
        self.qmp.execute("x-surprise-remove", {"id": "disk"})
        self.qmp.wait_event("DEVICE_DELETED", lambda event: event["data"].get("device") == "disk")
        self.qmp.execute("blockdev-del", {"node-name": "image"})
        self.disk.power(Disk.POWER_OFF)

    def a_cycle(self):
        """Torn out with sixteen reads under way."""
        self.plug()
        for slot in range(Disk.DEPTH):
            self.disk.ask_for(slot, slot * Disk.CHUNK)
        self.tear_out()

    # --- the stations --------------------------------------------------------------------------------

    def boots(self, began):
        title(1, "A machine boots: Debian's OpenSBI and U-Boot, unmodified, on two harts")
        self.console.until(r"Hit any key")
        self.console.send("\n")
        self.console.until(r"=> ")
        say(f"at the prompt {time.monotonic() - began:.2f} s after the command, with "
            f"{self.resident_kib() / 1024:.0f} MiB of the host's memory")
        say(self.console.ask("version").splitlines()[1])

    def a_disk_comes(self):
        title(2, "A disk is plugged into the running machine, and read while a hart is busy")
        self.plug()
        said = self.console.ask(f"md.w {Disk.FUNCTION:x} 2")
        say("U-Boot reads its name: " + re.search(r"[0-9a-f]{8}: \S+ \S+", said)[0])
        self.load_begins()
        whole = 0
        began = time.monotonic()
        for offset in range(0, DISK_MIB << 20, 1 << 20):
            whole = zlib.crc32(self.disk.read(offset), whole)
        took = time.monotonic() - began
        wanted = zlib.crc32(pathlib.Path(self.image).read_bytes())
        say(f"{DISK_MIB} MiB in {took:.1f} s, checksum {whole:08x} in the guest's memory, {wanted:08x} on the host")
        check(whole == wanted, "what was read is not what is on the disk")

    def load_begins(self):
        """A hart that reads the disk's registers without an end."""
        self.console.send(f"while true; do crc32 {Disk.BAR:x} 4000 {BUSY:x}; done\n")

    def load_ends(self):
        self.console.send("\x03")
        self.console.until(r"=> ")

    def the_disk_goes(self):
        title(3, f"It is torn out and put back {self.cycles:,} times, with reads under way and a hart at its registers")
        self.tear_out()
        for _ in range(max(self.cycles // 10, 1)):
            self.a_cycle()
        resident, descriptors, began = self.resident_kib(), self.descriptors(), time.monotonic()
        for _ in range(self.cycles):
            self.a_cycle()
        took = time.monotonic() - began
        say(f"{took / self.cycles * 1e3:.1f} ms a cycle: file opened, disk in, powered, set up, 1 MiB asked for, out, closed")
        say(f"resident memory {resident} KiB before, {self.resident_kib()} KiB after")
        say(f"open descriptors {descriptors} before, {self.descriptors()} after")
        check(self.descriptors() == descriptors, "descriptors are left")
        self.load_ends()

    def harts_come_and_go(self):
        cycles = max(self.cycles // 10, 1)
        title(4, f"A third hart comes and goes {cycles} times")
        began = time.monotonic()
        for _ in range(cycles):
            self.qmp.execute("device_add", {"driver": "rv64-riscv-cpu", "id": "hart2", "core-id": 2})
            self.qmp.execute("device_del", {"id": "hart2"})
            self.qmp.wait_event("DEVICE_DELETED", lambda event: event["data"].get("device") == "hart2")
        took = time.monotonic() - began
        self.console.send("echo goes on\n")
        self.console.until(r"\ngoes on")
        say(f"{took / cycles * 1e3:.1f} ms each; U-Boot goes on")

    def what_is_left(self, at_first, tree):
        title(5, "What is left of all that")
        now, tree_now = self.settled_census(), self.qmp.human("info mtree")
        check(tree_now == tree, f"the memory tree is another one than at first:\n{tree_now}")
        say(f"info mtree: {len(tree.splitlines())} lines, the same to the letter as before the first plug")
        # How many nodes of a tree hold the map depends on how it came about; what it holds was compared above.
        nodes = {census.pop("flat-nodes") for census in (at_first, now)}
        check(max(nodes) <= 8, f"{max(nodes)} nodes for a map of some dozens of ranges")
        for name in sorted(at_first | now):
            say(f"{name:16} {at_first.get(name, 0):6} before {now.get(name, 0):6} after")
        check(at_first == now, "the census differs")


def run(holdfast, firmware, kernel, cycles):
    began = time.monotonic()
    machine = Machine("-M", "virt", "-m", "256M", "-smp", "2,maxcpus=3", "-display", "none", "-bios", firmware,
                      "-kernel", kernel, "-device", "pcie-root-port,id=port,chassis=1,slot=1", "-d", "census",
                      "-serial", "chardev:console", "-S", program=holdfast, qtest=True, timeout=PATIENCE)
    machine.arguments += ["-chardev", f"socket,id=console,path={machine.path('console')},server=on,wait=off"]
    with machine:
        image = machine.path("disk.img")
        pathlib.Path(image).write_bytes(b"".join(number.to_bytes(8, "little")
                                                 for number in range(0, DISK_MIB << 20, 8)))
        tour = Tour(machine, Console(machine.path("console")), image, cycles)
        machine.qmp.execute("cont")
        tour.boots(began)
        at_first, tree = tour.settled_census(), machine.qmp.human("info mtree")
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
    except (TourFailed, Ended, Error, ProtocolError, QtestError, OSError) as wrong:
        sys.exit(f"the tour ends here: {wrong}")


if __name__ == "__main__":
    main()
