#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The monitor for programs over every kind of socket, with clients that behave and clients that do not.

usage: qmp_test.py HOLDFAST [case...]
"""

import contextlib
import json
import os
import pathlib
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

import harness
from holdfast import Client, Error, Machine, ProtocolError

PATIENCE = 60.0  # seconds without what is waited for: it hangs
REFERENCE = "qemu-system-riscv64"
BOARD = ["-M", "virt", "-bios", "none", "-display", "none", "-S"]


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


# --- places ------------------------------------------------------------------------------------------

def unix_client(program):
    with machine(program) as m:
        works(m.qmp)
        version = m.qmp.greeting["QMP"]["version"]
        assert version["qemu"] == {"major": 8, "minor": 2, "micro": 0}, version
        assert version["package"].startswith("Holdfast "), version
        assert m.qmp.greeting["QMP"]["capabilities"][0] == "oob", m.qmp.greeting


def unix_server(program):
    with folder() as place:
        path = os.path.join(place, "s")
        for wait in ("on", "off"):
            with process(program, "-qmp", f"unix:{path},server=on,wait={wait}") as running:
                for _ in range(3):  # one after the other
                    with connect(running, path) as client:
                        works(client)
            assert not os.path.exists(path), "its file is still there"


def a_second_client_waits_for_the_first_to_go(program):
    with folder() as place:
        path = os.path.join(place, "s")
        with process(program, "-qmp", f"unix:{path},server=on,wait=off") as running:
            first = connect(running, path)
            second = socket.socket(socket.AF_UNIX)
            second.connect(path)
            assert not select.select([second], [], [], 0)[0], "greeted while another is served"
            works(first)
            first.close()
            with Client.adopt(second) as client:
                works(client)


def tcp_server(program):
    port = free_port()
    with process(program, "-qmp", f"tcp:127.0.0.1:{port},server=on,wait=off") as running:
        for _ in range(3):
            with connect(running, ("127.0.0.1", port)) as client:
                works(client)


def tcp_client(program):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE)
        with process(program, "-qmp", f"tcp:127.0.0.1:{listener.getsockname()[1]}"):
            with Client.adopt(listener.accept()[0]) as client:
                works(client)


def reconnects(program):
    with folder() as place:
        path = os.path.join(place, "s")
        with process(program, "-chardev", f"socket,id=m,path={path},reconnect=1", "-mon", "m,mode=control"):
            for _ in range(2):  # it was there before us, and comes again
                listener = socket.socket(socket.AF_UNIX)
                with listener:
                    listener.settimeout(PATIENCE)
                    listener.bind(path)
                    listener.listen()
                    with Client.adopt(listener.accept()[0]) as client:
                        works(client)
                os.unlink(path)


def standard_input_and_output(program):
    with process(program, "-qmp", "stdio", stdin=subprocess.PIPE) as running:
        assert "QMP" in json.loads(running.stdout.readline())
        running.stdin.write(b"{'execute':'qmp_capabilities'}{'execute':'query-status','id':1}\n")
        running.stdin.flush()
        assert json.loads(running.stdout.readline()) == {"return": {}}
        assert json.loads(running.stdout.readline())["id"] == 1
        running.stdin.close()  # that ends nothing


def pseudo_terminal(program):
    with process(program, "-chardev", "pty,id=m", "-mon", "m,mode=control") as running:
        line = running.stdout.readline().decode()
        path = line.split()[4]
        assert line == f"char device redirected to {path} (label m)\n", line
        end = os.open(path, os.O_RDWR | os.O_NOCTTY)
        with os.fdopen(end, "r+b", buffering=0) as terminal:
            assert "QMP" in json.loads(terminal.readline())
            terminal.write(b"{'execute':'qmp_capabilities'}\n")
            assert json.loads(terminal.readline()) == {"return": {}}


def several_monitors(program):
    with folder() as place:
        one, two, three = (os.path.join(place, name) for name in ("1", "2", "3"))
        with process(program, "-qmp", f"unix:{one},server=on,wait=off",
                     "-qmp-pretty", f"unix:{two},server=on,wait=off",
                     "-chardev", f"socket,id=m,path={three},server=on,wait=off",
                     "-mon", "chardev=m,mode=control,pretty=on") as running:
            with connect(running, one) as a, connect(running, two) as b, \
                    connect(running, three, negotiate=False) as c:
                assert refusal(c, "query-status") == "CommandNotFound"
                works(a)
                works(b)
                a.execute("system_reset")
                for client in (a, b):
                    assert client.wait_event("RESET")["data"]["guest"] is False
                c.negotiate()
                assert c.take_events() == [], "it had not negotiated by then"
                b.send(b"{'execute':'query-name'}\n")
                assert json.dumps(b.receive()) == '{"return": {}}'


# --- the conversation --------------------------------------------------------------------------------

def negotiation(program):
    with machine(program, negotiate=False) as m:
        for command in ("query-version", "no-such", "quit"):
            assert refusal(m.qmp, command) == "CommandNotFound"
        assert refusal(m.qmp, "qmp_capabilities", {"enable": ["none-such"]}) == "GenericError"
        assert refusal(m.qmp, "qmp_capabilities", {"enable": "oob"}) == "GenericError"
        assert refusal(m.qmp, "qmp_capabilities", {"other": 1}) == "GenericError"
        m.qmp.negotiate()
        assert refusal(m.qmp, "qmp_capabilities") == "CommandNotFound"
        try:
            m.qmp.execute_oob("migrate-pause")
        except Error as error:
            assert error.error_class == "GenericError", error
        else:
            raise AssertionError("out of band without the capability")


def ids_come_back(program):
    with machine(program) as m:
        for number in (0, -1, 1.5, "text", "\u00e4\u20ac\U0001f600", None, True, [1, {"a": None}], {"deep": [[]]}, 2**63):
            reply = ask_raw(m.qmp, json.dumps({"execute": "query-status", "id": number}).encode())
            assert reply["id"] == number and "return" in reply, reply
            reply = ask_raw(m.qmp, json.dumps({"execute": "no-such", "id": number}).encode())
            assert reply["id"] == number and "error" in reply, reply
            reply = ask_raw(m.qmp, json.dumps({"id": number}).encode())
            assert reply["id"] == number and reply["error"]["class"] == "GenericError", reply


def a_slow_command_keeps_those_behind_it(program):
    """One that waits for a FIFO, as strict clients have it: what is out of band is answered meanwhile,
    and what is malformed in its turn."""
    with machine(program, oob=True) as m:
        assert oob_refusal(m.qmp, "query-cpus-fast") == "GenericError", "not one of those"
        for turn, behind in ((1, {"execute": "query-name"}), (2, {}), (3, {"execute": 1})):
            fifo = m.path(f"fifo{turn}")
            os.mkfifo(fifo)
            send(m.qmp, {"execute": "blockdev-add", "id": "blocks", "arguments": {
                "driver": "blkdebug", "node-name": f"n{turn}", "config": fifo, "image": {"driver": "null-co"}}})
            send(m.qmp, {"id": "behind", **behind})
            m.qmp.send(b"{]")
            m.qmp.send(b"\n")
            send(m.qmp, {"exec-oob": "migrate-pause", "id": "oob"})
            reply = m.qmp.receive()
            assert reply["id"] == "oob" and reply["error"]["class"] == "GenericError", reply
            send(m.qmp, {"exec-oob": "migrate-pause", "id": "malformed", "more": 1})
            assert m.qmp.receive()["id"] == "malformed"
            with open(fifo, "wb"):
                pass
            reply = m.qmp.receive()
            assert reply == {"id": "blocks", "return": {}}, reply
            assert m.qmp.receive()["id"] == "behind"
            assert "id" not in m.qmp.receive()
        assert [node["node-name"] for node in m.qmp.execute("query-named-block-nodes")] == ["n1", "n2", "n3"]


def send(client, request):
    client.send(json.dumps(request).encode() + b"\n")


def oob_refusal(client, command):
    try:
        client.execute_oob(command)
    except Error as error:
        return error.error_class
    raise AssertionError(f"{command}: done out of band")


def a_client_that_leaves_a_slow_command(program):
    """Its commands are forgotten, and the next client is greeted at once."""
    with folder() as place:
        path, fifo = os.path.join(place, "s"), os.path.join(place, "fifo")
        os.mkfifo(fifo)
        with process(program, "-qmp", f"unix:{path},server=on,wait=off") as running:
            for count in (0, 20):  # as many as are kept, or more
                client = connect(running, path)
                client.start("blockdev-add", {"driver": "blkdebug", "node-name": f"n{count}", "config": fifo,
                                              "image": {"driver": "null-co"}})
                for _ in range(count):
                    client.start("cont")
                client.close()
            with connect(running, path) as client:
                works(client)
                with open(fifo, "wb"):
                    pass
                works(client)


def block_nodes(program):
    with machine(program) as m:
        q = m.qmp
        image = m.path("image")
        pathlib.Path(image).write_bytes(bytes(4096))
        q.execute("blockdev-add", {"driver": "file", "node-name": "f", "filename": image})
        assert refusal(q, "blockdev-add", {"driver": "file", "node-name": "g", "filename": image}) == "GenericError", \
            "locked"
        q.execute("blockdev-add", {"driver": "raw", "node-name": "r", "file": "f"})
        q.execute("blockdev-add", {"driver": "blkdebug", "node-name": "top", "image": {
            "driver": "raw", "node-name": "mid", "file": {"driver": "null-co", "size": 512}}})
        nodes = {node["node-name"]: node for node in q.execute("query-named-block-nodes")}
        assert set(nodes) == {"f", "r", "top", "mid"}, nodes
        assert nodes["r"]["image"]["virtual-size"] == 4096 and nodes["top"]["image"]["virtual-size"] == 512
        assert refusal(q, "blockdev-del", {"node-name": "f"}) == "GenericError", "in use"
        for name in ("r", "f", "top", "mid"):
            q.execute("blockdev-del", {"node-name": name})
        q.execute("blockdev-add", {"driver": "file", "node-name": "f", "filename": image})  # not locked any more
        q.execute("blockdev-del", {"node-name": "f"})
        rules = m.path("rules")
        for text, wanted in (("# none\n", None), ("[inject-error]\nevent = \"read_aio\"\n", "GenericError")):
            pathlib.Path(rules).write_text(text, encoding="utf-8")
            arguments = {"driver": "blkdebug", "node-name": "b", "config": rules, "image": {"driver": "null-co"}}
            if wanted:
                assert refusal(q, "blockdev-add", arguments) == wanted
            else:
                q.execute("blockdev-add", arguments)
                q.execute("blockdev-del", {"node-name": "b"})
        null = {"driver": "null-co"}
        for wrong in [null, null | {"node-name": 1}, null | {"node-name": "1a"}, null | {"node-name": "x" * 40},
                      null | {"node-name": "x", "more": 1}, null | {"node-name": "x", "size": -1},
                      null | {"node-name": "x", "config": rules}, null | {"node-name": "x", "read-only": 1},
                      {"driver": "nothing", "node-name": "x"}, {"driver": "file", "node-name": "x"},
                      {"driver": "file", "node-name": "x", "filename": "/nowhere/x"},
                      {"driver": "raw", "node-name": "x"}, {"driver": "raw", "node-name": "x", "file": "nothing"},
                      {"driver": "raw", "node-name": "x", "file": null | {"node-name": "x"}},
                      {"driver": "raw", "node-name": "x", "file": {"driver": "raw", "file": 3}},
                      {"driver": "blkdebug", "node-name": "x", "config": "/nowhere/x", "image": null},
                      {"driver": "blkdebug", "node-name": "x", "config": "/", "image": null},
                      {"driver": "blkdebug", "node-name": "x", "config": "/dev/zero", "image": null}]:
            assert refusal(q, "blockdev-add", wrong) == "GenericError", wrong
        assert q.execute("query-named-block-nodes") == []


def events_have_timestamps(program):
    with machine(program) as m:
        last = (0, 0)
        for command, event in (("cont", "RESUME"), ("stop", "STOP"), ("system_reset", "RESET"),
                               ("system_powerdown", "POWERDOWN")):
            m.qmp.execute(command)
            stamp = m.qmp.wait_event(event)["timestamp"]
            assert set(stamp) == {"seconds", "microseconds"} and 0 <= stamp["microseconds"] < 10**6, stamp
            now = (stamp["seconds"], stamp["microseconds"])
            assert now >= last and now[0] > 1_500_000_000, (now, last)
            last = now
        m.qmp.execute("quit")
        assert m.qmp.wait_event("SHUTDOWN")["data"] == {"guest": False, "reason": "host-qmp-quit"}
        m.wait()


# What strict clients send to see whether the parser finds its way back: without an end of line, but
# where it would be needed.
GARBAGE = [b"{]\n", b"{\xff", b"{\x01", b"{'bad \xff", b"{'execute': 'nonexistent', 'id':'\n", b"%p", b"null\n",
           b"[]", b"'text'", b"17\n", b"{}", b"{'execute': true}", b"{'execute': 'no-such', 'arguments': []}",
           b"{'execute': 'no-such', 'extra': true}", b"\xff", b"]", b"}", b",", b":", b"'\x00'", b"{'a':\xc0",
           b"{'a' 'b'}", b"[1,]", b"truth\n", b"{'execute': 'query-status', 'exec-oob': 'query-status'}", b"[" * 1025 + b"\n", b"'\\u12'\n", b"{'execute': 'x', 'id': +}"]


def finds_its_way_back(program):
    for negotiate in (False, True):
        with machine(program, negotiate=negotiate) as m:
            for wrong in GARBAGE:
                reply = ask_raw(m.qmp, wrong)
                assert reply["error"]["class"] == "GenericError", (wrong[:60], reply)
                assert refusal(m.qmp, "no-such") == "CommandNotFound", wrong[:60]


def bytes_one_at_a_time(program):
    with machine(program) as m:
        for byte in b"{'execute': 'query-status', \"id\": 'so'}":
            m.qmp.send(bytes([byte]))
        assert m.qmp.receive()["id"] == "so"
        m.qmp.send(b"{'execute':'query-name','id':1}{'execute':'query-name','id':2} {'execute':'x','id':3}")
        assert [m.qmp.receive()["id"] for _ in range(3)] == [1, 2, 3]


def quotes_and_escapes(program):
    with machine(program) as m:
        for text, meant in ((b"'it\\'s'", "it's"), (b'"it\'s"', "it's"), (b"'\"'", '"'), (b"'\\u00e4\\n\\t\\\\'", "\u00e4\n\t\\"),
                            (b'"\\ud83d\\ude00"', "\U0001f600"), ("'\u20ac'".encode(), "\u20ac")):
            reply = ask_raw(m.qmp, b"{'execute':'query-name','id':" + text + b"}")
            assert reply["id"] == meant, (text, reply)


def depth_and_size(program):
    with machine(program) as m:
        deep = b"[" * 300 + b"]" * 300
        assert ask_raw(m.qmp, b"{'execute':'query-name','id':" + deep + b"}")["return"] == {}
        assert ask_raw(m.qmp, b"[" * 1025 + b"\n")["error"]["class"] == "GenericError"
        works(m.qmp)
        long = b"x" * (16 << 20)
        assert len(ask_raw(m.qmp, b"{'execute':'query-name','id':'" + long + b"'}")["id"]) == 16 << 20


def resident_kib(m):
    text = pathlib.Path(f"/proc/{m.process.pid}/status").read_text(encoding="utf-8")
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS"))


def a_gibibyte_without_an_end(program):
    """Refused, and nothing of it is kept: text that is no value, and a string that does not end."""
    block = b"x" * (1 << 20)
    with machine(program) as m:
        works(m.qmp)
        before = resident_kib(m)
        for start in (b"", b"{'execute': '"):
            m.qmp.send(start)
            for _ in range(512):
                m.qmp.send(block)
            m.qmp.send(b"\n")
            assert m.qmp.receive()["error"]["class"] == "GenericError"
            works(m.qmp)
            assert resident_kib(m) < before + 20_000, f"{resident_kib(m)} KiB, {before} before"


def a_client_that_does_not_listen(program):
    """What it asks is answered only as fast as it reads; others are not kept waiting."""
    with folder() as place:
        path = os.path.join(place, "s")
        with machine(program, "-qmp", f"unix:{path},server=on,wait=off") as m:
            before = resident_kib(m)
            deaf = connect(m.process, path)
            with socket.socket(fileno=os.dup(deaf.fileno())) as raw, contextlib.suppress(BlockingIOError):
                raw.setblocking(False)
                while True:
                    raw.send(b"{'execute':'query-qmp-schema'}" * 100)
            works(m.qmp)
            assert resident_kib(m) < before + 60_000, f"{resident_kib(m)} KiB, {before} before"
            deaf.close()
            with connect(m.process, path) as client:
                works(client)


# --- clients that come and go ------------------------------------------------------------------------

def leaving_in_mid_command(program):
    with folder() as place:
        path = os.path.join(place, "s")
        with process(program, "-qmp", f"unix:{path},server=on,wait=off") as running:
            for half in (b"{'execute': 'system_re", b"{", b"'", b"{'execute':'query-qmp-schema'}" * 50, b"\xff",
                         b"{'execute':'x-wait-ticket','arguments':{'id':'"):
                client = connect(running, path)
                client.send(half)
                client.close()
            with connect(running, path) as client:
                client.send(b"}\n")
                assert client.receive()["error"]["class"] == "GenericError"
                works(client)


def what_was_said_before_leaving_is_done(program):
    with folder() as place:
        path = os.path.join(place, "s")
        with process(program, "-qmp", f"unix:{path},server=on,wait=off") as running:
            client = connect(running, path, negotiate=False)
            client.send(b"{'execute':'qmp_capabilities'}{'execute':'cont'}")
            client.close()
            with connect(running, path) as client:
                assert client.execute("query-status")["status"] == "running"


def a_thousand_clients_in_turn(program):
    with folder() as place:
        path = os.path.join(place, "s")
        with process(program, "-qmp", f"unix:{path},server=on,wait=off") as running:
            connect(running, path).close()
            descriptors = f"/proc/{running.pid}/fd"
            with connect(running, path) as client:
                works(client)
                before = len(os.listdir(descriptors))
            for _ in range(1000):
                with connect(running, path):
                    pass
            with connect(running, path) as client:
                works(client)
                assert len(os.listdir(descriptors)) == before


def a_thousand_clients_at_once(program):
    """As many as the host lets wait are let wait; when they have gone it goes on."""
    with folder() as place:
        path = os.path.join(place, "s")
        with machine(program, "-qmp", f"unix:{path},server=on,wait=off") as m:
            connect(m.process, path).close()
            sockets = []
            refused = 0
            for _ in range(1000):
                one = socket.socket(socket.AF_UNIX)
                one.setblocking(False)
                try:
                    one.connect(path)
                    one.send(b"{'execute':'qmp_capabilities'}{'execute':'query-status'}")
                    sockets.append(one)
                except BlockingIOError:
                    one.close()
                    refused += 1
            print(f"  {len(sockets)} wait, {refused} were not let")
            works(m.qmp)
            for one in sockets:
                one.close()
            with connect(m.process, path) as client:
                works(client)


# --- places that cannot be ---------------------------------------------------------------------------

def places_that_cannot_be(program):
    with folder() as place:
        taken = os.path.join(place, "taken")
        pathlib.Path(taken).write_text("not a socket", encoding="utf-8")
        port = socket.create_server(("127.0.0.1", 0))
        number = port.getsockname()[1]
        for arguments, named in [
                (["-qmp", f"unix:{taken},server=on,wait=off"], taken),
                (["-qmp", f"unix:{taken}"], taken),
                (["-qmp", f"unix:{taken}/below,server=on,wait=off"], "below"),
                (["-qmp", f"unix:{place}/nowhere/s,server=on,wait=off"], "nowhere"),
                (["-qmp", f"unix:{place}/nobody"], "nobody"),
                (["-qmp", f"unix:{place}/{'x' * 200},server=on,wait=off"], "xxx"),
                (["-qmp", "unix:/proc/s,server=on,wait=off"], "/proc/s"),
                (["-qmp", f"tcp:127.0.0.1:{number},server=on,wait=off"], str(number)),
                (["-qmp", "tcp:127.0.0.1:x,server=on,wait=off"], "x"),
                (["-qmp", "chardev:none-such"], "none-such"),
                (["-mon", "chardev=none-such,mode=control"], "none-such"),
                (["-chardev", "null,id=a", "-mon", "a,mode=control", "-mon", "a,mode=control"], "a")]:
            run = subprocess.run([program, *BOARD, *arguments], capture_output=True, text=True, timeout=PATIENCE,
                                 stdin=subprocess.DEVNULL, check=False)
            assert run.returncode == 1, f"{arguments}: status {run.returncode}, {run.stderr}"
            assert named in run.stderr and run.stderr.count("\n") == 1, f"{arguments}: {run.stderr}"
            assert sorted(os.listdir(place)) == ["taken"], f"{arguments}: left {os.listdir(place)}"
        port.close()
        assert pathlib.Path(taken).read_text(encoding="utf-8") == "not a socket"


# --- words that mean nothing -------------------------------------------------------------------------

def things_there_are_not(program):
    with machine(program) as m:
        q = m.qmp
        before = q.execute("x-query-census")
        for command, arguments, wanted in [
                ("no-such", {}, "CommandNotFound"), ("", {}, "CommandNotFound"), ("Stop", {}, "CommandNotFound"),
                ("RESET", {}, "CommandNotFound"), ("VersionInfo", {}, "CommandNotFound"),
                ("stop", {"x": 1}, "GenericError"),
                ("qom-list", {}, "GenericError"), ("qom-list", {"path": 1}, "GenericError"),
                ("qom-list", {"path": "/machine/nothing"}, "DeviceNotFound"),
                ("qom-list", {"path": ""}, "DeviceNotFound"),
                ("qom-get", {"path": "/machine"}, "GenericError"),
                ("qom-get", {"path": "/machine", "property": "nothing"}, "GenericError"),
                ("qom-get", {"path": "/nowhere", "property": "type"}, "DeviceNotFound"),
                ("qom-set", {"path": "/machine", "property": "rtc-time"}, "GenericError"),
                ("qom-set", {"path": "/machine", "property": "rtc-time", "value": 1}, "GenericError"),
                ("qom-set", {"path": "/machine/plic", "property": "type", "value": None}, "GenericError"),
                ("device-list-properties", {"typename": "nothing"}, "DeviceNotFound"),
                ("device_add", {}, "GenericError"), ("device_add", {"driver": "nothing"}, "GenericError"),
                ("device_add", {"driver": "device"}, "GenericError"),
                ("device_add", {"driver": ["ns16550a"]}, "GenericError"),
                ("device_add", {"driver": "ns16550a", "id": "a", "addr": 4096, "nothing": 1}, "GenericError"),
                ("device_add", {"driver": "ns16550a", "id": "a/b", "addr": 4096}, "GenericError"),
                ("device_add", {"driver": "ns16550a", "id": "a", "addr": 4096, "chardev": "nothing"}, "GenericError"),
                ("device_del", {}, "GenericError"), ("device_del", {"id": "nothing"}, "DeviceNotFound"),
                ("device_del", {"id": "/machine/plic"}, "GenericError"),
                ("x-wait-ticket", {"id": "/machine/plic"}, "GenericError"),
                ("x-explain-address", {"address": "here"}, "GenericError"),
                ("human-monitor-command", {}, "GenericError")]:
            assert refusal(q, command, arguments) == wanted, (command, arguments)
        assert q.execute("x-query-census") == before
        works(q)


def ends(program):
    """`quit` answers first; a signal ends it whatever the clients do."""
    with machine(program) as m:
        assert m.qmp.execute("quit") == {}
        assert m.qmp.wait_event("SHUTDOWN")["data"]["reason"] == "host-qmp-quit"
        m.wait()
    with machine(program, "-no-shutdown") as m:
        m.qmp.execute("stop")
        m.process.send_signal(signal.SIGTERM)
        assert m.qmp.wait_event("SHUTDOWN")["data"] == {"guest": False, "reason": "host-signal"}
        try:
            m.qmp.receive()
            raise AssertionError("still there")
        except ProtocolError:
            pass
        m.wait()


# --- what there is -----------------------------------------------------------------------------------

def before_the_machine_is_made(program):
    with machine(program, "-accel", "qtest", "--preconfig", board=True, qtest=True) as m:
        assert m.qtest.endianness() == "little"
        assert m.qmp.execute("query-status")["status"] == "prelaunch"
        assert m.qmp.execute("qom-list", path="/machine") is not None
        assert refusal(m.qmp, "query-cpus-fast") == "GenericError"
        assert refusal(m.qmp, "device_add", {"driver": "ns16550a"}) == "GenericError"
        last = m.qmp.start("x-exit-preconfig")
        cpus = m.qmp.start("query-cpus-fast")  # which waits for it
        assert last.result() == {}
        assert len(cpus.result()) == 1
        assert refusal(m.qmp, "x-exit-preconfig") == "GenericError"
        m.qtest.writel(0x8000_0000, 0x1234)
        assert m.qtest.readl(0x8000_0000) == 0x1234
    with machine(program, "-preconfig") as m:
        m.qmp.execute("quit")
        m.wait()
    with machine(program, "-preconfig"):
        pass  # SIGTERM
    with machine(program, "-preconfig", "-kernel", "/nowhere/kernel") as m:
        m.qmp.start("x-exit-preconfig")
        output = m.wait(1)
        assert "/nowhere/kernel" in output, output
    run = subprocess.run([program, *BOARD, "-preconfig"], capture_output=True, text=True, check=False,
                         stdin=subprocess.DEVNULL, timeout=PATIENCE)
    assert run.returncode == 1 and "-preconfig" in run.stderr, run.stderr


def machines_of_the_program(program):
    with folder() as place:
        named = os.path.join(place, "any-system-riscv64")
        os.symlink(os.path.abspath(program), named)
        with Machine("-M", "none", "-nodefaults", "-display", "none", program=named) as m:
            types = {entry["name"]: entry for entry in m.qmp.query_machines()}
            assert {"virt", "none"} <= set(types), types
            mandatory = {"name", "cpu-max", "hotpluggable-cpus", "numa-mem-supported", "deprecated", "acpi"}
            optional = {"alias", "is-default", "default-cpu-type", "default-ram-id"}
            for entry in types.values():
                assert mandatory <= set(entry) <= mandatory | optional, entry
            assert types["virt"]["cpu-max"] == 64 and types["virt"]["numa-mem-supported"]
            assert m.qmp.query_target() == {"arch": "riscv64"}
            assert m.qmp.query_cpus_fast() == []
            assert "rv64" in [model["name"] for model in m.qmp.query_cpu_definitions()]
            options = {entry["option"]: entry["parameters"] for entry in m.qmp.query_command_line_options()}
            assert {"name": "mode", "type": "string"} in options["mon"], options["mon"]
            assert m.qmp.query_command_line_options(option="mon")[0]["option"] == "mon"
            assert refusal(m.qmp, "query-command-line-options", {"option": "nothing"}) == "GenericError"
            answers_to_a_program_that_tries_all(m.qmp)
            assert refusal(m.qmp, "query-hotpluggable-cpus") == "GenericError", "it has no place for any"


def answers_to_a_program_that_tries_all(client):
    """Strict clients ask everything that needs no arguments and returns something."""
    schema = {entry["name"]: entry for entry in client.query_qmp_schema()}
    tried = 0
    for name, entry in schema.items():
        if entry["meta-type"] != "command" or schema[entry["ret-type"]].get("members") == []:
            continue
        # These want a descriptor, and a machine that CPUs can be plugged into.
        if name in ("add-fd", "query-hotpluggable-cpus"):
            continue
        if all("default" in member for member in schema[entry["arg-type"]]["members"]):
            client.execute(name)
            tried += 1
    assert tried > 30, tried


def descriptors(program):
    with machine(program) as m:
        q = m.qmp
        assert refusal(q, "getfd", {"fdname": "a"}) == "GenericError"
        ours, theirs = socket.socketpair()
        before = len(os.listdir(f"/proc/{m.process.pid}/fd"))
        with ours:
            q.execute("getfd", fdname="a", descriptors=[theirs.fileno()])
            theirs.close()
            spec = {"type": "socket", "data": {"server": False, "addr": {"type": "fd", "data": {"str": "a"}}}}
            q.execute("chardev-add", id="s", backend=spec)
            assert refusal(q, "closefd", {"fdname": "a"}) == "GenericError", "it was taken"
            q.execute("chardev-remove", id="s")
            assert ours.recv(1) == b"", "closed with the back-end"
        with open(os.devnull, "rb") as null:
            # One that a command did not want is not the next one's.
            q.execute("query-name", descriptors=[null.fileno()])
            q.execute("getfd", fdname="b", descriptors=[null.fileno()])
            q.execute("getfd", fdname="b", descriptors=[null.fileno()])  # instead of the first
            assert refusal(q, "getfd", {"fdname": "1b"}, descriptors=[null.fileno()]) == "GenericError"
            assert refusal(q, "getfd", {"fdname": ""}, descriptors=[null.fileno()]) == "GenericError"
            assert refusal(q, "getfd", {}, descriptors=[null.fileno()]) == "GenericError"
            assert refusal(q, "getfd", {"fdname": "c"}) == "GenericError", "there is none left"
            q.execute("closefd", fdname="b")
            assert refusal(q, "closefd", {"fdname": "b"}) == "GenericError"
            for name in ("3", "none-such", ""):  # whose they are is not the client's to say
                spec["data"]["addr"]["data"]["str"] = name
                assert refusal(q, "chardev-add", {"id": "s", "backend": spec}) == "GenericError"
        assert len(os.listdir(f"/proc/{m.process.pid}/fd")) == before


def sets_of_descriptors(program):
    with machine(program) as m, tempfile.TemporaryFile() as file:
        q = m.qmp
        before = len(os.listdir(f"/proc/{m.process.pid}/fd"))
        with open(os.devnull, "rb") as null:
            first = q.execute("add-fd", opaque="to read", descriptors=[null.fileno()])
        number = first["fdset-id"]
        second = q.execute("add-fd", {"fdset-id": number}, descriptors=[file.fileno()])
        assert second["fdset-id"] == number and second["fd"] != first["fd"]
        assert q.query_fdsets() == [{"fdset-id": number, "fds": [{"fd": first["fd"], "opaque": "to read"},
                                                                 {"fd": second["fd"]}]}]
        path = f"/dev/fdset/{number}"
        assert refusal(q, "pmemsave", {"val": 0, "size": 1, "filename": path}) == "GenericError", "none to write"
        with tempfile.NamedTemporaryFile() as named, open(named.name, "wb") as to_write:
            q.execute("add-fd", {"fdset-id": number}, descriptors=[to_write.fileno()])
            q.execute("pmemsave", val=0x8000_0000, size=4096, filename=path)
            assert named.read() == bytes(4096)
            q.execute("chardev-add", id="f", backend={"type": "file", "data": {"out": path}})
            q.execute("chardev-remove", id="f")
        for missing in ("/dev/fdset/99", "/dev/fdset/", "/dev/fdset/x"):
            assert refusal(q, "pmemsave", {"val": 0, "size": 1, "filename": missing}) == "GenericError"
        assert refusal(q, "add-fd", {"fdset-id": -1}, descriptors=[file.fileno()]) == "GenericError"
        assert refusal(q, "add-fd", {}) == "GenericError"
        assert refusal(q, "remove-fd", {"fdset-id": 99}) == "GenericError"
        assert refusal(q, "remove-fd", {"fdset-id": number, "fd": 99999}) == "GenericError"
        q.execute("remove-fd", {"fdset-id": number, "fd": second["fd"]})
        q.execute("remove-fd", {"fdset-id": number})
        assert q.query_fdsets() == []
        assert len(os.listdir(f"/proc/{m.process.pid}/fd")) == before


def sets_go_with_the_last_client(program):
    with folder() as place:
        path = os.path.join(place, "s")
        with process(program, "-qmp", f"unix:{path},server=on,wait=off") as running:
            with open(os.devnull, "rb") as null, connect(running, path) as client:
                client.execute("add-fd", descriptors=[null.fileno()])
                assert len(client.query_fdsets()) == 1
            with connect(running, path) as client:
                assert client.query_fdsets() == []


def back_ends_come_and_go(program):
    with machine(program) as m:
        q = m.qmp
        place = m.path("added")

        def backend(kind, **data):
            return {"type": kind, "data": data}

        def unix(path, **data):
            return backend("socket", addr={"type": "unix", "data": {"path": path}}, **data)

        before = q.query_chardev()
        assert q.execute("chardev-add", id="n", backend=backend("null")) == {}
        assert q.execute("chardev-add", id="p", backend=backend("pty"))["pty"].startswith("/dev/pts/")
        assert q.execute("chardev-add", id="u", backend=unix(place)) == {}
        assert q.execute("chardev-add", id="f", backend=backend("file", out=m.path("file"))) == {}
        assert q.execute("chardev-add", id="r", backend=backend("ringbuf", size=16)) == {}
        assert {"label": "n", "filename": "null", "frontend-open": False} in q.query_chardev()
        q.execute("device_add", driver="ns16550a", id="uart1", addr=0x7000_0000, chardev="u")
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(place)
            q.execute("chardev-send-break", id="u")
            assert refusal(q, "chardev-remove", {"id": "u"}) == "GenericError"
            assert refusal(q, "chardev-change", {"id": "u", "backend": backend("null")}) == "GenericError"
            q.execute("device_del", id="uart1")
            q.wait_event("DEVICE_DELETED")
            q.execute("chardev-change", id="u", backend=unix(place))  # the same path, another socket
            assert client.recv(1) == b""
        for wrong in [backend("nothing"), backend("null", x=1), {"type": "null"}, {"data": {}}, "null",
                      backend("file"), backend("file", out=1), backend("ringbuf", size=15), backend("ringbuf", size="x"),
                      backend("socket"), unix(""), unix(place, wait=True), unix("x" * 200), unix(m.path("a/b")),
                      unix(m.path("none"), server=False), unix(place, server=1), backend("stdio", signal=3),
                      backend("socket", addr={"type": "inet", "data": {"host": "h"}}),
                      backend("socket", addr={"type": "vsock", "data": {}}),
                      backend("socket", addr={"type": "unix", "data": {"path": "x", "y": 1}}),
                      {"type": "null", "data": {}, "more": 1}, backend("serial", device="/dev/null"),
                      backend("pipe", device=m.path("none"))]:
            assert refusal(q, "chardev-add", {"id": "w", "backend": wrong}) == "GenericError", wrong
        assert refusal(q, "chardev-add", {"id": "n", "backend": backend("null")}) == "GenericError"
        assert refusal(q, "chardev-add", {"id": "a/b", "backend": backend("null")}) == "GenericError"
        for command in ("chardev-remove", "chardev-send-break"):
            assert refusal(q, command, {"id": "nothing"}) == "GenericError"
        for name in "npufr":
            q.execute("chardev-remove", id=name)
        assert q.query_chardev() == before
        assert not os.path.exists(place), "its file is still there"
        assert refusal(q, "chardev-remove", {"id": "qmp"}) == "GenericError", "it is ours"


def output_kept_in_memory(program):
    with machine(program, "-accel", "qtest", "-chardev", "ringbuf,id=r,size=64", "-serial", "chardev:r", "-chardev",
                 "null,id=n", qtest=True) as m:
        q = m.qmp
        for byte in b"hello":
            m.qtest.writeb(0x1000_0000, byte)
        assert q.execute("ringbuf-read", device="r", size=2) == "he"
        q.execute("ringbuf-write", device="r", data="AQL/", format="base64")
        assert q.execute("ringbuf-read", device="r", size=3, format="base64") == "bGxv"
        assert q.execute("ringbuf-read", device="r", size=100, format="base64") == "AQL/"
        assert q.execute("ringbuf-read", device="r", size=100) == ""
        q.execute("ringbuf-write", device="r", data="x" * 100 + "ä")
        assert q.execute("ringbuf-read", device="r", size=2**62) == "x" * 62 + "ä"
        for command, arguments in [("ringbuf-read", {"device": "n", "size": 1}), ("ringbuf-read", {"device": "x", "size": 1}),
                                   ("ringbuf-read", {"device": "r", "size": 0}), ("ringbuf-read", {"device": "r", "size": -1}),
                                   ("ringbuf-read", {"device": "r", "size": 1, "format": "x"}),
                                   ("ringbuf-write", {"device": "r", "data": "?", "format": "base64"})]:
            assert refusal(q, command, arguments) == "GenericError", (command, arguments)


def memory_is_saved(program):
    with machine(program, "-accel", "qtest", qtest=True) as m:
        m.qtest.write(0x8000_0ffe, b"abcd")
        path = m.path("saved")
        m.qmp.execute("pmemsave", val=0x8000_0ffc, size=8, filename=path)
        assert pathlib.Path(path).read_bytes() == b"\0\0abcd\0\0"
        m.qmp.execute("pmemsave", val=0x7fff_fffe, size=3_000_000, filename=path)
        saved = pathlib.Path(path).read_bytes()
        assert len(saved) == 3_000_000 and saved[0x1000:0x1004] == b"abcd"
        m.qmp.execute("pmemsave", val=2**64 - 8, size=8, filename=path)
        for arguments in ({"val": -1, "size": 8, "filename": path}, {"val": 0, "size": 0, "filename": path},
                          {"val": 0, "size": 2**62, "filename": path}, {"val": 0, "size": 1, "filename": "/nowhere/x"},
                          {"val": 0, "size": 1, "filename": ""}, {"val": 0, "size": 1 << 20, "filename": "/dev/full"}):
            for command in ("pmemsave", "memsave"):
                assert refusal(m.qmp, command, arguments) == "GenericError", (command, arguments)
        m.qmp.execute("memsave", {"val": 0x8000_0ffc, "size": 8, "filename": path, "cpu-index": 0})
        assert pathlib.Path(path).read_bytes() == b"\0\0abcd\0\0"
        nobody = {"val": 0, "size": 8, "filename": path, "cpu-index": 1}
        assert refusal(m.qmp, "memsave", nobody) == "GenericError"


def nodes_are_told_to_the_monitor(program):
    node = {"type": "node", "nodeid": 0, "mem": 128 << 20}
    with machine(program, "-accel", "qtest", "-m", "256M", "-smp", "2", "-preconfig") as m:
        m.qmp.execute("set-numa-node", node)
        assert refusal(m.qmp, "set-numa-node", node) == "GenericError", "it is there"
        m.qmp.execute("set-numa-node", {**node, "nodeid": 1})
        m.qmp.execute("set-numa-node", {"type": "cpu", "node-id": 0, "core-id": 0})
        for wrong in ({"type": "cpu", "node-id": 1, "core-id": 0}, {"type": "cpu", "node-id": 1, "core-id": 2},
                      {"type": "cpu", "node-id": 2, "core-id": 1}, {"type": "node", "cpus": [7]},
                      {"type": "hmat-lb"}, {"type": "node", "memdev": "nothing"}):
            assert refusal(m.qmp, "set-numa-node", wrong) == "GenericError", wrong
        m.qmp.execute("set-numa-node", {"type": "cpu", "node-id": 1, "core-id": 1})
        m.qmp.execute("set-numa-node", {"type": "dist", "src": 0, "dst": 1, "val": 20})
        m.qmp.execute("x-exit-preconfig")
        assert [cpu["props"]["node-id"] for cpu in m.qmp.query_cpus_fast()] == [0, 1]
        text = m.qmp.execute("human-monitor-command", {"command-line": "info numa"})
        assert "node 1 cpus: 1" in text and "node 1 size: 128 MB" in text, text
        assert refusal(m.qmp, "set-numa-node", {**node, "nodeid": 2}) == "GenericError"
    # A machine whose nodes do not add up is not made.
    with machine(program, "-accel", "qtest", "-m", "256M", "-preconfig") as m:
        m.qmp.execute("set-numa-node", node)
        m.qmp.start("x-exit-preconfig")
        assert "-numa" in m.wait(1)


def actions(program):
    with machine(program) as m:
        assert refusal(m.qmp, "set-action", {"reboot": "never"}) == "GenericError"
        assert refusal(m.qmp, "watchdog-set-action", {"action": "bark"}) == "GenericError"
        assert refusal(m.qmp, "inject-nmi") == "GenericError"
        m.qmp.execute("watchdog-set-action", action="pause")
        m.qmp.execute("set-action", reboot="reset", shutdown="pause", panic="none", watchdog="none")
        # The machine's own switch: a word in the device at 0x100000 that ends it.
        m.qmp.execute("set-action", reboot="shutdown")
    with machine(program, "-accel", "qtest", qtest=True) as m:
        m.qmp.execute("set-action", shutdown="pause")
        m.qtest.writel(0x10_0000, 0x5555)
        assert m.qmp.wait_event("SHUTDOWN")["data"] == {"guest": True, "reason": "guest-shutdown"}
        assert m.qmp.query_status()["status"] == "shutdown"
        m.qmp.execute("system_reset")
        m.qmp.execute("set-action", reboot="shutdown", shutdown="poweroff")
        m.qtest.command("writel", 0x10_0000, 0x7777)
        assert m.qmp.wait_event("SHUTDOWN")["data"] == {"guest": True, "reason": "guest-reset"}
        m.wait()


# --- beside another emulator -------------------------------------------------------------------------

def shape(value):
    """What a strict client sees: the keys, and what kind their values are of."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in sorted(value.items())}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


