// SPDX-License-Identifier: Apache-2.0
// A back-end on descriptors that stay: one to read, one to write, or the same for both. Standard input
// and output, files, pipes, terminals.
#pragma once

#include <memory>
#include <string>

#include "holdfast/base/descriptor.hpp"
#include "holdfast/chardev/channel.hpp"
#include "holdfast/chardev/terminal.hpp"

namespace holdfast::chardev {

class Stream final : public Channel {
 public:
  struct Init {
    std::string filename{};  // what it is called in monitors
    int input = -1;          // stays the caller's; -1: none
    int output = -1;         // may be the same
    Descriptor owned_input{};   // instead: closed at the end
    Descriptor owned_output{};
    SharedDescriptor::Terminal terminal = SharedDescriptor::Terminal::kAsIs;
    Limits limits{};
  };
  /// On the loop thread, or while nobody runs the loop, like the destructor.
  static Result<std::unique_ptr<Stream>> make(EventLoop& loop, Common common, Init init);
  /// Drains first.
  ~Stream() override;

  std::string filename() const override { return init_.filename; }

 private:
  Stream(EventLoop& loop, Common common, Init init);
  Result<void> open();

  const Init init_;
  SharedDescriptor input_mode_;
  SharedDescriptor output_mode_;
};

/// Standard input and output, as characters if it is a terminal: with `kRaw` control-C is one, too.
/// SIGPIPE is ignored from here on, so that a reader that goes away is an error like others.
Result<std::unique_ptr<Stream>> make_stdio(EventLoop& loop, Chardev::Common common,
                                           SharedDescriptor::Terminal terminal);

}  // namespace holdfast::chardev
