// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/pci/bridge.hpp"

#include <fmt/core.h>

#include <utility>

#include "holdfast/hw/clock.hpp"
#include "holdfast/hw/context.hpp"
#include "holdfast/hw/machine_requests.hpp"

namespace holdfast::devices::pci {
namespace {

constexpr std::uint16_t kSecondaryReset = 0x0040;   // in bridge control
constexpr std::uint16_t kParityAndErrors = 0x0003;  // the same
constexpr std::uint32_t kWindow64Bit = 0x1;               // prefetchable windows
constexpr std::uint64_t kMegabyteMask = 0xf'ffff;

}  // namespace

constinit const object::Type Bridge::kType{.name = "base-pci-bridge",
                                           .parent = &Function::kType,
                                           .kind = object::Type::Kind::kAbstract,
                                           .docs = "A bridge between PCI buses."};

// --- the bus behind it -----------------------------------------------------------------------------

Bridge::Secondary::Secondary(Bridge& bridge, Kind kind, std::uint8_t last_device)
    : Bus{bridge, "secondary", {.name = bridge.id(), .kind = kind, .last_device = last_device}},
      bridge_{bridge} {}

Ref<hw::InPin> Bridge::Secondary::intx_input(Address address, unsigned pin) {
  return bridge_.junction_.input(swizzle(address.device, pin));
}

// --- interrupts on their way up --------------------------------------------------------------------

Bridge::Junction::Junction(Bridge& bridge) : Part{bridge, "pci intx", "junction"} {
  for (unsigned line = 0; line < kIntxPins; ++line)
    lines_[line] = hw::OutPin::make(Ref<gate::Gate>::share(&gate()), fmt::format("{}[{}]", path(), line));
}

Bridge::Junction::~Junction() { cut(); }

void Bridge::Junction::cut() {
  for (const auto& line : lines_) line->sever();
}

Ref<hw::InPin> Bridge::Junction::input(unsigned line) {
  return hw::InPin::make(Ref<gate::Gate>::share(&gate()), fmt::format("{}.in[{}]", path(), line),
                         [this, line, was = false](bool level) mutable {
                           if (std::exchange(was, level) != level) change(line, level);
                         });
}

void Bridge::Junction::change(unsigned line, bool level) {
  raised_[line] += level ? 1U : -1U;
  lines_[line]->set(raised_[line] != 0);
}

Result<void> Bridge::Junction::connect(Bus& primary, Address address) {
  for (unsigned line = 0; line < kIntxPins; ++line)
    if (const auto input = primary.intx_input(address, line))
      TRY(hw::connect(*lines_[line], *input, context().clock.loop()));
  return {};
}

// --- the bridge ------------------------------------------------------------------------------------

Bridge::Bridge(const hw::DeviceInit& init, const Identity& identity, Behind behind)
    : Function{init, identity}, secondary_{*this, behind.kind, behind.last_device} {
  define_header();
}

void Bridge::define_header() {
  ConfigSpace& config = this->config();
  config.allow(reg::kPrimaryBus, 4, 0x00ff'ffff);
  config.allow(reg::kIoBase, 2, 0xf0f0);
  config.allow(reg::kMemoryBase, 4, 0xfff0'fff0);
  config.define(reg::kPrefetchableBase, 4, kWindow64Bit << 16U | kWindow64Bit);
  config.allow(reg::kPrefetchableBase, 4, 0xfff0'fff0);
  config.allow(reg::kPrefetchableBaseUpper, 4, ~0U);
  config.allow(reg::kPrefetchableLimitUpper, 4, ~0U);
  config.allow(reg::kBridgeControl, 2, kParityAndErrors | kSecondaryReset);
}

Result<void> Bridge::seated(Bus& bus) {
  primary_ = object::Handle<hw::Bus>{static_cast<hw::Bus&>(bus)};
  config_window_.set_place(bus.config().region().control());
  memory_window_.set_place(bus.memory().region().control());
  prefetchable_window_.set_place(bus.memory().region().control());
  io_window_.set_place(bus.io().region().control());
  return junction_.connect(bus, address());
}

void Bridge::config_written(unsigned /*at*/, unsigned /*bytes*/, memory::Transaction& map) {
  const bool in_reset = (config().get16(reg::kBridgeControl) & kSecondaryReset) != 0;
  if (in_reset && !in_reset_) reset_behind();
  in_reset_ = in_reset;
  pass_on(map);
}

void Bridge::relight() {
  memory::Transaction map;
  pass_on(map);
  post(std::move(map));
}

// Parts have been reset, the registers among them.
void Bridge::on_reset(hw::ResetPhase phase) {
  if (phase != hw::ResetPhase::kEnter) return;
  in_reset_ = false;
  relight();
}

void Bridge::reset_behind() {
  if (hw::MachineRequests* machine = context().requests)
    machine->request_reset_below(object::Handle<hw::Bus>{static_cast<hw::Bus&>(secondary_)});
}

bool Bridge::is_out_of_sight() const {
  if (!has_power()) return true;
  const auto* primary = dynamic_cast<const Secondary*>(primary_.get());
  return primary != nullptr && primary->bridge_.is_out_of_sight();
}

Result<void> Bridge::hot_pluggable() const {
  if (is_out_of_sight()) return {};
  return fail("bus '{}' does not support hotplugging", secondary_.bus_name());
}

// --- what it passes on -----------------------------------------------------------------------------

std::optional<Extent> Bridge::buses() const {
  const std::uint64_t first = config().get8(reg::kSecondaryBus);
  const std::uint64_t last = config().get8(reg::kSubordinateBus);
  if (dark_ || first == 0 || last < first) return std::nullopt;
  return Extent{first * Bus::kBusBytes, (last + 1) * Bus::kBusBytes - 1};
}

std::optional<Extent> Bridge::window(std::uint16_t enabled_by, std::uint64_t base, std::uint64_t limit) const {
  if (dark_ || (command() & enabled_by) == 0 || limit < base) return std::nullopt;
  return Extent{base, limit};
}

std::optional<Extent> Bridge::memory_window() const {
  const std::uint64_t base = std::uint64_t{config().get16(reg::kMemoryBase) & 0xfff0U} << 16U;
  const std::uint64_t limit = std::uint64_t{config().get16(reg::kMemoryLimit) & 0xfff0U} << 16U;
  return window(command::kMemory, base, limit | kMegabyteMask);
}

std::optional<Extent> Bridge::prefetchable_window() const {
  const auto bound = [this](unsigned lower, unsigned upper) {
    return std::uint64_t{config().get(upper, 4)} << 32U |
           std::uint64_t{config().get16(lower) & 0xfff0U} << 16U;
  };
  return window(command::kMemory, bound(reg::kPrefetchableBase, reg::kPrefetchableBaseUpper),
                bound(reg::kPrefetchableLimit, reg::kPrefetchableLimitUpper) | kMegabyteMask);
}

std::optional<Extent> Bridge::io_window() const {
  const std::uint64_t base = (config().get8(reg::kIoBase) & 0xf0U) << 8U;
  const std::uint64_t limit = (config().get8(reg::kIoLimit) & 0xf0U) << 8U;
  return window(command::kIo, base, limit | 0xfffU);
}

// Taken out and put in again, as BARs are: the primary bus may have gone.
void Bridge::Window::follow(std::optional<Extent> wanted, memory::Transaction& map) {
  if (wanted == shown_) return;
  if (shown_) map.remove(alias_.region());
  if (wanted) {
    map.set_size(alias_.region(), wanted->span() + 1);  // all of 2^64 wraps to kWholeSpace
    map.set_alias_offset(alias_.region(), wanted->first);
    map.add(place_, wanted->first, alias_.region());
  }
  shown_ = wanted;
}

void Bridge::pass_on(memory::Transaction& map) {
  const bool dark = !has_power() || in_reset_;
  if (std::exchange(dark_, dark) != dark) map.set_enabled(behind_.region(), !dark);
  const std::uint8_t number = dark ? std::uint8_t{0} : config().get8(reg::kSecondaryBus);
  if (std::exchange(shown_number_, number) != number) {
    if (number == 0)
      secondary_.hide(map);
    else
      secondary_.renumber(number, map);
  }
  config_window_.follow(buses(), map);
  memory_window_.follow(memory_window(), map);
  prefetchable_window_.follow(prefetchable_window(), map);
  io_window_.follow(io_window(), map);
}

}  // namespace holdfast::devices::pci
