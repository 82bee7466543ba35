// SPDX-License-Identifier: Apache-2.0
// Forces an interleaving: does something when a thread reaches a schedule point.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <utility>

#include "holdfast/base/schedule_point.hpp"

namespace holdfast::test {

/// For as long as it lives: the first thread to reach `point` runs `action` there, once. A test whose
/// point was not reached fails. One at a time in a process.
class AtPoint {
 public:
  AtPoint(const char* point, std::function<void()> action)
      : point_{point}, action_{std::move(action)} {
    schedule::set_hook(&AtPoint::reached, this);
  }
  ~AtPoint() {
    schedule::remove_hook();
    EXPECT_TRUE(taken_) << "schedule point not reached: " << point_;
  }
  AtPoint(const AtPoint&) = delete;
  AtPoint& operator=(const AtPoint&) = delete;

 private:
  static void reached(void* context, const char* point) {
    auto* self = static_cast<AtPoint*>(context);
    if (std::strcmp(point, self->point_) != 0) return;
    if (!self->taken_.exchange(true)) self->action_();
  }

  const char* point_;
  std::function<void()> action_;
  std::atomic<bool> taken_{false};
};

}  // namespace holdfast::test
