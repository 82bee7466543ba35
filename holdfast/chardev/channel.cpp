// SPDX-License-Identifier: Apache-2.0
#include "holdfast/chardev/channel.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <iterator>
#include <utility>

#include "holdfast/base/check.hpp"
#include "holdfast/base/log.hpp"
#include "holdfast/base/schedule_point.hpp"

namespace holdfast::chardev {
namespace {

constexpr std::uint64_t kMillisecond = 1'000'000;

bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

}  // namespace

Channel::Channel(EventLoop& loop, Common common, Limits limits)
    : Chardev{std::move(common)}, loop_{loop}, limits_{limits}, poke_{loop, [this] { serve(); }} {}

Channel::~Channel() { HF_CHECK(!linked_, "chardev '{}': destroyed before it was finished", id()); }

void Channel::finish() {
  // In a running machine nobody waits for a host that takes nothing.
  if (loop_.on_loop_thread()) pump();
  else drain();
  poke_.clear();
  reading_.end();
  writing_.end();
  linked_ = false;
}

// --- links -----------------------------------------------------------------------------------------

Result<void> Channel::link_up(int input, int output) {
  const auto ready = [this](unsigned how) {
    if ((how & EventLoop::kWritable) != 0) stuck_ = false;
    if ((how & EventLoop::kReadable) != 0) read_input();
    serve();
  };
  EventLoop::Watch reading;
  EventLoop::Watch writing;
  if (input >= 0) reading = TRY(loop_.watch(input, EventLoop::kReadable, ready));
  if (output >= 0 && output != input)
    writing = TRY(loop_.watch(output, EventLoop::kNothing, ready));
  reading_ = std::move(reading);
  writing_ = std::move(writing);
  input_ = input;
  output_ = output;
  linked_ = true;
  reading_on_ = input >= 0;
  {
    LockGuard guard{buffer_};
    taking_ = output >= 0;
  }
  set_open(true);
  accept_input();
  return {};
}

void Channel::link_down() {
  if (!std::exchange(linked_, false)) return;
  reading_on_ = false;
  reading_.end();
  writing_.end();
  input_ = output_ = -1;
  HF_SCHEDULE_POINT("chardev.before_forgetting");
  forget_output();
  set_open(false);
}

void Channel::stop_reading() { reading_on_ = false; }

void Channel::forget_output() {
  sending_.clear();
  sent_ = 0;
  stuck_ = false;
  {
    LockGuard guard{buffer_};
    taking_ = false;
    output_held_.clear();
    held_ = 0;
  }
  accept_input();  // there is room
}

void Channel::input_ended() {
  stop_reading();
  set_open(false);
}

void Channel::output_failed() { forget_output(); }

ssize_t Channel::receive(std::span<std::uint8_t> buffer) {
  return ::read(input_, buffer.data(), buffer.size());
}

ssize_t Channel::transmit(Bytes bytes) { return ::write(output_, bytes.data(), bytes.size()); }

// --- the loop thread -------------------------------------------------------------------------------

void Channel::serve() {
  tell_standing();
  offer_input();
  if (!stuck_) pump();
  tell_of_room();
  set_interest();
}

void Channel::read_input() {
  if (!reading_on_) return;
  std::array<std::uint8_t, 4096> chunk;
  const std::size_t held = input_held();
  const std::size_t most = most_input_held();
  if (held >= most) return;
  const auto count = receive(std::span{chunk}.first(std::min(chunk.size(), most - held)));
  if (count > 0) return arrived({chunk.data(), static_cast<std::size_t>(count)});
  if (count < 0 && (would_block(errno) || errno == EINTR)) return;
  input_ended();
}

bool Channel::refill() {
  if (sent_ < sending_.size()) return true;
  sending_.clear();
  sent_ = 0;
  LockGuard guard{buffer_};
  sending_.swap(output_held_);
  return !sending_.empty();
}

bool Channel::pump() {
  while (refill()) {
    const auto count = transmit(Bytes{sending_}.subspan(sent_));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && would_block(errno)) {
      stuck_ = true;
      return false;
    }
    if (count < 0) {
      output_failed();
      return true;
    }
    sent_ += static_cast<std::size_t>(count);
    LockGuard guard{buffer_};
    held_ -= static_cast<std::size_t>(count);
  }
  return true;
}

