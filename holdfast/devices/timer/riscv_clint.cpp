// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/timer/riscv_clint.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "holdfast/base/log.hpp"
#include "holdfast/hw/base_types.hpp"

namespace holdfast::devices {
namespace {

RiscvClint::Config bounded(RiscvClint::Config config, unsigned most_harts) {
  config.harts = std::min(config.harts, most_harts + 1);  // one too many is refused by check()
  return config;
}

}  // namespace

constinit const object::Type RiscvClint::kType{
    .name = "riscv.clint",
    .parent = &hw::kSysBusDevice,
    .docs = "RISC-V core-local interruptor: timer and software interrupts of the harts."};

RiscvClint::Hart::Hart(RiscvClint& clint, unsigned number)
    : timer{clint, fmt::format("mtimecmp[{}]", number),
            [&clint, number] { clint.timer_expired(number); }} {}

RiscvClint::RiscvClint(const hw::DeviceInit& init, const Config& config)
    : Device{init, gate::Locking::kGrace},
      config_{bounded(config, kMostHarts)},
      counter_{config.counter ? config.counter : hw::TimeCounter::make(config.hz)} {
  for (unsigned hart = 0; hart < config_.harts; ++hart) harts_.emplace_back(*this, hart);
  regs_.add(0x0000, mswi_);
  regs_.add(0x4000, times_);
}

Result<void> RiscvClint::check() {
  if (config_.harts == 0 || config_.harts > kMostHarts)
    return fail("{}: 1 to {} harts are possible", full_path(), kMostHarts);
  if (counter_->hz() == 0) return fail("{}: a counter of 0 Hz", full_path());
  return {};
}

std::optional<std::uint64_t> RiscvClint::host_ns_until(std::uint64_t tick) const {
  if (ticks() >= tick) return 0;
  const std::uint64_t deadline = deadline_of(tick);
  if (deadline == hw::VirtualClock::kNever) return std::nullopt;
  return context().clock.host_ns_until(deadline);
}

std::uint32_t RiscvClint::software_interrupt(unsigned hart) {
  if (hart >= config_.harts) return 0;
  LockGuard guard{mutex_};
  return harts_[hart].software ? 1 : 0;
}

void RiscvClint::set_software_interrupt(unsigned hart, std::uint32_t value) {
  if (hart >= config_.harts) return log::guest_error("{}: msip of hart {}", full_path(), hart);
  LockGuard guard{mutex_};
  harts_[hart].software = (value & 1) != 0;
  software_.set(hart, harts_[hart].software);
}

std::uint64_t RiscvClint::compare(unsigned hart) {
  if (hart >= config_.harts) return 0;
  LockGuard guard{mutex_};
  return harts_[hart].compare;
}

void RiscvClint::set_compare(unsigned hart, std::uint64_t value) {
  if (hart >= config_.harts) return log::guest_error("{}: mtimecmp of hart {}", full_path(), hart);
  LockGuard guard{mutex_};
  harts_[hart].compare = value;
  evaluate(hart);
}

void RiscvClint::set_time(std::uint64_t value) {
  LockGuard guard{mutex_};
  counter_->set(context().clock, value);
  for (unsigned hart = 0; hart < config_.harts; ++hart) evaluate(hart);
}

void RiscvClint::timer_expired(unsigned hart) {
  LockGuard guard{mutex_};
  evaluate(hart);
}

void RiscvClint::evaluate(unsigned hart) {
  Hart& it = harts_[hart];
  const bool reached = ticks() >= it.compare;
  const std::uint64_t deadline = reached ? hw::VirtualClock::kNever : deadline_of(it.compare);
  if (deadline == hw::VirtualClock::kNever)
    it.timer.cancel();
  else
    it.timer.arm(deadline);
  timer_.set(hart, reached);
}

// SPEC: 2.2 and 2.3: the counter starts from 0; the comparison values are undefined: never, here.
void RiscvClint::on_reset(hw::ResetPhase phase) {
  if (phase != hw::ResetPhase::kEnter) return;
  LockGuard guard{mutex_};
  counter_->set(context().clock, 0);
  for (Hart& hart : harts_) {
    hart.compare = ~std::uint64_t{0};
    hart.software = false;
  }
}

}  // namespace holdfast::devices
