// SPDX-License-Identifier: Apache-2.0
#include "holdfast/base/event_loop.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "holdfast/base/check.hpp"
#include "holdfast/base/schedule_point.hpp"

namespace holdfast {
namespace {

constexpr std::uint64_t kWakeId = 0;
constexpr std::uint64_t kTimerId = 1;
constexpr std::uint64_t kSecond = 1'000'000'000;
// An alarm for this time or before only wakes the loop: programming the host's timer costs several
// microseconds, and devices that pass on a byte at a time do it for each.
constexpr std::uint64_t kAtOnce = 1;
constexpr std::uint64_t kNever = ~std::uint64_t{0};

unsigned readiness_of(std::uint32_t events) {
  unsigned readiness = EventLoop::kNothing;
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) readiness |= EventLoop::kReadable;
  if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) readiness |= EventLoop::kWritable;
  return readiness;
}

epoll_event event_for(std::uint64_t id, unsigned interest) {
  // One shot: a descriptor that hung up would otherwise be reported again and again while paused.
  epoll_event event{};
  event.events = EPOLLONESHOT;
  if ((interest & EventLoop::kReadable) != 0) event.events |= EPOLLIN;
  if ((interest & EventLoop::kWritable) != 0) event.events |= EPOLLOUT;
  event.data.u64 = id;
  return event;
}

Result<void> watch_own(int epoll_fd, int fd, std::uint64_t id) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = id;
  if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
    return fail("event loop: {}", std::strerror(errno));
  return {};
}

/// The earliest time that an alarm is set to, those that are due at once apart; kNever if there is none.
template <class Alarms>
std::uint64_t first_timed(const Alarms& alarms) {
  const auto first = alarms.lower_bound({kAtOnce + 1, nullptr});
  return first == alarms.end() ? kNever : first->first;
}

void empty(int fd) {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto got = ::read(fd, &count, sizeof count);  // it may be empty already
}

}  // namespace

Result<std::unique_ptr<EventLoop>> EventLoop::make() {
  std::unique_ptr<EventLoop> loop{new EventLoop};
  TRY(loop->open());
  return loop;
}

Result<void> EventLoop::open() {
  epoll_fd_ = epoll_create1(EPOLL_CLOEXEC);
  wake_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  timer_fd_ = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  if (epoll_fd_ < 0 || wake_fd_ < 0 || timer_fd_ < 0)
    return fail("event loop: {}", std::strerror(errno));
  TRY(watch_own(epoll_fd_, wake_fd_, kWakeId));
  return watch_own(epoll_fd_, timer_fd_, kTimerId);
}

EventLoop::~EventLoop() {
  {
    LockGuard guard{mutex_};
    HF_CHECK(entries_.empty(), "event loop: destroyed with {} watches left", entries_.size());
    HF_CHECK(alarm_count_ == 0, "event loop: destroyed with {} alarms left", alarm_count_);
  }
  for (const int fd : {epoll_fd_, wake_fd_, timer_fd_})
    if (fd >= 0) ::close(fd);
}

std::uint64_t EventLoop::now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * kSecond + static_cast<std::uint64_t>(now.tv_nsec);
}

bool EventLoop::on_loop_thread() const {
  // Relaxed: only a thread's own id ever compares equal, and that it wrote itself.
  return thread_.load(std::memory_order_relaxed) == std::this_thread::get_id();
}

void EventLoop::wake() {
  due_ = true;
  // A loop that is at work comes by anyway; most posts are from handlers of its own.
  if (!sleeping_ || std::exchange(signalled_, true)) return;
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wake_fd_, &one, sizeof one);
}

void EventLoop::post(Work work) {
  LockGuard guard{mutex_};
  posted_.push_back(std::move(work));
  wake();
}

void EventLoop::stop() {
  LockGuard guard{mutex_};
  stopping_ = true;
  wake();
}

void EventLoop::run() {
  for (;;) {
    {
      LockGuard guard{mutex_};
      if (std::exchange(stopping_, false)) return;
    }
    turn(true);
  }
}

