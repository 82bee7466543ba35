#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""PCI as firmware finds it that knows no hot-plug: functions of a device, root ports, bridges and who is behind them.

usage: pci_test.py HOLDFAST [case...]
"""
import pathlib
import sys
import tempfile

import harness
from boot_test import Console, S_MODE, refused, to_prompt
from nvme_test import disk, drive

PORTS = ("-device", "pcie-root-port,id=rp0,chassis=1,slot=1,multifunction=on,addr=1.0",
         "-device", "pcie-root-port,id=rp1,chassis=2,slot=2,addr=1.1")
BRIDGE = ("-device", "pcie-pci-bridge,id=br,bus=rp0")


def found_by_u_boot(program):
    """Two ports that are functions of one device; a bridge behind the first, with functions behind that, and a
    controller behind the second. U-Boot numbers the buses and gives all of them addresses."""
    with tempfile.TemporaryDirectory() as folder:
        console = Console(program, [
            "-M", "virt", "-m", "256M", "-nographic", *S_MODE, *PORTS, *BRIDGE,
            "-device", "pci-testdev,bus=br,addr=3.0,multifunction=on", "-device", "pci-testdev,bus=br,addr=3.5",
            "-device", "nvme,drive=d,serial=HF-0002,bus=rp1", *drive(disk(folder))])
        try:
            to_prompt(console)
            console.command("pci enum", r"")
            console.command("pci 0", r"00.00.00\s+0x1b36\s+0x0008[^\n]*\s+00.01.00\s+0x1b36\s+0x000c\s+Bridge device\s+0x04"
                                     r"\s+00.01.01\s+0x1b36\s+0x000c\s+Bridge device\s+0x04")
            console.command("pci 1", r"01.00.00\s+0x1b36\s+0x000e\s+Bridge device\s+0x04")
            console.command("pci 2", r"02.03.00\s+0x1b36\s+0x0005[^\n]*\s+02.03.05\s+0x1b36\s+0x0005")
            console.command("pci 3", r"03.00.00\s+0x1b36\s+0x0010\s+Mass storage controller\s+0x08")
            # By configuration space: header types, bus numbers, the link behind the first port.
            console.command("pci display.b 0.1.0 e 1", r"0000000e: 81")
            console.command("pci display.b 0.1.0 18 3", r"00000018: 00 01 02")
            console.command("pci display.b 0.1.1 18 3", r"00000018: 00 03 03")
            console.command("pci display.b 1.0.0 18 3", r"00000018: 01 02 02")
            console.command("pci display.b 2.3.0 e 1", r"0000000e: 80")
            # By their BARs: two functions behind two bridges, and the controller's capabilities.
            for function in (0, 5):
                bar = console.command(f"pci bar 2.3.{function}", r"0\s+0x0{8}(4[0-9a-f]{7})\s+0x0{12}1000\s+32\s+MEM")[1]
                console.command(f"mw.b {bar} 1; md.b {int(bar, 16) + 16:x} d", r"mmio-wildcard")
            bar = console.command("pci bar 3.0.0", r"0\s+0x0{8}(4[0-9a-f]{7})\s+0x0{12}4000\s+64\s+MEM")[1]
            console.command(f"md.l {bar} 3", r": 0f0107ff 00400020 00010400")
            console.send("poweroff\n")
            assert console.status() == 0
        finally:
            console.close()


def expansion_rom(program):
    """Found by U-Boot, which gives it an address; it shows when it is enabled."""
    with tempfile.TemporaryDirectory() as folder:
        image = pathlib.Path(folder) / "image.rom"
        image.write_bytes(b"\x55\xaa\x08" + b"Holdfast" * 512)
        console = Console(program, ["-M", "virt", "-m", "256M", "-nographic", *S_MODE,
                                    "-device", f"pci-testdev,addr=1,romfile={image}",
                                    "-device", f"pci-testdev,addr=2,romfile={image},rombar=0"])
        try:
            to_prompt(console)
            console.command("pci enum", r"")
            at = console.command("pci display.l 0.1.0 30 1", r"00000030: (4[0-9a-f]{6}0)")[1]
            console.command(f"md.b {at} 1", r": ff")
            console.command(f"pci write.l 0.1.0 30 {at[:-1]}1", r"")
            console.command(f"md.b {at} b", r"55 aa 08 48 6f 6c 64 66 61 73 74")
            console.command("pci display.l 0.2.0 30 1", r"00000030: 00000000")
            console.send("poweroff\n")
            assert console.status() == 0
        finally:
            console.close()
        card = "pci-testdev,romfile="
        for file, *words in (("/nowhere", "romfile", "/nowhere"), (folder, "romfile", folder),
                             (f"{image},romsize=4096", "romsize", "power of two", "4099"),
                             (f"{image},romsize=7000", "romsize", "power of two")):
            refused(program, ["-M", "virt", "-nographic", "-device", card + file], *words)


def bad_words(program):
    """One line each."""
    machine = ["-M", "virt", "-nographic", *PORTS]
    card = "pci-testdev,bus=rp1"
    for devices, *words in (([card, card], "rp1", "full"), ([card + ",addr=1"], "rp1", "devices 0 to 0"),
                            ([card, card + ",addr=0.1"], "multifunction=on"),
                            ([card + ",addr=0.8"], "addr", "1f.7"), (["pci-testdev,addr=0"], "taken"),
                            (["pci-testdev,addr=1.1"], "rp1"), (["pcie-root-port,bus=nowhere"], "nowhere")):
        flags = [part for device in devices for part in ("-device", device)]
        refused(program, [*machine, *flags], *words)


CASES = [found_by_u_boot, expansion_rom, bad_words]


if __name__ == "__main__":
    harness.run(CASES, lambda case: case(sys.argv[1]))
