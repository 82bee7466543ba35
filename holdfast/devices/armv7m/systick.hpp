// SPDX-License-Identifier: Apache-2.0
// SysTick: the 24-bit timer of an ARMv7-M CPU. Counts down to 0, says so, and starts over.
//
// SPEC: Arm DDI 0403E.e (ARMv7-M), B3.3 "The system timer, SysTick"; ST RM0351, 13.2 for CALIB.
// Modelled: all registers, both clocks. What has passed of a tick is lost when a register or a clock is
// changed.
#pragma once

#include <cstdint>
#include <optional>

#include "holdfast/hw/clock_tree.hpp"
#include "holdfast/hw/irq.hpp"
#include "holdfast/hw/mmio.hpp"
#include "holdfast/hw/state.hpp"
#include "holdfast/hw/timer.hpp"

namespace holdfast::devices {

class SysTick final : public hw::Device {
 public:
  static const object::Type kType;
  explicit SysTick(const hw::DeviceInit& init) : Device{init} {}

  /// Rises at each 0, and falls at once.
  hw::IrqOut& tick() { return tick_; }
  hw::ClockIn& cpu_clock() { return cpu_clock_; }
  hw::ClockIn& reference_clock() { return reference_clock_; }
  hw::Mmio& regs() { return regs_; }

 private:
  // Registers.
  std::uint32_t control();
  void set_control(std::uint32_t value);
  std::uint32_t reload() const { return reload_; }
  void set_reload(std::uint32_t value);
  std::uint32_t current() const { return value_after(elapsed()); }
  void clear_current(std::uint32_t);
  std::uint32_t calibration() const { return 0x0100'270f; }

  hw::ClockPeriod chosen_period() const;
  bool runs() const { return (control_ & 1) != 0 && period_ != 0; }
  /// Ticks since `since_ns_`.
  std::uint64_t elapsed() const;
  std::uint32_t value_after(std::uint64_t ticks) const;
  /// The tick that brings the first 0; nothing if none does.
  std::optional<std::uint64_t> first_zero() const;
  std::uint64_t zeros_after(std::uint64_t ticks) const;
  /// Counts from here on, from the value there is.
  void start_over();
  void clocks_changed();
  void arm();
  void expired();
  void on_reset(hw::ResetPhase phase) override;

  // Guest-visible state.
  hw::State<std::uint32_t> control_{*this, "csr"};  // without COUNTFLAG
  hw::State<std::uint32_t> reload_{*this, "rvr"};
  hw::State<std::uint32_t> start_{*this, "start"};        // what it counted from, at
  hw::State<std::uint64_t> since_ns_{*this, "since-ns"};
  hw::State<std::uint64_t> zeros_seen_{*this, "zeros-seen"};  // of those since then
  hw::State<bool> was_zero_{*this, "was-zero"};               // before then, and not seen
  hw::ClockPeriod period_ = 0;  // by which it has counted since then
  // Wiring.
  hw::IrqOut tick_{*this, "tick"};
  hw::ClockIn cpu_clock_{*this, "cpuclk", &SysTick::clocks_changed};
  hw::ClockIn reference_clock_{*this, "refclk", &SysTick::clocks_changed};
  hw::Timer timer_{*this, "zero", &SysTick::expired};
  hw::Mmio regs_{
      *this, "regs",
      hw::register_map<SysTick>(
          0x10, {{.at = 0x0, .name = "CSR", .read = &SysTick::control, .write = &SysTick::set_control,
                  .partial = hw::Partial::kRefuse},
                 {.at = 0x4, .name = "RVR", .read = &SysTick::reload, .write = &SysTick::set_reload},
                 {.at = 0x8, .name = "CVR", .read = &SysTick::current, .write = &SysTick::clear_current},
                 {.at = 0xc, .name = "CALIB", .read = &SysTick::calibration}})};
};

}  // namespace holdfast::devices
