// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/pci/function.hpp"

#include <algorithm>
#include <utility>

#include "holdfast/base/check.hpp"
#include "holdfast/devices/pci/bar.hpp"
#include "holdfast/devices/pci/capability.hpp"
#include "holdfast/devices/pci/expansion_rom.hpp"
#include "holdfast/hw/clock.hpp"
#include "holdfast/hw/context.hpp"

namespace holdfast::devices::pci {
namespace {

constexpr gate::Use kComingUse{.what = "presence"};

}  // namespace

constinit const object::Property Function::kProperties[] = {
    object::computed<&Function::addr, &Function::set_addr>(
        "addr", "its place on the bus, DEVICE or DEVICE.FUNCTION; none: the first free device",
        {.fallback = ""}),
    object::property<&Function::multifunction_>(
        "multifunction", "whether its device has other functions", {.fallback = false}),
    object::property<&Function::rom_file_>(
        "romfile", "the file with the image of its expansion ROM; none: it has no ROM", {.fallback = ""}),
    object::property<&Function::rom_bar_>("rombar", "0: it does not show its ROM", {.fallback = 1U}),
    object::property<&Function::rom_size_>(
        "romsize", "bytes of the ROM, a power of two; 4294967295: as the image needs",
        {.fallback = ExpansionRom::kSizeOfImage}),
};

constinit const object::Type Function::kType{.name = "pci-device",
                                             .parent = &hw::Device::kType,
                                             .kind = object::Type::Kind::kAbstract,
                                             .docs = "A function on a PCI bus.",
                                             .properties = kProperties};

Function::Function(const hw::DeviceInit& init, const Identity& identity, gate::Locking locking)
    : Device{init, locking},
      header_{identity.header},
      intx_pin_{identity.intx},
      rom_size_{ExpansionRom::kSizeOfImage},
      edits_{hw::EditQueue::make(init.context.fabric, full_path())} {
  define_header(identity);
  dma_.set_root(bus_master_);
}

Function::~Function() = default;

void Function::define_header(const Identity& identity) {
  config_.define(reg::kVendorId, 2, identity.vendor);
  config_.define(reg::kDeviceId, 2, identity.device);
  config_.define(reg::kRevision, 4, identity.class_code << 8 | identity.revision);
  config_.allow(reg::kCommand, 2,
                command::kIo | command::kMemory | command::kBusMaster | command::kParity |
                    command::kSystemError | command::kNoIntx);
  config_.clear_by_ones(reg::kStatus, 2, status::kErrors);
  config_.allow(reg::kCacheLineSize, 1, 0xff);
  config_.allow(reg::kInterruptLine, 1, 0xff);
  config_.define(reg::kInterruptPin, 1, static_cast<std::uint8_t>(identity.intx));
  if (identity.header == Header::kBridge) {
    config_.define(reg::kHeaderType, 1, header::kBridge);
    return;
  }
  config_.define(reg::kSubsystemVendorId, 2, identity.subsystem_vendor);
  config_.define(reg::kSubsystemId, 2, identity.subsystem);
}

std::string Function::addr() const {
  if (bus_) return address_.to_string();
  return wanted_ ? wanted_->to_string() : std::string{};
}

Result<void> Function::set_addr(const std::string& text) {
  if (text.empty()) {
    wanted_.reset();
    return {};
  }
  wanted_ = TRY(Address::parse(text));
  return {};
}

Result<void> Function::add_rom() {
  if (rom_file_.empty() || rom_bar_ == 0) return {};
  rom_ = TRY(ExpansionRom::make(*this, {.file = rom_file_, .size = rom_size_}));
  return {};
}

memory::MemTxAttrs Function::attrs() const {
  return {.requester_id = static_cast<std::uint16_t>(unsigned{bus_->number()} << 8 | address_.number())};
}

void Function::set_intx(bool level) {
  wants_intx_ = level;
  update_intx();
}

void Function::update_intx() {
  const std::uint16_t others = config_.get16(reg::kStatus) & static_cast<std::uint16_t>(~status::kIntx);
  config_.put(reg::kStatus, 2, wants_intx_ ? others | status::kIntx : others);
  seat_.set_intx(wants_intx_ && awake_ && (command() & command::kNoIntx) == 0);
}

void Function::set_awake(bool awake) {
  awake_ = awake;
  follow();
  update_intx();
}

void Function::follow() {
  memory::Transaction map;
  follow(map);
  post(std::move(map));
}

void Function::follow(memory::Transaction& map) {
  const std::uint16_t enabled = awake_ ? command() : std::uint16_t{0};
  const bool master = (enabled & command::kBusMaster) != 0;
  if (std::exchange(master_, master) != master) map.set_enabled(bus_master_.region(), master);
  for (Bar* one : bars_) one->follow(enabled, map);
}

void Function::written(unsigned at, unsigned bytes) {
  for (Capability* one : capabilities_) one->note_write(at, bytes);
  memory::Transaction map;
  config_written(at, bytes, map);
  follow(map);
  post(std::move(map));
  update_intx();
}

void Function::reset_registers() {
  config_.reset();
  awake_ = true;
  wants_intx_ = false;
  follow();
}

// --- configuration space ---------------------------------------------------------------------------

/// How many of the bytes of an access a guest finds.
unsigned Function::shown(unsigned at, unsigned bytes) const {
  return at < shown_bytes_ ? std::min(bytes, shown_bytes_ - at) : 0;
}

memory::MemTxResult Function::Registers::read(std::uint64_t offset, unsigned size,
                                              std::uint64_t& value, memory::MemTxAttrs /*attrs*/) {
  const auto at = static_cast<unsigned>(offset);
  const unsigned bytes = function_.shown(at, size);
  value = ~std::uint64_t{0} << (8 * bytes) | function_.config_.get(at, bytes);
  return memory::MemTxResult::kOk;
}

memory::MemTxResult Function::Registers::write(std::uint64_t offset, unsigned size,
                                               std::uint64_t value, memory::MemTxAttrs /*attrs*/) {
  const auto at = static_cast<unsigned>(offset);
  const unsigned bytes = function_.shown(at, size);
  if (bytes == 0) return memory::MemTxResult::kOk;
  function_.config_.write(at, bytes, static_cast<std::uint32_t>(value));
  function_.written(at, bytes);
  return memory::MemTxResult::kOk;
}

// --- the place on the bus --------------------------------------------------------------------------

Function::Seat::Seat(Function& function)
    : Part{function, "pci seat", "seat"},
      function_{function},
      intx_{hw::OutPin::make(Ref<gate::Gate>::share(&function.gate()), path() + ".intx")},
      presence_{hw::OutPin::make(Ref<gate::Gate>::share(&function.gate()), path() + ".presence")} {}

Function::Seat::~Seat() { sever_pins(); }

Result<void> Function::Seat::prepare() {
  auto* bus = dynamic_cast<Bus*>(function_.bus_link_.get());
  HF_CHECK(bus != nullptr, "{}: its link leads to no PCI bus", path());
  hw::RegionPart* const root = bus->dma_root();
  if (root == nullptr) return fail("{}: bus '{}' leads to no memory", path(), bus->bus_name());
  TRY(function_.memory_.set(*root));
  TRY(function_.add_rom());
  auto seat = TRY(bus->control()->take({.address = function_.wanted_,
                                        .multifunction = function_.multifunction_,
                                        .who = function_.full_path(),
                                        .function = object::Handle<Function>{function_}}));
  claim_ = std::move(seat.claim);
  function_.address_ = seat.address;
  function_.bus_ = bus->control();
  if (function_.multifunction_) {
    ConfigSpace& config = function_.config_;
    config.define(reg::kHeaderType, 1,
                  std::uint32_t{config.get8(reg::kHeaderType)} | header::kMultifunction);
  }
  for (Capability* one : function_.capabilities_) one->seated(*bus);
  if (auto done = function_.seated(*bus); !done) {
    unprepare();
    return done;
  }
  if (auto done = connect(*bus); !done) {
    unprepare();
    return done;
  }
  return {};
}

Result<void> Function::Seat::connect(Bus& bus) {
  EventLoop& loop = context().clock.loop();
  if (function_.intx_pin_ != Intx::kNone) {
    const auto input =
        bus.intx_input(function_.address_, static_cast<unsigned>(function_.intx_pin_) - 1);
    if (input) TRY(hw::connect(*intx_, *input, loop));
  }
  if (const auto input = bus.presence_input(function_.address_))
    TRY(hw::connect(*presence_, *input, loop));
  return {};
}

void Function::Seat::unprepare() {
  sever_pins();
  claim_.release();
}

void Function::Seat::publish(memory::Transaction& map) {
  map.set_enabled(function_.bus_master_.region(), function_.master_);
  map.add(function_.bus_->functions(), function_.address_.number() * Bus::kFunctionBytes,
          function_.config_region_.region());
}

// The bus's owner is told when the function can be found.
void Function::Seat::published() {
  const gate::Pass pass{gate(), kComingUse};
  if (pass) presence_->set(true);
}

void Function::Seat::severed() { sever_pins(); }

void Function::Seat::sever_pins() {
  intx_->sever();
  presence_->sever();
}

void Function::Seat::reset(hw::ResetPhase phase) {
  if (phase == hw::ResetPhase::kEnter) function_.reset_registers();
  if (phase == hw::ResetPhase::kHold) intx_->set(false);
}

}  // namespace holdfast::devices::pci
