// SPDX-License-Identifier: Apache-2.0
// Clocks as parts of a device: where they come from, what divides and selects them, who follows them.
//
//   class Rcc : public hw::Device {
//     hw::ClockSource hsi_{*this, "hsi"};                       hsi_.set_hz(16'000'000);
//     hw::ClockSource msi_{*this, "msi"};
//     hw::ClockMux sysclk_{*this, "sysclk", {&msi_, &hsi_}};    sysclk_.select(1);
//     hw::ClockMux gpioa_{*this, "gpioa", {&sysclk_}};          gpioa_.enable(false);
//   };
//   class Gpio : public hw::Device {
//     hw::ClockIn clk_{*this, "clk", &Gpio::clock_changed};     void clock_changed() { … clk_.hz() … }
//   };
//   hw::Wiring wiring_{*this};                                  wiring_.clock(rcc.gpioa(), gpio.clk());
//
// Inside a device a change is in force at once, in all that depends on it; clocks of other devices that
// follow it have it when the access that caused it returns (clock_line.hpp), told through their gate.
//
// A clock is an object in the composition tree, below its device and by its name, with the property
// "qtest-clock-period": nanoseconds times 2^32, 0 if it stands still. It is read through the device's
// gate, in every phase of its life.
//
// LOCK: the device's gate, like any other member. Clocks are members: they live as long as their device.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "holdfast/hw/clock_line.hpp"
#include "holdfast/hw/device.hpp"
#include "holdfast/object/object.hpp"

namespace holdfast::hw {

/// How long one cycle takes, in units of 2^-32 ns; 0: the clock stands still.
using ClockPeriod = std::uint64_t;
inline constexpr ClockPeriod kClockSecond = std::uint64_t{1'000'000'000} << 32;

/// Rounded down, as is the other.
constexpr ClockPeriod period_of_hz(std::uint64_t hz) { return hz == 0 ? 0 : kClockSecond / hz; }
constexpr std::uint64_t hz_of_period(ClockPeriod period) {
  return period == 0 ? 0 : kClockSecond / period;
}
/// A period that is `divider` times as long and `multiplier` times as short. 0 if it is longer than can
/// be said, or if either is 0.
ClockPeriod scaled(ClockPeriod period, std::uint32_t multiplier, std::uint32_t divider);

class ClockMux;

class Clock : public Part, public object::Expires {
 public:
  static const object::Type kType;  // of what it is in the composition tree
  ~Clock() override;

  ClockPeriod period() const { return feed_->period(); }
  /// 0 if it stands still.
  std::uint64_t hz() const { return hz_of_period(period()); }
  const Ref<ClockFeed>& feed() const { return feed_; }
  /// What the composition tree has of it.
  const object::Object& object() const { return shown_; }

 protected:
  Clock(Device& device, std::string_view kind, std::string name);
  /// In force here and in all muxes below; others follow.
  void change(ClockPeriod period);
  void severed() override { feed_->sever(); }

 private:
  friend class ClockMux;
  /// What the tree shows.
  class Shown final : public object::Object {
   public:
    explicit Shown(Clock& clock);
    std::uint64_t period() const { return clock_.period(); }

   private:
    static const object::Property kProperties[];
    friend class Clock;
    Result<void> access(const std::function<Result<void>()>& body) const override;
    Clock& clock_;  // which this is a member of
  };

  const Ref<ClockFeed> feed_;
  std::vector<ClockMux*> below_;  // of the same device
  Shown shown_{*this};
};

/// Where a clock begins: an oscillator, or what a device makes by other means.
class ClockSource final : public Clock {
 public:
  ClockSource(Device& device, std::string name, ClockPeriod at_first = 0);
  void set(ClockPeriod period) { change(period); }
  void set_hz(std::uint64_t hz) { change(period_of_hz(hz)); }
};

/// One of several clocks of the same device, multiplied, divided, switched on or off. At first the first
/// one, as it is.
class ClockMux final : public Clock {
 public:
  /// Of inputs that were declared before; nullptr stands for one that is not there.
  ClockMux(Device& device, std::string name, std::vector<Clock*> inputs);

  void select(unsigned input);
  void scale(std::uint32_t multiplier, std::uint32_t divider);
  void enable(bool on);
  unsigned selected() const { return selected_; }

 private:
  friend class Clock;
  void update();

  const std::vector<Clock*> inputs_;
  unsigned selected_ = 0;
  std::uint32_t multiplier_ = 1;
  std::uint32_t divider_ = 1;
  bool on_ = true;
};

/// Follows a clock of another device. Stands still until it is connected.
class ClockIn final : public Clock {
 public:
  ClockIn(Device& device, std::string name) : ClockIn{device, std::move(name), [] {}} {}
  /// The function is called after each change, inside the device's gate.
  template <std::derived_from<Device> D>
  ClockIn(D& device, std::string name, void (D::*changed)())
      : ClockIn{device, std::move(name), [&device, changed] { (device.*changed)(); }} {}
  ClockIn(Device& device, std::string name, std::function<void()> changed);
  ~ClockIn() override;

  bool is_connected() const { return sink_->is_connected(); }
  /// Null if there is none, or if its device is gone. Control thread.
  Clock* source() const { return source_.get(); }

 private:
  friend Result<void> connect(Clock& from, ClockIn& to);
  void published() override { sink_->opened(); }
  void severed() override;
  void drop() override { sink_->drop(); }
  void follow(ClockPeriod period);

  const std::function<void()> changed_;
  object::Handle<Clock> source_;  // control thread
  const Ref<ClockSink> sink_;
};

/// Lets one clock follow another. Error if it follows one already, or if its device would, by whatever
/// detour, drive itself. On the control thread.
Result<void> connect(Clock& from, ClockIn& to);

}  // namespace holdfast::hw
