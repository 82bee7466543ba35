#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The manual page and the shell completions: well-formed, and every option is in them.

usage: manual_test.py HOLDFAST FOLDER
FOLDER has holdfast.1, holdfast.bash and _holdfast. Asks man and zsh only where they are; says so where not.
"""

import pathlib
import re
import shutil
import subprocess
import sys

PROBE = """
source "$1"; shift
COMP_WORDS=(holdfast "$@"); COMP_CWORD=$#
_holdfast
printf '%s\\n' "${COMPREPLY[@]}"
"""


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        sys.exit(f"{command}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def options_of(program):
    help_text = run(program, "-help").stdout
    options = re.findall(r"^-([A-Za-z_-]+)", help_text, re.MULTILINE)
    if len(options) < 20:
        sys.exit(f"only {len(options)} options in -help")
    return options


def check_page(page, options):
    text = page.read_text(encoding="utf-8")
    entries = {name.replace("\\-", "-") for name in re.findall(r"^\\fB\\-(\S+?)\\fR", text, re.MULTILINE)}
    missing = [option for option in options if option not in entries]
    if missing:
        sys.exit(f"not in the manual page: {missing}")
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith(".") and not re.match(r'\.(\\"|TH|SH|SS|TP|PP|RS|RE|nf|fi|B|I|BR|RI|IR)\b|\.\\"', line):
            sys.exit(f"{page}:{number}: not a request of the page: {line}")
    if shutil.which("man") is None or shutil.which("nroff") is None:
        print("no man here: only the structure of the page was looked at")
        return
    shown = run("man", "--warnings", "--encoding=UTF-8", "-l", str(page), env={"MANWIDTH": "80", "PATH": "/usr/bin:/bin",
                                                                                 "LC_ALL": "C.UTF-8"})
    if shown.stderr:
        sys.exit(f"man warns:\n{shown.stderr}")
    for option in options:
        if not re.search(rf"^ +-{re.escape(option)}( |$)", shown.stdout, re.MULTILINE):
            sys.exit(f"man does not show -{option}")


def complete(script, *words):
    return run("bash", "-c", PROBE, "bash", str(script), *words, cwd="/").stdout.split()


def check_bash(script, options):
    run("bash", "-n", str(script))
    offered = complete(script, "-")
    missing = [option for option in options if f"-{option}" not in offered]
    if missing:
        sys.exit(f"bash does not offer {missing}")
    for words, expected in ((["-no-re"], ["-no-reboot"]), (["-M", "vi"], ["virt"]), (["--accel", "int"], ["interp"]),
                            (["-kernel", "/et"], ["/etc"])):
        if complete(script, *words) != expected:
            sys.exit(f"{words}: bash offers {complete(script, *words)}, not {expected}")


def listed(program, option):
    """The names that `help` lists, as people read them."""
    text = run(program, option, "help").stdout
    return re.findall(r'^(?:  |name ")([\w.-]+)', text, re.MULTILINE)


def check_names(program, bash, zsh):
    """Completions offer what the program says there is."""
    in_zsh = {row[0]: row[1].split() for row in
              re.findall(r"^  '\*-(\S+?)\[.*:\((.*)\)' \\$", zsh.read_text(encoding="utf-8"), re.MULTILINE)}
    for option, least in (("M", 3), ("machine", 3), ("cpu", 2), ("accel", 4), ("device", 8), ("object", 3),
                          ("chardev", 8), ("d", 8)):
        names = listed(program, f"-{option}")
        if len(names) < least:
            sys.exit(f"-{option} help lists {names}")
        for offered in (complete(bash, f"-{option}", ""), in_zsh[option]):
            if sorted(offered) != sorted([*names, "help"]):
                sys.exit(f"-{option}: offered are {offered}, there are {names}")
    keys = re.findall(r"([a-z]+)=", run(program, "-drive", "help").stdout)
    if complete(bash, "-drive", "") != [*(f"{key}=" for key in dict.fromkeys(keys)), "help"] or len(keys) < 6:
        sys.exit(f"-drive: offered are {complete(bash, '-drive', '')}, there are {keys}")


def check_zsh(script, options):
    text = script.read_text(encoding="utf-8")
    if not text.startswith("#compdef holdfast\n"):
        sys.exit(f"{script}: does not say what it completes")
    if shutil.which("zsh") is None:
        print("no zsh here: only the structure of its completion was looked at")
    else:
        run("zsh", "-n", str(script))
    for option in options:
        if not re.search(rf"^  '\*-{re.escape(option)}\[.+\](:.*)?' \\$", text, re.MULTILINE):
            sys.exit(f"{script}: -{option} is missing or malformed")


def main():
    program, folder = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
    options = options_of(program)
    check_page(folder / "holdfast.1", options)
    check_bash(folder / "holdfast.bash", options)
    check_zsh(folder / "_holdfast", options)
    print(f"{len(options)} options")


if __name__ == "__main__":
    main()
