// SPDX-License-Identifier: Apache-2.0
// A command's memory as host bytes, for as long as the command is under way. RAM is held where it is;
// what is not RAM (another device's registers, nothing) is copied through buffers.
//
// The transfer belongs to the command, and with it to the request that the back-end works on: it may
// outlive the controller, and then ends by itself. It names memory by holds alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "holdfast/devices/storage/nvme/scatter.hpp"
#include "holdfast/memory/hold.hpp"

namespace holdfast::devices::nvme {

class Transfer {
 public:
  Transfer() = default;
  /// Holds what is RAM and notes what is not. `who` is for reports.
  Transfer(Reach& reach, const Scatter& scatter, Direction direction, const std::string& who);

  /// Bytes of host memory that begin() will take for what is no RAM.
  std::uint64_t bounced() const { return bounced_; }
  /// Makes the buffers and, for what comes from the host, fills them. What cannot be read is a status.
  Status begin(Reach& reach);
  /// All of the bytes, in order. After begin().
  std::vector<std::span<std::byte>> bytes() const;
  /// Ends it. Towards the host, what was bounced is written, if `filled`. What cannot be written is a
  /// status; writes to other devices are posted, and on their way when the thread has left the gate.
  enum class Outcome : std::uint8_t { kFilled, kNothing };
  Status end(Reach& reach, Outcome outcome);

 private:
  struct Piece {
    std::optional<memory::Hold> hold{};
    std::unique_ptr<std::byte[]> buffer{};
    std::uint64_t address = 0;
    std::uint64_t length = 0;
    Stretch::Kind kind = Stretch::Kind::kMemory;

    std::span<std::byte> bytes() const {
      if (hold) return hold->bytes();
      return {buffer.get(), static_cast<std::size_t>(length)};
    }
  };

  std::vector<Piece> pieces_;
  std::uint64_t bounced_ = 0;
  Direction direction_ = Direction::kFromHost;
};

/// Copies what a command returns to where it wants it: all of it, or a status.
Status copy_to_host(Reach& reach, const Scatter& scatter, std::span<const std::byte> bytes);
/// The other way.
Status copy_from_host(Reach& reach, const Scatter& scatter, std::span<std::byte> bytes);

}  // namespace holdfast::devices::nvme
