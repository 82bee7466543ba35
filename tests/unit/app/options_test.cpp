// SPDX-License-Identifier: Apache-2.0
#include "holdfast/app/options.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "holdfast/app/options/table.hpp"
#include "holdfast/base/log.hpp"
#include "holdfast/control/version.hpp"

namespace holdfast::app {
namespace {

using Arguments = std::vector<const char*>;
using Items = std::vector<KeyValue>;

Options read(const Arguments& words) {
  auto options = parse_options(words);
  EXPECT_TRUE(options) << (options ? "" : options.error().message);
  return options.value_or(Options{});
}

std::string refusal_of(const Arguments& words) {
  const auto options = parse_options(words);
  return options ? "accepted" : options.error().message;
}

TEST(Options, NothingGivenLeavesTheChoiceToTheMachine) {
  const auto o = read({});
  EXPECT_EQ(o.action, Action::kRun);
  EXPECT_EQ(o.machine, std::nullopt);
  EXPECT_EQ(o.memory, std::nullopt);
  EXPECT_EQ(o.topology, Topology{});
  EXPECT_EQ(o.serials, std::vector<std::string>{"serial0"});
  EXPECT_EQ(o.on_reboot, OnReboot::kReset);
  EXPECT_EQ(o.on_shutdown, OnShutdown::kPowerOff);
  EXPECT_EQ(o.start, Start::kRunning);
  EXPECT_EQ(o.log_topics, 0U);
}

TEST(Options, AWholeBootCommand) {
  const auto o = read({"-M", "virt", "-m", "256M", "-smp", "2", "-bios", "fw.elf", "-kernel", "u-boot",
                       "-initrd", "rd", "-append", "root=/dev/vda -x, y", "-dtb", "a.dtb",
                       "-nographic", "-no-reboot", "-name", "one", "-cpu", "rv64,v=on,vlen=128"});
  EXPECT_EQ(o.machine, "virt");
  EXPECT_EQ(o.memory, std::uint64_t{256} << 20);
  EXPECT_EQ(o.topology, (Topology{2, 1, 2, 1, 2}));
  EXPECT_EQ(o.bios, "fw.elf");
  EXPECT_EQ(o.kernel, "u-boot");
  EXPECT_EQ(o.initrd, "rd");
  EXPECT_EQ(o.append, "root=/dev/vda -x, y");
  EXPECT_EQ(o.dtb, "a.dtb");
  EXPECT_EQ(o.display, Display::kNone);
  EXPECT_EQ(o.on_reboot, OnReboot::kShutdown);
  EXPECT_EQ(o.name, "one");
  EXPECT_EQ(o.cpu, "rv64");
  EXPECT_EQ(o.cpu_properties, (Items{{"v", "on"}, {"vlen", "128"}}));
}

TEST(Options, OneDashOrTwo) {
  EXPECT_EQ(read({"--machine", "virt"}).machine, "virt");
  EXPECT_EQ(read({"-machine", "virt"}).machine, "virt");
  EXPECT_EQ(read({"-machine=virt"}).machine, "virt");
}

TEST(Options, MachineGivenAgainMerges) {
  const auto o = read({"-M", "virt,a=1,b=2", "-machine", "b=3,c=4"});
  EXPECT_EQ(o.machine, "virt");
  EXPECT_EQ(o.machine_properties,
            (Items{{"a", "1"}, {"b", "3"}, {"c", "4"}}));
  EXPECT_EQ(read({"-M", "virt", "-M", "spike"}).machine, "spike");
  EXPECT_EQ(read({"-M", "type=virt"}).machine, "virt");
}

TEST(Options, MachineSpeaksForSmpMemoryAndAccelerator) {
  const auto o = read({"-machine", "smp.cpus=8,smp.sockets=2,memory.size=64M,accel=interp"});
  EXPECT_EQ(o.machine, std::nullopt);
  EXPECT_TRUE(o.machine_properties.empty());
  EXPECT_EQ(o.topology, (Topology{8, 2, 4, 1, 8}));
  EXPECT_EQ(o.memory, std::uint64_t{64} << 20);
  EXPECT_EQ(o.accelerator, Accelerator::kInterpreter);
  EXPECT_EQ(read({"-smp", "4", "-machine", "smp.cpus=2"}).topology.cpus, 2U);
}

TEST(Options, MemoryInMiBOrWithASuffix) {
  EXPECT_EQ(read({"-m", "384"}).memory, std::uint64_t{384} << 20);
  EXPECT_EQ(read({"-m", "128M"}).memory, std::uint64_t{128} << 20);
  EXPECT_EQ(read({"-m", "size=2G"}).memory, std::uint64_t{2} << 30);
  EXPECT_EQ(read({"-m", "4K"}).memory, 4096U);
  EXPECT_EQ(read({"-m", "1.5G"}).memory, std::uint64_t{1536} << 20);
  EXPECT_EQ(read({"-m", "1G,slots=0,maxmem=1G"}).memory, std::uint64_t{1} << 30);
  EXPECT_EQ(read({"-m", "64M", "-m", "32M"}).memory, std::uint64_t{32} << 20);
}

TEST(Options, MemoryThatIsRefused) {
  const std::string shape = "; it takes a size, such as 64K, 128M or 2G";
  EXPECT_EQ(refusal_of({"-m", "lots"}), "-m lots: size is 'lots'" + shape);
  EXPECT_EQ(refusal_of({"-m", "16E"}), "-m 16E: size is '16E'" + shape);
  EXPECT_EQ(refusal_of({"-m", "-1"}), "-m -1: size is '-1'" + shape);
  EXPECT_EQ(refusal_of({"-m", "0"}),
            "-m: 0 bytes cannot be the size of memory; it takes a positive multiple of 4K");
  EXPECT_EQ(refusal_of({"-m", "5000B"}),
            "-m: 5000 bytes cannot be the size of memory; it takes a positive multiple of 4K");
  EXPECT_EQ(refusal_of({"-m", ""}), "-m : it takes a size, such as 128M or 2G");
  EXPECT_EQ(refusal_of({"-m", "128M,color=red"}),
            "-m 128M,color=red: there is no 'color'; there are size, slots, maxmem, max-size");
  EXPECT_EQ(refusal_of({"-m", "128M,slots=x"}),
            "-m 128M,slots=x: slots is 'x'; it takes a whole number from 0 to 256");
  EXPECT_EQ(refusal_of({"-m", "1G,maxmem=128M"}),
            "-m: maxmem, 134217728 bytes, is less than the memory there is, 1073741824 bytes; it "
            "takes at least as much");
  EXPECT_EQ(refusal_of({"-m", "128M,slots=2"}),
            "-m: slots are for memory that may be added, so it takes maxmem=SIZE besides");
}

TEST(Options, MemoryThatMayBeAdded) {
  const auto o = read({"-m", "size=128M,slots=2,maxmem=1G"});
  EXPECT_EQ(o.memory, std::uint64_t{128} << 20);
  EXPECT_EQ(o.memory_slots, 2U);
  EXPECT_EQ(o.memory_max, std::uint64_t{1} << 30);
}

TEST(Options, CpusThatAreRefused) {
  EXPECT_EQ(refusal_of({"-smp", "0"}), "-smp 0: cpus is '0'; it takes a whole number from 1 on");
  EXPECT_EQ(refusal_of({"-smp", ""}), "-smp : it takes a number of CPUs");
  EXPECT_EQ(refusal_of({"-smp", "4,sockets=3"}).substr(0, 6), "-smp: ");
}

Items chardev(const Options& options, std::string_view id) {
  for (const auto& group : options.chardevs)
    if (group.id() == id) return group.items;
  return {};
}

TEST(Options, SerialPortsAreCharacterBackEnds) {
  const auto o = read({"-serial", "mon:stdio", "-serial", "null", "-serial", "none", "-chardev",
                       "null,id=c", "-serial", "chardev:c"});
  EXPECT_EQ(o.serials, (std::vector<std::string>{"serial0", "serial1", "", "c"}));
  EXPECT_EQ(chardev(o, "serial0"),
            (Items{{"backend", "stdio"}, {"mux", "on"}, {"signal", "off"}, {"id", "serial0"}}));
  EXPECT_EQ(chardev(o, "serial1"), (Items{{"backend", "null"}, {"id", "serial1"}}));
}

TEST(Options, SerialPortsInShort) {
  const auto first = [](const char* text) { return chardev(read({"-serial", text}), "serial0"); };
  const KeyValue socket{"backend", "socket"};
  const KeyValue id{"id", "serial0"};
  EXPECT_EQ(first("file:a,b"), (Items{{"backend", "file"}, {"path", "a,b"}, id}));
  EXPECT_EQ(first("pipe:/p"), (Items{{"backend", "pipe"}, {"path", "/p"}, id}));
  EXPECT_EQ(first("pty"), (Items{{"backend", "pty"}, id}));
  EXPECT_EQ(first("unix:/s,server,nowait"),
            (Items{socket, {"path", "/s"}, {"server", "on"}, {"wait", "off"}, id}));
  EXPECT_EQ(first("tcp::4444,server=on"),
            (Items{socket, {"host", ""}, {"port", "4444"}, {"server", "on"}, id}));
  EXPECT_EQ(first("mon:telnet:[::1]:23"),
            (Items{socket, {"host", "::1"}, {"port", "23"}, {"telnet", "on"}, {"mux", "on"}, id}));
}

TEST(Options, SerialPortsThatNobodyAskedFor) {
  const std::vector<std::string> terminal{"serial0"};
  const std::vector<std::string> none;
  EXPECT_EQ(read({"-nographic"}).serials, terminal);
  EXPECT_EQ(chardev(read({"-nographic", "-serial", "null"}), "serial0").front().value, "null");
  EXPECT_EQ(read({"-display", "none"}).serials, none);
  EXPECT_EQ(read({"-display", "none", "-nographic"}).serials, terminal);
  EXPECT_EQ(read({"-nodefaults", "-nographic"}).serials, none);
}

/// "serial0 for people, c for programs"
std::string monitors(const Options& options) {
  std::string text;
  for (const MonitorOption& monitor : options.monitors)
    text += (text.empty() ? "" : ", ") + monitor.chardev +
            (monitor.mode == MonitorOption::Mode::kReadline ? " for people" : " for programs");
  return text;
}

TEST(Options, WhereMonitorsAre) {
  const auto where = [](std::vector<const char*> arguments) { return monitors(read(arguments)); };
  EXPECT_EQ(where({"-nographic"}), "serial0 for people");
  EXPECT_EQ(where({}), "serial0 for people");
  EXPECT_EQ(where({"-serial", "mon:stdio"}), "serial0 for people");
  EXPECT_EQ(where({"-nographic", "-monitor", "none"}), "");
  EXPECT_EQ(where({"-nographic", "-serial", "null"}), "compat_monitor0 for people");
  EXPECT_EQ(where({"-nographic", "-serial", "stdio"}), "") << "the terminal is taken";
  EXPECT_EQ(where({"-nographic", "-qmp", "unix:/q"}), "compat_monitor0 for programs");
  EXPECT_EQ(where({"-nodefaults", "-nographic"}), "");
  EXPECT_EQ(where({"-display", "none"}), "");
  EXPECT_EQ(where({"-display", "none", "-monitor", "stdio", "-qmp", "unix:/q"}),
            "compat_monitor0 for people, compat_monitor1 for programs");
  EXPECT_EQ(where({"-chardev", "pty,id=c", "-mon", "c"}), "c for people");
  EXPECT_EQ(where({"-chardev", "pty,id=c", "-mon", "chardev=c,mode=readline"}), "c for people");
  EXPECT_EQ(where({"-chardev", "pty,id=c", "-mon", "chardev=c,mode=control"}), "c for programs");
  EXPECT_EQ(refusal_of({"-mon", "c,pretty=on"}), "-mon c,pretty=on: pretty is for mode=control");
}

TEST(Options, SerialPortsThatAreRefused) {
  EXPECT_EQ(refusal_of({"-serial", "tv"}),
            "-serial tv: 'tv' is no back-end; it takes stdio, mon:stdio, chardev:ID, file:PATH, "
            "unix:PATH, tcp:HOST:PORT, pipe:PATH, pty, ringbuf, /dev/TERMINAL, null or none");
  EXPECT_EQ(refusal_of({"-serial", "tcp:4444"}),
            "-serial tcp:4444: '4444' is no address; it takes HOST:PORT");
  EXPECT_EQ(refusal_of({"-serial", "file:"}), "-serial file:: the path is empty; it takes file:PATH");
  EXPECT_EQ(refusal_of({"-serial", "unix:"}), "-serial unix:: the path is empty; it takes unix:PATH");
  EXPECT_EQ(refusal_of({"-serial", "stdio", "-serial", "mon:stdio"}),
            "-serial mon:stdio: the terminal is taken by -serial stdio; one can have it");
  EXPECT_EQ(refusal_of({"-serial", "chardev:x"}),
            "-serial chardev:x: there is no character back-end of that id; -chardev makes one");
  EXPECT_EQ(refusal_of({"-chardev", "stdio,id=x", "-daemonize"}),
            "-daemonize: in the background there is no terminal, and -chardev stdio,id=x wants it");
}

TEST(Options, MonitorAndDisplay) {
  EXPECT_EQ(read({"-monitor", "none"}).action, Action::kRun);
  EXPECT_EQ(refusal_of({"-display", "sdl"}), "-display sdl: 'sdl' is no display; it takes none");
}

TEST(Options, Accelerators) {
  EXPECT_EQ(read({"-accel", "emu"}).accelerator, Accelerator::kEmulation);
  EXPECT_EQ(read({"-accel", "tcg"}).accelerator, Accelerator::kEmulation);
  EXPECT_EQ(read({"-accel", "interp"}).accelerator, Accelerator::kInterpreter);
  EXPECT_EQ(read({"-accel", "qtest"}).accelerator, Accelerator::kQtest);
  EXPECT_EQ(read({"-accel", "interp", "-accel", "tcg"}).accelerator, Accelerator::kInterpreter);
  EXPECT_EQ(read({"-accel", "tcg,thread=single"}).threading, Threading::kSingle);
  EXPECT_EQ(refusal_of({"-accel", "magic"}),
            "-accel magic: 'magic' is no accelerator; there are emu, interp, tcg, qtest");
  EXPECT_EQ(refusal_of({"-accel", ""}),
            "-accel : it takes an accelerator first; there are emu, interp, tcg, qtest");
  EXPECT_EQ(refusal_of({"-accel", "tcg,thread=two"}),
            "-accel tcg,thread=two: thread is 'two'; it takes multi, single");
  EXPECT_EQ(refusal_of({"-accel", "tcg", "-M", "virt,accel=tcg"}),
            "-M virt,accel=tcg: 'accel' is given by -accel already; give it once");
  EXPECT_EQ(refusal_of({"-M", "virt,accel=tcg", "-accel", "tcg"}),
            "-accel tcg: -machine accel= chose one already; give it once");
}

TEST(Options, TheFirstAcceleratorThatCanBeUsedIs) {
  const auto o = read({"-accel", "kvm", "-accel", "interp,thread=single", "-accel", "tcg"});
  EXPECT_EQ(o.accelerator, Accelerator::kInterpreter);
  EXPECT_EQ(o.threading, Threading::kSingle);
  EXPECT_EQ(read({"-M", "virt,accel=kvm:interp"}).accelerator, Accelerator::kInterpreter);
  EXPECT_EQ(refusal_of({"-accel", "kvm", "-accel", "hvf"}),
            "-accel: kvm, hvf cannot be used here; -accel help lists what can");
}

TEST(Options, DevicesAreKeptAsTheyWereSaid) {
  const auto o = read({"-device", "ns16550a,id=u,addr=1", "-device", R"({"driver": "uart", "addr": 2})"});
  ASSERT_EQ(o.devices.size(), 2U);
  EXPECT_EQ(o.devices[0].items, (Items{{"driver", "ns16550a"}, {"id", "u"}, {"addr", "1"}}));
  EXPECT_EQ(o.devices[0].text, "ns16550a,id=u,addr=1");
  EXPECT_EQ(o.devices[1].items, (Items{{"driver", "uart"}, {"addr", "2"}}));
}

TEST(Options, GlobalsInBothSpellings) {
  const Items items{{"driver", "riscv.sifive.plic"}, {"property", "num-sources"}, {"value", "8"}};
  EXPECT_EQ(read({"-global", "riscv.sifive.plic.num-sources=8"}).globals.at(0).items, items);
  EXPECT_EQ(read({"-global", "driver=riscv.sifive.plic,property=num-sources,value=8"}).globals.at(0).items,
            items);
}

TEST(Options, SetChangesWhatWasSaidBefore) {
  const auto o = read({"-device", "uart,id=u,addr=1", "-set", "device.u.addr=5", "-set", "device.u.a.b=c=d"});
  EXPECT_EQ(o.devices.at(0).items,
            (Items{{"driver", "uart"}, {"id", "u"}, {"addr", "5"}, {"a.b", "c=d"}}));
}

TEST(Options, FilesSayTheSame) {
  const Invocation invocation{.read_file = [](const std::string& path) -> Result<std::string> {
    EXPECT_EQ(path, "the file");
    return "[device \"u\"]\n driver = \"uart\"\n addr = \"1\"\n[machine]\n type = \"virt\"\n"
           "[smp-opts]\n cpus = \"4\"\n[memory]\n size = \"1G\"\n[boot-opts]\n order = \"c\"\n";
  }};
  const auto o = parse_options(Arguments{"-readconfig", "the file", "-set", "device.u.addr=2"}, invocation);
  ASSERT_TRUE(o) << o.error().message;
  EXPECT_EQ(o->devices.at(0).items, (Items{{"id", "u"}, {"driver", "uart"}, {"addr", "2"}}));
  EXPECT_EQ(o->machine, "virt");
  EXPECT_EQ(o->topology.cpus, 4U);
  EXPECT_EQ(o->memory, std::uint64_t{1} << 30);
  EXPECT_EQ(o->boot, (Items{{"order", "c"}}));
}

TEST(Options, TheRun) {
  const auto o = read({"-S", "-no-reboot", "-no-shutdown", "-daemonize", "-pidfile", "p", "-display", "none"});
  EXPECT_EQ(o.start, Start::kStopped);
  EXPECT_EQ(o.on_reboot, OnReboot::kShutdown);
  EXPECT_EQ(o.on_shutdown, OnShutdown::kPause);
  EXPECT_TRUE(o.daemonize);
  EXPECT_EQ(o.pid_file, "p");
  const auto a = read({"-action", "reboot=shutdown,panic=none", "-action", "shutdown=pause"});
  EXPECT_EQ(a.on_reboot, OnReboot::kShutdown);
  EXPECT_EQ(a.on_shutdown, OnShutdown::kPause);
  EXPECT_EQ(a.on_panic, OnPanic::kNone);
}

TEST(Options, FlashesFirmwareAndSemihosting) {
  const auto o = read({"-pflash", "a,b", "-drive", "if=pflash,file=c", "-L", "x", "-L", "y", "-fw_cfg",
                       "opt/a,string=b", "-semihosting-config", "enable=on,arg=one,arg=two"});
  ASSERT_EQ(o.drives.size(), 2U);
  EXPECT_EQ(o.drives[0].items, (Items{{"if", "pflash"}, {"file", "a,b"}}));
  EXPECT_EQ(o.data_folders, (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(o.fw_cfg.at(0).items, (Items{{"name", "opt/a"}, {"string", "b"}}));
  EXPECT_TRUE(o.semihosting.enabled);
  EXPECT_TRUE(read({"-semihosting-config", "enable"}).semihosting.enabled);
  EXPECT_FALSE(read({"-semihosting-config", "noenable"}).semihosting.enabled);
  EXPECT_EQ(o.semihosting.arguments, (std::vector<std::string>{"one", "two"}));
}

TEST(Options, TheProgramsNameMaySayTheArchitecture) {
  const auto named = [](const char* program) {
    const auto o = parse_options(Arguments{}, {.program = program});
    return o ? o->architecture : o.error().message;
  };
  EXPECT_EQ(named("/usr/bin/holdfast"), "");
  EXPECT_EQ(named("/a-system-b/holdfast"), "");
  EXPECT_EQ(named("./qemu-system-riscv64"), "riscv64");
  EXPECT_EQ(named("x-system-m68k"),
            "there is no architecture 'm68k', which the program's name says; there are arm, riscv64");
  EXPECT_TRUE(named("x-system-").starts_with("there is no architecture ''"));
}

TEST(Options, LogTopics) {
  using log::Topic;
  EXPECT_EQ(read({"-d", "census"}).log_topics, static_cast<std::uint32_t>(Topic::kCensus));
  EXPECT_EQ(read({"-d", "guest_errors,unimp", "-d", "int"}).log_topics,
            static_cast<std::uint32_t>(Topic::kGuestErrors) |
                static_cast<std::uint32_t>(Topic::kUnimplemented) |
                static_cast<std::uint32_t>(Topic::kInterrupts));
  EXPECT_EQ(read({"-D", "log.txt"}).log_file, "log.txt");
  EXPECT_EQ(refusal_of({"-d", "guest_error"}),
            "-d guest_error: 'guest_error' is no topic; there are census, cpu, exec, guest_errors, "
            "in_asm, int, mmu, unimp; did you mean 'guest_errors'?");
  EXPECT_EQ(refusal_of({"-d", "census,"}),
            "-d census,: '' is no topic; there are census, cpu, exec, guest_errors, in_asm, int, mmu, "
            "unimp");
}

TEST(Options, FilesHaveNames) {
  for (const auto* option : {"-bios", "-kernel", "-initrd", "-dtb", "-D"})
    EXPECT_EQ(refusal_of({option, ""}),
              std::string{option} + " : the name is empty; it takes the path of a file");
}

TEST(Options, CpuNeedsAModelFirst) {
  EXPECT_EQ(read({"-cpu", "rv64,a=1,a=2"}).cpu_properties, (Items{{"a", "2"}}));
  const std::string refused = "it takes a model first, then KEY=VALUE; `help` lists the models";
  EXPECT_EQ(refusal_of({"-cpu", "v=on"}), "-cpu v=on: " + refused);
  EXPECT_EQ(refusal_of({"-cpu", ""}), "-cpu : " + refused);
}

TEST(Options, NamesOfMachines) {
  EXPECT_EQ(read({"-name", "guest=a,,b"}).name, "a,b");
  const auto named = read({"-name", "a,process=b,debug-threads=on"});
  EXPECT_EQ(named.process, "b");
  EXPECT_TRUE(named.name_threads);
  EXPECT_FALSE(read({"-name", "a"}).name_threads);
  EXPECT_EQ(refusal_of({"-name", "a,b=c"}), "-name a,b=c: there is no 'b'; there are guest, process, debug-threads");
  EXPECT_EQ(refusal_of({"-machine", ""}), "-machine : it takes a machine type, or KEY=VALUE");
  EXPECT_EQ(refusal_of({"-machine", "type="}),
            "-machine type=: the type is empty; `help` lists the types");
}

TEST(Options, UnknownOptionsSuggestTheNearest) {
  EXPECT_EQ(refusal_of({"-machien", "virt"}), "-machien: unknown option; did you mean -machine?");
  EXPECT_EQ(refusal_of({"-icount", "1"}).substr(0, 25), "-icount: not supported: i");
  EXPECT_EQ(refusal_of({"-frobnicate"}), "-frobnicate: unknown option; -help lists them");
  EXPECT_EQ(refusal_of({"--"}), "accepted");
  EXPECT_EQ(refusal_of({"-"}), "-: not an option; options begin with a dash, and -help lists them");
}

TEST(Options, AbbreviationsAreUnknown) {
  EXPECT_EQ(refusal_of({"-machin", "virt"}), "-machin: unknown option; did you mean -machine?");
  EXPECT_EQ(refusal_of({"-nograph"}), "-nograph: unknown option; did you mean -nographic?");
  EXPECT_EQ(refusal_of({"-ma", "virt"}), "-ma: unknown option; -help lists them");
}

TEST(Options, WordsThatAreNoOptions) {
  EXPECT_EQ(refusal_of({"-nographic", "disk.img", "-m", "1"}),
            "disk.img: not an option; options begin with a dash, and -help lists them");
  EXPECT_EQ(refusal_of({""}), ": not an option; options begin with a dash, and -help lists them");
  EXPECT_EQ(refusal_of({"--", "x"}),
            "x: not an option; options begin with a dash, and -help lists them");
}

TEST(Options, ArgumentsThatAreMissingOrTooMuch) {
  EXPECT_EQ(refusal_of({"-nographic", "-kernel"}), "-kernel: needs an argument, FILE");
  EXPECT_EQ(refusal_of({"-nographic=on"}), "-nographic=on: -nographic takes no argument");
}

TEST(Options, AnArgumentMayLookLikeAnOption) {
  EXPECT_EQ(read({"-kernel", "k", "-append", "-help"}).append, "-help");
}

TEST(Options, QuestionsAreAnsweredBeforeAnythingElseMatters) {
  EXPECT_EQ(read({"-help"}).action, Action::kHelp);
  EXPECT_EQ(read({"-h"}).action, Action::kHelp);
  EXPECT_EQ(read({"--help", "-nonsense"}).action, Action::kHelp);
  EXPECT_EQ(read({"-version"}).action, Action::kVersion);
  EXPECT_EQ(read({"-M", "help"}).action, Action::kListMachines);
  EXPECT_EQ(read({"-cpu", "help"}).action, Action::kListCpus);
  EXPECT_EQ(read({"-cpu", "help"}).subject, "");
  EXPECT_EQ(read({"-cpu", "max,help"}).action, Action::kListCpus);
  EXPECT_EQ(read({"-cpu", "max,help"}).subject, "max");
  EXPECT_EQ(read({"-accel", "help"}).action, Action::kListAccelerators);
  EXPECT_EQ(read({"-M", "virt", "-d", "help"}).action, Action::kListTopics);
  EXPECT_EQ(read({"-device", "help"}).action, Action::kListDevices);
  EXPECT_EQ(read({"-device", "uart,help"}).subject, "uart");
  EXPECT_EQ(read({"-object", "help"}).action, Action::kListObjects);
  EXPECT_EQ(read({"-chardev", "help"}).action, Action::kListChardevs);
  EXPECT_EQ(read({"-M", "virt,help"}).action, Action::kListMachineProperties);
  EXPECT_EQ(read({"-m", "0", "-version"}).action, Action::kVersion);
}

TEST(Options, MessagesAreOneLineWhateverWasTyped) {
  EXPECT_EQ(refusal_of({"-a\nb\x1b[2J"}), "-a\\x0ab\\x1b[2J: unknown option; -help lists them");
  const std::string endless(100'000, 'x');
  EXPECT_LT(refusal_of({"-m", endless.c_str()}).size(), 1100U);
}

TEST(Options, ReadingTwiceGivesTheSame) {
  EXPECT_EQ(read({"-m", "1G"}).memory, read({"-m", "1G"}).memory);
  EXPECT_EQ(refusal_of({"-x"}), refusal_of({"-x"}));
}

TEST(OptionTable, EveryOptionIsInTheHelpAndIsKnown) {
  const auto help = help_text("holdfast");
  for (const auto& option : option_table()) {
    const std::string word = "-" + std::string{option.name};
    EXPECT_NE(help.find("\n" + word + (option.argument.empty() ? "\n" : " ")), std::string::npos)
        << word;
    EXPECT_EQ(refusal_of({word.c_str(), ""}).find("unknown option"), std::string::npos) << word;
  }
}

TEST(OptionTable, HelpFitsATerminal) {
  const auto help = help_text("holdfast");
  for (std::size_t at = 0; at < help.size();) {
    const auto end = help.find('\n', at);
    EXPECT_LE(end - at, 80U) << help.substr(at, end - at);
    at = end + 1;
  }
}

TEST(OptionTable, Lists) {
  EXPECT_TRUE(version_text().starts_with("holdfast "));
  EXPECT_NE(version_text().find("QEMU emulator version " + std::string{control::kSpokenVersion.text} + " ("),
            std::string::npos);
  EXPECT_NE(topics_text().find("guest_errors"), std::string::npos);
  EXPECT_NE(accelerators_text().find("interp"), std::string::npos);
}

}  // namespace
}  // namespace holdfast::app
