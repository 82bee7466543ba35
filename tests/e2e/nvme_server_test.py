#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A controller whose drive is at a server, driven by a guest program of ours that compares every word: the
server fails, is slow, is killed in the middle of transfers, and comes back. Nothing here depends on how long
anything takes: a server that is to be slow takes an hour.

usage: nvme_server_test.py HOLDFAST [case...]
"""

import contextlib
import fcntl
import os
import pathlib
import select
import sys
import tempfile

import harness
from drives_test import server
from guest_test import PATIENCE, Guest
from holdfast import Machine
from holdfast.qmp import listening
from nvme_test import checked, disk

READS_TAKE_AN_HOUR = ("--filter=delay", "delay-read=3600")


class Driven:
    """A machine that runs the program, and the console it says on what it has come to."""

    def __init__(self, machine, console):
        self.machine = machine
        self.qmp = machine.qmp
        self.console = console
        self.lines = []

    def line(self):
        line = self.console.readline().strip()
        assert line, f"the console is closed: {self.machine.output()}"
        return line

    def says(self, *lines):
        for wanted in lines:
            line = self.line()
            assert line == wanted, f"{line!r}, not {wanted!r}"

    def ends(self):
        """Well, and having said all that it has to say: the rest of it."""
        rest = [line.strip() for line in self.console]
        self.machine.wait()
        return rest


class Bench:
    """A folder with an image, a server of it to be started, and programs."""

    def __init__(self, program, folder):
        self.program = program
        self.folder = pathlib.Path(folder)
        self.image = disk(folder)

    def server(self, *filters):
        """Filters, outermost first, each followed by its words."""
        names = [word for word in filters if word.startswith("--")]
        words = [word for word in filters if not word.startswith("--")]
        return server(self.folder, *names, "file", str(self.image), *words)

    @contextlib.contextmanager
    def guest(self, name, *flags, stays=False, **more):
        """Its controller has the drive at the server; `more` is said of that. A machine that stays does not
        end with its guest."""
        elf = Guest(self.program, self.folder).build("nvme.c", name, "-DDEPTH=32", "-DWRITE_STATUS=0x280", *flags)
        node = {"driver": "nbd", "node-name": "d", "server.type": "unix", "server.path": f"{self.folder}/server"}
        words = ",".join(f"{key}={value}" for key, value in (node | more).items())
        with listening(f"{self.folder}/console") as listener, \
                Machine("-M", "virt", "-m", "64M", "-display", "none", "-serial", f"unix:{self.folder}/console",
                        "-bios", "none", "-kernel", str(elf), "-blockdev", words,
                        "-device", "nvme,id=n,drive=d,serial=s", *["-no-shutdown"] * stays,
                        program=self.program) as machine:
            connection = listener.accept()[0]
            connection.settimeout(PATIENCE)
            with connection, connection.makefile("r", encoding="ascii") as console:
                yield Driven(machine, console)


class Log:
    """What a server is asked for, as it is: a pipe that its log filter writes to."""

    def __init__(self, folder):
        self.path = str(pathlib.Path(folder) / "log")
        os.mkfifo(self.path)
        self.end = os.open(self.path, os.O_RDWR | os.O_NONBLOCK)
        fcntl.fcntl(self.end, fcntl.F_SETPIPE_SZ, 1 << 20)  # nobody looks while the guest writes
        self.text = b""

    def filter(self):
        return ("--filter=log", f"logfile={self.path}", "logappend=true")

    def wait_for(self, word):
        while word not in self.text:
            assert select.select([self.end], [], [], PATIENCE)[0], f"nobody asks for {word}: {self.text}"
            self.text += os.read(self.end, 65536)

    def close(self):
        os.close(self.end)
        os.unlink(self.path)


def errors_reach_the_guest(bench):
    """Half of the commands fail, as a read or as a write that did not reach the medium, and none is lost:
    each is given again until it is done."""
    errors = ("--filter=error", "error-pread=EIO", "error-pread-rate=50%", "error-pwrite=ENOSPC",
              "error-pwrite-rate=50%")
    with bench.server(*errors), bench.guest("errors", "-DERRORS") as driven:
        driven.says("blocks 8192", "a command failed", "written", "checked 256")
        words, last = driven.ends()
        assert last == "shut down" and int(words.split("errors ")[1]) > 1, (words, last)
    checked(bench.image, 256)


def slow_servers_get_there(bench):
    for filters in (("--filter=delay", "delay-read=5ms", "delay-write=5ms"), ("--filter=rate", "rate=200M")):
        with bench.server(*filters), bench.guest("slow") as driven:
            driven.says("blocks 8192", "written", "checked 256", "shut down")
            assert driven.ends() == []
        checked(bench.image, 256)


@contextlib.contextmanager
def killed_while_it_reads(bench, *flags, **more):
    """The server is gone; 32 reads, some of which it had, are not answered."""
    log = Log(bench.folder)
    with contextlib.closing(log), contextlib.ExitStack() as until_killed:
        until_killed.enter_context(bench.server(*log.filter(), *READS_TAKE_AN_HOUR))
        with bench.guest("killed" + "".join(flags), *flags, **more) as driven:
            driven.says("blocks 8192", "written")
            log.wait_for(b"Read")
            until_killed.close()
            yield driven


def killed_and_back_nothing_is_lost(bench):
    """With patience, the guest does not notice."""
    with killed_while_it_reads(bench, **{"reconnect-delay": 3600}) as driven:
        assert driven.qmp.execute("query-status")["running"]
        with bench.server():
            driven.says("checked 256", "shut down")
            assert driven.ends() == []
    checked(bench.image, 256)


def killed_and_back_errors_until_then(bench):
    """Without patience, commands fail, at once, until it is back."""
    with killed_while_it_reads(bench, "-DERRORS") as driven:
        driven.says("a command failed")
        with bench.server():
            driven.says("checked 256")
            words, last = driven.ends()
            assert last == "shut down" and words.startswith("errors "), (words, last)
    checked(bench.image, 256)


def torn_out_while_it_is_gone(bench):
    """The controller goes though nobody answers its commands: the server is there and is silent, or is
    waited for."""
    for killed in (False, True):
        with contextlib.ExitStack() as stack:
            if killed:
                driven = stack.enter_context(
                    killed_while_it_reads(bench, "-DENDLESS", stays=True, **{"reconnect-delay": 3600}))
            else:
                stack.enter_context(bench.server(*READS_TAKE_AN_HOUR))
                driven = stack.enter_context(bench.guest("silent", "-DENDLESS", stays=True))
                driven.says("blocks 8192", "written")
            driven.qmp.execute("x-surprise-remove", {"id": "n"})
            driven.qmp.wait_event("DEVICE_DELETED", lambda event: event["data"].get("device") == "n")
            driven.qmp.execute("blockdev-del", {"node-name": "d"})
            driven.says("gone")
            driven.qmp.execute("quit")
            assert driven.ends() == []


CASES = [errors_reach_the_guest, slow_servers_get_there, killed_and_back_nothing_is_lost,
         killed_and_back_errors_until_then, torn_out_while_it_is_gone]


def perform(case):
    with tempfile.TemporaryDirectory(prefix="holdfast-") as folder:
        case(Bench(sys.argv[1], folder))


if __name__ == "__main__":
    harness.run(CASES, perform)
