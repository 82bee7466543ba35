// SPDX-License-Identifier: Apache-2.0
#include "holdfast/memory/region_control.hpp"

#include <utility>

#include "holdfast/base/check.hpp"
#include "holdfast/memory/child_index.hpp"
#include "holdfast/memory/fabric.hpp"

namespace holdfast::memory {
namespace {

RangeFlags flags_of(RegionKind kind) {
  switch (kind) {
    case RegionKind::kRom:
      return RangeFlags::kReadOnly;
    case RegionKind::kRomDevice:
      return RangeFlags::kRomdDirect;
    default:
      return RangeFlags::kNone;
  }
}

bool needs_own_gate(const RegionControl::Init& init) { return init.handler && !init.gate; }

Ref<gate::Gate> gate_for(Fabric& fabric, RegionControl::Init& init) {
  if (!needs_own_gate(init)) return std::move(init.gate);
  auto gate = gate::Gate::make(fabric.realm(), init.name, init.own_locking);
  gate->open();
  return gate;
}

}  // namespace

const char* to_string(RegionKind kind) {
  switch (kind) {
    case RegionKind::kContainer:
      return "container";
    case RegionKind::kRam:
      return "RAM";
    case RegionKind::kRom:
      return "ROM";
    case RegionKind::kRomDevice:
      return "ROM device";
    case RegionKind::kMmio:
      return "MMIO region";
    case RegionKind::kAlias:
      return "alias";
    case RegionKind::kReservation:
      return "reservation";
  }
  return "region";
}

MapNode::MapNode(RegionKind what, std::uint64_t last_address, RangeFlags own_flags)
    : last{last_address}, kind{what}, flags{own_flags} {}

MapNode::~MapNode() = default;

Ref<RegionControl> RegionControl::make(Fabric& fabric, Init init) {
  return Ref<RegionControl>::adopt(new RegionControl{fabric, std::move(init)});
}

RegionControl::RegionControl(Fabric& fabric, Init init)
    : MapNode{init.kind, init.last, flags_of(init.kind)},
      may_reenter_{init.may_reenter},
      own_gate_{needs_own_gate(init)},
      plain_sizes_{static_cast<std::uint8_t>(init.rules.plain_sizes())},
      handler_{init.handler},
      gate_{gate_for(fabric, init)},
      rules_{init.rules},
      ram_{std::move(init.ram)},
      ram_offset_{init.ram_offset},
      fabric_{fabric},
      name_{std::move(init.name)},
      counted_{fabric.realm().census(), Census::Kind::kRegionControl} {
  counts_insiders_ = gate_ && !own_gate_ && gate_->locking() == gate::Locking::kCounted;
  fabric_.count_control(1);
  HF_CHECK(handler_ == nullptr || (rules_.impl.are_possible() &&
                                   (rules_.any_valid_size || rules_.valid.are_possible())),
           "region '{}': sizes of accesses are powers of two up to 8, and the least is no more than the most",
           name_);
  if (!ram_) return;
  HF_CHECK(ram_offset_ < ram_->size() && init.last <= ram_->size() - 1 - ram_offset_,
           "region '{}' does not fit into block '{}'", name_, ram_->name());
  host_ = ram_->host() + ram_offset_;
}

RegionControl::~RegionControl() { fabric_.count_control(-1); }

// In one step: once its count is gone, nothing but the reference keeps the block for a leaver. A late
// reader, which comes in and finds the region dropped, may be the last one out as well.
void RegionControl::leave_counted() const {
  auto state = insiders_.load(std::memory_order_relaxed);
  const auto left = [](std::uint32_t now) {
    return now == (kInsider | kKept) ? 0 : now - kInsider;
  };
  while (!insiders_.compare_exchange_weak(state, left(state), std::memory_order_acq_rel,
                                          std::memory_order_relaxed)) {
  }
  if (state == (kInsider | kKept)) release();
}

void RegionControl::leave_to_insiders() const {
  if (!has_gate()) return;
  if (gate_->locking() == gate::Locking::kExclusive && !own_gate_)
    gate_->after_insider([keep = Ref<const RegionControl>::share(this)] {});
  if (!counts_insiders_) return;
  acquire();
  auto state = insiders_.load(std::memory_order_seq_cst);
  do {
    if (state < kInsider) return release();
  } while (!insiders_.compare_exchange_weak(state, state | kKept, std::memory_order_seq_cst));
}

void RegionControl::last_reference_gone() noexcept {
  HF_CHECK(parent == nullptr, "region '{}' goes while it is in '{}'", name_,
           parent->control().name());
  fabric_.realm().domain().retire(this, [](RegionControl* self) { delete self; });
}

}  // namespace holdfast::memory
