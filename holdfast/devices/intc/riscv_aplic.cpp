// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/intc/riscv_aplic.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "holdfast/base/log.hpp"
#include "holdfast/devices/intc/source_bits.hpp"
#include "holdfast/hw/base_types.hpp"

namespace holdfast::devices {
namespace {

// domaincfg (4.5.1).
constexpr std::uint32_t kConfigFixed = 0x8000'0000;
constexpr std::uint32_t kInterruptEnable = 1U << 8;
constexpr std::uint32_t kDeliveryMode = 1U << 2;

// sourcecfg (4.5.2).
constexpr std::uint32_t kDelegated = 1U << 10;
constexpr std::uint32_t kChildMask = 0x3ff;
constexpr std::uint32_t kModeMask = 7;
enum Mode : std::uint32_t { kInactive = 0, kDetached = 1, kEdge1 = 4, kEdge0 = 5, kLevel1 = 6, kLevel0 = 7 };

// Of mmsiaddrcfgh (4.5.3), where its fields are in smsiaddrcfgh too.
enum MessageRegister : unsigned { kMachineLow, kMachineHigh, kSupervisorLow, kSupervisorHigh };
constexpr std::uint32_t kLock = 1U << 31;
constexpr std::array<std::uint32_t, 4> kMessageMasks{0xffff'ffff, 0x9f77'ffff, 0xffff'ffff, 0x0070'0fff};

// target (4.5.16) and genmsi (4.5.15).
constexpr unsigned kHartShift = 18;
constexpr unsigned kGuestShift = 12;
constexpr std::uint32_t kGuestMask = 0x3f;
constexpr std::uint32_t kIdentityMask = 0x7ff;
constexpr std::uint32_t kHartBits = ~std::uint32_t{0} << kHartShift;

constexpr std::uint32_t field(std::uint32_t value, unsigned first, unsigned bits) {
  return value >> first & ((1U << bits) - 1);
}

/// Calls `what` for each source of a word's bits.
template <class What>
void for_each(unsigned word, std::uint32_t bits, const What& what) {
  for (; bits != 0; bits &= bits - 1) what(32 * word + static_cast<unsigned>(std::countr_zero(bits)));
}

}  // namespace

constinit const object::Type RiscvAplic::kType{
    .name = "riscv.aplic",
    .parent = &hw::kSysBusDevice,
    .docs = "RISC-V advanced platform-level interrupt controller."};

RiscvAplic::RiscvAplic(const hw::DeviceInit& init, const Config& config)
    : Device{init},
      config_{config},
      sources_{std::clamp(config.sources, 1U, kMostSources)},  // refused by check()
      harts_{std::clamp(config.harts, 1U, kMostHarts)} {}

Result<void> RiscvAplic::check() {
  if (config_.sources != sources_)
    return fail("{}: {} sources: 1 to {} are possible", full_path(), config_.sources, kMostSources);
  if (config_.harts != harts_)
    return fail("{}: {} harts: 1 to {} are possible", full_path(), config_.harts, kMostHarts);
  if (config_.priority_bits == 0 || config_.priority_bits > 8)
    return fail("{}: {} priority bits: 1 to 8 are possible", full_path(), config_.priority_bits);
  return {};
}

void RiscvAplic::input_changed(unsigned source, bool) {
  if (source != 0) domain_of(source).source_changed(source);
}

// SPEC: 4.5, table of the memory map; 4.8.1 for what there is of each hart from 0x4000 on.
RiscvAplic::Domain::Domain(RiscvAplic& aplic, Level level, const std::string& name)
    : aplic_{aplic},
      level_{level},
      source_config_{aplic, name + "-sourcecfg", Words(aplic.sources_ + 1)},
      target_{aplic, name + "-target", Words(aplic.sources_ + 1)},
      pending_{aplic, name + "-pending"},
      enabled_{aplic, name + "-enable"},
      delivers_{aplic, name + "-idelivery", Words(aplic.harts_)},
      forced_{aplic, name + "-iforce", Words(aplic.harts_)},
      threshold_{aplic, name + "-ithreshold", Words(aplic.harts_)},
      is_on_{aplic, name + "-on"},
      message_{aplic, name + "-genmsi"},
      lines_{aplic, name + "-lines", aplic.harts_},
      regs_{aplic, name, *this,
            hw::register_map<Domain>(
                kRegionSize,
                {{.at = 0x0000, .name = "domaincfg", .read = &Domain::config,
                  .write = &Domain::set_config},
                 {.at = 0x0004, .name = "sourcecfg", .read = &Domain::source_config,
                  .write = &Domain::set_source_config, .count = kMostSources},
                 {.at = 0x1bc0, .name = "msiaddrcfg", .read = &Domain::message_address,
                  .write = &Domain::set_message_address, .count = 4},
                 {.at = 0x1c00, .name = "setip", .read = &Domain::pending,
                  .write = &Domain::set_pending, .count = kWords},
                 {.at = 0x1cdc, .name = "setipnum", .read = &Domain::zero,
                  .write = &Domain::set_pending_number},
                 {.at = 0x1d00, .name = "in_clrip", .read = &Domain::inputs,
                  .write = &Domain::clear_pending, .count = kWords},
                 {.at = 0x1ddc, .name = "clripnum", .read = &Domain::zero,
                  .write = &Domain::clear_pending_number},
                 {.at = 0x1e00, .name = "setie", .read = &Domain::enabled, .write = &Domain::enable,
                  .count = kWords},
                 {.at = 0x1edc, .name = "setienum", .read = &Domain::zero,
                  .write = &Domain::enable_number},
                 {.at = 0x1f00, .name = "clrie", .read = &Domain::zeroes,
                  .write = &Domain::disable, .count = kWords},
                 {.at = 0x1fdc, .name = "clrienum", .read = &Domain::zero,
                  .write = &Domain::disable_number},
                 {.at = 0x2000, .name = "setipnum_le", .read = &Domain::zero,
                  .write = &Domain::set_pending_number},
                 {.at = 0x2004, .name = "setipnum_be", .read = &Domain::zero,
                  .write = &Domain::set_pending_number_swapped},
                 {.at = 0x3000, .name = "genmsi", .read = &Domain::message,
                  .write = &Domain::send_message},
                 {.at = 0x3004, .name = "target", .read = &Domain::target,
                  .write = &Domain::set_target, .count = kMostSources},
                 {.at = 0x4000, .name = "idelivery", .read = &Domain::delivers,
                  .write = &Domain::set_delivers, .count = kMostHarts, .stride = 32},
                 {.at = 0x4004, .name = "iforce", .read = &Domain::forced,
                  .write = &Domain::set_forced, .count = kMostHarts, .stride = 32},
                 {.at = 0x4008, .name = "ithreshold", .read = &Domain::threshold,
                  .write = &Domain::set_threshold, .count = kMostHarts, .stride = 32},
                 {.at = 0x4018, .name = "topi", .read = &Domain::top, .count = kMostHarts,
                  .stride = 32},
                 {.at = 0x401c, .name = "claimi", .read = &Domain::claim, .count = kMostHarts,
                  .stride = 32}},
                {.access = {.valid = {.min = 4, .max = 4}}})} {}

// --- What a source is ------------------------------------------------------------------------------

bool RiscvAplic::Domain::delegates(unsigned source) const {
  return (source_config_[source] & kDelegated) != 0;
}

bool RiscvAplic::Domain::has_source(unsigned source) const {
  if (source == 0 || source > aplic_.sources_) return false;
  return level_ == Level::kMachine || aplic_.machine_.delegates(source);
}

bool RiscvAplic::Domain::is_active(unsigned source) const {
  return has_source(source) && !delegates(source) && source_config_[source] != kInactive;
}

bool RiscvAplic::Domain::is_level(unsigned source) const {
  const std::uint32_t mode = source_config_[source];
  return mode == kLevel1 || mode == kLevel0;
}

bool RiscvAplic::Domain::rectified(unsigned source) const {
  switch (source_config_[source]) {
    case kEdge1:
    case kLevel1:
      return aplic_.in_.level(source);
    case kEdge0:
    case kLevel0:
      return !aplic_.in_.level(source);
    default:
      return false;  // detached, inactive, delegated
  }
}

void RiscvAplic::Domain::make_pending(unsigned source, bool pending) {
  std::uint32_t& word = pending_[word_of(source)];
  word = pending ? word | bit_of(source) : word & ~bit_of(source);
}

std::uint32_t RiscvAplic::Domain::active(unsigned word) const {
  std::uint32_t bits = 0;
  for (unsigned i = 0; i < 32; ++i)
    if (is_active(32 * word + i)) bits |= 1U << i;
  return bits;
}

// --- What makes a source pending (4.7) ---------------------------------------------------------------

void RiscvAplic::Domain::source_changed(unsigned source) {
  if (!is_active(source) || source_config_[source] == kDetached) return;
  if (rectified(source))
    make_pending(source, true);
  else if (is_level(source))
    make_pending(source, false);
  update();
}

/// By lines, what is pending at a level is the level itself.
void RiscvAplic::Domain::ask_by_write(unsigned source) {
  if (!is_active(source)) return;
  if (is_level(source) && (!has_messages() || !rectified(source))) return;
  make_pending(source, true);
}

void RiscvAplic::Domain::unask_by_write(unsigned source) {
  if (is_active(source) && (has_messages() || !is_level(source))) make_pending(source, false);
}

void RiscvAplic::Domain::forget(unsigned source) {
  source_config_[source] = kInactive;
  target_[source] = 0;
  make_pending(source, false);
  enabled_[word_of(source)] &= ~bit_of(source);
}

// --- Registers -------------------------------------------------------------------------------------

std::uint32_t RiscvAplic::Domain::config() const {
  return kConfigFixed | (is_on_ ? kInterruptEnable : 0) | (has_messages() ? kDeliveryMode : 0);
}

void RiscvAplic::Domain::set_config(std::uint32_t value) {
  is_on_ = (value & kInterruptEnable) != 0;
  update();
}

std::uint32_t RiscvAplic::Domain::source_config(unsigned index) const {
  return has_source(index + 1) ? source_config_[index + 1] : 0;
}

void RiscvAplic::Domain::set_source_config(unsigned index, std::uint32_t value) {
  const unsigned source = index + 1;
  if (!has_source(source)) return;
  const bool was_active = is_active(source);
  const bool hands_on = (value & kDelegated) != 0;
  if (hands_on) {
    // The root has one child, number 0; the child has none.
    const bool possible = level_ == Level::kMachine && (value & kChildMask) == 0;
    value = possible ? kDelegated : kInactive;
  } else {
    value &= kModeMask;
    if (value == 2 || value == 3) value = kInactive;  // reserved
  }
  if (level_ == Level::kMachine && delegates(source) && value != kDelegated)
    aplic_.supervisor_.forget(source);
  if (value == kInactive || value == kDelegated) forget(source);
  source_config_[source] = value;
  if (is_active(source) && !was_active) target_[source] = has_messages() ? 0 : 1;
  if (is_active(source) && is_level(source)) {
    if (rectified(source))
      make_pending(source, true);
    else if (!has_messages())
      make_pending(source, false);
  }
  update();
  if (level_ == Level::kMachine) aplic_.supervisor_.update();
}

// SPEC: 4.5.3 and 4.5.4: only the root at machine level has them, and only with messages.
std::uint32_t RiscvAplic::Domain::message_address(unsigned index) const {
  return level_ == Level::kMachine ? aplic_.message_addresses_[index] : 0;
}

void RiscvAplic::Domain::set_message_address(unsigned index, std::uint32_t value) {
  if (level_ != Level::kMachine || !has_messages()) return;
  if ((aplic_.message_addresses_[kMachineHigh] & kLock) != 0) return;
  aplic_.message_addresses_[index] = value & kMessageMasks[index];
}

void RiscvAplic::Domain::set_pending(unsigned word, std::uint32_t bits) {
  for_each(word, bits, [&](unsigned source) { ask_by_write(source); });
  update();
}
void RiscvAplic::Domain::set_pending_number(std::uint32_t source) {
  if (source > kMostSources) return;
  ask_by_write(source);
  update();
}

std::uint32_t RiscvAplic::Domain::inputs(unsigned word) const {
  std::uint32_t bits = 0;
  for_each(word, active(word), [&](unsigned source) {
    if (rectified(source)) bits |= bit_of(source);
  });
  return bits;
}
void RiscvAplic::Domain::clear_pending(unsigned word, std::uint32_t bits) {
  for_each(word, bits, [&](unsigned source) { unask_by_write(source); });
  update();
}
void RiscvAplic::Domain::clear_pending_number(std::uint32_t source) {
  if (source <= kMostSources) clear_pending(word_of(source), bit_of(source));
}

void RiscvAplic::Domain::enable(unsigned word, std::uint32_t bits) {
  enabled_[word] |= bits & active(word);
  update();
}
void RiscvAplic::Domain::enable_number(std::uint32_t source) {
  if (source <= kMostSources) enable(word_of(source), bit_of(source));
}
void RiscvAplic::Domain::disable(unsigned word, std::uint32_t bits) {
  enabled_[word] &= ~bits;
  update();
}
void RiscvAplic::Domain::disable_number(std::uint32_t source) {
  if (source <= kMostSources) disable(word_of(source), bit_of(source));
}

// SPEC: 4.5.15: sent whether the domain is on or not. It is on its way when the write returns.
void RiscvAplic::Domain::send_message(std::uint32_t value) {
  if (!has_messages()) return;
  message_ = value & (kHartBits | kIdentityMask);
  send(message_ >> kHartShift, 0, message_ & kIdentityMask);
}

std::uint32_t RiscvAplic::Domain::target(unsigned index) const {
  return is_active(index + 1) ? target_[index + 1] : 0;
}

void RiscvAplic::Domain::set_target(unsigned index, std::uint32_t value) {
  const unsigned source = index + 1;
  if (!is_active(source)) return;
  if (has_messages()) {
    const std::uint32_t guest = level_ == Level::kSupervisor ? kGuestMask << kGuestShift : 0;
    target_[source] = value & (kHartBits | guest | kIdentityMask);
  } else {
    const std::uint32_t priority = field(value, 0, aplic_.config_.priority_bits);
    target_[source] = (value & kHartBits) | (priority == 0 ? 1 : priority);
  }
  update();
}

// --- Delivery by lines (4.8) -------------------------------------------------------------------------

std::uint32_t RiscvAplic::Domain::of_hart(const hw::State<Words>& values, unsigned hart) const {
  return has_hart(hart) ? values[hart] : 0;
}
void RiscvAplic::Domain::set_of_hart(hw::State<Words>& values, unsigned hart, std::uint32_t value) {
  if (!has_hart(hart)) return;
  values[hart] = value;
  update();
}
void RiscvAplic::Domain::set_threshold(unsigned hart, std::uint32_t value) {
  set_of_hart(threshold_, hart, field(value, 0, aplic_.config_.priority_bits));
}

std::uint32_t RiscvAplic::Domain::top(unsigned hart) const {
  if (!has_hart(hart)) return 0;
  constexpr unsigned kPriorityBits = 8;
  const std::uint32_t limit = threshold_[hart];
  std::uint32_t best = 0;
  std::uint32_t lowest = limit == 0 ? 1U << kPriorityBits : limit;
  for (unsigned word = 0; word <= word_of(aplic_.sources_); ++word) {
    for_each(word, pending_[word] & enabled_[word], [&](unsigned source) {
      const std::uint32_t priority = field(target_[source], 0, kPriorityBits);
      if (target_[source] >> kHartShift != hart || priority >= lowest) return;
      lowest = priority;
      best = source << 16 | priority;
    });
  }
  return best;
}

std::uint32_t RiscvAplic::Domain::claim(unsigned hart) {
  if (!has_hart(hart)) return 0;
  const std::uint32_t claimed = top(hart);
  const unsigned source = claimed >> 16;
  if (claimed == 0)
    forced_[hart] = 0;
  else if (!is_level(source))
    make_pending(source, false);
  update();
  return claimed;
}

void RiscvAplic::Domain::update() {
  if (has_messages())
    send_messages();
  else
    update_lines();
}

void RiscvAplic::Domain::update_lines() {
  for (unsigned hart = 0; hart < aplic_.harts_; ++hart) {
    const bool delivers = is_on_ && delivers_[hart] != 0;
    lines_.set(hart, delivers && (forced_[hart] != 0 || top(hart) != 0));
  }
}

// --- Delivery as messages (4.9) ----------------------------------------------------------------------

void RiscvAplic::Domain::send_messages() {
  if (!is_on_) return;
  for (unsigned word = 0; word <= word_of(aplic_.sources_); ++word) {
    for_each(word, pending_[word] & enabled_[word], [&](unsigned source) {
      make_pending(source, false);
      const std::uint32_t target = target_[source];
      send(target >> kHartShift, target >> kGuestShift & kGuestMask, target & kIdentityMask);
    });
  }
}

void RiscvAplic::Domain::send(std::uint32_t hart, std::uint32_t guest, std::uint32_t identity) {
  const std::uint64_t address = address_of(hart, guest);
  if (aplic_.port_.store(address, 4, identity, {}) != memory::MemTxResult::kOk)
    log::guest_error("{}: a message to {:#x} comes to nobody", aplic_.full_path(), address);
}

// SPEC: 4.9.1. A hart's number is split into its group's and its own within the group.
std::uint64_t RiscvAplic::Domain::address_of(std::uint32_t hart, std::uint32_t guest) const {
  const auto& addresses = aplic_.message_addresses_;
  const std::uint32_t shape = addresses[kMachineHigh];
  const bool machine = level_ == Level::kMachine;
  const std::uint32_t high = machine ? shape : addresses[kSupervisorHigh];
  const std::uint32_t low = addresses[machine ? kMachineLow : kSupervisorLow];
  const unsigned group_shift = field(shape, 24, 5);
  const unsigned group_bits = field(shape, 16, 3);
  const unsigned hart_bits = field(shape, 12, 4);
  const unsigned hart_shift = field(high, 20, 3);
  const std::uint64_t group = field(hart >> hart_bits, 0, group_bits);
  const std::uint64_t within = field(hart, 0, hart_bits);
  const std::uint64_t base = std::uint64_t{field(high, 0, 12)} << 32 | low;
  return (base | group << (group_shift + 12) | within << hart_shift | guest) << 12;
}

}  // namespace holdfast::devices
