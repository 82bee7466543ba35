// SPDX-License-Identifier: Apache-2.0
#include "holdfast/base/mutex.hpp"

#include <array>
#include <utility>

#include "holdfast/base/check.hpp"

namespace holdfast {

#ifdef HOLDFAST_DEBUG
namespace {

struct Held {
  std::array<const Mutex*, 16> mutexes{};
  std::size_t count = 0;
  const char* no_locks = nullptr;  // where the thread is, if it must lock nothing there
};

Held& held() {
  thread_local Held held;
  return held;
}

void note_acquired(const Mutex& mutex) {
  Held& mine = held();
  HF_CHECK(mine.count < mine.mutexes.size(), "lock '{}': too many locks held at once", mutex.name());
  mine.mutexes[mine.count++] = &mutex;
}

void check_order(const Mutex& mutex) {
  const Held& mine = held();
  HF_CHECK(mine.no_locks == nullptr, "lock '{}' is wanted in {}", mutex.name(), mine.no_locks);
  for (std::size_t i = 0; i < mine.count; ++i)
    HF_CHECK(mine.mutexes[i]->rank() < mutex.rank(),
             "lock order: '{}' is wanted while '{}' is held", mutex.name(),
             mine.mutexes[i]->name());
}

void note_released(const Mutex& mutex) {
  Held& mine = held();
  for (std::size_t i = mine.count; i-- > 0;) {
    if (mine.mutexes[i] != &mutex) continue;
    for (std::size_t j = i + 1; j < mine.count; ++j) mine.mutexes[j - 1] = mine.mutexes[j];
    --mine.count;
    return;
  }
  HF_CHECK(false, "lock '{}' is released by a thread that does not hold it", mutex.name());
}

}  // namespace

int lock_order::held_count() { return static_cast<int>(held().count); }
const char* lock_order::innermost() {
  return held().count == 0 ? nullptr : held().mutexes[held().count - 1]->name();
}

lock_order::NoLocks::NoLocks(const char* where) : outer_{std::exchange(held().no_locks, where)} {}
lock_order::NoLocks::~NoLocks() { held().no_locks = outer_; }
#else
namespace {
void note_acquired(const Mutex&) {}
void check_order(const Mutex&) {}
void note_released(const Mutex&) {}
}  // namespace
int lock_order::held_count() { return 0; }
const char* lock_order::innermost() { return nullptr; }
#endif

void Mutex::lock() HF_NO_THREAD_SAFETY_ANALYSIS {
  check_order(*this);
  mutex_.lock();
  note_acquired(*this);
}

bool Mutex::try_lock() HF_NO_THREAD_SAFETY_ANALYSIS {
  if (!mutex_.try_lock()) return false;
  note_acquired(*this);
  return true;
}

void Mutex::unlock() HF_NO_THREAD_SAFETY_ANALYSIS {
  note_released(*this);
  mutex_.unlock();
}

}  // namespace holdfast
