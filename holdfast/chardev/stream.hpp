// SPDX-License-Identifier: Apache-2.0
// A back-end on two descriptors: one to read, one to write, or the same for both. Standard input and
// output, a pipe, a pseudo-terminal.
//
// LOCK: descriptors and input are the loop thread's; the output buffer is guarded by `buffer_`.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/base/event_loop.hpp"
#include "holdfast/chardev/chardev.hpp"
#include "holdfast/chardev/escape.hpp"
#include "holdfast/chardev/terminal.hpp"

namespace holdfast::chardev {

class Stream final : public Chardev {
 public:
  struct Init {
    std::string id{};
    int input = -1;   // the caller's; -1: none
    int output = -1;  // may be the same
    SharedDescriptor::Terminal terminal = SharedDescriptor::Terminal::kAsIs;
    /// With it, Ctrl-a is the escape key: what follows comes here, on the loop thread. Help is shown
    /// and a break is sent without it being asked.
    std::function<void(Command)> on_command{};
    std::size_t capacity = 64 * 1024;  // output bytes held
    int patience_ms = 5000;            // how long drain() waits for a host that takes nothing
  };
  /// On the loop thread, or while nobody runs the loop, like the destructor.
  static Result<std::unique_ptr<Stream>> make(EventLoop& loop, Init init);
  /// Drains first.
  ~Stream() override;

  std::size_t write(Bytes bytes) override;
  void accept_input() override { poke_.set(1); }
  void drain() override;

 private:
  Stream(EventLoop& loop, Init init);
  Result<void> open(EventLoop& loop);
  void serve();
  void read_input();
  void take_in(Bytes bytes);
  void obey(Command command);
  void offer_input();
  /// Returns false when the host takes no more for now.
  bool pump();
  bool refill();
  void tell_room();
  void set_interest();

  static constexpr std::size_t kInputHeld = 1024;  // bytes read ahead of the guest

  const Init init_;
  SharedDescriptor input_mode_;
  SharedDescriptor output_mode_;
  std::optional<EscapeParser> escape_;
  std::vector<std::uint8_t> input_;
  std::vector<std::uint8_t> sending_;
  std::size_t sent_ = 0;  // bytes of `sending_`
  bool stuck_ = false;    // the host took no more
  bool broken_ = false;   // the other end is gone

  Mutex buffer_{LockRank::kLeaf, "console output"};
  std::vector<std::uint8_t> output_ HF_GUARDED_BY(buffer_);
  std::size_t held_ HF_GUARDED_BY(buffer_) = 0;  // bytes in output_ and unsent
  bool refused_ HF_GUARDED_BY(buffer_) = false;
  EventLoop::Alarm poke_;  // wakes the loop thread
  EventLoop::Watch reading_;
  EventLoop::Watch writing_;
  int own_copy_ = -1;  // of the output descriptor, to watch it by
};

/// The console: standard input and output, raw if it is a terminal. `on_command` as in Stream::Init.
/// SIGPIPE is ignored from here on, so that a reader that goes away is an error like others.
Result<std::unique_ptr<Stream>> make_stdio(EventLoop& loop, std::string id,
                                           std::function<void(Command)> on_command);

}  // namespace holdfast::chardev
