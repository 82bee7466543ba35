#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The advanced interrupt architecture of `-M virt,aia=…`: a program of ours, here and on
qemu-system-riscv64; Debian's firmware; the controllers' registers beside the reference's; wrong words.

usage: aia_test.py HOLDFAST [case...]
"""

import subprocess
import sys
import tempfile

import harness
from boot_test import Console, M_MODE, S_MODE, refused, to_prompt
from guest_test import Guest
from qtest_test import Machine, REFERENCE
from qmp_support import machine

PATIENCE = 120.0

# What guests/aia.c prints; numbers are claims, an identity in the upper half.
LINES = {
    "aplic": """target 1
domain 2147483904
alarm 720899
pending 0
root has 1024
child has 6
supervisor's claim 720898
supervisor pending 1
after the alarm 0
traps 1
cause 11
""",
    "aplic-imsic": """other hart is 917518
enabled 65534
threshold 9
delivery 1
external pending 1
top 0
first 327685
second 458759
third 0
left 65536
called 65537
answered 131074
domain 2147483908
alarm 720907
sent by hand 786444
root has 1024
child has 6
supervisor's first 851981
supervisor pending 0
traps 4
cause 11
""",
}


def program_of(guest, aia):
    return guest.build("aia.c", aia, "-fno-builtin", *(["-DIMSICS"] if aia == "aplic-imsic" else []))


def run(program, aia, elf, *arguments):
    done = subprocess.run([program, "-M", f"virt,aia={aia}", "-smp", "2", "-m", "64M", "-nographic", "-bios",
                           elf, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=PATIENCE, check=False)
    assert done.returncode == 0, done
    return done.stdout.replace("\r", "")


def interrupts_from_everywhere(guest):
    """Lines and messages: from the clock, from the other hart, from software, to both modes."""
    for aia, wanted in LINES.items():
        elf = program_of(guest, aia)
        for more in ([], ["-accel", "tcg,thread=single"]):
            got = run(guest.program, aia, elf, *more)
            assert got == wanted, f"{aia} {more}: {got}"


def the_reference_says_the_same(guest):
    """Of messages. Its lines stay up when the level behind them has fallen, so there it may trap again."""
    aia = "aplic-imsic"
    got = run(REFERENCE, aia, program_of(guest, aia))
    assert got == LINES[aia], got


def a_hart_that_comes_finds_its_controller(guest):
    """The program's second hart is plugged while the first one waits for it."""
    elf = program_of(guest, "aplic-imsic")
    with machine(guest.program, "-M", "virt,aia=aplic-imsic", "-smp", "1,maxcpus=2", "-m", "64M", "-display",
                 "none", "-serial", "stdio", "-bios", str(elf), board=False) as running:
        running.qmp.execute("device_add", {"driver": "rv64-riscv-cpu", "id": "late", "core-id": 1})
        assert running.wait() == LINES["aplic-imsic"], running.output()


def firmware_boots(guest):
    """OpenSBI finds the controllers it has drivers for, U-Boot comes up behind it."""
    nodes = ["-numa", "node,mem=128M", "-numa", "node,mem=128M"]
    for machine, more, ipi in (("virt,aia=aplic", [], "aclint-mswi"),
                               ("virt,aia=aplic-imsic", [], "aia-imsic"),
                               ("virt,aia=aplic-imsic,aia-guests=3", nodes, "aia-imsic"),
                               ("virt,aia=aplic-imsic,aclint=on", [], "aia-imsic")):
        console = Console(guest.program, ["-M", machine, "-smp", "4", "-m", "256M", "-nographic", *more,
                                          *S_MODE])
        try:
            console.expect(r"Platform HART Count\s+: 4\b")
            console.expect(rf"Platform IPI Device\s+: {ipi}\b")
            to_prompt(console)
            console.command("fdt addr ${fdtcontroladdr}", r"Working FDT set")
            console.command("fdt print /soc/aplic@d000000 compatible", r"riscv,aplic")
            console.send("poweroff\n")
            assert console.status() == 0
        finally:
            console.close()
    console = Console(guest.program, ["-M", "virt,aia=aplic-imsic", "-smp", "2", "-nographic", *M_MODE])
    try:
        to_prompt(console)
        console.send("poweroff\n")
        assert console.status() == 0
    finally:
        console.close()


