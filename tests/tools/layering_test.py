# SPDX-License-Identifier: Apache-2.0
"""Checks the source tree as text: who includes whom, and the rules of docs/style.md that a text can show.

usage: layering_test.py ROOT
Prints one line a finding, "path:line: what is wrong", and fails if there is one. Files that are
longer than they should be are only listed.
"""

import pathlib
import re
import sys

# A folder includes only folders left of it. A name with a star stands for its subfolders, which do
# not see one another.
ORDER = ["base", "rcu", "gate", "memory", "object", "hw", "block", "chardev", "net", "devices/*",
         "cpu/*", "accel", "boards", "machine", "control", "app"]

# Pairs on the same or a neighbouring step that do not see each other though the order would let them.
APART = {("cpu/*", "devices/*")}

# devices/ folders that may be included by other devices/ folders: buses that devices sit on.
BUSES: set[str] = {"devices/pci"}

LONG = 500  # lines from which a file is listed
CODE = {".hpp", ".cpp", ".h", ".c", ".S", ".py"}
TEXT = CODE | {".md", ".txt", ".cmake", ".sh", ".json", ".patch"}
SKIPPED = {".git", "build", ".cache", ".ccache"}

INCLUDE = re.compile(r'^\s*#\s*include\s*["<]holdfast/([^">]+)[">]')
LINE_COMMENT = re.compile(r"//.*$")
RULES = [  # (where, suffixes, pattern, what to say)
    ("", {".hpp", ".cpp"}, re.compile(r"\batomic_(thread|signal)_fence\b"),
     "stand-alone fence: ThreadSanitizer cannot see it; order on the atomic itself"),
    ("tests", CODE, re.compile(r"\bsleep_(for|until)\b|\b(u[s]leep|nano[s]leep|time\.sleep)\b"),
     "a test sleeps: wait for the event, or force the order with a schedule point"),
    ("tests", CODE, re.compile(r"\bGTEST_SKIP\(\)\s*;|\bDISABLED_\w"),
     "a test is left out without a printed reason"),
    ("", CODE, re.compile(r"\b(TO[D]O|FIX[M]E|XX[X]|HAC[K])\b"),
     "unfinished work is not marked, it is finished or left out"),
    ("", TEXT, re.compile(r"https?://[\w.-]*(deb[i]an|np[m]js|py[p]i)[\w.-]*"),
     "a package registry's host"),
    ("", TEXT, re.compile(r"/wo[r]k/|/tm[p]/bash|\bthis sessio[n]\b|\bthe issue say[s]\b"),
     "talk about the work: the repository speaks of the software alone"),
]

UNSANITIZED = re.compile(r"\bno_sanitize(_\w+)?\b")


def step_of(folder: str) -> int | None:
    """The place in ORDER of a path below holdfast/, or None if it has none."""
    parts = folder.split("/")
    for place, name in enumerate(ORDER):
        if name.removesuffix("/*") == parts[0]:
            return place if not name.endswith("/*") or len(parts) >= 3 else None
    return None


def layer_of(path: str) -> str:
    """`devices/serial/uart.hpp` -> `devices/serial`; `memory/region.hpp` -> `memory`."""
    parts = path.split("/")
    return "/".join(parts[:2]) if parts[0] + "/*" in ORDER else parts[0]


def include_finding(source: str, target: str) -> str | None:
    """What is wrong with a file (below holdfast/) including another one; None if nothing is."""
    from_step, to_step = step_of(source), step_of(target)
    if from_step is None:
        return f"{layer_of(source)}/ is no layer (docs/architecture.md has the list)"
    if to_step is None:
        return f"includes {target}, which is in no layer"
    if from_step < to_step:
        return f"{layer_of(source)}/ includes {target}: {layer_of(target)}/ is a layer above it"
    if (ORDER[from_step], ORDER[to_step]) in APART:
        return f"{layer_of(source)}/ includes {target}: they do not see each other"
    if from_step == to_step and layer_of(source) != layer_of(target) and layer_of(target) not in BUSES:
        return f"{layer_of(source)}/ includes {target}: sister folders do not see each other"
    return None


def files(root: pathlib.Path):
    for path in sorted(root.rglob("*")):
        inside = path.relative_to(root)
        if SKIPPED.isdisjoint(inside.parts) and path.is_file() and not path.is_symlink():
            yield inside


def check_file(root: pathlib.Path, inside: pathlib.Path, long_files: list[str]) -> list[str]:
    name = inside.as_posix()
    suffix = ".txt" if inside.suffix == "" else inside.suffix
    if suffix not in TEXT or "corpus" in inside.parts:
        return []
    try:
        lines = (root / inside).read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        return []
    findings = []
    if suffix in CODE:
        if not any("SPDX-License-Identifier: Apache-2.0" in line for line in lines[:2]):
            findings.append(f"{name}:1: no 'SPDX-License-Identifier: Apache-2.0' at the top")
        if len(lines) > LONG:
            long_files.append(f"{name}: {len(lines)} lines")
    if suffix == ".hpp" and "#pragma once" not in lines:
        findings.append(f"{name}:1: no '#pragma once'")
    is_cxx = suffix in {".hpp", ".cpp", ".h", ".c"}
    for number, line in enumerate(lines, 1):
        include = INCLUDE.match(line)
        if include:
            if not (root / "holdfast" / include[1]).is_file():
                findings.append(f"{name}:{number}: includes holdfast/{include[1]}, which is not there")
            elif inside.parts[0] == "holdfast":
                wrong = include_finding(name.removeprefix("holdfast/"), include[1])
                if wrong:
                    findings.append(f"{name}:{number}: {wrong}")
        if is_cxx and UNSANITIZED.search(line) and not any(
                "SAFETY:" in near for near in lines[max(0, number - 8):number]):
            findings.append(f"{name}:{number}: taken from the sanitizer without a SAFETY: note above it")
        for where, suffixes, pattern, message in RULES:
            if suffix not in suffixes or (where and inside.parts[0] != where):
                continue
            code_only = is_cxx and message.startswith("stand-alone")
            if pattern.search(LINE_COMMENT.sub("", line) if code_only else line):
                findings.append(f"{name}:{number}: {message}")
    return findings


def check_tree(root: pathlib.Path) -> tuple[list[str], list[str], int]:
    """Findings, long files, and how many includes of the project's own headers were looked at."""
    findings: list[str] = []
    long_files: list[str] = []
    includes = 0
    for inside in files(root):
        findings += check_file(root, inside, long_files)
        if inside.suffix in {".hpp", ".cpp"} and inside.parts[0] == "holdfast":
            text = (root / inside).read_text(encoding="utf-8")
            includes += sum(1 for line in text.splitlines() if INCLUDE.match(line))
    return findings, long_files, includes


def main() -> int:
    findings, long_files, includes = check_tree(pathlib.Path(sys.argv[1]))
    for finding in findings:
        print(finding)
    if long_files:
        print(f"longer than {LONG} lines, look whether they are two things:")
        for line in long_files:
            print("  " + line)
    print(f"{includes} includes in order" if not findings else f"{len(findings)} findings")
    return 1 if findings or includes == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
