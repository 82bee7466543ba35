// SPDX-License-Identifier: Apache-2.0
#include "holdfast/app/options.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "holdfast/base/log.hpp"

namespace holdfast::app {
namespace {

using Words = std::vector<const char*>;

Options read(const Words& words) {
  auto options = parse_options(words);
  EXPECT_TRUE(options) << (options ? "" : options.error().message);
  return options.value_or(Options{});
}

std::string error_of(const Words& words) {
  const auto options = parse_options(words);
  return options ? "accepted" : options.error().message;
}

TEST(Options, NothingGivenLeavesTheChoiceToTheMachine) {
  const auto o = read({});
  EXPECT_EQ(o.action, Action::kRun);
  EXPECT_EQ(o.machine, std::nullopt);
  EXPECT_EQ(o.memory, std::nullopt);
  EXPECT_EQ(o.topology, Topology{});
  EXPECT_EQ(o.serials, std::vector{Serial::kMonitorStdio});
  EXPECT_EQ(o.on_reset, OnReset::kReboot);
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
  EXPECT_EQ(o.on_reset, OnReset::kExit);
  EXPECT_EQ(o.name, "one");
  EXPECT_EQ(o.cpu, "rv64");
  EXPECT_EQ(o.cpu_properties, (std::vector<KeyValue>{{"v", "on"}, {"vlen", "128"}}));
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
            (std::vector<KeyValue>{{"a", "1"}, {"b", "3"}, {"c", "4"}}));
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
  EXPECT_EQ(error_of({"-m", "lots"}),
            "-m lots: 'lots' is no size; it takes MiB, or a number with K, M, G or T, below 16E");
  EXPECT_EQ(error_of({"-m", "16E"}),
            "-m 16E: '16E' is no size; it takes MiB, or a number with K, M, G or T, below 16E");
  EXPECT_EQ(error_of({"-m", "-1"}),
            "-m -1: '-1' is no size; it takes MiB, or a number with K, M, G or T, below 16E");
  EXPECT_EQ(error_of({"-m", "0"}),
            "-m: 0 bytes cannot be the size of memory; it takes a positive multiple of 4K");
  EXPECT_EQ(error_of({"-m", "5000B"}),
            "-m: 5000 bytes cannot be the size of memory; it takes a positive multiple of 4K");
  EXPECT_EQ(error_of({"-m", ""}), "-m : it takes a size, such as 128M or 2G");
  EXPECT_EQ(error_of({"-m", "128M,color=red"}),
            "-m 128M,color=red: there is no 'color'; there are size, slots and maxmem");
  EXPECT_EQ(error_of({"-m", "128M,slots=x"}), "-m 128M,slots=x: slots is 'x'; it takes a whole number");
  const std::string fixed =
      "-m: memory cannot be added to a running machine, so slots must be 0 and maxmem the size "
      "itself; leave both out";
  EXPECT_EQ(error_of({"-m", "128M,slots=2,maxmem=1G"}), fixed);
  EXPECT_EQ(error_of({"-m", "128M,maxmem=1G"}), fixed);
  EXPECT_EQ(error_of({"-m", "maxmem=1G"}), fixed);
}

TEST(Options, CpusThatAreRefused) {
  EXPECT_EQ(error_of({"-smp", "0"}), "-smp 0: cpus is '0'; it takes a whole number from 1 to 65536");
  EXPECT_EQ(error_of({"-smp", ""}), "-smp : it takes a number of CPUs");
  EXPECT_EQ(error_of({"-smp", "4,sockets=3"}).substr(0, 6), "-smp: ");
}

TEST(Options, SerialPorts) {
  EXPECT_EQ(read({"-serial", "stdio"}).serials, std::vector{Serial::kStdio});
  EXPECT_EQ(read({"-serial", "mon:stdio", "-serial", "null", "-serial", "none"}).serials,
            (std::vector{Serial::kMonitorStdio, Serial::kNull, Serial::kNone}));
  EXPECT_EQ(read({"-nographic"}).serials, std::vector{Serial::kMonitorStdio});
  EXPECT_EQ(read({"-nographic", "-serial", "null"}).serials, std::vector{Serial::kNull});
  EXPECT_EQ(read({"-display", "none"}).serials, std::vector<Serial>{});
  EXPECT_EQ(read({"-display", "none", "-nographic"}).serials, std::vector{Serial::kMonitorStdio});
  EXPECT_EQ(error_of({"-serial", "tcp::4444"}),
            "-serial tcp::4444: 'tcp::4444' is no place for a serial port; it takes stdio, "
            "mon:stdio, null or none");
  EXPECT_EQ(error_of({"-serial", "stdio", "-serial", "mon:stdio"}),
            "-serial: 2 ports want the terminal; one can have it");
}

TEST(Options, MonitorAndDisplay) {
  EXPECT_EQ(read({"-monitor", "none"}).action, Action::kRun);
  EXPECT_EQ(error_of({"-monitor", "stdio"}),
            "-monitor stdio: 'stdio' is no place for the monitor; it takes none");
  EXPECT_EQ(error_of({"-display", "sdl"}), "-display sdl: 'sdl' is no display; it takes none");
}

TEST(Options, Accelerators) {
  EXPECT_EQ(read({"-accel", "emu"}).accelerator, Accelerator::kEmulation);
  EXPECT_EQ(read({"-accel", "tcg"}).accelerator, Accelerator::kEmulation);
  EXPECT_EQ(read({"-accel", "interp"}).accelerator, Accelerator::kInterpreter);
  EXPECT_EQ(read({"-accel", "interp", "-accel", "tcg"}).accelerator, Accelerator::kInterpreter);
  EXPECT_EQ(error_of({"-accel", "kvm"}),
            "-accel kvm: 'kvm' is no accelerator; there are emu, interp, tcg");
  EXPECT_EQ(error_of({"-accel", ""}), "-accel : it takes emu, interp or tcg");
  EXPECT_EQ(error_of({"-accel", "tcg,thread=multi"}),
            "-accel tcg,thread=multi: there is no 'thread'; there is only the name");
  EXPECT_EQ(error_of({"-accel", "tcg", "-M", "virt,accel=tcg"}),
            "-M virt,accel=tcg: 'accel' is given by -accel already; give it once");
  EXPECT_EQ(error_of({"-M", "virt,accel=tcg", "-accel", "tcg"}),
            "-accel tcg: -machine accel= chose one already; give it once");
}

TEST(Options, LogTopics) {
  using log::Topic;
  EXPECT_EQ(read({"-d", "census"}).log_topics, static_cast<std::uint32_t>(Topic::kCensus));
  EXPECT_EQ(read({"-d", "guest_errors,unimp", "-d", "int"}).log_topics,
            static_cast<std::uint32_t>(Topic::kGuestErrors) |
                static_cast<std::uint32_t>(Topic::kUnimplemented) |
                static_cast<std::uint32_t>(Topic::kInterrupts));
  EXPECT_EQ(read({"-D", "log.txt"}).log_file, "log.txt");
  EXPECT_EQ(error_of({"-d", "guest_error"}),
            "-d guest_error: 'guest_error' is no topic; there are census, guest_errors, int, unimp; "
            "did you mean 'guest_errors'?");
  EXPECT_EQ(error_of({"-d", "census,"}),
            "-d census,: '' is no topic; there are census, guest_errors, int, unimp");
}

TEST(Options, FilesHaveNames) {
  for (const auto* option : {"-bios", "-kernel", "-initrd", "-dtb", "-D"})
    EXPECT_EQ(error_of({option, ""}),
              std::string{option} + " : the name is empty; it takes the path of a file");
}

TEST(Options, CpuNeedsAModelFirst) {
  EXPECT_EQ(read({"-cpu", "rv64,a=1,a=2"}).cpu_properties, (std::vector<KeyValue>{{"a", "2"}}));
  const std::string refused = "it takes a model first, then KEY=VALUE; `help` lists the models";
  EXPECT_EQ(error_of({"-cpu", "v=on"}), "-cpu v=on: " + refused);
  EXPECT_EQ(error_of({"-cpu", ""}), "-cpu : " + refused);
}

TEST(Options, NamesOfMachines) {
  EXPECT_EQ(read({"-name", "guest=a,,b"}).name, "a,b");
  EXPECT_EQ(error_of({"-name", "a,process=b"}),
            "-name a,process=b: there is no 'process'; there is only guest");
  EXPECT_EQ(error_of({"-machine", ""}), "-machine : it takes a machine type, or KEY=VALUE");
  EXPECT_EQ(error_of({"-machine", "type="}),
            "-machine type=: the type is empty; `help` lists the types");
}

TEST(Options, UnknownOptionsSuggestTheNearest) {
  EXPECT_EQ(error_of({"-machien", "virt"}), "-machien: unknown option; did you mean -machine?");
  EXPECT_EQ(error_of({"-boot", "c"}), "-boot: unknown option; did you mean -bios?");
  EXPECT_EQ(error_of({"-frobnicate"}), "-frobnicate: unknown option; -help lists them");
  EXPECT_EQ(error_of({"--"}), "accepted");
  EXPECT_EQ(error_of({"-"}), "-: not an option; options begin with a dash, and -help lists them");
}

TEST(Options, AbbreviationsAreUnknown) {
  EXPECT_EQ(error_of({"-machin", "virt"}), "-machin: unknown option; did you mean -machine?");
  EXPECT_EQ(error_of({"-nograph"}), "-nograph: unknown option; did you mean -nographic?");
  EXPECT_EQ(error_of({"-ma", "virt"}), "-ma: unknown option; -help lists them");
}

TEST(Options, WordsThatAreNoOptions) {
  EXPECT_EQ(error_of({"-nographic", "disk.img", "-m", "1"}),
            "disk.img: not an option; options begin with a dash, and -help lists them");
  EXPECT_EQ(error_of({""}), ": not an option; options begin with a dash, and -help lists them");
  EXPECT_EQ(error_of({"--", "x"}),
            "x: not an option; options begin with a dash, and -help lists them");
}

TEST(Options, ArgumentsThatAreMissingOrTooMuch) {
  EXPECT_EQ(error_of({"-nographic", "-kernel"}), "-kernel: needs an argument, FILE");
  EXPECT_EQ(error_of({"-nographic=on"}), "-nographic=on: -nographic takes no argument");
}

TEST(Options, AnArgumentMayLookLikeAnOption) {
  EXPECT_EQ(read({"-append", "-help"}).append, "-help");
}

TEST(Options, QuestionsAreAnsweredBeforeAnythingElseMatters) {
  EXPECT_EQ(read({"-help"}).action, Action::kHelp);
  EXPECT_EQ(read({"-h"}).action, Action::kHelp);
  EXPECT_EQ(read({"--help", "-nonsense"}).action, Action::kHelp);
  EXPECT_EQ(read({"-version"}).action, Action::kVersion);
  EXPECT_EQ(read({"-M", "help"}).action, Action::kListMachines);
  EXPECT_EQ(read({"-cpu", "help"}).action, Action::kListCpus);
  EXPECT_EQ(read({"-accel", "help"}).action, Action::kListAccelerators);
  EXPECT_EQ(read({"-M", "virt", "-d", "help"}).action, Action::kListTopics);
  EXPECT_EQ(read({"-m", "0", "-version"}).action, Action::kVersion);
}

TEST(Options, MessagesAreOneLineWhateverWasTyped) {
  EXPECT_EQ(error_of({"-a\nb\x1b[2J"}), "-a\\x0ab\\x1b[2J: unknown option; -help lists them");
  const std::string endless(100'000, 'x');
  EXPECT_LT(error_of({"-m", endless.c_str()}).size(), 1100U);
}

TEST(Options, ReadingTwiceGivesTheSame) {
  EXPECT_EQ(read({"-m", "1G"}).memory, read({"-m", "1G"}).memory);
  EXPECT_EQ(error_of({"-x"}), error_of({"-x"}));
}

TEST(OptionTable, EveryOptionIsInTheHelpAndIsKnown) {
  const auto help = help_text("holdfast");
  for (const auto& option : option_table()) {
    const std::string word = "-" + std::string{option.name};
    EXPECT_NE(help.find("\n" + word + (option.argument.empty() ? "\n" : " ")), std::string::npos)
        << word;
    EXPECT_EQ(error_of({word.c_str(), ""}).find("unknown option"), std::string::npos) << word;
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
  EXPECT_TRUE(version_text().starts_with("Holdfast "));
  EXPECT_NE(topics_text().find("guest_errors"), std::string::npos);
  EXPECT_NE(accelerators_text().find("interp"), std::string::npos);
}

}  // namespace
}  // namespace holdfast::app
