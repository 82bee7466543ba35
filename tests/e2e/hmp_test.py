#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The monitor for people, over a terminal, a socket and human-monitor-command: each command of it.

usage: hmp_test.py HOLDFAST [case...]
"""

import contextlib
import os
import pty
import re
import select
import socket
import subprocess
import sys
import tempfile
import time

import harness
import holdfast

PATIENCE = 60.0  # seconds without what is waited for: something hangs
PROMPT = "(qemu) "
QUIET = ["-M", "virt", "-display", "none", "-bios", "none", "-m", "16M", "-S"]

# What clients that walk through a monitor send besides every `info`.
FIXED = [
    "boot_set ndc", "chardev-add null,id=testchardev1", "chardev-send-break testchardev1",
    "chardev-change testchardev1 ringbuf", "chardev-remove testchardev1", "commit all", "cpu 0",
    "device_add ?", "device_add ns16550a,id=uart1,addr=0x18000000", "mouse_button 7", "mouse_move 10 10",
    "mouse_button 0", "device_del uart1", "dump-guest-memory /dev/null 0 4096", "gdbserver", "gva2gpa 0",
    "hostfwd_add tcp::43210-:43210", "hostfwd_remove tcp::43210-:43210", "i /w 0", "log all", "log none",
    'memsave 0 4096 "/dev/null"', "migrate_set_parameter xbzrle-cache-size 64k",
    "migrate_set_parameter downtime-limit 1", "netdev_add user,id=net1", "set_link net1 off",
    "set_link net1 on", "netdev_del net1", "nmi", "o /w 0 0x1234",
    "object_add memory-backend-ram,id=mem1,size=16M", "object_del mem1", "one-insn-per-tb on",
    "one-insn-per-tb off", 'pmemsave 0 4096 "/dev/null"', "p $pc + 8", "qom-list /",
    "qom-set /machine initrd test", "qom-get /machine initrd", "screendump /dev/null", "sendkey x",
    "sum 0 512", "trace-event foo off", "wavcapture /dev/null", "watchdog_action none", "x /8i 0x100",
    "xp /16x 0", "drive_add 0 if=none,id=drive0", "drive_del drive0", 'qemu-io drive0 "break a A"',
    "system_reset", "stop", "cont", "stop",
]


class Terminal:
    """A conversation with the monitor: sends lines, takes what comes up to the prompt."""

    def __init__(self, descriptor):
        self.descriptor = descriptor
        self.text = ""

    def until(self, end):
        """What came up to and with `end`; what came behind it is kept."""
        deadline = time.monotonic() + PATIENCE
        while end not in self.text:
            left = max(0.0, deadline - time.monotonic())
            assert select.select([self.descriptor], [], [], left)[0], \
                f"{end!r} did not come; there is {self.text[-2000:]!r}"
            data = os.read(self.descriptor, 65536).decode("utf-8", "replace")
            assert data, f"ended before {end!r} came; there is {self.text[-2000:]!r}"
            # A terminal puts a return of its own before the end of a line.
            self.text = (self.text + data).replace("\r\r\n", "\r\n")
        taken, self.text = self.text.split(end, 1)
        return taken + end

    def send(self, keys):
        os.write(self.descriptor, keys.encode())

    def ask(self, line):
        """What a line is answered with; the line itself comes back first."""
        self.send(line + "\n")
        answer = self.until(PROMPT)
        assert answer.startswith(line + "\r\n"), f"{line!r} came back as {answer[:200]!r}"
        return answer[len(line) + 2:-len(PROMPT)].replace("\r\n", "\n")

    def greet(self):
        greeting = self.until(PROMPT)
        assert re.search(r"QEMU 8\.2\.0 monitor \(Holdfast [0-9.]+\) - type 'help' for more information\r\n",
                         greeting), greeting


class Machine:
    def __init__(self, program, *arguments, **streams):
        streams.setdefault("stdin", subprocess.DEVNULL)
        # A file: what is logged must not have to wait for anybody to read it.
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen([program, *arguments], stderr=self.errors, **streams)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.errors.close()

    def said(self):
        self.errors.seek(0)
        return self.errors.read()[:2000]

    def ends(self):
        status = self.process.wait(PATIENCE)
        assert status == 0, f"exit status {status}: {self.said()}"


def line_of(client, text, **more):
    """What human-monitor-command answers, its ends of lines checked."""
    said = client.execute("human-monitor-command", {"command-line": text, **more})
    assert said.count("\n") == said.count("\r\n") and (not said or said.endswith("\n")), repr(said)
    return said.replace("\r\n", "\n")


def listen(path):
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen(1)
    server.settimeout(PATIENCE)
    return server


def over_human_monitor_command(program, _):
    """Every info and what clients send: a string comes back, and the process lives."""
    for arguments in (QUIET, [*QUIET, "-smp", "2", "-accel", "qtest"], [*QUIET[:-1]]):
        with holdfast.Machine(*arguments, program=program, timeout=PATIENCE) as machine:
            walk(lambda text: line_of(machine.qmp, text))
            machine.qmp.execute("quit")
            machine.wait()


def walk(ask):
    for line in FIXED:
        answer = ask(line)
        assert not answer.startswith("unknown"), answer
    listing = ask("help info")
    assert listing.count("\n") > 40, listing
    for line in listing.splitlines():
        assert line.startswith("info "), line
        name = line.split(" ")[1]
        answer = ask(f"info {name}")
        assert answer and not answer.startswith("unknown"), f"{name}: {answer!r}"
    for line in ask("help").splitlines():
        name = re.split(r"[ |]", line)[0]
        if name in ("quit", "info", "cont"):
            continue
        for tail in ("", " 0", " 1 2 3 4 5", ' "', " -1", " /machine", " x,y=z"):
            ask(name + tail)


def cpu_of_the_command(program, _):
    with holdfast.Machine(*QUIET, "-smp", "2", program=program, timeout=PATIENCE) as machine:
        assert line_of(machine.qmp, "p $mhartid", **{"cpu-index": 1}) == "0x1\n"
        assert line_of(machine.qmp, "p $mhartid") == "0x0\n", "for that command alone"
        try:
            line_of(machine.qmp, "p 1", **{"cpu-index": 7})
            raise AssertionError("there are two")
        except holdfast.Error as wrong:
            assert wrong.error_class == "GenericError", wrong


def over_a_socket(program, folder):
    """Clients come one after the other; each is greeted."""
    path = f"{folder}/monitor"
    with Machine(program, *QUIET, "-monitor", f"unix:{path},server=on,wait=off") as machine:
        for _ in range(2):
            with connect(path, machine) as client:
                line = Terminal(client.fileno())
                line.greet()
                assert line.ask("info status") == "VM status: paused (prelaunch)\n"
                assert line.ask("") == ""
                line.send("info unfinished")
        with connect(path, machine) as client:
            line = Terminal(client.fileno())
            line.greet()
            walk(line.ask)
            line.send("quit\n")
            machine.ends()


def connect(path, machine):
    client = socket.socket(socket.AF_UNIX)
    while True:
        try:
            client.connect(path)
            return client
        except (FileNotFoundError, ConnectionRefusedError):
            assert machine.process.poll() is None, machine.said()


def a_dump_is_told_to_programs(program, folder):
    """Whoever asked for it, all monitors for programs hear how it ended, and say so when they are asked."""
    people, programs, core = f"{folder}/people", f"{folder}/programs", f"{folder}/core"
    with holdfast.Machine(*QUIET, "-monitor", f"unix:{people},server=on,wait=off",
                          "-qmp", f"unix:{programs},server=on,wait=off", program=program, timeout=PATIENCE) as machine, \
            holdfast.Client.connect(programs) as other, socket.socket(socket.AF_UNIX) as client:
        client.connect(people)
        line = Terminal(client.fileno())
        line.greet()

        def heard(state, **more):
            for qmp in (machine.qmp, other):
                assert qmp.wait_event("DUMP_COMPLETED")["data"] == {"result": state, **more}
                assert qmp.query_dump() == state

        assert line.ask(f"dump-guest-memory {core} 0x80000000 0x3000") == ""
        heard({"status": "completed", "completed": 0x3000, "total": 0x3000})
        assert line_of(machine.qmp, f"dump-guest-memory {core} 0x80000000 0x1000") == ""
        heard({"status": "completed", "completed": 0x1000, "total": 0x1000})
        refused = line.ask("dump-guest-memory /dev/full 0x80000000 0x2000")
        assert refused.startswith("Error: '/dev/full'") or refused.startswith("Error: 'file:/dev/full'"), refused
        failed = other.wait_event("DUMP_COMPLETED")["data"]
        assert failed["result"] == {"status": "failed", "completed": 0, "total": 0x2000} and failed["error"] in refused, \
            (failed, refused)
        machine.qmp.wait_event("DUMP_COMPLETED")
        assert machine.qmp.query_dump() == failed["result"]


def by_mon(program, folder):
    """-mon makes one for people unless told otherwise."""
    for mode in ("", ",mode=readline"):
        with listen(f"{folder}/mon") as server, \
                Machine(program, *QUIET, "-chardev", f"socket,id=c,path={folder}/mon",
                        "-mon", f"chardev=c{mode}") as machine:
            client, _ = server.accept()
            with client:
                line = Terminal(client.fileno())
                line.greet()
                assert "c: filename=" in line.ask("info chardev")
                line.send("quit\n")
                machine.ends()
        os.unlink(f"{folder}/mon")


def on_a_terminal(program, _):
    """Keys as a person presses them."""
    master, slave = pty.openpty()
    with Machine(program, *QUIET, "-monitor", "stdio", stdin=slave, stdout=slave) as machine:
        line = Terminal(master)
        line.greet()
        # A line that is changed is shown anew, with its prompt; so answers are waited for.
        line.send("info sta\t\r")
        line.until("VM status: paused (prelaunch)\r\n")
        line.send("\x1b[A\r")  # the line before
        line.until("VM status: paused (prelaunch)\r\n")
        line.send("inxfo name\x01\x1b[C\x1b[C\x04\r")  # the x goes
        line.until("The machine was given no name.\r\n")
        line.send("system_\t\t")
        assert "system_powerdown" in line.until("system_wakeup")
        line.until(PROMPT + "system_")
        line.send("\x15quit\r")
        machine.ends()
    os.close(master)
    os.close(slave)


def shares_the_terminal(program, _):
    """Ctrl-a c, between a guest's console and the monitor, as -nographic has it."""
    master, slave = pty.openpty()
    firmware = "/usr/lib/u-boot/qemu-riscv64/u-boot.bin"
    with Machine(program, "-M", "virt", "-nographic", "-bios", firmware, stdin=slave, stdout=slave) as machine:
        line = Terminal(master)
        line.until("Hit any key to stop autoboot")
        line.send("\n")
        line.until("=> ")
        line.send("\x01c")
        line.greet()
        assert line.ask("info status") == "VM status: running\n"
        assert "* CPU #0: " in line.ask("info cpus")
        line.send("\x01c")
        line.send("echo to-$filesize-the-guest\n")
        line.until("to--the-guest")
        line.until("=> ")
        line.send("\x01c")
        line.until(PROMPT)
        line.send("quit\n")
        machine.ends()
    os.close(master)
    os.close(slave)


