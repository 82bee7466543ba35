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
#include "holdfast/boards/virt/pci.hpp"
#include "holdfast/devices/flash/cfi_flash.hpp"
#include "holdfast/devices/intc/riscv_aclint_sswi.hpp"
#include "holdfast/devices/intc/riscv_aplic.hpp"
#include "holdfast/devices/intc/riscv_imsic.hpp"
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
  DeviceRef wired;  // PLIC or APLIC
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

/// The interrupt files of a hart; none if its external interrupts come by lines.
struct InterruptFiles {
  Ref<hw::InterruptFile> machine{};
  Ref<hw::InterruptFile> supervisor{};
};

std::vector<InterruptFiles> interrupt_files(const Options& options) {
  std::vector<InterruptFiles> files(hart_places(options));
  if (options.interrupts == Interrupts::kAplicAndImsics)
    for (InterruptFiles& of_hart : files)
      of_hart = {hw::InterruptFile::make(irq::kMessages), hw::InterruptFile::make(irq::kMessages)};
  return files;
}

/// How harts are made and wired, at first and later.
class Harts {
 public:
  Harts(const Options& options, std::vector<std::uint64_t> starts, Ref<hw::TimeCounter> counter)
      : config_{.hart = {.host_calls = host_calls(options)},
                .model = cpu_of(options),
                .gang = options.gang,
                .semihosting = options.semihosting,
                .counter = std::move(counter),
                .places = hw::Places::make("core-id", hart_places(options))},
        has_software_interrupts_{options.interruptor == Interruptor::kAclint &&
                                 !has_mtimer_only(options)},
        interrupts_{options.interrupts},
        files_{interrupt_files(options)},
        has_nodes_{!options.nodes.empty()},
        nodes_{places(options)},
        starts_{std::move(starts)} {}

  /// A hart with its software and timer interrupts, and external ones for machine mode and supervisor
  /// mode.
  void add(BoardPlan& board, std::string name, std::uint32_t id) const {
    const Place& node = node_of(id);
    const auto [wired, clint, sswi] = controllers(node);
    auto config = config_;
    config.hart.hart_id = id;
    config.hart.reset_vector = starts_[id];
    config.machine_file = files_[id].machine;
    config.supervisor_file = files_[id].supervisor;
    const auto hart = board.add<accel::RiscvCpu>(std::move(name), config);
    const std::uint32_t number = id - node.first_hart;
    board.link({{hart.link("memory"), BoardPlan::memory()}});
    board.wire(
        {{clint.out("software", number), hart.in(line(Interrupt::kMachineSoftware))},
         {clint.out("timer", number), hart.in(line(Interrupt::kMachineTimer))}});
    const auto external = external_lines(wired, number);
    if (external.size() == 2)
      board.wire({{external[0], hart.in(line(Interrupt::kMachineExternal))},
                  {external[1], hart.in(line(Interrupt::kSupervisorExternal))}});
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
  /// For machine mode and supervisor mode; none if there are messages instead.
  std::vector<PinRef> external_lines(const DeviceRef& wired, std::uint32_t number) const {
    switch (interrupts_) {
      case Interrupts::kPlic:
        return {wired.out("context", 2 * number), wired.out("context", 2 * number + 1)};
      case Interrupts::kAplic:
        return {wired.out("machine-lines", number), wired.out("supervisor-lines", number)};
      default:
        return {};
    }
  }
  const InterruptFiles& files(std::uint32_t id) const { return files_[id]; }
  Controllers controllers(const Place& node) const {
    const char* wired = interrupts_ == Interrupts::kPlic ? "plic" : "aplic";
    Controllers found{.wired = DeviceRef{name_of(wired, node)},
                      .clint = DeviceRef{name_of("clint", node)},
                      .sswi = std::nullopt};
    if (has_software_interrupts_) found.sswi.emplace(name_of("sswi", node));
    return found;
  }

 private:
  const Place& node_of(std::uint32_t id) const {
    return *std::ranges::find_if(
        nodes_, [&](const Place& node) { return id - node.first_hart < node.harts; });
  }

  const accel::RiscvCpu::Config config_;  // of each, but for its number and where it starts
  const bool has_software_interrupts_;  // of supervisor mode
  const Interrupts interrupts_;
  const std::vector<InterruptFiles> files_;
  const bool has_nodes_;
  const std::vector<Place> nodes_;
  const std::vector<std::uint64_t> starts_;
};

/// The pages where messages for the harts of a node come.
void add_imsics(BoardPlan& board, const Options& options, const Harts& harts, const Place& place) {
  for (std::uint32_t number = 0; number < place.harts; ++number) {
    const std::uint32_t id = place.first_hart + number;
    const auto add = [&](const char* what, const Ref<hw::InterruptFile>& file, std::uint32_t guests,
                         std::uint64_t at) {
      const auto imsic = board.add<devices::RiscvImsic>(
          fmt::format("imsic-{}{}", what, id),
          {.identities = irq::kMessages, .guests = guests, .file = file});
      board.map({{at, imsic.region("regs")}});
    };
    add("m", harts.files(id).machine, 0, place.imsic_machine + number * map::kImsicPage);
    add("s", harts.files(id).supervisor, options.guests,
        place.imsic_supervisor + number * imsic_stride(options));
  }
}

/// What takes the lines of devices.
void add_wired_interrupts(BoardPlan& board, const Options& options, const Harts& harts,
                          const Place& place) {
  const std::string name = harts.controllers(place).wired.name();
  if (options.interrupts == Interrupts::kPlic) {
    const auto plic = board.add<devices::SifivePlic>(
        name, {.sources = irq::kSources, .contexts = 2 * place.harts});
    return board.map({{place.plic, plic.region("regs")}});
  }
  const bool messages = options.interrupts == Interrupts::kAplicAndImsics;
  const auto aplic = board.add<devices::RiscvAplic>(
      name, {.sources = irq::kWiredSources,
             .harts = place.harts,
             .delivery = messages ? devices::RiscvAplic::Delivery::kMessages
                                  : devices::RiscvAplic::Delivery::kDirect});
  board.map({{place.aplic_machine, aplic.region("machine")},
             {place.aplic_supervisor, aplic.region("supervisor")}});
  board.link({{aplic.link("memory"), BoardPlan::memory()}});
  if (!messages) return;
  board.leave_loose(aplic);
  add_imsics(board, options, harts, place);
}

/// RAM and interrupt controllers of a node, and the harts that are there at first.
void add_node(BoardPlan& board, const Options& options, const Harts& harts, const Place& place) {
  const auto ram = board.ram(name_of("ram", place), place.ram_size, place.backing);
  add_wired_interrupts(board, options, harts, place);
  const DeviceRef wired = harts.controllers(place).wired;
  const auto clint = board.add<devices::RiscvClint>(
      name_of("clint", place), {.harts = place.harts, .counter = harts.counter()});
  board.map({{place.ram, ram},
             {place.clint, clint.region(has_mtimer_only(options) ? "mtimer" : "regs")}});
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
    for (PinRef& external : harts.external_lines(wired, number))
      board.leave_loose(std::move(external));
    if (sswi) board.leave_loose(sswi->out("software", number));
  }
}

