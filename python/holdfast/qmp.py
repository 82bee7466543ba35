# SPDX-License-Identifier: Apache-2.0
"""A client of QMP, the monitor protocol for programs.

A client belongs to one thread. It reads the socket when it waits for something: the reply of a
command, an event. What else comes meanwhile is kept: events in `events`, replies for whoever asked.
"""

from __future__ import annotations

import array
import collections
import contextlib
import json
import os
import socket
import struct
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Union

from .schema import Commands

PATIENCE: Final = 60.0  # seconds without an answer, unless the caller says otherwise

Address = Union[str, tuple[str, int]]
"""The path of a unix socket, or host and port."""

Event = dict[str, Any]


class ProtocolError(Exception):
    """The other end is gone, or does not speak the protocol, or does not answer in time."""


class Error(Exception):
    """A command was refused."""

    def __init__(self, error_class: str, description: str, command: str = "") -> None:
        super().__init__(f"{command}: {description}" if command else description)
        self.error_class = error_class
        self.description = description
        self.command = command


class Pending:
    """A command under way."""

    def __init__(self, client: Client, command: str, number: int) -> None:
        self._client = client
        self._number = number
        self.command = command

    def done(self) -> bool:
        """Whether the reply has come; reads what is there and does not wait."""
        return self._client._has_reply(self._number)

    def result(self, timeout: float | None = None) -> Any:
        """The value returned; waits for it. Raises Error if the command was refused."""
        reply = self._client._reply_to(self._number, self.command, timeout)
        if "error" in reply:
            error = reply["error"]
            raise Error(error["class"], error["desc"], self.command)
        return reply["return"]


