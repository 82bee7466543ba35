// SPDX-License-Identifier: Apache-2.0
// The device tree of the `virt` board.
// It tells of what is there at first: a hart that is plugged later is in no tree.
// SPEC: Devicetree Specification 0.4; the Linux kernel's bindings for each "compatible".
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <initializer_list>
#include <iterator>
#include <utility>
#include <vector>

#include "holdfast/boards/loader/device_tree.hpp"
#include "holdfast/boards/virt/boot.hpp"
#include "holdfast/boards/virt/layout.hpp"
#include "holdfast/boards/virt/pci.hpp"

namespace holdfast::boards::virt {
namespace {

using cpu::riscv::Extension;
using Node = DeviceTreeBuilder::Node;
using Phandle = DeviceTreeBuilder::Phandle;

// Interrupt numbers at a hart's own controller.
constexpr std::uint32_t kSupervisorSoftware = 1;
constexpr std::uint32_t kMachineSoftware = 3;
constexpr std::uint32_t kMachineTimer = 7;
constexpr std::uint32_t kSupervisorExternal = 9;
constexpr std::uint32_t kMachineExternal = 11;

// What the finisher's register takes, see devices/misc/sifive_test.hpp.
constexpr std::uint32_t kFinishPass = 0x5555;
constexpr std::uint32_t kFinishReset = 0x7777;

// How a line asks, where that is told (the kernel's binding of interrupt controllers).
constexpr std::uint32_t kActiveHigh = 4;

/// By how many bits `count` things are told apart.
constexpr std::uint32_t bits_for(std::uint32_t count) {
  return static_cast<std::uint32_t>(std::bit_width(count - 1));
}

struct Handles {
  std::vector<Phandle> harts;             // each hart
  std::vector<Phandle> hart_controllers;  // its interrupt controller
  std::vector<Phandle> wired;             // each node's PLIC or APLIC, that of supervisor mode
  std::vector<Phandle> machine_aplics;    // each node's
  Phandle machine_imsics{};
  Phandle imsics{};                       // of supervisor mode
  Phandle syscon{};
};

/// Builds the tree: what all of it needs to know, a function a part.
class Tree {
 public:
  Tree(const Options& options, const cpu::riscv::HartConfig& hart)
      : options_{options}, hart_{hart}, places_{places(options)} {}

  Result<std::vector<std::byte>> build() &&;

 private:
  void add_chosen(Node& root) const;
  void add_cpus(Node& root) const;
  void add_cpu(Node& cpus, const Place& place, std::uint32_t id) const;
  void add_memory(Node& root) const;
  void add_distances(Node& root) const;
  void add_clint(Node& soc, const Place& place) const;
  void add_aclint(Node& soc, const Place& place) const;
  void add_mtimer(Node& soc, const Place& place, std::uint64_t comparisons) const;
  void add_plic(Node& soc, const Place& place) const;
  void add_imsics(Node& soc) const;
  void add_aplics(Node& soc, const Place& place) const;
  void add_devices(Node& soc) const;
  void add_virtio_slots(Node& soc) const;
  /// For each hart of the node, its controller and an interrupt's number there.
  std::vector<std::uint32_t> lines(const Place& place,
                                   std::initializer_list<std::uint32_t> numbers) const;
  bool has_plic() const { return options_.interrupts == Interrupts::kPlic; }
  bool has_imsics() const { return options_.interrupts == Interrupts::kAplicAndImsics; }
  /// A device whose line leads to the wired controller of a node.
  void interrupt(Node& node, std::uint32_t line, std::size_t place) const;
  void number(Node& node, const Place& place) const {
    if (!options_.nodes.empty()) node.u32("numa-node-id", place.number);
  }

