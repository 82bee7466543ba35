#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The `virt` board from outside: flash under U-Boot and by programs of our own, with its file looked at
from the host; fw_cfg, the clock, memory from objects, nodes; and every wrong word about them.

usage: virt_test.py HOLDFAST [case...]
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import harness
from boot_test import Console, S_MODE, refused, to_prompt
from guest_test import GUESTS, Guest

BANK = 32 << 20
PATIENCE = 120.0


def blank(folder, name, size=BANK):
    path = pathlib.Path(folder) / name
    with open(path, "wb") as file:
        file.truncate(size)
    return path


def at(path, offset, length):
    with open(path, "rb") as file:
        file.seek(offset)
        return file.read(length)


def flash_under_u_boot(guest):
    """flinfo, protect, erase and cp, then the file."""
    image = blank(guest.folder, "uboot0.img")
    console = Console(guest.program, ["-M", "virt", "-nographic", *S_MODE,
                                      "-drive", f"if=pflash,format=raw,file={image},unit=1"])
    try:
        to_prompt(console)
        console.command("flinfo 1", r"Bank # 1: CFI conformant flash .* Size: 16 MB in 128 Sectors"
                                    r"[^#]*Intel Extended command set, Manufacturer ID: 0x89, "
                                    r"Device ID: 0x0018")
        console.command("protect on 22000000 +40000", r"Protected 2 sectors")
        console.command("erase 22000000 +40000", r"protected sectors will not be erased")
        assert at(image, 0, 4) == bytes(4)
        console.command("protect off 22000000 +40000", r"Un-Protected 2 sectors")
        console.command("erase 22000000 +40000", r"Erased 2 sectors")
        assert at(image, 0, 0x40000) == b"\xff" * 0x40000
        assert at(image, 0x40000, 4) == bytes(4)
        console.command("mw.l 84000000 64636261 100", "")
        console.command("cp.b 84000000 22001000 400", r"done")
        assert at(image, 0x1000, 0x400) == b"abcd" * 0x100
        assert at(image, 0x1400, 4) == b"\xff" * 4
        console.command("md.l 22001000 1", r"22001000: 64636261")
        console.command("cmp.b 84000000 22001000 400", r"1024 byte\(s\) were the same")
        console.send("poweroff\n")
        assert console.status() == 0
    finally:
        console.close()


def flash_is_kept_over_runs_and_unharmed_if_only_read(guest):
    image = blank(guest.folder, "kept.img")
    subprocess.run([sys.executable, "-c", "import sys; open(sys.argv[1], 'r+b').write(b'kept')", image],
                   check=True)
    console = Console(guest.program, ["-M", "virt", "-nographic", *S_MODE, "-drive",
                                      f"if=none,id=f,format=raw,file={image},readonly=on",
                                      "-M", "pflash1=f"])
    try:
        to_prompt(console)
        console.command("md.l 22000000 1", r"22000000: 7470656b")
        console.command("erase 22000000 +40000", r"done")  # U-Boot does not look at errors
        console.command("md.l 22000000 1", r"22000000: 7470656b")
        console.command("mw.l 22000000 00700070; md.l 22000000 1", r"22000000: 00a000a0")
        assert at(image, 0, 4) == b"kept"
        console.send("poweroff\n")
        assert console.status() == 0
    finally:
        console.close()


def flash_program(guest, name, *flags):
    elf = guest.build("flash_boot.S", name, "-Wl,--section-start=.text.init=0x20000000", *flags)
    image = blank(guest.folder, f"{name}.img")
    with open(image, "r+b") as file:
        file.write(guest.binary(elf).read_bytes())
    return image


