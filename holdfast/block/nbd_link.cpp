// SPDX-License-Identifier: Apache-2.0
#include "holdfast/block/nbd_link.hpp"

#include <fmt/core.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "holdfast/base/schedule_point.hpp"
#include "holdfast/block/engine.hpp"

namespace holdfast::block {
namespace {

constexpr std::chrono::milliseconds kBetweenAttempts{100};

void kick(const Descriptor& wake) {
  constexpr std::uint64_t kOne = 1;
  [[maybe_unused]] const auto written = ::write(wake.get(), &kOne, sizeof kOne);
}

}  // namespace

// --- from other threads ----------------------------------------------------------------------------

Result<void> NbdLink::open() {
  wake_ = Descriptor{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  if (!wake_) return fail("eventfd: {}", std::strerror(errno));
  return {};
}

Result<NbdLink::Facts> NbdLink::connect() {
  LockGuard guard{mutex_};
  thread_ = std::thread{[self = shared_from_this()] { self->run(); }};
  const auto until = Clock::now() + options_.open_timeout;
  while (!first_ && Clock::now() < until) connected_.wait_for(mutex_, until - Clock::now());
  if (!first_) return fail("nobody answers within {} ms", options_.open_timeout.count());
  return *first_;
}

void NbdLink::start(Ref<Request> request) {
  {
    LockGuard guard{mutex_};
    waiting_.push_back(std::move(request));
  }
  kick(wake_);
}

void NbdLink::drop_cancelled() {
  {
    LockGuard guard{mutex_};
    some_cancelled_ = true;
  }
  kick(wake_);
}

void NbdLink::end() {
  std::thread thread;
  {
    LockGuard guard{mutex_};
    over_ = true;
    thread = std::move(thread_);
  }
  if (!thread.joinable()) return;
  kick(wake_);
  if (thread.get_id() == std::this_thread::get_id())
    thread.detach();
  else
    thread.join();
}

// --- the thread ------------------------------------------------------------------------------------

void NbdLink::run() {
  begin_connecting();
  while (take()) {
    attend();
    wait_for_something();
    land();
  }
  // Nobody waits for what is still with the server.
  if (state_ == State::kReady) library_.aio_disconnect(handle_.get(), 0);
  handle_.reset();
}

/// False at the end.
bool NbdLink::take() {
  std::deque<Ref<Request>> fresh;
  bool cancelled = false;
  {
    LockGuard guard{mutex_};
    if (over_) return false;
    fresh = std::exchange(waiting_, {});
    cancelled = std::exchange(some_cancelled_, false);
  }
  for (auto& request : fresh) {
    // Decided, or cancelled on its way here: that is said at once, be there a server or not.
    if (const auto early = settled(*request))
      request->finish(*early);
    else
      jobs_.push_back(
          {.request = std::move(request), .give_up = Clock::now() + options_.reconnect_delay});
  }
  if (cancelled) drop_cancelled_jobs();
  return true;
}

void NbdLink::attend() {
  if (state_ == State::kNone) give_up_late_jobs();
  if (state_ == State::kNone && !jobs_.empty() && Clock::now() >= next_attempt_) begin_connecting();
  if (state_ == State::kConnecting && Clock::now() >= attempt_ends_) lost("nobody answers");
  if (state_ == State::kNone) give_up_late_jobs();
  if (state_ == State::kReady) issue();
  look_after_connection();
}

void NbdLink::wait_for_something() {
  std::array<pollfd, 2> watched{pollfd{.fd = wake_.get(), .events = POLLIN, .revents = 0},
                                pollfd{.fd = -1, .events = 0, .revents = 0}};
  if (state_ != State::kNone) {
    const unsigned direction = library_.aio_get_direction(handle_.get());
    watched[1].fd = library_.aio_get_fd(handle_.get());
    if ((direction & LIBNBD_AIO_DIRECTION_READ) != 0) watched[1].events |= POLLIN;
    if ((direction & LIBNBD_AIO_DIRECTION_WRITE) != 0) watched[1].events |= POLLOUT;
  }
  ::poll(watched.data(), watched.size(), patience_ms());
  if ((watched[0].revents & POLLIN) != 0) {
    std::uint64_t times = 0;
    [[maybe_unused]] const auto got = ::read(wake_.get(), &times, sizeof times);
  }
  if (state_ != State::kNone && watched[1].revents != 0) handle_events(watched[1].revents);
}

/// How long there is nothing to do but for what comes; -1: for ever.
int NbdLink::patience_ms() const {
  if (!landings_.empty()) return 0;
  if (state_ == State::kReady || (state_ == State::kNone && jobs_.empty())) return -1;
  const auto until = state_ == State::kNone ? next_attempt_ : attempt_ends_;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
  return static_cast<int>(std::max<std::int64_t>(left.count(), 0));
}

void NbdLink::handle_events(short events) {
  const unsigned direction = library_.aio_get_direction(handle_.get());
  if ((events & (POLLIN | POLLHUP | POLLERR)) != 0 && (direction & LIBNBD_AIO_DIRECTION_READ) != 0)
    library_.aio_notify_read(handle_.get());
  else if ((events & (POLLOUT | POLLHUP | POLLERR)) != 0 &&
           (direction & LIBNBD_AIO_DIRECTION_WRITE) != 0)
    library_.aio_notify_write(handle_.get());
  look_after_connection();
}

void NbdLink::look_after_connection() {
  if (state_ == State::kNone) return;
  nbd_handle* const handle = handle_.get();
  if (library_.aio_is_dead(handle) != 0 || library_.aio_is_closed(handle) != 0) {
    const char* const why = library_.get_error();
    lost(why == nullptr ? "the connection was closed" : why);
  } else if (state_ == State::kConnecting && library_.aio_is_ready(handle) != 0) {
    connected();
  }
}

// --- the connection --------------------------------------------------------------------------------

void NbdLink::begin_connecting() {
  next_attempt_ = Clock::now() + kBetweenAttempts;
  attempt_ends_ = Clock::now() + options_.open_timeout;
  state_ = State::kConnecting;
  handle_ = NbdHandle{library_.create(), CloseNbd{&library_}};
  const auto begun = [&] {
    if (!handle_) return -1;
    if (library_.set_export_name(handle_.get(), options_.export_name.c_str()) != 0) return -1;
    return options_.path.empty()
               ? library_.aio_connect_tcp(handle_.get(), options_.host.c_str(), options_.port.c_str())
               : library_.aio_connect_unix(handle_.get(), options_.path.c_str());
  };
  if (begun() != 0) {
    const char* const why = library_.get_error();
    lost(why == nullptr ? "it cannot begin" : why);
  }
}

void NbdLink::connected() {
  nbd_handle* const handle = handle_.get();
  const auto size = library_.get_size(handle);
  if (size < 0) return lost("the export has no size");
  if (size_ && *size_ != static_cast<std::uint64_t>(size))
    return lost(fmt::format("the export has {} bytes now; it had {}", size, *size_));
  size_ = static_cast<std::uint64_t>(size);
  can_flush_ = library_.can_flush(handle) > 0;
  can_fua_ = library_.can_fua(handle) > 0;
  can_trim_ = library_.can_trim(handle) > 0;
  can_zero_ = library_.can_zero(handle) > 0;
  state_ = State::kReady;
  report(Facts{.size = *size_, .read_only = library_.is_read_only(handle) > 0});
}

/// What was with the server is asked again, from where it was, if a connection comes in time. What it had
/// answered before is answered.
void NbdLink::lost(const std::string& why) {
  HF_SCHEDULE_POINT("block.nbd.lost");
  last_error_ = why;
  if (std::exchange(state_, State::kNone) == State::kConnecting)
    for (Job& job : jobs_) job.tried = true;
  land();
  handle_.reset();  // which touches the buffers no more
  landings_.clear();
  for (auto it = flights_.rbegin(); it != flights_.rend(); ++it)
    if (it->second.job.request) ask_again(std::move(it->second.job));
  flights_.clear();
  report(fail("{}", why));
}

/// One that was lost before may be what the server dies of: its time does not begin anew.
void NbdLink::ask_again(Job job) {
  job.tried = std::exchange(job.lost, true);
  if (!job.tried) job.give_up = Clock::now() + options_.reconnect_delay;
  jobs_.push_front(std::move(job));
}

void NbdLink::report(Result<Facts> result) {
  if (std::exchange(reported_, true)) return;
  LockGuard guard{mutex_};
  first_ = std::move(result);
  connected_.notify_all();
}

}  // namespace holdfast::block
