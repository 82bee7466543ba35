// SPDX-License-Identifier: Apache-2.0
// A RISC-V hart as a device of a machine: its way to memory, its interrupt pins, its thread.
//
// The pins are lock-free; the hart's thread is not inside the device's gate while it executes. It
// ends when the device is severed, at the end of the slice it is in, and is joined by the destructor.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "holdfast/accel/hart_gang.hpp"
#include "holdfast/accel/hart_thread.hpp"
#include "holdfast/cpu/riscv/cpu_model.hpp"
#include "holdfast/hw/clock.hpp"
#include "holdfast/hw/device.hpp"
#include "holdfast/hw/irq.hpp"
#include "holdfast/hw/space.hpp"
#include "holdfast/memory/port.hpp"

namespace holdfast::accel {

/// The `time` register: the machine's clock in ticks of 100 ns.
class ClockTime final : public cpu::riscv::TimeSource {
 public:
  explicit ClockTime(const hw::VirtualClock& clock) : clock_{clock} {}
  std::uint64_t ticks() const override { return clock_.now_ns() / kNsPerTick; }
  std::chrono::nanoseconds until(std::uint64_t tick) const override;

  static constexpr std::uint64_t kNsPerTick = 100;

 private:
  const hw::VirtualClock& clock_;  // the machine's, which outlives its devices
};

class RiscvCpu final : public hw::Device,
                       private hw::PinSink,
                       private CpuEvents,
                       private hw::VirtualClock::Follower {
 public:
  static const object::Type kType;
  struct Config {
    cpu::riscv::HartConfig hart{};    // its place in the machine; what it is, `model` says
    cpu::riscv::CpuModel model{};
    HartGang* gang = nullptr;  // outlives the device; none: the hart never runs
  };
  RiscvCpu(const hw::DeviceInit& init, const Config& config);
  ~RiscvCpu() override;

  cpu::riscv::Hart& hart() { return hart_; }

  // The properties, by their row in kCpuProperties.
  std::uint64_t model_property(std::size_t row) const;
  Result<void> set_model_property(std::size_t row, std::uint64_t value);

 private:
  /// Starts and ends the thread with the device.
  class Runner final : public hw::Part {
   public:
    explicit Runner(RiscvCpu& cpu) : Part{cpu, "hart thread", "thread"}, cpu_{cpu} {}

   private:
    void published() override { cpu_.start(); }
    void severed() override { cpu_.hart_.request_stop(); }

    RiscvCpu& cpu_;  // which this is a member of
  };

  Result<void> check() override;
  void start();
  void pin_changed(unsigned line, bool level) noexcept override;
  void between_slices() override;
  void clock_changed() override { hart_.request_stop(); }
  void on_reset(hw::ResetPhase phase) override;

  // Configuration.
  cpu::riscv::HartConfig place_;
  cpu::riscv::CpuModel model_;
  HartGang* const gang_;
  const ClockTime time_;
  // Wiring.
  hw::RegionLink memory_{*this, "memory"};
  hw::Space space_{*this, "space", memory_};
  static constexpr unsigned kPins = 16;  // numbered like the bits of mip
  memory::Port port_{space_.get()};
  cpu::riscv::Hart hart_;
  hw::IrqInArray pins_{*this, "in", kPins, *this, 0};
  std::optional<HartThread> thread_;
  Runner runner_{*this};
};

}  // namespace holdfast::accel
