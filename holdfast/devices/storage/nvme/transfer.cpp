// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/storage/nvme/transfer.hpp"

#include <algorithm>
#include <utility>

namespace holdfast::devices::nvme {
namespace {

using memory::MemTxResult;

// What is not RAM is looked at in pieces of this many bytes, behind each of which RAM may begin.
constexpr std::uint64_t kStep = 4096;

Status status_of(MemTxResult result) {
  return result == MemTxResult::kOk ? Status::kSuccess : Status::kDataTransferError;
}

}  // namespace

Transfer::Transfer(Reach& reach, const Scatter& scatter, Direction direction, const std::string& who)
    : direction_{direction} {
  const auto use = direction == Direction::kToHost ? Reach::Use::kWriting : Reach::Use::kReading;
  for (const Stretch& stretch : scatter) {
    std::uint64_t address = stretch.address;
    for (std::uint64_t left = stretch.length; left != 0;) {
      Piece piece{.address = address, .kind = stretch.kind};
      if (stretch.kind == Stretch::Kind::kMemory) piece.hold = reach.hold(address, left, use, who);
      if (piece.hold) {
        piece.length = piece.hold->bytes().size();
      } else {
        piece.length = std::min(left, kStep - address % kStep);
        bounced_ += piece.length;
      }
      left -= piece.length;
      address += piece.length;
      pieces_.push_back(std::move(piece));
    }
  }
}

Status Transfer::begin(Reach& reach) {
  MemTxResult result = MemTxResult::kOk;
  for (Piece& piece : pieces_) {
    if (piece.hold) continue;
    // Zeroed, so that no memory of the host's leaks out.
    piece.buffer = std::make_unique<std::byte[]>(static_cast<std::size_t>(piece.length));
    if (direction_ == Direction::kFromHost) result |= reach.read(piece.address, piece.bytes());
  }
  return status_of(result);
}

std::vector<std::span<std::byte>> Transfer::bytes() const {
  std::vector<std::span<std::byte>> all;
  all.reserve(pieces_.size());
  for (const Piece& piece : pieces_) all.push_back(piece.bytes());
  return all;
}

Status Transfer::end(Reach& reach, Outcome outcome) {
  MemTxResult result = MemTxResult::kOk;
  const bool writes = outcome == Outcome::kFilled && direction_ == Direction::kToHost;
  for (Piece& piece : pieces_) {
    if (writes && !piece.hold && piece.kind == Stretch::Kind::kMemory)
      result |= reach.write(piece.address, piece.bytes());
    piece.hold.reset();
    piece.buffer.reset();
  }
  pieces_.clear();
  return status_of(result);
}

Status copy_to_host(Reach& reach, const Scatter& scatter, std::span<const std::byte> bytes) {
  MemTxResult result = MemTxResult::kOk;
  for (const Stretch& stretch : scatter) {
    const auto piece = bytes.first(static_cast<std::size_t>(stretch.length));
    bytes = bytes.subspan(piece.size());
    if (stretch.kind == Stretch::Kind::kMemory) result |= reach.write(stretch.address, piece);
  }
  return status_of(result);
}

Status copy_from_host(Reach& reach, const Scatter& scatter, std::span<std::byte> bytes) {
  MemTxResult result = MemTxResult::kOk;
  for (const Stretch& stretch : scatter) {
    const auto piece = bytes.first(static_cast<std::size_t>(stretch.length));
    bytes = bytes.subspan(piece.size());
    result |= reach.read(stretch.address, piece);
  }
  return status_of(result);
}

}  // namespace holdfast::devices::nvme