def bad_input(program, folder):
    """What no person types."""
    path = f"{folder}/monitor"
    with Machine(program, *QUIET, "-monitor", f"unix:{path},server=on,wait=off") as machine:
        for junk in (b"\x00" * 10000, bytes(range(256)) * 100, b"\x1b[" * 5000, b"x" * (1 << 22),
                     b"p " + b"(" * 4000 + b"\n", b"\xff\xfe\n" * 1000, b"\t" * 1000):
            with connect(path, machine) as client:
                client.settimeout(PATIENCE)
                send_and_read(client, junk)
        with connect(path, machine) as client:
            line = Terminal(client.fileno())
            line.greet()
            assert line.ask("p 1") == "0x1\n"
            line.send("quit\n")
            machine.ends()


def send_and_read(client, junk):
    """Sends all of it, and takes what comes meanwhile, so that neither waits for the other."""
    client.setblocking(False)
    while junk:
        readable, writable, _ = select.select([client], [client], [], PATIENCE)
        assert readable or writable, "nobody takes what is sent"
        if readable:
            client.recv(65536)
        if writable:
            junk = junk[client.send(junk[:65536]):]


CASES = [over_human_monitor_command, cpu_of_the_command, over_a_socket, a_dump_is_told_to_programs, by_mon,
         on_a_terminal, shares_the_terminal, bad_input]


def main():
    program = os.path.abspath(sys.argv[1])

    def perform(case):
        # Some commands write files where they are told to; here is where they land.
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            case(program, folder)

    harness.run(CASES, perform)


if __name__ == "__main__":
    main()