std::size_t EventLoop::run_ready() { return turn(false); }

/// Whether nothing is due; from here on wake() writes to the descriptor.
bool EventLoop::go_to_sleep() {
  LockGuard guard{mutex_};
  sleeping_ = !due_;
  return sleeping_;
}

/// All that is due up to now is done in this turn.
void EventLoop::woken() {
  LockGuard guard{mutex_};
  due_ = sleeping_ = false;
  if (std::exchange(signalled_, false)) empty(wake_fd_);
}

std::size_t EventLoop::turn(bool may_sleep) {
  HF_CHECK(thread_.load() == std::thread::id{}, "event loop: run twice at the same time");
  thread_.store(std::this_thread::get_id());
  std::vector<std::uint64_t> ready;
  std::vector<unsigned> how;
  {
    LockGuard guard{mutex_};
    for (const auto& [id, entry] : entries_) {
      if (!entry->always_ready || entry->interest == kNothing) continue;
      ready.push_back(id);
      how.push_back(entry->interest);
    }
  }
  std::array<epoll_event, 32> events;
  const bool sleep = may_sleep && ready.empty() && go_to_sleep();
  const int count = epoll_wait(epoll_fd_, events.data(), static_cast<int>(events.size()),
                               sleep ? -1 : 0);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (event.data.u64 == kTimerId) empty(timer_fd_);
    if (event.data.u64 == kTimerId || event.data.u64 == kWakeId) continue;
    ready.push_back(event.data.u64);
    how.push_back(readiness_of(event.events));
  }
  woken();
  std::size_t called = run_posted();
  called += run_alarms();
  if (const std::size_t handled = run_descriptors(ready, how); handled != 0) {
    // A request is answered, and its answer sent, in the turn that it came in.
    called += handled;
    called += run_posted();
    {
      LockGuard guard{mutex_};
      due_ = stopping_ || !posted_.empty();  // alarms are looked at below, and say so themselves
    }
    called += run_alarms();
  }
  end_turn();
  return called;
}

void EventLoop::end_turn() {
  std::vector<std::unique_ptr<Entry>> ended;  // destroyed without the lock
  LockGuard guard{mutex_};
  ended.swap(ended_);
  thread_.store(std::thread::id{});  // from here on unwatch() keeps nothing for the turn
}

std::size_t EventLoop::run_posted() {
  std::deque<Work> batch;
  {
    LockGuard guard{mutex_};
    batch.swap(posted_);
  }
  std::size_t called = 0;
  for (Work& work : batch) {
    std::exchange(work, {})();
    ++called;
  }
  return called;
}

std::size_t EventLoop::run_alarms() {
  const std::uint64_t now = now_ns();
  std::size_t called = 0;
  std::size_t most = ~std::size_t{0};  // one that sets itself to the past waits for the next turn
  bool timed = false;
  for (;;) {
    Alarm* due = nullptr;
    {
      LockGuard guard{mutex_};
      most = std::min(most, called + alarms_.size());
      if (called == most || alarms_.begin()->first > now) {
        // Those that are left over: the timer has told of them, and does not again.
        due_ = due_ || (!alarms_.empty() && alarms_.begin()->first <= now);
        if (timed) program_timer();
        return called;
      }
      due = alarms_.begin()->second;
      timed = timed || due->deadline_ns_ > kAtOnce;
      alarms_.erase(alarms_.begin());
      due->deadline_ns_ = Alarm::kNever;
    }
    due->handler_();
    ++called;
  }
}

std::size_t EventLoop::run_descriptors(const std::vector<std::uint64_t>& ready,
                                       const std::vector<unsigned>& how) {
  std::size_t called = 0;
  for (std::size_t i = 0; i < ready.size(); ++i)
    if (dispatch(ready[i], how[i])) ++called;
  return called;
}

