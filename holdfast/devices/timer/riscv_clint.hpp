// SPDX-License-Identifier: Apache-2.0
// The core-local interruptor of RISC-V boards: a counter shared by all harts, and for each hart a time
// at which it wants an interrupt and a bit by which others interrupt it.
//
// SPEC: "RISC-V Advanced Core Local Interruptor Specification" 1.0-rc4, chapters 2 (MTIMER) and 3
// (MSWI), in the memory map that SiFive's CLINT has given them (2.1, 3.1).
// LOCK: harts come here all the time, so nobody waits for anybody at the gate: a grace period covers
// whoever is inside. Reading the counter takes no lock; `mutex_` guards the comparison of each hart.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "holdfast/base/mutex.hpp"
#include "holdfast/hw/irq.hpp"
#include "holdfast/hw/mmio.hpp"
#include "holdfast/hw/time_counter.hpp"
#include "holdfast/hw/timer.hpp"

namespace holdfast::devices {

class RiscvClint final : public hw::Device {
 public:
  static const object::Type kType;
  struct Config {
    unsigned harts = 1;  // at most 4095
    std::uint64_t hz = 10'000'000;
    Ref<hw::TimeCounter> counter{};  // shared with others, with a frequency of its own; none: its own
  };
  RiscvClint(const hw::DeviceInit& init, const Config& config);

  /// The counter now. Any thread, without a lock; for as long as the device lives.
  std::uint64_t ticks() const { return counter_->ticks(context().clock); }
  /// Host time in nanoseconds until the counter reaches `tick`: zero if it has, nothing if it stands
  /// still or will not.
  std::optional<std::uint64_t> host_ns_until(std::uint64_t tick) const;

 private:
  static constexpr unsigned kMostHarts = 4095;

  struct Hart {
    Hart(RiscvClint& clint, unsigned number);
    std::uint64_t compare = ~std::uint64_t{0};  // LOCK: mutex_
    bool software = false;                      // LOCK: mutex_
    hw::Timer timer;
  };

  // Registers.
  std::uint32_t software_interrupt(unsigned hart);
  void set_software_interrupt(unsigned hart, std::uint32_t value);
  std::uint64_t compare(unsigned hart);
  void set_compare(unsigned hart, std::uint64_t value);
  std::uint64_t time() { return ticks(); }
  void set_time(std::uint64_t value);

  void timer_expired(unsigned hart);
  /// Sets the line of a hart and its timer by what the counter and the comparison say.
  void evaluate(unsigned hart) HF_REQUIRES(mutex_);
  std::uint64_t deadline_of(std::uint64_t tick) const {
    return counter_->deadline_of(context().clock, tick);
  }
  Result<void> check() override;
  void on_reset(hw::ResetPhase phase) override;

  // Configuration.
  const Config config_;
  // Guest-visible state.
  const Ref<hw::TimeCounter> counter_;
  Mutex mutex_{LockRank::kDevice, "clint"};
  // Wiring.
  hw::IrqOutArray timer_{*this, "timer", config_.harts};
  hw::IrqOutArray software_{*this, "software", config_.harts};
  std::deque<Hart> harts_;
  /// An MSWI (3.1): 32 bits at a time.
  hw::Mmio mswi_{*this, "mswi",
                 hw::register_map<RiscvClint>(0x4000,
                                              {{.at = 0,
                                                .name = "msip",
                                                .read = &RiscvClint::software_interrupt,
                                                .write = &RiscvClint::set_software_interrupt,
                                                .count = kMostHarts}},
                                              {.access = {.valid = {.min = 4, .max = 4}}})};
  /// An MTIMER (2.1): halves or the whole.
  hw::Mmio times_{
      *this, "times",
      hw::register_map<RiscvClint>(0x8000,
                                   {{.at = 0x0000, .name = "mtimecmp", .read = &RiscvClint::compare,
                                     .write = &RiscvClint::set_compare, .count = kMostHarts},
                                    {.at = 0x7ff8, .name = "mtime", .read = &RiscvClint::time,
                                     .write = &RiscvClint::set_time}},
                                   {.access = {.valid = {.min = 4, .max = 8}}})};
  /// Both, as SiFive's CLINT has them.
  hw::Container regs_{*this, "regs", 0x1'0000};
  /// What there is of it where software interrupts come otherwise.
  hw::Alias mtimer_{*this, "mtimer", 0x8000, times_};
};

}  // namespace holdfast::devices
