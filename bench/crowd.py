#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A machine with 64 harts, and 255 PCI functions behind 40 root ports: how long it takes to build and how much
private memory it has, on Holdfast and on Debian's QEMU by turns.

    bench/crowd.py build/bench/holdfast/app/holdfast [--rounds 5] [what...]

  controllers  the functions are NVMe controllers without drives     testdevs  they are pci-testdev
  harts        there are none, of either: what the harts are alone

From the start of the process until its monitor has answered a command; nothing runs (-S).
"""
import argparse
import time

import beside
from holdfast import Machine  # by way of beside's path

HARTS = 64
PORTS = 40
FUNCTIONS = 255
ON_THE_ROOT = 8  # ports a device
BASE = ("-M", "virt", "-m", "128M", "-bios", "none", "-display", "none", "-S", "-smp", str(HARTS))


def ports():
    for number in range(PORTS):
        device, function = divmod(number, ON_THE_ROOT)
        yield "-device"
        yield f"pcie-root-port,id=port{number},chassis={number},slot={number},multifunction=on,addr={device + 1:#x}.{function}"


def functions(kind):
    """In each slot one device, of as many functions as it takes."""
    for number in range(FUNCTIONS):
        port, function = number % PORTS, number // PORTS
        yield "-device"
        yield f"{kind},bus=port{port},addr=0.{function},multifunction=on" + (f",serial={number}" if kind == "nvme" else "")


KINDS = {
    "controllers": (*BASE, *ports(), *functions("nvme")),
    "testdevs": (*BASE, *ports(), *functions("pci-testdev")),
    "harts": BASE,
}


def built(program, arguments):
    """Milliseconds, and MiB."""
    began = time.perf_counter()
    with Machine(*arguments, program=program) as machine:
        took = time.perf_counter() - began
        return took * 1e3, beside.private_mib(machine.process.pid)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("holdfast")
    parser.add_argument("what", nargs="*", help="controllers, testdevs, harts; all if none")
    parser.add_argument("--peer", default=beside.PEER)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_intermixed_args()
    beside.state()
    programs = {"holdfast": args.holdfast, "qemu": args.peer}
    for what in args.what or KINDS:
        found = beside.by_turns(programs, args.rounds, lambda program: built(program, KINDS[what]))
        for index, (figure, unit) in enumerate((("built", "ms"), ("private", "MiB"))):
            beside.show(f"{what}, {figure}", unit, {name: [pair[index] for pair in values]
                                                     for name, values in found.items()}, width=22)


if __name__ == "__main__":
    main()
