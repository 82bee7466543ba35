# SPDX-License-Identifier: Apache-2.0
"""Machines with a monitor for programs, and clients of it."""

import contextlib
import socket
import subprocess
import tempfile

import harness  # noqa: F401  the way to the client library
from holdfast import Client, Error, Machine

PATIENCE = 60.0  # seconds without what is waited for: it hangs
BOARD = ["-M", "virt", "-bios", "none", "-display", "none", "-S"]
# What strict clients send to see whether the parser finds its way back: without an end of line, but
# where it would be needed.
GARBAGE = [b"{]\n", b"{\xff", b"{\x01", b"{'bad \xff", b"{'execute': 'nonexistent', 'id':'\n", b"%p", b"null\n",
           b"[]", b"'text'", b"17\n", b"{}", b"{'execute': true}", b"{'execute': 'no-such', 'arguments': []}",
           b"{'execute': 'no-such', 'extra': true}", b"\xff", b"]", b"}", b",", b":", b"'\x00'", b"{'a':\xc0",
           b"{'a' 'b'}", b"[1,]", b"truth\n", b"{'execute': 'query-status', 'exec-oob': 'query-status'}",
           b"[" * 1025 + b"\n", b"'\\u12'\n", b"{'execute': 'x', 'id': +}"]


def machine(program, *arguments, board=True, **options):
    return Machine(*(BOARD if board else []), *arguments, program=program, **options)


@contextlib.contextmanager
def process(program, *arguments, **options):
    """The emulator without a client of its own; must end with status 0 when it is told to."""
    options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL} | options
    with subprocess.Popen([program, *BOARD, *arguments], **options) as running:
        try:
            yield running
            running.terminate()
            status = running.wait(PATIENCE)
            assert status == 0, f"SIGTERM gave status {status}"
        finally:
            if running.poll() is None:
                running.kill()


@contextlib.contextmanager
def folder():
    with tempfile.TemporaryDirectory(prefix="holdfast-") as path:
        yield path


def connect(running, address, **options):
    """To a socket that will be there soon."""
    while True:
        try:
            return Client.connect(address, **options)
        except (FileNotFoundError, ConnectionRefusedError):
            assert running.poll() is None, "the emulator ended"


def free_port():
    with socket.socket(socket.AF_INET) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def refusal(client, command, arguments=None, **keywords):
    """The class of the error that a command gives."""
    try:
        value = client.execute(command, arguments, **keywords)
    except Error as error:
        assert error.description and "\n" not in error.description, error
        return error.error_class
    raise AssertionError(f"{command}: returned {value}")


def ask_raw(client, data):
    client.send(data)
    return client.receive()


def works(client):
    assert client.execute("query-status") == {"running": False, "status": "prelaunch"}
