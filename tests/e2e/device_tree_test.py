#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The device tree of `-M virt`, node by node and property by property beside the one that
qemu-system-riscv64 dumps. What differs has to be in the table of docs/virt.md, with a reason, and what
is in the table has to differ.

usage: device_tree_test.py HOLDFAST
"""

import fnmatch
import os
import pathlib
import subprocess
import sys
import tempfile

import device_tree

QEMU = "qemu-system-riscv64"
OPENSBI = "/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin"
U_BOOT = "/usr/lib/u-boot/qemu-riscv64_smode/u-boot.bin"
LARGE = "a file of 20 MiB"

DOCUMENT = pathlib.Path(__file__).resolve().parent.parent.parent / "docs" / "virt.md"


def differences():
    """The table of docs/virt.md: (path, property or None for the whole node). Both are patterns."""
    rows = []
    for line in DOCUMENT.read_text().splitlines():
        cells = [cell.strip().strip("`") for cell in line.strip("|").split("|")]
        if line.startswith("| `/") and len(cells) == 3:
            assert cells[2], f"no reason: {line}"
            rows.append((cells[0], None if cells[1] == "all of it" else cells[1]))
    assert rows, f"{DOCUMENT} has no table"
    return rows


DIFFERENCES = differences()

# Properties whose cells name other nodes: (node, property, at which cells of how many each).
REFERENCES = [
    ("*", "interrupt-parent", (0,), 1),
    ("*", "interrupts-extended", (0,), 2),
    ("/cpus/cpu-map/*", "cpu", (0,), 1),
    ("*", "regmap", (0,), 1),
    ("*", "msi-parent", (0,), 1),
    ("*", "riscv,children", (0,), 1),
    ("*", "riscv,delegate", (0,), 3),
    ("*", "riscv,delegation", (0,), 3),
    # 16 interrupts, each of as many cells as its controller wants.
    ("/soc/pci@*", "interrupt-map", (4,), None),
]

NUMA = ["-object", "memory-backend-ram,id=m0,size=512M", "-object", "memory-backend-ram,id=m1,size=512M",
        "-numa", "node,nodeid=0,cpus=0-1,memdev=m0", "-numa", "node,nodeid=1,cpus=2-4,memdev=m1",
        "-numa", "dist,src=0,dst=1,val=30"]
CASES = {
    "one hart": ["-smp", "1"],
    "two harts, 256M": ["-smp", "2", "-m", "256M"],
    "eight harts, 3G": ["-smp", "8", "-m", "3G"],
    "64 harts, 2G": ["-smp", "64", "-m", "2G"],
    "ACLINT": ["-smp", "2", "-M", "aclint=on"],
    "two nodes": ["-smp", "5", "-m", "1G", *NUMA],
    "two nodes, ACLINT": ["-smp", "5", "-m", "1G", "-M", "aclint=on", *NUMA],
    "APLIC": ["-smp", "2", "-M", "aia=aplic"],
    "APLIC, ACLINT": ["-smp", "2", "-M", "aia=aplic,aclint=on"],
    "APLIC and IMSICs": ["-smp", "3", "-M", "aia=aplic-imsic"],
    "APLIC, IMSICs, ACLINT": ["-smp", "2", "-M", "aia=aplic-imsic,aclint=on"],
    "IMSICs with guests": ["-smp", "2", "-M", "aia=aplic-imsic,aia-guests=2"],
    "two nodes, APLIC": ["-smp", "5", "-m", "1G", "-M", "aia=aplic", *NUMA],
    "two nodes, IMSICs with guests": ["-smp", "5", "-m", "1G", "-M", "aia=aplic-imsic,aia-guests=5", *NUMA],
    "two nodes, IMSICs, ACLINT": ["-smp", "5", "-m", "1G", "-M", "aia=aplic-imsic,aclint=on", *NUMA],
    "nodes by default": ["-smp", "4", "-m", "1G", "-numa", "node,mem=512M", "-numa", "node,mem=512M"],
    "single CPUs put into nodes": ["-smp", "3", "-m", "256M", "-numa", "node,mem=128M", "-numa",
                                   "node,mem=128M", "-numa", "cpu,node-id=0,core-id=0", "-numa",
                                   "cpu,node-id=1,core-id=1", "-numa", "cpu,node-id=1,core-id=2"],
    "kernel and command line": ["-smp", "1", "-kernel", OPENSBI, "-append", "console=ttyS0 quiet"],
    **{f"kernel and RAM disk, {memory}": ["-m", memory, "-kernel", U_BOOT, "-initrd", OPENSBI]
       for memory in ("16M", "100M", "128M", "130M", "1100M", "3G")},
    "kernel without firmware and RAM disk": ["-bios", "none", "-kernel", OPENSBI, "-initrd", U_BOOT],
    "a large RAM disk": ["-m", "64M", "-kernel", U_BOOT, "-initrd", LARGE],
    "a large kernel and RAM disk": ["-m", "256M", "-kernel", LARGE, "-initrd", LARGE],
    "RAM by object": ["-object", "memory-backend-memfd,id=mem,size=192M", "-m", "192M", "-M",
                      "memory-backend=mem"],
}


def dump(program, arguments, path):
    done = subprocess.run([program, "-M", f"virt,dumpdtb={path}", "-nographic", *arguments],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
                          check=False)
    assert done.returncode == 0, f"{program} {arguments}: {done.returncode}: {done.stderr}"
    with open(path, "rb") as file:
        return device_tree.parse(file.read())


def meaning(node, name, paths):
    """A property's value, with paths in place of handles."""
    value = node.properties[name]
    for pattern, wanted, places, stride in REFERENCES:
        if name == wanted and fnmatch.fnmatch(node.path, pattern):
            cells = node.cells(name)
            return [paths[cell] if i % (stride or len(cells) // 16) in places else cell
                    for i, cell in enumerate(cells)]
    return value


def rename_cpus(root):
    """A unit address is hexadecimal, also of a CPU, whose QEMU writes in decimal: by reg, that is one."""
    for cpu in [node for node in root.walk() if node.name.startswith("cpu@")]:
        name = f"cpu@{cpu.cells('reg')[0]:x}"
        for node in cpu.walk():
            node.path = node.path.replace(f"/{cpu.name}", f"/{name}", 1)
        cpu.name = name


def contents(root):
    """(path, property) -> meaning; (path, None) for each node. Handles themselves mean nothing."""
    rename_cpus(root)
    paths = device_tree.handles(root)
    found = {}
    for node in root.walk():
        assert (node.path, None) not in found, f"{node.path} is there twice"
        found[node.path, None] = True
        for name in node.properties:
            if name != "phandle":
                found[node.path, name] = meaning(node, name, paths)
    return found


def excuse(path, name):
    for row in DIFFERENCES:
        pattern, wanted = row
        if wanted is None:
            if fnmatch.fnmatch(path, pattern) or fnmatch.fnmatch(path, pattern + "/*"):
                return row
        elif name is not None and fnmatch.fnmatch(path, pattern) and fnmatch.fnmatch(name, wanted):
            return row
    return None


def compare(ours, theirs):
    """What differs without an excuse, and the excuses used."""
    wrong, used = [], set()
    for key in sorted(ours.keys() | theirs.keys(), key=str):
        if ours.get(key) == theirs.get(key):
            continue
        row = excuse(*key)
        if row is None:
            wrong.append(f"{key[0]} {key[1] or '(node)'}: {ours.get(key)!r} here, {theirs.get(key)!r} there")
        else:
            used.add(row)
    return wrong, used


def check_seed(root):
    (chosen,) = [node for node in root.walk() if node.path == "/chosen"]
    assert len(chosen.properties["rng-seed"]) == 32
    return chosen.properties["rng-seed"]


def strings(node, name):
    return node.properties[name].decode().rstrip("\0").split("\0")


def check_cpu(cpu):
    """The base and the list say what the string says."""
    base, extensions = strings(cpu, "riscv,isa-base"), strings(cpu, "riscv,isa-extensions")
    assert base == ["rv64i"] and extensions[0] == "i", (base, extensions)
    text = "rv64" + "".join(name if len(name) == 1 else f"_{name}" for name in extensions)
    assert strings(cpu, "riscv,isa") == [text], text


def check_interrupt_map(pci, nodes):
    """Each entry is as long as the controller that it names has it: none goes without cells for addresses."""
    cells, at, entries = pci.cells("interrupt-map"), 0, 0
    while at < len(cells):
        controller = nodes[cells[at + 4]]
        at += 5 + controller.cells("#address-cells")[0] + controller.cells("#interrupt-cells")[0]
        entries += 1
    assert (at, entries) == (len(cells), 16), (at, entries, len(cells))


def check_own(root):
    """What QEMU 7.2 has nothing to compare with."""
    nodes = {node.cells("phandle")[0]: node for node in root.walk() if "phandle" in node.properties}
    for node in root.walk():
        if fnmatch.fnmatch(node.path, "/cpus/cpu@*") and node.properties.get("device_type") == b"cpu\0":
            check_cpu(node)
        if node.path.startswith("/soc/pci@"):
            check_interrupt_map(node, nodes)
        if node.path.startswith("/soc/imsics@"):
            assert node.cells("#msi-cells") == [0], node.path
        assert node.properties.get("riscv,delegation") == node.properties.get("riscv,delegate"), node.path


def main():
    program = sys.argv[1]
    failed, used, compared = [], set(), 0
    with tempfile.TemporaryDirectory() as folder:
        large = os.path.join(folder, "large")
        with open(large, "wb") as file:
            file.write(bytes(range(256)) * (20 * 4096))
        for name, words in CASES.items():
            arguments = [large if word == LARGE else word for word in words]
            ours = dump(program, arguments, os.path.join(folder, "ours.dtb"))
            theirs = contents(dump(QEMU, arguments, os.path.join(folder, "theirs.dtb")))
            wrong, excuses = compare(contents(ours), theirs)
            used |= excuses
            compared += len(theirs)
            print(f"{name}: {len(theirs)} nodes and properties, {len(wrong)} differ without a reason",
                  flush=True)
            failed += [f"{name}: {line}" for line in wrong]
            check_own(ours)
            seed = check_seed(ours)
        again = check_seed(dump(program, [], os.path.join(folder, "ours.dtb")))
        assert seed != again, "the seed is the same twice"
    failed += [f"the table has {row}, which does not differ" for row in DIFFERENCES if row not in used]
    for line in failed:
        print(line)
    print(f"{len(CASES)} machines, {compared} nodes and properties compared")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
