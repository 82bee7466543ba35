// SPDX-License-Identifier: Apache-2.0
// Watches the pins of one device for a test client: `IRQ raise N` and `IRQ lower N`.
//
// Changes are told, so a line that is high when the interception begins is not: see driven_again().
// The device goes on as if nobody looked, and may be taken away at any time: the watch ends with it
// and keeps nothing of it. One device at a time.
//
// LOCK: `mutex_` guards the notes, which whoever changes a pin takes; all else is the control
// thread's.
#pragma once

#include <array>
#include <bitset>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/mutex.hpp"
#include "holdfast/base/result.hpp"
#include "holdfast/hw/device.hpp"
#include "holdfast/hw/irq.hpp"
#include "holdfast/machine/machine.hpp"

namespace holdfast::control {

class Interception final : private machine::Observer {
 public:
  static constexpr unsigned kMostLines = 256;  // what clients keep

  /// `noted` is called whenever there is something to report, from any thread, with locks held.
  Interception(machine::Machine& machine, std::function<void()> noted);
  ~Interception();
  Interception(const Interception&) = delete;
  Interception& operator=(const Interception&) = delete;

  /// All inputs of the device at that path, absolute or the unique end of one; the number of a line
  /// is that in its array. The same device again is fine; another is refused while this one lives.
  Result<void> watch_inputs(std::string_view path);
  /// The output of that name; "" is the unnamed one.
  Result<void> watch_outputs(std::string_view path, std::string_view name);

  /// A client drives an input of that number, of whatever device, high once more. Nothing changes, but
  /// where each device says again what it says, a line that was high before anybody looked on would
  /// be told now: so it is, if the number is the same.
  void driven_again(std::uint64_t line);

  /// The lines to send for what has changed since, in order; often none.
  std::string take_report();

 private:
  struct Change {
    unsigned line;
    bool level;
  };

  Result<hw::Device*> begin(std::string_view path);
  template <class Pin>
  void watch(const Ref<Pin>& pin, unsigned line);
  void note(unsigned line, bool level);
  void forget();
  void device_went(const std::string&, const std::string&) override;

  machine::Machine& machine_;  // outlives this
  const std::function<void()> noted_;
  object::Handle<hw::Device> device_;
  std::deque<hw::PinTap> taps_;
  std::bitset<kMostLines> reported_;
  std::bitset<kMostLines> high_before_;  // when it began, and the same since: nobody was told
  Mutex mutex_{LockRank::kLeaf, "intercepted pins"};
  std::vector<Change> changes_ HF_GUARDED_BY(mutex_);
};

/// The device at a path, absolute or the unique end of one. Control thread.
Result<hw::Device*> device_at(machine::Machine& machine, std::string_view path);
/// An input line by the name of its array ("unnamed-gpio-in" is the unnamed one) and its number.
Result<Ref<hw::InPin>> input_line(hw::Device& device, std::string_view name, std::uint64_t line);

}  // namespace holdfast::control
