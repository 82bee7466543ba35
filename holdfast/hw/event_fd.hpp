// SPDX-License-Identifier: Apache-2.0
// An eventfd as a part: a counter of the host's that anybody who has its descriptor may add to (a peer
// process, the kernel, a back-end's thread), and a function of the device that is then called on the
// control thread, through the device's gate. Disarmed meanwhile, it is dropped there, and what was
// signalled stays in the counter until the eventfd is armed again.
//
// A reset holds signals back and keeps them: they come from outside, whose count goes on. A device that
// wants to forget them takes them in its on_reset().
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "holdfast/base/census.hpp"
#include "holdfast/base/event_loop.hpp"
#include "holdfast/base/mutex.hpp"
#include "holdfast/base/ref.hpp"
#include "holdfast/hw/device.hpp"

namespace holdfast::hw {

/// What the loop knows of an eventfd; may outlive it, and its device, by a turn of the loop.
class EventFdControl final : public RefCounted<EventFdControl> {
 public:
  /// Is given what was added since the last call: at least 1.
  using Handler = std::move_only_function<void(std::uint64_t count)>;
  static Ref<EventFdControl> make(EventLoop& loop, Holdback& holdback, Ref<gate::Gate> gate,
                                  std::string path, Handler handler);

  /// Opens an eventfd, or takes a copy of `given` if that is not negative, and gets ready to watch it.
  Result<void> open(int given) HF_EXCLUDES(mutex_);
  /// Ends the watch and closes the descriptor. On return the handler does not run, unless this thread
  /// is inside its gate.
  void close() HF_EXCLUDES(mutex_);
  /// The gate is open: signals are looked for from here on, earlier ones included.
  void opened() HF_EXCLUDES(mutex_);
  /// The gate is closed: nobody looks any more.
  void severed() HF_EXCLUDES(mutex_);
  /// Closes for good; lets the gate go.
  void drop() HF_EXCLUDES(mutex_);

  void arm(bool armed) HF_EXCLUDES(mutex_);
  bool armed() const HF_EXCLUDES(mutex_);
  void signal(std::uint64_t count) HF_EXCLUDES(mutex_);
  std::uint64_t take() HF_EXCLUDES(mutex_);
  int descriptor() const HF_EXCLUDES(mutex_);

 private:
  friend class RefCounted<EventFdControl>;
  EventFdControl(EventLoop& loop, Holdback& holdback, Ref<gate::Gate> gate, std::string path,
                 Handler handler);
  ~EventFdControl() = default;
  void last_reference_gone() noexcept { delete this; }
  Result<void> adopt(int fd) HF_REQUIRES(mutex_);
  void let_go() HF_REQUIRES(mutex_);
  void set_interest() HF_REQUIRES(mutex_);
  void deliver() HF_EXCLUDES(mutex_);
  /// Takes the count for the handler; 0 if it is not to be called.
  std::uint64_t begin() HF_EXCLUDES(mutex_);
  void end() HF_EXCLUDES(mutex_);
  std::uint64_t read_counter() HF_REQUIRES(mutex_);

  EventLoop& loop_;     // the machine's, like the next; they outlive its devices
  Holdback& holdback_;
  const std::string path_;
  Handler handler_;  // called inside the gate
  mutable Mutex mutex_{LockRank::kEventFd, "eventfd"};
  ConditionVariable ran_;
  Ref<gate::Gate> gate_ HF_GUARDED_BY(mutex_);  // until it is dropped
  EventLoop::Watch watch_ HF_GUARDED_BY(mutex_);
  int fd_ HF_GUARDED_BY(mutex_) = -1;
  bool live_ HF_GUARDED_BY(mutex_) = false;
  bool armed_ HF_GUARDED_BY(mutex_) = true;
  int running_ HF_GUARDED_BY(mutex_) = 0;
  std::optional<Counted> counted_ HF_GUARDED_BY(mutex_);  // the descriptor
};

class EventFd final : public Part {
 public:
  /// `signalled` is a function of the device, called inside its gate. `given`: an eventfd of the
  /// caller's, made with EFD_NONBLOCK, of which the part takes a copy in prepare; -1: a new one.
  template <std::derived_from<Device> D>
  EventFd(D& device, std::string name, void (D::*signalled)(std::uint64_t count), int given = -1)
      : EventFd{device, std::move(name),
                EventFdControl::Handler{[&device, signalled](std::uint64_t count) {
                  (device.*signalled)(count);
                }},
                given} {}
  EventFd(Device& device, std::string name, EventFdControl::Handler signalled, int given = -1);
  ~EventFd() override;

  /// Armed from the start, and again by a reset. From any thread. A device that is being taken away
  /// arms nothing.
  void arm() { control_->arm(true); }
  void disarm() { control_->arm(false); }
  bool armed() const { return control_->armed(); }
  /// Adds to the counter, as whoever has the descriptor does. From any thread.
  void signal(std::uint64_t count = 1) { control_->signal(count); }
  /// What was signalled and not delivered, which is thereby forgotten. From any thread.
  std::uint64_t take() { return control_->take(); }
  /// To hand to others, who copy it. From prepare until the device is destroyed; -1 else.
  int descriptor() const { return control_->descriptor(); }

 private:
  Result<void> prepare() override { return control_->open(given_); }
  void unprepare() override { control_->close(); }
  void published() override { control_->opened(); }
  void severed() override { control_->severed(); }
  void drop() override { control_->drop(); }
  void reset(ResetPhase phase) override {
    if (phase == ResetPhase::kEnter) control_->arm(true);
  }

  const int given_;
  const Ref<EventFdControl> control_;
};

}  // namespace holdfast::hw
