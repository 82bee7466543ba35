#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the monitor for programs can do: its commands on a real machine, wrong words, and another emulator
beside it.

usage: qmp_commands_test.py HOLDFAST [case...]
"""

import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

import harness
from holdfast import Error, Machine, ProtocolError
from qmp_support import ask_raw, BOARD, connect, folder, GARBAGE, machine, PATIENCE, process, refusal, works

REFERENCE = "qemu-system-riscv64"

# --- block nodes -------------------------------------------------------------------------------------

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


def a_device_goes_after_the_reply(program):
    """A slot without power lets go at once, and yet the command is answered first."""
    with machine(program, "-device", "pcie-root-port,id=p1") as m:
        q = m.qmp
        for command in ({"execute": "device_del", "arguments": {"id": "t1"}},
                        {"execute": "x-surprise-remove", "arguments": {"id": "t1"}},
                        {"execute": "human-monitor-command", "arguments": {"command-line": "device_del t1"}}):
            for bus in ("p1", "below"):
                if bus == "below":
                    q.execute("device_add", {"driver": "pcie-pci-bridge", "id": "bridge", "bus": "p1"})
                    q.execute("device_add", {"driver": "pci-bridge", "id": "below", "bus": "bridge", "chassis_nr": 1})
                q.execute("device_add", {"driver": "pci-testdev", "id": "t1", "bus": bus})
                reply, event = ask_raw(q, json.dumps(command).encode()), q.receive()
                assert reply in ({"return": {}}, {"return": ""}), (reply, event)
                assert event["event"] == "DEVICE_DELETED" and event["data"]["device"] == "t1", event
            command["arguments"] = {key: value.replace("t1", "bridge") for key, value in command["arguments"].items()}
            reply, gone = ask_raw(q, json.dumps(command).encode()), [q.receive()["data"]["device"] for _ in range(2)]
            assert "return" in reply and gone == ["below", "bridge"], (reply, gone)


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
    with machine(program, "-accel", "qtest", "--preconfig", "-drive", "if=none,id=d,file=null-co://", "-device",
                 "nvme,id=nv,drive=a,serial=1", board=True, qtest=True) as m:
        assert m.qtest.endianness() == "little"
        assert m.qmp.execute("query-status")["status"] == "prelaunch"
        assert m.qmp.execute("qom-list", path="/machine") is not None
        assert refusal(m.qmp, "query-cpus-fast") == "GenericError"
        assert [cpu["props"] for cpu in m.qmp.query_hotpluggable_cpus()] == [{"core-id": 0}]
        assert refusal(m.qmp, "device_add", {"driver": "ns16550a"}) == "GenericError"
        assert m.qmp.execute("query-block-jobs") == []
        m.qmp.execute("query-blockstats")
        m.qmp.execute("set-action", {"shutdown": "pause"})
        assert [drive["device"] for drive in m.qmp.execute("query-block")] == ["d"], "the command line's"
        for name in ("a", "b"):
            m.qmp.execute("blockdev-add", {"driver": "null-co", "node-name": name, "size": 512})
        m.qmp.execute("blockdev-add", {"driver": "file", "node-name": "f", "filename": __file__, "read-only": True})
        m.qmp.execute("blockdev-del", {"node-name": "f"})
        resize = b"{'execute': 'block_resize', 'arguments': {'node-name': 'a', 'size': 1024}}"
        assert "its size is settled" in ask_raw(m.qmp, resize)["error"]["desc"]
        m.qmp.execute("blockdev-del", {"node-name": "b"})
        assert {node["node-name"] for node in m.qmp.execute("query-named-block-nodes")} == {"a", "d"}
        last = m.qmp.start("x-exit-preconfig")
        cpus = m.qmp.start("query-cpus-fast")  # which waits for it
        assert last.result() == {}
        assert len(cpus.result()) == 1
        assert refusal(m.qmp, "x-exit-preconfig") == "GenericError"
        assert {"device": "", "qdev": "nv"}.items() <= m.qmp.execute("query-block")[0].items()
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


def cpus_of_the_program(program):
    """Those that its machines have, with types that query-machines names; a board that has no places says so."""
    board = ["-M", "b-l475e-iot01a", "-accel", "qtest"]
    with folder() as place:
        for name, words, models in (("any-system-arm", board, {"cortex-m4"}), ("holdfast", board, {"cortex-m4"}),
                                    ("any-system-arm", ["-M", "none"], {"cortex-m4"}),
                                    ("any-system-riscv64", ["-M", "none"], {"rv64", "max"}),
                                    ("holdfast", ["-M", "virt", "-bios", "none", "-S"], {"rv64", "max"})):
            named = os.path.join(place, name)
            if not os.path.exists(named):
                os.symlink(os.path.abspath(program), named)
            with Machine(*words, "-nodefaults", "-display", "none", program=named) as m:
                there = {model["name"]: model["typename"] for model in m.qmp.query_cpu_definitions()}
                assert set(there) == models, (name, words, there)
                if words == board:
                    default = {one["name"]: one for one in m.qmp.query_machines()}[board[1]]
                    assert set(there.values()) == {default["default-cpu-type"]}, (there, default)
                    assert not default["hotpluggable-cpus"]
                    assert refusal(m.qmp, "query-hotpluggable-cpus") == "GenericError"
                    assert len(m.qmp.query_cpus_fast()) == 1
            text = subprocess.run([named, *words, "-cpu", "help"], capture_output=True, text=True, check=True).stdout
            assert {line.split()[0] for line in text.splitlines()[1:-1]} == models, text
            for model in ("cortex-m4", "rv64", "nonsense"):
                run = subprocess.run([named, *words, "-cpu", f"{model},help"], capture_output=True, text=True, check=False)
                assert run.returncode == (0 if model in models else 1), run
                assert run.stdout.startswith(f"Properties of {model}:\n" if model in models else ""), run
        with Machine(*board, "-nodefaults", "-display", "none", "-preconfig", program=named) as m:
            assert refusal(m.qmp, "query-hotpluggable-cpus") == "GenericError", "as when it is made"


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


def files_of_sets(program):
    """A member of a set is the file of a drive, or of memory, if it was opened for what that needs."""
    def said(q, command, **arguments):
        try:
            q.execute(command, arguments)
        except Error as error:
            return error.description
        return ""

    with machine(program) as m, folder() as place:
        q = m.qmp
        path = os.path.join(place, "image")
        pathlib.Path(path).write_bytes(bytes(4096))
        before = len(os.listdir(f"/proc/{m.process.pid}/fd"))
        with open(path, "r+b") as file:
            q.execute("add-fd", {"fdset-id": 7}, descriptors=[file.fileno()])
        add = {"driver": "file", "filename": "/dev/fdset/7"}
        q.execute("blockdev-add", add | {"node-name": "f"})
        assert q.execute("query-named-block-nodes")[0]["image"]["virtual-size"] == 4096
        q.execute("block_resize", {"node-name": "f", "size": 8192})
        assert os.stat(path).st_size == 8192
        by_path = add | {"node-name": "g", "filename": path}
        assert "in use" in said(q, "blockdev-add", **by_path)
        q.execute("blockdev-del", {"node-name": "f"})
        q.execute("blockdev-add", by_path)  # not locked, though the set has the file still
        q.execute("blockdev-del", {"node-name": "g"})
        for wrong in (add | {"read-only": True}, add | {"filename": "/dev/fdset/8"}):
            answer = said(q, "blockdev-add", **wrong, **{"node-name": "r"})
            assert wrong["filename"] in answer and ("opened for reading" in answer or "no such set" in answer), answer
        assert q.human("drive_add 0 if=none,id=d,file=/dev/fdset/7").strip() == "OK"
        q.execute("remove-fd", {"fdset-id": 7})
        q.execute("block_resize", {"device": "d", "size": 512})  # which has its own
        assert os.stat(path).st_size == 512
        q.human("drive_del d")
        with open(path, "ab") as file, open(path, "a+b") as both:
            q.execute("add-fd", {"fdset-id": 7}, descriptors=[file.fileno()])
            assert "opened for reading and writing" in said(q, "blockdev-add", **add, **{"node-name": "f"})
            q.execute("add-fd", {"fdset-id": 7}, descriptors=[both.fileno()])
            assert "to append" in said(q, "blockdev-add", **add, **{"node-name": "f"})
        q.execute("remove-fd", {"fdset-id": 7})
        assert len(os.listdir(f"/proc/{m.process.pid}/fd")) == before

        memory = {"qom-type": "memory-backend-file", "size": 65536, "mem-path": "/dev/fdset/9"}
        assert "no such set" in said(q, "object-add", id="m", **memory)
        with open(path, "r+b") as file:
            q.execute("add-fd", {"fdset-id": 9}, descriptors=[file.fileno()])
        assert "opened for reading" in said(q, "object-add", id="m", readonly=True, **memory)
        q.execute("object-add", id="m", share=True, **memory)
        assert os.stat(path).st_size == 65536
        assert q.human("object_add memory-backend-file,id=n,size=128K,mem-path=/dev/fdset/9") == ""
        assert os.stat(path).st_size == 131072
        for name in ("m", "n"):
            q.execute("object-del", id=name)
        q.execute("remove-fd", {"fdset-id": 9})


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
        q.execute("device_add", driver="ns16550a", id="uart1", addr=0x1a00_0000, chardev="u")
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


def segments(core):
    """(type, place in the file, address, size) of each, of a 64-bit little-endian core file."""
    assert core[:7] == b"\x7fELF\x02\x01\x01" and struct.unpack_from("<HH", core, 16) == (4, 243), core[:64]
    place, = struct.unpack_from("<Q", core, 32)
    size, count = struct.unpack_from("<HH", core, 54)
    found = []
    for i in range(count):
        kind, _, at, address, _, length, _, _ = struct.unpack_from("<IIQQQQQQ", core, place + i * size)
        found.append((kind, at, address, length))
    return found


def a_core_file_is_written(program):
    with machine(program, "-accel", "qtest", "-m", "16M", "-smp", "2", qtest=True) as m:
        assert m.qmp.query_dump_guest_memory_capability() == {"formats": ["elf"]}
        assert m.qmp.query_dump() == {"status": "none", "completed": 0, "total": 0}
        m.qtest.write(0x8000_0ffe, b"abcd")
        path = m.path("core")
        m.qmp.execute("dump-guest-memory", paging=False, protocol=f"file:{path}")
        state = {"status": "completed", "completed": 16 << 20, "total": 16 << 20}
        assert m.qmp.wait_event("DUMP_COMPLETED")["data"] == {"result": state}
        assert m.qmp.query_dump() == state
        core = pathlib.Path(path).read_bytes()
        (note, at, _, length), (load, ram, address, size) = segments(core)
        assert (note, load, address, size) == (4, 1, 0x8000_0000, 16 << 20) and length == 2 * (12 + 8 + 376)
        assert core[ram + 0xffe:ram + 0x1002] == b"abcd"
        for hart in range(2):  # both are about to execute the boot ROM
            status = at + hart * (12 + 8 + 376) + 20
            assert struct.unpack_from("<I", core, status + 32) == (hart + 1,)
            assert struct.unpack_from("<Q", core, status + 112) == (0x1000,)
        m.qmp.execute("dump-guest-memory", paging=False, protocol=f"file:{path}", begin=0x8000_0ffe, length=4)
        _, (_, ram, address, size) = segments(pathlib.Path(path).read_bytes())
        assert (address, size) == (0x8000_0ffe, 4) and pathlib.Path(path).read_bytes()[ram:] == b"abcd"
        m.qmp.human(f"dump-guest-memory {path} 0x80000000 0x1000")
        assert segments(pathlib.Path(path).read_bytes())[1][2:] == (0x8000_0000, 0x1000)
        right = {"paging": False, "protocol": f"file:{path}"}
        for wrong in ({"paging": True}, {"protocol": path}, {"protocol": "fd:none"}, {"begin": 0}, {"length": 4},
                      {"begin": 0, "length": 4096}, {"begin": 0x8000_0000, "length": 0}, {"format": "kdump-zlib"},
                      {"protocol": "file:/nowhere/x"}):
            assert refusal(m.qmp, "dump-guest-memory", right | wrong) == "GenericError", wrong
        assert refusal(m.qmp, "dump-guest-memory", right | {"protocol": "file:/dev/full"}) == "GenericError"
        failed = m.qmp.wait_event("DUMP_COMPLETED", lambda event: "error" in event["data"])["data"]
        assert failed["result"]["status"] == "failed" and "space" in failed["error"], failed
    with machine(program, "-M", "none", board=False) as m:
        assert refusal(m.qmp, "dump-guest-memory", right) == "GenericError", "nothing executes there"


def threads_for_input_and_output(program):
    """They are threads of the process, by the host's numbers, until they are deleted."""
    kept = {"poll-max-ns": 32768, "poll-grow": 0, "poll-shrink": 0, "aio-max-batch": 0, "thread-pool-min": 0,
            "thread-pool-max": 64}
    with machine(program, "-object", "iothread,id=io0", "-object",
                 '{"qom-type":"iothread","id":"io1","poll-max-ns":5,"thread-pool-min":70,"thread-pool-max":80}') as m:
        q = m.qmp

        def threads():
            return set(map(int, os.listdir(f"/proc/{m.process.pid}/task")))

        def shown(name):
            return {key: q.qom_get(path=f"/objects/{name}", property=key) for key in kept}

        before = threads()
        q.execute("object-add", {"qom-type": "iothread", "id": "io2", "poll-grow": 1 << 62})
        listed = {one["id"]: one for one in q.query_iothreads()}
        assert list(listed) == ["io0", "io1", "io2"], listed
        numbers = {name: one["thread-id"] for name, one in listed.items()}
        assert threads() - before == {numbers["io2"]} and set(numbers.values()) <= threads(), numbers
        assert len(set(numbers.values()) | {m.process.pid}) == 4, numbers
        assert shown("io0") == kept and listed["io0"].items() >= dict(list(kept.items())[:4]).items()
        assert shown("io1") == kept | {"poll-max-ns": 5, "thread-pool-min": 70, "thread-pool-max": 80}
        assert listed["io2"]["poll-grow"] == 1 << 62
        q.qom_set(path="/objects/io0", property="poll-max-ns", value=7)
        assert q.query_iothreads()[0]["poll-max-ns"] == 7
        for key, value in (("poll-max-ns", -1), ("thread-pool-min", 65), ("thread-pool-max", 0), ("nothing", 1)):
            assert refusal(q, "qom-set", {"path": "/objects/io0", "property": key, "value": value}) == "GenericError"
            assert refusal(q, "object-add", {"qom-type": "iothread", "id": "x", key: value}) == "GenericError", key
        assert refusal(q, "object-add", {"qom-type": "iothread", "id": "io0"}) == "GenericError", "taken"
        q.execute("object-del", id="io1")
        assert refusal(q, "object-del", {"id": "io1"}) == "GenericError"
        assert [one["id"] for one in q.query_iothreads()] == ["io0", "io2"]
        deadline = time.monotonic() + PATIENCE  # the host shows one that has been joined for a moment more
        while numbers["io1"] in threads():
            assert time.monotonic() < deadline, numbers
        assert {numbers["io0"], numbers["io2"]} <= threads()
        q.execute("quit")
        assert m.wait() is not None and m.process.returncode == 0
    with machine(program, "-preconfig", "-object", "iothread,id=io0") as m:
        assert [one["id"] for one in m.qmp.query_iothreads()] == ["io0"]
    run = subprocess.run([program, *BOARD, "-object", "iothread,id=io0,thread-pool-max=0"], capture_output=True, text=True,
                         check=False, stdin=subprocess.DEVNULL, timeout=PATIENCE)
    assert run.returncode == 1 and "thread-pool-max 0" in run.stderr, run


