// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/pci/root_port.hpp"

#include <fmt/core.h>

#include <array>
#include <utility>

#include "holdfast/devices/pci/types.hpp"
#include "holdfast/hw/base_types.hpp"
#include "holdfast/hw/context.hpp"

namespace holdfast::devices::pci {
namespace {

constexpr gate::Use kAskUse{.what = "attention button"};
constexpr gate::Use kVacateUse{.what = "removal from the slot"};

constexpr std::uint16_t kSlotImplemented = 0x0100;   // in the capability's flags
constexpr std::uint32_t kLinkActiveReporting = 1U << 20U;
constexpr unsigned kPortNumberShift = 24;
constexpr std::uint16_t kRootControlBits = 0x000f;   // errors and power management events, which do not occur

constexpr std::array<const object::Type*, 2> kRootPortAbilities{&kExpressDevice, &hw::kHotplugHandler};

}  // namespace

constinit const object::Type RootPort::kType{
    .name = "pcie-root-port",
    .parent = &Bridge::kType,
    .interfaces = kRootPortAbilities,
    .docs = "A PCI Express root port with a hot-plug slot."};

RootPort::RootPort(const hw::DeviceInit& init, const Config& config)
    : Bridge{init,
             {.vendor = 0x1b36, .device = 0x000c, .class_code = 0x06'04'00, .header = Header::kBridge,
              .intx = Intx::kA},
             {.kind = Bus::Kind::kExpress, .last_device = 0}},
      config_{config},
      express_{*this, {.port = Express::Port::kRootPort}} {
  slot_.define(config.hotplug ? SlotRegisters::HotPlug::kYes : SlotRegisters::HotPlug::kNo, config.slot);
  ConfigSpace& space = this->config();
  const unsigned at = express_.at();
  space.define(at + Express::kFlags, 2, std::uint32_t{space.get16(at + Express::kFlags)} | kSlotImplemented);
  space.allow(at + Express::kRootControl, 2, kRootControlBits);
  follow_slot();
}

Result<void> RootPort::seated(Bus& bus) {
  const unsigned link = express_.at() + Express::kLinkCapabilities;
  config().define(link, 4,
                  config().get(link, 4) | kLinkActiveReporting | std::uint32_t{config_.port} << kPortNumberShift);
  return Bridge::seated(bus);
}

// Function 0 comes last and goes first, as the guest looks for it alone.
Ref<hw::InPin> RootPort::presence_input(Address address) {
  if (address.function != 0) return {};
  return hw::InPin::make(Ref<gate::Gate>::share(&gate()), port_slot_.path() + ".presence",
                         [this](bool level) { set_present(level); });
}

void RootPort::set_present(bool present) {
  if (present) port_slot_.seated();
  slot_.set_present(present);
  follow_slot();
  relight();
}

void RootPort::follow_slot() {
  control_ = slot_.control();
  set_power(slot_.is_link_active());
  const bool wanted = std::exchange(wants_interrupt_, slot_.wants_interrupt());
  if (wants_interrupt_ && !wanted) msix_.notify(0);
  set_intx(wants_interrupt_ && !msix_.is_enabled());
}

void RootPort::config_written(unsigned at, unsigned bytes, memory::Transaction& map) {
  const auto written = [&](unsigned control) {
    return at < express_.at() + control + 2 && express_.at() + control < at + bytes;
  };
  if (written(express::kLinkControl)) decided(slot_.link_control_written());
  if (written(express::kSlotControl)) decided(slot_.control_written(control_));
  follow_slot();
  Bridge::config_written(at, bytes, map);
}

void RootPort::decided(SlotRegisters::Decision decision) {
  using Decision = SlotRegisters::Decision;
  if (decision == Decision::kCutOff) reset_behind();
  hw::MachineRequests* machine = context().requests;
  if (machine == nullptr || (decision != Decision::kReleased && decision != Decision::kKept)) return;
  using Verdict = hw::MachineRequests::Verdict;
  machine->slot_decided(object::Handle<hw::Slot>{static_cast<hw::Slot&>(port_slot_)}, port_slot_.seating(),
                        decision == Decision::kReleased ? Verdict::kReleased : Verdict::kKept);
}

void RootPort::on_reset(hw::ResetPhase phase) {
  if (phase == hw::ResetPhase::kEnter) {
    slot_.reset();
    follow_slot();
  }
  Bridge::on_reset(phase);
}

// --- the slot, for the machine ---------------------------------------------------------------------

// A device without a function 0 is one that the guest has never seen.
hw::Slot* RootPort::slot_of(const hw::Device& /*device*/) {
  const bool has_function_0 = !secondary().control()->taker({}).empty();
  return config_.hotplug && has_function_0 ? &port_slot_ : nullptr;
}

Result<void> RootPort::hot_pluggable() const {
  if (config_.hotplug) return {};
  return fail("bus '{}' does not support hotplugging", secondary().bus_name());
}

Result<void> RootPort::takes_more() const {
  const std::string first = secondary().control()->taker({});
  if (first.empty()) return {};
  return fail("bus '{}' is full: function 0 is taken by {}, of which the guest knows; others come before it",
              secondary().bus_name(), first);
}

Result<hw::Slot::Answer> RootPort::PortSlot::ask() {
  const gate::Pass pass{port_.gate(), kAskUse, gate::Reentry::kRefuse, gate::Visitor::kControl};
  if (!pass) return fail("{}: is being removed", slot_name());
  SlotRegisters& slot = port_.slot_;
  if (slot.is_blinking())
    return fail("{}: the guest is busy with the slot: its power indicator blinks", slot_name());
  if (!slot.is_present() || !slot.is_powered()) return Answer::kGo;
  slot.press_button();
  port_.follow_slot();
  return Answer::kAsked;
}

std::vector<hw::Device*> RootPort::PortSlot::occupants() {
  std::vector<hw::Device*> all;
  for (const auto& handle : port_.secondary().functions())
    if (Function* function = handle.get()) all.push_back(function);
  return all;
}

void RootPort::PortSlot::vacate() {
  const gate::Pass pass{port_.gate(), kVacateUse, gate::Reentry::kRefuse, gate::Visitor::kControl};
  if (!pass) return;
  seated();  // whatever the guest has said about those who go now, it does not say about those who come
  port_.set_present(false);
}

}  // namespace holdfast::devices::pci