bool EventLoop::dispatch(std::uint64_t id, unsigned readiness) {
  Entry* entry = nullptr;
  unsigned wanted = kNothing;
  {
    LockGuard guard{mutex_};
    entry = find(id);
    if (entry == nullptr) return false;  // ended earlier in this turn
    wanted = readiness & entry->interest;
  }
  if (wanted != kNothing) {
    HF_SCHEDULE_POINT("event_loop.before_handler");
    entry->handler(wanted);  // kept in `ended_` if its watch ends meanwhile
  }
  LockGuard guard{mutex_};
  if (find(id) != nullptr && entry->interest != kNothing) arm_descriptor(id, *entry);
  return wanted != kNothing;
}

EventLoop::Entry* EventLoop::find(std::uint64_t id) {
  const auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : found->second.get();
}

Result<EventLoop::Watch> EventLoop::watch(int fd, unsigned interest, Handler handler) {
  auto entry = std::make_unique<Entry>(Entry{fd, interest, std::move(handler)});
  LockGuard guard{mutex_};
  const std::uint64_t id = next_id_++;
  epoll_event event = event_for(id, interest);
  if (epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) != 0) {
    if (errno != EPERM) return fail("watching descriptor {}: {}", fd, std::strerror(errno));
    entry->always_ready = true;
    wake();  // nobody else will
  }
  entries_.emplace(id, std::move(entry));
  return Watch{*this, id};
}

void EventLoop::arm_descriptor(std::uint64_t id, const Entry& entry) {
  if (entry.always_ready) return;
  epoll_event event = event_for(id, entry.interest);
  const int result = epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, entry.fd, &event);
  HF_CHECK(result == 0, "event loop: descriptor {} was closed while it was watched", entry.fd);
}

void EventLoop::set_interest(std::uint64_t id, unsigned interest) {
  LockGuard guard{mutex_};
  Entry& entry = *entries_.at(id);
  if (std::exchange(entry.interest, interest) == interest) return;
  if (entry.always_ready) wake();
  if (interest != kNothing) arm_descriptor(id, entry);
}

void EventLoop::unwatch(std::uint64_t id) {
  std::unique_ptr<Entry> entry;  // destroyed without the lock
  LockGuard guard{mutex_};
  const auto found = entries_.find(id);
  entry = std::move(found->second);
  entries_.erase(found);
  if (!entry->always_ready) epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, entry->fd, nullptr);
  if (thread_.load() != std::thread::id{}) ended_.push_back(std::move(entry));
}

EventLoop::Alarm::Alarm(EventLoop& loop, Work handler)
    : loop_{loop}, handler_{std::move(handler)} {
  LockGuard guard{loop_.mutex_};
  ++loop_.alarm_count_;
}

EventLoop::Alarm::~Alarm() {
  clear();
  LockGuard guard{loop_.mutex_};
  --loop_.alarm_count_;
}

void EventLoop::set_alarm(Alarm& alarm, std::uint64_t deadline_ns) {
  LockGuard guard{mutex_};
  if (alarm.deadline_ns_ == deadline_ns) return;
  const std::uint64_t before = first_timed(alarms_);
  if (alarm.deadline_ns_ != Alarm::kNever) alarms_.erase({alarm.deadline_ns_, &alarm});
  alarm.deadline_ns_ = deadline_ns;
  if (deadline_ns != Alarm::kNever) alarms_.emplace(deadline_ns, &alarm);
  if (deadline_ns <= kAtOnce) wake();
  if (first_timed(alarms_) != before) program_timer();
}

void EventLoop::program_timer() {
  itimerspec spec{};  // all zero: disarmed
  if (const std::uint64_t at = first_timed(alarms_); at != kNever) {
    spec.it_value.tv_sec = static_cast<std::time_t>(at / kSecond);
    spec.it_value.tv_nsec = static_cast<long>(at % kSecond);
  }
  timerfd_settime(timer_fd_, TFD_TIMER_ABSTIME, &spec, nullptr);
}

}  // namespace holdfast
