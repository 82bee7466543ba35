# SPDX-License-Identifier: Apache-2.0
"""What the scripts of this folder share: the way to the client library, and how cases are run."""

import os
import pathlib
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "python"))


def children():
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            status = (entry / "stat").read_text(encoding="utf-8", errors="replace")
        except OSError:  # it has ended
            continue
        if int(status.rpartition(")")[2].split()[1]) == os.getpid():
            yield int(entry.name)


def perform_alone(perform, case):
    """What a failed case started is ended: it holds the output that ctest reads to its end."""
    try:
        perform(case)
    except BaseException:
        for child in children():
            os.kill(child, signal.SIGKILL)
        raise


def run(cases, perform, on_request=()):
    """Performs the cases that the command line names behind the program; without names, `cases`."""
    wanted = sys.argv[2:]
    known = {case.__name__: case for case in (*cases, *on_request)}
    for name in wanted:
        if name not in known:
            sys.exit(f"there is no case '{name}'; there are {', '.join(known)}")
    for case in [known[name] for name in wanted] if wanted else cases:
        began = time.monotonic()
        print(f"{case.__name__} ...", flush=True)
        perform_alone(perform, case)
        print(f"{case.__name__}: passed in {time.monotonic() - began:.1f} s", flush=True)
