// SPDX-License-Identifier: Apache-2.0
#include "holdfast/boards/virt/virt.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "holdfast/accel/riscv_cpu.hpp"
#include "holdfast/accel/semihosting_console.hpp"
#include "holdfast/boards/expansion.hpp"
#include "holdfast/boards/image_loader.hpp"
#include "holdfast/boards/virt/boot.hpp"
#include "holdfast/boards/virt/layout.hpp"
#include "holdfast/devices/flash/cfi_flash.hpp"
#include "holdfast/devices/intc/riscv_aclint_sswi.hpp"
#include "holdfast/devices/intc/sifive_plic.hpp"
#include "holdfast/devices/misc/htif.hpp"
#include "holdfast/devices/misc/sifive_test.hpp"
#include "holdfast/devices/rtc/goldfish_rtc.hpp"
#include "holdfast/devices/serial/ns16550a.hpp"
#include "holdfast/devices/timer/riscv_clint.hpp"
#include "holdfast/devices/virtio/virtio_mmio.hpp"

namespace holdfast::boards::virt {
namespace {

using cpu::riscv::Interrupt;

constexpr unsigned line(Interrupt interrupt) { return static_cast<unsigned>(interrupt); }

struct Controllers {
  DeviceRef plic;
  DeviceRef clint;
  std::optional<DeviceRef> sswi;
};

/// "plic", and from the second node on "plic1".
std::string name_of(std::string_view what, const Place& place) {
  return place.number == 0 ? std::string{what} : fmt::format("{}{}", what, place.number);
}

cpu::riscv::HostCalls host_calls(const Options& options) {
  return options.semihosting == nullptr ? cpu::riscv::HostCalls::kNever
                                        : options.semihosting->calls();
}

void add_semihosting(BoardPlan& board, const Options& options, const BootPlan& boot) {
  if (options.semihosting == nullptr) return;
  if (boot.free) options.semihosting->set_heap(*boot.free);
  if (options.semihosting_console != nullptr)
    board.add<accel::SemihostingConsole>(
        "semihosting",
        {.semihosting = options.semihosting, .console = options.semihosting_console});
}

/// How harts are made and wired, at first and later.
class Harts {
 public:
  Harts(const Options& options, std::vector<std::uint64_t> starts, Ref<hw::TimeCounter> counter)
      : config_{.hart = {.host_calls = host_calls(options)},
                .model = options.cpu,
                .gang = options.gang,
                .semihosting = options.semihosting,
                .counter = std::move(counter),
                .places = hw::Places::make("core-id", hart_places(options))},
        interruptor_{options.interruptor},
        has_nodes_{!options.nodes.empty()},
        nodes_{places(options)},
        starts_{std::move(starts)} {}

  /// A hart with its software and timer interrupts, and its contexts at the PLIC: machine mode and
  /// supervisor mode.
  void add(BoardPlan& board, std::string name, std::uint32_t id) const {
    const Place& node = node_of(id);
    const auto [plic, clint, sswi] = controllers(node);
    auto config = config_;
    config.hart.hart_id = id;
    config.hart.reset_vector = starts_[id];
    const auto hart = board.add<accel::RiscvCpu>(std::move(name), config);
    const std::uint32_t number = id - node.first_hart;
    board.link({{hart.link("memory"), BoardPlan::memory()}});
    board.wire(
        {{clint.out("software", number), hart.in(line(Interrupt::kMachineSoftware))},
         {clint.out("timer", number), hart.in(line(Interrupt::kMachineTimer))},
         {plic.out("context", 2 * number), hart.in(line(Interrupt::kMachineExternal))},
         {plic.out("context", 2 * number + 1), hart.in(line(Interrupt::kSupervisorExternal))}});
    if (sswi)
      board.wire({{sswi->out("software", number), hart.in(line(Interrupt::kSupervisorSoftware))}});
  }

  const std::vector<Place>& nodes() const { return nodes_; }
  const Ref<hw::TimeCounter>& counter() const { return config_.counter; }
  const Ref<hw::Places>& sockets() const { return config_.places; }
  std::optional<std::uint32_t> node_number(std::uint32_t id) const {
    if (!has_nodes_) return std::nullopt;
    return node_of(id).number;
  }
  Controllers controllers(const Place& node) const {
    Controllers found{.plic = DeviceRef{name_of("plic", node)},
                      .clint = DeviceRef{name_of("clint", node)},
                      .sswi = std::nullopt};
    if (interruptor_ == Interruptor::kAclint) found.sswi.emplace(name_of("sswi", node));
    return found;
  }

 private:
  const Place& node_of(std::uint32_t id) const {
    return *std::ranges::find_if(
        nodes_, [&](const Place& node) { return id - node.first_hart < node.harts; });
  }