class Client(Commands):
    """A conversation with a monitor.

    Every command of the schema is also a method, typed: `client.qom_get(path=..., property=...)`.
    """

    def __init__(self, connection: socket.socket, timeout: float = PATIENCE) -> None:
        self._socket = connection
        self._timeout = timeout
        self._received = bytearray()
        self._looked_at = 0  # bytes of _received without an end of line
        self._replies: dict[int, dict[str, Any]] = {}
        self._numbers = 0
        self.events: collections.deque[Event] = collections.deque()
        """Those that have come and that nobody has taken."""
        self.greeting: dict[str, Any] = {}

    @classmethod
    def connect(cls, address: Address, *, oob: bool = False, timeout: float = PATIENCE,
                negotiate: bool = True) -> Client:
        """Connects to a monitor that listens, and is greeted."""
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            connect_within(timeout, connection, address)
            return cls.adopt(connection, oob=oob, timeout=timeout, negotiate=negotiate)
        except BaseException:
            connection.close()
            raise

    @classmethod
    def adopt(cls, connection: socket.socket, *, oob: bool = False, timeout: float = PATIENCE,
              negotiate: bool = True) -> Client:
        """Takes over a connection: one that the emulator has made, for instance."""
        connection.settimeout(timeout)
        client = cls(connection, timeout)
        client.greeting = client.receive()
        if "QMP" not in client.greeting:
            raise ProtocolError(f"no greeting: {client.greeting}")
        if negotiate:
            client.negotiate(oob=oob)
        return client

    def negotiate(self, *, oob: bool = False) -> None:
        self.execute("qmp_capabilities", {"enable": ["oob"]} if oob else {})

    # --- commands ------------------------------------------------------------------------------------

    def execute(self, command: str, arguments: Mapping[str, Any] | None = None, *,
                descriptors: Sequence[int] = (), timeout: float | None = None, **keywords: Any) -> Any:
        """Executes a command and returns what it returns.

        Arguments come as a mapping or as keywords, in which an underscore stays one. `descriptors` go
        along with it, for `getfd` and `add-fd`. Raises Error if the command is refused.
        """
        return self.start(command, arguments, descriptors=descriptors, **keywords).result(timeout)

    def start(self, command: str, arguments: Mapping[str, Any] | None = None, *,
              descriptors: Sequence[int] = (), **keywords: Any) -> Pending:
        """Sends a command and does not wait for its reply."""
        return self._start("execute", command, {**(arguments or {}), **keywords}, descriptors)

    def execute_oob(self, command: str, arguments: Mapping[str, Any] | None = None, *,
                    timeout: float | None = None, **keywords: Any) -> Any:
        """Executes a command out of band: at once, whatever others wait for."""
        pending = self._start("exec-oob", command, {**(arguments or {}), **keywords}, ())
        return pending.result(timeout)

    def _start(self, how: str, command: str, arguments: dict[str, Any],
               descriptors: Sequence[int]) -> Pending:
        self._numbers += 1
        request: dict[str, Any] = {how: command, "id": self._numbers}
        if arguments:
            request["arguments"] = arguments
        self.send(json.dumps(request).encode() + b"\n", descriptors)
        return Pending(self, command, self._numbers)

    def human(self, line: str) -> str:
        """A line for the monitor for people, and what that answers."""
        answer = self.execute("human-monitor-command", {"command-line": line})
        if not isinstance(answer, str):
            raise ProtocolError(f"{line}: answered by {answer!r}")
        return answer

    # --- events --------------------------------------------------------------------------------------

    def wait_event(self, name: str, match: Callable[[Event], bool] = lambda event: True, *,
                   timeout: float | None = None) -> Event:
        """Takes the first event of that name that matches; waits for it. Others stay."""
        deadline = self._deadline(timeout)
        looked_at = 0
        while True:
            for index in range(looked_at, len(self.events)):
                event = self.events[index]
                if event["event"] == name and match(event):
                    del self.events[index]
                    return event
            looked_at = len(self.events)
            self._sort_in(self._receive_by(deadline, f"event {name}"))

    def take_events(self) -> list[Event]:
        """All that have come by now."""
        while (message := self._next_message()) is not None or self._read_what_is_there():
            if message is not None:
                self._sort_in(message)
        events = list(self.events)
        self.events.clear()
        return events

    # --- the wire ------------------------------------------------------------------------------------

    def send(self, data: bytes, descriptors: Sequence[int] = ()) -> None:
        """Bytes as they are; descriptors go with the first of them."""
        try:
            if descriptors:
                rights = array.array("i", descriptors)
                sent = self._socket.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
                data = data[sent:]
            self._socket.sendall(data)
        except OSError as error:
            raise ProtocolError(f"cannot send: {error}") from error

    def receive(self, timeout: float | None = None) -> dict[str, Any]:
        """The next message, whatever it is."""
        return self._receive_by(self._deadline(timeout), "a message")

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    # --- what has come -------------------------------------------------------------------------------

    def _deadline(self, timeout: float | None) -> float:
        return time.monotonic() + (self._timeout if timeout is None else timeout)

    def _sort_in(self, message: dict[str, Any]) -> None:
        if "event" in message:
            self.events.append(message)
        elif isinstance(message.get("id"), int):
            self._replies[message["id"]] = message
        else:
            raise ProtocolError(f"a reply to nothing: {message}")

    def _has_reply(self, number: int) -> bool:
        while number not in self._replies:
            message = self._next_message()
            if message is not None:
                self._sort_in(message)
            elif not self._read_what_is_there():
                return False
        return True

    def _reply_to(self, number: int, command: str, timeout: float | None) -> dict[str, Any]:
        deadline = self._deadline(timeout)
        while number not in self._replies:
            self._sort_in(self._receive_by(deadline, f"the reply to {command}"))
        return self._replies.pop(number)

    def _next_message(self) -> dict[str, Any] | None:
        """One that has been read already."""
        while True:
            end = self._received.find(b"\n", self._looked_at)
            if end < 0:
                self._looked_at = len(self._received)
                return None
            line = bytes(self._received[:end + 1])
            try:
                message = json.loads(line)
            except ValueError:
                self._looked_at = end + 1  # laid out for people, it goes on
                continue
            del self._received[:end + 1]
            self._looked_at = 0
            if not isinstance(message, dict):
                raise ProtocolError(f"no message: {line!r}")
            return message

    def _receive_by(self, deadline: float, what: str) -> dict[str, Any]:
        while (message := self._next_message()) is None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise ProtocolError(f"{what} did not come")
            self._socket.settimeout(left)
            try:
                data = self._socket.recv(1 << 16)
            except TimeoutError as error:
                raise ProtocolError(f"{what} did not come") from error
            except OSError as error:
                raise ProtocolError(f"{what} did not come: {error}") from error
            finally:
                self._socket.settimeout(self._timeout)
            if not data:
                raise ProtocolError(f"{what} did not come: the connection was closed")
            self._received += data
        return message

    def _read_what_is_there(self) -> bool:
        self._socket.setblocking(False)
        try:
            data = self._socket.recv(1 << 16)
        except BlockingIOError:
            return False
        finally:
            self._socket.settimeout(self._timeout)
        self._received += data
        return bool(data)


def connect_within(timeout: float, connection: socket.socket, address: Address) -> None:
    """Waits, too, while as many others wait to be taken as the host lets wait."""
    def limit(seconds: float) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO,
                              struct.pack("ll", int(seconds), int(seconds % 1 * 1e6)))

    connection.settimeout(None)
    limit(timeout)
    try:
        connection.connect(address)
    except BlockingIOError as error:
        raise ProtocolError(f"{address}: nobody takes the connection") from error
    limit(0)
    connection.settimeout(timeout)


@contextlib.contextmanager
def listening(path: str) -> Iterator[socket.socket]:
    """A unix socket that an emulator is to connect to; its file goes with it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.settimeout(PATIENCE)
        listener.bind(path)
        listener.listen()
        try:
            yield listener
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
