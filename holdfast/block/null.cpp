// SPDX-License-Identifier: Apache-2.0
#include "holdfast/block/null.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <deque>
#include <thread>
#include <utility>
#include <vector>

#include "holdfast/base/mutex.hpp"
#include "holdfast/base/schedule_point.hpp"
#include "holdfast/block/patience.hpp"
#include "holdfast/memory/guest_bytes.hpp"

namespace holdfast::block {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::hours kForever{1};  // it looks again then

void zero(std::span<std::byte> bytes) {
  static constexpr std::array<std::byte, 4096> kNothing{};
  while (!bytes.empty()) {
    const std::size_t length = std::min(bytes.size(), kNothing.size());
    memory::copy_guest_bytes(bytes.data(), kNothing.data(), length);
    bytes = bytes.subspan(length);
  }
}

}  // namespace

/// The thread and what it looks at; its own as long as it runs.
struct Null::Clerk {
  explicit Clerk(bool zeroes) : read_zeroes{zeroes} {}

  void run();
  /// What is due or cancelled; waits until something is. False at the end.
  bool take(std::vector<Finished>& due) HF_EXCLUDES(mutex);
  bool collect(std::vector<Finished>& due) HF_REQUIRES(mutex);
  /// Until something comes that it has not seen, or is due.
  void sleep(std::uint64_t seen) HF_EXCLUDES(mutex);
  IoResult perform(const Request& request) const;

  struct Waiting {
    Clock::time_point due;
    Ref<Request> request;
  };
  const bool read_zeroes;
  Mutex mutex{LockRank::kLeaf, "null back-end"};
  ConditionVariable something;
  std::deque<Waiting> waiting HF_GUARDED_BY(mutex);  // by time: all wait equally long
  std::atomic<std::uint64_t> news{0};  // changed with the lock held
  bool asleep HF_GUARDED_BY(mutex) = false;
  bool some_cancelled HF_GUARDED_BY(mutex) = false;
  bool over HF_GUARDED_BY(mutex) = false;
  bool begun HF_GUARDED_BY(mutex) = false;
  std::thread thread HF_GUARDED_BY(mutex);

  Patience patience;  // the thread's
};

void Null::Clerk::run() {
  std::vector<Finished> due;
  while (take(due)) {
    for (Finished& one : due) one.result = perform(*one.request);
    block::finish(due);
  }
}

bool Null::Clerk::take(std::vector<Finished>& due) {
  for (;;) {
    std::uint64_t seen = 0;
    bool is_idle = false;
    {
      LockGuard guard{mutex};
      if (collect(due)) return true;
      if (over) return false;
      seen = news.load(std::memory_order_relaxed);
      is_idle = waiting.empty();
    }
    const auto has_come = [&] { return news.load(std::memory_order_relaxed) != seen; };
    if (!is_idle || !patience.look_out(has_come)) sleep(seen);
  }
}

bool Null::Clerk::collect(std::vector<Finished>& due) {
  const auto now = Clock::now();
  while (!waiting.empty() && waiting.front().due <= now) {
    due.push_back({std::move(waiting.front().request)});
    waiting.pop_front();
  }
  if (std::exchange(some_cancelled, false)) {
    for (const Waiting& one : waiting)
      if (one.request->is_cancelled()) due.push_back({one.request});
    std::erase_if(waiting, [](const Waiting& one) { return one.request->is_cancelled(); });
  }
  return !due.empty();
}

void Null::Clerk::sleep(std::uint64_t seen) {
  LockGuard guard{mutex};
  if (news.load(std::memory_order_relaxed) != seen) return;
  const auto began = Clock::now();
  const bool is_idle = waiting.empty();
  asleep = true;
  something.wait_for(mutex, is_idle ? kForever : waiting.front().due - began);
  asleep = false;
  if (is_idle) patience.slept(Clock::now() - began);
}

IoResult Null::Clerk::perform(const Request& request) const {
  HF_SCHEDULE_POINT("block.null.before_request");
  if (const auto early = settled(request)) return *early;
  if (read_zeroes && request.order().kind == Order::Kind::kRead)
    for (const auto piece : request.order().bytes) zero(piece);
  return {};
}

Ref<Backend> Null::make(Options options) {
  return Ref<Backend>::adopt(new Null{std::move(options)});
}

Null::Null(Options options)
    : Backend{options.name},
      options_{std::move(options)},
      clerk_{std::make_shared<Clerk>(options_.read_zeroes)} {}

Null::~Null() {
  std::thread thread;
  {
    LockGuard guard{clerk_->mutex};
    clerk_->over = true;
    clerk_->news.fetch_add(1, std::memory_order_relaxed);
    thread = std::move(clerk_->thread);
    clerk_->something.notify_one();
  }
  if (!thread.joinable()) return;
  if (thread.get_id() == std::this_thread::get_id())
    thread.detach();
  else
    thread.join();
}

void Null::start(Ref<Request> request) {
  Clerk& clerk = *clerk_;
  {
    LockGuard guard{clerk.mutex};
    const bool is_early = settled(*request).has_value();
    if (is_early)  // on its way here, perhaps: who drops what is cancelled has been
      clerk.waiting.push_front({Clock::time_point::min(), std::move(request)});
    else
      clerk.waiting.push_back({Clock::now() + options_.latency, std::move(request)});
    const bool is_next = is_early || clerk.waiting.size() == 1;
    if (!std::exchange(clerk.begun, true))
      clerk.thread = std::thread{[shared = clerk_] { shared->run(); }};
    clerk.news.fetch_add(1, std::memory_order_relaxed);
    // It sleeps until the first is due.
    if (!is_next || !std::exchange(clerk.asleep, false)) return;
  }
  clerk.something.notify_one();  // without the lock, which is the first thing that it wants
}

void Null::drop_cancelled() {
  {
    LockGuard guard{clerk_->mutex};
    clerk_->some_cancelled = true;
    clerk_->news.fetch_add(1, std::memory_order_relaxed);
  }
  clerk_->something.notify_one();
}

Result<void> Null::read(std::uint64_t, std::span<std::byte> bytes) {
  if (options_.read_zeroes) zero(bytes);
  return {};
}

Result<void> Null::write(std::uint64_t, std::span<const std::byte>) { return {}; }

}  // namespace holdfast::block
