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
  auto seat = std::make_unique<Seat>(*this, hart, events);
  hart.set_waker(seat.get());
  bool first = false;
  {
    const LockGuard lock{mutex_};
    HF_CHECK(seats_.empty() || clock_ == &clock, "hart {}: of another machine", hart.id());
    clock_ = &clock;
    first = seats_.empty();
    seats_.push_back(std::move(seat));
  }
  if (first) clock.set_stepper(this);
  changed_.notify_all();
  if (!thread_.joinable()) thread_ = std::thread{[this] { main(); }};
}

void HartRota::remove(Hart& hart) {
  HF_CHECK(std::this_thread::get_id() != thread_.get_id(), "hart {}: removes itself", hart.id());
  std::unique_ptr<Seat> seat;
  {
    const LockGuard lock{mutex_};
    const auto found =
        std::ranges::find_if(seats_, [&](const auto& other) { return &other->hart == &hart; });
    if (found == seats_.end()) return;
    seat = std::move(*found);
    const auto index = static_cast<std::size_t>(found - seats_.begin());
    if (index == position_) fresh_turn_ = true;
    if (index < position_) --position_;
    seats_.erase(found);
  }
  hart.request_stop();
  hw::VirtualClock* left_alone = nullptr;
  {
    const LockGuard lock{mutex_};
    while (current_ == seat.get() || between_rounds_) changed_.wait(mutex_);
    if (seats_.empty()) left_alone = std::exchange(clock_, nullptr);
  }
  if (left_alone != nullptr) left_alone->set_stepper(nullptr);
  hart.set_waker(nullptr);
}

void HartRota::request_pause() {
  const LockGuard lock{mutex_};
  ++pauses_;
  if (current_ != nullptr) current_->hart.request_stop();
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
  // Whoever paused them may have changed what they wait for.
  for (const auto& seat : seats_) seat->called.store(true, std::memory_order_relaxed);
  changed_.notify_all();
}

void HartRota::Seat::wake() {
  called.store(true, std::memory_order_seq_cst);
  rota.wake();
}

void HartRota::wake() {
  // Sequentially consistent: see Signals::set_pin.
  if (!asleep_.load(std::memory_order_seq_cst)) return;
  const LockGuard lock{mutex_};
  woken_ = true;
  changed_.notify_all();
}

bool HartRota::next(Seat*& seat) {
  const LockGuard lock{mutex_};
  while (!may_run() && !ending_) {
    busy_ = false;
    changed_.notify_all();
    changed_.wait(mutex_);
  }
  busy_ = true;
  seat = nullptr;
  if (ending_) return false;
  now_ns_ = clock_->now_ns();
  if (fresh_turn_)
    while (position_ < seats_.size() && is_passed_over(*seats_[position_])) ++position_;
  between_rounds_ = position_ >= seats_.size();
  if (between_rounds_) return true;
  current_ = seat = seats_[position_].get();
  if (std::exchange(fresh_turn_, false)) begin_turn(*seat);
  return true;
}

// For a hart that idles the answer must not depend on who called it, or when: pauses do so, too. It
// depends on interrupts that have come since its turn began, for each of which it was called.
bool HartRota::is_passed_over(Seat& seat) const {
  if (seat.rest == Rest::kNone || now_ns_ >= seat.wakes_at_ns) return false;
  if (seat.rest == Rest::kIdles && round_ >= seat.next_round) return false;
  if (!seat.called.load(std::memory_order_relaxed)) return true;
  if (seat.rest == Rest::kWaits) return false;
  seat.called.exchange(false, std::memory_order_seq_cst);
  return (seat.hart.pending() & ~seat.interrupts) == 0;
}

void HartRota::begin_turn(Seat& seat) {
  left_ = options_.slice;
  // Sequentially consistent: what it is called for from here on is seen by this turn or by the next.
  seat.called.exchange(false, std::memory_order_seq_cst);
  if (seat.rest == Rest::kIdles) seat.interrupts = seat.hart.pending();
  seat.hart.begin_turn();
}

