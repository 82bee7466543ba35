# SPDX-License-Identifier: Apache-2.0
"""Flattened device trees as Python values: nodes with bytes for properties.
SPEC: Devicetree Specification 0.4, chapter 5."""

import struct

BEGIN_NODE, END_NODE, PROPERTY, NOP, END = 1, 2, 3, 4, 9


class Node:
    def __init__(self, name, path):
        self.name, self.path = name, path
        self.properties, self.children = {}, []

    def walk(self):
        yield self
        for child in self.children:
            yield from child.walk()

    def cells(self, name):
        value = self.properties[name]
        return list(struct.unpack(f">{len(value) // 4}I", value))


def parse(blob):
    """The root of a tree."""
    magic, size, structure, strings = struct.unpack_from(">4I", blob)
    assert magic == 0xD00DFEED, "no device tree"
    assert size <= len(blob), "truncated"

    def text(at):
        return blob[at:blob.index(b"\0", at)].decode()

    at, stack, root = structure, [], None
    while True:
        (token,) = struct.unpack_from(">I", blob, at)
        at += 4
        if token == BEGIN_NODE:
            name = text(at)
            at = (at + len(name) + 4) & ~3
            above = stack[-1].path.rstrip("/") + "/" if stack else ""
            node = Node(name, above + name if stack else "/")
            if stack:
                stack[-1].children.append(node)
            else:
                root = node
            stack.append(node)
        elif token == END_NODE:
            stack.pop()
        elif token == PROPERTY:
            length, name = struct.unpack_from(">2I", blob, at)
            stack[-1].properties[text(strings + name)] = blob[at + 8:at + 8 + length]
            at = (at + 8 + length + 3) & ~3
        elif token == END:
            assert not stack and root is not None, "ends inside a node"
            return root
        else:
            assert token == NOP, f"token {token}"


def handles(root):
    """phandle -> path."""
    return {node.cells("phandle")[0]: node.path for node in root.walk() if "phandle" in node.properties}
