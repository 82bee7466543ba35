// SPDX-License-Identifier: Apache-2.0
// The device tree of the `virt` board.
// SPEC: Devicetree Specification 0.4; the Linux kernel's bindings for each "compatible".
#include <fmt/format.h>

#include <utility>
#include <vector>

#include "holdfast/boards/loader/device_tree.hpp"
#include "holdfast/boards/virt/virt.hpp"

namespace holdfast::boards::virt {
namespace {

using cpu::riscv::Extension;
using Node = DeviceTreeBuilder::Node;
using Phandle = DeviceTreeBuilder::Phandle;

// Interrupt numbers at a hart's own controller.
constexpr std::uint32_t kMachineSoftware = 3;
constexpr std::uint32_t kMachineTimer = 7;
constexpr std::uint32_t kSupervisorExternal = 9;
constexpr std::uint32_t kMachineExternal = 11;

// What the finisher's register takes, see devices/misc/sifive_test.hpp.
constexpr std::uint32_t kFinishPass = 0x5555;
constexpr std::uint32_t kFinishReset = 0x7777;

struct Handles {
  std::vector<Phandle> harts;             // each hart
  std::vector<Phandle> hart_controllers;  // its interrupt controller
  Phandle plic;
  Phandle syscon;
};

void add_cpus(Node& root, const Handles& handles, const cpu::riscv::HartConfig& hart) {
  auto cpus = root.node("cpus");
  cpus.u32("#address-cells", 1).u32("#size-cells", 0).u32("timebase-frequency", kTimebaseHz);
  for (std::uint32_t id = 0; id < handles.harts.size(); ++id) {
    auto cpu = cpus.node(fmt::format("cpu@{:x}", id));
    cpu.phandle(handles.harts[id])
        .string("device_type", "cpu")
        .u32("reg", id)
        .string("status", "okay")
        .string("compatible", "riscv")
        .string("riscv,isa", cpu::riscv::isa_string(hart))
        .string("mmu-type", std::string{cpu::riscv::mmu_type(hart)});
    if (hart.isa.has(Extension::kZicbom)) cpu.u32("riscv,cbom-block-size", hart.clean_block);
    if (hart.isa.has(Extension::kZicboz)) cpu.u32("riscv,cboz-block-size", hart.zero_block);
    auto controller = cpu.node("interrupt-controller");
    controller.u32("#interrupt-cells", 1)
        .flag("interrupt-controller")
        .string("compatible", "riscv,cpu-intc")
        .phandle(handles.hart_controllers[id]);
  }
  auto map = cpus.node("cpu-map");
  auto cluster = map.node("cluster0");
  for (std::uint32_t id = 0; id < handles.harts.size(); ++id)
    cluster.node(fmt::format("core{}", id)).u32("cpu", handles.harts[id]);
}

/// For each hart: its controller and the number of each of two interrupts.
std::vector<std::uint32_t> both(const Handles& handles, std::uint32_t one, std::uint32_t other) {
  std::vector<std::uint32_t> cells;
  for (const Phandle controller : handles.hart_controllers)
    cells.insert(cells.end(), {controller, one, controller, other});
  return cells;
}

void add_interrupt_controllers(Node& soc, const Handles& handles) {
  auto clint = soc.node(fmt::format("clint@{:x}", map::kClint));
  clint.cells("interrupts-extended", both(handles, kMachineSoftware, kMachineTimer))
      .reg({{map::kClint, 0x1'0000}})
      .strings("compatible", {"sifive,clint0", "riscv,clint0"});
}

void add_plic(Node& soc, const Handles& handles) {
  auto plic = soc.node(fmt::format("plic@{:x}", map::kPlic));
  plic.phandle(handles.plic)
      .u32("riscv,ndev", irq::kSources - 1)
      .reg({{map::kPlic, 0x60'0000}})
      .cells("interrupts-extended", both(handles, kMachineExternal, kSupervisorExternal))
      .flag("interrupt-controller")
      .strings("compatible", {"sifive,plic-1.0.0", "riscv,plic0"})
      .u32("#interrupt-cells", 1)
      .u32("#address-cells", 0);
}

void add_devices(Node& soc, const Handles& handles) {
  soc.node(fmt::format("serial@{:x}", map::kUart))
      .u32("interrupts", irq::kUart)
      .u32("interrupt-parent", handles.plic)
      .u32("clock-frequency", 3'686'400)
      .reg({{map::kUart, 0x100}})
      .string("compatible", "ns16550a");
  soc.node(fmt::format("rtc@{:x}", map::kRtc))
      .u32("interrupts", irq::kRtc)
      .u32("interrupt-parent", handles.plic)
      .reg({{map::kRtc, 0x1000}})
      .string("compatible", "google,goldfish-rtc");
  soc.node(fmt::format("test@{:x}", map::kSyscon))
      .phandle(handles.syscon)
      .reg({{map::kSyscon, 0x1000}})
      .strings("compatible", {"sifive,test1", "sifive,test0", "syscon"});
}

void add_flash(Node& root) {
  root.node(fmt::format("flash@{:x}", map::kFlash))
      .u32("bank-width", 4)
      .reg({{map::kFlash, map::kFlashBank}, {map::kFlash + map::kFlashBank, map::kFlashBank}})
      .string("compatible", "cfi-flash");
}

void add_finisher(Node& root, const char* name, Phandle syscon, std::uint32_t value) {
  root.node(name)
      .u32("value", value)
      .u32("offset", 0)
      .u32("regmap", syscon)
      .string("compatible", fmt::format("syscon-{}", name));
}

}  // namespace

Result<std::vector<std::byte>> device_tree(const Options& options) {
  const auto hart = TRY(options.cpu.hart());
  DeviceTreeBuilder tree;
  Handles handles;
  for (std::uint32_t id = 0; id < options.harts; ++id) {
    handles.harts.push_back(tree.new_phandle());
    handles.hart_controllers.push_back(tree.new_phandle());
  }
  handles.plic = tree.new_phandle();
  handles.syscon = tree.new_phandle();
  {
    auto root = tree.root();
    root.u32("#address-cells", 2)
        .u32("#size-cells", 2)
        .string("compatible", "riscv-virtio")
        .string("model", "riscv-virtio,holdfast");
    root.node("chosen").string("stdout-path", fmt::format("/soc/serial@{:x}", map::kUart));
    root.node(fmt::format("memory@{:x}", map::kRam))
        .string("device_type", "memory")
        .reg({{map::kRam, options.ram_size}});
    add_flash(root);
    add_cpus(root, handles, hart);
    add_finisher(root, "poweroff", handles.syscon, kFinishPass);
    add_finisher(root, "reboot", handles.syscon, kFinishReset);
    auto soc = root.node("soc");
    soc.u32("#address-cells", 2).u32("#size-cells", 2).string("compatible", "simple-bus");
    soc.flag("ranges");
    add_interrupt_controllers(soc, handles);
    add_plic(soc, handles);
    add_devices(soc, handles);
  }
  return std::move(tree).finish();
}

}  // namespace holdfast::boards::virt
