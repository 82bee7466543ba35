// SPDX-License-Identifier: Apache-2.0
// The control block of a subscription: what the writer calls listeners through.
#pragma once

#include <atomic>
#include <span>
#include <utility>

#include "holdfast/base/census.hpp"
#include "holdfast/base/ref.hpp"
#include "holdfast/gate/gate.hpp"
#include "holdfast/memory/address_space.hpp"
#include "holdfast/memory/listener.hpp"

namespace holdfast::memory {

class SubscriptionControl final : public RefCounted<SubscriptionControl> {
 public:
  SubscriptionControl(Ref<SpaceControl> space, LayoutListener* layout,
                      TranslationListener* translation, Subscription::Init init);

  SpaceControl& space() const { return *space_; }
  int priority() const { return priority_; }

  /// The listener may go: no call begins after this.
  void end() { ended_.store(true, std::memory_order_release); }
  bool has_ended() const { return ended_.load(std::memory_order_acquire); }

  // LOCK: the fabric's writer lock.
  /// The first half of a change, in reverse order of priority …
  void delete_sections(std::span<const Section> sections) const;
  /// … and the second.
  void add_sections(std::span<const Section> sections, std::span<const Extent> windows) const;

 private:
  friend class RefCounted<SubscriptionControl>;
  ~SubscriptionControl() = default;
  void last_reference_gone() noexcept { delete this; }
  template <class Call>
  void call(Call&& call) const;

  const Ref<SpaceControl> space_;
  LayoutListener* const layout_;  // valid until ended
  TranslationListener* const translation_;
  const Ref<gate::Gate> gate_;
  const int priority_;
  std::atomic<bool> ended_{false};
  const Counted counted_;
};

}  // namespace holdfast::memory
