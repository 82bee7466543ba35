#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The emulator as a process: how it starts and ends, what it leaves, what it says when it cannot.

usage: process_test.py HOLDFAST [case...]
"""

import contextlib
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import time

import harness
from holdfast import Client
from tiny_guest import POWER_OFF, RESET, RTC, STAY, fail_with, image, put, send_word, syscon

PATIENCE = 60.0  # seconds without what is waited for: it hangs
A_WHILE = 0.5    # seconds in which something that must not happen would have


class World:
    """The program, and a folder that is empty but for what a case puts there."""

    def __init__(self, program, folder):
        self.program = program
        self.folder = folder

    def path(self, name):
        return os.path.join(self.folder, name)

    def guest(self, *pieces):
        path = self.path("guest.bin")
        with open(path, "wb") as file:
            file.write(image(*pieces))
        return ["-M", "virt", "-m", "8M", "-bios", path]

    def start(self, *arguments, **keywords):
        keywords = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE,
                    "stderr": subprocess.PIPE} | keywords
        return subprocess.Popen([self.program, *arguments], **keywords)

    def run(self, *arguments, status=0, **keywords):
        """Runs it to its end; returns what it wrote."""
        with ended(self.start(*arguments, **keywords)) as process:
            try:
                out, err = process.communicate(timeout=PATIENCE)
            except subprocess.TimeoutExpired as hangs:
                raise AssertionError(f"{arguments}: goes on") from hangs
        assert process.returncode == status, f"{arguments}: status {process.returncode}: {err!r}"
        return (out or b"").decode(), (err or b"").decode()

    def refused(self, *arguments, **keywords):
        """The one line of an error; nothing new may be in the folder."""
        before = sorted(os.listdir(self.folder))
        out, err = self.run(*arguments, status=1, **keywords)
        assert not out, f"{arguments}: wrote {out!r}"
        lines = err.splitlines()
        assert len(lines) == 1, f"{arguments}: not one line: {err!r}"
        assert lines[0].startswith("holdfast: "), lines[0]
        assert sorted(os.listdir(self.folder)) == before, f"{arguments}: left something behind"
        return lines[0].removeprefix("holdfast: ")


@contextlib.contextmanager
def ended(process):
    """Whatever happens, the process is gone afterwards."""
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        if not process.stdout or not process.stdout.closed:
            process.communicate()


def stays(process):
    """It does not end by itself."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        raise AssertionError(f"ended by itself with {process.wait(timeout=A_WHILE)}")


def wait_for_end(pid):
    """Of a process that is nobody's child here."""
    with contextlib.suppress(ProcessLookupError):
        descriptor = os.pidfd_open(pid)
        try:
            ready, _, _ = select.select([descriptor], [], [], PATIENCE)
            assert ready, f"process {pid} goes on"
        finally:
            os.close(descriptor)


def the_guest_says_the_status(world):
    assert world.run(*world.guest(put("a"), syscon(POWER_OFF)), "-nographic")[0] == "a"
    world.run(*world.guest(syscon(fail_with(7))), "-nographic", status=7)
    world.run(*world.guest(syscon(fail_with(7))), "-nographic", "-action", "shutdown=poweroff", status=7)


def a_reset_starts_again_or_ends(world):
    guest = world.guest(put("a"), syscon(RESET), STAY)
    for arguments in (["-no-reboot"], ["-action", "reboot=shutdown"]):
        assert world.run(*guest, "-nographic", *arguments)[0] == "a"
    with ended(world.start(*guest, "-nographic")) as process:
        assert process.stdout.read(3) == b"aaa"
        process.terminate()
        assert process.wait(timeout=PATIENCE) == 0


def switched_off_it_may_stay(world):
    for arguments in (["-no-shutdown"], ["-action", "shutdown=pause"]):
        for ending in (syscon(fail_with(7)), syscon(RESET)):
            more = ["-no-reboot"] if ending == syscon(RESET) else []
            with ended(world.start(*world.guest(put("a"), ending, put("b"), STAY), "-nographic",
                                   *arguments, *more)) as process:
                assert process.stdout.read(1) == b"a"
                stays(process)
                process.terminate()
                out, _ = process.communicate(timeout=PATIENCE)
                assert process.returncode == 0, process.returncode
                assert out == b"", "the CPU went on"


