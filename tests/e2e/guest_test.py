#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Freestanding programs of our own, started as instruction-set tests and teaching kernels are.

usage: guest_test.py HOLDFAST [case...]
"""
import gzip
import pathlib
import subprocess
import sys
import tempfile

import harness

GUESTS = pathlib.Path(__file__).resolve().parent.parent.parent / "guests"
PATIENCE = 120.0  # seconds; more means that the machine hangs


class Guest:
    """A folder with programs, and the emulator to run them on."""

    def __init__(self, program, folder):
        self.program = program
        self.folder = pathlib.Path(folder)

    def build(self, source, name, *flags):
        """An ELF file from a source in guests/, linked at the beginning of RAM."""
        elf = self.folder / f"{name}.elf"
        subprocess.run(["riscv64-unknown-elf-gcc", "-O1", "-march=rv64imac_zicsr", "-mabi=lp64",
                        "-mcmodel=medany", "-ffreestanding", "-nostdlib", "-static", "-Wall",
                        "-Werror", "-T", GUESTS / "guest.ld",
                        "-Wl,--build-id=none,--no-warn-rwx-segments", *flags, "-o", elf,
                        GUESTS / source], check=True)
        return elf

    def binary(self, elf):
        raw = elf.with_suffix(".bin")
        subprocess.run(["riscv64-unknown-elf-objcopy", "-O", "binary", elf, raw], check=True)
        return raw

    def run(self, *arguments, status, text=None, lines=None, keys=""):
        """The machine ends by itself with the status, having printed the text, or the lines in any
        order."""
        done = subprocess.run([self.program, "-M", "virt", "-m", "64M", "-nographic", *arguments],
                              input=keys, capture_output=True, text=True, timeout=PATIENCE, check=False)
        said = f"{arguments}: status {done.returncode}\n{done.stdout}{done.stderr}"
        assert done.returncode == status, said
        assert text is None or done.stdout == text, said
        assert lines is None or sorted(done.stdout.splitlines()) == sorted(lines), said
        return done


HTIF_TEXT = "htif console\ncall\n"


def exit_status_by_htif(guest):
    """tohost and fromhost by the symbols of an ELF file, as firmware and as kernel."""
    for value, status in ((0, 0), (1, 1), (41, 41), (255, 255), (256, 255), (1337, 255)):
        elf = guest.build("htif.S", f"htif{value}", f"-Wa,--defsym,STATUS={value}")
        guest.run("-bios", elf, status=status, text=HTIF_TEXT)
        guest.run("-bios", "none", "-kernel", elf, "-smp", "2", status=status, text=HTIF_TEXT)


def half_a_command_by_htif(guest):
    elf = guest.build("htif.S", "half", "-Wa,--defsym,STATUS=9", "-Wa,--defsym,HALF=1")
    guest.run("-bios", elf, status=9, text=HTIF_TEXT)


def kernel_lines(harts):
    return (["kernel is booting"] + [f"hart {i} starting" for i in range(1, harts)]
            + [f"hart {i} is back from user mode" for i in range(harts)])


def teaching_kernel(guest):
    """All harts, from M mode down to U mode and back, under page tables."""
    for harts in (1, 2, 3):
        elf = guest.build("teaching_kernel.c", f"kernel{harts}", f"-DHARTS={harts}")
        guest.run("-bios", "none", "-kernel", elf, "-smp", str(harts), status=0,
                  lines=kernel_lines(harts))


def kernel_hears_the_console(guest):
    elf = guest.build("teaching_kernel.c", "echo", "-DECHO")
    guest.run("-bios", "none", "-kernel", elf, status=0, keys="k",
              text="\n".join([*kernel_lines(1), "type a key", "k", ""]))


def kernel_is_woken_by_a_key(guest):
    """The key comes when all harts sleep."""
    elf = guest.build("teaching_kernel.c", "wakes", "-DECHO", "-DHARTS=2")
    for threads in ("multi", "single"):
        with subprocess.Popen([guest.program, "-M", "virt", "-nographic", "-bios", "none", "-smp", "2",
                               "-accel", f"tcg,thread={threads}", "-kernel", elf],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            text = b""
            while b"type a key" not in text:
                more = process.stdout.read1()
                assert more, text
                text += more
            rest, _ = process.communicate(b"k", timeout=PATIENCE)
            assert rest.endswith(b"k\n") and process.returncode == 0, (text, rest, process.returncode)


def formats(guest):
    """The same program as ELF file, raw image, and each packed."""
    elf = guest.build("teaching_kernel.c", "kernel")
    raw = guest.binary(elf)
    for path in (elf, raw):
        packed = path.with_name(path.name + ".gz")
        packed.write_bytes(gzip.compress(path.read_bytes()))
        for name in (path, packed):
            guest.run("-bios", name, status=0, lines=kernel_lines(1))
            guest.run("-bios", "none", "-kernel", name, status=0, lines=kernel_lines(1))


def loader_device(guest):
    """A program, a number and a start by -device loader, as QEMU's generic loader does it."""
    elf = guest.build("teaching_kernel.c", "kernel")
    raw = guest.binary(elf)
    printed = {"status": 0, "lines": kernel_lines(1)}
    guest.run("-bios", "none", "-device", f"loader,file={elf},cpu-num=0", **printed)
    guest.run("-bios", "none", "-device", f"loader,file={raw},addr=0x80000000", **printed)
    guest.run("-bios", "none", "-device", f"loader,file={raw},addr=0x80000000,force-raw=on",
              "-device", "loader,addr=0x80000000,cpu-num=0", **printed)
    # An instruction of its own: a jump to the program from where it is not.
    guest.run("-bios", "none", "-kernel", elf,
              "-device", "loader,addr=0x80800000,data=0x80000fb7,data-len=4",    # lui t6, 0x80000
              "-device", "loader,addr=0x80800004,data=0x020f9f93,data-len=4",    # slli t6, t6, 32
              "-device", "loader,addr=0x80800008,data=0x020fdf93,data-len=4",    # srli t6, t6, 32
              "-device", "loader,addr=0x8080000c,data=0x67800f0000000000,data-len=4,data-be=on",  # jr t6
              "-device", "loader,addr=0x80800000,cpu-num=0", **printed)
    for wrong, word in (("", "nothing to do"), (",data=1", "data-len"),
                        (",data=1,data-len=9", "data-len=9"), (",cpu-num=1", "cpu-num=1"),
                        (",file=/no/such,addr=0", "/no/such"), (",force-raw=on", "force-raw"),
                        (f",file={elf},data=1,data-len=1", "one of them"),
                        (",address=1", "address")):
        done = guest.run("-bios", "none", "-device", "loader" + wrong, status=1, text="")
        assert len(done.stderr.splitlines()) == 1 and word in done.stderr, f"{wrong}: {done.stderr}"


