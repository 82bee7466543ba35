// SPDX-License-Identifier: Apache-2.0
// Guest memory as host bytes, for as long as an I/O request needs it. RAM is held where it is; what
// is not RAM is copied through a bounce buffer of the master's budget.
//
// The mapping belongs to the *request*. It names the space by its control block and the RAM by a
// hold, so it may outlive the device, the space and the map it was made in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <source_location>
#include <span>
#include <string>
#include <vector>

#include "holdfast/memory/bounce.hpp"
#include "holdfast/memory/hold.hpp"
#include "holdfast/memory/port.hpp"

namespace holdfast::memory {

class Mapping {
 public:
  enum class Direction : std::uint8_t {
    kFromGuest,  // the master reads guest memory
    kToGuest,    // the master writes guest memory
  };
  struct Wanted {
    std::uint64_t address = 0;
    std::uint64_t length = 0;  // at least 1
    Direction direction = Direction::kFromGuest;
    MemTxAttrs attrs{};
    std::string who;  // for reports: "disk0: read request 7"
    std::source_location where = std::source_location::current();
  };
  /// The longest stretch from the address that can be had in one piece; it may be shorter than
  /// wanted. Nothing if that needs bouncing and the budget is used up: see BounceBudget::when_room.
  static std::optional<Mapping> make(const Ref<SpaceControl>& space,
                                     const std::shared_ptr<BounceBudget>& budget,
                                     const Wanted& wanted);

  Mapping(Mapping&&) noexcept = default;
  Mapping& operator=(Mapping&&) = delete;
  /// Ends the mapping with nothing more written (see finish).
  ~Mapping();

  std::span<std::byte> bytes() { return bytes_; }
  bool is_bounced() const { return buffer_ != nullptr; }
  /// How reading a bounced stretch went; kOk for RAM.
  MemTxResult result() const { return result_; }

  /// Ends the mapping: of a bounced one towards the guest, the first `filled` bytes are written,
  /// never more than were mapped. Returns how that went.
  MemTxResult finish(std::uint64_t filled);

 private:
  Mapping() = default;
  void end();

  std::span<std::byte> bytes_;
  std::optional<Hold> hold_;
  std::unique_ptr<std::byte[]> buffer_;
  std::shared_ptr<BounceBudget> budget_;  // of a buffer; may outlive its device
  Ref<SpaceControl> space_;  // of a buffer
  std::uint64_t address_ = 0;
  MemTxAttrs attrs_{};
  Direction direction_{};
  MemTxResult result_ = MemTxResult::kOk;
};

}  // namespace holdfast::memory
