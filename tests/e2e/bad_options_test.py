#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Command lines that are refused, and the line that says why; every option is in the table.

usage: bad_options_test.py HOLDFAST
"""

import os
import re
import subprocess
import sys
import tempfile

from process_test import World
from tiny_guest import STAY

UUID = "it takes 32 hexadecimal digits as 8-4-4-4-12"
SIZE = "it takes a size, such as 64K, 128M or 2G"
UART = "ns16550a,addr=0x10200000"
PIN = "ns16550a,addr=0x10200000,irq"

# What stands behind the options of a machine that would run, and the error, from its beginning; what
# begins with ~ is a regular expression for all of it.
TABLE = [
    ("-machine spike", "-M spike: unknown machine; '-M help' lists those there are"),
    ("-machine virt,=1", "-machine virt,=1: '' is no key; a key is made of"),
    ("-M virt,nonsense=1", "-M virt: no property 'nonsense'; "),
    ("-M virt,aclint=x", "-M virt,aclint=x: it takes on or off"),
    ("-M virt,dumpdtb=@no/dtb", "~-M virt,dumpdtb=.*/no/dtb: No such file or directory"),
    ("-M virt,memory-backend=x", "-M virt,memory-backend=x: there is no memory 'x'; it takes the id of "),
    ("-M virt,pflash0=x", "-M virt,pflash0=x: there is no drive 'x'; it takes the id of a -drive or the "),
    ("-cpu nonsense", "-cpu nonsense: "),
    ("-cpu rv64,nonsense=1", "-cpu rv64: "),
    ("-accel nonsense", "-accel nonsense: 'nonsense' is no accelerator; there are emu, interp, tcg"),
    ("-accel kvm", "-accel: kvm cannot be used here; -accel help lists what can"),
    ("-smp 0", "-smp 0: cpus is '0'; it takes a whole number from 1 on"),
    ("-smp 513", "-smp 513: machine 'virt' has 1 to 64 CPUs"),
    ("-smp 1000000", "-smp 1000000: machine 'virt' has 1 to 64 CPUs"),
    ("-smp 99999999999", "-smp 99999999999: cpus is '99999999999'; no machine has so many"),
    ("-cpu rv64,priv_spec=v1.11.0", "-cpu rv64: priv_spec is 'v1.11.0'; it takes v1.12.0, which these harts "),
    ("-smp 65", "-smp 65: machine 'virt' has 1 to 64 CPUs"),
    ("-smp 4,sockets=3", "-smp: 3 sockets × 1 cores × 1 threads is 3, not 4; "),
    ("-smp 4,dies=2", "-smp 4,dies=2: dies is '2'; CPUs are in sockets, cores and threads alone, so it"),
    ("-smp 4,rows=2", "-smp 4,rows=2: there is no 'rows'; there are cpus, sockets, cores, threads"),
    ("-m 1X", f"-m 1X: size is '1X'; {SIZE}"),
    ("-m 8M,slots=1", "-m: slots are for memory that may be added, so it takes maxmem=SIZE besides"),
    ("-m 8M,maxmem=4M", "-m: maxmem, 4194304 bytes, is less than the memory there is, 8388608 bytes; "),
    ("-numa nonsense", "-numa nonsense: type is 'nonsense'; it takes node, cpu, dist, hmat-lb, "),
    ("-name a,b=c", "-name a,b=c: there is no 'b'; there are guest, process, debug-threads"),
    ("-name a,debug-threads=1", "-name a,debug-threads=1: debug-threads is '1'; it takes on or off"),
    ("-uuid 12345678-1234-1234-1234-12345678901", f"-uuid 12345678-1234-1234-1234-12345678901: {UUID}"),
    ("-boot xyz", "-boot xyz: order has 'x'; it takes letters from a to p, each a device"),
    ("-boot order=a,once=bb", "-boot order=a,once=bb: once has 'b' twice"),
    ("-boot menu=2", "-boot menu=2: menu is '2'; it takes on or off"),
    ("-boot reboot-timeout=x", "-boot reboot-timeout=x: reboot-timeout is 'x'; it takes a whole number "),
    ("-rtc base=today", "-rtc base=today: base is 'today'; it takes utc, localtime, or a date as "),
    ("-rtc base=2006-02-30", "-rtc base=2006-02-30: base is '2006-02-30'; it takes utc, localtime, or "),
    ("-rtc clock=sun", "-rtc clock=sun: clock is 'sun'; it takes host, rt, vm"),
    ("-bios @missing", "~.*missing.*"),
    ("-kernel @missing", "~.*missing.*"),
    ("-kernel @guest.bin -initrd @missing", "~.*missing.*"),
    ("-initrd @guest.bin", "~-initrd .*guest.bin: it is for a kernel, and there is none; it takes -kernel FILE .*"),
    ("-append quiet", "-append quiet: it is for a kernel, and there is none; it takes -kernel FILE besides"),
    ("-dtb @missing", "~.*missing.*"),
    ("-append", "-append: needs an argument, TEXT"),
    ("-L", "-L: needs an argument, FOLDER"),
    ("-fw_cfg name=x", "-fw_cfg name=x: it takes either file= or string="),
    ("-fw_cfg string=x", "-fw_cfg string=x: name is missing; it takes opt/"),
    ("-semihosting=on", "-semihosting=on: -semihosting takes no argument"),
    ("-semihosting-config target=gdb", "-semihosting-config target=gdb: target is 'gdb'; there is no "),
    ("-semihosting-config colour=red", "-semihosting-config colour=red: there is no 'colour'; there "),
    ("-device nonsense", "-device nonsense: there is no device type 'nonsense'; -device help lists them"),
    ("-device ns16550", "-device ns16550: there is no device type 'ns16550'; did you mean 'ns16550a'?"),
    ("-device ns16550a", "-device ns16550a: addr is missing; it takes the address of its registers"),
    (f"-device {UART},colour=red", f"-device {UART},colour=red: 'ns16550a' has no property 'colour'; it has addr, irq, "),
    (f"-device {UART},chardev=x", f"-device {UART},chardev=x: there is no character back-end 'x'"),
    (f"-device {PIN}=500", f"-device {PIN}=500: plic:in[500]: 'plic:in' has 96 lines"),
    (f"-device {PIN}=10", f"-device {PIN}=10: plic:in[10]: is wired twice"),
    (f"-device {UART},id=a/b", f"-device {UART},id=a/b: id is 'a/b'; it takes letters, digits, "),
    (f"-device {UART},id=a -device {UART},id=a", f"-device {UART},id=a: id 'a' is taken; it takes "),
    ("-device ns16550a,addr=0x10000000", "-device ns16550a,addr=0x10000000: serial0:regs [0x10000000, "),
    ("-device pc-dimm,memdev=x", "-device pc-dimm,memdev=x: 'pc-dimm': the machine has no slots for memory; -m "),
    ("-m 128M,slots=1,maxmem=256M -device pc-dimm,memdev=x",
     "-device pc-dimm,memdev=x: there is no memory 'x'; it takes the id of a memory object"),
    ("-object memory-backend-ram,id=x,size=128M -M virt,memory-backend=x -m 128M,slots=1,maxmem=256M "
     "-device pc-dimm,memdev=x", "-device pc-dimm,memdev=x: memory 'x' is in use by /machine/ram; it takes "),
    ("-smp 1,maxcpus=65", "-smp maxcpus=65: machine 'virt' has room for 64 CPUs"),
    ("-smp 2,maxcpus=3 -device rv64-riscv-cpu,core-id=1",
     "-device rv64-riscv-cpu,core-id=1: core-id 1 is taken by /machine/cpu1; it takes 2"),
    ("-device rv64-riscv-cpu", "-device rv64-riscv-cpu: core-id is missing; none is free"),
    ("-device riscv.sifive.plic,addr=0x18000000,num-priorities=5",
     "-device riscv.sifive.plic,addr=0x18000000,num-priorities=5: /machine/peripheral-anon/device[0]: highest priority"),
    ("-device pci-testdev,bus=nowhere",
     "-device pci-testdev,bus=nowhere: there is no bus 'nowhere'; the machine has pcie.0"),
    ("-device pci-testdev,addr=20", "-device pci-testdev,addr=20: (pci-testdev): property 'addr' does not take '20': it takes DEVICE or DEVICE.FUNCTION in hexadecimal, up to 1f.7"),
    ("-device pci-testdev,addr=0",
     "-device pci-testdev,addr=0: addr is '00.0'; that place on bus 'pcie.0' is taken by /machine/pcie/function"),
    ("-device pci-testdev,addr=2 -device pci-testdev,addr=2",
     "-device pci-testdev,addr=2: addr is '02.0'; that place on bus 'pcie.0' is taken by "),
    ("-device pci-testdev,addr=2 -device pci-testdev,addr=2.1",
     "-device pci-testdev,addr=2.1: addr is '02.1'; function 0 there, "),
    (" ".join(["-device pci-testdev"] * 32),
     "-device pci-testdev: 'pci-testdev' finds no place: all PCI buses are full"),
    ("-device pci-testdev,membar=3", "-device pci-testdev,membar=3: /machine/peripheral-anon/device[0]: membar is 3; "),
    ("-device gpex-pcihost", "-device gpex-pcihost: 'gpex-pcihost' comes with the machine; "),
    ('-device {"driver":"ns16550a","addr":null}', '-device {"driver":"ns16550a","addr":null}: it holds a '),
    ('-device {"driver"', '-device {"driver": it is no JSON; what is wrong is at character '),
    ("-device nonsense,help", "-device nonsense,help: there is no device type 'nonsense'; -device help"),
    ("-object memory-backend-ram", "-object memory-backend-ram: id is missing; it takes a name for the"),
    ("-object nonsense,id=x", "-object nonsense,id=x: there is no type 'nonsense'; there are "),
    ("-object memory-backend-ram,id=x", "-object memory-backend-ram,id=x: size is missing; it takes a "),
    ("-object memory-backend-ram,id=x,size=1M,colour=red",
     "-object memory-backend-ram,id=x,size=1M,colour=red: there is no 'colour'; there are qom-type, "),
    ("-object memory-backend-memfd,id=x,size=16T,hugetlb=on",
     "-object memory-backend-memfd,id=x,size=16T,hugetlb=on: RAM '/objects/x': the host has no 8388608 huge "),
    ("-drive if=pflash,file=@missing", "~-drive if=pflash,file=.*missing: .*No such file or directory"),
    ("-numa node,memdev=x", "-numa node,memdev=x: there is no memory 'x'; it takes the id of an -object"),
    ("-numa node,cpus=9", "-numa node,cpus=9: CPU 9 is not there; there are 1, from 0"),
    ("-fw_cfg name=opt/x,file=@missing", "~-fw_cfg name=opt/x,file=.*missing: .*not found; .*"),
    ("-blockdev nonsense,node-name=x", "-blockdev nonsense,node-name=x: driver is 'nonsense'; there are "),
    ("-drive if=none,id=x,file=nbd:h:65536", "-drive if=none,id=x,file=nbd:h:65536: file is 'nbd:h:65536'; its "
     "port is '65536', and takes a number from 1 to 65535"),
    ("-blockdev nbd,node-name=x,server.host=h,server.port=0", "-blockdev nbd,node-name=x,server.host=h,"
     "server.port=0: server.port is '0'; it takes a number from 1 to 65535 or the name of a service"),
    ("-drive if=pflash", "-drive if=pflash: "),
    ("-drive if=none,id=9bad,file=null-co://", "-drive if=none,id=9bad,file=null-co://: id is '9bad'; it takes letters"),
    ("-drive if=ide,file=@empty", "~-drive if=ide,file=.*empty: .*"),
    ("-pflash @missing", "~-pflash .*missing.*"),
    ("-blockdev file", "-blockdev file: node-name is missing; it takes a name for the node"),
    ("-blockdev node-name=x", "-blockdev node-name=x: driver is missing; it takes the kind of node"),
    ("-global nonsense.a=1", "-global nonsense.a=1: there is no device type 'nonsense'; -device help "),
    ("-global ns16550a.a=1", "-global ns16550a.a=1: 'ns16550a' has no property 'a'; it has chardev, "),
    ("-global ns16550a", "-global ns16550a: driver is missing; it takes a device type; or write "),
    ("-global riscv.sifive.plic.num-sources=5",
     "-global riscv.sifive.plic.num-sources=5: plic:in[5]: 'plic:in' has 5 lines; "),
    ("-set device.x", "-set device.x: it takes GROUP.ID.KEY=VALUE"),
    ("-set device.x.addr=1", "-set device.x.addr=1: there is no device with id 'x' before it"),
    ("-set nonsense.x.addr=1", "-set nonsense.x.addr=1: there is no group 'nonsense'; there are device, "),
    ("-readconfig @missing", "~-readconfig .*/missing: '.*/missing': No such file or directory"),
    ("-readconfig @folder", "~-readconfig .*/folder: '.*/folder': it is no regular file"),
    ("-readconfig @config", "~-readconfig .*/config: line 2: 'x' is no setting; it takes KEY = \"VALUE\""),
    ("-readconfig @group", '~-readconfig .*/group: .nonsense. a=1: there is no group .nonsense.; .*'),
    ("-nodefaults=on", "-nodefaults=on: -nodefaults takes no argument"),
    ("-no-user-config=on", "-no-user-config=on: -no-user-config takes no argument"),
    ("-serial nonsense", "-serial nonsense: 'nonsense' is no back-end; it takes stdio, mon:stdio, "),
    ("-serial chardev:x", "-serial chardev:x: there is no character back-end of that id; -chardev makes"),
    ("-serial null -serial ringbuf", "-serial: machine 'virt' has one serial port"),
    ("-chardev nonsense,id=x", "-chardev nonsense,id=x: there is no back-end 'nonsense'; there are "),
    ("-chardev null", "-chardev null: id is missing; it takes a name for the back-end"),
    ("-chardev null,id=x -chardev null,id=x", "-chardev null,id=x: id 'x' is taken; it takes another"),
    ("-chardev null,id=x,colour=red", "-chardev null,id=x,colour=red: null: there is no 'colour'; there are "),
    ("-nographic=on", "-nographic=on: -nographic takes no argument"),
    ("-display sdl", "-display sdl: 'sdl' is no display; it takes none"),
    ("-vga std", "-vga std: 'std' is no graphics card; it takes none"),
    ("-audio pa", "-audio pa: 'pa' is no audio driver; it takes none"),
    ("-audiodev pa,id=x", "-audiodev pa,id=x: 'pa' is no audio driver; it takes none"),
    ("-monitor nonsense", "-monitor nonsense: "),
    ("-parallel stdio", "-parallel stdio: 'stdio' is no place for a parallel port, of which there are"),
    ("-nic user", "-nic user: 'user' is no network, of which there are none; it takes none"),
    ("-net user", "-net user: 'user' is no network, of which there are none; it takes none"),
    ("-S=on", "-S=on: -S takes no argument"),
    ("-no-reboot=on", "-no-reboot=on: -no-reboot takes no argument"),
    ("-no-shutdown=on", "-no-shutdown=on: -no-shutdown takes no argument"),
    ("-action panic=run", "-action panic=run: panic is 'run'; it takes pause, shutdown, exit-failure, none"),
    ("-action nonsense=x", "-action nonsense=x: there is no 'nonsense'; there are reboot, shutdown, panic"),
    ("-action watchdog=bark", "-action watchdog=bark: watchdog is 'bark'; it takes reset, shutdown, poweroff, "),
    ("-watchdog-action bark", "-watchdog-action bark: 'bark'; it takes reset, shutdown, poweroff, pause, "),
    ("-preconfig=on", "-preconfig=on: -preconfig takes no argument"),
    ("-preconfig -serial null", "-preconfig: nobody could end that; it takes a -qmp or -mon besides"),
    ("-daemonize -serial stdio", "-daemonize: in the background there is no terminal, and -serial stdio"),
    ("-daemonize -nographic", "-daemonize: in the background there is no terminal, and -nographic wants it"),
    ("-daemonize -run-with exit-with-parent=on", "-run-with exit-with-parent=on: in the background there"),
    ("-pidfile @folder", "~-pidfile .*/folder: Is a directory"),
    ("-pidfile @pid -bios @missing", "~.*missing.*"),
    ("-run-with user=x", "-run-with user=x: there is no 'user'; there are exit-with-parent"),
    ("-run-with exit-with-parent=x", "-run-with exit-with-parent=x: exit-with-parent is 'x'; it takes on"),
    ("-d nonsense", "-d nonsense: 'nonsense' is no topic; there are "),
    ("-D @folder", "~.*folder.*"),
    ("-D a%db%d", "-D a%db%d: of signs like % it takes one %d, which the number of the process stands for"),
    ("-trace", "-trace: needs an argument, [enable=]PATTERN"),
    ("-device {'driver':'loader'", "-device {'driver':'loader': it is no JSON: it takes one object, "),
    ("-qmp nonsense", "-qmp nonsense: 'nonsense' is no back-end; it takes "),
    ("-qmp chardev:x", "-mon chardev:x: there is no such back-end"),
    ("-qmp-pretty nonsense", "-qmp-pretty nonsense: 'nonsense' is no back-end; it takes "),
    ("-mon x", "-mon chardev:x: there is no such back-end"),
    ("-mon x,pretty=on", "-mon x,pretty=on: pretty is for mode=control"),
    ("-mon chardev=x,mode=other", "-mon chardev=x,mode=other: mode is 'other'; it takes readline, control"),
    ("-mon mode=control", "-mon mode=control: chardev is missing; it takes the id of a back-end"),
    ("-qtest nonsense", "-qtest nonsense: 'nonsense' is no back-end; it takes "),
    ("-qtest chardev:", "-qtest chardev:: the id is empty; it takes chardev:ID"),
    ("-qtest chardev:x", "-qtest chardev:x: "),
    ("-qtest unix:@missing", "~-qtest unix:.*missing.*"),
    ("-qtest-log=", "-qtest-log : the name is empty; it takes the path of a file, or none"),
    ("-help=all", "-help=all: -help takes no argument"),
    ("-h=all", "-h=all: -h takes no argument"),
    ("-version=1", "-version=1: -version takes no argument"),
    ("-icount 1", "-icount: not supported: instructions do not drive the clock; "),
    ("-enable-kvm", "-enable-kvm: not supported: instructions are emulated; "),
    ("-hda x", "-hda: not supported: no machine has a disk; "),
    ("-nonsense", "-nonsense: unknown option; -help lists them"),
    ("disk.img", "disk.img: not an option; options begin with a dash, and -help lists them"),
]

FILES = {"empty": "", "config": "[device]\nx\n", "group": "[nonsense]\n a = \"1\"\n"}


def options_of(program):
    text = subprocess.run([program, "-help"], capture_output=True, text=True, check=True).stdout
    return re.findall(r"^-([A-Za-z_-]+)", text, re.MULTILINE)


def check(world, guest, line, expected):
    words = [os.path.join(world.folder, word[1:]) if word.startswith("@")
             else re.sub("(?<=[=:])@", world.folder + "/", word) for word in line.split(" ")]
    message = world.refused(*guest, "-display", "none", *words)
    if expected.startswith("~"):
        assert re.fullmatch(expected[1:], message), f"{line}: {message}"
    else:
        assert message.startswith(expected), f"{line}: {message}"


def main():
    program = os.path.abspath(sys.argv[1])
    options = options_of(program)
    tested = {word.lstrip("-").split("=")[0] for line, _ in TABLE for word in line.split(" ")}
    missing = [option for option in options if option not in tested]
    assert not missing, f"options without a row: {missing}"
    with tempfile.TemporaryDirectory() as folder:
        world = World(program, folder)
        guest = world.guest(STAY)
        os.mkdir(world.path("folder"))
        for name, text in FILES.items():
            with open(world.path(name), "w", encoding="utf-8") as file:
                file.write(text)
        wrong = []
        for line, expected in TABLE:
            try:
                check(world, guest, line, expected)
            except AssertionError as error:
                wrong.append(str(error))
        assert not wrong, "\n" + "\n".join(wrong)
    print(f"{len(TABLE)} command lines refused, {len(options)} options")


if __name__ == "__main__":
    main()
