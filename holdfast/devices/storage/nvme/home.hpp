// SPDX-License-Identifier: Apache-2.0
// The way home for what other devices' requests bring a controller: a control block, which may outlive
// the controller and even its machine, and then leads nowhere.
#pragma once

#include <utility>

#include "holdfast/base/mutex.hpp"
#include "holdfast/base/ref.hpp"
#include "holdfast/gate/gate.hpp"

namespace holdfast::devices::nvme {

class Home final : public RefCounted<Home> {
 public:
  static Ref<Home> make(Ref<gate::Gate> gate) { return Ref<Home>::adopt(new Home{std::move(gate)}); }

  /// Performs `action` inside the gate, once this thread is inside no other; or never.
  template <class Action>
  static void go(const Ref<Home>& home, Action action) {
    gate::Activity::current().outbox().post(
        gate::Outbox::Kind::kOther, [home, action = std::move(action)]() mutable {
          home->visit([&action] { action(); });
        });
  }
  /// Whether this thread is at home.
  bool is_here() HF_EXCLUDES(mutex_);
  /// Leads nowhere any more. On return nobody is on the way through the gate.
  void drop() HF_EXCLUDES(mutex_);

 private:
  friend class RefCounted<Home>;
  explicit Home(Ref<gate::Gate> gate) : gate_{std::move(gate)} {}
  ~Home() = default;
  void last_reference_gone() noexcept { delete this; }
  template <class Action>
  void visit(Action action);
  Ref<gate::Gate> begin() HF_EXCLUDES(mutex_);
  void end(Ref<gate::Gate> gate) HF_EXCLUDES(mutex_);

  Mutex mutex_{LockRank::kLeaf, "way home to a controller"};
  ConditionVariable left_;
  Ref<gate::Gate> gate_ HF_GUARDED_BY(mutex_);
  int visitors_ HF_GUARDED_BY(mutex_) = 0;
};

template <class Action>
void Home::visit(Action action) {
  static constexpr gate::Use kUse{"completion of a namespace"};
  auto gate = begin();
  if (!gate) return;
  if (const gate::Pass pass{*gate, kUse, gate::Reentry::kAllow}; pass) action();
  end(std::move(gate));
}

inline Ref<gate::Gate> Home::begin() {
  LockGuard guard{mutex_};
  if (gate_) ++visitors_;
  return gate_;
}

inline void Home::end(Ref<gate::Gate> gate) {
  gate = {};  // the machine may end when the last visitor has left
  LockGuard guard{mutex_};
  --visitors_;
  left_.notify_all();
}

inline bool Home::is_here() {
  LockGuard guard{mutex_};
  return gate_ && gate_->entered_by_me();
}

inline void Home::drop() {
  Ref<gate::Gate> gate;  // let go outside of the lock
  LockGuard guard{mutex_};
  gate = std::exchange(gate_, {});
  while (visitors_ != 0) left_.wait(mutex_);
}

}  // namespace holdfast::devices::nvme
