// SPDX-License-Identifier: Apache-2.0
// Edit by edit: each climbs before its change and after, so that the windows of both are rendered.
#include "holdfast/base/check.hpp"
#include "holdfast/memory/map.hpp"

namespace holdfast::memory {
namespace {

const std::string& name_of(const MapNode& node) { return node.control().name(); }

/// Whether the region is out of the map for good, or its device closed: what brings it back, or
/// changes it, was asked for before and comes too late.
bool is_closed(const MapNode& node) {
  const RegionControl& control = node.control();
  return node.severed || (control.has_gate() && control.gate().is_closed());
}
bool takes_away(MapEdit::Kind kind) {
  return kind == MapEdit::Kind::kSever || kind == MapEdit::Kind::kRemove;
}

}  // namespace

Map::Map(Fabric& fabric, const MapTuning& tuning)
    : fabric_{fabric}, tuning_{tuning}, tree_{&fabric.realm().census()} {}

Map::~Map() { HF_CHECK(views_ == 0, "{} views outlive their fabric", views_); }

Fabric::Footprint Map::footprint() const {
  return {.flat_bytes = tree_.bytes_in_use(), .index_bytes = index_pool_.bytes_in_use(),
          .views = views_};
}

Result<Map::Published> Map::commit(Transaction& transaction) {
  if (auto applied = apply(transaction.edits_); !applied) {
    undo();
    forget_commit();
    return std::unexpected{std::move(applied).error()};
  }
  const Published published = finish();
  for (auto& [gate, when_drained] : transaction.closings_)
    if (!gate->is_closed()) gate->close(std::move(when_drained));
  return published;
}

Result<void> Map::apply(std::span<const MapEdit> edits) {
  undo_.clear();
  for (std::size_t i = 0; i < edits.size(); ++i) {
    undoable_ = i + 1 < edits.size();  // an edit that fails has changed nothing itself
    TRY(apply(edits[i]));
  }
  return {};
}

Result<void> Map::apply(const MapEdit& edit) {
  using Kind = MapEdit::Kind;
  HF_CHECK(&edit.region->fabric() == &fabric_ && (!edit.other || &edit.other->fabric() == &fabric_),
           "region '{}' is of another machine", edit.region->name());
  MapNode& node = edit.region->node();
  if (node.severed || (!takes_away(edit.kind) && is_closed(node))) return {};
  if (edit.other && is_closed(edit.other->node())) return {};
  switch (edit.kind) {
    case Kind::kAdd:
      return add(node, edit.other->node(), edit.number, edit.priority);
    case Kind::kRemove:
      if (node.parent == nullptr) return {};
      touch(node);
      keep(node);
      displace(node);
      return {};
    case Kind::kMove:
      return move(node, edit.number, node.priority);
    case Kind::kPriority:
      return move(node, node.offset, edit.priority);
    case Kind::kEnabled:
      set_enabled(node, edit.flag);
      return {};
    case Kind::kSize:
      return resize(node, edit.number);
    case Kind::kReadOnly:
      if (node.kind != RegionKind::kRom) set_flag(node, RangeFlags::kReadOnly, edit.flag);
      return {};
    case Kind::kNonVolatile:
      set_flag(node, RangeFlags::kNonVolatile, edit.flag);
      return {};
    case Kind::kUnmergeable:
      set_flag(node, RangeFlags::kUnmergeable, edit.flag);
      return {};
    case Kind::kRomMode:
      if (node.kind != RegionKind::kRomDevice)
        return fail("'{}' is a {} and has no ROM mode: only a ROM device has", name_of(node),
                    to_string(node.kind));
      set_flag(node, RangeFlags::kRomdDirect, edit.flag);
      return {};
    case Kind::kAlias:
      return set_alias(node, edit.other->node(), edit.number);
    case Kind::kAliasOffset:
      if (node.is_alias() && node.target == nullptr) return {};  // its target was dropped
      return set_alias(node, node.is_alias() ? *node.target : node, edit.number);
    case Kind::kSever:
      sever(node);
      return {};
  }
  return {};
}

Result<void> Map::add(MapNode& child, MapNode& container, std::uint64_t offset, int priority) {
  if (!holds_regions(container.kind))
    return fail("'{}' cannot go into '{}', which is a {}: only containers and MMIO regions hold "
                "regions",
                name_of(child), name_of(container), to_string(container.kind));
  if (child.parent != nullptr)
    return fail("'{}' cannot go into '{}': it is in '{}'", name_of(child), name_of(container),
                name_of(*child.parent));
  ++visit_;
  if (is_inside(container, child))
    return fail("'{}' cannot go into '{}': that would be a cycle, '{}' shows inside '{}' already",
                name_of(child), name_of(container), name_of(container), name_of(child));
  keep(child);
  child.offset = offset;
  child.priority = priority;
  child.sequence = ++sequence_;
  place(child, container);
  touch(child);
  return {};
}

Result<void> Map::move(MapNode& child, std::uint64_t offset, int priority) {
  if (child.parent == nullptr)
    return fail("'{}' cannot be moved: it is in no container", name_of(child));
  if (child.offset == offset && child.priority == priority) return {};
  touch(child);
  keep(child);
  MapNode& container = *child.parent;
  displace(child);
  child.offset = offset;
  child.priority = priority;
  child.sequence = ++sequence_;
  place(child, container);
  touch(child);
  return {};
}

Result<void> Map::resize(MapNode& node, std::uint64_t last) {
  if (node.last == last) return {};
  const RegionControl& control = node.control();
  if (const RamBlock* ram = control.ram();
      ram != nullptr && last > ram->size() - 1 - control.ram_offset())
    return fail("'{}' cannot have {} bytes: block '{}' has {} from there on", name_of(node),
                last + 1, ram->name(), ram->size() - control.ram_offset());
  touch(node);
  touch_paths(node);
  keep(node);
  MapNode* const container = node.parent;
  if (container != nullptr) displace(node);
  node.last = last;
  if (container != nullptr) place(node, *container);
  touch(node);
  return {};
}

Result<void> Map::set_alias(MapNode& alias, MapNode& target, std::uint64_t target_offset) {
  if (!alias.is_alias())
    return fail("'{}' is a {}: only an alias has a target", name_of(alias), to_string(alias.kind));
  if (alias.target == &target && alias.target_offset == target_offset) return {};
  ++visit_;
  if (alias.target != &target && is_inside(alias, target))
    return fail("'{}' cannot be an alias of '{}': that would be a cycle, '{}' shows inside '{}' "
                "already",
                name_of(alias), name_of(target), name_of(alias), name_of(target));
  touch(alias);
  touch_paths(alias);
  keep(alias);
  alias.target_offset = target_offset;
  if (alias.target != &target) retarget(alias, &target);
  touch(alias);
  return {};
}

void Map::set_enabled(MapNode& node, bool enabled) {
  if (node.enabled == enabled) return;
  keep(node);
  if (!enabled) touch(node);  // while it still shows
  node.enabled = enabled;
  if (enabled) touch(node);
  touch_paths(node);
}

void Map::set_flag(MapNode& node, RangeFlags flag, bool on) {
  if (any(node.flags & flag) == on) return;
  keep(node);
  node.flags = static_cast<RangeFlags>(static_cast<unsigned>(node.flags) ^
                                       static_cast<unsigned>(flag));
  touch(node);
  touch_paths(node);
}

void Map::sever(MapNode& node) {
  touch(node);
  touch_paths(node);
  keep(node);
  if (node.parent != nullptr) displace(node);
  if (node.target != nullptr) retarget(node, nullptr);
  if (node.children) {
    std::vector<MapNode*> members;
    node.children->meeting(Extent::everything(), [&](const ChildIndex::Entry& entry) {
      members.push_back(&entry.child->node());
    });
    for (MapNode* member : members) {
      if (member->watchers && !member->watchers->links.empty()) note_link(*member);
      keep(*member);
      displace(*member);
    }
  }
  if (node.watchers) {
    auto aliases = node.watchers->aliases;
    const auto& linked = node.watchers->linked_aliases;
    aliases.insert(aliases.end(), linked.begin(), linked.end());
    for (MapNode* alias : aliases) {
      note_link(*alias);
      keep(*alias);
      retarget(*alias, nullptr);
    }
  }
  node.severed = true;
  severed_.push_back(&node.control());
}

void Map::keep(MapNode& node) {
  if (undoable_)
    undo_.push_back({&node, node.last, node.parent, node.offset, node.sequence, node.target,
                     node.target_offset, node.priority, node.flags, node.enabled, node.severed});
}

void Map::undo() {
  for (; !undo_.empty(); undo_.pop_back()) {
    const Saved& saved = undo_.back();
    MapNode& node = *saved.node;
    if (node.parent != nullptr) displace(node);
    node.severed = saved.severed;
    if (node.target != saved.target) retarget(node, saved.target);
    node.target_offset = saved.target_offset;
    node.last = saved.last;
    node.offset = saved.offset;
    node.sequence = saved.sequence;
    node.priority = saved.priority;
    node.flags = saved.flags;
    node.enabled = saved.enabled;
    if (saved.parent != nullptr) place(node, *saved.parent);
  }
}

/// After a failure: nothing is to be rendered.
void Map::forget_commit() {
  for (ViewState* view : listed_) {
    view->pending.clear();
    view->listed = false;
  }
  listed_.clear();
  touched_paths_.clear();
  severed_.clear();
  for (MapNode* alias : noted_links_) {
    alias->links_noted = false;
    file(*alias);
  }
  noted_links_.clear();
}

/// At the offset, rank and size that it has.
void Map::place(MapNode& child, MapNode& container) {
  if (!container.children) container.children = std::make_unique<ChildIndex>(index_pool_);
  container.children->insert(child.placed(), &child.control());
  child.parent = &container;
  if (child.is_link_candidate()) ++container.watch().link_candidates;
  unlink_only(child);
  unlink_only_below(child);
}

void Map::displace(MapNode& child) {
  MapNode& container = *child.parent;
  const bool found = container.children->erase(child.offset, &child.control());
  HF_CHECK(found, "'{}' is not where it was put in '{}'", name_of(child), name_of(container));
  child.parent = nullptr;
  if (child.is_link_candidate()) --container.watchers->link_candidates;
}

void Map::retarget(MapNode& alias, MapNode* target) {
  const bool placed = alias.parent != nullptr;
  if (placed && alias.is_link_candidate()) --alias.parent->watchers->link_candidates;
  if (alias.target != nullptr) delist(alias);
  alias.target = target;
  if (target == nullptr) return;
  enlist(alias, false);
  if (placed && alias.is_link_candidate()) ++alias.parent->watch().link_candidates;
  unlink_only(*target);
  unlink_only_below(*target);
}

/// Whether `node` is `outer` or shows inside it, through containers and aliases. The caller begins
/// a new walk.
bool Map::is_inside(MapNode& node, const MapNode& outer) {
  if (&node == &outer) return true;
  // What holds nothing and shows nothing else has nothing inside.
  if (outer.target == nullptr && (!outer.children || outer.children->empty())) return false;
  if (node.visit == visit_) return false;
  node.visit = visit_;
  if (node.parent != nullptr && is_inside(*node.parent, outer)) return true;
  if (!node.watchers) return false;
  for (MapNode* alias : node.watchers->aliases)
    if (is_inside(*alias, outer)) return true;
  for (MapNode* alias : node.watchers->linked_aliases)
    if (is_inside(*alias, outer)) return true;
  return false;
}

}  // namespace holdfast::memory
