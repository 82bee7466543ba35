// SPDX-License-Identifier: Apache-2.0
#include "holdfast/chardev/stream.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>
#include <utility>

#include "holdfast/base/log.hpp"

namespace holdfast::chardev {
namespace {

constexpr std::string_view kHelp =
    "\r\n"
    "Ctrl-a h    this help\r\n"
    "Ctrl-a x    end the emulator\r\n"
    "Ctrl-a b    send a break\r\n"
    "Ctrl-a c    switch between the console and the monitor\r\n"
    "Ctrl-a Ctrl-a  send Ctrl-a\r\n";

bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

}  // namespace

Result<std::unique_ptr<Stream>> Stream::make(EventLoop& loop, Init init) {
  std::unique_ptr<Stream> stream{new Stream{loop, std::move(init)}};
  TRY(stream->open(loop));
  return stream;
}

Stream::Stream(EventLoop& loop, Init init)
    : Chardev{init.id}, init_{std::move(init)}, poke_{loop, [this] { serve(); }} {
  if (init_.on_command) escape_.emplace();
}

Result<void> Stream::open(EventLoop& loop) {
  if (init_.input >= 0) {
    input_mode_ = TRY(SharedDescriptor::set_up(init_.input, init_.terminal));
    reading_ = TRY(loop.watch(init_.input, EventLoop::kReadable, [this](unsigned) {
      read_input();
      serve();
    }));
  }
  if (init_.output < 0) return {};
  if (init_.output != init_.input)
    output_mode_ =
        TRY(SharedDescriptor::set_up(init_.output, SharedDescriptor::Terminal::kAsIs));
  // A descriptor can be watched once; the second watch of a socket or terminal is on a copy.
  const int copy = init_.output == init_.input ? ::dup(init_.output) : init_.output;
  if (copy < 0) return fail("chardev '{}': {}", id(), std::strerror(errno));
  own_copy_ = copy != init_.output ? copy : -1;
  writing_ = TRY(loop.watch(copy, EventLoop::kNothing, [this](unsigned) {
    stuck_ = false;
    serve();
  }));
  return {};
}

Stream::~Stream() {
  drain();
  writing_.end();
  if (own_copy_ >= 0) ::close(own_copy_);
}

std::size_t Stream::write(Bytes bytes) {
  bool wake = false;
  std::size_t taken = 0;
  {
    LockGuard guard{buffer_};
    taken = std::min(bytes.size(), init_.capacity - held_);
    refused_ = refused_ || taken < bytes.size();
    wake = output_.empty() && taken != 0;
    output_.insert(output_.end(), bytes.begin(),
                   bytes.begin() + static_cast<std::ptrdiff_t>(taken));
    held_ += taken;
  }
  if (wake) poke_.set(1);
  return taken;
}

void Stream::serve() {
  offer_input();
  if (!stuck_) pump();
  tell_room();
  set_interest();
}

void Stream::read_input() {
  std::array<std::uint8_t, 256> chunk;
  const auto count = ::read(init_.input, chunk.data(), chunk.size());
  if (count > 0) return take_in({chunk.data(), static_cast<std::size_t>(count)});
  if (count < 0 && (would_block(errno) || errno == EINTR)) return;
  reading_.end();  // end of file, or the other end is gone
}

void Stream::take_in(Bytes bytes) {
  if (!escape_) {
    input_.insert(input_.end(), bytes.begin(), bytes.end());
    return;
  }
  for (const std::uint8_t byte : bytes) {
    const auto parsed = escape_->parse(byte);
    if (parsed.byte) input_.push_back(*parsed.byte);
    if (parsed.command) obey(*parsed.command);
  }
}

void Stream::obey(Command command) {
  if (command == Command::kHelp)
    write({reinterpret_cast<const std::uint8_t*>(kHelp.data()), kHelp.size()});
  if (command == Command::kBreak)
    if (const auto device = front()) device->tell_break();
  init_.on_command(command);
}

void Stream::offer_input() {
  if (input_.empty()) return;
  const auto device = front();
  if (!device) return;
  const std::size_t taken = device->offer(input_);
  input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(taken));
}

bool Stream::refill() {
  if (sent_ < sending_.size()) return true;
  sending_.clear();
  sent_ = 0;
  LockGuard guard{buffer_};
  sending_.swap(output_);
  return !sending_.empty();
}

bool Stream::pump() {
  while (refill()) {
    std::size_t done = sending_.size() - sent_;  // what nobody reads is gone
    if (init_.output >= 0 && !broken_) {
      const auto count = ::write(init_.output, sending_.data() + sent_, done);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0 && would_block(errno)) {
        stuck_ = true;
        return false;
      }
      if (count < 0) broken_ = true;
      if (count >= 0) done = static_cast<std::size_t>(count);
    }
    sent_ += done;
    LockGuard guard{buffer_};
    held_ -= done;
  }
  return true;
}

void Stream::tell_room() {
  {
    LockGuard guard{buffer_};
    if (!refused_ || held_ > init_.capacity / 2) return;
    refused_ = false;
  }
  if (const auto device = front()) device->tell_room();
}

void Stream::set_interest() {
  if (reading_)
    reading_.set_interest(input_.size() < kInputHeld ? EventLoop::kReadable : EventLoop::kNothing);
  if (writing_) writing_.set_interest(stuck_ ? EventLoop::kWritable : EventLoop::kNothing);
}

void Stream::drain() {
  while (!pump()) {
    pollfd ready{.fd = init_.output, .events = POLLOUT, .revents = 0};
    const int count = ::poll(&ready, 1, init_.patience_ms);
    stuck_ = false;
    if (count > 0 || (count < 0 && errno == EINTR)) continue;
    LockGuard guard{buffer_};
    log::warn("chardev '{}': nobody takes the last {} bytes of output", id(), held_);
    return;
  }
}

Result<std::unique_ptr<Stream>> make_stdio(EventLoop& loop, std::string id,
                                           std::function<void(Command)> on_command) {
  std::signal(SIGPIPE, SIG_IGN);
  return Stream::make(loop, {.id = std::move(id),
                             .input = STDIN_FILENO,
                             .output = STDOUT_FILENO,
                             .terminal = SharedDescriptor::Terminal::kRaw,
                             .on_command = std::move(on_command)});
}

}  // namespace holdfast::chardev
