# SPDX-License-Identifier: Apache-2.0
"""Installs a build and uses it as a stranger would: examples/ by find_package and by pkg-config.

usage: install_test.py SOURCE BUILD COMPILER
"""

import os
import pathlib
import shlex
import subprocess
import sys
import tempfile

EXAMPLE = "adder_board"
EXPECTED = """\
sum of 1 to 100: 5050
unplugged: nobody answers
sum of 1 to 100: 5050
plugged again: as it was
"""


def run(*command: str, **options) -> str:
    print("+ " + shlex.join(command), flush=True)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if done.returncode != 0:
        sys.exit(f"{done.stdout}\nfailed with status {done.returncode}")
    return done.stdout


def expect(printed: str) -> None:
    if printed != EXPECTED:
        sys.exit(f"the example printed\n{printed}and not\n{EXPECTED}")


def main() -> None:
    source, build, compiler = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        prefix, out = f"{folder}/prefix", f"{folder}/examples"
        run("cmake", "--install", build, "--prefix", prefix)
        # A copy, so that nothing can reach back into the source tree.
        run("cp", "-r", f"{source}/examples", f"{folder}/source")
        run("cmake", "-G", "Ninja", "-S", f"{folder}/source", "-B", out, f"-DCMAKE_PREFIX_PATH={prefix}",
            f"-DCMAKE_CXX_COMPILER={compiler}", "-DCMAKE_BUILD_TYPE=Debug")
        run("cmake", "--build", out)
        expect(run(f"{out}/{EXAMPLE}"))

        description, = pathlib.Path(prefix).rglob("holdfast.pc")
        flags = run("pkg-config", "--cflags", "--libs", "holdfast",
                    env={**os.environ, "PKG_CONFIG_PATH": str(description.parent)}).split()
        sources = map(str, pathlib.Path(folder, "source").glob("*.cpp"))
        run(compiler, "-std=c++23", *sources, "-o", f"{folder}/by-pkg-config", *flags)
        expect(run(f"{folder}/by-pkg-config"))

        machines = run(f"{prefix}/bin/holdfast", "-M", "help")
        if "virt" not in machines:
            sys.exit(f"the installed program knows these machines:\n{machines}")
        for made in ("man/man1/holdfast.1", "bash-completion/completions/holdfast",
                     "zsh/site-functions/_holdfast"):
            if not pathlib.Path(prefix, "share", made).is_file():
                sys.exit(f"share/{made} is not installed")


if __name__ == "__main__":
    main()