def firmware_by_name(guest):
    """A name is looked for in the folders of -L."""
    elf = guest.build("htif.S", "mine", "-Wa,--defsym,STATUS=5")
    guest.run("-L", str(guest.folder), "-bios", elf.name, status=5, text=HTIF_TEXT)
    done = guest.run("-bios", "no-such-firmware", status=1, text="")
    assert "no-such-firmware" in done.stderr, done.stderr


def one_thread_is_deterministic(guest):
    """-accel tcg,thread=single: the same output, instruction counts and times, twice."""
    for harts in (1, 2, 4):
        elf = guest.build("teaching_kernel.c", f"counts{harts}", "-DCOUNTS", f"-DHARTS={harts}")
        machine = ("-bios", "none", "-kernel", elf, "-smp", str(harts))
        first, second = (guest.run("-accel", "tcg,thread=single", *machine, status=0).stdout
                         for _ in range(2))
        assert first.count(" has run ") == harts, first
        assert first == second, f"{harts} harts: two runs differ:\n{first}\n{second}"
        spoken = [line for line in first.splitlines() if " has run " not in line]
        assert sorted(spoken) == sorted(kernel_lines(harts)), first
        assert guest.run(*machine, status=0).stdout.count(" has run ") == harts


SEMIHOSTING_TEXT = "text\nx\nconsole\n"


def semihosting(guest):
    """Each operation, from a guest that checks what comes back; the file that it leaves."""
    left = guest.folder / "left"
    arguments = f"arg={left},arg=word"
    for status in (0, 3):
        elf = guest.build("semihosting.c", f"calls{status}", f"-DSTATUS={status}")
        for threads in ("multi", "single"):
            done = guest.run("-bios", elf, "-accel", f"tcg,thread={threads}",
                             "-semihosting-config", f"enable=on,target=native,{arguments}",
                             status=status, text="")
            assert done.stderr == SEMIHOSTING_TEXT, done.stderr
            content = left.read_bytes()
            assert content == bytes(i * 7 & 0xff for i in range(5000)) + b"end", content[-20:]
    # Not asked for: an EBREAK is an EBREAK, and its handler ends the machine with 77.
    guest.run("-bios", elf, status=77, text="")
    guest.run("-bios", "none", "-kernel", guest.build("semihosting.c", "exit", "-DSTATUS=1", "-DSPINS"),
              "-semihosting-config", arguments, status=0, text="")


def semihosting_console(guest):
    """A guest that waits for a line on a back-end of its own, and goes on when it comes."""
    elf = guest.build("semihosting.c", "reads", "-DSTATUS=4", "-DREADS")
    for threads in ("multi", "single"):
        done = guest.run("-bios", elf, "-accel", f"tcg,thread={threads}", "-serial", "none",
                         "-chardev", "stdio,id=talk", "-semihosting-config",
                         f"chardev=talk,arg={guest.folder / 'x'},arg=word", keys="hello\n!",
                         status=4, text="hello\n" + SEMIHOSTING_TEXT)
        assert not done.stderr, done.stderr
    done = guest.run("-bios", elf, "-semihosting-config", "chardev=nobody", status=1, text="")
    assert "nobody" in done.stderr, done.stderr


CASES = [exit_status_by_htif, half_a_command_by_htif, teaching_kernel, kernel_hears_the_console, kernel_is_woken_by_a_key,
         formats, loader_device, firmware_by_name,
         one_thread_is_deterministic, semihosting, semihosting_console]


def main():
    def perform(case):
        with tempfile.TemporaryDirectory() as folder:
            case(Guest(sys.argv[1], folder))

    harness.run(CASES, perform)


if __name__ == "__main__":
    main()
