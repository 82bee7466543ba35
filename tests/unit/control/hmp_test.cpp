// SPDX-License-Identifier: Apache-2.0
// The monitor for people on a machine: each command, and conversations over a back-end in memory.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

#include "holdfast/accel/riscv_cpu.hpp"
#include "holdfast/base/log.hpp"
#include "holdfast/boards/device_types.hpp"
#include "holdfast/boards/virt/virt.hpp"
#include "holdfast/control/hmp/command.hpp"
#include "holdfast/control/hmp/monitor.hpp"
#include "holdfast/control/hmp/server.hpp"
#include "holdfast/memory/port.hpp"
#include "tests/unit/control/client.hpp"

namespace holdfast::control {
namespace {

constexpr std::uint64_t kRam = 0x8000'0000;
constexpr std::uint64_t kHole = 0x1800'0000;

std::unique_ptr<machine::Machine> small_virt() {
  boards::virt::Options options;
  options.harts = 2;
  options.ram_size = 16U << 20U;
  return machine::Machine::make(boards::virt::plan(options).value(), machine::Machine::Options{})
      .value();
}

class HmpTest : public ::testing::Test {
 protected:
  explicit HmpTest(std::unique_ptr<machine::Machine> machine = small_virt())
      : machine_{std::move(machine)} {
    EXPECT_TRUE(boards::register_device_types(types_));
    about_.name = "test";
    about_.nodes = {{.cpus = {0, 1}, .memory = 16U << 20U}};
    adder_.emplace(*machine_, types_, nullptr, std::vector<machine::GlobalValue>{});
    programs_.emplace(*machine_, types_, about_);
    monitor_.emplace(*machine_, types_, about_, *adder_, programs_->shared());
  }

  /// What a line is answered with, without carriage returns, each of which is before an end of line.
  std::string ask(const std::string& line) {
    const std::string answer = monitor_->perform(line);
    std::string text;
    for (std::size_t i = 0; i < answer.size(); ++i) {
      const bool ends = answer[i] == '\n';
      EXPECT_EQ(ends, i != 0 && answer[i - 1] == '\r') << line << ": " << answer;
      if (answer[i] != '\r') text += answer[i];
    }
    EXPECT_TRUE(text.empty() || text.ends_with('\n')) << line << ": " << text;
    return text;
  }
  void store(std::uint64_t address, std::uint64_t value) {
    memory::AddressSpace space{machine_->fabric(), machine_->bus().memory().region(), {.name = "test"}};
    memory::Port port{space};
    port.store(address, 8, value, {});
  }
  static bool has(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }
  /// Until nothing is left to be unplugged.
  void settle() {
    machine_->control().wait_until([&] { return machine_->tickets_now().empty(); });
  }

  object::TypeRegistry types_;
  std::unique_ptr<machine::Machine> machine_;
  QmpServer::About about_;
  std::optional<machine::DeviceAdder> adder_;
  std::optional<QmpServer> programs_;
  std::optional<hmp::Monitor> monitor_;
};

/// Relative paths lead into an empty folder while it lives.
class InFolder {
 public:
  InFolder() { std::filesystem::current_path(::mkdtemp(folder_.data())); }
  ~InFolder() {
    std::filesystem::current_path(before_);
    std::filesystem::remove_all(folder_);
  }
  InFolder(const InFolder&) = delete;
  InFolder& operator=(const InFolder&) = delete;