void HartRota::run(Seat& seat) {
  const std::uint64_t before = seat.hart.retired();
  const Stop stop = seat.hart.run(left_);
  const std::uint64_t done = seat.hart.retired() - before;
  left_ -= std::min(left_, done);
  ran_ = ran_ || stop == Stop::kBudget || stop == Stop::kIdling || done != 0;
  seat.events.between_slices();
  if (stop == Stop::kHostCall && seat.events.host_call() == CpuEvents::Call::kDone) {
    ran_ = true;
    if (left_ != 0) return;  // goes on with its turn
  }
  if (stop == Stop::kRequested && left_ != 0) return;
  end_turn(seat, stop);
}

void HartRota::end_turn(Seat& seat, Stop stop) {
  worked_ = worked_ || stop == Stop::kBudget || left_ == 0;
  seat.rest = stop == Stop::kWaiting  ? Rest::kWaits
              : stop == Stop::kIdling ? Rest::kIdles
                                      : Rest::kNone;
  seat.idled = seat.rest == Rest::kIdles
                   ? std::clamp<std::uint64_t>(2 * seat.idled, 1, options_.longest_rest)
                   : 0;
  seat.next_round = round_ + seat.idled;
  seat.wakes_at_ns = hw::VirtualClock::kNever;
  if (seat.rest != Rest::kNone)
    if (const auto wakes = seat.events.wakes_at_ns(); wakes && *wakes > now_ns_)
      seat.wakes_at_ns = *wakes;
  const LockGuard lock{mutex_};
  if (position_ >= seats_.size() || seats_[position_].get() != current_) return;  // it was removed
  ++position_;
  fresh_turn_ = true;
}

void HartRota::end_round() {
  const bool ran = std::exchange(ran_, false);
  const bool worked = std::exchange(worked_, false);
  ++round_;
  std::vector<Seat*> seats;  // whoever leaves waits until this is over
  hw::VirtualClock* clock = nullptr;
  {
    const LockGuard lock{mutex_};
    position_ = 0;
    if (seats_.empty()) return;
    clock = clock_;
    if (!worked)
      for (const auto& seat : seats_) seats.push_back(seat.get());
  }
  if (!worked && end_rests(seats, round_) && !ran) return;  // before any time goes by
  if (!ran) return idle(seats, *clock);
  clock->step_to(clock->now_ns() + options_.slice * options_.ns_per_instruction);
}

bool HartRota::end_rests(const std::vector<Seat*>& seats, std::uint64_t round) {
  bool some = false;
  for (Seat* seat : seats) {
    if (seat->rest != Rest::kIdles) continue;
    seat->next_round = round;
    some = true;
  }
  return some;
}

bool HartRota::can_run(const Seat* seat) {
  if (seat->hart.stop_requested()) return true;
  return !seat->hart.at_host_call() && seat->hart.wake_pending();
}

// Whoever changes what is looked at here wakes the thread behind that: nothing is missed once
// `asleep_` is set.
void HartRota::idle(const std::vector<Seat*>& seats, hw::VirtualClock& clock) {
  {
    const LockGuard lock{mutex_};
    woken_ = false;
  }
  asleep_.store(true, std::memory_order_seq_cst);
  const std::uint64_t now = clock.now_ns();
  std::uint64_t event = clock.next_deadline_ns().value_or(hw::VirtualClock::kNever);
  for (const Seat* seat : seats)
    if (const auto wakes = seat->events.wakes_at_ns()) event = std::min(event, *wakes);
  const std::uint64_t wait = std::max(event, now) - now;
  const std::uint64_t slept = sleep(seats, wait);
  asleep_.store(false, std::memory_order_seq_cst);
  clock.step_to(now + std::min(slept, wait));
}

std::uint64_t HartRota::sleep(const std::vector<Seat*>& seats, std::uint64_t most_ns) {
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
  Seat* seat = nullptr;
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
