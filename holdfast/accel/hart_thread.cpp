// SPDX-License-Identifier: Apache-2.0
#include "holdfast/accel/hart_thread.hpp"

#include <pthread.h>
#include <unistd.h>

#include <utility>

#include "holdfast/base/check.hpp"

namespace holdfast::accel {

using cpu::riscv::Stop;

HartThread::HartThread(cpu::riscv::Hart& hart, CpuEvents& events, Options options)
    : hart_{hart}, events_{events}, options_{std::move(options)} {
  hart_.set_waker(this);
}

HartThread::~HartThread() {
  stop();
  hart_.set_waker(nullptr);
}

void HartThread::start() {
  HF_CHECK(!thread_.joinable(), "hart {}: started twice", hart_.id());
  {
    const LockGuard lock{mutex_};
    state_ = State::kRunning;
  }
  thread_ = std::thread{[this] { main(); }};
}

void HartThread::stop() {
  {
    const LockGuard lock{mutex_};
    ending_ = true;
  }
  hart_.request_stop();
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void HartThread::request_pause() {
  {
    const LockGuard lock{mutex_};
    ++pauses_;
  }
  hart_.request_stop();
}

void HartThread::wait_paused() {
  HF_CHECK(std::this_thread::get_id() != thread_.get_id(), "hart {}: waits for itself", hart_.id());
  const LockGuard lock{mutex_};
  while (state_ == State::kRunning) changed_.wait(mutex_);
}

void HartThread::resume() {
  {
    const LockGuard lock{mutex_};
    HF_CHECK(pauses_ > 0, "hart {}: resumed, but not paused", hart_.id());
    --pauses_;
  }
  changed_.notify_all();
}

void HartThread::reset(std::uint64_t pc, std::uint64_t a0, std::uint64_t a1) {
  const LockGuard lock{mutex_};
  HF_CHECK(state_ != State::kRunning, "hart {}: reset while it runs", hart_.id());
  hart_.reset(pc, a0, a1);
}

void HartThread::wake() {
  // Sequentially consistent: see Signals::set_pin.
  if (!asleep_.load(std::memory_order_seq_cst)) return;
  { const LockGuard lock{mutex_}; }  // the sleeper has looked, or waits
  changed_.notify_all();
}

// With the lock: between setting it and waiting the sleeper has it.
bool HartThread::is_asleep() const {
  const LockGuard lock{mutex_};
  return asleep_.load(std::memory_order_relaxed);
}

bool HartThread::ready_to_run() {
  const LockGuard lock{mutex_};
  while (pauses_ != 0 && !ending_) {
    state_ = State::kPaused;
    changed_.notify_all();
    changed_.wait(mutex_);
  }
  state_ = State::kRunning;
  return !ending_;
}

void HartThread::sleep() {
  const LockGuard lock{mutex_};
  asleep_.store(true, std::memory_order_seq_cst);
  while (!ending_ && pauses_ == 0 && !hart_.stop_requested() && !hart_.wake_pending()) {
    if (const auto time = hart_.time_to_wake(); time && *time < std::chrono::hours{1})
      changed_.wait_for(mutex_, *time);
    else
      changed_.wait(mutex_);
  }
  asleep_.store(false, std::memory_order_seq_cst);
}

void HartThread::await_answer() {
  const LockGuard lock{mutex_};
  asleep_.store(true, std::memory_order_seq_cst);
  while (!ending_ && pauses_ == 0 && !hart_.stop_requested()) changed_.wait(mutex_);
  asleep_.store(false, std::memory_order_seq_cst);
}

void HartThread::main() {
  host_id_.store(gettid(), std::memory_order_relaxed);
  if (!options_.name.empty()) pthread_setname_np(pthread_self(), options_.name.c_str());
  while (ready_to_run()) {
    hart_.begin_turn();
    const Stop stop = hart_.run(options_.slice);
    events_.between_slices();
    if (stop == Stop::kIdling) std::this_thread::yield();  // to whom it waits for, perhaps
    if (stop == Stop::kWaiting) sleep();
    if (stop == Stop::kHostCall && events_.host_call() == CpuEvents::Call::kWaits) await_answer();
  }
  const LockGuard lock{mutex_};
  state_ = State::kEnded;
  changed_.notify_all();
}

}  // namespace holdfast::accel
