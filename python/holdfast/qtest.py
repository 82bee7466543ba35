# SPDX-License-Identifier: Apache-2.0
"""A client of the test protocol: reads and writes buses, drives and watches pins, moves the clock."""

from __future__ import annotations

import base64
import socket
from types import TracebackType
from typing import Final

from .qmp import connect_within

PATIENCE: Final = 60.0  # seconds without an answer


class QtestError(Exception):
    """A request was refused, or the other end is gone."""


class QtestClient:
    """One request at a time, in order. `levels` has what intercepted lines were last reported as."""

    def __init__(self, connection: socket.socket, timeout: float = PATIENCE) -> None:
        connection.settimeout(timeout)
        self._socket = connection
        self._stream = connection.makefile("rb")
        self.levels: dict[int, bool] = {}
        self.changes: list[tuple[int, bool]] = []
        """Lines that rose and fell, in order, since somebody emptied the list."""

    @classmethod
    def connect(cls, path: str, timeout: float = PATIENCE) -> QtestClient:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connect_within(timeout, connection, path)
        except BaseException:
            connection.close()
            raise
        return cls(connection, timeout)

    def ask(self, request: str) -> str:
        """The reply as it comes: "OK …", "FAIL …" or "ERR …"."""
        try:
            self._socket.sendall(request.encode() + b"\n")
            while True:
                line = self._stream.readline().decode()
                if not line.endswith("\n"):
                    raise QtestError(f"{request[:80]}: the connection was closed")
                words = line.split()
                if not words or words[0] != "IRQ":
                    return line[:-1]
                number, level = int(words[2]), words[1] == "raise"
                self.levels[number] = level
                self.changes.append((number, level))
        except OSError as error:
            raise QtestError(f"{request[:80]}: {error}") from error

    def command(self, *words: str | int) -> str:
        """What follows the OK; raises QtestError if something else comes."""
        request = " ".join(word if isinstance(word, str) else hex(word) for word in words)
        reply = self.ask(request)
        if reply != "OK" and not reply.startswith("OK "):
            raise QtestError(f"{request[:80]}: {reply}")
        return reply[3:]

    # --- memory --------------------------------------------------------------------------------------

    def _read(self, suffix: str, address: int) -> int:
        return int(self.command("read" + suffix, address), 0)

    def readb(self, address: int) -> int:
        return self._read("b", address)

    def readw(self, address: int) -> int:
        return self._read("w", address)

    def readl(self, address: int) -> int:
        return self._read("l", address)

    def readq(self, address: int) -> int:
        return self._read("q", address)

    def writeb(self, address: int, value: int) -> None:
        self.command("writeb", address, value)

    def writew(self, address: int, value: int) -> None:
        self.command("writew", address, value)

    def writel(self, address: int, value: int) -> None:
        self.command("writel", address, value)

    def writeq(self, address: int, value: int) -> None:
        self.command("writeq", address, value)

    def read(self, address: int, length: int) -> bytes:
        return base64.b64decode(self.command("b64read", address, length)) if length else b""

    def write(self, address: int, data: bytes) -> None:
        if data:
            self.command("b64write", address, len(data), base64.b64encode(data).decode())

    def memset(self, address: int, length: int, pattern: int) -> None:
        self.command("memset", address, length, pattern)

    # --- pins and time -------------------------------------------------------------------------------

    def intercept_in(self, path: str) -> None:
        self.command("irq_intercept_in", path)

    def intercept_out(self, path: str, name: str | None = None) -> None:
        self.command("irq_intercept_out", path, *([name] if name else []))

    def set_irq_in(self, path: str, name: str, number: int, level: int) -> None:
        self.command("set_irq_in", path, name, str(number), str(level))

    def level(self, number: int) -> bool:
        """Of an intercepted line, now."""
        self.command("inb", 0)
        return self.levels.get(number, False)

    def clock_step(self, nanoseconds: int | None = None) -> int:
        """The time it is then. Without a number: to when something is due."""
        return int(self.command("clock_step", *([] if nanoseconds is None else [str(nanoseconds)])))

    def clock_set(self, nanoseconds: int) -> int:
        return int(self.command("clock_set", str(nanoseconds)))

    def endianness(self) -> str:
        return self.command("endianness")

    # --- the connection ------------------------------------------------------------------------------

    def close(self) -> None:
        self._stream.close()
        self._socket.close()

    def __enter__(self) -> QtestClient:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()