# What both answer; registers are those of chapter 4 of the specification. The source is number 34: there,
# source 1 is pending from the beginning.
REQUESTS = {
    "aplic": """
        readl 0xc000000; writel 0xc000000 0xffffffff; readl 0xc000000; readl 0xd000000
        writel 0xc001bc4 0xffffffff; readl 0xc001bc4; writel 0xc000088 4; readl 0xc000088; readl 0xc003088
        writel 0xc003088 0; readl 0xc003088; writel 0xc003088 0xfffc00ff; readl 0xc003088
        writel 0xc001edc 34; readl 0xc001e04; writel 0xc001cdc 34; readl 0xc001c04; readl 0xc001d04
        writel 0xc000088 0x400; readl 0xc000088; readl 0xc001e04; readl 0xd000088
        writel 0xd000088 0x400; readl 0xd000088; writel 0xd000088 4; readl 0xd000088
        writel 0xd001edc 34; writel 0xd001cdc 34; readl 0xd001c04; readl 0xd004018; writel 0xd003088 5
        readl 0xd004018; readl 0xd00401c; readl 0xd00401c; readl 0xd001c04
        writel 0xc003000 5; readl 0xc003000; writel 0xc004008 0xff; readl 0xc004008
        writel 0xc004040 1; readl 0xc004040; readl 0xc0001a0; writel 0xc000180 6; readl 0xc000180
        writel 0xc000184 6; readl 0xc000184
    """,
    "aplic-imsic": """
        readl 0xc000000; writel 0xc000000 0xffffffff; readl 0xc000000
        writel 0xc001bc4 0x7fffffff; readl 0xc001bc4; writel 0xc001bc4 0; writel 0xc001bc0 0x24000
        readl 0xc001bc0; readl 0xd001bc0; readl 0xd001bc4; writel 0xc004000 1; readl 0xc004000
        writel 0xc000088 4; readl 0xc003088; writel 0xc003088 0x2a; readl 0xc003088
        writel 0xc001edc 34; writel 0xc001cdc 34; readl 0xc001c04; readl 0xc001e04
        writel 0xc003000 0x5; readl 0xc003000; readl 0x24000000; readl 0x24001000; readl 0x28000004
        readl 0x28001ffc; writel 0x24000000 5; readl 0x24000000
    """,
}


def registers_beside_the_reference(guest):
    for aia, requests in REQUESTS.items():
        machines = [Machine(program, "-M", f"virt,aia={aia}", "-smp", "2", "-S", accel="tcg")
                    for program in (guest.program, REFERENCE)]
        try:
            for request in requests.replace("\n", ";").split(";"):
                if not request.strip():
                    continue
                ours, theirs = [machine.ask(request.strip()) for machine in machines]
                assert ours == theirs, f"{aia}: {request.strip()}: {ours} here, {theirs} there"
        finally:
            for machine in machines:
                machine.close()


def bad_words(guest):
    no = lambda words, *arguments: refused(guest.program, ["-M", "virt", "-nographic", *arguments], *words)
    no(["aia", "none, aplic or aplic-imsic"], "-M", "aia=plic")
    for guests in ("8", "-1", "many"):
        no(["aia-guests", "0 to 7"], "-M", f"aia-guests={guests}")
    no(["riscv.imsic", "aia="], "-device", "riscv.imsic")


CASES = [interrupts_from_everywhere, the_reference_says_the_same, a_hart_that_comes_finds_its_controller,
         firmware_boots, registers_beside_the_reference, bad_words]


def main():
    with tempfile.TemporaryDirectory() as folder:
        guest = Guest(sys.argv[1], folder)
        harness.run(CASES, lambda case: case(guest))


if __name__ == "__main__":
    main()
