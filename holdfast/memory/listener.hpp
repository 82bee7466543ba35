// SPDX-License-Identifier: Apache-2.0
// Those who follow an address space. Two roles, because they need different things:
//  * a layout listener is told each range that goes and comes (KVM slots, "where is this region");
//  * a translation listener is told which windows went stale (CPU caches).
// Both are called under the fabric's writer lock, inside the gate they subscribed with, after the
// new map is published. They may queue edits (Fabric::post), never commit.
#pragma once

#include <cstdint>
#include <span>

#include "holdfast/base/extent.hpp"
#include "holdfast/base/ref.hpp"
#include "holdfast/gate/gate.hpp"
#include "holdfast/memory/flat_range.hpp"

namespace holdfast::memory {

class AddressSpace;
class RegionControl;
class SubscriptionControl;

/// One range of an address space, with links followed. Valid during the call.
struct Section {
  Extent extent;                          // in the address space
  const RegionControl* region = nullptr;  // what shows there
  std::uint64_t offset = 0;               // of extent.first inside the region
  RangeFlags flags = RangeFlags::kNone;
  friend bool operator==(const Section&, const Section&) = default;
};

class LayoutListener {
 public:
  virtual ~LayoutListener() = default;
  virtual void begin() {}
  virtual void region_del(const Section& section) = 0;  // all of them first, ascending
  virtual void region_add(const Section& section) = 0;  // then these, ascending
  virtual void commit() {}
};

class TranslationListener {
 public:
  virtual ~TranslationListener() = default;
  /// Windows of the space whose contents may have changed; ascending, disjoint.
  virtual void stale(std::span<const Extent> windows) = 0;
};

/// A subscription of a listener to a space. Replays: every range is added when it begins and deleted
/// when it or the space ends. Of several listeners those of lower priority are told of additions
/// first and of deletions last.
///
/// Once it is destroyed the listener is not called again. Destroyed inside a gate (the listener's, so
/// that nobody is in it), it ends without deletions. Outlives its space or not, as it comes.
class Subscription {
 public:
  struct Init {
    Ref<gate::Gate> gate{};  // the listener's owner; none: called without
    int priority = 0;
  };
  Subscription(AddressSpace& space, LayoutListener& listener, Init init);
  Subscription(AddressSpace& space, LayoutListener& listener)
      : Subscription{space, listener, Init{}} {}
  Subscription(AddressSpace& space, TranslationListener& listener, Init init);
  Subscription(AddressSpace& space, TranslationListener& listener)
      : Subscription{space, listener, Init{}} {}
  ~Subscription();
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

 private:
  void begin();

  Ref<SubscriptionControl> control_;
};

}  // namespace holdfast::memory
