// SPDX-License-Identifier: Apache-2.0
#include "holdfast/chardev/stream.hpp"

#include <unistd.h>

#include <csignal>
#include <utility>

namespace holdfast::chardev {

Result<std::unique_ptr<Stream>> Stream::make(EventLoop& loop, Common common, Init init) {
  std::unique_ptr<Stream> stream{new Stream{loop, std::move(common), std::move(init)}};
  if (auto opened = stream->open(); !opened)
    return fail("chardev '{}': {}", stream->id(), opened.error().message);
  return stream;
}

Stream::Stream(EventLoop& loop, Common common, Init init)
    : Channel{loop, std::move(common), init.limits}, init_{std::move(init)} {}

Result<void> Stream::open() {
  const int input = init_.owned_input ? init_.owned_input.get() : init_.input;
  const int output = init_.owned_output ? init_.owned_output.get() : init_.output;
  // What is owned was opened non-blocking, and nobody else minds how it is left.
  const bool shared = !init_.owned_input || init_.terminal != SharedDescriptor::Terminal::kAsIs;
  if (input >= 0 && shared)
    input_mode_ = TRY(SharedDescriptor::set_up(input, init_.terminal));
  if (output >= 0 && output != input && !init_.owned_output)
    output_mode_ = TRY(SharedDescriptor::set_up(output, SharedDescriptor::Terminal::kAsIs));
  return link_up(input, output);
}

Stream::~Stream() { finish(); }

Result<std::unique_ptr<Stream>> make_stdio(EventLoop& loop, Chardev::Common common,
                                           SharedDescriptor::Terminal terminal) {
  std::signal(SIGPIPE, SIG_IGN);
  return Stream::make(loop, std::move(common),
                      {.filename = "stdio",
                       .input = STDIN_FILENO,
                       .output = STDOUT_FILENO,
                       .terminal = terminal});
}

}  // namespace holdfast::chardev
