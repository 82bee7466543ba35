// SPDX-License-Identifier: Apache-2.0
// A machine with a server on a back-end in memory, and the client's end of that.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "holdfast/chardev/ring_buffer.hpp"
#include "holdfast/machine/machine.hpp"

namespace holdfast::control {

/// Sends text and takes what comes back; works the machine's loop meanwhile.
class Client {
 public:
  explicit Client(machine::Machine& machine, std::size_t capacity = std::size_t{64} << 20)
      : machine_{machine}, backend_{"client", capacity, chardev::RingBuffer::Full::kRefuse} {}

  chardev::RingBuffer& backend() { return backend_; }

  /// Everything that is sent back before the machine is idle.
  std::string say(std::string_view text) {
    backend_.feed(text);
    return hear();
  }
  std::string hear() {
    std::string heard;
    for (;;) {
      std::size_t work = 0;
      while (machine_.loop().run_ready() != 0) ++work;
      backend_.pump();
      const std::string more = backend_.take();
      heard += more;
      if (work == 0 && more.empty()) return heard;
    }
  }
  /// A line and the one that answers it.
  std::string ask(std::string_view line) {
    std::string answer = say(std::string{line} + "\n");
    if (answer.ends_with('\n')) answer.pop_back();
    return answer;
  }

 private:
  machine::Machine& machine_;  // outlives this
  chardev::RingBuffer backend_;
};

}  // namespace holdfast::control
