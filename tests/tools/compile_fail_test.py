# SPDX-License-Identifier: Apache-2.0
"""Shows that code which must not compile does not, for the reason meant.

usage: compile_fail_test.py SOURCE MACRO EXPECTED COMPILER FLAG...
The source marks the wrong lines with `#ifdef MACRO`. Without that macro it must compile; with it, the
compiler must fail and what it prints must match the regular expression EXPECTED.
"""

import re
import subprocess
import sys


def compile(command: list[str]) -> tuple[bool, str]:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode == 0, done.stdout


def main() -> None:
    source, macro, expected, *command = sys.argv[1:]
    if not re.search(rf"\b{macro}\b", open(source, encoding="utf-8").read()):
        sys.exit(f"{source} marks no line with {macro}")
    command += ["-std=c++23", "-fsyntax-only", source]
    compiled, printed = compile(command)
    if not compiled:
        sys.exit(f"{printed}\nthe right version of {source} does not compile either")
    compiled, printed = compile([*command, f"-D{macro}"])
    print(printed)
    if compiled:
        sys.exit(f"{source} compiles")
    if not re.search(expected, printed):
        sys.exit(f"{source} does not compile, but not because of '{expected}'")


if __name__ == "__main__":
    main()
