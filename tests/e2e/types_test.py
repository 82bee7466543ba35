#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Types and objects of every machine of the program, as strict clients check them: ancestors, interfaces,
what is met in the tree, and that looking changes nothing.

usage: types_test.py HOLDFAST [case...]
"""

import sys
import time

import harness
from holdfast import Error, Machine
from qmp_support import PATIENCE, refusal

ROOT = "object"
# What makes a machine start without a program; and then, by machine, what changes its devices.
PLAIN = ["-nodefaults", "-display", "none", "-accel", "qtest"]
VARIANTS = {
    "virt": [
        [],
        ["-M", "aclint=on", "-smp", "4", "-m", "64M", "-numa", "node,mem=32M,cpus=0-1", "-numa",
         "node,mem=32M,cpus=2-3"],
        ["-M", "aia=aplic-imsic", "-smp", "2", "-m", "64M,slots=2,maxmem=2G",
         "-object", "memory-backend-ram,id=mem,size=16M", "-object", "memory-backend-ram,id=spare,size=16M",
         "-device", "pc-dimm,id=dimm,memdev=mem",
         "-device", "pcie-root-port,id=port", "-device", "pcie-pci-bridge,id=bridge",
         "-device", "pci-bridge,id=second,bus=bridge,chassis_nr=1",
         "-device", "pci-testdev,id=test,bus=second",
         "-blockdev", "driver=null-co,node-name=disk,size=1M", "-device", "nvme,id=controller,serial=1,bus=port",
         "-device", "nvme-ns,id=namespace,drive=disk,bus=controller",
         "-chardev", "ringbuf,id=ring", "-device", "ns16550a,addr=0x18000000,chardev=ring"],
    ],
}


def machines(program):
    with Machine("-M", "none", *PLAIN, program=program) as m:
        return [entry["name"] for entry in m.qmp.query_machines()]


def every_machine(program):
    """Each, in each variant: its name, and a client of it."""
    for name in machines(program):
        for variant in VARIANTS.get(name, [[]]):
            with Machine("-M", name, *PLAIN, *variant, program=program) as m:
                yield name, m.qmp


class Types:
    """All types as a client knows them."""

    def __init__(self, client):
        self.client = client
        listed = client.execute("qom-list-types", abstract=True)
        self.all = {entry["name"]: entry for entry in listed}
        assert len(self.all) == len(listed), "a type is there twice"
        self.interfaces = {name for name in self.all if self.has_parent(name, "interface")}

    def parent(self, name):
        return self.all[name].get("parent")

    def has_parent(self, name, ancestor):
        while name is not None and name != ancestor:
            name = self.parent(name)
        return name is not None

    def is_abstract(self, name):
        return self.all[name].get("abstract", False)

    def listed(self, **arguments):
        return {entry["name"] for entry in self.client.execute("qom-list-types", arguments)}

    def implementers(self, name, abstract=True):
        return self.listed(implements=name, abstract=abstract)


def ancestors_are_consistent(program):
    for machine, client in every_machine(program):
        types = Types(client)
        assert types.listed() == {name for name in types.all if not types.is_abstract(name)}, machine
        for name, entry in types.all.items():
            assert set(entry) <= {"name", "parent", "abstract"} and entry.get("abstract") in (None, True), entry
            assert ("parent" in entry) == (name not in (ROOT, "interface")), entry
            assert types.parent(name) in (None, *types.all), entry
            assert types.has_parent(name, ROOT) != (name in types.interfaces), entry
        for name in ("machine", "device", "sys-bus-device", "bus", "chardev", "cpu", "pci-device", "memory-backend",
                     "interface", "resettable", "hotplug-handler", "user-creatable"):
            assert types.is_abstract(name), name
        assert types.implementers("no-such-type") == set()


def what_implements_a_type_is_exactly_that(program):
    for _, client in every_machine(program):
        types = Types(client)
        offered = set()
        for name in types.all:
            found = types.implementers(name)
            assert types.implementers(name, abstract=False) == {
                one for one in found if not types.is_abstract(one)}, name
            assert name in found, name
            descendants = {one for one in types.all if types.has_parent(one, name)}
            if name not in types.interfaces:
                assert found == descendants, (name, found ^ descendants)
                continue
            # What implements an interface hands that on.
            assert descendants <= found, name
            assert {one for one in types.all if types.parent(one) in found} <= found, name
            offered |= found
        assert types.implementers("interface") == offered
        for name in types.interfaces:
            assert types.is_abstract(name), name
            assert name == "interface" or types.implementers(name, abstract=False), f"nothing implements {name}"
        assert ROOT not in offered


def types_have_what_they_say(program):
    for machine, client in every_machine(program):
        types = Types(client)
        named = {f"{name}-machine" for name in machines(program)}
        assert types.implementers("machine", abstract=False) == named, machine
        assert types.implementers("resettable") - {"resettable"} == types.implementers("device")
        assert types.implementers("user-creatable", abstract=False) == {
            "iothread", "memory-backend-ram", "memory-backend-file", "memory-backend-memfd"}
        assert {"PCI", "PCIE", "nvme-bus", "system-bus"} == types.implementers("bus", abstract=False)
        assert types.parent("PCIE") == "PCI"
        assert "pcie-root-port" in types.implementers("hotplug-handler")
        # A function is made for one kind of bus.
        express = types.implementers("pci-express-device", abstract=False)
        conventional = types.implementers("conventional-pci-device", abstract=False)
        assert express.isdisjoint(conventional)
        assert express | conventional == types.implementers("pci-device", abstract=False)
        kinds = {f"chardev-{entry['name']}" for entry in client.execute("query-chardev-backends")}
        assert kinds <= types.implementers("chardev"), kinds - types.implementers("chardev")


def walk(client, path="/"):
    """Every object: its path, its type, its properties."""
    entries = client.execute("qom-list", path=path)
    yield path, client.execute("qom-get", path=path, property="type"), entries
    for entry in entries:
        if entry["type"].startswith("child<"):
            child = client.execute("qom-get", path=path, property=entry["name"])
            assert entry["type"] == f"child<{client.execute('qom-get', path=child, property='type')}>", entry
            yield from walk(client, child)


def what_is_met_in_the_tree_is_a_type(program):
    for machine, client in every_machine(program):
        types = Types(client)
        concrete = types.listed()
        met = set()
        for path, kind, entries in walk(client):
            assert kind in concrete, (path, kind)
            met.add(kind)
            assert entries[0] == {"name": "type", "type": "string"}, path
            assert len({entry["name"] for entry in entries}) == len(entries), path
        assert {f"{machine}-machine", "container", "system-bus"} <= met, machine
        assert client.execute("qom-get", path="/machine", property="type") == f"{machine}-machine"
        assert {"name": "machine", "type": f"child<{machine}-machine>"} in client.execute("qom-list", path="/")


def buses_are_in_the_tree(program):
    with Machine("-M", "virt", *PLAIN, *VARIANTS["virt"][-1], program=program) as m:
        buses = {path: kind for path, kind, _ in walk(m.qmp) if kind in ("PCI", "PCIE", "nvme-bus")}
        folder = "/machine/peripheral"
        assert buses == {"/machine/pcie/pcie.0": "PCIE", f"{folder}/port/port": "PCIE", f"{folder}/bridge/bridge": "PCI",
                         f"{folder}/second/second": "PCI", f"{folder}/controller/controller": "nvme-bus"}, buses
        sits = {"port": "/machine/pcie/pcie.0", "bridge": "/machine/pcie/pcie.0", "controller": f"{folder}/port/port",
                "second": f"{folder}/bridge/bridge", "test": f"{folder}/second/second",
                "namespace": f"{folder}/controller/controller", "dimm": ""}
        for name, bus in sits.items():
            assert m.qmp.execute("qom-get", path=f"{folder}/{name}", property="parent_bus") == bus, name
            kinds = {entry["name"]: entry["type"] for entry in m.qmp.execute("qom-list", path=f"{folder}/{name}")}
            assert not any(kind.endswith(" link") for kind in kinds.values()), kinds
            listed = {entry["name"]: entry["type"] for entry in
                      m.qmp.execute("device-list-properties", typename=m.qmp.qom_get(path=f"{folder}/{name}", property="type"))}
            for link in ("memory", "bus"):
                assert kinds.get(link) in (None, f"link<{'region' if link == 'memory' else link}>"), (name, kinds)
                assert listed.get(link) in (None, "string", kinds.get(link)), (name, listed)


def properties_of_types(program):
    for machine, client in every_machine(program):
        types = Types(client)
        devices = types.implementers("device", abstract=False)
        shown = {}
        for name in types.all:
            arguments = {"typename": name}
            if name in devices:
                listed = client.execute("device-list-properties", arguments)
                assert len({entry["name"] for entry in listed}) == len(listed), name
                own = {"type", "realized", "hotpluggable", "hotplugged", "parent_bus"}  # of all devices
                assert own.isdisjoint(entry["name"] for entry in listed), name
            else:
                assert refusal(client, "device-list-properties", arguments) == "GenericError", name
            if name in types.interfaces:
                assert refusal(client, "qom-list-properties", arguments) == "GenericError", name
                continue
            listed = client.execute("qom-list-properties", arguments)
            if types.has_parent(name, "device"):
                facts = {"realized": "bool", "hotplugged": "bool", "parent_bus": "link<bus>"}
                assert facts.items() <= {entry["name"]: entry["type"] for entry in listed}.items(), name
            assert listed[0] == {"name": "type", "type": "string"}, name
            shown[name] = {entry["name"]: entry["type"] for entry in listed}
            assert len(shown[name]) == len(listed), name
            for entry in listed:
                assert {"name", "type"} <= set(entry) <= {"name", "type", "description"}, entry
        for name in types.all:
            if types.parent(name) is not None:  # what all objects of a type show, those of its children do
                assert set(shown.get(types.parent(name), {})) <= set(shown.get(name, {})) or name in types.interfaces, name
        for command in ("device-list-properties", "qom-list-properties"):
            assert refusal(client, command, {"typename": "no-such-type"}) == "DeviceNotFound"
        for path, kind, entries in walk(client):
            if types.has_parent(kind, "device"):
                continue  # whose parts go by how each was configured
            here = {entry["name"]: entry["type"] for entry in entries}
            assert shown[kind].items() <= here.items(), (path, kind)
        assert {"peripheral", "peripheral-anon"} <= set(shown[f"{machine}-machine"])


def properties_of_a_machine(program):
    memory = ["-m", "64M", "-object", "memory-backend-ram,id=all,size=64M"]
    disk = ["-blockdev", "driver=null-co,node-name=b,size=32M"]
    plain = {"aclint": False, "aia": "none", "aia-guests": "0", "dumpdtb": "", "graphics": True, "memory-backend": "",
             "pflash0": "", "pflash1": "", "usb": False}
    changed = {"aclint": True, "aia-guests": "3", "graphics": False, "memory-backend": "/objects/all", "pflash1": "b"}
    # As Debian's QEMU lists them.
    kinds = {"aclint": "bool", "aia": "string", "aia-guests": "string", "dumpdtb": "string", "graphics": "bool",
             "memory-backend": "link<memory-backend>", "pflash0": "str", "pflash1": "str", "usb": "bool"}
    for said, expected in (("", plain),
                           (",aclint=on,aia-guests=3,graphics=off,memory-backend=all,pflash1=b", {**plain, **changed})):
        with Machine("-M", f"virt{said}", *memory, *disk, *PLAIN, program=program) as m:
            listed = {entry["name"]: entry["type"] for entry in m.qmp.qom_list(path="/machine")}
            told = {entry["name"]: entry["type"] for entry in m.qmp.qom_list_properties(typename="virt-machine")}
            for name, value in expected.items():
                assert m.qmp.qom_get(path="/machine", property=name) == value, name
                assert listed[name] == told[name] == kinds[name], name
                assert refusal(m.qmp, "qom-set",
                               {"path": "/machine", "property": name, "value": value}) == "GenericError", name
            assert refusal(m.qmp, "qom-get", {"path": "/machine", "property": "nothing"}) == "GenericError"


def looking_changes_nothing(program):
    for machine, client in every_machine(program):
        def trees():
            return [client.human(line) for line in ("info qom-tree /", "info qtree")]

        before, census = trees(), client.execute("x-query-census")
        for entry in client.execute("qom-list-types", abstract=True):
            for command in ("device-list-properties", "qom-list-properties"):
                try:
                    client.execute(command, typename=entry["name"])
                except Error:
                    pass
            client.human(f"device_add {entry['name']},help")
        for _ in walk(client):
            pass
        assert trees() == before, machine
        # What was retired is freed as grace periods pass, of which each look lets one.
        deadline = time.monotonic() + PATIENCE
        while client.execute("x-query-census") != census:
            assert time.monotonic() < deadline, (machine, census, client.execute("x-query-census"))


CASES = [ancestors_are_consistent, what_implements_a_type_is_exactly_that, types_have_what_they_say,
         what_is_met_in_the_tree_is_a_type, buses_are_in_the_tree, properties_of_types, properties_of_a_machine,
         looking_changes_nothing]


def main():
    harness.run(CASES, lambda case: case(sys.argv[1]))


if __name__ == "__main__":
    main()
