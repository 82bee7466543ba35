# SPDX-License-Identifier: Apache-2.0
"""Shows that layering_test.py finds what it is there to find: each case is a small tree with one fault."""

import pathlib
import tempfile
import unittest

import layering_test

SPDX = "// SPDX-License-Identifier: Apache-2.0\n"
HEADER = SPDX + "#pragma once\n"
GOOD = {
    "holdfast/base/a.hpp": HEADER,
    "holdfast/memory/m.hpp": HEADER + '#include "holdfast/base/a.hpp"\n',
    "holdfast/hw/device.hpp": HEADER + '#include "holdfast/memory/m.hpp"\n',
    "holdfast/devices/serial/uart.hpp": HEADER + '#include "holdfast/hw/device.hpp"\n',
    "holdfast/devices/intc/plic.hpp": HEADER + '#include "holdfast/hw/device.hpp"\n',
    "holdfast/cpu/riscv/hart.hpp": HEADER + '#include "holdfast/memory/m.hpp"\n',
    "holdfast/boards/virt.cpp": SPDX + '#include "holdfast/devices/serial/uart.hpp"\n'
                                '#include "holdfast/cpu/riscv/hart.hpp"\n',
    "tests/unit/a_test.cpp": SPDX + '#include "holdfast/base/a.hpp"\n',
}


def findings_with(extra: dict[str, str]) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, text in {**GOOD, **extra}.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return layering_test.check_tree(root)[0]


class Layering(unittest.TestCase):
    def one_finding(self, extra: dict[str, str], expected: str):
        found = findings_with(extra)
        self.assertEqual(len(found), 1, found)
        self.assertIn(expected, found[0])
        self.assertTrue(found[0].startswith(next(iter(extra)) + ":"), found)

    def test_a_good_tree_has_no_findings(self):
        self.assertEqual(findings_with({}), [])

    def test_an_include_upwards(self):
        self.one_finding({"holdfast/base/b.cpp": SPDX + '#include "holdfast/memory/m.hpp"\n'},
                         "memory/ is a layer above it")

    def test_angle_brackets_do_not_hide_it(self):
        self.one_finding({"holdfast/rcu/b.hpp": HEADER + "#include <holdfast/hw/device.hpp>\n"},
                         "hw/ is a layer above it")

    def test_a_device_folder_sees_no_other(self):
        self.one_finding(
            {"holdfast/devices/intc/b.cpp": SPDX + '#include "holdfast/devices/serial/uart.hpp"\n'},
            "sister folders")

    def test_a_device_sees_its_own_folder(self):
        self.assertEqual(findings_with(
            {"holdfast/devices/intc/b.cpp": SPDX + '#include "holdfast/devices/intc/plic.hpp"\n'}), [])

    def test_a_device_sees_the_bus_it_sits_on(self):
        self.assertEqual(findings_with(
            {"holdfast/devices/storage/b.cpp": SPDX + '#include "holdfast/devices/pci/function.hpp"\n',
             "holdfast/devices/pci/function.hpp": HEADER}), [])

    def test_cpus_and_devices_are_apart_both_ways(self):
        self.one_finding(
            {"holdfast/cpu/riscv/b.cpp": SPDX + '#include "holdfast/devices/intc/plic.hpp"\n'},
            "they do not see each other")
        self.one_finding(
            {"holdfast/devices/intc/b.cpp": SPDX + '#include "holdfast/cpu/riscv/hart.hpp"\n'},
            "is a layer above it")

    def test_a_folder_that_is_no_layer(self):
        self.one_finding({"holdfast/misc/b.cpp": SPDX + '#include "holdfast/base/a.hpp"\n'},
                         "misc/ is no layer")

    def test_a_device_outside_a_class_folder(self):
        self.one_finding({"holdfast/devices/b.cpp": SPDX + '#include "holdfast/base/a.hpp"\n'},
                         "is no layer")

    def test_an_include_of_nothing(self):
        self.one_finding({"holdfast/base/b.cpp": SPDX + '#include "holdfast/base/gone.hpp"\n'},
                         "which is not there")

    def test_missing_licence_line(self):
        self.one_finding({"holdfast/base/b.cpp": "int x;\n"}, "SPDX")

    def test_missing_pragma_once(self):
        self.one_finding({"holdfast/base/b.hpp": SPDX}, "#pragma once")

    def test_fence_in_code_but_not_in_a_comment(self):
        self.one_finding({"holdfast/base/b.cpp": SPDX + "std::atomic_" + "thread_fence(x);\n"}, "fence")
        self.assertEqual(
            findings_with({"holdfast/base/b.cpp": SPDX + "// no std::atomic_" + "thread_fence\n"}), [])

    def test_a_sleeping_test(self):
        self.one_finding({"tests/unit/b_test.cpp": SPDX + "std::this_thread::sleep_" + "for(1s);\n"},
                         "sleeps")

    def test_a_test_left_out_silently(self):
        self.one_finding({"tests/unit/b_test.cpp": SPDX + "GTEST_" + "SKIP();\n"}, "left out")
        self.assertEqual(
            findings_with({"tests/unit/b_test.cpp": SPDX + "GTEST_" + 'SKIP() << "no hugepages";\n'}), [])

    def test_unfinished_work(self):
        self.one_finding({"holdfast/base/b.cpp": SPDX + "// TO" + "DO: later\n"}, "unfinished")

    def test_sanitizer_switched_off_without_a_reason(self):
        self.one_finding({"holdfast/base/b.cpp": SPDX + "[[gnu::no_" + "sanitize_thread]] void f();\n"},
                         "SAFETY:")

    def test_words_that_do_not_belong(self):
        self.one_finding({"docs/b.md": "see https" + "://deb.debian" + ".org/debian\n"}, "registry")
        self.one_finding({"docs/b.md": "lies in /wo" + "rk/main\n"}, "talk about the work")

    def test_a_long_file_is_listed_and_no_finding(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "holdfast/base").mkdir(parents=True)
            (root / "holdfast/base/b.cpp").write_text(SPDX + "int x;\n" * 600, encoding="utf-8")
            findings, long_files, _ = layering_test.check_tree(root)
            self.assertEqual(findings, [])
            self.assertEqual(long_files, ["holdfast/base/b.cpp: 601 lines"])

    def test_a_tree_without_sources_fails(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(layering_test.check_tree(pathlib.Path(folder))[2], 0)


if __name__ == "__main__":
    unittest.main()
