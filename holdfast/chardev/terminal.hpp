// SPDX-License-Identifier: Apache-2.0
// What this process changes about descriptors that it shares with others, such as the terminal it was
// started from, and undoes on every way out: when the object dies, at exit(), and when a signal ends
// the process. Stopped and continued in the foreground, it sets the terminal up anew.
#pragma once

#include "holdfast/base/result.hpp"

namespace holdfast::chardev {

class SharedDescriptor {
 public:
  enum class Terminal : unsigned char {
    kAsIs,
    kCharacters,  // if it is one: no echo, no lines; control-C still interrupts
    kRaw,         // the same, and control-C is a character like others
  };
  /// Makes `fd` non-blocking, and raw if asked and if it is a terminal. `fd` stays the caller's.
  static Result<SharedDescriptor> set_up(int fd, Terminal terminal);

  SharedDescriptor() = default;
  SharedDescriptor(SharedDescriptor&& other) noexcept;
  SharedDescriptor& operator=(SharedDescriptor&& other) noexcept;
  ~SharedDescriptor();

 private:
  explicit SharedDescriptor(int slot) : slot_{slot} {}
  int slot_ = -1;
};

}  // namespace holdfast::chardev