def it_may_start_stopped(world):
    with ended(world.start(*world.guest(put("a"), syscon(POWER_OFF)), "-nographic", "-S")) as process:
        stays(process)
        process.terminate()
        out, _ = process.communicate(timeout=PATIENCE)
        assert (process.returncode, out) == (0, b""), (process.returncode, out)


def signals_end_it_with_status_0(world):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        with ended(world.start(*world.guest(put("a"), STAY), "-nographic")) as process:
            assert process.stdout.read(1) == b"a"
            process.send_signal(number)
            assert process.wait(timeout=PATIENCE) == 0, number


def standard_descriptors_may_be_closed(world):
    guest = world.guest(put("a"), syscon(POWER_OFF))
    for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
        command = f'exec "$0" "$@" {closed}'
        done = subprocess.run(["sh", "-c", command, world.program, *guest, "-nographic"],
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, check=False)
        assert done.returncode == 0, (closed, done)
    reader, writer = os.pipe()
    os.close(reader)
    world.run(*guest, "-nographic", stdout=writer)
    os.close(writer)


def a_full_standard_output_is_an_error(world):
    with open("/dev/full", "wb") as full:
        line = world.refused("-help", stdout=full)
    assert line == "standard output takes nothing", line


def a_log_file_gets_what_was_asked_for(world):
    log = world.path("log")
    guest = world.guest(load_from_a_hole(), syscon(POWER_OFF))
    _, err = world.run(*guest, "-nographic", "-d", "int", "-D", log)
    assert err == "", err
    with open(log, encoding="utf-8") as file:
        assert file.read(), "the log is empty"
    line = world.refused(*guest, "-nographic", "-D", world.path("no/log"))
    assert world.path("no/log") in line, line


def a_log_files_name_may_have_the_process_number(world):
    guest = world.guest(load_from_a_hole(), put("a"), STAY)
    for more in ([], ["-daemonize", "-display", "none", "-pidfile", world.path("pid"), "-serial", "null"]):
        with ended(world.start(*guest, *(more or ["-nographic"]), "-d", "int", "-D", world.path("l%d.log"))) as process:
            if more:
                assert process.wait(timeout=PATIENCE) == 0
                with open(world.path("pid"), encoding="utf-8") as file:
                    pid = int(file.read())
            else:
                assert process.stdout.read(1) == b"a"
                pid = process.pid
            assert os.path.exists(world.path(f"l{pid}.log")), os.listdir(world.folder)
            os.kill(pid, signal.SIGTERM)
            wait_for_end(pid)
    assert world.refused(*guest, "-D", "l%s").endswith("it takes one %d, which the number of the process stands for")


def threads_have_names(world):
    """So that people and tools find the thread of a CPU."""
    guest = world.guest(put("a"), STAY)

    def names(*arguments):
        with ended(world.start(*guest, "-nographic", "-smp", "2", *arguments)) as process:
            assert process.stdout.read(2 if "single" not in arguments[-1] else 1)
            tasks = f"/proc/{process.pid}/task"
            found = []
            for task in [process.pid, *sorted(int(number) for number in os.listdir(tasks))]:
                with open(f"{tasks}/{task}/comm", encoding="utf-8") as file:
                    found.append(file.read().rstrip("\n"))
            process.terminate()
            assert process.wait(timeout=PATIENCE) == 0
        return found[0], set(found)

    assert "CPU 0/TCG" not in names("-name", "x")[1] | names("-name", "x,debug-threads=off")[1]
    main, all_names = names("-name", "guest=x,process=vm-one,debug-threads=on")
    assert main == "vm-one" and {"CPU 0/TCG", "CPU 1/TCG"} <= all_names, (main, all_names)
    assert "ALL CPUs/TCG" in names("-name", "x,debug-threads=on", "-accel", "tcg,thread=single")[1]


def load_from_a_hole():
    """Traps to mtvec, which is 0 after reset, where nothing is; so sets it to what follows first."""
    # auipc t0, 0; addi t0, t0, 20; csrw mtvec, t0; lui t0, 0x18000; lw t1, 0(t0)
    return [0x00000297, 0x01428293, 0x30529073, 0x180002B7, 0x0002A303]