def nodes_are_told_to_the_monitor(program):
    node = {"type": "node", "nodeid": 0, "mem": 128 << 20}
    with machine(program, "-accel", "qtest", "-m", "256M", "-smp", "2", "-preconfig") as m:
        m.qmp.execute("set-numa-node", node)
        assert refusal(m.qmp, "set-numa-node", node) == "GenericError", "it is there"
        m.qmp.execute("set-numa-node", {**node, "nodeid": 1})
        places = [{"type": "rv64-riscv-cpu", "vcpus-count": 1, "props": {"core-id": core}} for core in range(2)]
        assert m.qmp.query_hotpluggable_cpus() == places
        m.qmp.execute("set-numa-node", {"type": "cpu", "node-id": 0, "core-id": 0})
        places[0]["props"]["node-id"] = 0
        assert m.qmp.query_hotpluggable_cpus() == places
        for wrong in ({"type": "cpu", "node-id": 1, "core-id": 0}, {"type": "cpu", "node-id": 1, "core-id": 2},
                      {"type": "cpu", "node-id": 2, "core-id": 1}, {"type": "node", "cpus": [7]},
                      {"type": "hmat-lb"}, {"type": "node", "memdev": "nothing"}, {"type": "dist", "src": 0, "dst": 1},
                      {"type": "dist", "src": 0, "dst": 1, "val": 20, "nodeid": 1}, {"src": 0, "dst": 1, "val": 20}):
            assert refusal(m.qmp, "set-numa-node", wrong) == "GenericError", wrong
        m.qmp.execute("set-numa-node", {"type": "cpu", "node-id": 1, "core-id": 1})
        m.qmp.execute("set-numa-node", {"type": "dist", "src": 0, "dst": 1, "val": 20})
        m.qmp.execute("x-exit-preconfig")
        assert [cpu["props"]["node-id"] for cpu in m.qmp.query_hotpluggable_cpus()] == [0, 1]
        assert [cpu["props"]["node-id"] for cpu in m.qmp.query_cpus_fast()] == [0, 1]
        text = m.qmp.execute("human-monitor-command", {"command-line": "info numa"})
        assert "node 1 cpus: 1" in text and "node 1 size: 128 MB" in text, text
        assert refusal(m.qmp, "set-numa-node", {**node, "nodeid": 2}) == "GenericError"
    # A machine whose nodes do not add up is not made.
    with machine(program, "-accel", "qtest", "-m", "256M", "-preconfig") as m:
        m.qmp.execute("set-numa-node", node)
        m.qmp.start("x-exit-preconfig")
        assert "-numa" in m.wait(1)


