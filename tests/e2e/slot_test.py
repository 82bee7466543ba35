#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A hot-plug slot, driven by a guest program of ours by its interrupt and by a monitor from outside: devices
are put in, asked for, let go of, kept, slept over and torn out.

usage: slot_test.py HOLDFAST [case...]
"""

import contextlib
import socket
import sys
import tempfile

import harness
from guest_test import Guest
from holdfast import Error, Machine

PATIENCE = 60.0  # seconds without what is waited for: it hangs
PORT = ("-device", "pcie-root-port,id=rp1,chassis=1,slot=1,addr=2")
CARD = {"driver": "pci-testdev", "id": "card", "bus": "rp1"}


class Slot:
    """A machine whose guest program drives the slot."""

    def __init__(self, machine, console):
        self.machine = machine
        self.qmp = machine.qmp
        self.console = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.console.settimeout(PATIENCE)
        self.console.connect(str(console))
        self.text = b""
        self.typed = 0

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
        self.typed += 1
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

    def plugged(self):
        """Put in and powered up."""
        self.put_in()
        self.hears("present 1", "powered", "link 1")

    def kept(self):
        event = self.qmp.wait_event("DEVICE_UNPLUG_GUEST_ERROR")
        assert event["data"] == {"device": "card", "path": "/machine/peripheral/card"}, event

    def gone(self):
        event = self.qmp.wait_event("DEVICE_DELETED")
        assert event["data"] == {"device": "card", "path": "/machine/peripheral/card"}, event
        assert not self.qmp.execute("x-query-tickets")

    def lets_go(self):
        """The guest does what was asked of it."""
        self.hears("let go")
        self.gone()

    def ends(self):
        """How often the button was pressed, and the number of interrupts by the port; those by the console are
        as many as keys were typed."""
        self.type("e")
        said = dict(self.line().rsplit(" ", 1) for _ in range(4))
        self.machine.wait()
        assert said["completed"] == "1" and said["keys"] == str(self.typed), said
        return int(said["buttons"]), int(said["interrupts"])


@contextlib.contextmanager
def running(guest, *flags, board="virt", arguments=(), holds=0):
    elf = guest.build("slot.c", "slot" + "".join(flags), *flags)
    console = guest.folder / "console"
    with contextlib.ExitStack() as stack:
        machine = stack.enter_context(
            Machine("-M", board, "-m", "64M", "-display", "none", "-bios", "none", "-kernel", str(elf), "-S",
                    *PORT, *arguments, "-chardev", f"socket,id=con,path={console},server=on,wait=off",
                    "-serial", "chardev:con", program=guest.program))
        slot = Slot(machine, console)
        stack.callback(slot.console.close)
        slot.qmp.execute("cont")
        slot.hears(f"slot holds {holds}")
        yield slot


# How the port and the console interrupt: by lines through each controller, by messages of the port's own to the
# hart's files or, where there are none, to memory.
PINS = [("virt", ()), ("virt,aia=aplic", ("-DAPLIC",)), ("virt,aia=aplic-imsic", ("-DIMSIC",))]
MESSAGES = [("virt,aia=aplic-imsic", ("-DIMSIC", "-DMSIX"))]
WAYS = [(board, (*flags, *mode)) for board, flags in PINS + MESSAGES for mode in ((), ("-DSUPERVISOR",))]
WAYS.append(("virt", ("-DMSIX", "-DMAILBOX")))


def put_in_and_let_go(guest):
    """In every way of being interrupted. A guest that answers a key has returned from the port's interrupt, so it
    hears of what comes next by another one."""
    for board, flags in WAYS:
        with running(guest, *flags, board=board) as slot:
            for _ in range(3):
                slot.plugged()
                slot.type("d", "device 1b36:0005 says 00000000")
                slot.ask()
                slot.lets_go()
                slot.hears("present 0", "link 0")
                slot.type("d", "device none")
            buttons, interrupts = slot.ends()
            assert buttons == 3 and 6 <= interrupts <= 60, (board, flags, buttons, interrupts)


def there_from_the_start(guest):
    with running(guest, arguments=("-device", "pci-testdev,bus=rp1,id=card"), holds=1) as slot:
        slot.type("d", "device 1b36:0005 says 00000000")
        slot.ask()
        slot.lets_go()
        slot.hears("present 0", "link 0")


def kept(guest):
    """The guest refuses, and then agrees."""
    for board, flags in PINS + MESSAGES:
        with running(guest, *flags, board=board) as slot:
            slot.plugged()
            slot.type("r", "so be it")
            slot.ask()
            slot.hears("kept")
            slot.kept()
            slot.type("d", "device 1b36:0005 says 00000000")
            slot.type("c", "so be it")
            slot.ask()
            slot.lets_go()


def slept_over(guest):
    """The request stays visible, a second one is refused, and a reset completes it."""
    for board, flags in PINS + MESSAGES:
        with running(guest, *flags, board=board) as slot:
            slot.plugged()
            slot.type("s", "so be it")
            slot.ask()
            ticket, = slot.qmp.execute("x-query-tickets")
            assert ticket["stage"] == "requested" and ticket["path"] == "/machine/peripheral/card", ticket
            assert ticket["reason"] == "the guest is asked by /machine/peripheral/rp1", ticket
            assert "unplugged already" in slot.refused("device_del", id="card")
            slot.type("d", "device 1b36:0005 says 00000000")
            slot.qmp.execute("system_reset")
            slot.gone()
            slot.hears("slot holds 0")
            slot.plugged()  # heard of as before


def torn_out(guest):
    for board, flags in PINS + MESSAGES:
        with running(guest, *flags, board=board) as slot:
            for _ in range(3):
                slot.plugged()
                slot.type("d", "device 1b36:0005 says 00000000")
                slot.qmp.execute("x-surprise-remove", id="card")
                slot.gone()
                slot.hears("present 0", "link 0")
                slot.type("d", "device none")
            buttons, interrupts = slot.ends()
            assert buttons == 0 and interrupts >= 6, (board, flags, buttons, interrupts)


def never_powered(guest):
    """It goes at once: the guest has never seen it."""
    with running(guest) as slot:
        slot.type("u", "so be it")
        slot.put_in()
        slot.hears("present 1")
        slot.type("d", "device none")
        slot.ask()
        slot.gone()
        slot.hears("present 0")


def wrong_words(guest):
    still = ("-device", "pcie-root-port,id=rp2,chassis=2,slot=2,hotplug=off", "-device", "pcie-pci-bridge,id=br")
    with running(guest, arguments=still) as slot:
        for bus in ("rp2", "br"):
            said = slot.refused("device_add", **{**CARD, "bus": bus})
            assert said.endswith(f"bus '{bus}' does not support hotplugging"), said
        slot.plugged()
        for word, command, arguments in (
                ("taken", "device_add", {**CARD, "id": "other"}),
                ("does not support hotplugging", "device_add", {**CARD, "id": "other", "bus": "pcie.0"}),
                ("taken", "device_add", CARD),
                ("others come before it", "device_add", {**CARD, "id": "other", "addr": "0.1"}),
                ("does not support hotplugging", "device_del", {"id": "rp1"}),
                ("not found", "x-surprise-remove", {"id": "other"})):
            said = slot.refused(command, **arguments)
            assert word in said, (command, arguments, said)
        slot.type("d", "device 1b36:0005 says 00000000")


CASES = [put_in_and_let_go, there_from_the_start, kept, slept_over, torn_out, never_powered, wrong_words]


def main():
    def perform(case):
        with tempfile.TemporaryDirectory() as folder:
            case(Guest(sys.argv[1], folder))

    harness.run(CASES, perform)


if __name__ == "__main__":
    main()
