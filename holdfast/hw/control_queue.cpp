// SPDX-License-Identifier: Apache-2.0
#include "holdfast/hw/control_queue.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "holdfast/base/check.hpp"
#include "holdfast/base/schedule_point.hpp"
#include "holdfast/gate/gate.hpp"
#include "holdfast/rcu/waiting.hpp"

namespace holdfast::hw {
namespace {

thread_local const char* running_job = nullptr;

const char* job_veto() {
  if (running_job == nullptr) return nullptr;
  thread_local std::string text;  // the caller prints it at once
  text = std::string{"the control job '"} + running_job + "'";
  return text.c_str();
}

constexpr std::chrono::microseconds kGracePoll{200};

std::uint64_t from_now_ns(std::chrono::nanoseconds delay) {
  return EventLoop::now_ns() + static_cast<std::uint64_t>(delay.count());
}

}  // namespace

ControlQueue::ControlQueue(rcu::Domain& domain, EventLoop& loop)
    : domain_{domain}, loop_{loop}, again_{loop, [this] {
        if (on_control_thread())
          run_pending();
        else
          again_.set(from_now_ns(kGracePoll));
      }} {
  rcu::add_waiting_veto(&job_veto);
}

ControlQueue::~ControlQueue() {
  HF_CHECK(size() == 0, "control queue: destroyed with {} jobs", size());
}

const char* ControlQueue::current_job() { return running_job; }

void ControlQueue::post(const char* what, Job job) {
  gate::Activity::current().outbox().post(
      gate::Outbox::Kind::kOther,
      [this, what, job = std::move(job)]() mutable { post_now(what, std::move(job)); });
}

void ControlQueue::post_now(const char* what, Job job) { queue({what, std::move(job)}); }

void ControlQueue::queue(Item item) {
  bool wake = false;
  {
    LockGuard guard{mutex_};
    items_.push_back(std::move(item));
    ++changes_;
    wake = !std::exchange(woken_, true);
    something_.notify_all();
  }
  HF_SCHEDULE_POINT("hw.control.queued");
  if (wake) loop_.post([this] { called_by_loop(); });
}

// Whoever waits for a ticket runs the jobs itself, so this may come late. There is never more than one
// on its way: a loop that nobody runs does not fill up.
void ControlQueue::called_by_loop() {
  // Jobs are the control thread's alone: another that turns the loop leaves them to it, here and when
  // the alarm goes off.
  if (!on_control_thread()) return loop_.post([this] { called_by_loop(); });
  {
    LockGuard guard{mutex_};
    woken_ = false;
  }
  run_pending();
}

void ControlQueue::post_after_grace(const char* what, Job job) {
  {
    LockGuard guard{mutex_};
    later_.push_back({domain_.token(), {what, std::move(job)}});
    ++changes_;
    something_.notify_all();
  }
  again_.set(from_now_ns(kGracePoll));
}

void ControlQueue::reclaim_soon() {
  constexpr int kLongestChain = 4;  // a region's control block lets its block go, which lets its gate go
  reclaim(kLongestChain);
}

void ControlQueue::reclaim(int rounds) {
  post_after_grace("free what was dropped", [this, rounds] {
    domain_.poll();
    if (rounds > 1 && domain_.garbage().objects != 0) reclaim(rounds - 1);
  });
}

void ControlQueue::bind_here() {
  LockGuard guard{mutex_};
  control_ = std::this_thread::get_id();
  ++changes_;
  something_.notify_all();
}

bool ControlQueue::on_control_thread() const {
  LockGuard guard{mutex_};
  return control_ == std::this_thread::get_id();
}

std::size_t ControlQueue::run_pending() {
  return run_until([] { return false; });
}

std::size_t ControlQueue::run_until(const std::function<bool()>& done) {
  if (running_job != nullptr) return 0;  // one at a time: the loop further up goes on
  HF_CHECK(on_control_thread(), "control queue: a thread that is not the control thread runs jobs");
  std::size_t jobs = 0;
  const std::size_t before = queued();
  for (take_due(); (jobs < before || !done()) && run_one(); take_due()) ++jobs;
  if (is_something_later()) again_.set(from_now_ns(kGracePoll));
  return jobs;
}

std::size_t ControlQueue::queued() const {
  LockGuard guard{mutex_};
  return items_.size();
}

bool ControlQueue::is_something_later() const {
  LockGuard guard{mutex_};
  return !later_.empty();
}

bool ControlQueue::run_one() {
  Item item{};
  {
    LockGuard guard{mutex_};
    if (items_.empty()) return false;
    item = std::move(items_.front());
    items_.pop_front();
  }
  HF_CHECK(!gate::Activity::current().inside_any(), "control job '{}' inside a gate", item.what);
  HF_SCHEDULE_POINT("hw.control.before_job");
  running_job = item.what;
  item.job();
  item.job = nullptr;  // what it holds may be the last of its kind
  running_job = nullptr;
  HF_SCHEDULE_POINT("hw.control.after_job");
  changed();
  return true;
}

void ControlQueue::take_due() {
  LockGuard guard{mutex_};
  for (auto it = later_.begin(); it != later_.end();) {
    if (domain_.passed(it->token)) {
      items_.push_back(std::move(it->item));
      it = later_.erase(it);
    } else {
      ++it;
    }
  }
}

void ControlQueue::changed() {
  LockGuard guard{mutex_};
  ++changes_;
  something_.notify_all();
}

std::uint64_t ControlQueue::changes() const {
  LockGuard guard{mutex_};
  return changes_;
}

void ControlQueue::wait_until(const std::function<bool()>& done) { wait(done, {}); }

bool ControlQueue::wait_until(const std::function<bool()>& done, std::chrono::milliseconds limit) {
  return wait(done, std::chrono::steady_clock::now() + limit);
}

bool ControlQueue::wait(const std::function<bool()>& done, Deadline limit) {
  rcu::check_may_wait("waiting for the control queue");
  const bool here = on_control_thread();
  for (;;) {
    const std::uint64_t seen = changes();
    if (here) run_until(done);
    if (done()) return true;
    if (limit && std::chrono::steady_clock::now() >= *limit) return false;
    wait_for_change(seen, limit);
  }
}

void ControlQueue::wait_for_change(std::uint64_t seen, Deadline limit) {
  LockGuard guard{mutex_};
  if (changes_ != seen) return;
  const auto now = std::chrono::steady_clock::now();
  auto until = limit.value_or(now + std::chrono::hours{1});
  if (!later_.empty()) until = std::min(until, now + kGracePoll);
  if (until > now) something_.wait_for(mutex_, until - now);
}

std::size_t ControlQueue::size() const {
  LockGuard guard{mutex_};
  return items_.size() + later_.size();
}

}  // namespace holdfast::hw
