// SPDX-License-Identifier: Apache-2.0
// Counts what is alive in one machine, by kind, so that a test can say "as it was before".
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string>

namespace holdfast {

/// One machine's census. Owned by the machine; whoever counts itself in must count itself out.
class Census {
 public:
  enum class Kind : std::size_t {
    kDevice,
    kPart,
    kRegion,        // region handles
    kRegionControl, // control blocks, retired ones included
    kGate,
    kRamBlock,
    kHold,
    kView,
    kSpace,
    kListener,
    kWire,
    kTimer,
    kDescriptor,    // of the host, that parts have open
    kTicket,
    kRequest,
    kFlatNode,  // nodes in published trees
    kRetired,   // handed to reclamation and not yet freed
    kCount,
  };

  /// Plain numbers, comparable and printable.
  struct Snapshot {
    std::array<std::int64_t, static_cast<std::size_t>(Kind::kCount)> counts{};
    std::int64_t operator[](Kind kind) const { return counts[static_cast<std::size_t>(kind)]; }
    friend bool operator==(const Snapshot&, const Snapshot&) = default;
    /// "devices 3, regions 12": kinds that are zero are left out; "nothing" if all are.
    std::string to_string() const;
  };

  void add(Kind kind, std::int64_t n = 1) {
    counts_[static_cast<std::size_t>(kind)].fetch_add(n, std::memory_order_relaxed);
  }
  void remove(Kind kind, std::int64_t n = 1) { add(kind, -n); }
  Snapshot take() const;

 private:
  std::array<std::atomic<std::int64_t>, static_cast<std::size_t>(Kind::kCount)> counts_{};
};

/// Counts its holder in for as long as it lives.
class Counted {
 public:
  Counted(Census& census, Census::Kind kind) : census_{&census}, kind_{kind} { census.add(kind); }
  ~Counted() { census_->remove(kind_); }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  Census* census_;  // the machine's, which outlives all that it counts
  Census::Kind kind_;
};

/// For GoogleTest's messages.
void PrintTo(const Census::Snapshot& snapshot, std::ostream* out);

}  // namespace holdfast
