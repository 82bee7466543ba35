#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What docs/howto/drive-a-machine.md says, line by line, and the types of the Python client.

usage: drive_test.py HOLDFAST
"""

import contextlib
import io
import os
import pathlib
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from process_test import wait_for_end

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/howto/drive-a-machine.md"
PATIENCE = 60.0  # seconds without what is waited for: it hangs
DEBIAN = "/usr/bin/python3"  # whose packages have pytest and mypy

sys.path.insert(0, str(ROOT / "python"))


def blocks():
    """The kind of each piece of code, and its text."""
    return re.findall(r"^```(\w[\w ]*)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


class Typed:
    """A program that is typed at."""

    def __init__(self, command):
        self.command = command
        self.process = subprocess.Popen(["bash", "-c", "exec " + command], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.text = b""

    def type(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def expect(self, shape):
        deadline = time.monotonic() + PATIENCE
        while b"\n" not in self.text:
            left = max(0.0, deadline - time.monotonic())
            assert select.select([self.process.stdout], [], [], left)[0], f"{self.command}: {shape} did not come"
            data = os.read(self.process.stdout.fileno(), 1 << 16)
            assert data, f"{self.command}: ended before {shape}"
            self.text += data
        line, self.text = self.text.split(b"\n", 1)
        line = line.decode().rstrip("\r")
        pattern = ".*".join(re.escape(piece) for piece in shape.split("\u2026"))
        assert re.fullmatch(pattern, line), f"{line}, not {shape}"

    def end(self):
        self.process.stdin.close()
        self.process.wait(PATIENCE)
        self.process.stdout.close()


def console(text):
    typed = None
    for line in text.splitlines():
        mark, rest = line[0], line[2:]
        if mark == "$":
            typed = Typed(rest)
            if "-daemonize" in rest:
                typed.end()
                assert typed.process.returncode == 0, rest
        elif mark == ">":
            typed.type(rest)
        else:
            typed.expect(rest)
    if typed.process.returncode is None:
        typed.end()


PRINTED = ["prelaunch\n/machine/peripheral/uart1\nDeviceNotFound\n", "b'bytes'\nTrue 1000\n", "[]\n8\n", ""]


def page(folder):
    names = {"__name__": "page"}
    printed = []
    consoles = 0
    for kind, text in blocks():
        if kind == "console":
            if "socat" in text and shutil.which("socat") is None:
                print("skipped: no socat here")
                continue
            console(text)
            consoles += 1
        elif kind == "python":
            with contextlib.redirect_stdout(io.StringIO()) as out:
                exec(compile(text, str(PAGE), "exec"), names)  # noqa: S102
            printed.append(out.getvalue())
        else:
            assert kind == "python pytest", kind
            under_pytest(folder, text)
    assert printed == PRINTED, printed
    pid = int((folder / "test.pid").read_text(encoding="utf-8"))
    os.kill(pid, signal.SIGTERM)
    wait_for_end(pid)
    print(f"{consoles} consoles, {len(printed)} programs")


def has(module):
    return subprocess.run([DEBIAN, "-c", f"import {module}"], stderr=subprocess.DEVNULL, check=False).returncode == 0


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False,
                          env={**os.environ, "PYTHONPATH": str(ROOT / "python"), "PYTHONDONTWRITEBYTECODE": "1"})
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def under_pytest(folder, text):
    if not has("pytest"):
        print("skipped: no pytest here")
        return
    plugins, tests = text.split("\n\n\n", 1)
    (folder / "conftest.py").write_text(plugins + "\n", encoding="utf-8")
    (folder / "test_it.py").write_text(tests, encoding="utf-8")
    out = run(DEBIAN, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder / "test_it.py"))
    assert "2 passed" in out, out


def types():
    if not has("mypy"):
        print("skipped: no mypy here")
        return
    files = sorted(str(file) for file in (ROOT / "python/holdfast").glob("*.py"))
    print(run(DEBIAN, "-m", "mypy", "--strict", "--cache-dir=/dev/null", "--python-version=3.11",
              "--ignore-missing-imports", *files).strip())


def main():
    program = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="holdfast-") as name:
        folder = pathlib.Path(name)
        os.symlink(program, folder / "holdfast")
        os.environ["PATH"] = f"{folder}:{os.environ['PATH']}"
        os.environ.pop("HOLDFAST", None)
        os.chdir(folder)
        page(folder)
        os.chdir("/")
    types()
    return 0


if __name__ == "__main__":
    sys.exit(main())