def memory_of_the_monitor_is_a_nodes(program):
    """What object-add made is taken for a node as what the command line names is, with all that was said of it."""
    def memory(m):
        return {one["id"]: (one["size"], one["share"], one["prealloc"]) for one in m.qmp.query_memdev()}

    with machine(program, "-accel", "qtest", "-m", "48M", "-smp", "3", "-preconfig",
                 "-object", "memory-backend-ram,id=said,size=16M", qtest=True) as m:
        path = m.path("bytes")
        m.qmp.execute("object-add", {"qom-type": "memory-backend-file", "id": "file", "size": 16 << 20, "mem-path": path,
                          "share": True, "offset": 4096})
        m.qmp.execute("object-add", {"qom-type": "memory-backend-memfd", "id": "memfd", "size": 16 << 20, "share": False,
                          "prealloc": True})
        m.qmp.execute("object-add", {"qom-type": "memory-backend-ram", "id": "spare", "size": 1 << 20})
        made = {"file": (16 << 20, True, False), "memfd": (16 << 20, False, True), "spare": (1 << 20, False, False)}
        assert memory(m) == made
        try:
            m.qmp.execute("set-numa-node", {"type": "node", "memdev": "nothing"})
            raise AssertionError("there is none of that id")
        except Error as wrong:
            assert all(f"{name}" in str(wrong) for name in ("said", "file", "memfd", "spare")), wrong
        m.qmp.execute("set-numa-node", {"type": "node", "nodeid": 1, "memdev": "file"})
        for node in ({"memdev": "file"}, {"nodeid": 1, "memdev": "memfd"}, {"memdev": "memfd", "mem": 16 << 20}):
            assert refusal(m.qmp, "set-numa-node", {"type": "node", **node}) == "GenericError", node
        assert refusal(m.qmp, "object-del", {"id": "file"}) == "GenericError", "it is the node's"
        m.qmp.execute("object-del", id="spare")
        m.qmp.execute("object-add", {"qom-type": "memory-backend-ram", "id": "spare", "size": 1 << 20})
        m.qmp.execute("set-numa-node", {"type": "node", "nodeid": 0, "memdev": "said"})
        m.qmp.execute("set-numa-node", {"type": "node", "nodeid": 2, "memdev": "memfd"})
        m.qmp.execute("x-exit-preconfig")
        assert memory(m) == made | {"said": (16 << 20, False, False)}
        for name in ("said", "file", "memfd"):
            assert refusal(m.qmp, "object-del", {"id": name}) == "GenericError", "it is RAM of the board"
        m.qmp.execute("object-del", id="spare")
        assert "node 1 size: 16 MB" in m.qmp.human("info numa")
        m.qtest.write(0x8100_0000 + 8, b"node one")
        assert pathlib.Path(path).read_bytes()[4096 + 8:4096 + 16] == b"node one"
    # Told to end before the machine is made, with memory that is a node's.
    with machine(program, "-accel", "qtest", "-m", "32M", "-preconfig") as m:
        m.qmp.execute("object-add", {"qom-type": "memory-backend-ram", "id": "m", "size": 32 << 20})
        m.qmp.execute("set-numa-node", {"type": "node", "memdev": "m"})
        m.qmp.execute("quit")


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


