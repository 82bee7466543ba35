// SPDX-License-Identifier: Apache-2.0
#include "holdfast/accel/hart_gang.hpp"

#include <algorithm>

#include "holdfast/base/check.hpp"

namespace holdfast::accel {

HartGang::HartGang(Threads threads) {
  if (threads == Threads::kOneEach) return;
  rota_.emplace();
  join(*rota_);
}

void HartGang::hold() {
  const LockGuard guard{mutex_};
  ++pauses_;
  for (HartRunner* runner : runners_) runner->request_pause();
}

// The harts are asked all at once and then waited for, so that a slice is waited for once.
void HartGang::pause() {
  hold();
  std::vector<HartRunner*> runners;
  {
    const LockGuard guard{mutex_};
    runners = runners_;
  }
  for (HartRunner* runner : runners) runner->wait_paused();
}

void HartGang::resume() {
  const LockGuard guard{mutex_};
  HF_CHECK(pauses_ > 0, "the harts are resumed, but not paused");
  --pauses_;
  for (HartRunner* runner : runners_) runner->resume();
}

void HartGang::join(HartRunner& runner) {
  const LockGuard guard{mutex_};
  for (unsigned i = 0; i < pauses_; ++i) runner.request_pause();
  runners_.push_back(&runner);
}

void HartGang::leave(HartRunner& runner) {
  const LockGuard guard{mutex_};
  std::erase(runners_, &runner);
}

}  // namespace holdfast::accel
