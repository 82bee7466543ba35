// SPDX-License-Identifier: Apache-2.0
// A namespace: blocks with numbers, in a back-end of the host's.
//
// A control block: the controller has one for each namespace that it shows, commands under way have
// theirs. Whose drive it is, the controller's own or that of a device on its bus, may go at any time;
// what is asked for then is not begun, and what was begun is told to be over.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "holdfast/base/mutex.hpp"
#include "holdfast/base/ref.hpp"
#include "holdfast/base/result.hpp"
#include "holdfast/block/block_port.hpp"
#include "holdfast/devices/storage/nvme/home.hpp"
#include "holdfast/gate/gate.hpp"
#include "holdfast/hw/claim.hpp"

namespace holdfast::devices::nvme {

/// What a user may say of a namespace.
struct NamespaceConfig {
  Ref<block::Backend> drive{};
  std::uint32_t id = 0;  // 0: the first that is free
  std::uint32_t block_size = 512;  // bytes
  std::uint32_t physical_block_size = 0;  // bytes; 0: as much
  std::uint64_t eui64 = 0;         // 0: none
  std::string uuid{};              // "": one made of the drive's place
};

/// What a host sees of one.
struct Geometry {
  std::uint32_t id = 0;
  unsigned block_bits = 9;
  std::uint64_t blocks = 0;
  std::uint32_t write_blocks = 1;  // that are best written at once
  bool read_only = false;
  std::uint64_t eui64 = 0;
  std::array<std::byte, 16> uuid{};

  bool has(std::uint64_t first, std::uint64_t count) const {
    return count <= blocks && first <= blocks - count;
  }
};

/// Whether it is as it should be, a drive apart. Errors name what is wrong and what would be accepted.
Result<void> check(const NamespaceConfig& config, const std::string& who);
/// The same, and with a drive.
Result<Geometry> geometry_of(const NamespaceConfig& config, std::uint32_t id,
                             const std::string& who);

class Namespace final : public RefCounted<Namespace> {
 public:
  /// The port and its gate are those of the device that has the drive.
  static Ref<Namespace> make(const Geometry& geometry, Ref<gate::Gate> gate,
                             block::BlockPort& port);

  const Geometry& geometry() const { return geometry_; }
  std::uint32_t id() const { return geometry_.id; }

  /// Asks the back-end, when the thread has left its gates. The completion runs inside the gate of the
  /// device that has the drive; if that is being taken away, it is only destroyed.
  void submit(block::Order order, block::Request::Completion completion) const;
  /// What the host has not begun need not be.
  void cancel_all() const;

 private:
  friend class RefCounted<Namespace>;
  Namespace(const Geometry& geometry, Ref<gate::Gate> gate, block::BlockPort& port)
      : geometry_{geometry}, gate_{std::move(gate)}, port_{port} {}
  ~Namespace() = default;
  void last_reference_gone() noexcept { delete this; }

  const Geometry geometry_;
  const Ref<gate::Gate> gate_;
  block::BlockPort& port_;  // valid inside the gate
};

/// The namespaces of one controller, by number. A control block: those who have a seat give it back when
/// they go, be the controller there or not.
class NamespaceTable final : public RefCounted<NamespaceTable> {
 public:
  static Ref<NamespaceTable> make() { return Ref<NamespaceTable>::adopt(new NamespaceTable); }

  /// Who is told, inside the gate that `home` leads to, when namespaces came or went.
  void follow(Ref<Home> home, std::function<void()> changed) HF_EXCLUDES(mutex_);

  /// The right to a number; 0: the first that is free. Errors say what is.
  struct Seat {
    std::uint32_t id = 0;
    hw::Claim claim{};
  };
  Result<Seat> take_seat(std::uint32_t id) HF_EXCLUDES(mutex_);
  bool has_room() const HF_EXCLUDES(mutex_);

  void show(Ref<Namespace> it) HF_EXCLUDES(mutex_);
  void hide(std::uint32_t id) HF_EXCLUDES(mutex_);
  /// Null if there is none.
  Ref<Namespace> find(std::uint32_t id) const HF_EXCLUDES(mutex_);
  /// In the order of their numbers.
  std::vector<Ref<Namespace>> all() const HF_EXCLUDES(mutex_);
  /// Those that came or went since the last time.
  std::set<std::uint32_t> take_changes() HF_EXCLUDES(mutex_);

 private:
  friend class RefCounted<NamespaceTable>;
  NamespaceTable() = default;
  ~NamespaceTable() = default;
  void last_reference_gone() noexcept { delete this; }

  void tell() HF_EXCLUDES(mutex_);

  mutable Mutex mutex_{LockRank::kLeaf, "namespaces of a controller"};
  Ref<Home> home_ HF_GUARDED_BY(mutex_);
  std::function<void()> changed_ HF_GUARDED_BY(mutex_);
  std::map<std::uint32_t, Ref<Namespace>> seats_ HF_GUARDED_BY(mutex_);  // null: taken, not shown
  std::set<std::uint32_t> changes_ HF_GUARDED_BY(mutex_);
};

}  // namespace holdfast::devices::nvme
