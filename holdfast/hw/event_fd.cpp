// SPDX-License-Identifier: Apache-2.0
#include "holdfast/hw/event_fd.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "holdfast/base/log.hpp"
#include "holdfast/base/schedule_point.hpp"
#include "holdfast/hw/holdback.hpp"

namespace holdfast::hw {
namespace {

Result<int> copy_of(int given, const std::string& path) {
  const int flags = ::fcntl(given, F_GETFL);
  if (flags < 0) return fail("{}: descriptor {}: {}", path, given, std::strerror(errno));
  if ((flags & O_NONBLOCK) == 0)
    return fail("{}: descriptor {} blocks; an eventfd made with EFD_NONBLOCK is needed", path, given);
  const int fd = ::fcntl(given, F_DUPFD_CLOEXEC, 0);
  if (fd < 0) return fail("{}: descriptor {}: {}", path, given, std::strerror(errno));
  return fd;
}

Result<int> new_eventfd(const std::string& path) {
  const int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) return fail("{}: eventfd: {}", path, std::strerror(errno));
  return fd;
}

}  // namespace

Ref<EventFdControl> EventFdControl::make(EventLoop& loop, Holdback& holdback, Ref<gate::Gate> gate,
                                         std::string path, Handler handler) {
  return Ref<EventFdControl>::adopt(new EventFdControl{loop, holdback, std::move(gate),
                                                       std::move(path), std::move(handler)});
}

EventFdControl::EventFdControl(EventLoop& loop, Holdback& holdback, Ref<gate::Gate> gate,
                               std::string path, Handler handler)
    : loop_{loop},
      holdback_{holdback},
      path_{std::move(path)},
      handler_{std::move(handler)},
      gate_{std::move(gate)} {}

// --- life ------------------------------------------------------------------------------------------

Result<void> EventFdControl::open(int given) {
  const int fd = TRY(given < 0 ? new_eventfd(path_) : copy_of(given, path_));
  LockGuard guard{mutex_};
  auto adopted = adopt(fd);
  if (!adopted) ::close(fd);
  return adopted;
}

// Watched for nothing yet: to begin with that may fail, to look for something later cannot.
Result<void> EventFdControl::adopt(int fd) {
  auto watch = loop_.watch(fd, EventLoop::kNothing, [self = Ref<EventFdControl>::share(this)](
                                                        unsigned) { self->deliver(); });
  if (!watch) return fail("{}: {}", path_, watch.error().message);
  watch_ = *std::move(watch);
  fd_ = fd;
  counted_.emplace(gate_->realm().census(), Census::Kind::kDescriptor);
  return {};
}

void EventFdControl::let_go() {
  live_ = false;
  watch_.end();  // before what it watches is closed
  if (fd_ < 0) return;
  ::close(std::exchange(fd_, -1));
  counted_.reset();
}

void EventFdControl::close() {
  LockGuard guard{mutex_};
  let_go();
}

void EventFdControl::opened() {
  LockGuard guard{mutex_};
  live_ = true;
  set_interest();
}

void EventFdControl::severed() {
  LockGuard guard{mutex_};
  live_ = false;
  watch_.end();
}

void EventFdControl::drop() {
  Ref<gate::Gate> gate;  // let go below, outside of the lock: the loop may keep this control block
  LockGuard guard{mutex_};
  if (!gate_) return;  // again
  const bool inside = gate_->entered_by_me();
  let_go();
  while (running_ != 0 && !inside) {
    HF_SCHEDULE_POINT("hw.event_fd.drop_waits");
    ran_.wait(mutex_);
  }
  gate = std::exchange(gate_, {});
}

void EventFdControl::set_interest() {
  if (watch_)
    watch_.set_interest(live_ && armed_ ? EventLoop::kReadable : EventLoop::kNothing);
}

// --- delivery --------------------------------------------------------------------------------------

void EventFdControl::deliver() {
  static constexpr gate::Use kUse{"eventfd"};
  HF_SCHEDULE_POINT("hw.event_fd.ready");
  Ref<gate::Gate> gate;
  {
    LockGuard guard{mutex_};
    gate = gate_;
  }
  if (!gate) return;  // dropped
  const OutsidePass pass{*gate, kUse, holdback_, gate::Reentry::kAllow};
  if (!pass) return;
  const std::uint64_t count = begin();
  if (count == 0) return;
  handler_(count);
  end();
}

std::uint64_t EventFdControl::begin() {
  HF_SCHEDULE_POINT("hw.event_fd.inside");
  LockGuard guard{mutex_};
  if (!live_ || !armed_) return 0;
  const std::uint64_t count = read_counter();
  if (count != 0) ++running_;
  return count;
}

void EventFdControl::end() {
  LockGuard guard{mutex_};
  --running_;
  ran_.notify_all();
}

std::uint64_t EventFdControl::read_counter() {
  std::uint64_t count = 0;
  const auto got = fd_ < 0 ? -1 : ::read(fd_, &count, sizeof count);
  if (got == static_cast<ssize_t>(sizeof count)) return count;
  if (got >= 0 || (errno != EAGAIN && errno != EINTR && fd_ >= 0)) {
    log::warn("{}: descriptor {} is no eventfd; it is not looked at any more", path_, fd_);
    live_ = false;
    set_interest();
  }
  return 0;
}

// --- the device's and others' ----------------------------------------------------------------------

void EventFdControl::arm(bool armed) {
  LockGuard guard{mutex_};
  if (!gate_ || (armed && gate_->is_closed())) return;
  armed_ = armed;
  set_interest();
}

bool EventFdControl::armed() const {
  LockGuard guard{mutex_};
  return armed_ && gate_ && !gate_->is_closed();
}

void EventFdControl::signal(std::uint64_t count) {
  LockGuard guard{mutex_};
  if (fd_ < 0 || count == 0) return;
  // A counter that is full stays so: its device has been told of 2^64 - 2 events and has not come.
  [[maybe_unused]] const auto written = ::write(fd_, &count, sizeof count);
}

std::uint64_t EventFdControl::take() {
  LockGuard guard{mutex_};
  return fd_ < 0 ? 0 : read_counter();
}

int EventFdControl::descriptor() const {
  LockGuard guard{mutex_};
  return fd_;
}

EventFd::EventFd(Device& device, std::string name, EventFdControl::Handler signalled, int given)
    : Part{device, "eventfd", std::move(name)},
      given_{given},
      control_{EventFdControl::make(device.context().loop, device.context().holdback,
                                    Ref<gate::Gate>::share(&device.gate()), path(),
                                    std::move(signalled))} {}

EventFd::~EventFd() { control_->drop(); }

}  // namespace holdfast::hw
