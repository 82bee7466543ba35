// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/armv7m/systick.hpp"

#include <limits>

#include "holdfast/hw/base_types.hpp"

namespace holdfast::devices {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr std::uint32_t kInterrupts = 1U << 1, kCpuClock = 1U << 2, kWasZero = 1U << 16;

}  // namespace

constinit const object::Type SysTick::kType{
    .name = "armv7m_systick",
    .parent = &hw::kSysBusDevice,
    .docs = "The system timer of an ARMv7-M CPU."};

// --- counting --------------------------------------------------------------------------------------

std::uint64_t SysTick::elapsed() const {
  if (!runs()) return 0;
  return static_cast<std::uint64_t>((Wide{timer_.now_ns() - since_ns_} << 32) / period_);
}

// After 0 comes the value to start over from.
std::uint32_t SysTick::value_after(std::uint64_t ticks) const {
  if (ticks <= start_) return static_cast<std::uint32_t>(start_ - ticks);
  if (reload_ == 0) return 0;
  const std::uint64_t round = std::uint64_t{reload_} + 1;
  return static_cast<std::uint32_t>(reload_ - (ticks - start_ - 1) % round);
}

std::optional<std::uint64_t> SysTick::first_zero() const {
  if (start_ != 0) return start_;
  if (reload_ == 0) return std::nullopt;
  return std::uint64_t{reload_} + 1;
}

std::uint64_t SysTick::zeros_after(std::uint64_t ticks) const {
  const auto first = first_zero();
  if (!first || ticks < *first) return 0;
  return reload_ == 0 ? 1 : 1 + (ticks - *first) / (std::uint64_t{reload_} + 1);
}

void SysTick::start_over() {
  const std::uint64_t ticks = elapsed();
  if (zeros_after(ticks) > zeros_seen_) was_zero_ = true;
  zeros_seen_ = 0;
  start_ = value_after(ticks);
  since_ns_ = timer_.now_ns();
}

hw::ClockPeriod SysTick::chosen_period() const {
  return (control_ & kCpuClock) != 0 ? cpu_clock_.period() : reference_clock_.period();
}

void SysTick::clocks_changed() {
  start_over();
  period_ = chosen_period();
  arm();
}

void SysTick::arm() {
  timer_.cancel();
  const auto first = first_zero();
  if (!runs() || !first || (control_ & kInterrupts) == 0) return;
  const std::uint64_t zeros = zeros_after(elapsed());
  if (reload_ == 0 && zeros != 0) return;
  const Wide tick = Wide{*first} + Wide{zeros} * (std::uint64_t{reload_} + 1);
  const Wide ns = since_ns_ + (tick * period_ + 0xffff'ffff) / (Wide{1} << 32);
  if (ns < std::numeric_limits<std::uint64_t>::max()) timer_.arm(static_cast<std::uint64_t>(ns));
}

void SysTick::expired() {
  tick_.set(true);
  tick_.set(false);
  arm();
}

// --- registers -------------------------------------------------------------------------------------

std::uint32_t SysTick::control() {
  const std::uint64_t zeros = zeros_after(elapsed());
  const bool was_zero = was_zero_ || zeros > zeros_seen_;
  was_zero_ = false;
  zeros_seen_ = zeros;
  return control_ | (was_zero ? kWasZero : 0);
}

void SysTick::set_control(std::uint32_t value) {
  start_over();
  control_ = value & 7;
  period_ = chosen_period();
  arm();
}

void SysTick::set_reload(std::uint32_t value) {
  start_over();
  reload_ = value & 0xff'ffff;
  arm();
}

void SysTick::clear_current(std::uint32_t) {
  start_over();
  start_ = 0;
  was_zero_ = false;
  arm();
}

void SysTick::on_reset(hw::ResetPhase phase) {
  if (phase != hw::ResetPhase::kEnter) return;
  since_ns_ = timer_.now_ns();
  period_ = chosen_period();
}

}  // namespace holdfast::devices
