// SPDX-License-Identifier: Apache-2.0
// How the handles of this folder get at the map: as one step of its writer.
#pragma once

#include <memory>
#include <utility>

#include "holdfast/base/check.hpp"
#include "holdfast/base/schedule_point.hpp"
#include "holdfast/gate/activity.hpp"
#include "holdfast/memory/fabric.hpp"
#include "holdfast/memory/map.hpp"

namespace holdfast::memory {

/// How many writer locks this thread holds: one while a listener is being called, else none.
inline constinit thread_local unsigned writer_locks_held = 0;

/// Whether this thread may take a writer lock: it is inside no gate and no listener's call.
inline bool may_write_now() {
  return !gate::Activity::current().inside_any() && writer_locks_held == 0;
}

template <class Change>
auto Fabric::write(Change&& change) {
  auto& activity = gate::Activity::current();
  HF_CHECK(!activity.inside_any(), "the map is edited inside the gate of '{}': post the edit",
           activity.innermost()->name());
  HF_CHECK(writer_locks_held == 0, "the map is edited in a listener's call: post the edit");
  // What listeners post is performed when the lock is released.
  const gate::Outbox::Deferral deferral{activity.outbox()};
  Dropped dropped;
  auto result = [&] {
    const LockGuard guard{writer_};
    ++writer_locks_held;
    HF_SCHEDULE_POINT("memory.writer.locked");
    auto answer = change(*map_);
    map_->take_dropped(dropped);
    --writer_locks_held;
    return answer;
  }();
  retire(dropped);
  return result;
}

template <class Change>
void Fabric::write_now(Change&& change) {
  write([&](Map& map) {
    change(map);
    return true;
  });
}

/// When the thread has left its gates.
template <class Change>
void Fabric::write_later(Change change) {
  gate::Activity::current().outbox().post(
      gate::Outbox::Kind::kOther,
      [this, change = std::move(change)]() mutable { write_now(change); });
}

}  // namespace holdfast::memory
