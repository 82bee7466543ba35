// SPDX-License-Identifier: Apache-2.0
// An address space: a cheap handle onto a view, by which a bus master (a CPU, a device doing DMA, a
// tool) sees memory. It may be a member of anything, made before or after its root, and dropped at
// any time; listeners then get their region_del, and what the views need goes behind it.
//
// Made, re-rooted or dropped inside a gate, it follows when the thread has left its gates.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "holdfast/base/census.hpp"
#include "holdfast/memory/listener.hpp"
#include "holdfast/memory/region.hpp"
#include "holdfast/memory/view.hpp"

namespace holdfast::memory {

/// The control block of a space: what posted writes and subscriptions name. Once the space is
/// dropped it shows nothing. Whoever uses it holds a reference.
class SpaceControl final : public RefCounted<SpaceControl> {
 public:
  SpaceControl(Fabric& fabric, std::string name, std::uint16_t requester_id);

  const std::string& name() const { return name_; }
  std::uint16_t requester_id() const { return requester_id_; }
  Fabric& fabric() const { return fabric_; }

  /// The view seen now; valid inside the read section it was asked for in.
  const View& view() const { return *view_.load(std::memory_order_acquire); }
  /// Moves whenever what this space shows may have changed; never comes back to an earlier value.
  /// Take it before looking anything up; what was found is good while it stays.
  std::uint64_t stamp() const {
    for (;;) {
      const std::uint64_t base = base_.load(std::memory_order_acquire);  // before the view
      const std::uint64_t stamp = base + view().stamp();
      if (base % 2 == 0 && base_.load(std::memory_order_acquire) == base) [[likely]] return stamp;
      wait_for_view();
    }
  }
  /// Whether that is the stamp now, for a few loads and no call. It knows only views without links:
  /// false may mean that it does not know.
  bool surely_has(std::uint64_t stamp) const {
    const std::uint64_t base = base_.load(std::memory_order_acquire);
    const View& seen = view();
    return base + seen.generation() == stamp && !seen.ever_had_links() && base % 2 == 0 &&
           base_.load(std::memory_order_acquire) == base;
  }
  /// What an address shows, links followed. Inside a read section.
  FindResult find(std::uint64_t address) const;

 private:
  friend class RefCounted<SpaceControl>;
  friend class Map;
  ~SpaceControl();
  void last_reference_gone() noexcept { delete this; }
  static void wait_for_view();

  std::atomic<const View*> view_;
  // What the stamps of earlier views had reached; even. Odd while the view is being exchanged.
  std::atomic<std::uint64_t> base_{0};
  Fabric& fabric_;                      // outlives its spaces
  const std::uint16_t requester_id_;
  bool gone_ = false;         // the handle is dropped. LOCK: the writer's, and so all below
  bool rebound_ = false;      // in this commit
  MapNode* root_ = nullptr;
  ViewState* bound_ = nullptr;  // null: nothing
  PathStep step_;               // the path from the root to what the view shows: first step …
  std::vector<std::unique_ptr<PathStep>> steps_;  // … and further ones
  std::vector<Ref<SubscriptionControl>> subscriptions_;  // by priority
  const std::string name_;
  Counted counted_;
};

class AddressSpace {
 public:
  struct Init {
    std::string name;
    std::uint16_t requester_id = 0;
  };
  AddressSpace(Fabric& fabric, const MemoryRegion& root, Init init);
  AddressSpace(Fabric& fabric, Init init);  // sees nothing until a root is set
  ~AddressSpace();
  AddressSpace(const AddressSpace&) = delete;
  AddressSpace& operator=(const AddressSpace&) = delete;

  /// No region: sees nothing.
  void set_root(const MemoryRegion& root);

  const std::string& name() const { return control_->name(); }
  std::uint16_t requester_id() const { return control_->requester_id(); }
  Fabric& fabric() const { return control_->fabric(); }
  const View& view() const { return control_->view(); }
  std::uint64_t stamp() const { return control_->stamp(); }
  FindResult find(std::uint64_t address) const { return control_->find(address); }
  const Ref<SpaceControl>& control() const { return control_; }

  /// Waits until no reader can still see this space through anything older than now. Never inside a
  /// gate or section.
  void drain();

 private:
  Ref<SpaceControl> control_;
};

}  // namespace holdfast::memory
