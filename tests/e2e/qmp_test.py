#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The monitor for programs over every kind of place, with clients that behave and clients that do not.

usage: qmp_test.py HOLDFAST [case...]
"""

import contextlib
import json
import os
import pathlib
import select
import socket
import subprocess
import sys

import harness
from holdfast import Client, Error
from qmp_support import ask_raw, BOARD, connect, folder, free_port, GARBAGE, machine, PATIENCE, process, refusal, works


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


def the_end_does_not_wait_for_the_deaf(program):
    """Told by a signal or by another monitor: what they leave unread is nobody's, and is not spoken of."""
    for quits in (False, True):
        with folder() as place, open(os.path.join(place, "errors"), "w+", encoding="utf-8") as errors:
            paths = [os.path.join(place, name) for name in "abc"]
            monitors = [word for path in paths[:2] for word in ("-qmp", f"unix:{path},server=on,wait=off")]
            with process(program, *monitors, "-qtest", f"unix:{paths[2]},server=on,wait=off", "-qtest-log", "none",
                         stderr=errors) as running, contextlib.ExitStack() as deaf:
                other = deaf.enter_context(connect(running, paths[0]))
                fill(deaf, paths[1], b"{'execute':'qmp_capabilities'}" + b"{'execute':'query-qmp-schema'}" * 100)
                fill(deaf, paths[2], b"read 0x80000000 0x10000\n" * 100)
                works(other)
                if quits:
                    other.execute("quit")
                else:
                    running.terminate()
                assert running.wait(PATIENCE) == 0
            errors.seek(0)
            assert errors.read() == ""


def fill(clients, path, requests):
    """Connects somebody who asks as much as is taken and reads nothing."""
    raw = clients.enter_context(socket.socket(socket.AF_UNIX))
    raw.connect(path)
    raw.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            raw.send(requests)


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


def what_was_said_behind_too_much_unread_is_not(program):
    """Who goes without having read 1 MiB of answers is answered no further, and the next one need not wait for that."""
    with folder() as place:
        path = os.path.join(place, "s")
        with process(program, "-qmp", f"unix:{path},server=on,wait=off") as running:
            client = connect(running, path)
            client.send(b"{'execute':'query-qmp-schema'}" * 1000 + b"{'execute':'cont'}")
            client.close()
            with connect(running, path) as client:
                works(client)


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


CASES = [unix_client, unix_server, a_second_client_waits_for_the_first_to_go, tcp_server, tcp_client,
         reconnects, standard_input_and_output, pseudo_terminal, several_monitors, negotiation, ids_come_back,
         a_slow_command_keeps_those_behind_it, a_client_that_leaves_a_slow_command, events_have_timestamps,
         finds_its_way_back, bytes_one_at_a_time, quotes_and_escapes, depth_and_size,
         a_gibibyte_without_an_end, a_client_that_does_not_listen,
         the_end_does_not_wait_for_the_deaf, leaving_in_mid_command,
         what_was_said_before_leaving_is_done, what_was_said_behind_too_much_unread_is_not,
         a_thousand_clients_in_turn, a_thousand_clients_at_once, places_that_cannot_be]

def main():
    harness.run(CASES, lambda case: case(sys.argv[1]))


if __name__ == "__main__":
    main()
