// SPDX-License-Identifier: Apache-2.0
// The fabric: what the memory of one machine shares. It has the writer lock, the views, and the only
// way to change the map: commit().
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "holdfast/base/extent.hpp"
#include "holdfast/base/mutex.hpp"
#include "holdfast/base/result.hpp"
#include "holdfast/gate/realm.hpp"
#include "holdfast/memory/map_tuning.hpp"
#include "holdfast/memory/transaction.hpp"
#include "holdfast/memory/view.hpp"

namespace holdfast::memory {

class Map;
class MemoryRegion;
class SpaceControl;
struct Dropped;
struct MapSnapshot;

class Fabric {
 public:
  explicit Fabric(gate::Realm& realm, const MapTuning& tuning = {});
  ~Fabric();  // no region, space or subscription may be left
  Fabric(const Fabric&) = delete;
  Fabric& operator=(const Fabric&) = delete;

  gate::Realm& realm() const { return realm_; }

  struct Published {
    bool changed = false;      // some view differs now
    bool ram_changed = false;  // some address no longer shows the RAM it showed: see settle()
  };
  /// Applies all edits and publishes every view that changed. On error nothing has happened. Takes
  /// the writer lock; never inside a gate or a listener's callback (use post() there).
  Result<Published> commit(Transaction transaction);
  /// From anywhere, also from callbacks: through the outbox, hence performed here and now if the
  /// thread is inside nothing. Errors are logged. Settles if RAM changed.
  void post(Transaction transaction);
  /// Waits until no reader sees RAM where it no longer is. Inside a read section it does nothing: the
  /// caller settles when it has left.
  void settle();

  /// Even; odd while views that link to each other are being published together.
  std::uint64_t publication() const { return publication_.load(std::memory_order_acquire); }

  /// Moves behind every store to a line of RAM that is marked as code (see StoreMarks).
  std::uint64_t code_stores() const { return code_stores_.load(std::memory_order_acquire); }
  void code_stored() { code_stores_.fetch_add(1, std::memory_order_release); }

  /// What spaces without a root see.
  const View& nothing() const { return nothing_; }

  struct Occupant {
    std::string name;  // of the region
    Extent extent;     // in the container
  };
  /// The first of a container's regions of that priority, shown or switched off, that meets an extent.
  std::optional<Occupant> occupant(const MemoryRegion& container, Extent extent, std::int32_t priority);

  struct Footprint {
    std::size_t flat_bytes = 0;   // nodes of flat trees
    std::size_t index_bytes = 0;  // nodes of child indexes
    std::size_t views = 0;
  };
  Footprint footprint();

  /// What these spaces see, and all that is below their roots. Takes the writer lock for as long.
  MapSnapshot snapshot(std::span<const Ref<SpaceControl>> spaces);

 private:
  friend class Map;
  friend class RegionControl;
  friend class SpaceControl;
  friend class AddressSpace;
  friend class Subscription;
  struct Nothing final : View {};

  /// Runs `change(Map&)` as one step of the writer, and what has to follow outside of its lock.
  template <class Change>
  auto write(Change&& change);
  template <class Change>
  void write_now(Change&& change);
  template <class Change>
  void write_later(Change change);
  void retire(Dropped& dropped);
  void count_control(int n) { controls_.fetch_add(n, std::memory_order_relaxed); }

  gate::Realm& realm_;  // outlives its fabric
  Nothing nothing_;
  std::atomic<std::uint64_t> publication_{0};
  std::atomic<std::int64_t> controls_{0};  // regions' and spaces' control blocks not yet freed
  // Alone on its line: every CPU reads it all the time.
  alignas(64) std::atomic<std::uint64_t> code_stores_{0};
  alignas(64) Mutex writer_{LockRank::kWriter, "map"};
  const std::unique_ptr<Map> map_ HF_PT_GUARDED_BY(writer_);
};

}  // namespace holdfast::memory
