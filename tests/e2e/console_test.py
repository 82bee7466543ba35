#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""U-Boot driven over every kind of console that -serial and -chardev make.

usage: console_test.py HOLDFAST [case...]
"""

import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time

import harness

BOARD = ["-M", "virt", "-display", "none", "-bios", "/usr/lib/u-boot/qemu-riscv64/u-boot.bin"]
PATIENCE = 60.0  # seconds without what is waited for: something hangs


class Line:
    """One end of a console, given how to read and write it."""

    def __init__(self, fd):
        self.fd = fd
        self.text = ""
        self.all = ""

    def expect(self, pattern):
        """Waits for the pattern; returns the match and forgets what came before its end."""
        deadline = time.monotonic() + PATIENCE
        while True:
            match = re.search(pattern, self.text)
            if match:
                self.text = self.text[match.end():]
                return match
            left = max(0.0, deadline - time.monotonic())
            assert select.select([self.fd], [], [], left)[0], \
                f"/{pattern}/ did not come; last was:\n{self.all[-2000:]}"
            data = os.read(self.fd, 65536).decode("utf-8", "replace")
            assert data, f"ended before /{pattern}/; last was:\n{self.all[-2000:]}"
            self.text += data
            self.all += data

    def send(self, text):
        os.write(self.fd, text.encode())

    def to_prompt(self):
        self.expect(r"Hit any key to stop autoboot")
        self.send("\n")
        self.expect(r"=> ")

    def to_prompt_from_anywhere(self):
        """Of what was said before the line was opened nothing is left, perhaps not even the prompt. The key
        stops the boot, or asks for another prompt; if it comes too early, the boot ends there by itself."""
        self.send("\n")
        self.expect(r"=> ")

    def command(self, line, pattern):
        self.send(line + "\n")
        match = self.expect(pattern)
        self.expect(r"=> ")
        return match

    def script(self):
        """Some commands whose answers are known, and a line near the longest that U-Boot takes."""
        self.command("setenv greeting hello; echo ${greeting}, world", r"hello, world")
        self.command("mw.b 84000000 5a 100; md.b 84000000 4", r"84000000: 5a 5a 5a 5a")
        self.command("crc32 84000000 100", r"==> ([0-9a-f]{8})")
        long_word = "".join(f"{i:04}" for i in range(50))
        self.command(f"echo {long_word}", rf"\n{long_word}\r?\n")


class Machine:
    """The emulator, ended with the block."""

    def __init__(self, program, *arguments, board=True, **options):
        self.process = subprocess.Popen([program, *(BOARD if board else []), *arguments],
                                        stdin=options.pop("stdin", subprocess.DEVNULL),
                                        stdout=options.pop("stdout", subprocess.DEVNULL),
                                        stderr=options.pop("stderr", subprocess.PIPE), **options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def says(self, pattern):
        """The first match among its lines on standard error."""
        for line in self.process.stderr:
            match = re.search(pattern, line.decode())
            if match:
                return match
        raise AssertionError(f"/{pattern}/ was not said")

    def ends(self, line=None):
        if line:
            line.send("poweroff\n")
        status = self.process.wait(PATIENCE)
        assert status == 0, f"exit status {status}"


def listener(address):
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    server = socket.socket(family)
    server.bind(address)
    server.listen(1)
    server.settimeout(PATIENCE)
    return server


def connect(address):
    client = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
    client.connect(address)
    return client


def content(path):
    with open(path, "rb") as file:
        return file.read()


def until_written(path, words):
    deadline = time.monotonic() + PATIENCE
    while not (os.path.exists(path) and words in content(path)):
        assert time.monotonic() < deadline, f"{words} were not written to {path}"


def unix_server(program, folder):
    """Starts with its first client, then takes one after the other; the file goes at the end."""
    path = os.path.join(folder, "console")
    with Machine(program, "-serial", f"unix:{path},server=on") as machine:
        machine.says(r"waiting for connection on: disconnected:unix:.*,server=on")
        with connect(path) as first:
            line = Line(first.fileno())
            line.to_prompt()
            line.script()
        with connect(path) as second:
            line = Line(second.fileno())
            line.command("echo again", r"\nagain")
            machine.ends(line)
    assert not os.path.exists(path)


def named_backend(program, folder):
    """-chardev and -serial chardev:ID; output before anybody is connected goes to the log alone."""
    path, log = os.path.join(folder, "console"), os.path.join(folder, "log")
    with Machine(program, "-chardev", f"socket,id=c0,path={path},server=on,wait=off,logfile={log}",
                 "-serial", "chardev:c0") as machine:
        until_written(log, b"autoboot")
        with connect(path) as client:
            line = Line(client.fileno())
            line.send("\n")
            line.expect(r"=> ")
            line.script()
            machine.ends(line)
    assert b"U-Boot 20" in content(log)


def tcp_server(program, _):
    with Machine(program, "-serial", "tcp:127.0.0.1:0,server=on,nodelay") as machine:
        port = int(machine.says(r"disconnected:tcp:127\.0\.0\.1:(\d+),server=on")[1])
        with connect(("127.0.0.1", port)) as client:
            line = Line(client.fileno())
            line.to_prompt()
            line.script()
            machine.ends(line)


def tcp_client_reconnects(program, _):
    with listener(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with Machine(program, "-chardev",
                     f"socket,id=c0,host=127.0.0.1,port={port},reconnect=1", "-serial",
                     "chardev:c0") as machine:
            with server.accept()[0] as first:
                line = Line(first.fileno())
                line.to_prompt()
                line.script()
            for _ in range(2):
                with server.accept()[0] as again:
                    line = Line(again.fileno())
                    line.command("echo again", r"\nagain")
            with server.accept()[0] as last:
                machine.ends(Line(last.fileno()))


def unix_client(program, folder):
    path = os.path.join(folder, "console")
    with listener(path) as server:
        with Machine(program, "-serial", f"unix:{path}") as machine:
            with server.accept()[0] as client:
                line = Line(client.fileno())
                line.to_prompt()
                machine.ends(line)
    assert os.path.exists(path)  # it is not the emulator's


def given_descriptor(program, _):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        with Machine(program, "-chardev", f"socket,id=c0,fd={theirs.fileno()}", "-serial",
                     "chardev:c0", pass_fds=[theirs.fileno()]) as machine:
            theirs.close()
            line = Line(ours.fileno())
            line.to_prompt()
            machine.ends(line)


def pseudo_terminal(program, _):
    with Machine(program, "-serial", "pty", stdout=subprocess.PIPE) as machine:
        said = machine.process.stdout.readline().decode()
        match = re.fullmatch(r"char device redirected to (/dev/pts/\d+) \(label serial0\)\n", said)
        assert match, f"it said {said!r}"
        fd = os.open(match[1], os.O_RDWR | os.O_NOCTTY)
        line = Line(fd)
        line.to_prompt_from_anywhere()
        line.script()
        machine.ends(line)
        os.close(fd)


def to_a_file(program, folder):
    path = os.path.join(folder, "out")
    with Machine(program, "-serial", f"file:{path}") as machine:
        until_written(path, b"autoboot")
        machine.process.terminate()
        machine.ends()


def named_pipes(program, folder):
    path = os.path.join(folder, "line")
    for end in ("in", "out"):
        os.mkfifo(f"{path}.{end}")
    out = os.open(f"{path}.out", os.O_RDWR)
    into = os.open(f"{path}.in", os.O_RDWR)
    with Machine(program, "-serial", f"pipe:{path}") as machine:
        line = Line(out)
        line.expect(r"autoboot")
        os.write(into, b"\n")
        line.expect(r"=> ")
        os.write(into, b"echo through a pipe\n")
        line.expect(r"\nthrough a pipe")
        os.write(into, b"poweroff\n")
        machine.ends()
    os.close(into)
    os.close(out)


def escape_key(program, _):
    """The console shared with the emulator: help, time stamps, and the end."""
    master, slave = pty.openpty()
    with Machine(program, "-serial", "mon:stdio", stdin=slave, stdout=slave, stderr=slave) as machine:
        line = Line(master)
        line.to_prompt()
        line.send("\x01h")
        line.expect(r"Ctrl-a x")
        line.send("\x01\x01echo kept\n")  # Ctrl-a itself
        line.expect(r"\nkept")
        line.expect(r"=> ")
        line.send("\x01techo stamped\n")
        line.expect(r"\n\[00:00:\d\d\.\d{3}\] stamped")
        line.send("\x01t\x03")  # control-C is the guest's
        line.expect(r"=> ")
        line.send("\x01x")
        machine.ends()
    os.close(slave)
    os.close(master)


def interrupt_key(program, _):
    """-serial stdio leaves control-C to the terminal: it ends the emulator."""
    pid, master = pty.fork()
    if pid == 0:
        os.execv(program, [program, *BOARD, "-serial", "stdio"])
    line = Line(master)
    line.to_prompt()
    line.send("\x03")
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, f"status {status}"
    os.close(master)


def ended_while_it_waits(program, folder):
    path = os.path.join(folder, "console")
    for number in (signal.SIGTERM, signal.SIGINT):
        with Machine(program, "-serial", f"unix:{path},server=on") as machine:
            machine.says(r"waiting for connection")
            machine.process.send_signal(number)
            machine.ends()
        assert not os.path.exists(path)


def nothing_else_is_left(program, folder):
    """The census is empty after clients have come and gone, and one is there still."""
    path = os.path.join(folder, "console")
    with Machine(program, "-serial", f"unix:{path},server=on", "-d", "census") as machine:
        machine.says(r"waiting for connection")
        with connect(path) as client:
            line = Line(client.fileno())
            line.to_prompt()
            machine.process.terminate()
            machine.says(r"census: nothing left")
            machine.ends()


def refused(program, arguments, *words):
    """Status 1 and one line that has all the words."""
    done = subprocess.run([program, *BOARD, *arguments], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 1, f"{arguments}: status {done.returncode}"
    lines = done.stderr.splitlines()
    assert len(lines) == 1, f"{arguments}: not one line: {done.stderr!r}"
    for word in words:
        assert word in lines[0], f"{arguments}: '{word}' is not in {lines[0]!r}"


def bad_input(program, folder):
    taken = os.path.join(folder, "taken")
    with open(taken, "w", encoding="ascii") as file:
        file.write("mine")
    refused(program, ["-serial", "null", "-serial", "ringbuf"], "one serial port")
    refused(program, ["-serial", "nonsense"], "-serial nonsense", "mon:stdio")
    refused(program, ["-serial", "vc"], "-serial vc", "no display")
    refused(program, ["-chardev", "nonsense,id=a"], "nonsense", "socket")
    refused(program, ["-chardev", "null,id=a,speed=1"], "null", "'speed'", "logfile")
    refused(program, ["-chardev", "null,id=a", "-chardev", "null,id=a"], "'a'")
    refused(program, ["-chardev", "ringbuf,id=a,size=3"], "size", "power of two")
    refused(program, ["-serial", f"unix:{taken},server=on"], "taken", "no socket")
    refused(program, ["-serial", f"unix:{folder}/{'x' * 200},server=on"], "107")
    refused(program, ["-serial", "unix:/proc/none,server=on"], "/proc/none")
    refused(program, ["-serial", f"unix:{folder}/none"], "none", "No such file")
    refused(program, ["-serial", "tcp:127.0.0.1:1"], "Connection refused")
    refused(program, ["-serial", "tcp:127.0.0.1:99999"], "65535")
    refused(program, ["-serial", "telnet:127.0.0.1:1"], "telnet")
    refused(program, ["-serial", "file:/nonexistent/x"], "/nonexistent/x")
    refused(program, ["-serial", "/dev/null"], "no terminal")
    refused(program, ["-chardev", "socket,id=a,fd=77"], "fd=77", "open socket")
    with open(taken, encoding="ascii") as file:
        assert file.read() == "mine"


def help_texts(program, _):
    for words, wanted in ((["help"], "ringbuf"), (["socket,help"], "reconnect=")):
        done = subprocess.run([program, "-chardev", *words], capture_output=True, text=True,
                              timeout=PATIENCE, check=True)
        assert wanted in done.stdout, done.stdout


CASES = [unix_server, named_backend, tcp_server, tcp_client_reconnects, unix_client,
         given_descriptor, pseudo_terminal, to_a_file, named_pipes, escape_key, interrupt_key,
         ended_while_it_waits, nothing_else_is_left, bad_input, help_texts]


def main():
    def perform(case):
        with tempfile.TemporaryDirectory() as folder:
            case(sys.argv[1], folder)

    harness.run(CASES, perform)


if __name__ == "__main__":
    main()
