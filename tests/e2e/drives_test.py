#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Drives and nodes as people and programs make them: files by every engine, locks, sizes, servers that are
there, are not there, and do not answer.

usage: drives_test.py HOLDFAST [case...]
"""

import contextlib
import os
import pathlib
import select
import socket
import subprocess
import sys

import harness
from qmp_support import Error, folder, machine, PATIENCE, refusal

SIZE = 1 << 20


def image(m, name="image", size=SIZE):
    path = m.path(name)
    pathlib.Path(path).write_bytes(bytes(size))
    return path


def people(q, line):
    return q.execute("human-monitor-command", {"command-line": line}).replace("\r\n", "\n")


@contextlib.contextmanager
def server(place, *arguments):
    """An nbdkit that listens."""
    ready = os.path.join(place, "ready")
    os.mkfifo(ready)
    fifo = os.open(ready, os.O_RDWR)
    address = os.path.join(place, "server")
    with subprocess.Popen(["nbdkit", "-f", "--exit-with-parent", "-P", ready, "-U", address, *arguments],
                          stderr=subprocess.DEVNULL) as running:
        try:
            assert select.select([fifo], [], [], PATIENCE)[0], "nbdkit does not start"
            yield address
        finally:
            running.kill()
            running.wait()
            os.close(fifo)
            for left in (ready, address):  # one that is started next begins anew
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(left)


def by_name(program):
    """What is made by the command line and both monitors is listed, sized and taken away."""
    with folder() as place:
        path = os.path.join(place, "image")
        pathlib.Path(path).write_bytes(bytes(SIZE))
        with machine(program, "-drive", f"if=none,id=d0,file={path},cache=none,discard=unmap",
                     "-blockdev", '{"driver":"raw","node-name":"n0","file":{"driver":"null-co","size":65536,'
                     '"read-zeroes":true}}') as m:
            q = m.qmp
            assert [drive["device"] for drive in q.execute("query-block")] == ["d0"]
            drive = q.execute("query-block")[0]["inserted"]
            assert drive["file"] == path and drive["image"]["virtual-size"] == SIZE, drive
            assert drive["cache"] == {"writeback": True, "direct": True, "no-flush": False}, drive
            nodes = {node["node-name"]: node for node in q.execute("query-named-block-nodes")}
            assert nodes.keys() == {"d0", "n0"} and nodes["n0"]["image"]["virtual-size"] == 65536, nodes

            assert people(q, "drive_add 0 if=none,id=d1,file=null-co://,size=1M") == "OK\n"
            assert people(q, "drive_add 0 if=none,id=d2") == "OK\n"
            assert "taken" in people(q, "drive_add 0 if=none,id=d1,file=null-co://")
            assert "if is 'ide'" in people(q, "drive_add 0 if=ide,id=d3,file=null-co://")
            assert people(q, "drive_del d2") == ""
            assert "there is no" in people(q, "drive_del d2")

            q.execute("block_resize", {"device": "d0", "size": 4096})
            assert os.stat(path).st_size == 4096
            assert people(q, "block_resize d0 2") == ""
            assert q.execute("query-block")[0]["inserted"]["image"]["virtual-size"] == 2 << 20
            for wrong in ({"size": 1}, {"device": "d0", "node-name": "n0", "size": 1}, {"device": "d9", "size": 1},
                          {"device": "d0", "size": -1}, {"node-name": "d1", "size": 4096}):
                assert refusal(q, "block_resize", wrong) == "GenericError", wrong

            shown = people(q, "info block")
            for words in ("drive 'd0': '" + path, "node 'n0': nothing", "Size:             2097152 bytes"):
                assert words in shown, shown
            for name in ("d0", "n0", "d1"):
                q.execute("blockdev-del", {"node-name": name})
            assert q.execute("query-named-block-nodes") == []
            assert people(q, "info block") == "There is no drive.\n"
            before = path
        assert os.stat(before).st_size == 2 << 20


def by_engine(program):
    """Whichever serves a file, it says so."""
    with machine(program) as m:
        q = m.qmp
        path = image(m)
        add = {"driver": "file", "node-name": "f", "filename": path}
        q.execute("blockdev-add", add | {"aio": "threads"})
        assert "Served by:        thread pool" in people(q, "info block")
        q.execute("blockdev-del", {"node-name": "f"})
        q.execute("blockdev-add", add)
        best = people(q, "info block")
        q.execute("blockdev-del", {"node-name": "f"})
        if "io_uring" not in best:
            print("this host has no io_uring: a pool of threads is the best there is", flush=True)
            assert refusal(q, "blockdev-add", add | {"aio": "io_uring"}) == "GenericError"
            return
        q.execute("blockdev-add", add | {"aio": "io_uring"})
        assert "Served by:        io_uring" in people(q, "info block")


def one_writer(program):
    """A file that is written to is nobody else's; one that is read may be read by others."""
    with machine(program) as first, machine(program) as second:
        path = image(first)
        add = {"driver": "file", "node-name": "f", "filename": path}
        reading = add | {"read-only": True}
        first.qmp.execute("blockdev-add", add)
        assert refusal(second.qmp, "blockdev-add", add) == "GenericError"
        assert refusal(second.qmp, "blockdev-add", reading) == "GenericError"
        second.qmp.execute("blockdev-add", add | {"locking": "off"})
        second.qmp.execute("blockdev-del", {"node-name": "f"})
        first.qmp.execute("blockdev-del", {"node-name": "f"})
        first.qmp.execute("blockdev-add", reading)
        second.qmp.execute("blockdev-add", reading)
        assert refusal(second.qmp, "blockdev-add", add | {"node-name": "w"}) == "GenericError"
        assert second.qmp.execute("query-named-block-nodes")[0]["ro"]
        if os.geteuid() != 0:
            second.qmp.execute("blockdev-del", {"node-name": "f"})
            os.chmod(path, 0o444)
            assert refusal(second.qmp, "blockdev-add", add) == "GenericError"
            second.qmp.execute("blockdev-add", add | {"auto-read-only": True})