def a_pid_file_is_there_while_it_runs(world):
    pid_file = world.path("pid")
    guest = world.guest(put("a"), STAY)
    with ended(world.start(*guest, "-nographic", "-pidfile", pid_file)) as process:
        assert process.stdout.read(1) == b"a"
        with open(pid_file, encoding="utf-8") as file:
            assert int(file.read()) == process.pid
        line = world.refused(*guest, "-nographic", "-pidfile", pid_file)
        assert line == f"-pidfile {pid_file}: another process runs by it", line
        process.terminate()
        assert process.wait(timeout=PATIENCE) == 0
    assert not os.path.exists(pid_file)
    world.refused(*guest, "-nographic", "-pidfile", pid_file, "-bios", world.path("missing"))
    line = world.refused(*guest, "-nographic", "-pidfile", world.path("no/pid"))
    assert line == f"-pidfile {world.path('no/pid')}: No such file or directory", line


def in_the_background(world):
    pid_file = world.path("pid")
    guest = world.guest(STAY)
    # Relative, though the process moves to another folder.
    world.run(*guest, "-display", "none", "-daemonize", "-pidfile", "pid", cwd=world.folder)
    with open(pid_file, encoding="utf-8") as file:
        pid = int(file.read())
    assert os.getsid(pid) == pid, "it is not on its own"
    os.kill(pid, signal.SIGTERM)
    wait_for_end(pid)
    assert not os.path.exists(pid_file)
    line = world.refused(*guest, "-display", "none", "-daemonize", "-pidfile", pid_file, "-bios",
                         world.path("missing"))
    assert "missing" in line, line


def in_the_background_nobody_wants_the_terminal(world):
    """-nographic is about what has no other place."""
    pid_file = world.path("pid")
    elsewhere = ["-serial", "null", "-monitor", "null"]
    for words in (["-nodefaults", "-machine", "none,accel=kvm:tcg"], [*world.guest(STAY), "-nodefaults"],
                  [*world.guest(STAY), *elsewhere]):
        world.run(*words, "-S", "-nographic", "-daemonize", "-pidfile", pid_file)
        with open(pid_file, encoding="utf-8") as file:
            pid = int(file.read())
        os.kill(pid, signal.SIGTERM)
        wait_for_end(pid)
    for words in ([], elsewhere[:2], elsewhere[2:]):
        line = world.refused(*world.guest(STAY), *words, "-nographic", "-daemonize")
        assert line.startswith("-daemonize: in the background there is no terminal, and -nographic wants it"), line


def in_the_background_before_the_machine_is_made(world):
    """The one that waits for that goes on by the monitor."""
    guest = world.guest(STAY)
    socket = world.path("qmp")
    # A file for what it says: who waits in vain holds a pipe open.
    with open(world.path("said"), "wb") as said, ended(world.start(
            *guest[:-1], "guest.bin", "-display", "none", "-preconfig", "-daemonize", "-pidfile", "pid",
            "-qmp", f"unix:{socket},server=on,wait=off", cwd=world.folder, stdout=said, stderr=said)) as process:
        assert process.wait(timeout=PATIENCE) == 0
    with open(world.path("pid"), encoding="utf-8") as file:
        pid = int(file.read())
    with Client.connect(socket) as client:
        assert client.execute("query-status")["status"] == "prelaunch"
        client.execute("x-exit-preconfig")
        client.wait_event("RESUME")  # so the guest was found, though its path is relative
        assert os.readlink(f"/proc/{pid}/cwd") == "/"
        client.execute("quit")
    wait_for_end(pid)


