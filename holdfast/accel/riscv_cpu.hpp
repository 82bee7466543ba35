// SPDX-License-Identifier: Apache-2.0
// A RISC-V hart as a device of a machine: its way to memory, its interrupt pins, its thread.
//
// The pins are lock-free; the hart's thread is not inside the device's gate while it executes. It
// ends when the device is severed, at the end of the slice it is in, and is joined by the destructor.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>

#include "holdfast/accel/hart_gang.hpp"
#include "holdfast/accel/hart_thread.hpp"
#include "holdfast/accel/semihosting.hpp"
#include "holdfast/cpu/riscv/cpu_model.hpp"
#include "holdfast/hw/clock.hpp"
#include "holdfast/hw/cpu.hpp"
#include "holdfast/hw/interrupt_file.hpp"
#include "holdfast/hw/irq.hpp"
#include "holdfast/hw/places.hpp"
#include "holdfast/hw/space.hpp"
#include "holdfast/hw/time_counter.hpp"
#include "holdfast/memory/port.hpp"

namespace holdfast::accel {

/// The `time` register: the board's counter.
class CounterTime final : public cpu::riscv::TimeSource {
 public:
  CounterTime(const hw::VirtualClock& clock, Ref<hw::TimeCounter> counter)
      : clock_{clock}, counter_{std::move(counter)} {}
  std::uint64_t ticks() const override { return counter_->ticks(clock_); }
  std::chrono::nanoseconds until(std::uint64_t tick) const override;
  /// The nanosecond of virtual time at which it reaches the tick; kNever if it will not.
  std::uint64_t instant_of(std::uint64_t tick) const;

  hw::TimeCounter& counter() const { return *counter_; }

 private:
  const hw::VirtualClock& clock_;  // the machine's, which outlives its devices
  const Ref<hw::TimeCounter> counter_;
};

class RiscvCpu final : public hw::Cpu,
                       private hw::PinSink,
                       private CpuEvents,
                       private hw::InterruptFile::Follower,
                       private hw::VirtualClock::Follower,
                       private hw::TimeCounter::Follower {
 public:
  static const object::Type kType;
  struct Config {
    cpu::riscv::HartConfig hart{};    // its place in the machine; what it is, `model` says
    cpu::riscv::CpuModel model{};
    HartGang* gang = nullptr;  // outlives the device; none: the hart never runs
    Semihosting* semihosting = nullptr;  // outlives the device; none: calls are answered by 0
    Ref<hw::TimeCounter> counter{};  // that `time` shows; none: one of its own
    Ref<hw::InterruptFile> machine_file{};     // where messages come, of both levels or of none
    Ref<hw::InterruptFile> supervisor_file{};  // the same
    Ref<hw::Places> places{};        // of which it has the one of its number; none: it claims none
  };
  RiscvCpu(const hw::DeviceInit& init, const Config& config);
  ~RiscvCpu() override;

  cpu::riscv::Hart& hart() { return hart_; }
  Facts facts() const override {
    return {.index = static_cast<std::uint32_t>(place_.hart_id), .architecture = "riscv64"};
  }
  memory::AddressSpace& address_space() override { return space_.get(); }
  std::int64_t host_thread() const override { return thread_ ? thread_->host_id() : 0; }

  std::unique_ptr<hw::CpuInspector> inspect() override;

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
  /// One thread runs all harts, and steps the clock: then nobody has to say that it was stepped.
  bool takes_turns() const { return gang_ != nullptr && gang_->rota() != nullptr; }
  void start();
  void pin_changed(unsigned line, bool level) noexcept override;
  void message_came() noexcept override { hart_.notice_message(); }
  void listen_for_messages();
  void between_slices() override;
  Call host_call() override;
  std::optional<std::uint64_t> wakes_at_ns() const override;
  void clock_changed() override { hart_.request_stop(); }
  void counter_set() override { hart_.request_stop(); }
  void on_reset(hw::ResetPhase phase) override;

  // Configuration.
  cpu::riscv::HartConfig place_;
  cpu::riscv::CpuModel model_;
  HartGang* const gang_;
  Semihosting* const semihosting_;
  const std::array<Ref<hw::InterruptFile>, 2> files_;  // machine, supervisor
  const Ref<hw::Places> places_;
  const CounterTime time_;
  hw::Claim place_claim_;
  // Wiring.
  hw::RegionLink memory_{*this, "memory"};
  hw::Space space_{*this, "space", memory_};
  static constexpr unsigned kPins = 16;  // numbered like the bits of mip
  memory::Port port_{space_.get()};
  cpu::riscv::Hart hart_;
  hw::IrqInArray pins_{*this, "in", kPins, *this, 0};
  std::optional<HartThread> thread_;  // if it does not take turns with others
  Runner runner_{*this};
};

}  // namespace holdfast::accel
