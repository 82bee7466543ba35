// SPDX-License-Identifier: Apache-2.0
#include "holdfast/boards/virt/virt.hpp"

#include <fmt/format.h>

#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "holdfast/accel/riscv_cpu.hpp"
#include "holdfast/accel/semihosting_console.hpp"
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

/// A hart's contexts at the PLIC: machine mode and supervisor mode. `number` counts in the node.
void add_hart(BoardPlan& board, const accel::RiscvCpu::Config& config, std::uint32_t number,
              const Controllers& controllers) {
  const auto hart = board.add<accel::RiscvCpu>(fmt::format("cpu{}", config.hart.hart_id), config);
  const auto& [plic, clint, sswi] = controllers;
  board.link({{hart.link("memory"), BoardPlan::memory()}});
  board.wire(
      {{clint.out("software", number), hart.in(line(Interrupt::kMachineSoftware))},
       {clint.out("timer", number), hart.in(line(Interrupt::kMachineTimer))},
       {plic.out("context", 2 * number), hart.in(line(Interrupt::kMachineExternal))},
       {plic.out("context", 2 * number + 1), hart.in(line(Interrupt::kSupervisorExternal))}});
  if (sswi)
    board.wire({{sswi->out("software", number), hart.in(line(Interrupt::kSupervisorSoftware))}});
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

/// RAM, harts and interrupt controllers of a node.
Controllers add_node(BoardPlan& board, const Options& options, const Place& place,
                     std::span<const std::uint64_t> starts, const Ref<hw::TimeCounter>& counter) {
  const auto ram = board.ram(name_of("ram", place), place.ram_size, place.backing);
  Controllers controllers{
      .plic = board.add<devices::SifivePlic>(
          name_of("plic", place), {.sources = irq::kSources, .contexts = 2 * place.harts}),
      .clint = board.add<devices::RiscvClint>(name_of("clint", place),
                                              {.harts = place.harts, .counter = counter}),
      .sswi = std::nullopt};
  board.map({{place.ram, ram},
             {place.plic, controllers.plic.region("regs")},
             {place.clint, controllers.clint.region("regs")}});
  if (options.interruptor == Interruptor::kAclint) {
    controllers.sswi =
        board.add<devices::RiscvAclintSswi>(name_of("sswi", place), {.harts = place.harts});
    board.map({{place.sswi, controllers.sswi->region("regs")}});
  }
  for (std::uint32_t number = 0; number < place.harts; ++number)
    add_hart(board,
             {.hart = {.hart_id = place.first_hart + number,
                       .reset_vector = starts[place.first_hart + number],
                       .host_calls = host_calls(options)},
              .model = options.cpu,
              .gang = options.gang,
              .semihosting = options.semihosting,
              .counter = counter},
             number, controllers);
  return controllers;
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

}  // namespace

Result<BoardPlan> plan(const Options& options) {
  TRY(check(options));
  BoardPlan board{"virt"};
  auto boot = TRY(plan_boot(options));
  const auto rom = board.rom("boot-rom", map::kBootRom.span() + 1);
  const auto counter = hw::TimeCounter::make(kTimebaseHz);  // mtime of all nodes, and the harts' time
  std::vector<Controllers> nodes;
  for (const Place& place : places(options))
    nodes.push_back(add_node(board, options, place, boot.starts, counter));
  const DeviceRef& plic = nodes.front().plic;
  const auto uart = board.add<devices::Ns16550a>("serial0", {.chardev = options.serial});
  const auto rtc = board.add<devices::GoldfishRtc>("rtc", options.rtc);
  const auto syscon = board.add<devices::SifiveTest>("syscon");
  const auto fw_cfg = board.add<devices::FwCfg>("fw_cfg", std::move(boot.fw_cfg));
  const auto loader = board.add<ImageLoader>("loader", {.blobs = std::move(boot.blobs)});
  add_semihosting(board, options, boot);
  if (boot.htif) add_htif(board, options, *boot.htif);
  add_flash(board, options);
  add_virtio_slots(board, nodes[virtio_node(nodes.size())].plic);

  board.map({{map::kBootRom.first, rom},
             {map::kSyscon, syscon.region("regs")},
             {map::kRtc, rtc.region("regs")},
             {map::kUart, uart.region("regs")},
             {map::kFwCfg, fw_cfg.region("regs")}});
  board.wire({{uart.out("irq"), plic.in(irq::kUart)}, {rtc.out("irq"), plic.in(irq::kRtc)}});
  board.link({{loader.link("memory"), BoardPlan::memory()},
              {fw_cfg.link("memory"), BoardPlan::memory()}});
  return std::move(board).validated();
}

}  // namespace holdfast::boards::virt
