// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/storage/nvme/namespace.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "holdfast/devices/storage/nvme/spec.hpp"
#include "holdfast/devices/storage/nvme/uuid.hpp"

namespace holdfast::devices::nvme {
namespace {

constexpr std::uint32_t kSmallestBlock = 512;
constexpr std::uint32_t kLargestBlock = 4096;
constexpr std::uint32_t kLargestPhysicalBlock = 2U << 20U;

/// For a message of one line.
std::string shown(std::string text) {
  std::ranges::replace_if(text, [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

}  // namespace

Result<void> check(const NamespaceConfig& config, const std::string& who) {
  if (!std::has_single_bit(config.block_size) || config.block_size < kSmallestBlock ||
      config.block_size > kLargestBlock)
    return fail("{}: logical_block_size is {}; it takes 512, 1024, 2048 or 4096", who,
                config.block_size);
  if (config.physical_block_size != 0 &&
      (!std::has_single_bit(config.physical_block_size) ||
       config.physical_block_size < config.block_size ||
       config.physical_block_size > kLargestPhysicalBlock))
    return fail("{}: physical_block_size is {}; it takes a power of two from {}, the logical_block_size, to {}",
                who, config.physical_block_size, config.block_size, kLargestPhysicalBlock);
  if (!config.uuid.empty() && !parse_uuid(config.uuid))
    return fail("{}: uuid is '{}'; it takes 32 hexadecimal digits as 8-4-4-4-12", who,
                shown(config.uuid));
  return {};
}

Result<Geometry> geometry_of(const NamespaceConfig& config, std::uint32_t id,
                             const std::string& who) {
  if (!config.drive) return fail("{}: drive is missing; it takes the id of a drive", who);
  TRY(check(config, who));
  const auto given = parse_uuid(config.uuid);
  const std::uint64_t size = config.drive->size();
  if (size == 0 || size % config.block_size != 0)
    return fail("{}: {} has {} bytes; it takes a multiple of {}", who, config.drive->name(), size,
                config.block_size);
  return Geometry{.id = id,
                  .block_bits = static_cast<unsigned>(std::countr_zero(config.block_size)),
                  .blocks = size / config.block_size,
                  .write_blocks = std::max(1U, config.physical_block_size / config.block_size),
                  .read_only = config.drive->access() == block::Access::kReadOnly,
                  .eui64 = config.eui64,
                  .uuid = given ? *given : uuid_of(config.drive->location() + who)};
}

// --- one -------------------------------------------------------------------------------------------

Ref<Namespace> Namespace::make(const Geometry& geometry, Ref<gate::Gate> gate,
                               block::BlockPort& port) {
  return Ref<Namespace>::adopt(new Namespace{geometry, std::move(gate), port});
}

void Namespace::submit(block::Order order, block::Request::Completion completion) const {
  static constexpr gate::Use kUse{"submission to a namespace"};
  // LOCK: from a controller down to what is on its bus, or the controller's own again.
  const gate::Pass pass{*gate_, kUse, gate::Reentry::kAllow};
  if (pass) port_.submit(std::move(order), std::move(completion));
}

void Namespace::cancel_all() const {
  static constexpr gate::Use kUse{"cancelling what a namespace was asked for"};
  const gate::Pass pass{*gate_, kUse, gate::Reentry::kAllow};
  if (pass) port_.cancel_all();
}

// --- all of a controller ---------------------------------------------------------------------------

Result<NamespaceTable::Seat> NamespaceTable::take_seat(std::uint32_t id) {
  LockGuard guard{mutex_};
  if (id > kMaxNamespaces)
    return fail("nsid is {}; it takes a whole number from 1 to {}", id, kMaxNamespaces);
  if (id == 0)
    for (id = 1; id <= kMaxNamespaces && seats_.contains(id);) ++id;
  if (id > kMaxNamespaces) return fail("all {} namespaces of the controller are there", kMaxNamespaces);
  if (seats_.contains(id)) return fail("nsid {} is taken; it takes one that no namespace has", id);
  seats_[id] = {};
  return Seat{id, hw::Claim{"a namespace", [self = Ref<NamespaceTable>::share(this), id] {
                              LockGuard again{self->mutex_};
                              self->seats_.erase(id);
                            }}};
}

bool NamespaceTable::has_room() const {
  LockGuard guard{mutex_};
  return seats_.size() < kMaxNamespaces;
}

void NamespaceTable::follow(Ref<Home> home, std::function<void()> changed) {
  LockGuard guard{mutex_};
  home_ = std::move(home);
  changed_ = std::move(changed);
}

void NamespaceTable::tell() {
  Ref<Home> home;
  std::function<void()> changed;
  {
    LockGuard guard{mutex_};
    home = home_;
    changed = changed_;
  }
  if (home) Home::go(home, std::move(changed));
}

void NamespaceTable::show(Ref<Namespace> it) {
  const std::uint32_t id = it->id();
  {
    LockGuard guard{mutex_};
    changes_.insert(id);
    seats_[id] = std::move(it);
  }
  tell();
}

void NamespaceTable::hide(std::uint32_t id) {
  Ref<Namespace> gone;  // its last reference may be this one: not under the lock
  {
    LockGuard guard{mutex_};
    const auto found = seats_.find(id);
    if (found == seats_.end() || !found->second) return;
    std::swap(gone, found->second);
    changes_.insert(id);
  }
  tell();
}

Ref<Namespace> NamespaceTable::find(std::uint32_t id) const {
  LockGuard guard{mutex_};
  const auto found = seats_.find(id);
  return found == seats_.end() ? Ref<Namespace>{} : found->second;
}

std::vector<Ref<Namespace>> NamespaceTable::all() const {
  std::vector<Ref<Namespace>> shown;
  LockGuard guard{mutex_};
  for (const auto& [id, it] : seats_)
    if (it) shown.push_back(it);
  return shown;
}

std::set<std::uint32_t> NamespaceTable::take_changes() {
  LockGuard guard{mutex_};
  return std::exchange(changes_, {});
}

}  // namespace holdfast::devices::nvme