  const accel::RiscvCpu::Config config_;  // of each, but for its number and where it starts
  const Interruptor interruptor_;
  const bool has_nodes_;
  const std::vector<Place> nodes_;
  const std::vector<std::uint64_t> starts_;
};

/// RAM and interrupt controllers of a node, and the harts that are there at first.
void add_node(BoardPlan& board, const Harts& harts, const Place& place) {
  const auto ram = board.ram(name_of("ram", place), place.ram_size, place.backing);
  const auto plic = board.add<devices::SifivePlic>(
      name_of("plic", place), {.sources = irq::kSources, .contexts = 2 * place.harts});
  const auto clint = board.add<devices::RiscvClint>(
      name_of("clint", place), {.harts = place.harts, .counter = harts.counter()});
  board.map({{place.ram, ram}, {place.plic, plic.region("regs")}, {place.clint, clint.region("regs")}});
  const auto sswi = harts.controllers(place).sswi;
  if (sswi) {
    board.add<devices::RiscvAclintSswi>(sswi->name(), {.harts = place.harts});
    board.map({{place.sswi, sswi->region("regs")}});
  }
  for (std::uint32_t number = 0; number < place.present; ++number) {
    const std::uint32_t id = place.first_hart + number;
    harts.add(board, fmt::format("cpu{}", id), id);
  }
  // Those of harts that may come later.
  for (std::uint32_t number = place.present; number < place.harts; ++number) {
    board.leave_loose(clint.out("software", number));
    board.leave_loose(clint.out("timer", number));
    board.leave_loose(plic.out("context", 2 * number));
    board.leave_loose(plic.out("context", 2 * number + 1));
    if (sswi) board.leave_loose(sswi->out("software", number));
  }
}

void add_virtio_slots(BoardPlan& board, const DeviceRef& plic) {
  for (unsigned slot = 0; slot < kVirtioSlots; ++slot) {
    const auto transport = board.add<devices::VirtioMmio>(fmt::format("virtio-mmio{}", slot));
    board.map({{map::kVirtio + slot * map::kVirtioSize, transport.region("regs")}});
    board.wire({{transport.out("irq"), plic.in(irq::kVirtio + slot)}});
  }
}

void add_flash(BoardPlan& board, const Options& options) {
  for (unsigned bank = 0; bank < options.flash.size(); ++bank) {
    const auto flash =
        board.add<devices::CfiFlash>(fmt::format("pflash{}", bank),
                                     {.size = map::kFlashBank, .drive = options.flash[bank]});
    board.map({{map::kFlash + bank * map::kFlashBank, flash.region("regs")}});
  }
}

/// Over the RAM, where the program that is loaded looks for it.
void add_htif(BoardPlan& board, const Options& options, HtifWords at) {
  const auto htif = board.add<devices::Htif>("htif", {.console = options.serial});
  board.map({{at.tohost, htif.region("tohost"), 1}, {at.fromhost, htif.region("fromhost"), 1}});
  board.link({{htif.link("memory"), BoardPlan::memory()}});
}

/// Room for devices at the first node's PLIC, for harts and for modules of RAM.
class Room final : public Expansion {
 public:
  Room(const Options& options, std::shared_ptr<const Harts> harts) : harts_{std::move(harts)} {
    if (options.memory_slots == 0 || options.most_ram <= options.ram_size) return;
    const std::uint64_t base = module_base(options);
    memory_ = MemoryRoom{.window = {base, base + (options.most_ram - options.ram_size - 1)},
                         .slots = hw::Places::make("slot", options.memory_slots),
                         .nodes = std::max(1U, static_cast<std::uint32_t>(options.nodes.size()))};
  }

  std::optional<PinRef> interrupt(unsigned number) const override {
    return DeviceRef{"plic"}.in(number);
  }
  std::vector<CpuSocket> cpu_sockets() const override {
    std::vector<CpuSocket> sockets;
    for (std::uint32_t id = 0; id < harts_->sockets()->count(); ++id)
      sockets.push_back(
          {.core = id, .type = &accel::RiscvCpu::kType, .node = harts_->node_number(id)});
    return sockets;
  }
  Ref<hw::Places> cpu_places() const override { return harts_->sockets(); }
  void add_cpu(BoardPlan& plan, std::string name, std::uint32_t core) const override {
    harts_->add(plan, std::move(name), core);
  }
  std::optional<MemoryRoom> memory_room() const override { return memory_; }

 private:
  const std::shared_ptr<const Harts> harts_;
  std::optional<MemoryRoom> memory_;
};

}  // namespace

Result<BoardPlan> plan(const Options& options) {
  TRY(check(options));
  BoardPlan board{"virt"};
  auto boot = TRY(plan_boot(options));
  const auto rom = board.rom("boot-rom", map::kBootRom.span() + 1);
  const auto counter = hw::TimeCounter::make(kTimebaseHz);  // mtime of all nodes, and the harts' time
  const auto harts = std::make_shared<const Harts>(options, boot.starts, counter);
  const auto& nodes = harts->nodes();
  for (const Place& place : nodes) add_node(board, *harts, place);
  const DeviceRef plic = harts->controllers(nodes.front()).plic;
  const auto uart = board.add<devices::Ns16550a>("serial0", {.chardev = options.serial});
  const auto rtc = board.add<devices::GoldfishRtc>("rtc", options.rtc);
  const auto syscon = board.add<devices::SifiveTest>("syscon");
  const auto fw_cfg = board.add<devices::FwCfg>("fw_cfg", std::move(boot.fw_cfg));
  const auto loader = board.add<ImageLoader>("loader", {.blobs = std::move(boot.blobs)});
  add_semihosting(board, options, boot);
  if (boot.htif) add_htif(board, options, *boot.htif);
  add_flash(board, options);
  add_virtio_slots(board, harts->controllers(nodes[virtio_node(nodes.size())]).plic);

  board.map({{map::kBootRom.first, rom},
             {map::kSyscon, syscon.region("regs")},
             {map::kRtc, rtc.region("regs")},
             {map::kUart, uart.region("regs")},
             {map::kFwCfg, fw_cfg.region("regs")}});
  board.wire({{uart.out("irq"), plic.in(irq::kUart)}, {rtc.out("irq"), plic.in(irq::kRtc)}});
  board.link({{loader.link("memory"), BoardPlan::memory()},
              {fw_cfg.link("memory"), BoardPlan::memory()}});
  board.set_expansion(std::make_shared<const Room>(options, harts));
  return std::move(board).validated();
}

}  // namespace holdfast::boards::virt