 private:
  const std::filesystem::path before_ = std::filesystem::current_path();
  std::string folder_ = (std::filesystem::temp_directory_path() / "hmp-XXXXXX").string();
};

#define EXPECT_HAS(text, part) EXPECT_TRUE(has(text, part)) << (text)

TEST_F(HmpTest, EveryCommandAnswersWhateverFollowsIt) {
  const InFolder folder;  // some of them write files
  for (const auto rows : {hmp::commands(), hmp::infos()})
    for (const hmp::Row* row : rows)
      for (const char* tail : {"", " 0", " /4i 0", " -1 -1 -1", " \"", " -z", " a,b=c,d", " $pc",
                               " /machine type", " 0 4096 /nowhere/file", " \xff\x01"}) {
        const std::string before = rows.data() == hmp::infos().data() ? "info " : "";
        const std::string line = before + std::string{row->first_name()} + tail;
        if (row->first_name() == "quit" || row->first_name() == "cont") continue;
        ask(line);
      }
  EXPECT_EQ(machine_->run_state(), machine::RunState::kPrelaunch);
}

TEST_F(HmpTest, WhatIsNoCommand) {
  EXPECT_EQ(ask(""), "");
  EXPECT_EQ(ask("   "), "");
  EXPECT_EQ(ask("# words"), "");
  EXPECT_EQ(ask("frobnicate now"), "unknown command: 'frobnicate'\n");
  EXPECT_EQ(ask("inof status"), "unknown command: 'inof'; did you mean 'info'?\n");
  EXPECT_EQ(ask("info zzzz"), "unknown info: 'zzzz'\n");
  EXPECT_EQ(ask("\x01\x02"), "unknown command: '?\?'\n");
  EXPECT_EQ(ask("stop now"), "Error: stop: 'now' is too much\nit takes: stop|s\n");
}

TEST_F(HmpTest, Help) {
  const std::string all = ask("help");
  EXPECT_HAS(all, "x [/fmt] addr -- ");
  EXPECT_HAS(all, "help|? [command] -- ");
  EXPECT_EQ(ask("?"), all);
  EXPECT_EQ(ask("help stop"), "stop|s -- stops the machine\n");
  EXPECT_HAS(ask("help nothing"), "Error: there is no command 'nothing'");
  // Programs walk through this: each line is one of `info`.
  std::istringstream infos{ask("help info")};
  std::size_t count = 0;
  for (std::string line; std::getline(infos, line); ++count) {
    ASSERT_TRUE(line.starts_with("info ")) << line;
    const std::string name = line.substr(0, line.find(' ', 5));
    EXPECT_FALSE(ask(name).starts_with("unknown")) << name;
    EXPECT_EQ(ask(name).empty(), false) << name;
  }
  EXPECT_EQ(count, hmp::infos().size());
}

TEST_F(HmpTest, RunState) {
  EXPECT_EQ(ask("info status"), "VM status: paused (prelaunch)\n");
  EXPECT_EQ(ask("cont"), "");
  EXPECT_EQ(ask("info status"), "VM status: running\n");
  EXPECT_EQ(ask("stop"), "");
  EXPECT_EQ(ask("info status"), "VM status: paused\n");
  EXPECT_EQ(ask("system_reset"), "");
  EXPECT_EQ(ask("system_powerdown"), "");
  EXPECT_EQ(ask("quit"), "");
  machine_->control().wait_until([&] { return machine_->run_state() == machine::RunState::kShutdown; });
}

TEST_F(HmpTest, TheMachineAsAWhole) {
  EXPECT_TRUE(ask("info version").starts_with("8.2.0 (Holdfast "));
  EXPECT_EQ(ask("info name"), "test\n");
  EXPECT_EQ(ask("info uuid"), "00000000-0000-0000-0000-000000000000\n");
  EXPECT_EQ(ask("info kvm"), "kvm support: not compiled\n");
  EXPECT_EQ(ask("info numa"), "1 nodes\nnode 0 cpus: 0 1\nnode 0 size: 16 MB\nnode 0 plugged: 0 MB\n");
  EXPECT_HAS(ask("info memory_size_summary"), "base memory: 16777216\n");
  EXPECT_HAS(ask("info census"), "devices");
  EXPECT_EQ(ask("info tickets"), "No unplug is going on.\n");
  EXPECT_EQ(ask("info network"), "This machine has no network.\n");
  EXPECT_HAS(ask("info roms"), "mem=ram name=\"");
  EXPECT_EQ(ask("netdev_add user,id=net1"), "This machine has no network.\n");
}

TEST_F(HmpTest, Cpus) {
  EXPECT_TRUE(ask("info cpus").starts_with("* CPU #0: thread_id="));
  EXPECT_HAS(ask("info cpus"), "\n  CPU #1: thread_id=");
  EXPECT_EQ(ask("cpu 1"), "");
  EXPECT_HAS(ask("info cpus"), "\n* CPU #1: thread_id=");
  EXPECT_EQ(ask("cpu 2"), "Error: there is no CPU 2\n");
  EXPECT_HAS(ask("info registers"), "CPU#1");
  EXPECT_FALSE(has(ask("info registers"), "CPU#0"));
  EXPECT_HAS(ask("info registers 0"), "CPU#0");
  EXPECT_HAS(ask("info registers -a"), "CPU#0");
  EXPECT_HAS(ask("info registers -a"), "CPU#1");
  EXPECT_EQ(ask("info registers 7"), "Error: there is no CPU 7\n");
  EXPECT_EQ(ask("info mem"), "No translation or protection\n");
  EXPECT_EQ(ask("info tlb"), "No translation or protection\n");
  EXPECT_EQ(ask("gva2gpa 0x1234"), "gpa: 0x1234\n");
}

TEST_F(HmpTest, Expressions) {
  EXPECT_EQ(ask("p 0x10+4*2"), "0x18\n");
  EXPECT_EQ(ask("print /d -1"), "-1\n");
  EXPECT_EQ(ask("p/u 3"), "3\n");
  EXPECT_EQ(ask("p /o 8"), "010\n");
  EXPECT_EQ(ask("p /c 0x41"), "'A'\n");
  EXPECT_EQ(ask("p $pc"), "0x1000\n") << "where harts begin";
  EXPECT_EQ(ask("p $x0 + $mhartid"), "0x0\n");
  ask("cpu 1");
  EXPECT_EQ(ask("p $mhartid"), "0x1\n");
  EXPECT_HAS(ask("p $nothing"), "there is no register 'nothing'");
  EXPECT_HAS(ask("p 1/0"), "division by zero");
}

TEST_F(HmpTest, Memory) {
  store(kRam, 0xfedcba98'76543210U);
  store(kRam + 8, 0x00000013'00a00513U);
  EXPECT_EQ(ask("x /2xw 0x80000000"), "0000000080000000: 0x76543210 0xfedcba98\n");
  EXPECT_EQ(ask("xp /1xg 0x80000000"), "0000000080000000: 0xfedcba9876543210\n");
  EXPECT_EQ(ask("xp /3xh 0x80000000"), "0000000080000000: 0x3210 0x7654 0xba98\n");
  EXPECT_EQ(ask("xp /9xb 0x80000000"),
            "0000000080000000: 0x10 0x32 0x54 0x76 0x98 0xba 0xdc 0xfe\n0000000080000008: 0x13\n");
  EXPECT_EQ(ask("xp /1dw 0x80000004"), "0000000080000004:   -19088744\n");
  EXPECT_EQ(ask("xp /1uw 0x80000004"), "0000000080000004: 4275878552\n");
  EXPECT_EQ(ask("xp /2c 0x80000001"), "0000000080000001: '2' 'T'\n");
  EXPECT_EQ(ask("x /2i 0x80000008"),
            "0x0000000080000008:  00a00513  addi a0,zero,10\n"
            "0x000000008000000c:  00000013  addi zero,zero,0\n");
  EXPECT_HAS(ask("x /99999999x 0"), "too many");
  EXPECT_EQ(ask("x 0x80000000"), "0000000080000000: 0x76543210\n");
  EXPECT_EQ(ask("sum 0x80000000 2"), "00058\n");
  EXPECT_HAS(ask("sum 0 0"), "size is 0");
  EXPECT_HAS(ask("sum 0xffffffffffffffff 2"), "beyond the last address");
  EXPECT_HAS(ask("sum 0 0x7fffffffffffffff"), "too many");
  EXPECT_HAS(ask("gpa2hva 0x80000000"), "Host virtual address for 0x80000000 is 0x");
  EXPECT_HAS(ask("gpa2hva 0x18000000"), "no memory of the host");
  EXPECT_HAS(ask("explain 0x80000004"), "/machine/ram");
  EXPECT_HAS(ask("explain 0x18000000"), "nothing is there");
  EXPECT_EQ(ask("i /b 0x60"), "portb[0x0060] = 0xff\n");
  EXPECT_EQ(ask("o /w 0x60 1"), "");
  EXPECT_HAS(ask("i 0x10000"), "Error: ");
}

TEST_F(HmpTest, MemoryIsSaved) {
  store(kRam, 0xfedcba98'76543210U);
  const std::string path = ::testing::TempDir() + "hmp_memory_" + std::to_string(::getpid());
  for (const char* command : {"pmemsave", "memsave"}) {
    EXPECT_EQ(ask(std::string{command} + " 0x80000000 5 " + path), "");
    std::ostringstream bytes;
    bytes << std::ifstream{path}.rdbuf();
    EXPECT_EQ(bytes.str(), "\x10\x32\x54\x76\x98");
  }
  EXPECT_EQ(ask("pmemsave 0x80000000 0x300000 \"" + path + "\""), "");
  std::ifstream large{path, std::ios::ate};
  EXPECT_EQ(large.tellg(), 0x300000);
  ::unlink(path.c_str());
  EXPECT_EQ(ask("pmemsave 0 8 /nowhere/file"), "Error: /nowhere/file: No such file or directory\n");
}

// Two levels of pages of 1 GiB and 2 MiB, the same 4 KiB twice, seen by a hart in S-mode.
TEST_F(HmpTest, PageTables) {
  constexpr std::uint64_t kRoot = kRam + 0x10000;
  constexpr std::uint64_t kMiddle = kRam + 0x11000;
  constexpr std::uint64_t kLast = kRam + 0x12000;
  const auto entry = [](std::uint64_t to, std::uint64_t bits) { return to >> 12 << 10 | bits; };
  store(kRoot + 2 * 8, entry(kRam, 0xcf));            // rwx, marked: 1 GiB where it is
  store(kRoot + 0 * 8, entry(kMiddle, 1));
  store(kMiddle + 0 * 8, entry(kLast, 1));
  store(kLast + 1 * 8, entry(kRam + 0x4000, 0x43));   // r: 0x1000
  store(kLast + 2 * 8, entry(kRam + 0x5000, 0x43));   // and its neighbour
  store(kLast + 4 * 8, entry(kRam + 0x4000, 0x17));   // rw, of the user
  store(kLast + 5 * 8, entry(kRam + 0x7000, 0x17));   // and its neighbour, from elsewhere
  store(kRoot + 511 * 8, entry(kRoot, 1));            // a table in itself
  store(kRam + 0x4008, 0x1122334455667788U);
  machine_->while_paused([&] {
    auto* cpu = dynamic_cast<accel::RiscvCpu*>(monitor_->cpu());
    ASSERT_NE(cpu, nullptr);
    ASSERT_TRUE(cpu->hart().set_csr(0x180, std::uint64_t{8} << 60 | kRoot >> 12));
    cpu->hart().set_privilege(cpu::riscv::Privilege::kSupervisor);
  });
  const std::string mem = ask("info mem");
  EXPECT_HAS(mem, "0000000000001000 0000000080004000 0000000000002000 r----a-\n") << "joined";
  EXPECT_HAS(mem, "0000000000004000 0000000080004000 0000000000001000 rw-u---\n"
                  "0000000000005000 0000000080007000 0000000000001000 rw-u---\n") << "not joined";
  EXPECT_HAS(mem, "0000000080000000 0000000080000000 0000000040000000 rwx--ad\n");
  const std::string tlb = ask("info tlb");
  EXPECT_HAS(tlb, "0000000000001000: 0000000080004000 r----a- 0x1000\n0000000000002000: 0000000080005000");
  EXPECT_EQ(ask("gva2gpa 0x1008"), "gpa: 0x80004008\n");
  EXPECT_EQ(ask("gva2gpa 0x3000"), "Unmapped\n");
  EXPECT_EQ(ask("gva2gpa 0x8000001008"), "Unmapped\n") << "not canonical";
  EXPECT_EQ(ask("x /1xg 0x1008"), "0000000000001008: 0x1122334455667788\n");
  EXPECT_EQ(ask("x /1xg 0x1ffc"), "0000000000001ffc: 0x0000000000000000\n") << "over two pages";
  EXPECT_HAS(ask("x 0x3000"), "Error: nothing is mapped at 0x3000");
  EXPECT_EQ(ask("xp /1xg 0x80004008"), "0000000080004008: 0x1122334455667788\n");
  EXPECT_HAS(ask("memsave 0x2ff0 0x20 /dev/null"), "Error: /dev/null: nothing is mapped");
}

TEST_F(HmpTest, MemoryTree) {
  const std::string tree = ask("info mtree");
  EXPECT_HAS(tree, "address-space: memory\n");
  EXPECT_HAS(tree, "  0000000000000000-ffffffffffffffff (prio 0, i/o): ");
  EXPECT_HAS(tree, "    0000000010000000-0000000010000007 (prio 0, i/o): ");
  EXPECT_HAS(tree, "    0000000080000000-0000000080ffffff (prio 0, ram): ");
  EXPECT_FALSE(has(tree, "owner:"));
  EXPECT_HAS(ask("info mtree -o"), " owner:{dev path=/machine/serial0}\n");
  const std::string flat = ask("info mtree -f");
  EXPECT_TRUE(flat.starts_with("FlatView #0\n AS \"")) << flat;
  EXPECT_HAS(flat, " Root memory region: ");
  EXPECT_HAS(flat, "  0000000080000000-0000000080ffffff (prio 0, ram): ");
  EXPECT_HAS(flat, "FlatView #1\n AS \"/machine/pcie/function:dma\"");
  EXPECT_FALSE(has(flat, "FlatView #2")) << "all others see the same";
  EXPECT_HAS(ask("info mtree -f -d"), "  Dispatch\n");
  EXPECT_FALSE(has(tree, "[disabled]"));
  EXPECT_HAS(ask("info mtree -D"), "alias /machine/pcie/function:bus-master @/machine/bus:memory "
                                   "0000000000000000-ffffffffffffffff [disabled]\n");
  EXPECT_HAS(ask("info ramblock"), "/machine/ram");
}

TEST_F(HmpTest, AliasesDisabledRegionsAndSpacesThatSeeNothing) {
  memory::Fabric& fabric = machine_->fabric();
  auto window = memory::MemoryRegion::container(fabric, {.name = "window", .size = 0x1000});
  auto inner = memory::MemoryRegion::reservation(fabric, {.name = "inner", .size = 0x100});
  auto alias = memory::MemoryRegion::alias(fabric, {.name = "shown", .size = 0x800}, window, 0x80);
  memory::Transaction map;
  map.add(window, 0x40, inner);
  map.add(machine_->bus().memory().region(), kHole, alias, -3);
  ASSERT_TRUE(fabric.commit(std::move(map)).has_value());
  std::string tree = ask("info mtree -o");
  EXPECT_HAS(tree, "    0000000018000000-00000000180007ff (prio -3, i/o): alias shown @window "
                   "0000000000000080-000000000000087f orphan\n");
  EXPECT_HAS(tree, "memory-region: window\n  0000000000000000-0000000000000fff (prio 0, i/o): window orphan\n"
                   "    0000000000000040-000000000000013f (prio 0, i/o): inner orphan\n");
  EXPECT_HAS(ask("info mtree -f"), "  0000000018000000-00000000180000bf (prio 0, i/o): inner @0000000000000040\n");
  memory::Transaction off;
  off.set_enabled(alias, false);
  ASSERT_TRUE(fabric.commit(std::move(off)).has_value());
  EXPECT_FALSE(has(ask("info mtree"), "shown"));
  EXPECT_HAS(ask("info mtree -D"), "-000000000000087f [disabled]\n");
}

TEST_F(HmpTest, DevicesComeAndGo) {
  const std::string objects = ask("info qom-tree");
  const std::string devices = ask("info qtree");
  EXPECT_HAS(ask("device_add help"), "name \"ns16550a\", desc \"");
  EXPECT_HAS(ask("device_add ns16550a,help"), "ns16550a options:\n");
  EXPECT_HAS(ask("device_add \"ns16550a,help\""), "  addr=<uint64>");
  EXPECT_EQ(ask("info qom-tree"), objects);
  EXPECT_EQ(ask("info qtree"), devices);

  EXPECT_EQ(ask("device_add ns16550a,id=extra,addr=0x18000000"), "");
  EXPECT_HAS(ask("info qom-tree"), "  /peripheral (container)\n    /extra (ns16550a)\n");
  EXPECT_HAS(ask("info qtree"), "  dev: ns16550a, id \"extra\"\n");
  EXPECT_HAS(ask("info qtree"), "    mmio 0000000018000000/0000000000000008\n");
  EXPECT_HAS(ask("explain 0x18000000"), "/machine/peripheral/extra");
  EXPECT_HAS(ask("info mtree -o"), "owner:{dev id=extra}");
  EXPECT_HAS(ask("device_add ns16550a,id=extra,addr=0x19000000"), "Error: ");
  EXPECT_HAS(ask("device_add nothing"), "Error: ");
  EXPECT_HAS(ask("device_add nothing,help"), "Error: ");
  EXPECT_HAS(ask("device_add rv64-riscv-cpu,help"), "  core-id=<uint32>");
  EXPECT_HAS(ask("device_add ns16550a,addr=1,addr=2"), "'addr' is there twice");

  EXPECT_EQ(ask("device_del extra"), "");
  settle();
  EXPECT_EQ(ask("info qom-tree"), objects);
  EXPECT_EQ(ask("info qtree"), devices);
  EXPECT_HAS(ask("device_del extra"), "Error: device 'extra' not found");
}

TEST_F(HmpTest, DeviceTree) {
  const std::string tree = ask("info qtree");
  EXPECT_TRUE(tree.starts_with("bus: main-system-bus\n  type System\n  dev: ")) << tree;
  EXPECT_HAS(tree, "  dev: ns16550a, id \"\"\n    gpio-out \"irq\" 1\n");
  EXPECT_HAS(tree, "    mmio 000000000c000000/");
  EXPECT_FALSE(has(ask("info qtree -b"), "    mmio "));
  EXPECT_HAS(ask("info irq"), "/machine/plic:in in, ");
  EXPECT_HAS(ask("info pic"), "/machine/plic (");
}

TEST_F(HmpTest, PciFunctions) {
  const std::string alone = "  Bus  0, device   0, function 0:\n    Host bridge: PCI device 1b36:0008\n"
                            "      PCI subsystem 1af4:1100\n      id \"\"\n";
  EXPECT_EQ(ask("info pci"), alone);
  EXPECT_HAS(ask("device_add pci-testdev,bus=pcie.0"), "Error: bus 'pcie.0' does not support hotplugging");
  EXPECT_HAS(ask("device_add pci-testdev"), "no PCI bus takes devices while the machine runs");
  const machine::DeviceAdder starting{*machine_, types_, nullptr, {}, machine::DeviceAdder::Time::kStart};
  ASSERT_TRUE(starting.add({.driver = "pci-testdev", .id = "t", .values = {{"addr", "4"}, {"membar", "1M"}}}));
  EXPECT_EQ(ask("info pci"),
            alone + "  Bus  0, device   4, function 0:\n    Class 0255: PCI device 1b36:0005\n"
                    "      PCI subsystem 1af4:1100\n"
                    "      BAR0: 32 bit memory at 0xffffffffffffffff [0x00000ffe].\n"
                    "      BAR1: I/O at 0xffffffffffffffff [0x00fe].\n"
                    "      BAR2: 64 bit prefetchable memory at 0xffffffffffffffff [0x000ffffe].\n"
                    "      id \"t\"\n");
  store(0x3002'0010, 0x4100'0000);
  store(0x3002'0000, std::uint64_t{2} << 32);
  EXPECT_HAS(ask("info pci"), "      BAR0: 32 bit memory at 0x41000000 [0x41000fff].\n");
  EXPECT_HAS(ask("info qtree"), "    bus: pcie.0\n      type PCIE\n      dev: gpex-root, id \"\"\n");
  EXPECT_HAS(ask("info qtree"),
             "      dev: pci-testdev, id \"t\"\n        membar = 1048576 (0x100000)\n"
             "        membar-backed = off\n        addr = \"04.0\"\n        multifunction = off\n"
             "        romfile = \"\"\n        rombar = 1 (0x1)\n        romsize = 4294967295 (0xffffffff)\n"
             "        class Class 00ff, addr 00:04.0, pci id 1b36:0005 (sub 1af4:1100)\n"
             "        bar 0: mem at 0x41000000 [0x41000fff]\n"
             "        bar 1: i/o at 0xffffffffffffffff [0xfe]\n");
  EXPECT_HAS(ask("info qtree -b"), "      dev: pci-testdev, id \"t\"\n");
  EXPECT_TRUE(machine_->unplug("peripheral/t")->wait());
  EXPECT_EQ(ask("info pci"), alone);
}

TEST_F(HmpTest, Objects) {
  EXPECT_TRUE(ask("info qom-tree").starts_with("/machine (none-machine)\n"));
  EXPECT_HAS(ask("info qom-tree /machine/serial0"), "/serial0 (ns16550a)\n");
  EXPECT_HAS(ask("info qom-tree /nowhere"), "Error: ");
  EXPECT_EQ(ask("qom-list"), "/\n");
  EXPECT_HAS(ask("qom-list /"), "machine (child<none-machine>)\n");
  EXPECT_EQ(ask("qom-get /machine/serial0 type"), "\"ns16550a\"\n");
  EXPECT_HAS(ask("qom-get /machine/serial0 nothing"), "Error: ");
  EXPECT_HAS(ask("qom-set /machine initrd test"), "Error: ");
  EXPECT_HAS(ask("qom-set -j /machine initrd {"), "'{' is no JSON");
}

TEST_F(HmpTest, MemoryObjects) {
  EXPECT_HAS(ask("object_add help"), "memory-backend-ram");
  EXPECT_HAS(ask("object_add memory-backend-ram,help"), "size=");
  EXPECT_EQ(ask("object_add memory-backend-ram,id=m,size=1M"), "");
  EXPECT_HAS(ask("info memdev"), "memory backend: m\n  size:  1048576\n");
  EXPECT_EQ(monitor_->complete("object_del ").words, std::vector<std::string>{"m"});
  EXPECT_HAS(ask("object_add memory-backend-ram,id=m,size=1M"), "Error: ");
  EXPECT_HAS(ask("object_add nothing,id=n"), "Error: ");
  EXPECT_EQ(ask("object_del m"), "");
  EXPECT_HAS(ask("object_del m"), "Error: ");
  EXPECT_EQ(ask("info memdev"), "Nobody made a memory back-end.\n");
  EXPECT_EQ(ask("info memory-devices"), "No memory module is plugged.\n");
}

TEST_F(HmpTest, ThreadsForInputAndOutput) {
  EXPECT_HAS(ask("object_add help"), "iothread");
  EXPECT_HAS(ask("object_add iothread,help"), "poll-max-ns=<int>");
  EXPECT_EQ(ask("info iothreads"), "Nobody made a thread for input and output.\n");
  EXPECT_EQ(ask("object_add iothread,id=io,poll-grow=2"), "");
  EXPECT_HAS(ask("info iothreads"), "io:\n  thread_id=");
  EXPECT_HAS(ask("info iothreads"), "  poll-max-ns=32768\n  poll-grow=2\n  poll-shrink=0\n  aio-max-batch=0\n");
  EXPECT_EQ(monitor_->complete("object_del ").words, std::vector<std::string>{"io"});
  EXPECT_HAS(ask("object_add iothread,id=io"), "Error: ");
  EXPECT_EQ(ask("object_del io"), "");
  EXPECT_HAS(ask("object_del io"), "Error: ");
}

TEST_F(HmpTest, DrivesHaveNamesAsDevicesHave) {
  EXPECT_EQ(ask("drive_add 0 if=none,id=9bad"),
            "Error: id is '9bad'; it takes letters, digits, '-', '.' and '_', a letter first\n");
  EXPECT_EQ(ask("drive_add 0 if=none,id=a9"), "OK\n");
  EXPECT_EQ(ask("drive_del a9"), "");
}

TEST_F(HmpTest, NodesAreMadeAsTheCommandLineMakesThem) {
  EXPECT_EQ(ask("drive_add -n 0 driver=raw,node-name=n1,file.driver=null-co,file.size=64K"), "");
  EXPECT_EQ(ask("drive_add -n 0 null-co,node-name=n2"), "");
  EXPECT_HAS(ask("drive_add -n 0 null-co,node-name=n2"), "Error: ");
  EXPECT_HAS(ask("drive_add -n 0 driver=null-co"), "node-name is missing");
  EXPECT_HAS(ask("drive_add -n 0 driver=null-co,node-name=n3,nonsense=1"), "'nonsense'");
  EXPECT_EQ(ask("info block n1"),
            "node 'n1': nothing (raw)\n    Size:             65536 bytes\n    Served by:        null\n");
  EXPECT_EQ(ask("info block -v n1"), ask("info block n1"));
  EXPECT_HAS(ask("info block"), "node 'n1'");
  EXPECT_HAS(ask("info block"), "node 'n2'");
  EXPECT_EQ(ask("info block n3"), "There is no such drive.\n");
  EXPECT_EQ(ask("drive_del n1"), "");
  EXPECT_EQ(ask("drive_del n2"), "");
}

TEST_F(HmpTest, Chardevs) {
  EXPECT_EQ(ask("chardev-add ringbuf,id=ring"), "");
  EXPECT_HAS(ask("info chardev"), "ring: filename=ringbuf\n");
  EXPECT_HAS(ask("chardev-add null,id=ring"), "Error: ");
  EXPECT_HAS(ask("chardev-add nothing,id=x"), "Error: ");
  EXPECT_HAS(ask("chardev-add stdio,id=x"), "Error: ");
  EXPECT_EQ(ask("device_add ns16550a,id=extra,addr=0x18000000,chardev=ring"), "");
  store(kHole, 'h');  // its transmitter
  EXPECT_EQ(ask("ringbuf_read ring 100"), "h\n");
  EXPECT_EQ(ask("ringbuf_write ring \"a b\""), "");
  EXPECT_EQ(ask("ringbuf_read ring 100"), "a b\n");
  EXPECT_EQ(ask("chardev-send-break ring"), "");
  EXPECT_HAS(ask("chardev-remove ring"), "in use");
  EXPECT_HAS(ask("chardev-change ring null"), "in use");
  EXPECT_EQ(ask("device_del extra"), "");
  settle();
  EXPECT_EQ(ask("chardev-change ring null"), "");
  EXPECT_HAS(ask("info chardev"), "ring: filename=null\n");
  EXPECT_HAS(ask("ringbuf_read ring 1"), "is no ringbuf");
  EXPECT_EQ(ask("chardev-remove ring"), "");
  EXPECT_HAS(ask("chardev-remove ring"), "not found");
}

TEST_F(HmpTest, TheLog) {
  EXPECT_HAS(ask("log help"), "guest_errors");
  EXPECT_EQ(ask("log int,unimp"), "");
  EXPECT_TRUE(log::enabled(log::Topic::kInterrupts));
  EXPECT_TRUE(log::enabled(log::Topic::kUnimplemented));
  EXPECT_HAS(ask("log nonsense"), "Error: 'nonsense' is no topic");
  EXPECT_TRUE(log::enabled(log::Topic::kInterrupts)) << "as it was";
  EXPECT_EQ(ask("log none"), "");
  EXPECT_FALSE(log::enabled(log::Topic::kInterrupts));
}

TEST_F(HmpTest, Completion) {
  const auto words = [this](std::string_view line) { return monitor_->complete(line).words; };
  using Words = std::vector<std::string>;
  EXPECT_EQ(words("system_r"), Words{"system_reset"});
  EXPECT_EQ(words("info reg"), Words{"registers"});
  EXPECT_EQ(words("help info reg"), Words{"registers"});
  EXPECT_EQ(words("device_add ns1"), Words{"ns16550a"});
  EXPECT_EQ(words("device_add ns16550a,id=x,ad"), Words{"addr="});
  EXPECT_EQ(monitor_->complete("device_add ns16550a,ad").begin, 20U);
  EXPECT_EQ(words("log guest"), Words{"guest_errors"});
  EXPECT_EQ(words("log int,gu"), Words{"guest_errors"});
  EXPECT_EQ(words("qom-list /mach"), Words{"/machine/"});
  EXPECT_EQ(words("qom-get /machine/serial0"), Words{"/machine/serial0"});
  EXPECT_EQ(words("chardev-add ring"), Words{"ringbuf,"});
  EXPECT_EQ(words("stop "), Words{});
  EXPECT_EQ(words("nonsense a"), Words{});
  ask("device_add ns16550a,id=extra,addr=0x18000000");
  EXPECT_EQ(words("device_del "), Words{"extra"});
  EXPECT_EQ(words("").size(), words("help ").size());
}

// --- a machine with nothing ------------------------------------------------------------------------

class EmptyHmpTest : public HmpTest {
 protected:
  EmptyHmpTest() : HmpTest{machine::Machine::make(machine::Machine::Options{}).value()} {}
};

TEST_F(EmptyHmpTest, AnswersInSentences) {
  EXPECT_EQ(ask("info cpus"), "There are no CPUs.\n");
  for (const char* line : {"info registers", "info mem", "info tlb"})
    EXPECT_EQ(ask(line), "There is no CPU to look at.\n");
  EXPECT_EQ(ask("info roms"), "Nothing is loaded into memory at a reset.\n");
  EXPECT_EQ(ask("info block"), "There is no drive.\n");
  EXPECT_EQ(ask("x /2xw 0"), "0000000000000000: 0x00000000 0x00000000\n");
  EXPECT_HAS(ask("x /i 0"), "Error: there is no CPU");
  EXPECT_HAS(ask("info mtree -f"), "  No rendered FlatView\n");
  for (const auto rows : {hmp::commands(), hmp::infos()})
    for (const hmp::Row* row : rows)
      ask((rows.data() == hmp::infos().data() ? "info " : "") + std::string{row->first_name()} + " 0 0 0");
}

// --- conversations ---------------------------------------------------------------------------------

class HmpServerTest : public HmpTest {
 protected:
  HmpServerTest() { server_.emplace(*machine_, types_, about_, *programs_); }

  Client client_{*machine_};
  std::optional<HmpServer> server_;
};

TEST_F(HmpServerTest, GreetsPromptsAndAnswers) {
  ASSERT_TRUE(server_->serve(client_.backend()));
  const std::string greeting = client_.hear();
  EXPECT_TRUE(greeting.starts_with("QEMU 8.2.0 monitor (Holdfast ")) << greeting;
  EXPECT_TRUE(greeting.ends_with(") - type 'help' for more information\r\n(qemu) ")) << greeting;
  EXPECT_EQ(client_.say("info status\n"), "info status\r\nVM status: paused (prelaunch)\r\n(qemu) ");
  EXPECT_EQ(client_.say("\n"), "\r\n(qemu) ");
  EXPECT_EQ(client_.say("info sta\t\r"), "info status \r\nVM status: paused (prelaunch)\r\n(qemu) ");
  EXPECT_EQ(client_.say("\x1b[A\x01\x0binfo history\r").ends_with("1: 'info status '\r\n2: 'info history'\r\n(qemu) "), true);
}

TEST_F(HmpServerTest, EachConversationHasItsOwnCpu) {
  Client other{*machine_};
  ASSERT_TRUE(server_->serve(client_.backend()));
  ASSERT_TRUE(server_->serve(other.backend()));
  client_.say("cpu 1\n");
  EXPECT_TRUE(has(client_.say("p $mhartid\n"), "\r\n0x1\r\n"));
  EXPECT_TRUE(has(other.say("p $mhartid\n"), "\r\n0x0\r\n"));
  server_.reset();
}

TEST_F(HmpServerTest, GoesAndLeavesNothing) {
  const auto before = machine_->census();
  ASSERT_TRUE(server_->serve(client_.backend()));
  client_.say("info mtree\nunfinished");
  server_.reset();
  EXPECT_EQ(machine_->census(), before);
}

/// A back-end that is shared with a console, fed from here.
class Shared final : public chardev::Chardev {
 public:
  Shared() : Chardev{Common{.id = "shared", .sharing = Sharing::kMux}} {}
  std::string filename() const override { return "shared"; }
  void accept_input() override {}
  void type(std::string_view keys) {
    arrived({reinterpret_cast<const std::uint8_t*>(keys.data()), keys.size()});
    offer_input();
    tell_standing();
  }
  std::string take() { return std::exchange(output_, {}); }

 protected:
  std::size_t put(chardev::Bytes bytes) override {
    output_.append(bytes.begin(), bytes.end());
    return bytes.size();
  }

 private:
  std::string output_;
};

TEST_F(HmpServerTest, SharesTheTerminalWithAConsole) {
  auto owned = std::make_unique<Shared>();
  Shared& terminal = *owned;
  machine_->keep(std::move(owned));
  ASSERT_EQ(ask("device_add ns16550a,id=console,addr=0x18000000,chardev=shared"), "");
  ASSERT_TRUE(server_->serve(terminal));
  const auto settled = [&] {
    while (machine_->loop().run_ready() != 0) {}
    return terminal.take();
  };
  EXPECT_EQ(settled(), "") << "the console has the keyboard";
  terminal.type("\x01" "c");
  const std::string greeting = settled();
  EXPECT_TRUE(greeting.starts_with("QEMU 8.2.0 monitor")) << greeting;
  EXPECT_TRUE(greeting.ends_with("(qemu) ")) << greeting;
  terminal.type("info na");
  EXPECT_EQ(settled(), "info na");
  terminal.type("\x01" "c");
  EXPECT_EQ(settled(), "\r\n");
  terminal.type("for the guest");
  EXPECT_EQ(settled(), "");
  terminal.type("\x01" "c");
  EXPECT_EQ(settled(), "\r\n(qemu) info na") << "the line in the making";
  terminal.type("me\r");
  EXPECT_EQ(settled(), "me\r\ntest\r\n(qemu) ");
  ask("device_del console");
  settle();
  server_.reset();
}

}  // namespace
}  // namespace holdfast::control
