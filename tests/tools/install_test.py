# SPDX-License-Identifier: Apache-2.0
"""Installs a build and uses it as a stranger would: examples/ by find_package, one file by pkg-config.

usage: install_test.py SOURCE BUILD COMPILER
"""

import os
import pathlib
import shlex
import subprocess
import sys
import tempfile

# Each example, and a line that it must print.
EXAMPLES = {"extents": "0x1800..0x1fff"}


def run(*command: str, **options) -> str:
    print("+ " + shlex.join(command), flush=True)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if done.returncode != 0:
        sys.exit(f"{done.stdout}\nfailed with status {done.returncode}")
    return done.stdout


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
        for name, expected in EXAMPLES.items():
            printed = run(f"{out}/{name}")
            if expected not in printed.splitlines():
                sys.exit(f"{name} printed\n{printed}\nand not the line '{expected}'")

        description, = pathlib.Path(prefix).rglob("holdfast.pc")
        flags = run("pkg-config", "--cflags", "--libs", "holdfast",
                    env={**os.environ, "PKG_CONFIG_PATH": str(description.parent)}).split()
        first = next(iter(EXAMPLES))
        run(compiler, "-std=c++23", f"{folder}/source/{first}.cpp", "-o", f"{folder}/by-pkg-config", *flags)
        if run(f"{folder}/by-pkg-config") != run(f"{out}/{first}"):
            sys.exit("built by pkg-config, the example prints something else")

        program = "bin/holdfast"
        if pathlib.Path(build, "holdfast/app/holdfast").is_file() and not pathlib.Path(prefix, program).is_file():
            sys.exit("no bin/holdfast was installed")


if __name__ == "__main__":
    main()
