// SPDX-License-Identifier: Apache-2.0
// A back-end over descriptors of the host that may come and go: the buffers, and the loop thread's
// service of them. Derived classes say which descriptors, and what to do when they end.
//
// While nobody is linked, output is taken and forgotten. Input that was read and that the front end
// has not taken is kept across the end of a link: a serial line loses nothing because somebody hung
// up.
//
// LOCK: descriptors and input are the loop thread's; the output buffer is guarded by `buffer_`.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "holdfast/base/event_loop.hpp"
#include "holdfast/chardev/chardev.hpp"

namespace holdfast::chardev {

class Channel : public Chardev {
 public:
  struct Limits {
    std::size_t capacity = 64 * 1024;  // output bytes held
    int patience_ms = 5000;            // how long drain() waits for a host that takes nothing
  };

  void accept_input() final { poke_.set(1); }
  bool is_heard() const final;
  void drain() override;
  /// The same, but nobody is waited for beyond that time (EventLoop::now_ns()): what is not taken by
  /// then is forgotten.
  void drain_until(std::uint64_t deadline_ns);

 protected:
  Channel(EventLoop& loop, Common common, Limits limits);
  /// Derived classes finish() in theirs.
  ~Channel() override;

  std::size_t put(Bytes bytes) final;
  void toggle_timestamps() final;

  EventLoop& loop() { return loop_; }

  // On the loop thread, or while nobody runs the loop.

  /// Serves these from now on; they are non-blocking, may be the same, -1 is none, and stay the
  /// caller's, who keeps them open until link_down().
  Result<void> link_up(int input, int output);
  /// Forgets the descriptors and the output that was not handed over.
  void link_down();
  bool is_linked() const { return linked_; }
  /// Ends everything that calls into the derived class. Drains first; on the loop thread only as far
  /// as the host takes it at once.
  void finish();

  /// As read() and write() of the host.
  virtual ssize_t receive(std::span<std::uint8_t> buffer);
  virtual ssize_t transmit(Bytes bytes);
  /// Nothing more comes: end of file, or an error. Here: the front end is told; output goes on.
  virtual void input_ended();
  /// Nothing more is taken. Here: output is forgotten from now on.
  virtual void output_failed();

  int input() const { return input_; }
  int output() const { return output_; }
  /// Input is read no more; the link stays for output.
  void stop_reading();
  void forget_output();

 private:
  struct Stamps {
    std::uint64_t since_ns;
    bool at_line_start = true;
  };

  void serve();
  void read_input();
  /// Returns false when the host takes no more for now.
  bool pump();
  bool refill();
  /// Waits for the host to take more; false if it does not.
  bool wait_for_room(int most_ms);
  void tell_of_room();
  void set_interest();
  void append_stamped(Stamps& stamps, Bytes bytes) HF_REQUIRES(buffer_);
  bool same_descriptor() const { return input_ == output_; }

  // Bytes read ahead of the guest. A mux reads on, so that the escape key works whatever happens.
  std::size_t most_input_held() const { return is_mux() ? std::size_t{64} * 1024 : 1024; }

  EventLoop& loop_;  // the machine's
  const Limits limits_;
  int input_ = -1;
  int output_ = -1;
  bool linked_ = false;
  bool reading_on_ = false;  // input is to be read
  std::vector<std::uint8_t> sending_;
  std::size_t sent_ = 0;  // bytes of `sending_`
  bool stuck_ = false;    // the host took no more

  mutable Mutex buffer_{LockRank::kLeaf, "console output"};
  bool taking_ HF_GUARDED_BY(buffer_) = false;  // somebody is there for output
  std::vector<std::uint8_t> output_held_ HF_GUARDED_BY(buffer_);
  std::size_t held_ HF_GUARDED_BY(buffer_) = 0;  // bytes in output_held_ and unsent
  bool refused_ HF_GUARDED_BY(buffer_) = false;
  std::optional<Stamps> stamps_ HF_GUARDED_BY(buffer_);
  EventLoop::Alarm poke_;  // wakes the loop thread
  EventLoop::Watch reading_;  // and writing, if that is the same descriptor
  EventLoop::Watch writing_;
};

}  // namespace holdfast::chardev
