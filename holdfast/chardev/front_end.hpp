// SPDX-License-Identifier: Apache-2.0
// The front end of a character device: the device's side, as the back-end knows it. A control block:
// the back-end may be about to deliver something while the device goes.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "holdfast/base/mutex.hpp"
#include "holdfast/base/ref.hpp"
#include "holdfast/gate/gate.hpp"
#include "holdfast/hw/holdback.hpp"

namespace holdfast::chardev {

using Bytes = std::span<const std::uint8_t>;

/// What becomes of the other end, and of the keyboard where several front ends share one.
enum class Event : std::uint8_t {
  kOpened,  // somebody is there
  kClosed,  // nobody is there any more
  kFocusGained,
  kFocusLost,
};

class FrontEnd final : public RefCounted<FrontEnd> {
 public:
  /// Called inside the gate.
  struct Handlers {
    std::move_only_function<std::size_t(Bytes)> receive{};  // returns how many it took; none: only writes
    std::move_only_function<void()> room{};                 // the back-end takes output again
    std::move_only_function<void()> line_break{};           // the other end sends a break
    std::move_only_function<void(Event)> event{};
  };
  static Ref<FrontEnd> make(Ref<gate::Gate> gate, hw::Holdback& holdback, std::string path,
                            Handlers handlers);

  /// "/machine/uart0:chardev"
  const std::string& path() const { return path_; }
  /// Whether it takes input at all.
  bool receives() const { return handlers_.receive != nullptr; }

  // --- the back-end's, on its thread, inside nothing ------------------------------------------------

  /// Returns how many bytes the device took. If not all, input is waiting.
  std::size_t offer(Bytes bytes);
  void tell_room();
  void tell_break();
  /// How things stand; what of that is new becomes events. What finds no device yet is told later.
  struct Standing {
    bool open = false;
    bool focused = false;  // false, too, where there is nobody to share with
    friend bool operator==(const Standing&, const Standing&) = default;
  };
  void tell_standing(Standing now);

  // --- the device's ------------------------------------------------------------------------------

  /// Whether the back-end has input that the device did not take; asking ends that.
  bool take_waiting() { return waiting_.exchange(false, std::memory_order_acq_rel); }
  /// On return no handler runs or will, unless this thread is inside the gate.
  void drop();

 private:
  friend class RefCounted<FrontEnd>;
  FrontEnd(Ref<gate::Gate> gate, hw::Holdback& holdback, std::string path, Handlers handlers);
  ~FrontEnd() = default;
  void last_reference_gone() noexcept { delete this; }
  bool begin();
  void end();
  template <class Function>
  void inside(const gate::Use& use, Function function);

  const Ref<gate::Gate> gate_;
  hw::Holdback& holdback_;  // the machine's, which outlives its devices
  const std::string path_;
  Handlers handlers_;
  std::atomic<bool> waiting_{false};  // set inside the gate
  Standing told_{};                   // the back-end's thread's
  Mutex mutex_{LockRank::kLeaf, "front end"};
  ConditionVariable ran_;
  int running_ HF_GUARDED_BY(mutex_) = 0;
  bool dropped_ HF_GUARDED_BY(mutex_) = false;
};

}  // namespace holdfast::chardev
