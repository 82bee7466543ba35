#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""NVM Express found by U-Boot and driven by a program of our own; what that wrote is looked at from the host.

usage: nvme_test.py HOLDFAST [case...]
"""
import pathlib
import struct
import sys
import tempfile

import harness
from boot_test import Console, S_MODE, refused, to_prompt
from guest_test import Guest
from holdfast import Machine
from holdfast.qmp import listening

BYTES = 4 << 20
WORDS = 512  # of a piece of 4 KiB


def disk(folder, name="disk", size=BYTES):
    path = pathlib.Path(folder) / name
    path.write_bytes(bytes(size))
    return path


def drive(path, more=""):
    return ["-drive", f"if=none,id=d,file={path},format=raw{more}"]


def piece(number):
    """What the program of ours writes there."""
    first = number * WORDS
    return b"".join(struct.pack("<Q", word * 0x9E3779B97F4A7C15 & (1 << 64) - 1)
                    for word in range(first, first + WORDS))


def checked(path, pieces):
    content = path.read_bytes()
    for number in range(pieces):
        assert content[number * 4096:(number + 1) * 4096] == piece(number), f"piece {number}"
    assert content[pieces * 4096:] == bytes(len(content) - pieces * 4096)


def u_boot(program):
    """Found and given an address by U-Boot, whose builds in Debian have no driver for it."""
    with tempfile.TemporaryDirectory() as folder:
        console = Console(program, ["-M", "virt", "-m", "256M", "-nographic", *S_MODE, *drive(disk(folder)),
                                    "-device",
                                    "nvme,drive=d,serial=HF-0001,logical_block_size=4k,physical_block_size=4K"])
        try:
            to_prompt(console)
            console.command("pci enum", r"")
            console.command("pci", r"00.01.00\s+0x1b36\s+0x0010\s+Mass storage controller\s+0x08")
            console.command("pci bar 0.1.0", r"0\s+0x0000000040000000\s+0x0000000000004000\s+64\s+MEM")
            console.command("md.l 40000000 3", r"40000000: 0f0107ff 00400020 00010400")
            console.send("poweroff\n")
            assert console.status() == 0
        finally:
            console.close()


def write_and_read(guest, name, depth, *flags, board="virt", port=()):
    """The interrupts that the program of ours counted, the data having been compared here and there."""
    path = disk(guest.folder, name)
    elf = guest.build("nvme.c", name, f"-DDEPTH={depth}", *flags)
    bus = ",bus=port" if port else ""
    done = guest.run("-M", board, "-bios", "none", "-kernel", elf, *drive(path), *port,
                     "-device", f"nvme,drive=d,serial=s{bus}", status=0)
    checked(path, 256)
    lines = done.stdout.splitlines()
    counts = [line for line in lines if line.startswith(("interrupts ", "of the admin queue "))]
    assert [line for line in lines if line not in counts] == ["blocks 8192", "written", "checked 256",
                                                              "shut down"], lines
    return {name: int(value) for name, value in (line.rsplit(" ", 1) for line in counts)}


def program_of_ours(program):
    """One command at a time and 32, polled; every byte compared, here and there."""
    with tempfile.TemporaryDirectory() as folder:
        guest = Guest(program, folder)
        for depth in (1, 32):
            write_and_read(guest, f"polled{depth}", depth)


AIA = {"virt": [], "virt,aia=aplic": ["-DAPLIC"], "virt,aia=aplic-imsic": ["-DIMSIC"]}
ROOT_PORT = ("-device", "pcie-root-port,id=port,chassis=1")


def program_is_interrupted(program):
    """By the pin through each controller there is, and by messages to the hart's files, in both modes, directly and
    through a root port: once for each command if there is one at a time."""
    with tempfile.TemporaryDirectory() as folder:
        guest = Guest(program, folder)
        for depth in (1, 32):
            for board, flags in AIA.items():
                for mode in ([], ["-DSUPERVISOR"]):
                    for kind in ("-DINTX", "-DMSIX") if "-DIMSIC" in flags else ("-DINTX",):
                        for port in ((), ROOT_PORT) if depth == 1 and mode else ((),):
                            all_flags = [kind, *flags, *mode]
                            name = "".join([f"nvme{depth}", *all_flags, "port" if port else ""])
                            said = write_and_read(guest, name, depth, *all_flags, board=board, port=port)
                            times = said["interrupts"]
                            assert times == 512 if depth == 1 else 2 <= times <= 512, (name, said)
                            if kind == "-DMSIX":
                                assert said["of the admin queue"] == 3, (name, said)


def program_meets_errors(program):
    """Each tenth command fails: it is given again, and all the data are there in the end."""
    with tempfile.TemporaryDirectory() as folder:
        guest = Guest(program, folder)
        path = disk(folder)
        elf = guest.build("nvme.c", "errors", "-DDEPTH=32", "-DERRORS")
        done = guest.run("-bios", "none", "-kernel", elf, *drive(path), "-device",
                         "nvme,drive=d,serial=s,x-error-every=10,x-delay-us=20", status=0)
        assert "errors 56\n" in done.stdout, done.stdout
        checked(path, 256)


def torn_out(program):
    """The controller goes with 32 commands under way: the program sees that it is gone, and does not hang.
    The drive is free then, and takes a controller again."""
    with tempfile.TemporaryDirectory() as folder, listening(f"{folder}/console") as listener:
        path = disk(folder)
        elf = Guest(program, folder).build("nvme.c", "endless", "-DDEPTH=32", "-DENDLESS")
        with Machine("-M", "virt", "-m", "64M", "-display", "none", "-serial", f"unix:{folder}/console",
                     "-bios", "none", "-kernel", str(elf), "-no-shutdown", *drive(path),
                     "-device", "nvme,id=n,drive=d,serial=s", program=program) as machine:
            console = listener.accept()[0].makefile("r", encoding="ascii")
            for wanted in ("blocks 8192", "written", "checked 256", "going on"):
                assert console.readline().strip() == wanted
            machine.qmp.execute("x-surprise-remove", {"id": "n"})
            machine.qmp.wait_event("DEVICE_DELETED", lambda event: event["data"].get("device") == "n")
            said = console.readline().strip()
            assert said == "gone", said
            assert "d" in [one["device"] for one in machine.qmp.execute("query-block")]
            machine.qmp.execute("quit")
            machine.wait()
        checked(path, 256)


def bad_words(program):
    """One line each."""
    with tempfile.TemporaryDirectory() as folder:
        path = disk(folder)
        odd = disk(folder, "odd", 1000)
        machine = ["-M", "virt", "-nographic", *drive(path)]
        for device, *words in (("nvme,drive=d", "serial"), ("nvme,drive=x,serial=s", "x"),
                               ("nvme,drive=d,serial=s,mdts=99", "mdts", "15"),
                               ("nvme,drive=d,serial=s,max_ioqpairs=0", "max_ioqpairs"),
                               ("nvme,drive=d,serial=012345678901234567890", "serial", "20"),
                               ("nvme,drive=d,serial=s,logical_block_size=1000", "logical_block_size"),
                               ("nvme,drive=d,serial=s,logical_block_size=4096,physical_block_size=512",
                                "physical_block_size", "4096"),
                               ("nvme,drive=d,serial=s,pmrdev=m", "m"),
                               ("nvme-ns,drive=d", "NVMe"), ("nvme,drive=d,serial=s,bus=nowhere", "nowhere"),
                               ("nvme,drive=d,serial=s,colour=red", "colour")):
            refused(program, [*machine, "-device", device], *words)
        refused(program, ["-M", "virt", "-nographic", *drive(odd), "-device", "nvme,drive=d,serial=s"],
                "1000", "512")
        refused(program, [*machine, "-device", "nvme,drive=d,serial=s", "-device", "nvme,drive=d,serial=t"],
                "in use")
        refused(program, [*machine, "-device", "nvme,id=n,serial=s", "-device", "nvme-ns,bus=n"], "drive")
        refused(program, [*machine, "-device", "nvme,id=n,serial=s",
                          "-device", "nvme-ns,bus=n,drive=d,nsid=300"], "nsid", "256")


CASES = [u_boot, program_of_ours, program_is_interrupted, program_meets_errors, torn_out, bad_words]


if __name__ == "__main__":
    harness.run(CASES, lambda case: case(sys.argv[1]))
