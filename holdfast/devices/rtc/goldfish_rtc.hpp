// SPDX-License-Identifier: Apache-2.0
// Goldfish real-time clock: a nanosecond counter that the guest reads in two halves, and an alarm.
//
// SPEC: "Goldfish virtual hardware", section VIII "RTC"; the alarm's registers as Linux's rtc-goldfish
// driver uses them. Reading the low half latches the high one; the alarm is set by its low half.
// An access of 64 bits is one of two registers, the lower one first; 8 and 16 bits are refused.
#pragma once

#include <cstdint>

#include "holdfast/hw/host_clock.hpp"
#include "holdfast/hw/irq.hpp"
#include "holdfast/hw/mmio.hpp"
#include "holdfast/hw/state.hpp"
#include "holdfast/hw/timer.hpp"

namespace holdfast::devices {

class GoldfishRtc final : public hw::Device {
 public:
  static const object::Type kType;
  struct Config {
    std::int64_t ahead_ns = 0;  // of UTC on the host
    /// What drives it: the host's clock, or the machine's, which stands still while the machine does.
    enum class Driver : std::uint8_t { kHost, kMachine } driver = Driver::kHost;
  };
  GoldfishRtc(const hw::DeviceInit& init, const Config& config);

 private:
  // Registers.
  std::uint32_t time_low();
  void set_time_low(std::uint32_t value);
  std::uint32_t time_high() { return static_cast<std::uint32_t>(latched_ >> 32); }
  void set_time_high(std::uint32_t value);
  std::uint32_t alarm_low() { return static_cast<std::uint32_t>(alarm_); }
  void set_alarm_low(std::uint32_t value);
  std::uint32_t alarm_high() { return static_cast<std::uint32_t>(alarm_ >> 32); }
  void set_alarm_high(std::uint32_t value);
  std::uint32_t irq_enabled() { return enabled_ ? 1 : 0; }
  void set_irq_enabled(std::uint32_t value);
  void clear_alarm(std::uint32_t value);
  std::uint32_t alarm_status() { return alarm_is_set_ ? 1 : 0; }
  void clear_interrupt(std::uint32_t value);

  /// The time of day, nanoseconds since 1970-01-01, that a reset shows.
  std::uint64_t day_ns() const;
  std::uint64_t now_ns() const { return day_ns() + offset_; }
  void set_now(std::uint64_t ns);
  void arm();
  void alarm_rang();
  void update_irq() { irq_.set(pending_ && enabled_); }

  // Configuration.
  const Config config_;
  const hw::HostClock clock_{context().clock};
  const std::uint64_t began_ns_;  // the day on which the machine's clock was zero
  // Guest-visible state.
  hw::State<std::uint64_t> offset_{*this, "offset"};  // ns, of the guest's time from the host's
  hw::State<std::uint64_t> latched_{*this, "latched"};
  hw::State<std::uint64_t> alarm_{*this, "alarm-time"};
  hw::State<bool> alarm_is_set_{*this, "alarm-set"};
  hw::State<bool> pending_{*this, "pending"};
  hw::State<bool> enabled_{*this, "irq-enabled"};
  // Wiring.
  hw::IrqOut irq_{*this, "irq"};
  hw::Timer timer_{*this, "alarm", &GoldfishRtc::alarm_rang};
  hw::Mmio regs_{
      *this, "regs",
      hw::register_map<GoldfishRtc>(
          0x1000,
          {{.at = 0x00, .name = "TIME_LOW", .read = &GoldfishRtc::time_low,
            .write = &GoldfishRtc::set_time_low},
           {.at = 0x04, .name = "TIME_HIGH", .read = &GoldfishRtc::time_high,
            .write = &GoldfishRtc::set_time_high},
           {.at = 0x08, .name = "ALARM_LOW", .read = &GoldfishRtc::alarm_low,
            .write = &GoldfishRtc::set_alarm_low},
           {.at = 0x0c, .name = "ALARM_HIGH", .read = &GoldfishRtc::alarm_high,
            .write = &GoldfishRtc::set_alarm_high},
           {.at = 0x10, .name = "IRQ_ENABLED", .read = &GoldfishRtc::irq_enabled,
            .write = &GoldfishRtc::set_irq_enabled},
           {.at = 0x14, .name = "CLEAR_ALARM", .write = &GoldfishRtc::clear_alarm},
           {.at = 0x18, .name = "ALARM_STATUS", .read = &GoldfishRtc::alarm_status},
           {.at = 0x1c, .name = "CLEAR_INTERRUPT", .write = &GoldfishRtc::clear_interrupt}},
          {.access = {.valid = {.min = 4, .max = 8}}})};
};

}  // namespace holdfast::devices