def boots_from_flash(guest):
    """Without firmware harts begin in flash; with it, it goes on there."""
    image = flash_program(guest, "machine")
    for names in (["-drive", f"if=pflash,format=raw,file={image}"],
                  ["-pflash", str(image)],
                  ["-drive", f"if=none,id=code,file={image}", "-M", "pflash0=code"],
                  ["-blockdev", f"driver=file,node-name=below,filename={image}", "-blockdev",
                   "driver=raw,node-name=code,file=below,read-only=on", "-M", "pflash0=code"],
                  ["-blockdev", '{"driver":"file","node-name":"code","filename":"%s"}' % image,
                   "-M", "pflash0=code"]):
        guest.run("-bios", "none", *names, "-smp", "2", status=0, text="run from flash\n")
    image = flash_program(guest, "supervisor", "-Wa,--defsym,SBI=1")
    done = guest.run("-pflash", str(image), status=0)
    assert "OpenSBI" in done.stdout and done.stdout.endswith("run from flash\n"), done.stdout


BOARD = """rtc claim 11
rtc in time 1
rtc pending 0
fw_cfg signature 1431127377
fw_cfg error 0
fw_cfg greeting hello, board
virtio empty 8
flash erase 128
flash program 128
flash reads 1
"""


def devices_of_the_board(guest):
    """The clock tells the host's time and rings, fw_cfg gives a file, slots are empty, flash works."""
    greeting = pathlib.Path(guest.folder) / "greeting"
    greeting.write_text("hello, board")
    for name, flags, machine, more in (("clint", [], "virt", ""),
                                       ("aclint", ["-DACLINT"], "virt,aclint=on",
                                        "sswi pending 1\nsswi cleared 0\n")):
        image = blank(guest.folder, f"{name}.img")
        elf = guest.build("board.c", name, "-fno-builtin", *flags)
        before = int(time.time())
        done = subprocess.run([guest.program, "-M", machine, "-m", "64M", "-nographic", "-bios", elf,
                               "-fw_cfg", f"name=opt/greeting,file={greeting}",
                               "-fw_cfg", "opt/other,string=x",
                               "-drive", f"if=pflash,unit=1,format=raw,file={image}"],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=PATIENCE, check=False)
        assert done.returncode == 0, done
        first, rest = done.stdout.split("\n", 1)
        seconds = int(re.fullmatch(r"rtc seconds (\d+)", first).group(1))
        assert before <= seconds <= time.time(), (before, seconds)
        assert rest == BOARD + more, rest
        assert at(image, 0x40000, 16) == b"\xff" * 4 + b"abcdefgh" + b"\xff" * 4


def resident_kib(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1))


def much_memory_costs_what_is_used(guest):
    """64 GiB are there, a few MiB are taken."""
    console = Console(guest.program, ["-M", "virt", "-m", "64G", "-nographic", *S_MODE])
    try:
        to_prompt(console)
        console.command("bdinfo", r"-> size\s*= 0x0*1000000000\b")
        console.command("mw.l 1000000000 12345678 1; md.l 1000000000 1", r"1000000000: 12345678")
        kib = resident_kib(console.process.pid)
        print(f"  resident: {kib} KiB of 64 GiB")
        assert kib < 128 << 10, kib
        console.send("poweroff\n")
        assert console.status() == 0
    finally:
        console.close()


def memory_from_objects(guest):
    """RAM in a file, in one made for it, in a descriptor; of a machine and of nodes."""
    elf = guest.build("htif.S", "htif", "-Wa,--defsym,STATUS=3")
    run = lambda *arguments: guest.run("-bios", elf, *arguments, status=3)
    with tempfile.TemporaryDirectory(dir=guest.folder) as folder:
        made = os.path.join(folder, "made.ram")
        run("-object", f"memory-backend-file,id=mem,size=64M,mem-path={made},share=on",
            "-M", "memory-backend=mem")
        assert os.path.getsize(made) == 64 << 20
        assert at(made, 0, 4) == guest.binary(elf).read_bytes()[:4], "the guest's RAM is the file"
        run("-object", f"memory-backend-file,id=mem,size=64M,mem-path={made},readonly=on",
            "-M", "memory-backend=mem")
        run("-object", f"memory-backend-file,id=mem,size=64M,mem-path={folder}",
            "-M", "memory-backend=mem")
        assert os.listdir(folder) == ["made.ram"]
    run("-object", "memory-backend-memfd,id=mem,size=64M,prealloc=on", "-M", "memory-backend=mem")
    run("-object", "memory-backend-ram,id=mem,size=64M,share=on", "-machine", "memory-backend=mem")
    run("-object", '{"qom-type":"memory-backend-ram","id":"a","size":33554432}',
        "-object", "memory-backend-ram,id=b,size=32M", "-smp", "2",
        "-numa", "node,nodeid=0,cpus=0,memdev=a", "-numa", "node,nodeid=1,cpus=1,memdev=b")