# Commands whose answers must look the same on `virt`.
ALIKE = ["query-version", "query-name", "query-uuid", "query-kvm", "query-cpus-fast", "query-chardev",
         "query-iothreads", "query-commands", "query-chardev-backends",
         "query-target"]


def beside_the_reference(program):
    if shutil.which(REFERENCE) is None:
        print(f"  skipped: no {REFERENCE} here to compare with")
        return
    with machine(program, "-nodefaults", "-name", "x") as ours, \
            Machine(*BOARD, "-nodefaults", "-name", "x", program=REFERENCE) as theirs:
        different = []
        for command in ALIKE:
            a, b = shape(ours.qmp.execute(command)), shape(theirs.qmp.execute(command))
            if a != b:
                different.append(f"{command}: {a}; there {b}")
        assert not different, "\n".join(different)
        for wrong in GARBAGE[:-3]:
            a, b = ask_raw(ours.qmp, wrong), ask_raw(theirs.qmp, wrong)
            assert a["error"]["class"] == b["error"]["class"], (wrong, a, b)
            assert refusal(ours.qmp, "x") == refusal(theirs.qmp, "x")


CASES = [unix_client, unix_server, a_second_client_waits_for_the_first_to_go, tcp_server, tcp_client, reconnects,
         standard_input_and_output, pseudo_terminal, several_monitors, negotiation, ids_come_back,
         a_slow_command_keeps_those_behind_it, a_client_that_leaves_a_slow_command, block_nodes,
         events_have_timestamps, finds_its_way_back, bytes_one_at_a_time, quotes_and_escapes, depth_and_size,
         a_gibibyte_without_an_end, a_client_that_does_not_listen, leaving_in_mid_command,
         what_was_said_before_leaving_is_done, a_thousand_clients_in_turn, a_thousand_clients_at_once,
         places_that_cannot_be, things_there_are_not, ends,
         before_the_machine_is_made, machines_of_the_program, descriptors, sets_of_descriptors,
         sets_go_with_the_last_client, back_ends_come_and_go, output_kept_in_memory, memory_is_saved,
         nodes_are_told_to_the_monitor, actions,
         beside_the_reference]


def main():
    harness.run(CASES, lambda case: case(sys.argv[1]))


if __name__ == "__main__":
    main()
