// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/stm32/gpio.hpp"

#include "holdfast/base/log.hpp"
#include "holdfast/hw/base_types.hpp"

namespace holdfast::devices {
namespace {

// SPEC: 8.5.8, GPIOx_LCKR: bit 16 is the key.
constexpr std::uint32_t kLockKey = 0x0001'0000;
constexpr std::uint8_t kWritesOfSequence = 3;

/// The fields of `bits` bits, a pin each, of the pins in `pins`.
constexpr std::uint32_t fields(std::uint32_t pins, unsigned bits) {
  std::uint32_t mask = 0;
  for (unsigned pin = 0; pin * bits < 32; ++pin)
    if ((pins >> pin & 1U) != 0) mask |= ((1U << bits) - 1) << pin * bits;
  return mask;
}

constexpr std::uint32_t merged(std::uint32_t old, std::uint32_t value, std::uint32_t kept) {
  return (old & kept) | (value & ~kept);
}

constexpr std::uint16_t bit_of_pin(unsigned pin) { return static_cast<std::uint16_t>(1U << pin); }
constexpr std::uint16_t low(std::uint32_t value) { return static_cast<std::uint16_t>(value); }
/// All pins but these.
constexpr std::uint16_t but(std::uint16_t pins) { return low(0xffffU & ~std::uint32_t{pins}); }

}  // namespace

constinit const object::Property Stm32l4x5Gpio::kProperties[] = {
    object::computed<&Stm32l4x5Gpio::disconnected_pins, &Stm32l4x5Gpio::set_disconnected_pins>(
        "disconnected-pins", "pins that nothing outside drives, a bit each; setting bits disconnects",
        {.settable = object::Settable::kAlways}),
    object::computed<&Stm32l4x5Gpio::clock_hz>("clock-freq-hz", "of the port's clock, Hz"),
};

constinit const object::Type Stm32l4x5Gpio::kType{
    .name = "stm32l4x5-gpio",
    .parent = &hw::kSysBusDevice,
    .docs = "STM32L4x5's general-purpose port of 16 pins.",
    .properties = kProperties};

Stm32l4x5Gpio::Stm32l4x5Gpio(const hw::DeviceInit& init, const Config& config)
    : Device{init},
      mode_{*this, "moder", config.mode_reset},
      speed_{*this, "ospeedr", config.ospeed_reset},
      pull_{*this, "pupdr", config.pupd_reset} {}

// --- registers -------------------------------------------------------------------------------------

void Stm32l4x5Gpio::set_mode(std::uint32_t value) {
  mode_ = merged(mode_, value, fields(frozen(), 2));
  disconnect_shorted();
}

void Stm32l4x5Gpio::set_output_type(std::uint32_t value) {
  output_type_ = low(merged(output_type_, value, frozen()));
  disconnect_shorted();
}

void Stm32l4x5Gpio::set_speed(std::uint32_t value) {
  speed_ = merged(speed_, value, fields(frozen(), 2));
}

void Stm32l4x5Gpio::set_pull(std::uint32_t value) {
  pull_ = merged(pull_, value, fields(frozen(), 2));
  update();
}

void Stm32l4x5Gpio::set_output(std::uint32_t value) {
  output_ = low(value);
  update();
}

// SPEC: 8.5.7: if a pin is to be set and reset, it is set.
void Stm32l4x5Gpio::set_and_reset(std::uint32_t value) {
  set_output((output_ & ~(value >> kPins)) | low(value));
}

void Stm32l4x5Gpio::reset_bits(std::uint32_t value) { set_output(output_ & ~value); }

// SPEC: 8.5.8: key set, key clear, key set, each with the same pins, and a read. After that nothing but a
// reset changes the register.
void Stm32l4x5Gpio::set_lock(std::uint32_t value) {
  if (locked_) return;
  const bool key = (value & kLockKey) != 0;
  const bool key_is_due = lock_step_ != 1;
  const bool same_pins = lock_step_ == 0 || lock_ == low(value);
  if (lock_step_ < kWritesOfSequence && key == key_is_due && same_pins)
    lock_step_ += 1;
  else
    lock_step_ = key ? 1 : 0;  // an error; it may be how the next sequence begins
  lock_ = low(value);
}

std::uint32_t Stm32l4x5Gpio::lock() {
  if (lock_step_ == kWritesOfSequence) locked_ = true;
  return lock_ | (locked_ ? kLockKey : 0);
}

void Stm32l4x5Gpio::set_function(unsigned index, std::uint32_t value) {
  const std::uint32_t pins = std::uint32_t{frozen()} >> 8 * index & 0xffU;
  function_[index] = merged(function_[index], value, fields(pins, 4));
}

void Stm32l4x5Gpio::set_analog_switch(std::uint32_t value) { analog_switch_ = low(value); }

// --- pins ------------------------------------------------------------------------------------------

Stm32l4x5Gpio::Mode Stm32l4x5Gpio::mode_of(unsigned pin) const {
  return static_cast<Mode>(mode_ >> 2 * pin & 3U);
}

Stm32l4x5Gpio::Pull Stm32l4x5Gpio::pull_of(unsigned pin) const {
  return static_cast<Pull>(pull_ >> 2 * pin & 3U);
}

bool Stm32l4x5Gpio::would_short(unsigned pin, bool level) const {
  return mode_of(pin) == Mode::kOutput && (level || !is_open_drain(pin));
}

void Stm32l4x5Gpio::driven(unsigned pin, bool level) {
  if (would_short(pin, level)) {
    log::guest_error("{}: pin {} is an output and cannot be driven from outside", full_path(), pin);
    return;
  }
  connected_ |= bit_of_pin(pin);
  if (level) driven_high_ |= bit_of_pin(pin);
  else driven_high_ &= but(bit_of_pin(pin));
  update();
}

void Stm32l4x5Gpio::disconnect(std::uint16_t pins) {
  connected_ &= but(pins);
  driven_high_ &= but(pins);
  update();
}

void Stm32l4x5Gpio::disconnect_shorted() {
  std::uint16_t shorted = 0;
  for (unsigned pin = 0; pin < kPins; ++pin)
    if ((connected_ & bit_of_pin(pin)) != 0 && would_short(pin, (driven_high_ & bit_of_pin(pin)) != 0))
      shorted |= bit_of_pin(pin);
  if (shorted != 0)
    log::guest_error("{}: pins {:#06x} become outputs and are disconnected", full_path(), shorted);
  disconnect(shorted);
}

std::optional<bool> Stm32l4x5Gpio::level_of(unsigned pin) const {
  const Mode mode = mode_of(pin);
  if (mode == Mode::kAnalog) return false;
  const bool output = (output_ & bit_of_pin(pin)) != 0;
  if (mode == Mode::kOutput && (!output || !is_open_drain(pin))) return output;
  if ((connected_ & bit_of_pin(pin)) != 0) return (driven_high_ & bit_of_pin(pin)) != 0;
  if (pull_of(pin) == Pull::kUp) return true;
  if (pull_of(pin) == Pull::kDown) return false;
  return std::nullopt;
}

void Stm32l4x5Gpio::update() {
  std::uint16_t now = 0;
  for (unsigned pin = 0; pin < kPins; ++pin)
    if (level_of(pin).value_or((level_ & bit_of_pin(pin)) != 0)) now |= bit_of_pin(pin);
  level_ = now;
  for (unsigned pin = 0; pin < kPins; ++pin) {
    out_.set(pin, (now & bit_of_pin(pin)) != 0);
    pad_.set(pin, (now & bit_of_pin(pin)) != 0);
  }
}

std::uint16_t Stm32l4x5Gpio::disconnected_pins() const { return but(connected_); }

// Nobody can be connected this way: what would he drive?
Result<void> Stm32l4x5Gpio::set_disconnected_pins(std::uint16_t pins) {
  disconnect(pins);
  return {};
}

void Stm32l4x5Gpio::on_reset(hw::ResetPhase phase) {
  if (phase == hw::ResetPhase::kHold) update();
}

}  // namespace holdfast::devices