void add_virtio_slots(BoardPlan& board, const DeviceRef& wired) {
  for (unsigned slot = 0; slot < kVirtioSlots; ++slot) {
    const auto transport = board.add<devices::VirtioMmio>(fmt::format("virtio-mmio{}", slot));
    board.map({{map::kVirtio + slot * map::kVirtioSize, transport.region("regs")}});
    board.wire({{transport.out("irq"), wired.in(irq::kVirtio + slot)}});
  }
}

void add_flash(BoardPlan& board, const Options& options) {
  for (unsigned bank = 0; bank < options.flash.size(); ++bank) {
    const auto flash =
        board.add<devices::CfiFlash>(fmt::format("virt.flash{}", bank),
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

/// Room for devices at the first node's PLIC or APLIC, for harts and for modules of RAM.
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
    return harts_->controllers(harts_->nodes().front()).wired.in(number);
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
  for (const Place& place : nodes) add_node(board, options, *harts, place);
  const DeviceRef wired = harts->controllers(nodes.front()).wired;
  const auto uart = board.add<devices::Ns16550a>("serial0", {.chardev = options.serial});
  const auto rtc = board.add<devices::GoldfishRtc>("rtc", options.rtc);
  const auto syscon = board.add<devices::SifiveTest>("syscon");
  const auto fw_cfg = board.add<devices::FwCfg>("fw_cfg", std::move(boot.fw_cfg));
  const auto loader = board.add<ImageLoader>("loader", {.blobs = std::move(boot.blobs)});
  add_semihosting(board, options, boot);
  if (boot.htif) add_htif(board, options, *boot.htif);
  add_flash(board, options);
  add_virtio_slots(board, harts->controllers(nodes[virtio_node(nodes.size())]).wired);
  add_pci(board, options, harts->controllers(nodes[pci_node(nodes.size())]).wired);

  board.map({{map::kBootRom.first, rom},
             {map::kSyscon, syscon.region("regs")},
             {map::kRtc, rtc.region("regs")},
             {map::kUart, uart.region("regs")},
             {map::kFwCfg, fw_cfg.region("regs")}});
  board.wire({{uart.out("irq"), wired.in(irq::kUart)}, {rtc.out("irq"), wired.in(irq::kRtc)}});
  board.link({{loader.link("memory"), BoardPlan::memory()},
              {fw_cfg.link("memory"), BoardPlan::memory()}});
  board.set_expansion(std::make_shared<const Room>(options, harts));
  return std::move(board).validated();
}

}  // namespace holdfast::boards::virt