def nodes_boot(guest):
    """Harts of two nodes, each with interrupt controllers of its own."""
    for machine in ("virt", "virt,aclint=on"):
        console = Console(guest.program, ["-M", machine, "-smp", "4", "-m", "256M", "-nographic", *S_MODE,
                                          "-numa", "node,mem=128M", "-numa", "node,mem=128M"])
        try:
            console.expect(r"Platform HART Count\s+: 4\b")
            to_prompt(console)
            console.command("fdt addr ${fdtcontroladdr}", r"Working FDT set")
            console.command("fdt print /soc/plic@c600000 numa-node-id", r"numa-node-id = <0x0*1>")
            console.send("poweroff\n")
            assert console.status() == 0
        finally:
            console.close()


def bad_words(guest):
    """One line each, which names what is wrong and says what would be right."""
    folder = guest.folder
    image, short = blank(folder, "bank.img"), blank(folder, "short.img", BANK - 1)
    virt = ["-M", "virt", "-nographic"]
    no = lambda words, *arguments: refused(guest.program, [*virt, *arguments], *words)
    missing = os.path.join(folder, "missing", "file")
    no(["missing", "drive 'pflash0'"], "-drive", f"if=pflash,file={missing}")
    no(["short.img", str(BANK - 1), str(BANK)], "-drive", f"if=pflash,file={short}")
    no(["regular file", str(folder)], "-drive", f"if=pflash,readonly=on,file={folder}")
    no(["in use", "bank.img"], "-pflash", str(image), "-pflash", str(image))
    no(["unit", "0 to 1"], "-drive", f"if=pflash,unit=2,file={image}")
    no(["already", "bank 1"], "-drive", f"if=pflash,unit=1,file={image}", "-drive",
       f"if=pflash,unit=1,file={image}")
    no(["two banks"], *["-drive", f"if=pflash,readonly=on,file={image}"] * 3)
    no(["qcow2", "raw"], "-drive", f"if=pflash,format=qcow2,file={image}")
    no(["virtio", "pflash"], "-drive", f"file={image}")
    no(["nonsense", "readonly"], "-drive", f"if=pflash,nonsense=1,file={image}")
    no(["readonly", "on or off"], "-drive", f"if=pflash,readonly=maybe,file={image}")
    no(["file"], "-drive", "if=pflash")
    no(["pflash0", "nobody", "-drive"], "-M", "pflash0=nobody")
    no(["nobody", "there are f"], "-drive", f"if=none,id=f,file={image}", "-M", "pflash0=nobody")
    no(["nobody"], "-blockdev", "driver=raw,node-name=a,file=nobody", "-M", "pflash0=a")
    no(["no node 'b'"], "-blockdev", "driver=raw,node-name=a,file=b", "-blockdev",
       "driver=raw,node-name=b,file=a", "-M", "pflash0=a")
    no(["server", "unix"], "-blockdev", "driver=nbd,node-name=a")
    no(["connect", missing], "-drive", f"if=none,id=a,file=nbd:unix:{missing}")
    no(["in use", "node 'b'"], "-blockdev", "driver=null-co,node-name=a", "-blockdev",
       "driver=raw,node-name=b,file=a", "-blockdev", "driver=raw,node-name=c,file=a")
    no(["aio", "threads"], "-drive", f"if=none,id=a,aio=posix,file={image}")
    no(["cache", "directsync"], "-drive", f"if=none,id=a,cache=some,file={image}")
    no(["more than", "4097"], "-blockdev", "driver=null-co,node-name=a,size=4096", "-blockdev",
       "driver=raw,node-name=b,file=a,size=4097")
    no(["aclint", "on or off"], "-M", "aclint=maybe")
    no(["nonsense", "aclint", "pflash0"], "-M", "nonsense=1")
    no(["dumpdtb", "missing"], "-M", f"dumpdtb={missing}")
    no(["opt/a", "missing"], "-fw_cfg", f"name=opt/a,file={missing}")
    no(["opt/a", "twice"], "-fw_cfg", "opt/a,string=1", "-fw_cfg", "opt/a,string=2")
    ram = ["-object", "memory-backend-ram,id=m,size=64M"]
    no(["nobody", "there are m"], *ram, "-M", "memory-backend=nobody")
    no(["nobody", "-object"], "-M", "memory-backend=nobody")
    no(["64M", "128M", "-m"], *ram, "-M", "memory-backend=m", "-m", "128M")
    no(["memory-backend-nonsense", "memory-backend-ram"], "-object", "memory-backend-nonsense,id=m,size=1M")
    no(["size"], "-object", "memory-backend-ram,id=m")
    no(["size", "lots"], "-object", "memory-backend-ram,id=m,size=lots")
    no(["4096"], "-object", "memory-backend-ram,id=m,size=1000")
    no(["mem-path"], "-object", "memory-backend-file,id=m,size=1M")
    no(["nonsense"], "-object", "memory-backend-ram,id=m,size=1M,nonsense=1")
    no(["missing"], "-object", f"memory-backend-file,id=m,size=64M,mem-path={missing}", "-M",
       "memory-backend=m")
    no(["bank.img", "33554432"], "-object",
       f"memory-backend-file,id=m,size=64M,readonly=on,mem-path={image}", "-M", "memory-backend=m")
    no(["readonly", "share"], "-object",
       f"memory-backend-file,id=m,size=32M,readonly=on,share=on,mem-path={image}")
    no(["CPU 1", "no node"], "-smp", "2", "-numa", "node,cpus=0")
    no(["CPU 2", "there are 2"], "-smp", "2", "-numa", "node,cpus=0-2")
    no(["CPU 0", "already"], "-numa", "node,cpus=0", "-numa", "node,cpus=0")
    no(["cpus", "nonsense"], "-numa", "node,cpus=nonsense")
    no(["cpus", "3-1"], "-smp", "4", "-numa", "node,cpus=3-1")
    no(["nodeid", "0 to 3"], "-numa", "node,nodeid=4")
    no(["node 0", "already"], "-numa", "node,nodeid=0", "-numa", "node,nodeid=0")
    no(["no node 0"], "-numa", "node,nodeid=1")
    no(["nobody"], "-numa", "node,memdev=nobody")
    no(["mem", "memdev"], *ram, "-numa", "node,mem=64M,memdev=m")
    no(["memdev", "node 0 has"], *ram, "-smp", "2", "-numa", "node,memdev=m", "-numa", "node,memdev=m")
    no(["64", "128", "-m"], *ram, "-m", "128M", "-numa", "node,memdev=m")
    no(["no mem"], "-smp", "2", "-numa", "node,mem=64M", "-numa", "node")
    no(["no CPU"], "-numa", "node", "-numa", "node")
    no(["memory-backend", "nodes"], *ram, "-numa", "node,mem=128M", "-M", "memory-backend=m")
    no(["node 3"], "-numa", "node", "-numa", "dist,src=0,dst=3,val=20")
    no(["val", "10 to 255"], "-numa", "node", "-numa", "dist,src=0,dst=1,val=5")
    no(["src"], "-numa", "node", "-numa", "dist,dst=1,val=20")
    no(["node-id"], "-numa", "cpu,node-id=0,core-id=0")
    no(["core-id"], "-numa", "node", "-numa", "cpu,node-id=0")
    no(["node,"], "-numa", "hmat-lb")


CASES = [flash_under_u_boot, flash_is_kept_over_runs_and_unharmed_if_only_read, boots_from_flash,
         devices_of_the_board, much_memory_costs_what_is_used, memory_from_objects, nodes_boot, bad_words]


def main():
    assert GUESTS.is_dir()
    with tempfile.TemporaryDirectory() as folder:
        guest = Guest(sys.argv[1], folder)
        harness.run(CASES, lambda case: case(guest))


if __name__ == "__main__":
    main()
