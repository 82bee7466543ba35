#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is said of a CPU's properties, by -cpu or by -global: the harts and the device tree follow both.

usage: cpu_options_test.py HOLDFAST [case...]
"""

import os
import re
import subprocess
import sys

import harness
from qmp_support import BOARD, PATIENCE, folder, machine

DRIVER = "rv64-riscv-cpu"
OTHER_NUMBERS = {"cbom_blocksize": "128", "cboz_blocksize": "32", "pmu-num": "3"}
# What the device tree says something of; two properties' names apart from that are enough.
TOLD = ["zba", "zbb", "zicbom", "zicboz", "sv57", "mmu", "c", "sstc", "cbom_blocksize", "cboz_blocksize"]


def properties(program):
    """(name, the value that it has not by itself)."""
    text = subprocess.run([program, "-cpu", "rv64,help"], capture_output=True, text=True, check=True).stdout
    rows = re.findall(r"^  (\S+)=(\S+) .*\(default: (\w+)\)$", text, re.MULTILINE)
    assert len(rows) > 40, text
    return [(name, ("off" if value == "on" else "on") if shape == "on|off" else OTHER_NUMBERS.get(name, "5"))
            for name, shape, value in rows]


def tree(program, path, *arguments):
    """The device tree; nothing if that CPU cannot be."""
    command = [program, "-M", f"virt,dumpdtb={path}", "-bios", "none", "-display", "none", "-accel",
               "tcg,thread=single", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    if done.returncode != 0:
        assert len(done.stderr.splitlines()) == 1, done.stderr
        return None
    with open(path, "rb") as file:
        return file.read()


def the_tree_is_that_of_the_harts(program):
    with folder() as place:
        path = os.path.join(place, "dtb")
        plain = tree(program, path)
        seen = set()
        for name, value in properties(program):
            by_cpu = tree(program, path, "-cpu", f"rv64,{name}={value}")
            by_global = tree(program, path, "-global", f"{DRIVER}.{name}={value}")
            assert by_cpu == by_global, f"{name}={value}: -cpu and -global differ"
            if by_cpu not in (None, plain):
                seen.add(name)
        missing = [name for name in TOLD if name not in seen]
        assert not missing, f"the tree does not tell of {missing}"
        # What -cpu says counts more, and what comes later of the same kind.
        assert tree(program, path, "-cpu", "rv64,zba=on", "-global", f"{DRIVER}.zba=off") == plain
        assert tree(program, path, "-global", f"{DRIVER}.zba=off", "-cpu", "rv64,zba=on") == plain
        assert tree(program, path, "-global", f"{DRIVER}.zba=off", "-global", f"{DRIVER}.zba=on") == plain


def harts_have_it_too(program):
    """Those of the beginning and those that come later."""
    wanted = [("zba", "off", False), ("sv57", "off", False), ("cbom_blocksize", "128", 128),
              ("pmu-num", "3", 3), ("Zbs", "off", False)]
    globals_ = [word for name, text, _ in wanted for word in ("-global", f"{DRIVER}.{name}={text}")]
    with machine(program, "-smp", "1,maxcpus=2", *globals_) as m:
        m.qmp.execute("device_add", driver=DRIVER, id="later", **{"core-id": 1})
        for path in ("/machine/cpu0", "/machine/peripheral/later"):
            for name, _, value in wanted:
                found = m.qmp.execute("qom-get", path=path, property=name.lower())
                assert found == value, (path, name, found)
    with machine(program, "-smp", "1,maxcpus=2", "-cpu", "rv64,zba=on", "-global", f"{DRIVER}.zba=off") as m:
        m.qmp.execute("device_add", driver=DRIVER, id="later", **{"core-id": 1})
        for path in ("/machine/cpu0", "/machine/peripheral/later"):
            assert m.qmp.execute("qom-get", path=path, property="zba") is True, path


def bad_values(program):
    for words, line in ((["-global", f"{DRIVER}.zba=3"],
                         f"-global {DRIVER}.zba=3: zba is '3'; it takes 'on' or 'off'"),
                        (["-global", f"{DRIVER}.f=off"], "-cpu rv64: d needs f; turn d off, too, or leave f on"),
                        (["-global", f"{DRIVER}.nonsense=1"],
                         f"-global {DRIVER}.nonsense=1: '{DRIVER}' has no property 'nonsense'; it has ")):
        done = subprocess.run([program, *BOARD, *words], capture_output=True, text=True, timeout=PATIENCE,
                              check=False)
        assert done.returncode == 1 and done.stderr.startswith(f"holdfast: {line}"), done


CASES = [the_tree_is_that_of_the_harts, harts_have_it_too, bad_values]


def main():
    harness.run(CASES, lambda case: case(os.path.abspath(sys.argv[1])))


if __name__ == "__main__":
    main()
