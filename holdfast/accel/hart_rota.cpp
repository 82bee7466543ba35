// SPDX-License-Identifier: Apache-2.0
#include "holdfast/accel/hart_rota.hpp"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "holdfast/base/check.hpp"

namespace holdfast::accel {

using cpu::riscv::Hart;
using cpu::riscv::Stop;

HartRota::~HartRota() {
  {
    const LockGuard lock{mutex_};
    HF_CHECK(seats_.empty(), "hart rota: ends with {} harts", seats_.size());
    ending_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void HartRota::add(Hart& hart, CpuEvents& events, hw::VirtualClock& clock) {
  HF_CHECK(clock.pace() == hw::VirtualClock::Pace::kStepped,
           "hart {}: harts that take turns go by a stepped clock", hart.id());
  hart.set_waker(this);
  bool first = false;
  {
    const LockGuard lock{mutex_};
    HF_CHECK(seats_.empty() || clock_ == &clock, "hart {}: of another machine", hart.id());
    clock_ = &clock;
    first = seats_.empty();
    seats_.push_back({&hart, &events});
  }
  if (first) clock.set_stepper(this);
  changed_.notify_all();
  if (!thread_.joinable()) thread_ = std::thread{[this] { main(); }};
}

void HartRota::remove(Hart& hart) {
  HF_CHECK(std::this_thread::get_id() != thread_.get_id(), "hart {}: removes itself", hart.id());
  {
    const LockGuard lock{mutex_};
    const auto found = std::ranges::find(seats_, &hart, &Seat::hart);
    if (found == seats_.end()) return;
    const auto index = static_cast<std::size_t>(found - seats_.begin());
    if (index == position_) fresh_turn_ = true;
    if (index < position_) --position_;
    seats_.erase(found);
  }
  hart.request_stop();
  hw::VirtualClock* left_alone = nullptr;
  {
    const LockGuard lock{mutex_};
    while (current_ == &hart || between_rounds_) changed_.wait(mutex_);
    if (seats_.empty()) left_alone = std::exchange(clock_, nullptr);
  }
  if (left_alone != nullptr) left_alone->set_stepper(nullptr);
  hart.set_waker(nullptr);
}

void HartRota::request_pause() {
  const LockGuard lock{mutex_};
  ++pauses_;
  if (current_ != nullptr) current_->request_stop();
  changed_.notify_all();
}

void HartRota::wait_paused() {
  HF_CHECK(std::this_thread::get_id() != thread_.get_id(), "the harts' thread waits for itself");
  const LockGuard lock{mutex_};
  while (busy_) changed_.wait(mutex_);
}

void HartRota::resume() {
  const LockGuard lock{mutex_};
  HF_CHECK(pauses_ > 0, "the harts are resumed, but not paused");
  --pauses_;
  changed_.notify_all();
}

void HartRota::wake() {
  // Sequentially consistent: see Signals::set_pin.
  if (!asleep_.load(std::memory_order_seq_cst)) return;
  const LockGuard lock{mutex_};
  woken_ = true;
  changed_.notify_all();
}

bool HartRota::next(std::optional<Seat>& seat) {
  const LockGuard lock{mutex_};
  while (!may_run() && !ending_) {
    busy_ = false;
    changed_.notify_all();
    changed_.wait(mutex_);
  }
  busy_ = true;
  seat.reset();
  if (ending_) return false;
  between_rounds_ = position_ >= seats_.size();
  if (between_rounds_) return true;
  if (fresh_turn_) left_ = options_.slice;
  fresh_turn_ = false;
  seat = seats_[position_];
  current_ = seat->hart;
  return true;
}

void HartRota::run(const Seat& seat) {
  const std::uint64_t before = seat.hart->retired();
  const Stop stop = seat.hart->run(left_);
  const std::uint64_t done = seat.hart->retired() - before;
  left_ -= std::min(left_, done);
  ran_ = ran_ || stop == Stop::kBudget || done != 0;
  seat.events->between_slices();
  if (stop == Stop::kHostCall && seat.events->host_call() == CpuEvents::Call::kDone) {
    ran_ = true;
    if (left_ != 0) return;  // goes on with its turn
  }
  if (stop == Stop::kRequested && left_ != 0) return;
  end_turn();
}

void HartRota::end_turn() {
  const LockGuard lock{mutex_};
  if (position_ >= seats_.size() || seats_[position_].hart != current_) return;  // it was removed
  ++position_;
  fresh_turn_ = true;
}

void HartRota::end_round() {
  std::vector<Seat> seats;  // whoever leaves waits until this is over
  hw::VirtualClock* clock = nullptr;
  {
    const LockGuard lock{mutex_};
    position_ = 0;
    seats = seats_;
    clock = clock_;
  }
  if (seats.empty()) return;
  if (!std::exchange(ran_, false)) return idle(seats, *clock);
  clock->step_to(clock->now_ns() + options_.slice * options_.ns_per_instruction);
}

bool HartRota::can_run(const Seat& seat) {
  if (seat.hart->stop_requested()) return true;
  return !seat.hart->at_host_call() && seat.hart->wake_pending();
}

// Whoever changes what is looked at here wakes the thread behind that: nothing is missed once
// `asleep_` is set.
void HartRota::idle(const std::vector<Seat>& seats, hw::VirtualClock& clock) {
  {
    const LockGuard lock{mutex_};
    woken_ = false;
  }
  asleep_.store(true, std::memory_order_seq_cst);
  const std::uint64_t now = clock.now_ns();
  std::uint64_t event = clock.next_deadline_ns().value_or(hw::VirtualClock::kNever);
  for (const Seat& seat : seats)
    if (const auto wakes = seat.events->wakes_at_ns()) event = std::min(event, *wakes);
  const std::uint64_t wait = std::max(event, now) - now;
  const std::uint64_t slept = sleep(seats, wait);
  asleep_.store(false, std::memory_order_seq_cst);
  clock.step_to(now + std::min(slept, wait));
}

std::uint64_t HartRota::sleep(const std::vector<Seat>& seats, std::uint64_t most_ns) {
  using std::chrono::nanoseconds;
  constexpr auto kLongest = static_cast<std::uint64_t>(nanoseconds{std::chrono::hours{1}}.count());
  const nanoseconds most{static_cast<std::int64_t>(std::min(most_ns, kLongest))};
  const auto began = std::chrono::steady_clock::now();
  nanoseconds slept{0};
  const LockGuard lock{mutex_};
  while (may_run() && !ending_ && !woken_ && slept < most && std::ranges::none_of(seats, can_run)) {
    changed_.wait_for(mutex_, most - slept);
    slept = std::chrono::steady_clock::now() - began;
  }
  return static_cast<std::uint64_t>(slept.count());
}

void HartRota::main() {
  if (!options_.name.empty()) pthread_setname_np(pthread_self(), options_.name.c_str());
  std::optional<Seat> seat;
  while (next(seat)) {
    if (seat)
      run(*seat);
    else
      end_round();
    const LockGuard lock{mutex_};
    current_ = nullptr;
    between_rounds_ = false;
    changed_.notify_all();
  }
}

}  // namespace holdfast::accel
