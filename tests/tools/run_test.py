#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How ./run reads its arguments, in a tree where everything it starts says what it was given.

usage: run_test.py RUN
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile

TELL = """#!/bin/sh
for word in "$(basename "$0")" "$@"; do printf '[%s]' "$word"; done
echo
"""
CASES = [
    (["-M", "help"], True, "[holdfast][-M][help]"),
    (["--no-install", "-M", "help"], False, "[holdfast][-M][help]"),
    (["-M", "help", "--no-install"], False, "[holdfast][-M][help]"),
    (["-append", "a b", "--no-install", "-S"], False, "[holdfast][-append][a b][-S]"),
    (["-M", "help", "--", "--no-install"], True, "[holdfast][-M][help][--no-install]"),
    (["--no-install", "--", "-S"], False, "[holdfast][-S]"),
    (["--tour", "--no-install"], False, "[tour.py]"),
    (["--no-install", "--tour", "30"], False, "[tour.py]"),
    ([], True, "[holdfast][-M][virt]"),
    (["--no-install"], False, "[holdfast][-M][virt]"),
]


def tree(root):
    """What ./run looks for, as far as it starts it."""
    for name in ("tools/install-packages", "bin/cmake", "bin/ninja", "bin/python3", "build/release/holdfast/app/holdfast"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(TELL.replace("\n", "\nexec >&2\n", 1) if name.startswith("tools") else TELL)
        path.chmod(0o755)
    (root / "bin/python3").write_text('#!/bin/sh\necho "[$(basename "$1")]"\n')
    (root / "build/release/build.ninja").touch()


def main():
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        tree(root)
        shutil.copy(sys.argv[1], root / "run")
        for arguments, installs, expected in CASES:
            done = subprocess.run([root / "run", *arguments], capture_output=True, text=True, timeout=60,
                                  check=False, env={"PATH": f"{root}/bin:/usr/bin:/bin"})
            last = (done.stdout.splitlines() or [""])[-1]
            if done.returncode != 0 or not last.startswith(expected):
                sys.exit(f"{arguments}: {done}")
            if ("[install-packages]" in done.stdout + done.stderr) != installs:
                sys.exit(f"{arguments}: installs {not installs}: {done}")
    print(f"{len(CASES)} command lines")


if __name__ == "__main__":
    main()
