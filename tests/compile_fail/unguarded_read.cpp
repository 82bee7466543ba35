// SPDX-License-Identifier: Apache-2.0
// What a mutex guards is not read without it: clang's analysis sees our annotations.
#include "holdfast/base/mutex.hpp"

class Counter {
 public:
  int value() {
#ifndef MUST_NOT_COMPILE
    const holdfast::LockGuard guard{mutex_};
#endif
    return value_;
  }

 private:
  holdfast::Mutex mutex_{holdfast::LockRank::kLeaf, "counter"};
  int value_ HF_GUARDED_BY(mutex_) = 0;
};

int main() { return Counter{}.value(); }
