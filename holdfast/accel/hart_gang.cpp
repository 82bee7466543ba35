// SPDX-License-Identifier: Apache-2.0
#include "holdfast/accel/hart_gang.hpp"

#include <algorithm>

#include "holdfast/base/check.hpp"

namespace holdfast::accel {

void HartGang::hold() {
  const LockGuard guard{mutex_};
  ++pauses_;
  for (HartThread* hart : harts_) hart->request_pause();
}

// The harts are asked all at once and then waited for, so that a slice is waited for once.
void HartGang::pause() {
  hold();
  std::vector<HartThread*> harts;
  {
    const LockGuard guard{mutex_};
    harts = harts_;
  }
  for (HartThread* hart : harts) hart->wait_paused();
}

void HartGang::resume() {
  const LockGuard guard{mutex_};
  HF_CHECK(pauses_ > 0, "the harts are resumed, but not paused");
  --pauses_;
  for (HartThread* hart : harts_) hart->resume();
}

void HartGang::join(HartThread& hart) {
  const LockGuard guard{mutex_};
  for (unsigned i = 0; i < pauses_; ++i) hart.request_pause();
  harts_.push_back(&hart);
}

void HartGang::leave(HartThread& hart) {
  const LockGuard guard{mutex_};
  std::erase(harts_, &hart);
}

}  // namespace holdfast::accel
