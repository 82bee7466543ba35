// SPDX-License-Identifier: Apache-2.0
// A general-purpose port of STM32L4x5: 16 pins, each an input, an output, at a device's disposal, or
// analog.
//
// SPEC: RM0351, chapter 8 "General-purpose I/Os (GPIO)".
// Modelled: all registers, accesses of every width, push-pull and open-drain outputs, pulls, the lock
// with its key sequence. Registers answer with the clock stopped, too. Not modelled: devices behind
// alternate functions, so such a pin is an input; analog switches and speeds are kept and do nothing.
//
// What drives a pin from outside is *connected* to it. A driver that works against an output would be a
// short circuit: where the two would meet, the outside loses. It is disconnected when the pin becomes an
// output (a push-pull one, or an open-drain one held high from outside), and while the pin is an output
// nobody connects, but to pull an open-drain one down. A pin that nothing drives and nothing pulls keeps
// its level. Analog pins read 0, as their input stage is off.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "holdfast/hw/clock_tree.hpp"
#include "holdfast/hw/irq.hpp"
#include "holdfast/hw/mmio.hpp"
#include "holdfast/hw/state.hpp"

namespace holdfast::devices {

class Stm32l4x5Gpio final : public hw::Device {
 public:
  static const object::Type kType;
  static constexpr unsigned kPins = 16;
  /// What registers are after a reset differs from port to port.
  struct Config {
    std::uint32_t mode_reset = 0xffff'ffff;
    std::uint32_t ospeed_reset = 0;
    std::uint32_t pupd_reset = 0;
  };
  Stm32l4x5Gpio(const hw::DeviceInit& init, const Config& config);

  /// What is outside of the chip.
  hw::IrqInArray& inputs() { return in_; }
  /// The level of each pin: to the rest of the chip, and to what the board has at it.
  hw::IrqOutArray& outputs() { return out_; }
  hw::IrqOutArray& pads() { return pad_; }
  hw::ClockIn& clk() { return clk_; }
  hw::Mmio& regs() { return regs_; }

 private:
  static const object::Property kProperties[];
  enum class Mode : std::uint8_t { kInput, kOutput, kAlternate, kAnalog };
  enum class Pull : std::uint8_t { kNone, kUp, kDown, kReserved };

  // Registers.
  std::uint32_t mode() const { return mode_; }
  void set_mode(std::uint32_t value);
  std::uint32_t output_type() const { return output_type_; }
  void set_output_type(std::uint32_t value);
  std::uint32_t speed() const { return speed_; }
  void set_speed(std::uint32_t value);
  std::uint32_t pull() const { return pull_; }
  void set_pull(std::uint32_t value);
  std::uint32_t input() const { return level_; }
  std::uint32_t output() const { return output_; }
  void set_output(std::uint32_t value);
  std::uint32_t write_only() const { return 0; }
  void set_and_reset(std::uint32_t value);
  std::uint32_t lock();
  void set_lock(std::uint32_t value);
  std::uint32_t function(unsigned index) const { return function_[index]; }
  void set_function(unsigned index, std::uint32_t value);
  void reset_bits(std::uint32_t value);
  std::uint32_t analog_switch() const { return analog_switch_; }
  void set_analog_switch(std::uint32_t value);

  // Properties.
  std::uint16_t disconnected_pins() const;
  Result<void> set_disconnected_pins(std::uint16_t pins);
  std::uint64_t clock_hz() const { return clk_.hz(); }

  Mode mode_of(unsigned pin) const;
  Pull pull_of(unsigned pin) const;
  bool is_open_drain(unsigned pin) const { return (output_type_ & 1U << pin) != 0; }
  /// The pins that the guest can no longer configure.
  std::uint16_t frozen() const { return locked_ ? lock_.get() : std::uint16_t{0}; }

  void driven(unsigned pin, bool level);
  bool would_short(unsigned pin, bool level) const;
  void disconnect(std::uint16_t pins);
  void disconnect_shorted();
  /// Nothing if nobody says.
  std::optional<bool> level_of(unsigned pin) const;
  void update();
  void on_reset(hw::ResetPhase phase) override;

  // Guest-visible state.
  hw::State<std::uint32_t> mode_;
  hw::State<std::uint16_t> output_type_{*this, "otyper"};
  hw::State<std::uint32_t> speed_;
  hw::State<std::uint32_t> pull_;
  hw::State<std::uint16_t> level_{*this, "idr"};
  hw::State<std::uint16_t> output_{*this, "odr"};
  hw::State<std::uint16_t> lock_{*this, "lckr"};
  hw::State<bool> locked_{*this, "locked"};
  hw::State<std::uint8_t> lock_step_{*this, "lock-step"};  // writes of the key sequence that were right
  hw::State<std::array<std::uint32_t, 2>> function_{*this, "afr"};
  hw::State<std::uint16_t> analog_switch_{*this, "ascr"};
  hw::State<std::uint16_t> connected_{*this, "connected-pins"};
  hw::State<std::uint16_t> driven_high_{*this, "driven-high"};  // of those
  // Wiring.
  hw::IrqInArray in_{*this, "in", kPins, &Stm32l4x5Gpio::driven};
  hw::IrqOutArray out_{*this, "out", kPins};
  hw::IrqOutArray pad_{*this, "pad", kPins};
  hw::ClockIn clk_{*this, "clk"};
  hw::Mmio regs_{
      *this, "regs",
      hw::register_map<Stm32l4x5Gpio>(
          0x400,
          {{.at = 0x00, .name = "MODER", .read = &Stm32l4x5Gpio::mode,
            .write = &Stm32l4x5Gpio::set_mode},
           {.at = 0x04, .name = "OTYPER", .read = &Stm32l4x5Gpio::output_type,
            .write = &Stm32l4x5Gpio::set_output_type},
           {.at = 0x08, .name = "OSPEEDR", .read = &Stm32l4x5Gpio::speed,
            .write = &Stm32l4x5Gpio::set_speed},
           {.at = 0x0c, .name = "PUPDR", .read = &Stm32l4x5Gpio::pull,
            .write = &Stm32l4x5Gpio::set_pull},
           {.at = 0x10, .name = "IDR", .read = &Stm32l4x5Gpio::input},
           {.at = 0x14, .name = "ODR", .read = &Stm32l4x5Gpio::output,
            .write = &Stm32l4x5Gpio::set_output},
           {.at = 0x18, .name = "BSRR", .read = &Stm32l4x5Gpio::write_only,
            .write = &Stm32l4x5Gpio::set_and_reset},
           {.at = 0x1c, .name = "LCKR", .read = &Stm32l4x5Gpio::lock,
            .write = &Stm32l4x5Gpio::set_lock, .partial = hw::Partial::kRefuse},
           {.at = 0x20, .name = "AFR", .read = &Stm32l4x5Gpio::function,
            .write = &Stm32l4x5Gpio::set_function, .count = 2},
           {.at = 0x28, .name = "BRR", .read = &Stm32l4x5Gpio::write_only,
            .write = &Stm32l4x5Gpio::reset_bits},
           {.at = 0x2c, .name = "ASCR", .read = &Stm32l4x5Gpio::analog_switch,
            .write = &Stm32l4x5Gpio::set_analog_switch}})};
};

}  // namespace holdfast::devices
