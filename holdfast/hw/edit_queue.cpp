// SPDX-License-Identifier: Apache-2.0
#include "holdfast/hw/edit_queue.hpp"

#include <utility>

#include "holdfast/base/log.hpp"
#include "holdfast/base/schedule_point.hpp"
#include "holdfast/gate/activity.hpp"
#include "holdfast/hw/control_queue.hpp"

namespace holdfast::hw {

Ref<EditQueue> EditQueue::make(memory::Fabric& fabric, std::string who) {
  return Ref<EditQueue>::adopt(new EditQueue{fabric, std::move(who)});
}

void EditQueue::post(memory::Transaction map) {
  if (map.empty()) return;
  std::uint64_t number = 0;
  {
    const LockGuard guard{mutex_};
    queue_.push_back({std::move(map), gate::Activity::current().makers()});
    number = ++queued_;
  }
  gate::Activity::current().outbox().post(
      gate::Outbox::Kind::kOther,
      [queue = Ref<EditQueue>::share(this), number] { queue->commit_up_to(number); });
}

// Whoever changes what RAM shows waits until nobody sees it where it was; a job does not wait, and the
// CPUs are paused then, or will see it at their slice's end.
void EditQueue::commit_up_to(std::uint64_t number) {
  HF_SCHEDULE_POINT("hw.edits.before_commit");
  bool moved_ram = false;
  {
    const LockGuard guard{mutex_};
    while (must_wait_for(number)) {
      HF_SCHEDULE_POINT("hw.edits.waiting");
      moved_.wait(mutex_);
    }
    if (committed_ < number) commit_all();
    moved_ram = moved_ram_ >= number;
  }
  if (moved_ram && ControlQueue::current_job() == nullptr) fabric_.settle();
}

Result<memory::Fabric::Published> EditQueue::commit(Edit edit) {
  const gate::Activity::Behalf makers{gate::Activity::current(), edit.makers};
  return fabric_.commit(std::move(edit.map));
}

void EditQueue::commit_all() {
  committing_ = true;
  while (!queue_.empty()) {
    Edit edit = std::move(queue_.front());
    queue_.pop_front();
    mutex_.unlock();
    HF_SCHEDULE_POINT("hw.edits.committing");
    const auto done = commit(std::move(edit));
    if (!done) log::warn("{}: the map stays as it is: {}", who_, done.error().message);
    mutex_.lock();
    ++committed_;
    if (done && done->ram_changed) moved_ram_ = committed_;
    moved_.notify_all();
  }
  committing_ = false;
  moved_.notify_all();
}

}  // namespace holdfast::hw
