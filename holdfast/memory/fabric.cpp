// SPDX-License-Identifier: Apache-2.0
#include "holdfast/memory/fabric.hpp"

#include "holdfast/base/check.hpp"
#include "holdfast/base/log.hpp"
#include "holdfast/memory/fabric_write.hpp"
#include "holdfast/memory/region.hpp"

namespace holdfast::memory {
namespace {

// What a dropped node stands for in the domain's budget.
constexpr std::size_t kNodeBytes = 1024;

}  // namespace

Fabric::Fabric(gate::Realm& realm, const MapTuning& tuning)
    : realm_{realm}, map_{std::make_unique<Map>(*this, tuning)} {}

Fabric::~Fabric() {
  realm_.domain().barrier();  // what was retired refers to the map's pools
  HF_CHECK(controls_.load(std::memory_order_relaxed) == 0,
           "'{}': {} regions or address spaces outlive their fabric", realm_.name(),
           controls_.load(std::memory_order_relaxed));
}

Result<Fabric::Published> Fabric::commit(Transaction transaction) {
  if (transaction.empty()) return Published{};
  return write([&](Map& map) { return map.commit(transaction); });
}

void Fabric::post(Transaction transaction) {
  auto perform = [this, edits = std::move(transaction)]() mutable {
    const auto done = commit(std::move(edits));
    if (!done)
      log::warn("{}: {}", realm_.name(), done.error().message);
    else if (done->ram_changed)
      settle();
  };
  if (may_write_now())
    perform();
  else
    gate::Activity::current().outbox().post(gate::Outbox::Kind::kOther, std::move(perform));
}

void Fabric::settle() {
  if (!rcu::inside_any()) realm_.domain().synchronize();
}

std::optional<Fabric::Occupant> Fabric::occupant(const MemoryRegion& container, Extent extent,
                                                 std::int32_t priority) {
  return write([&](Map&) {
    std::optional<Occupant> found;
    const auto& children = container.control()->node().children;
    if (!children) return found;
    children->meeting(extent, [&](const ChildIndex::Entry& entry) {
      if (entry.child->node().priority == priority)
        found = Occupant{.name = entry.child->name(), .extent = entry.extent()};
      return !found;
    });
    return found;
  });
}

Fabric::Footprint Fabric::footprint() {
  return write([](Map& map) { return map.footprint(); });
}

void Fabric::retire(Dropped& dropped) {
  rcu::Domain& domain = realm_.domain();
  if (!dropped.empty()) {
    if (dropped.nodes.size() == 1 && dropped.views.empty() && dropped.link_sets.empty()) {
      const std::size_t bytes = dropped.nodes.front().size() * kNodeBytes;
      domain.retire(
          this, [nodes = std::move(dropped.nodes.front())](Fabric*) mutable { nodes.run(); },
          bytes);
    } else {
      std::size_t bytes = 0;
      for (const auto& nodes : dropped.nodes) bytes += nodes.size() * kNodeBytes;
      auto* all = new Dropped{std::move(dropped)};
      domain.retire(all, [](Dropped* what) { delete what; }, bytes);
    }
  }
  if (!domain.over_budget()) return;
  if (rcu::may_wait())
    domain.pace();
  else
    domain.poll();
}

}  // namespace holdfast::memory