void Channel::tell_of_room() {
  {
    LockGuard guard{buffer_};
    if (!refused_ || held_ > limits_.capacity / 2) return;
    refused_ = false;
  }
  tell_room();
}

void Channel::set_interest() {
  const unsigned in =
      reading_on_ && input_held() < most_input_held() ? EventLoop::kReadable : EventLoop::kNothing;
  const unsigned out = stuck_ ? EventLoop::kWritable : EventLoop::kNothing;
  if (reading_) reading_.set_interest(same_descriptor() ? in | out : in);
  if (writing_) writing_.set_interest(out);
}

bool Channel::wait_for_room(int most_ms) {
  pollfd ready{.fd = output_, .events = POLLOUT, .revents = 0};
  const int count = ::poll(&ready, 1, most_ms);
  stuck_ = false;
  return count > 0 || (count < 0 && errno == EINTR);
}

// What was given up once is not waited for again.
void Channel::drain() {
  while (!pump()) {
    if (wait_for_room(limits_.patience_ms)) continue;
    {
      LockGuard guard{buffer_};
      log::warn("chardev '{}': nobody takes the last {} bytes of output", id(), held_);
    }
    forget_output();
  }
  Chardev::drain();
}

void Channel::drain_until(std::uint64_t deadline_ns) {
  while (!pump()) {
    const std::uint64_t now = EventLoop::now_ns();
    const std::uint64_t left = now < deadline_ns ? deadline_ns - now : 0;
    const std::uint64_t most = (left + kMillisecond - 1) / kMillisecond;
    if (!wait_for_room(static_cast<int>(std::min<std::uint64_t>(most, INT_MAX)))) forget_output();
  }
  Chardev::drain();
}

// --- output, from any thread -----------------------------------------------------------------------

bool Channel::is_heard() const {
  LockGuard guard{buffer_};
  return taking_;
}

std::size_t Channel::put(Bytes bytes) {
  bool wake = false;
  std::size_t taken = 0;
  HF_SCHEDULE_POINT("chardev.before_put");
  {
    LockGuard guard{buffer_};
    if (!taking_) return bytes.size();
    taken = std::min(bytes.size(), limits_.capacity - std::min(held_, limits_.capacity));
    refused_ = refused_ || taken < bytes.size();
    wake = output_held_.empty() && taken != 0;
    const std::size_t before = output_held_.size();
    if (stamps_)
      append_stamped(*stamps_, bytes.first(taken));
    else
      output_held_.insert(output_held_.end(), bytes.begin(),
                          bytes.begin() + static_cast<std::ptrdiff_t>(taken));
    held_ += output_held_.size() - before;
  }
  if (wake) poke_.set(1);
  return taken;
}

void Channel::append_stamped(Stamps& stamps, Bytes bytes) {
  for (const std::uint8_t byte : bytes) {
    if (std::exchange(stamps.at_line_start, byte == '\n')) {
      const std::uint64_t ms = (EventLoop::now_ns() - stamps.since_ns) / kMillisecond;
      fmt::format_to(std::back_inserter(output_held_), "[{:02}:{:02}:{:02}.{:03}] ", ms / 3'600'000,
                     ms / 60'000 % 60, ms / 1000 % 60, ms % 1000);
    }
    output_held_.push_back(byte);
  }
}

void Channel::toggle_timestamps() {
  LockGuard guard{buffer_};
  if (stamps_) stamps_.reset();
  else stamps_ = Stamps{.since_ns = EventLoop::now_ns()};
}

}  // namespace holdfast::chardev