def resets_that_are_ends(program):
    """What a reset is to be is so for one that a monitor wants, too."""
    by_people = ("human-monitor-command", {"command-line": "system_reset"})
    reason = {"guest": False, "reason": "host-qmp-system-reset"}
    for command, arguments in (("system_reset", None), by_people):
        with machine(program) as m:
            m.qmp.execute(command, arguments)
            assert m.qmp.wait_event("RESET")["data"] == reason
        for option in (["-no-reboot"], ["-action", "reboot=shutdown"]):
            with machine(program, *option) as m:
                m.qmp.execute(command, arguments)
                assert m.qmp.wait_event("SHUTDOWN")["data"] == reason
                m.wait()
    with machine(program, "-no-reboot", "-no-shutdown") as m:
        m.qmp.execute("system_reset")
        assert m.qmp.wait_event("SHUTDOWN")["data"] == reason
        assert m.qmp.query_status()["status"] == "shutdown"
        m.qmp.execute("set-action", reboot="reset")
        m.qmp.execute("system_reset")
        assert m.qmp.query_status()["status"] == "prelaunch"


def a_reset_while_stopped(program):
    """Is before the start, with no event but its own; and so the reference has it."""
    def told(m):
        m.qmp.execute("stop")
        m.qmp.wait_event("STOP")
        m.qmp.execute("system_reset")
        # Of the reference the reset may be later than its answer.
        names = [event["event"] for event in (m.qmp.wait_event("RESET"), *m.qmp.take_events())]
        states = [m.qmp.query_status()["status"]]
        m.qmp.execute("cont")
        m.qmp.wait_event("RESUME")
        states.append(m.qmp.query_status()["status"])
        return names, states

    for emulator in filter(shutil.which, (program, REFERENCE)):
        with Machine("-M", "virt", "-bios", "none", "-display", "none", program=emulator) as m:
            assert told(m) == (["RESET"], ["prelaunch", "running"]), emulator


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


