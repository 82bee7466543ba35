// SPDX-License-Identifier: Apache-2.0
#include "holdfast/boards/virt/virt.hpp"

#include <fmt/format.h>

#include <utility>

#include "holdfast/accel/riscv_cpu.hpp"
#include "holdfast/boards/image_loader.hpp"
#include "holdfast/boards/virt/boot.hpp"
#include "holdfast/devices/flash/cfi_flash.hpp"
#include "holdfast/devices/intc/sifive_plic.hpp"
#include "holdfast/devices/misc/htif.hpp"
#include "holdfast/devices/misc/sifive_test.hpp"
#include "holdfast/devices/rtc/goldfish_rtc.hpp"
#include "holdfast/devices/serial/ns16550a.hpp"
#include "holdfast/devices/timer/riscv_clint.hpp"

namespace holdfast::boards::virt {
namespace {

using cpu::riscv::Interrupt;

constexpr unsigned line(Interrupt interrupt) { return static_cast<unsigned>(interrupt); }

/// A hart's contexts at the PLIC: machine mode and supervisor mode.
void add_hart(BoardPlan& board, const accel::RiscvCpu::Config& config, const DeviceRef& plic,
              const DeviceRef& clint) {
  const auto id = static_cast<std::uint32_t>(config.hart.hart_id);
  const auto hart = board.add<accel::RiscvCpu>(fmt::format("cpu{}", id), config);
  board.link({{hart.link("memory"), BoardPlan::memory()}});
  board.wire({{clint.out("software", id), hart.in(line(Interrupt::kMachineSoftware))},
              {clint.out("timer", id), hart.in(line(Interrupt::kMachineTimer))},
              {plic.out("context", 2 * id), hart.in(line(Interrupt::kMachineExternal))},
              {plic.out("context", 2 * id + 1), hart.in(line(Interrupt::kSupervisorExternal))}});
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

Result<void> check(const Options& options) {
  if (options.harts == 0 || options.harts > kMostHarts)
    return fail("-smp {}: machine 'virt' has 1 to {} CPUs", options.harts, kMostHarts);
  if (options.ram_size > kAddressMax - map::kRam)
    return fail("-m: machine 'virt' cannot address {} bytes of RAM", options.ram_size);
  TRY(options.cpu.hart());
  return {};
}

}  // namespace

Result<BoardPlan> plan(const Options& options) {
  TRY(check(options));
  BoardPlan board{"virt"};
  const auto ram = board.ram("ram", options.ram_size);
  const auto rom = board.rom("boot-rom", map::kBootRom.span() + 1);
  const auto plic = board.add<devices::SifivePlic>(
      "plic", {.sources = irq::kSources, .contexts = 2 * options.harts});
  const auto clint = board.add<devices::RiscvClint>("clint", {.harts = options.harts});
  const auto uart = board.add<devices::Ns16550a>("serial0", {.chardev = options.serial});
  const auto rtc = board.add<devices::GoldfishRtc>("rtc");
  const auto syscon = board.add<devices::SifiveTest>("syscon");
  auto boot = TRY(plan_boot(options));
  for (std::uint32_t id = 0; id < options.harts; ++id)
    add_hart(board,
             {.hart = {.hart_id = id, .reset_vector = boot.starts[id]}, .model = options.cpu,
              .gang = options.gang},
             plic, clint);
  add_flash(board, options);
  const auto loader = board.add<ImageLoader>("loader", {.blobs = std::move(boot.blobs)});
  if (boot.htif) add_htif(board, options, *boot.htif);

  board.map({{map::kBootRom.first, rom},
             {map::kSyscon, syscon.region("regs")},
             {map::kRtc, rtc.region("regs")},
             {map::kClint, clint.region("regs")},
             {map::kPlic, plic.region("regs")},
             {map::kUart, uart.region("regs")},
             {map::kRam, ram}});
  board.wire({{uart.out("irq"), plic.in(irq::kUart)}, {rtc.out("irq"), plic.in(irq::kRtc)}});
  board.link({{loader.link("memory"), BoardPlan::memory()}});
  return std::move(board).validated();
}

}  // namespace holdfast::boards::virt
