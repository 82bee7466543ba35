# SPDX-License-Identifier: Apache-2.0
"""Shows that docs_test.py finds what it is there to find."""

import pathlib
import tempfile
import unittest

import docs_test

ROWS = "".join(f"| H{n} | x | y | {'`H1_Shown`' if n == 1 else '–'} |\n" for n in range(1, 39))
GOOD = {
    "README.md": "# Top\n[here](docs/lifetimes.md#the-table-of-h1) and [outside](https://example.com/x)\n",
    "docs/lifetimes.md": "## The table of `H1`\n" + ROWS,
    "docs/howto.md": "From `examples/a.cpp`:\n\n```cpp\nint a;\nint b;\n```\n",
    "examples/a.cpp": "int z;\nint a;\nint b;\nint c;\n",
    "tests/hazards/a_test.cpp": "TEST(Hazards, H1_Shown) {}\n",
}


class Docs(unittest.TestCase):
    def findings(self, changed: dict[str, str]) -> list[str]:
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, text in {**GOOD, **changed}.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text, encoding="utf-8")
            return docs_test.check(root)

    def one_finding(self, changed: dict[str, str], expected: str):
        found = self.findings(changed)
        self.assertEqual(len(found), 1, found)
        self.assertIn(expected, found[0])

    def test_good_documents(self):
        self.assertEqual(self.findings({}), [])

    def test_link_to_nothing(self):
        self.one_finding({"README.md": "[x](docs/gone.md)\n"}, "which is not there")

    def test_link_to_no_heading(self):
        self.one_finding({"README.md": "[x](docs/lifetimes.md#gone)\n"}, "no heading")

    def test_a_test_that_does_not_exist(self):
        self.one_finding({"tests/hazards/a_test.cpp": "TEST(Hazards, Shown) {}\n"}, "is no test")

    def test_a_test_that_is_not_named(self):
        self.one_finding(
            {"tests/hazards/a_test.cpp": "TEST(Hazards, H1_Shown) {}\nTEST_F(Hazards, H2_Also) {}\n"},
            "does not name the test H2_Also")

    def test_a_code_that_must_not_compile_counts_as_a_test(self):
        self.one_finding({"tests/compile_fail/H4_parent.cpp": "\n"}, "does not name the test H4_parent")

    def test_a_test_in_the_wrong_row(self):
        rows = ROWS.replace("`H1_Shown`", "–").replace("| H2 | x | y | –", "| H2 | x | y | `H1_Shown`")
        self.one_finding({"docs/lifetimes.md": "## The table of `H1`\n" + rows}, "stands in the row of H2")

    def test_a_missing_row(self):
        self.one_finding(
            {"docs/lifetimes.md": "## The table of `H1`\n" + ROWS.replace("| H7 | x | y | – |\n", "")},
            "not H1 to H38")

    def test_a_quote_that_is_no_stretch_of_the_file(self):
        self.one_finding({"docs/howto.md": "From `examples/a.cpp`:\n\n```cpp\nint a;\nint c;\n```\n"},
                         "differs")

    def test_a_quote_from_nowhere(self):
        self.one_finding({"docs/howto.md": "From `examples/b.cpp`:\n\n```cpp\nint a;\n```\n"}, "not there")


if __name__ == "__main__":
    unittest.main()