def by_server(program):
    with folder() as place, server(place, "memory", "1M") as address:
        unix = {"type": "unix", "path": address}
        with machine(program, "-drive", f"if=none,id=d0,file=nbd:unix:{address}:exportname=x") as m:
            q = m.qmp
            assert q.execute("query-block")[0]["inserted"]["image"]["virtual-size"] == SIZE
            q.execute("blockdev-add", {"driver": "nbd", "node-name": "n", "server": unix, "reconnect-delay": 5})
            q.execute("blockdev-add", {"driver": "raw", "node-name": "r", "file": "n", "offset": 4096})
            assert "Served by:        libnbd" in people(q, "info block")
            assert "in use by node 'r'" in people(q, "drive_del n")
            for name in ("r", "n", "d0"):
                q.execute("blockdev-del", {"node-name": name})
            for wrong in ({"server": {"type": "unix", "path": address + "x"}}, {"server": {"type": "unix"}}, {},
                          {"server": unix | {"port": "1"}, "more": 1}, {"server": unix, "reconnect-delay": -1},
                          {"server": {"type": "fd", "path": "x"}}):
                assert refusal(q, "blockdev-add", {"driver": "nbd", "node-name": "n"} | wrong) == "GenericError", wrong
            assert q.execute("query-named-block-nodes") == []


def error_of(q, server):
    try:
        q.execute("blockdev-add", {"driver": "nbd", "node-name": "n", "server": server})
    except Error as error:
        return error.description
    raise AssertionError(f"a drive at {server}")


def by_port(program):
    """The host takes ports modulo 65536: what is no port never gets as far as whoever listens there."""
    with socket.create_server(("127.0.0.1", 0)) as listening, machine(program) as m:
        listening.setblocking(False)
        port = listening.getsockname()[1]
        for wrong in (port + 65536, str(port + 65536), str(port - 65536), port + 0.5, 0, "", "x"):
            said = error_of(m.qmp, {"type": "inet", "host": "127.0.0.1", "port": wrong})
            assert said == f"server.port is '{wrong}'; it takes a number from 1 to 65535 or the name of a service", said
            named = people(m.qmp, f"drive_add 0 if=none,id=n,file=nbd:127.0.0.1:{wrong}")
            assert f"its port is '{wrong}', and takes a number" in named, named
        try:
            listening.accept()
        except BlockingIOError:
            return
        raise AssertionError("somebody was connected to")


def a_server_that_does_not_answer(program):
    """Keeps the client that asked for it, and nobody else."""
    with folder() as place, socket.socket(socket.AF_UNIX) as silent:
        address = os.path.join(place, "silent")
        silent.bind(address)
        silent.listen()
        with machine(program, "-chardev", f"socket,id=other,server=on,wait=off,path={place}/other", "-mon",
                     "chardev=other,mode=control") as m:
            m.qmp.start("blockdev-add", {"driver": "nbd", "node-name": "n", "open-timeout": 60,
                                         "server": {"type": "unix", "path": address}})
            caller, _ = silent.accept()
            with type(m.qmp).connect(f"{place}/other") as other:
                assert other.execute("query-status")["status"] == "prelaunch"
            caller.close()
            answer = m.qmp.receive()
            assert "cannot connect" in answer["error"]["desc"], answer


def nothing_is_left(program):
    with folder() as place, server(place, "memory", "1M") as address:
        path = os.path.join(place, "image")
        pathlib.Path(path).write_bytes(bytes(SIZE))
        with machine(program, "-d", "census", "-drive", f"if=none,id=a,file={path}", "-drive",
                     f"if=none,id=b,file=nbd:unix:{address}", "-drive", "if=none,id=c,file=null-co://") as m:
            m.qmp.execute("cont")
            said = m.end()
        assert "census: nothing left" in said, said


CASES = [by_name, by_engine, one_writer, by_server, by_port, a_server_that_does_not_answer, nothing_is_left]


def main():
    harness.run(CASES, lambda case: case(sys.argv[1]))


if __name__ == "__main__":
    main()
