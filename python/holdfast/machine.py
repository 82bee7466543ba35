# SPDX-License-Identifier: Apache-2.0
"""An emulator's process with a monitor, and a test server if one is wanted."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from .qmp import Client, ProtocolError
from .qtest import QtestClient

PATIENCE: Final = 60.0  # seconds until it has connected, until it has ended
_LOOK: Final = 0.5      # seconds between looks at whether it still lives


def default_program() -> str:
    """$HOLDFAST, or what is called so on the path."""
    return os.environ.get("HOLDFAST", "holdfast")


class Ended(Exception):
    """The process ended where it should not have, or not as it should have."""

    def __init__(self, command: Sequence[str], status: int, output: str) -> None:
        super().__init__(f"{shlex.join(command)}: status {status}\n{output}")
        self.status = status
        self.output = output


class Machine:
    """A machine that runs while the block does.

        with Machine("-M", "virt", "-accel", "qtest", qtest=True) as machine:
            machine.qtest.writel(0x8000_0000, 1)
            machine.qmp.query_status()

    The emulator connects to sockets in a folder of its own, as test harnesses have it. When the block
    ends so does it, and must end with status 0.
    """

    def __init__(self, *arguments: str, program: str | None = None, qtest: bool = False, monitor: bool = True,
                 oob: bool = False, negotiate: bool = True, timeout: float = PATIENCE,
                 environment: Mapping[str, str] | None = None) -> None:
        self.program = program or default_program()
        self.arguments = list(arguments)
        self._wants = (qtest, monitor, oob, negotiate)
        self._timeout = timeout
        self._environment = environment
        self._folder = tempfile.TemporaryDirectory(prefix="holdfast-")
        self._clients: contextlib.ExitStack = contextlib.ExitStack()
        self._process: subprocess.Popen[bytes] | None = None
        self._settled = False  # its end was waited for, and was as it should be
        self._qmp: Client | None = None
        self._qtest: QtestClient | None = None

    # --- starting ------------------------------------------------------------------------------------

    def start(self) -> Self:
        qtest, monitor, oob, negotiate = self._wants
        command = [self.program]
        with contextlib.ExitStack() as listeners:
            qtest_place = monitor_place = None
            if qtest:
                qtest_place = self._listen(listeners, "qtest.sock")
                command += ["-qtest", f"unix:{self.path('qtest.sock')}", "-qtest-log", "none"]
            if monitor:
                monitor_place = self._listen(listeners, "qmp.sock")
                command += ["-chardev", f"socket,path={self.path('qmp.sock')},id=qmp",
                            "-mon", "chardev=qmp,mode=control"]
            self._command = [*command, *self.arguments]
            with open(self.path("output"), "wb") as output:
                self._process = subprocess.Popen(
                    self._command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                    env=None if self._environment is None else {**os.environ, **self._environment})
            try:
                if qtest_place is not None:
                    self._qtest = self._clients.enter_context(
                        QtestClient(self._accept(qtest_place), self._timeout))
                if monitor_place is not None:
                    self._qmp = self._clients.enter_context(
                        Client.adopt(self._accept(monitor_place), oob=oob, timeout=self._timeout,
                                     negotiate=negotiate))
            except BaseException:
                self.kill()
                raise
        return self

    def path(self, name: str) -> str:
        """Of a file in the machine's folder, which goes with it."""
        return str(Path(self._folder.name) / name)

    def _listen(self, stack: contextlib.ExitStack, name: str) -> socket.socket:
        listener = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        listener.bind(self.path(name))
        listener.listen()
        listener.settimeout(_LOOK)
        return listener

    def _accept(self, listener: socket.socket) -> socket.socket:
        deadline = time.monotonic() + self._timeout
        while True:
            try:
                return listener.accept()[0]
            except TimeoutError:
                if self.process.poll() is not None:
                    raise Ended(self._command, self.process.returncode, self.output()) from None
                if time.monotonic() > deadline:
                    raise ProtocolError("the emulator does not connect") from None

    # --- what it has ---------------------------------------------------------------------------------

    @property
    def process(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise ProtocolError("the machine has not been started")
        return self._process

    @property
    def qmp(self) -> Client:
        if self._qmp is None:
            raise ProtocolError("there is no monitor")
        return self._qmp

    @property
    def qtest(self) -> QtestClient:
        if self._qtest is None:
            raise ProtocolError("there is no test server; it takes qtest=True")
        return self._qtest

    def output(self) -> str:
        """What it has written so far."""
        with contextlib.suppress(FileNotFoundError):
            return Path(self.path("output")).read_text(encoding="utf-8", errors="replace")
        return ""

    # --- ending --------------------------------------------------------------------------------------

    def wait(self, status: int = 0) -> str:
        """Waits for its end, which must have that status; returns what it wrote."""
        try:
            ended = self.process.wait(self._timeout)
        except subprocess.TimeoutExpired as late:
            self.kill()
            raise Ended(self._command, -signal.SIGKILL, "it did not end\n" + self.output()) from late
        if ended != status:
            raise Ended(self._command, ended, self.output())
        self._settled = True
        return self.output()

    def end(self) -> str:
        """Ends it as harnesses do; the status must be 0."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.wait()

    def kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def close(self) -> None:
        """Ends it in any case and removes its folder."""
        self.kill()
        self._clients.close()
        self._folder.cleanup()

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        try:
            if kind is None and not self._settled:
                self.end()
        finally:
            self.close()
