// SPDX-License-Identifier: Apache-2.0
#include "holdfast/accel/riscv_cpu.hpp"

namespace holdfast::accel {

constinit const object::Type RiscvCpu::kType{
    .name = "rv64-riscv-cpu", .parent = &hw::Device::kType, .docs = "A 64-bit RISC-V hart"};

std::chrono::nanoseconds ClockTime::until(std::uint64_t tick) const {
  constexpr auto kMost = std::chrono::nanoseconds::max();
  if (tick > static_cast<std::uint64_t>(kMost.count()) / kNsPerTick) return kMost;
  const auto wait = clock_.host_ns_until(tick * kNsPerTick);
  return wait ? std::chrono::nanoseconds{static_cast<std::int64_t>(*wait)} : kMost;
}

RiscvCpu::RiscvCpu(const hw::DeviceInit& init, const Config& config)
    : Device{init},
      gang_{config.gang},
      time_{init.context.clock},
      hart_{config.hart, port_, time_} {
  context().clock.follow(*this);
}

RiscvCpu::~RiscvCpu() {
  context().clock.unfollow(*this);
  if (!thread_) return;
  gang_->leave(*thread_);
  thread_->stop();
}

void RiscvCpu::start() {
  if (gang_ == nullptr) return;
  thread_.emplace(hart_, static_cast<CpuEvents&>(*this));
  gang_->join(*thread_);
  thread_->start();
}

void RiscvCpu::pin_changed(unsigned line, bool level) noexcept {
  hart_.set_interrupt(static_cast<cpu::riscv::Interrupt>(line), level);
}

void RiscvCpu::between_slices() {
  rcu::Domain& domain = context().realm.domain();
  if (domain.poll_due()) domain.poll();
}

void RiscvCpu::on_reset(hw::ResetPhase phase) {
  if (phase == hw::ResetPhase::kEnter) hart_.reset();
}

}  // namespace holdfast::accel
