// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/rtc/goldfish_rtc.hpp"

#include "holdfast/hw/base_types.hpp"

namespace holdfast::devices {
namespace {

constexpr std::uint64_t kLow = 0xffff'ffff;

constexpr std::uint64_t with_low(std::uint64_t number, std::uint32_t low) {
  return (number & ~kLow) | low;
}
constexpr std::uint64_t with_high(std::uint64_t number, std::uint32_t high) {
  return (std::uint64_t{high} << 32) | (number & kLow);
}

}  // namespace

constinit const object::Type GoldfishRtc::kType{
    .name = "goldfish_rtc",
    .parent = &hw::kSysBusDevice,
    .docs = "Goldfish real-time clock: nanoseconds since 1970, and an alarm."};

GoldfishRtc::GoldfishRtc(const hw::DeviceInit& init, const Config& config)
    : Device{init},
      config_{config},
      began_ns_{clock_.now_ns() - context().clock.now_ns()} {}

std::uint64_t GoldfishRtc::day_ns() const {
  const bool by_host = config_.driver == Config::Driver::kHost;
  const std::uint64_t day = by_host ? clock_.now_ns() : began_ns_ + context().clock.now_ns();
  return day + static_cast<std::uint64_t>(config_.ahead_ns);
}

std::uint32_t GoldfishRtc::time_low() {
  latched_ = now_ns();
  return static_cast<std::uint32_t>(latched_);
}

void GoldfishRtc::set_time_low(std::uint32_t value) { set_now(with_low(now_ns(), value)); }
void GoldfishRtc::set_time_high(std::uint32_t value) { set_now(with_high(now_ns(), value)); }

void GoldfishRtc::set_now(std::uint64_t ns) {
  offset_ = ns - day_ns();
  if (alarm_is_set_) arm();
}

void GoldfishRtc::set_alarm_high(std::uint32_t value) { alarm_ = with_high(alarm_, value); }

void GoldfishRtc::set_alarm_low(std::uint32_t value) {
  alarm_ = with_low(alarm_, value);
  alarm_is_set_ = true;
  arm();
}

void GoldfishRtc::arm() {
  const std::uint64_t now = now_ns();
  if (alarm_ <= now) return alarm_rang();
  timer_.arm(timer_.now_ns() + (alarm_ - now));
}

void GoldfishRtc::alarm_rang() {
  // The host's time of day may have been set back since the alarm was armed.
  if (now_ns() < alarm_) return arm();
  timer_.cancel();
  alarm_is_set_ = false;
  pending_ = true;
  update_irq();
}

void GoldfishRtc::clear_alarm(std::uint32_t) {
  timer_.cancel();
  alarm_is_set_ = false;
}

void GoldfishRtc::set_irq_enabled(std::uint32_t value) {
  enabled_ = (value & 1) != 0;
  update_irq();
}

void GoldfishRtc::clear_interrupt(std::uint32_t) {
  pending_ = false;
  update_irq();
}

}  // namespace holdfast::devices
