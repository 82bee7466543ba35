#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A hot-plug slot, driven by a guest program of ours by its interrupt and by a monitor from outside: devices
are put in, asked for, let go of, kept, slept over and torn out.

usage: slot_test.py HOLDFAST [case...]
"""

import contextlib
import pathlib
import socket
import sys
import tempfile
import time

from guest_test import Guest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "python"))
from holdfast import Error, Machine  # noqa: E402

PATIENCE = 60.0  # seconds without what is waited for: it hangs
PORT = ("-device", "pcie-root-port,id=rp1,chassis=1,slot=1,addr=2")
CARD = {"driver": "pci-testdev", "id": "card", "bus": "rp1"}


class Slot:
    """A machine whose guest program drives the slot."""

    def __init__(self, machine):
        self.machine = machine
        self.qmp = machine.qmp
        self.console = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.console.settimeout(PATIENCE)
        self.console.connect(machine.path("console"))
        self.text = b""

    def line(self):
        while b"\n" not in self.text:
            more = self.console.recv(4096)
            assert more, f"the machine ended: {self.machine.output()}"
            self.text += more
        line, self.text = self.text.split(b"\n", 1)
        return line.decode()

    def hears(self, *lines):
        for wanted in lines:
            line = self.line()
            assert line == wanted, f"{line!r}, not {wanted!r}"

    def type(self, key, *answer):
        self.console.sendall(key.encode())
        self.hears(*answer)

    def put_in(self, **more):
        self.qmp.execute("device_add", **CARD, **more)

    def refused(self, command, **arguments):
        try:
            self.qmp.execute(command, **arguments)
        except Error as error:
            return str(error)
        raise AssertionError(f"{command} {arguments} was done")

    def ask(self):
        self.qmp.execute("device_del", id="card")

    def gone(self):
        event = self.qmp.wait_event("DEVICE_DELETED")
        assert event["data"] == {"device": "card", "path": "/machine/peripheral/card"}, event
        assert not self.qmp.execute("x-query-tickets")

    def ends(self):
        """The number of interrupts it got."""
        self.console.sendall(b"e")
        said = dict(self.line().rsplit(" ", 1) for _ in range(3))
        self.machine.wait()
        assert said["completed"] == "1", said
        return int(said["buttons"]), int(said["interrupts"])


@contextlib.contextmanager
def running(guest, *flags, arguments=(), holds=0):
    elf = guest.build("slot.c", "slot" + "".join(flags), *flags)
    with contextlib.ExitStack() as stack:
        machine = Machine("-M", "virt", "-m", "64M", "-display", "none", "-bios", "none", "-kernel", str(elf), "-S",
                          *PORT, *arguments, "-chardev", "socket,id=con,path=console,server=on,wait=off",
                          "-serial", "chardev:con", program=guest.program)
        machine._arguments = [argument.replace("path=console", "path=" + machine.path("console"))
                              for argument in machine._arguments]
        stack.enter_context(machine)
        slot = Slot(machine)
        stack.callback(slot.console.close)
        slot.qmp.execute("cont")
        slot.hears(f"slot holds {holds}")
        yield slot


def put_in_and_let_go(guest):
    """By the pin, and by messages."""
    for flags in ((), ("-DMSIX", "-DMAILBOX")):
        with running(guest, *flags) as slot:
            for _ in range(3):
                slot.put_in()
                slot.hears("present 1", "powered", "link 1")
                slot.type("d", "device 1b36:0005 says 00000000" if not flags else slot_says(slot))
                slot.ask()
                slot.hears("let go")
                slot.gone()
                slot.hears("link 0")
            buttons, interrupts = slot.ends()
            assert buttons == 3 and interrupts >= 9, (buttons, interrupts)


CASES = [put_in_and_let_go]


def main():
    program, wanted = sys.argv[1], sys.argv[2:]
    for case in CASES:
        if wanted and case.__name__ not in wanted:
            continue
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            case(Guest(program, folder))
        print(f"{case.__name__}: passed in {time.monotonic() - began:.1f} s", flush=True)


if __name__ == "__main__":
    main()
