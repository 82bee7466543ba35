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
from qmp_support import BOARD, Error, folder, machine, PATIENCE, refusal

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


def as_clients_know_them(program):
    """A drive's format is what is in the file, and its device has an id, or a path."""
    with folder() as place:
        path = os.path.join(place, "image")
        pathlib.Path(path).write_bytes(bytes(SIZE))
        with machine(program, "-drive", f"if=none,id=d0,format=raw,file={path}",
                     "-drive", "if=none,id=d1,file=null-co://", "-drive", "if=none,id=d2,driver=null-co,size=1M",
                     "-device", "nvme,id=nv,drive=d0,serial=1", "-device", "nvme,drive=d1,serial=2") as m:
            drives = {drive["device"]: drive for drive in m.qmp.execute("query-block")}
            formats = {name: drive["inserted"]["drv"] for name, drive in drives.items()}
            assert formats == {"d0": "raw", "d1": "raw", "d2": "null-co"}, formats
            users = {name: drive.get("qdev") for name, drive in drives.items()}
            assert users == {"d0": "nv", "d1": "/machine/peripheral-anon/device[0]", "d2": None}, users
            for node in m.qmp.execute("query-named-block-nodes"):
                assert node["drv"] == node["image"]["format"] == formats[node["node-name"]], node


def without_a_medium(program):
    """It has a name, and no bytes that somebody could take."""
    empty = {"type": "unknown", "removable": False, "locked": False}
    with machine(program, "-drive", "if=none,id=d0", "-drive", "if=none,id=d1,media=cdrom,file=",
                 "-device", "pcie-root-port,id=port") as m:
        q = m.qmp
        assert people(q, "drive_add 0 if=none,id=d2") == "OK\n"
        assert q.execute("query-block") == [empty | {"device": name} for name in ("d0", "d1", "d2")]
        assert q.execute("query-named-block-nodes") == []
        assert "drive 'd0': no medium\n" in people(q, "info block")
        assert "drive 'd0' has no medium" in people(q, "device_add nvme,id=nv,bus=port,drive=d0,serial=1")
        assert "drive 'd0' has no medium" in people(q, "block_resize d0 2")
        assert refusal(q, "blockdev-add", {"driver": "raw", "node-name": "r", "file": "d0"}) == "GenericError"
        assert refusal(q, "blockdev-add", {"driver": "null-co", "node-name": "d0"}) == "GenericError", "taken"
        for name in ("d0", "d1", "d2"):
            assert people(q, f"drive_del {name}") == ""
        assert q.execute("query-block") == []
    for wrong in ("if=none,id=d0,format=raw", "if=none,id=d0,file.locking=off", "if=none", "if=pflash,id=d0"):
        assert "file is missing" in refused(program, "-drive", wrong), wrong
    assert "drive 'd0' has no medium" in refused(program, "-drive", "if=none,id=d0", "-device", "nvme,drive=d0,serial=1")


def refused(program, *arguments):
    """What it says of a command line that it does not take."""
    run = subprocess.run([program, *BOARD, *arguments], capture_output=True, text=True, check=False,
                         stdin=subprocess.DEVNULL, timeout=PATIENCE)
    assert run.returncode == 1, run
    return run.stderr


def with_a_configuration(program):
    """blkdebug:CONFIGURATION:IMAGE is a node above another."""
    with folder() as place:
        path, rules, fifo = (os.path.join(place, name) for name in ("image", "rules", "fifo"))
        pathlib.Path(path).write_bytes(bytes(SIZE))
        pathlib.Path(rules).write_text("# none\n", encoding="utf-8")
        os.mkfifo(fifo)
        with machine(program, "-drive", f"if=none,id=d0,format=raw,aio=threads,file=blkdebug:{rules}:{path}",
                     "-drive", f"if=none,id=d1,file=blkdebug::blkdebug:{rules}:null-co://,size=4096",
                     "-device", "nvme,id=nv,drive=d0,serial=1") as m:
            q = m.qmp
            sizes = {drive["device"]: drive["inserted"]["image"]["virtual-size"] for drive in q.execute("query-block")}
            assert sizes == {"d0": SIZE, "d1": 4096}, sizes
            shown = people(q, "info block")
            assert f"drive 'd0': '{path}'" in shown and "Served by:        thread pool" in shown, shown
            assert people(q, f"drive_add 0 if=none,id=d2,file=blkdebug:{rules}:null-co://") == "OK\n"
            assert people(q, "blockdev_del d1") and people(q, "drive_del d1") == ""
        with open(rules, "a", encoding="utf-8") as file:
            file.write("[inject-error]\n")
        for image, words in ((f"blkdebug:{rules}:{path}", "no rules"), (f"blkdebug:{fifo}:{path}", "a regular file"),
                             (f"blkdebug:{place}/nothing:{path}", "No such file"), (f"blkdebug:{path}", "CONFIGURATION"),
                             ("blkdebug::" * 100 + path, "layers")):
            assert words in refused(program, "-drive", f"if=none,id=d0,file={image}"), image


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


CASES = [by_name, as_clients_know_them, without_a_medium, with_a_configuration, by_engine, one_writer, by_server, by_port,
         a_server_that_does_not_answer, nothing_is_left]


def main():
    harness.run(CASES, lambda case: case(sys.argv[1]))


if __name__ == "__main__":
    main()
