// SPDX-License-Identifier: Apache-2.0
#include "holdfast/memory/bounce.hpp"

#include <algorithm>
#include <utility>

#include "holdfast/base/check.hpp"
#include "holdfast/gate/gate.hpp"

namespace holdfast::memory {

BounceBudget::~BounceBudget() {
  LockGuard guard{mutex_};
  HF_CHECK(free_ == total_, "bounce budget: {} bytes are still in use", total_ - free_);
}

std::size_t BounceBudget::take(std::size_t wanted) {
  LockGuard guard{mutex_};
  const std::size_t granted = std::min(wanted, free_);
  free_ -= granted;
  return granted;
}

void BounceBudget::give_back(const std::shared_ptr<BounceBudget>& budget, std::size_t bytes) {
  {
    LockGuard guard{budget->mutex_};
    budget->free_ += bytes;
    if (budget->waiters_.empty()) return;
  }
  gate::Activity::current().outbox().post(gate::Outbox::Kind::kOther,
                                          [budget] { budget->wake_waiters(); });
}

void BounceBudget::wake_waiters() {
  std::vector<std::move_only_function<void()>> woken;
  {
    LockGuard guard{mutex_};
    woken = std::exchange(waiters_, {});
  }
  for (auto& wake : woken) wake();
}

void BounceBudget::when_room(std::move_only_function<void()> wake) {
  {
    LockGuard guard{mutex_};
    if (free_ == 0) {
      waiters_.push_back(std::move(wake));
      return;
    }
  }
  wake();
}

void BounceBudget::forget_waiters() {
  std::vector<std::move_only_function<void()>> forgotten;
  LockGuard guard{mutex_};
  std::swap(forgotten, waiters_);
}

std::size_t BounceBudget::in_use() const {
  LockGuard guard{mutex_};
  return total_ - free_;
}

}  // namespace holdfast::memory