def it_may_end_with_its_parent(world):
    script = '"$@" & echo "$!"; read line'
    parent = subprocess.Popen(["sh", "-c", script, "sh", world.program, *world.guest(put("a"), STAY),
                               "-nographic", "-run-with", "exit-with-parent=on"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    text = b""
    while not (b"a" in text and b"\n" in text):  # it runs, so it has asked for the signal
        text += os.read(parent.stdout.fileno(), 100)
    pid = int(text.replace(b"a", b""))
    parent.kill()
    parent.communicate()
    wait_for_end(pid)


def the_clock_starts_where_it_should(world):
    guest = world.guest(send_word(RTC), send_word(RTC + 4), syscon(POWER_OFF))
    for arguments, expected in (([], time.time()), (["-rtc", "base=utc"], time.time()),
                                (["-rtc", "base=2006-06-17T16:01:21,clock=vm"], 1150560081),
                                (["-accel", "tcg,thread=single", "-rtc", "base=2006-06-17"], 1150502400),
                                (["-rtc", "base=1999-12-31"], 946598400)):
        with ended(world.start(*guest, "-nographic", *arguments)) as process:
            seconds = int.from_bytes(process.stdout.read(8), "little") / 1e9
            assert process.wait(timeout=PATIENCE) == 0
        assert expected - 1 < seconds < expected + PATIENCE, (arguments, seconds)


def devices_may_be_added(world):
    other = 0x1020_0000
    code = syscon(fail_with(9))
    at_other = [other >> 12 << 12 | 5 << 7 | 0x37, *code[2:]]  # lui t0
    guest = world.guest(at_other, STAY)
    device = ["-device", f"riscv.sifive.test,addr={other:#x}"]
    world.run(*guest, "-nographic", *device, status=9)
    json = ["-device", f'{{"driver": "riscv.sifive.test", "addr": {other}, "id": "it"}}']
    world.run(*guest, "-nographic", *json, status=9)
    config = world.path("config")
    with open(config, "w", encoding="utf-8") as file:
        file.write('[device "it"]\n  driver = "riscv.sifive.test"\n  addr = "0"\n')
    world.run(*guest, "-nographic", "-readconfig", config, "-set", f"device.it.addr={other}", status=9)
    console = ["-chardev", f"file,id=c,path={world.path('out')}", "-device",
               f"ns16550a,addr={other:#x},chardev=c,irq=20"]
    at_other = [word if word >> 12 != 0x10000 else other | word & 0xFFF for word in put("hello")]
    world.run(*world.guest(at_other, syscon(POWER_OFF)), "-nographic", *console)
    with open(world.path("out"), encoding="utf-8") as file:
        assert file.read() == "hello"


def spellings_of_others(world):
    """What people write who come from elsewhere."""
    ram = 0x8010_0000
    auipc = 0x00100297  # t0, 0x100: 1 MiB on, which lui cannot say of that address
    guest = world.guest([auipc, *send_word(ram)[2:]], syscon(POWER_OFF))
    for words, expected in ((["-device", f"loader,addr={ram:#x},data=-1,data-len=4"], b"\xff\xff\xff\xff"),
                            (["-device", f"loader,addr={ram:#x},data=-2,data-len=2"], b"\xfe\xff\x00\x00"),
                            (["-device", f"{{'driver':'loader','addr':{ram},'data':258,'data-len':4}}"],
                             b"\x02\x01\x00\x00"),
                            (["-object", "{'qom-type': 'memory-backend-ram', 'id': 'm', 'size': 8388608}", "-M",
                              "memory-backend=m"], bytes(4)),
                            (["-blockdev", "{'driver': 'null-co', 'node-name': 'n', 'size': 1024}"], bytes(4)),
                            (["-cpu", "rv64,priv_spec=v1.12.0"], bytes(4)),
                            (["-semihosting-config", "enable"], bytes(4)),
                            (["-serial", "stdio", "-serial", "null", "-serial", "none"], bytes(4)),
                            (["-audiodev", "none,id=x,out.frequency=8000"], bytes(4)),
                            (["-m", "slots=2,maxmem=1G"], bytes(4))):
        with ended(world.start(*guest, "-display", "none", *(words if "-serial" in words else
                                                             ["-serial", "stdio", *words]))) as process:
            out, err = process.communicate(timeout=PATIENCE)
        assert (out, process.returncode) == (expected, 0), (words, out, err)
        assert err == b"", (words, err)
    _, err = world.run(*guest, "-nographic", "-trace", "memory_region*")
    assert "-trace memory_region*: there are no trace points" in err and err.count("\n") == 1, err


def options_explain_themselves(world):
    for words, expected in ((["-device", "loader,help"], "loader options:\n  addr=<uint64>"),
                            (["-accel", "tcg,help"], "-accel NAME[,thread=single|multi]"),
                            (["-drive", "help"], "-drive [if="), (["-display", "help"], "-display none"),
                            (["-trace", "help"], "what -d can log:\n")):
        assert world.run(*words)[0].startswith(expected), (words, world.run(*words))
    keys = [line.split("=")[0].strip() for line in world.run("-device", "loader,help")[0].splitlines()[1:]]
    assert len(keys) == 7, keys
    for key in keys:  # each is known where it counts
        line = world.refused(*world.guest(STAY), "-nographic", "-device", f"loader,{key}=/no,nonsense=1")
        assert "there is no" not in line or "'nonsense'" in line, line


def firmware_without_its_symbols(world):
    """What an ELF file has behind its segments is for people."""
    whole = "/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.elf"
    with open(whole, "rb") as file:
        cut = file.read()[:-64]
    with open(world.path("cut.elf"), "wb") as file:
        file.write(cut)
    arguments = ["-M", f"virt,dumpdtb={world.path('dtb')}", "-display", "none"]
    assert world.run(*arguments, "-bios", whole)[1] == ""
    _, err = world.run(*arguments, "-bios", world.path("cut.elf"))
    assert err.count("\n") == 1 and err.endswith("it is loaded without its symbols\n"), err


def harts_and_memory_may_be_added(world):
    """A hart that is added stores into a module of RAM that is added; the first one waits for that."""
    first = [0x00300293,                  # li t0, 3
             0x01e29293,                  # slli t0, t0, 30: the module
             0xf1402573,                  # csrr a0, mhartid
             0x00050663,                  # beqz a0, +12
             0x00a2a023,                  # sw a0, 0(t0)
             0x0000006f,                  # j .
             0x0002a583,                  # lw a1, 0(t0)
             0xfe058ee3]                  # beqz a1, -4
    guest = world.guest(first, syscon(fail_with(9)))
    world.run(*guest, "-nographic", "-smp", "1,maxcpus=4", "-m", "128M,slots=2,maxmem=256M",
              "-object", "memory-backend-ram,id=m1,size=64M", "-device", "pc-dimm,memdev=m1,id=d1",
              "-device", "rv64-riscv-cpu,core-id=3", status=9)


def the_name_says_the_architecture(world):
    for name, status in (("any-system-riscv64", 0), ("any-system-arm", 0), ("any-system-m68k", 1)):
        link = world.path(name)
        os.symlink(world.program, link)
        done = subprocess.run([link, "-version"], capture_output=True, text=True, check=False)
        assert done.returncode == status, done
        if status:
            assert done.stderr == ("any-system-m68k: there is no architecture 'm68k', which the program's name says; "
                                   "there are arm, riscv64\n"), done.stderr
        else:
            assert re.search(r"QEMU emulator version 8\.2\.0 \(.+\)\n", done.stdout), done.stdout
    machines = {name: subprocess.run([world.path(f"any-system-{name}"), "-M", "help"], capture_output=True, text=True,
                                     check=True).stdout for name in ("arm", "riscv64")}
    assert "\n  virt " in machines["riscv64"] and "iot01a" not in machines["riscv64"], machines
    assert "\n  b-l475e-iot01a " in machines["arm"] and "\n  virt " not in machines["arm"], machines
    done = subprocess.run([world.path("any-system-arm"), "-M", "virt"], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and done.stderr.startswith("any-system-arm: -M virt: unknown machine"), done
    done = subprocess.run([world.path("any-system-riscv64"), "-M", "virt", "-bios", "none", "-display", "none", "-trace",
                           "x", "-daemonize", "-device", "nonsense"], capture_output=True, text=True, check=False)
    warning, error = done.stderr.splitlines()
    assert warning.startswith("any-system-riscv64: warning: -trace x: "), warning
    assert error.startswith("any-system-riscv64: -device nonsense: "), error
    done = subprocess.run([world.path("any-system-riscv64"), *world.guest(syscon(fail_with(9))),
                           "-nographic"], capture_output=True, check=False)
    assert done.returncode == 9, done


CASES = [the_guest_says_the_status, a_reset_starts_again_or_ends, switched_off_it_may_stay,
         it_may_start_stopped, signals_end_it_with_status_0, standard_descriptors_may_be_closed,
         a_full_standard_output_is_an_error, a_log_file_gets_what_was_asked_for,
         a_log_files_name_may_have_the_process_number, threads_have_names, spellings_of_others,
         options_explain_themselves, firmware_without_its_symbols,
         a_pid_file_is_there_while_it_runs, in_the_background, in_the_background_nobody_wants_the_terminal,
         in_the_background_before_the_machine_is_made, it_may_end_with_its_parent,
         the_clock_starts_where_it_should, devices_may_be_added,
         harts_and_memory_may_be_added, the_name_says_the_architecture]


def main():
    def perform(case):
        with tempfile.TemporaryDirectory() as folder:
            case(World(os.path.abspath(sys.argv[1]), folder))

    harness.run(CASES, perform)


if __name__ == "__main__":
    main()