  const Options& options_;
  const cpu::riscv::HartConfig hart_;  // of each of them
  const std::vector<Place> places_;
  DeviceTreeBuilder tree_;
  Handles handles_;
};

void Tree::add_chosen(Node& root) const {
  auto chosen = root.node("chosen");
  if (options_.rng_seed) chosen.bytes("rng-seed", *options_.rng_seed);
  chosen.string("stdout-path", fmt::format("/soc/serial@{:x}", map::kUart));
}

void Tree::add_cpu(Node& cpus, const Place& place, std::uint32_t id) const {
  auto cpu = cpus.node(fmt::format("cpu@{:x}", id));
  cpu.phandle(handles_.harts[id]);
  number(cpu, place);
  cpu.string("device_type", "cpu")
      .u32("reg", id)
      .string("status", "okay")
      .string("compatible", "riscv")
      .string("riscv,isa", cpu::riscv::isa_string(hart_))
      .string("riscv,isa-base", cpu::riscv::kIsaBase)
      .strings("riscv,isa-extensions", cpu::riscv::extension_names(hart_))
      .string("mmu-type", std::string{cpu::riscv::mmu_type(hart_)});
  if (hart_.isa.has(Extension::kZicbom)) cpu.u32("riscv,cbom-block-size", hart_.clean_block);
  if (hart_.isa.has(Extension::kZicboz)) cpu.u32("riscv,cboz-block-size", hart_.zero_block);
  auto controller = cpu.node("interrupt-controller");
  controller.u32("#interrupt-cells", 1)
      .flag("interrupt-controller")
      .string("compatible", "riscv,cpu-intc")
      .phandle(handles_.hart_controllers[id]);
}

void Tree::add_cpus(Node& root) const {
  auto cpus = root.node("cpus");
  cpus.u32("#address-cells", 1).u32("#size-cells", 0).u32("timebase-frequency", kTimebaseHz);
  for (const Place& place : places_)
    for (std::uint32_t i = 0; i < place.present; ++i) add_cpu(cpus, place, place.first_hart + i);
  auto map = cpus.node("cpu-map");
  for (const Place& place : places_) {
    auto cluster = map.node(fmt::format("cluster{}", place.number));
    for (std::uint32_t i = 0; i < place.present; ++i)
      cluster.node(fmt::format("core{}", i)).u32("cpu", handles_.harts[place.first_hart + i]);
  }
}

void Tree::add_memory(Node& root) const {
  for (const Place& place : places_) {
    auto memory = root.node(fmt::format("memory@{:x}", place.ram));
    number(memory, place);
    memory.string("device_type", "memory").reg({{place.ram, place.ram_size}});
  }
}

// Where only one way is told, the other is as long; a pair of which nothing is told is not there.
void Tree::add_distances(Node& root) const {
  if (options_.distances.empty()) return;
  const std::size_t count = places_.size();
  std::vector<std::uint32_t> told(count * count);
  for (const auto& [from, to, distance] : options_.distances) told[from * count + to] = distance;
  std::vector<std::uint32_t> matrix;
  for (std::uint32_t from = 0; from < count; ++from)
    for (std::uint32_t to = 0; to < count; ++to) {
      std::uint32_t distance = from == to ? 10 : told[from * count + to];
      if (distance == 0) distance = told[to * count + from];
      if (distance != 0) matrix.insert(matrix.end(), {from, to, distance});
    }
  root.node("distance-map")
      .cells("distance-matrix", matrix)
      .string("compatible", "numa-distance-map-v1");
}

std::vector<std::uint32_t> Tree::lines(const Place& place,
                                       std::initializer_list<std::uint32_t> numbers) const {
  std::vector<std::uint32_t> cells;
  for (std::uint32_t i = 0; i < place.present; ++i)
    for (const std::uint32_t number : numbers)
      cells.insert(cells.end(), {handles_.hart_controllers[place.first_hart + i], number});
  return cells;
}

void Tree::add_clint(Node& soc, const Place& place) const {
  auto clint = soc.node(fmt::format("clint@{:x}", place.clint));
  number(clint, place);
  clint.cells("interrupts-extended", lines(place, {kMachineSoftware, kMachineTimer}))
      .reg({{place.clint, map::kClintSize}})
      .strings("compatible", {"sifive,clint0", "riscv,clint0"});
}

/// The timer's counter is the last register of its device; the comparisons come first.
void Tree::add_mtimer(Node& soc, const Place& place, std::uint64_t comparisons) const {
  const std::uint64_t counter = comparisons + 0x7ff8;
  const std::uint64_t end =
      place.clint + (has_mtimer_only(options_) ? map::kMtimerSize : map::kClintSize);
  auto timer = soc.node(fmt::format("mtimer@{:x}", comparisons));
  number(timer, place);
  timer.cells("interrupts-extended", lines(place, {kMachineTimer}))
      .reg({{counter, end - counter}, {comparisons, counter - comparisons}})
      .string("compatible", "riscv,aclint-mtimer");
}

// SPEC: the kernel's bindings riscv,aclint-mswi, -sswi and -mtimer.
void Tree::add_aclint(Node& soc, const Place& place) const {
  const auto software = [&](const char* name, std::uint64_t at, std::uint32_t line) {
    auto node = soc.node(fmt::format("{}@{:x}", name, at));
    number(node, place);
    node.u32("#interrupt-cells", 0)
        .flag("interrupt-controller")
        .cells("interrupts-extended", lines(place, {line}))
        .reg({{at, 0x4000}})
        .string("compatible", fmt::format("riscv,aclint-{}", name));
  };
  software("sswi", place.sswi, kSupervisorSoftware);
  add_mtimer(soc, place, place.clint + 0x4000);
  software("mswi", place.clint, kMachineSoftware);
}

void Tree::add_plic(Node& soc, const Place& place) const {
  auto plic = soc.node(fmt::format("plic@{:x}", place.plic));
  plic.phandle(handles_.wired[place.number]);
  number(plic, place);
  plic.u32("riscv,ndev", irq::kSources - 1)
      .reg({{place.plic, map::kPlicSize}})
      .cells("interrupts-extended", lines(place, {kMachineExternal, kSupervisorExternal}))
      .flag("interrupt-controller")
      .strings("compatible", {"sifive,plic-1.0.0", "riscv,plic0"})
      .u32("#interrupt-cells", 1)
      .u32("#address-cells", 0);
}

// SPEC: the kernel's binding riscv,imsics. One node for the pages of all harts, at each level; the
// address bits that tell nodes and harts apart are told where there are several nodes.
void Tree::add_imsics(Node& soc) const {
  struct Level {
    Phandle handle;
    std::uint32_t line;
    std::uint64_t Place::*base;
    std::uint64_t stride;
    unsigned guest_bits;
  };
  for (const Level& level :
       {Level{handles_.machine_imsics, kMachineExternal, &Place::imsic_machine, map::kImsicPage, 0},
        Level{handles_.imsics, kSupervisorExternal, &Place::imsic_supervisor, imsic_stride(options_),
              guest_bits(options_)}}) {
    std::vector<std::uint32_t> harts;
    std::vector<DeviceTreeBuilder::Range> pages;
    std::uint32_t most = 0;
    for (const Place& place : places_) {
      std::ranges::copy(lines(place, {level.line}), std::back_inserter(harts));
      pages.push_back({place.*level.base, place.present * level.stride});
      most = std::max(most, place.present);
    }
    auto imsics = soc.node(fmt::format("imsics@{:x}", places_.front().*level.base));
    imsics.phandle(level.handle)
        .string("compatible", "riscv,imsics")
        .u32("#interrupt-cells", 0)
        .flag("interrupt-controller")
        .flag("msi-controller")
        .u32("#msi-cells", 0)
        .cells("interrupts-extended", harts)
        .reg(pages)
        .u32("riscv,num-ids", irq::kMessages)
        .u32("riscv,ipi-id", 1);
    if (level.guest_bits != 0) imsics.u32("riscv,guest-index-bits", level.guest_bits);
    if (places_.size() > 1)
      imsics.u32("riscv,hart-index-bits", bits_for(most))
          .u32("riscv,group-index-bits", bits_for(static_cast<std::uint32_t>(places_.size())))
          .u32("riscv,group-index-shift", map::kImsicGroupShift);
  }
}

// SPEC: the kernel's binding riscv,aplic.
void Tree::add_aplics(Node& soc, const Place& place) const {
  const Phandle supervisor = handles_.wired[place.number];
  struct Level {
    Phandle handle;
    std::uint64_t at;
    std::uint32_t line;
    Phandle messages;
  };
  const Level machine{handles_.machine_aplics[place.number], place.aplic_machine, kMachineExternal,
                      handles_.machine_imsics};
  const Level child{supervisor, place.aplic_supervisor, kSupervisorExternal, handles_.imsics};
  for (const Level& level : {machine, child}) {
    auto aplic = soc.node(fmt::format("aplic@{:x}", level.at));
    aplic.phandle(level.handle);
    number(aplic, place);
    aplic.string("compatible", "riscv,aplic")
        .u32("#address-cells", 0)
        .u32("#interrupt-cells", 2)
        .flag("interrupt-controller")
        .reg({{level.at, map::kAplicSize}})
        .u32("riscv,num-sources", irq::kWiredSources);
    if (has_imsics())
      aplic.u32("msi-parent", level.messages);
    else
      aplic.cells("interrupts-extended", lines(place, {level.line}));
    // The binding says "delegation"; firmware from before that knows the other.
    if (level.handle != supervisor)
      aplic.u32("riscv,children", supervisor)
          .cells("riscv,delegation", {supervisor, 1, irq::kWiredSources})
          .cells("riscv,delegate", {supervisor, 1, irq::kWiredSources});
  }
}

void Tree::interrupt(Node& node, std::uint32_t line, std::size_t place) const {
  if (has_plic())
    node.u32("interrupts", line);
  else
    node.cells("interrupts", {line, kActiveHigh});
  node.u32("interrupt-parent", handles_.wired[place]);
}

void Tree::add_devices(Node& soc) const {
  {
    auto serial = soc.node(fmt::format("serial@{:x}", map::kUart));
    interrupt(serial, irq::kUart, 0);
    serial.u32("clock-frequency", 3'686'400)
        .reg({{map::kUart, 0x100}})
        .string("compatible", "ns16550a");
  }
  {
    auto rtc = soc.node(fmt::format("rtc@{:x}", map::kRtc));
    interrupt(rtc, irq::kRtc, 0);
    rtc.reg({{map::kRtc, 0x1000}}).string("compatible", "google,goldfish-rtc");
  }
  soc.node(fmt::format("test@{:x}", map::kSyscon))
      .phandle(handles_.syscon)
      .reg({{map::kSyscon, 0x1000}})
      .strings("compatible", {"sifive,test1", "sifive,test0", "syscon"});
}

// The last slot first: kernels number devices as they find them, and people expect those of the lowest
// address to come last, as elsewhere.
void Tree::add_virtio_slots(Node& soc) const {
  for (unsigned slot = kVirtioSlots; slot-- > 0;) {
    const std::uint64_t at = map::kVirtio + slot * map::kVirtioSize;
    auto transport = soc.node(fmt::format("virtio_mmio@{:x}", at));
    interrupt(transport, irq::kVirtio + slot, virtio_node(places_.size()));
    transport.reg({{at, map::kVirtioSize}}).string("compatible", "virtio,mmio");
  }
}

void add_flash(Node& root) {
  root.node(fmt::format("flash@{:x}", map::kFlash))
      .u32("bank-width", 4)
      .reg({{map::kFlash, map::kFlashBank}, {map::kFlash + map::kFlashBank, map::kFlashBank}})
      .string("compatible", "cfi-flash");
}

void add_fw_cfg(Node& root) {
  root.node(fmt::format("fw-cfg@{:x}", map::kFwCfg))
      .flag("dma-coherent")
      .reg({{map::kFwCfg, 0x18}})
      .string("compatible", "qemu,fw-cfg-mmio");
}

void add_finisher(Node& root, const char* name, Phandle syscon, std::uint32_t value) {
  root.node(name)
      .u32("value", value)
      .u32("offset", 0)
      .u32("regmap", syscon)
      .string("compatible", fmt::format("syscon-{}", name));
}

Result<std::vector<std::byte>> Tree::build() && {
  for (std::uint32_t id = 0; id < options_.harts; ++id) {
    handles_.harts.push_back(tree_.new_phandle());
    handles_.hart_controllers.push_back(tree_.new_phandle());
  }
  for (std::size_t i = 0; i < places_.size(); ++i) {
    handles_.wired.push_back(tree_.new_phandle());
    if (!has_plic()) handles_.machine_aplics.push_back(tree_.new_phandle());
  }
  if (has_imsics()) {
    handles_.machine_imsics = tree_.new_phandle();
    handles_.imsics = tree_.new_phandle();
  }
  handles_.syscon = tree_.new_phandle();
  {
    auto root = tree_.root();
    root.u32("#address-cells", 2)
        .u32("#size-cells", 2)
        .string("compatible", "riscv-virtio")
        .string("model", "riscv-virtio,holdfast");
    add_fw_cfg(root);
    add_flash(root);
    add_chosen(root);
    add_finisher(root, "poweroff", handles_.syscon, kFinishPass);
    add_finisher(root, "reboot", handles_.syscon, kFinishReset);
    add_distances(root);
    add_memory(root);
    add_cpus(root);
    auto soc = root.node("soc");
    soc.u32("#address-cells", 2).u32("#size-cells", 2).string("compatible", "simple-bus");
    soc.flag("ranges");
    add_devices(soc);
    add_virtio_slots(soc);
    describe_pci(soc, options_,
                 {.controller = handles_.wired[pci_node(places_.size())],
                  .tells_kind = !has_plic(),
                  .messages = has_imsics() ? handles_.imsics : Phandle{}});
    if (has_imsics()) add_imsics(soc);
    for (const Place& place : places_) {
      if (has_plic())
        add_plic(soc, place);
      else
        add_aplics(soc, place);
      if (has_mtimer_only(options_))
        add_mtimer(soc, place, place.clint);
      else if (options_.interruptor == Interruptor::kAclint)
        add_aclint(soc, place);
      else
        add_clint(soc, place);
    }
  }
  return std::move(tree_).finish();
}

}  // namespace

Result<std::vector<std::byte>> make_device_tree(const Options& options) {
  return Tree{options, TRY(cpu_of(options).hart({}))}.build();
}

}  // namespace holdfast::boards::virt
