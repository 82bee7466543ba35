// SPDX-License-Identifier: Apache-2.0
// Edits of the map that one device makes, in force in the order in which the device decided on them.
//
// An edit decided inside the gate is committed when the thread has left it, and by then another thread
// may have been inside and decided otherwise. Committed as they come, the older decision could be the
// one that stays. So, as with the changes on a wire: edits are queued under the device's lock, one
// thread commits at a time, and a thread whose edit is behind another's waits, holding nothing. When
// the access that caused an edit returns, the edit is in force.
//
// A control block: it may outlive its device while somebody commits.
#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "holdfast/base/mutex.hpp"
#include "holdfast/base/ref.hpp"
#include "holdfast/gate/outbox.hpp"
#include "holdfast/memory/fabric.hpp"
#include "holdfast/memory/transaction.hpp"

namespace holdfast::hw {

class EditQueue final : public RefCounted<EditQueue> {
 public:
  /// `who` is a path, for messages.
  static Ref<EditQueue> make(memory::Fabric& fabric, std::string who);

  /// Inside the device's gate. Nothing happens for an empty transaction.
  void post(memory::Transaction map);

 private:
  friend class RefCounted<EditQueue>;
  EditQueue(memory::Fabric& fabric, std::string who) : fabric_{fabric}, who_{std::move(who)} {}
  ~EditQueue() = default;
  void last_reference_gone() noexcept { delete this; }
  struct Edit {
    memory::Transaction map;
    gate::GateSet makers;  // whoever commits it does so on their behalf
  };
  Result<memory::Fabric::Published> commit(Edit edit);
  void commit_up_to(std::uint64_t number);
  void commit_all() HF_REQUIRES(mutex_);
  bool must_wait_for(std::uint64_t number) const HF_REQUIRES(mutex_) {
    return committed_ < number && committing_;
  }

  memory::Fabric& fabric_;  // the machine's
  const std::string who_;
  Mutex mutex_{LockRank::kLeaf, "edits of a device"};
  ConditionVariable moved_;
  std::deque<Edit> queue_ HF_GUARDED_BY(mutex_);
  std::uint64_t queued_ HF_GUARDED_BY(mutex_) = 0;      // number of the newest
  std::uint64_t committed_ HF_GUARDED_BY(mutex_) = 0;   // of the last that is in force
  std::uint64_t moved_ram_ HF_GUARDED_BY(mutex_) = 0;   // of the last that changed what shows RAM
  bool committing_ HF_GUARDED_BY(mutex_) = false;
};

}  // namespace holdfast::hw