# What is configured, as the reference spells it too.
CONFIGURED = ["-blockdev", "null-co,node-name=b,read-zeroes=on", "-device", "nvme,id=n,serial=abc,mdts=5,max_ioqpairs=9,pmrdev=m",
              "-object", "memory-backend-ram,id=m,size=16M",
              "-device", "nvme-ns,id=s,bus=n,drive=b,nsid=3", "-device",
              "pcie-root-port,id=r,slot=3,chassis=4,port=2,hotplug=off,addr=5.0", "-device",
              '{"driver": "pci-testdev", "id": "t", "addr": 56, "membar": 4096}']
# A number there, text here; where the bus is; made up; of a controller without a drive, 0 there; what is not said, 512
# there; the board's own RAM.
OTHERWISE = {"addr", "parent_bus", "uuid", "logical_block_size", "physical_block_size", "memory-backend"}
SAID = {"n": {"serial": "abc", "mdts": 5, "max_ioqpairs": 9, "drive": "", "aerl": 3, "realized": True, "hotplugged": False,
              "pmrdev": "/objects/m"},
        "s": {"drive": "b", "nsid": 3, "eui64": 0},
        "r": {"slot": 3, "chassis": 4, "port": 2, "hotplug": False},
        "t": {"membar": 4096, "multifunction": False},
        "/machine": {"aia": "none", "aia-guests": "0", "usb": False, "pflash0": ""}}


