// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/armv7m/nvic.hpp"

#include <utility>

#include "holdfast/hw/base_types.hpp"
#include "holdfast/hw/machine_requests.hpp"

namespace holdfast::devices {
namespace {

constexpr std::uint32_t kSetNmi = 1U << 31, kSetPendSv = 1U << 28, kClearPendSv = 1U << 27;
constexpr std::uint32_t kSetSysTick = 1U << 26, kClearSysTick = 1U << 25;
constexpr std::uint32_t kInterruptPending = 1U << 22;
constexpr std::uint32_t kKey = 0x05fa, kResetRequest = 1U << 2, kClearState = 1U << 1;

constexpr std::array<std::uint32_t, 8> first(std::uint32_t count) {
  std::array<std::uint32_t, 8> bits{};
  for (std::uint32_t n = 0; n < count && n < 240; ++n) bits[n / 32] |= std::uint32_t{1} << n % 32;
  return bits;
}

}  // namespace

constinit const object::Type Nvic::kType{
    .name = "armv7m_nvic",
    .parent = &hw::kSysBusDevice,
    .docs = "Interrupt controller and system control block of an ARMv7-M CPU."};

Nvic::Nvic(const hw::DeviceInit& init, const Config& config)
    : Device{init},
      config_{config},
      there_{first(config.interrupts)},
      in_{*this, "in", config.interrupts, &Nvic::source_changed},
      shared_{*this, "shared", config.interrupts, &Nvic::shared_changed} {}

Result<void> Nvic::check() {
  if (config_.interrupts == 0 || config_.interrupts > kMost)
    return fail("{}: {} interrupts; it takes 1 to {}", full_path(), config_.interrupts, kMost);
  if (config_.priority_bits < 3 || config_.priority_bits > 8)
    return fail("{}: {} bits of priority; it takes 3 to 8", full_path(), config_.priority_bits);
  return {};
}

// --- interrupts ------------------------------------------------------------------------------------

void Nvic::input_changed(Bits& levels, unsigned interrupt, bool level) {
  const unsigned word = interrupt / 32;
  const std::uint32_t bit = std::uint32_t{1} << interrupt % 32;
  const bool was_high = is_high(word, bit);
  levels[word] = level ? levels[word] | bit : levels[word] & ~bit;
  if (is_high(word, bit) && !was_high) pending_[word] |= bit;
}

// What is still asked for stays pending, unless its handler runs.
void Nvic::clear_pending(unsigned word, std::uint32_t value) {
  const std::uint32_t held = (levels_[word] | shared_levels_[word]) & ~active_[word];
  pending_[word] &= ~(value & ~held);
}

std::uint8_t Nvic::implemented(std::uint8_t priority) const {
  return static_cast<std::uint8_t>(priority & 0xff00U >> config_.priority_bits);
}

void Nvic::set_priority(unsigned interrupt, std::uint8_t value) {
  if (interrupt < config_.interrupts) priority_[interrupt] = implemented(value);
}

// SPEC: DDI 0403E.e B3.4.3: STIR has 9 bits of number.
void Nvic::trigger(std::uint32_t value) {
  const std::uint32_t interrupt = value & 0x1ff;
  if (interrupt < config_.interrupts) set_pending(interrupt / 32, std::uint32_t{1} << interrupt % 32);
}

// --- exceptions ------------------------------------------------------------------------------------

void Nvic::systick_changed(bool level) {
  if (level) exceptions_pending_ |= 1U << kSysTick;
}

void Nvic::nmi_changed(bool level) {
  if (level) exceptions_pending_ |= 1U << kNmi;
}

void Nvic::set_exception_priority(unsigned index, std::uint8_t value) {
  // Exceptions 7 to 10 and 13 are not there.
  constexpr std::uint32_t kThere = 1U << 4 | 1U << 5 | 1U << 6 | 1U << 11 | 1U << 12 | 1U << 14 | 1U << 15;
  if ((kThere >> (index + 4) & 1) != 0) exception_priority_[index] = implemented(value);
}

unsigned Nvic::most_urgent() const {
  if ((exceptions_pending_ >> kNmi & 1) != 0) return kNmi;
  unsigned found = 0;
  unsigned urgency = 0x100;
  const auto consider = [&](unsigned number, unsigned priority) {
    if (priority >= urgency) return;
    urgency = priority;
    found = number;
  };
  for (const unsigned number : {kPendSv, kSysTick})
    if ((exceptions_pending_ >> number & 1) != 0) consider(number, exception_priority_[number - 4]);
  for (unsigned n = 0; n < config_.interrupts; ++n)
    if (((pending_[n / 32] & enabled_[n / 32]) >> n % 32 & 1) != 0)
      consider(kFirstInterrupt + n, priority_[n]);
  return found;
}

std::uint32_t Nvic::control_state() const {
  std::uint32_t value = most_urgent() << 12;
  for (const std::uint32_t word : pending_.get())
    if (word != 0) value |= kInterruptPending;
  if ((exceptions_pending_ >> kNmi & 1) != 0) value |= kSetNmi;
  if ((exceptions_pending_ >> kPendSv & 1) != 0) value |= kSetPendSv;
  if ((exceptions_pending_ >> kSysTick & 1) != 0) value |= kSetSysTick;
  return value;
}

void Nvic::set_control_state(std::uint32_t value) {
  if ((value & kClearPendSv) != 0) exceptions_pending_ &= ~(1U << kPendSv);
  if ((value & kClearSysTick) != 0) exceptions_pending_ &= ~(1U << kSysTick);
  if ((value & kSetPendSv) != 0) exceptions_pending_ |= 1U << kPendSv;
  if ((value & kSetSysTick) != 0) exceptions_pending_ |= 1U << kSysTick;
  if ((value & kSetNmi) != 0) exceptions_pending_ |= 1U << kNmi;
}

// Without the key nothing is written.
void Nvic::set_application_control(std::uint32_t value) {
  if (value >> 16 != kKey) return;
  priority_group_ = value >> 8 & 7;
  if ((value & kClearState) != 0) active_ = {};
  if ((value & kResetRequest) != 0 && context().requests != nullptr)
    context().requests->request_reset();
}

// --- identification --------------------------------------------------------------------------------

// SPEC: Arm 100166 (Cortex-M4), table 4-1, from ID_PFR0 to ID_ISAR4.
std::uint32_t Nvic::identification(unsigned index) const {
  constexpr std::array<std::uint32_t, 13> kIds{
      0x0000'0030, 0x0000'0200, 0x0010'0000, 0x0000'0000, 0x0000'0030, 0x0000'0000, 0x0100'0000,
      0x0000'0000, 0x0114'1110, 0x0211'2000, 0x2123'2231, 0x0111'1131, 0x0131'0132};
  return kIds[index];
}

// SPEC: Arm 100166 (Cortex-M4), table 3-2: PID4 to PID7, PID0 to PID3, CID0 to CID3.
std::uint32_t Nvic::component(unsigned index) const {
  constexpr std::array<std::uint32_t, 12> kIds{0x04, 0x00, 0x00, 0x00, 0x0c, 0xb0,
                                               0x0b, 0x00, 0x0d, 0xe0, 0x05, 0xb1};
  return kIds[index];
}

// Whoever still asks when the reset is over is heard.
void Nvic::on_reset(hw::ResetPhase phase) {
  if (phase != hw::ResetPhase::kExit) return;
  for (unsigned word = 0; word < kWords; ++word)
    pending_[word] |= levels_[word] | shared_levels_[word];
}

}  // namespace holdfast::devices
