# SPDX-License-Identifier: Apache-2.0
"""What the comparisons with another emulator share: guests are built, programs measured by turns, figures
shown with their spread and the ratio of the two."""
import os
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "python"))

PEER = "qemu-system-riscv64"


def build(folder, source, *flags):
    """An ELF file of a program in guests/, linked at the beginning of RAM."""
    guests = ROOT / "guests"
    elf = pathlib.Path(folder) / ("-".join([source, *flags]).replace("/", "_") + ".elf")
    if not elf.exists():
        subprocess.run(["riscv64-unknown-elf-gcc", "-O2", "-march=rv64imac_zicsr", "-mabi=lp64",
                        "-mcmodel=medany", "-ffreestanding", "-fno-tree-loop-distribute-patterns",
                        "-nostdlib", "-static", *flags, "-T", guests / "guest.ld",
                        "-Wl,--build-id=none,--no-warn-rwx-segments", "-o", elf, guests / source],
                       check=True)
    return elf


def private_mib(pid):
    rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(line.split()[1]) for line in rollup.splitlines()
               if line.startswith(("Private_Dirty", "Private_Clean"))) / 1024


def show(what, unit, found, note="", width=10):
    """A line of medians with their spread. A ratio is the first's value by the second's, round by round."""
    line = f"{what:{width}}"
    for name, values in found.items():
        line += f" {name} {statistics.median(values):9.2f} {unit} ({min(values):.2f} - {max(values):.2f})"
    if len(found) == 2:
        ratios = [ours / theirs for ours, theirs in zip(*found.values()) if theirs > 0]
        if ratios:
            line += f"  ratio {statistics.median(ratios):5.2f} ({min(ratios):.2f} - {max(ratios):.2f})"
    print(line + note, flush=True)


def by_turns(programs, rounds, measure):
    """{program's name: a value a round}."""
    found = {name: [] for name in programs}
    for _ in range(rounds):
        for name, program in programs.items():
            found[name].append(measure(program))
    return found


def state():
    """Of the host, for the table's head: whether anything else ran."""
    version = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"], capture_output=True,
                             text=True, check=False).stdout.strip()
    print(f"commit {version or 'unknown'}; {os.cpu_count()} processors; load before "
          f"{' '.join(f'{load:.2f}' for load in os.getloadavg())}", flush=True)