def shown_by(qmp, device, names=None):
    """Its properties, or those of them that have such names, with types and values."""
    path = device if device.startswith("/") else f"/machine/peripheral/{device}"
    return {one["name"]: (one["type"], qmp.execute("qom-get", {"path": path, "property": one["name"]}))
            for one in qmp.execute("qom-list", {"path": path}) if names is None or one["name"] in names}


def devices_show_their_settings(program):
    """With types and values as the reference has them, where both have a property."""
    with machine(program, "-nodefaults", *CONFIGURED) as ours:
        here = {device: shown_by(ours.qmp, device) for device in SAID}
        for device, said in SAID.items():
            assert said.items() <= {name: value for name, (_, value) in here[device].items()}.items(), here[device]
        assert here["t"]["addr"][1] == "07.0", here["t"]
        tree = ours.qmp.execute("human-monitor-command", {"command-line": "info qtree"})
        for line in ('serial = "abc"', 'drive = "b"', "slot = 3 (0x3)", "membar = 4096 (0x1000)", "clock-frequency = "):
            assert f"    {line}" in tree, tree
        uart = {"path": "/machine/serial0", "property": "clock-frequency"}
        assert ours.qmp.execute("qom-get", uart) == 3686400
        assert refusal(ours.qmp, "qom-set", uart | {"value": 1}) == "GenericError"
    if shutil.which(REFERENCE) is None:
        print(f"  not compared: no {REFERENCE} here")
        return
    with Machine(*BOARD, "-nodefaults", *CONFIGURED, program=REFERENCE) as theirs:
        different = []
        for device, ours in here.items():
            there = shown_by(theirs.qmp, device, {*ours, "legacy-addr"})
            assert ours.get("addr", ("", None))[1] == there.get("legacy-addr", ("", None))[1], (ours, there)
            different += [f"{device}.{name}: {ours[name]}; there {there[name]}" for name in sorted(ours.keys() & there.keys())
                          if ours[name] != there[name] and name not in OTHERWISE]
        assert not different, "\n".join(different)


CASES = [block_nodes, a_device_goes_after_the_reply, devices_show_their_settings, things_there_are_not, ends, before_the_machine_is_made, machines_of_the_program,
         cpus_of_the_program, descriptors, sets_of_descriptors, files_of_sets, sets_go_with_the_last_client, back_ends_come_and_go,
         output_kept_in_memory, memory_is_saved, a_core_file_is_written, threads_for_input_and_output,
         nodes_are_told_to_the_monitor, memory_of_the_monitor_is_a_nodes, actions, resets_that_are_ends, a_reset_while_stopped,
         beside_the_reference]


def main():
    harness.run(CASES, lambda case: case(sys.argv[1]))


if __name__ == "__main__":
    main()
