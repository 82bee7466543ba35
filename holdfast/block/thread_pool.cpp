// SPDX-License-Identifier: Apache-2.0
#include "holdfast/block/thread_pool.hpp"

#include <deque>
#include <thread>
#include <utility>
#include <vector>

#include "holdfast/base/mutex.hpp"
#include "holdfast/base/schedule_point.hpp"

namespace holdfast::block {

IoResult cancelled() {
  return std::unexpected{IoError{Failure::kCancelled, "nobody wanted it any more"}};
}

std::optional<IoResult> settled(const Request& request) {
  if (request.is_cancelled()) return cancelled();
  return request.decision();
}

/// What the threads share; theirs as long as one of them runs.
struct ThreadPool::Crew {
  Crew(Perform does, std::size_t at_most) : perform{std::move(does)}, most{at_most} {}

  static void work(const std::shared_ptr<Crew>& crew);
  /// The next request; null at the end.
  Ref<Request> next();

  const Perform perform;
  const std::size_t most;
  Mutex mutex{LockRank::kLeaf, "block thread pool"};
  ConditionVariable something;
  std::deque<Ref<Request>> waiting HF_GUARDED_BY(mutex);
  std::size_t idle HF_GUARDED_BY(mutex) = 0;
  bool over HF_GUARDED_BY(mutex) = false;
  std::vector<std::thread> threads HF_GUARDED_BY(mutex);
};

Ref<Request> ThreadPool::Crew::next() {
  LockGuard guard{mutex};
  ++idle;
  while (waiting.empty() && !over) something.wait(mutex);
  --idle;
  if (waiting.empty()) return {};
  auto request = std::move(waiting.front());
  waiting.pop_front();
  return request;
}

void ThreadPool::Crew::work(const std::shared_ptr<Crew>& crew) {
  while (auto request = crew->next()) {
    HF_SCHEDULE_POINT("block.pool.before_request");
    const auto early = settled(*request);
    const IoResult result = early ? *early : crew->perform(request->order());
    HF_SCHEDULE_POINT("block.pool.performed");
    request->finish(result);
  }
}

ThreadPool::ThreadPool(Perform perform, std::size_t most_threads)
    : crew_{std::make_shared<Crew>(std::move(perform), most_threads)} {}

ThreadPool::~ThreadPool() {
  std::vector<std::thread> threads;
  {
    LockGuard guard{crew_->mutex};
    crew_->over = true;
    threads = std::move(crew_->threads);
    crew_->something.notify_all();
  }
  for (std::thread& thread : threads) {
    if (thread.get_id() == std::this_thread::get_id())
      thread.detach();
    else
      thread.join();
  }
}

void ThreadPool::start(Ref<Request> request) {
  Crew& crew = *crew_;
  {
    LockGuard guard{crew.mutex};
    crew.waiting.push_back(std::move(request));
    if (crew.idle < crew.waiting.size() && crew.threads.size() < crew.most)
      return static_cast<void>(
          crew.threads.emplace_back([shared = crew_] { Crew::work(shared); }));
    if (crew.idle == 0) return;  // all look for more before they sleep
  }
  crew.something.notify_one();  // without the lock, which is the first thing that it wants
}

}  // namespace holdfast::block
