// SPDX-License-Identifier: Apache-2.0
// Regions as parts of a device: RAM, aliases, containers, reservations, ROM devices. (Register banks
// are in mmio.hpp.) Where a region shows is said by whoever has the container: a board, a bus, a
// Container of the same device or of its parent. Both ends may go at any time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/hw/own_block.hpp"
#include "holdfast/hw/part.hpp"
#include "holdfast/memory/mmio.hpp"
#include "holdfast/memory/ram_block.hpp"
#include "holdfast/memory/region.hpp"
#include "holdfast/object/handle.hpp"

namespace holdfast::hw {

/// Base of all parts that are a region. The region exists from construction on, except for RAM and
/// what is made of it, which exist from prepare on.
class RegionPart : public Part, public object::Expires {
 public:
  const memory::MemoryRegion& region() const { return region_; }
  memory::MemoryRegion& region() { return region_; }
  bool exists() const { return static_cast<bool>(region_); }
  std::uint64_t size() const { return size_; }

  // Edits of the map, in force when the thread has left the device's callback, at once elsewhere.
  void set_enabled(bool enabled);
  void set_size(std::uint64_t bytes);
  /// The same as one of the edits in `map`, which is in force when that is.
  void set_size(std::uint64_t bytes, memory::Transaction& map);

 protected:
  RegionPart(Device& device, std::string_view kind, std::string name, std::uint64_t size)
      : Part{device, kind, std::move(name)}, size_{size} {}

  memory::RegionInit region_init() const;
  void post(memory::Transaction map);
  void sever(memory::Transaction& map) override;
  void drop() override;

  memory::MemoryRegion region_;

 private:
  std::uint64_t size_;  // bytes; memory::kWholeSpace for all of 2^64
};

/// Shows other regions.
class Container final : public RegionPart {
 public:
  Container(Device& device, std::string name, std::uint64_t size = memory::kWholeSpace);

  /// Shows `part` at `offset`: now, or, if one of them is not made yet, when the container's device
  /// is published. Parts of other devices may be shown, too.
  void add(std::uint64_t offset, RegionPart& part, std::int32_t priority = 0);
  void remove(RegionPart& part);
  void move(RegionPart& part, std::uint64_t offset);

 private:
  void publish(memory::Transaction& map) override;

  struct Waiting {
    std::uint64_t offset;
    object::Handle<RegionPart> part;
    std::int32_t priority;
  };
  std::vector<Waiting> waiting_;
};

/// RAM of the device, zero-filled at power-on or backed by a file.
class Ram final : public RegionPart {
 public:
  struct Init {
    std::uint64_t size = 0;  // bytes
    memory::RamBacking backing{};
    enum class Writable : std::uint8_t { kYes, kNo } writable = Writable::kYes;
    Ref<memory::RamBlock> block{};  // that is there already, and that its owner closes
  };
  Ram(Device& device, std::string name, Init init);

  /// From prepare on.
  memory::RamBlock& block() const { return *shown(); }

 private:
  Result<void> prepare() override;
  void unprepare() override;
  void severed() override;
  void note_remains(Remains& remains) const override;
  const Ref<memory::RamBlock>& shown() const { return init_.block ? init_.block : block_.get(); }

  const Init init_;
  OwnBlock block_;
};

/// Reads straight from memory, or by callback; writes by callback.
class RomDevice final : public RegionPart {
 public:
  RomDevice(Device& device, std::string name, std::uint64_t size, memory::MmioHandler& handler,
            memory::AccessRules rules = {}, memory::RamBacking backing = {});

  void set_direct(bool direct);
  memory::RamBlock& block() const { return *block_.get(); }

 private:
  Result<void> prepare() override;
  void unprepare() override;
  void severed() override;
  void note_remains(Remains& remains) const override;

  memory::MmioHandler& handler_;  // the device's own
  const memory::AccessRules rules_;
  const memory::RamBacking backing_;
  OwnBlock block_;
};

class RegionLink;

/// A window onto another region, of this device or of another.
class Alias final : public RegionPart {
 public:
  Alias(Device& device, std::string name, std::uint64_t size, RegionPart& target,
        std::uint64_t offset = 0);
  /// Onto what `link`, of the same device, names; from prepare on.
  Alias(Device& device, std::string name, std::uint64_t size, RegionLink& link,
        std::uint64_t offset = 0);

  void set_offset(std::uint64_t offset);
  void set_target(RegionPart& target, std::uint64_t offset);

 private:
  Result<void> prepare() override;
  void make(RegionPart& target);

  RegionLink* const link_ = nullptr;  // a member of the same device, or null
  object::Handle<RegionPart> target_;
  std::uint64_t offset_;
};

/// Claims addresses and answers nothing.
class Reservation final : public RegionPart {
 public:
  Reservation(Device& device, std::string name, std::uint64_t size);
};

/// Says which region of another device this one works on: its bus, its memory. Set before realize;
/// a device that needs one names it in the error if it is missing.
class RegionLink final : public Part {
 public:
  enum class Need : std::uint8_t { kRequired, kOptional };
  RegionLink(Device& device, std::string name, Need need = Need::kRequired)
      : Part{device, "region link", std::move(name)}, need_{need} {}

  Result<void> set(RegionPart& target);
  bool is_required() const { return need_ == Need::kRequired; }
  /// Null if it is not set or the target's device is gone. Control thread.
  RegionPart* get() const { return target_.get(); }

 private:
  Result<void> prepare() override;
  std::optional<object::PropertyValue> value() const override;

  const Need need_;
  object::Handle<RegionPart> target_;
};

}  // namespace holdfast::hw
