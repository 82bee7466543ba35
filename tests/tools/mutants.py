# SPDX-License-Identifier: Apache-2.0
"""Applies the seeded faults of tests/mutants one by one and demands that the tests they name fail.

A mutant is a patch (`git diff`) whose first lines say what it breaks and who must notice:

    fault: the generation is not compared before a miss is reported
    tests: view_race_test protocol_test

usage: mutants.py [--only REGEX] [--preset NAME] [--check]
With --check nothing is built: it only looks whether each patch applies to the tree. Otherwise it works in a copy of the tree below build/mutants; the tests must pass there before anything is changed.
Exit status 0: every mutant was caught.
"""

import argparse
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORK = ROOT / "build/mutants"
COPY = WORK / "source"
HANG = 300  # seconds after which a mutant's tests count as hanging, which is being caught


def fresh_copy() -> None:
    """The files git knows of, as they are in the work tree. Times are kept, so builds are incremental."""
    COPY.mkdir(parents=True, exist_ok=True)
    names = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                           check=True, stdout=subprocess.PIPE).stdout.decode().split("\0")
    known = {name for name in names if name and (ROOT / name).is_file()}
    for old in COPY.rglob("*"):
        inside = old.relative_to(COPY)
        if old.is_file() and inside.parts[0] != "build" and inside.as_posix() not in known:
            old.unlink()
    for name in known:
        target = COPY / name
        if target.is_file() and target.read_bytes() == (ROOT / name).read_bytes():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)


def header(patch: pathlib.Path) -> dict[str, str]:
    fields = {}
    for line in patch.read_text(encoding="utf-8").splitlines():
        if line.startswith(("diff ", "--- ")):
            break
        match = re.match(r"#?\s*(fault|tests):\s*(.+)", line)
        if match:
            fields[match[1]] = match[2].strip()
    if "tests" not in fields or "fault" not in fields:
        sys.exit(f"{patch.name}: needs a line 'fault: ...' and a line 'tests: ...' above the patch")
    return fields


def build(preset: str, tests: list[str], log: pathlib.Path) -> bool:
    """A test is a program of its name; one that goes from end to end runs the emulator."""
    targets = sorted({"holdfast" if test.endswith(("_e2e_test", "qmp_commands_test")) else test for test in tests})
    with log.open("w") as out:
        return subprocess.run(["ninja", "-C", str(COPY / "build" / preset), *targets],
                              stdout=out, stderr=subprocess.STDOUT, check=False).returncode == 0


def tests_pass(preset: str, tests: list[str], log: pathlib.Path) -> tuple[bool, str]:
    """Whether the tests passed, and if not, in which way they did not."""
    pattern = rf"^({re.escape(preset)}\.)?({'|'.join(map(re.escape, tests))})$"
    with log.open("a") as out:
        child = subprocess.Popen(
            ["ctest", "--test-dir", str(COPY / "build" / preset), "--no-tests=error", "--output-on-failure",
             "--stop-on-failure", "-R", pattern], stdout=out, stderr=subprocess.STDOUT,
            start_new_session=True)
        try:
            return (child.wait(timeout=HANG) == 0, "failed")
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            return (False, "hung")


def apply(patch: pathlib.Path, tree: pathlib.Path, *more: str) -> str:
    """What is wrong, or nothing."""
    done = subprocess.run(["git", "apply", "--unsafe-paths", f"--directory={tree}", *more, str(patch)],
                          cwd="/", check=False, stderr=subprocess.PIPE, text=True)
    return done.stderr.strip() if done.returncode != 0 else ""


def check(patches: list[pathlib.Path]) -> int:
    bad = 0
    for patch in patches:
        header(patch)
        if wrong := apply(patch, ROOT, "--check"):
            bad += 1
            print(f"{patch.name} does not apply:\n  {wrong}")
    print(f"{len(patches)} patches, {bad} of them do not apply")
    return 1 if bad else 0


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="")
    parser.add_argument("--preset", default="dev")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()

    patches = [p for p in sorted((ROOT / "tests/mutants").glob("*.patch")) if re.search(options.only, p.name)]
    if not patches:
        sys.exit("no mutant has such a name")
    if options.check:
        return check(patches)
    headers = {patch: header(patch) for patch in patches}
    tests_of = {patch: headers[patch]["tests"].replace(",", " ").split() for patch in patches}

    fresh_copy()
    configure = ["cmake", "--preset", options.preset, "--log-level=WARNING"]
    subprocess.run(configure, cwd=COPY, check=True, stdout=subprocess.DEVNULL)
    everyone = sorted({test for tests in tests_of.values() for test in tests})
    log = WORK / "unchanged.log"
    if not build(options.preset, everyone, log) or not tests_pass(options.preset, everyone, log)[0]:
        sys.exit(f"{log.read_text()}\nthe tests do not pass without a mutant")

    survivors = []
    print(f"{'mutant':<44} {'verdict':<16} {'s':>4}  fault")
    for patch in patches:
        log = WORK / f"{patch.stem}.log"
        start = time.monotonic()
        unfit = apply(patch, COPY)
        if unfit:
            verdict = "does not apply"
        elif not build(options.preset, tests_of[patch], log):
            verdict = "does not build"
        else:
            passed, how = tests_pass(options.preset, tests_of[patch], log)
            verdict = "SURVIVED" if passed else f"caught ({how})"
        if not verdict.startswith("caught"):
            survivors.append(patch.name)
        print(f"{patch.stem:<44} {verdict:<16} {time.monotonic() - start:4.0f}  {headers[patch]['fault']}",
              flush=True)
        if unfit:
            print("  " + unfit)
        fresh_copy()

    print(f"\n{len(patches) - len(survivors)} passed, {len(survivors)} failed")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
