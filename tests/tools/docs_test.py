# SPDX-License-Identifier: Apache-2.0
"""Checks what the documents say against the tree.

usage: docs_test.py ROOT
* Relative links lead somewhere, and so do their #headings.
* The tests that docs/lifetimes.md names exist, and every test named after a hazard (H7_...) stands there.
* A code block in docs/ or README.md that is introduced by a line `From `path`:` is, line for line, a
  stretch of that file.
"""

import pathlib
import re
import sys

LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+\s+(.*)$")
HAZARD_TEST = re.compile(r"^\s*(?:TYPED_)?TEST(?:_F|_P)?\(\s*(\w+),\s*(H\d+_\w+)\s*\)", re.MULTILINE)
HAZARD_NAME = re.compile(r"`(H\d+_\w+)`")
HAZARD_ROW = re.compile(r"^\| (H\d+) \|.*\| (.*?) \|$", re.MULTILINE)
QUOTE = re.compile(r"^From `([^`]+)`:\s*\n+```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)


def anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def documents(root: pathlib.Path) -> list[pathlib.Path]:
    return [*sorted(root.glob("*.md")), *sorted((root / "docs").rglob("*.md"))]


def link_findings(path: pathlib.Path) -> list[str]:
    findings = []
    for target in LINK.findall(path.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        name, _, fragment = target.partition("#")
        other = path.parent / name if name else path
        if not other.exists():
            findings.append(f"{path}: link to {target}, which is not there")
        elif fragment and fragment not in {
                anchor(found[1]) for line in other.read_text(encoding="utf-8").splitlines()
                if (found := HEADING.match(line))}:
            findings.append(f"{path}: {name} has no heading #{fragment}")
    return findings


def hazard_findings(root: pathlib.Path) -> list[str]:
    text = (root / "docs/lifetimes.md").read_text(encoding="utf-8")
    existing = {name for source in (root / "tests").rglob("*.cpp")
                for _, name in HAZARD_TEST.findall(source.read_text(encoding="utf-8"))}
    existing |= {f"{source.stem}" for source in (root / "tests").rglob("H*_*.cpp")}  # must not compile
    named = set(HAZARD_NAME.findall(text))
    findings = [f"docs/lifetimes.md names {name}, which is no test" for name in sorted(named - existing)]
    findings += [f"docs/lifetimes.md does not name the test {name}" for name in sorted(existing - named)]
    for hazard, tests in HAZARD_ROW.findall(text):
        findings += [f"docs/lifetimes.md: {name} stands in the row of {hazard}"
                     for name in HAZARD_NAME.findall(tests) if not name.startswith(hazard + "_")]
    rows = [int(hazard[1:]) for hazard, _ in HAZARD_ROW.findall(text)]
    if rows != list(range(1, 39)):
        findings.append(f"docs/lifetimes.md: hazards are not H1 to H38 in order: {rows}")
    return findings


def quote_findings(root: pathlib.Path, path: pathlib.Path) -> list[str]:
    findings = []
    for name, quoted in QUOTE.findall(path.read_text(encoding="utf-8")):
        source = root / name
        if not source.is_file():
            findings.append(f"{path}: quotes {name}, which is not there")
        elif ("\n" + quoted) not in "\n" + source.read_text(encoding="utf-8"):
            first = next((line for line in quoted.splitlines()
                          if line not in source.read_text(encoding="utf-8").splitlines()), "the order of lines")
            findings.append(f"{path}: what it quotes from {name} is no stretch of it; differs: {first}")
    return findings


def check(root: pathlib.Path) -> list[str]:
    findings = hazard_findings(root)
    for path in documents(root):
        findings += link_findings(path)
        findings += quote_findings(root, path)
    return findings


def main() -> int:
    root = pathlib.Path(sys.argv[1])
    findings = check(root)
    for finding in findings:
        print(finding)
    print(f"{len(findings)} findings in {len(documents(root))} documents")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
