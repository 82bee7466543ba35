// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/storage/nvme/scatter.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace holdfast::devices::nvme {
namespace {

using memory::MemTxResult;
using Walked = std::expected<Scatter, Status>;

Walked refuse_walk(Status status) { return std::unexpected{status}; }

/// Joins what lies next to each other.
void append(Scatter& scatter, std::uint64_t address, std::uint64_t length) {
  if (!scatter.empty()) {
    Stretch& last = scatter.back();
    if (last.kind == Stretch::Kind::kMemory && last.address + last.length == address) {
      last.length += length;
      return;
    }
  }
  scatter.push_back({address, length});
}

// --- pages -----------------------------------------------------------------------------------------

/// A list of pages, one entry after the other. The last entry of a page of the list leads to the next
/// page if there is more to come.
class PageList {
 public:
  PageList(Reach& reach, std::uint64_t at, std::uint64_t page) : reach_{reach}, at_{at}, page_{page} {}

  /// `left`: pages still to come, this one included.
  std::expected<std::uint64_t, Status> next(std::uint64_t left) {
    auto entry = read();
    if (!entry || left == 1 || at_ % page_ != 0) return entry;
    // That was the last one of its page: it leads on.
    if (*entry % page_ != 0) return std::unexpected{Status::kPrpOffsetInvalid};
    at_ = *entry;
    return read();
  }

 private:
  std::expected<std::uint64_t, Status> read() {
    std::uint64_t entry = 0;
    if (reach_.load(at_, 8, entry) != MemTxResult::kOk)
      return std::unexpected{Status::kDataTransferError};
    at_ += 8;
    return entry;
  }

  Reach& reach_;
  std::uint64_t at_;
  const std::uint64_t page_;  // bytes
};

Walked walk_pages(Reach& reach, const Submission& command, const Wanted& wanted) {
  const std::uint64_t page = std::uint64_t{1} << wanted.page_bits;
  const std::uint64_t offset = command.prp1() % page;
  if (offset % 4 != 0) return refuse_walk(Status::kPrpOffsetInvalid);
  Scatter scatter;
  const std::uint64_t first = std::min(wanted.length, page - offset);
  append(scatter, command.prp1(), first);
  std::uint64_t left = wanted.length - first;
  if (left == 0) return scatter;
  if (left <= page) {
    if (command.prp2() % page != 0) return refuse_walk(Status::kPrpOffsetInvalid);
    append(scatter, command.prp2(), left);
    return scatter;
  }
  if (command.prp2() % 8 != 0) return refuse_walk(Status::kPrpOffsetInvalid);
  PageList list{reach, command.prp2(), page};
  while (left != 0) {
    const auto entry = list.next((left + page - 1) / page);
    if (!entry) return refuse_walk(entry.error());
    if (*entry % page != 0) return refuse_walk(Status::kPrpOffsetInvalid);
    const std::uint64_t length = std::min(left, page);
    append(scatter, *entry, length);
    left -= length;
  }
  return scatter;
}

// --- descriptors -----------------------------------------------------------------------------------

struct Descriptor {
  static constexpr std::size_t kSize = 16;
  enum Type : std::uint8_t { kData = 0, kBucket = 1, kSegment = 2, kLastSegment = 3 };

  explicit Descriptor(std::span<const std::byte> bytes)
      : address{number_at<std::uint64_t>(bytes, 0)},
        length{number_at<std::uint32_t>(bytes, 8)},
        type{static_cast<std::uint8_t>(std::to_integer<unsigned>(bytes[15]) >> 4U)},
        subtype{static_cast<std::uint8_t>(std::to_integer<unsigned>(bytes[15]) & 15U)} {}

  bool leads_on() const { return type == kSegment || type == kLastSegment; }

  std::uint64_t address;
  std::uint32_t length;
  std::uint8_t type;
  std::uint8_t subtype;  // 0: the address is one
};

/// Walks the segments of a list.
class DescriptorList {
 public:
  DescriptorList(Reach& reach, const Wanted& wanted)
      : reach_{reach}, direction_{wanted.direction}, left_{wanted.length} {}

  Walked walk(const Descriptor& first) {
    if (!first.leads_on()) return single(first);
    Descriptor segment = first;
    for (;;) {
      const auto next = take_segment(segment);
      if (!next) return refuse_walk(next.error());
      if (left_ == 0) return scatter_;  // a list may be longer than the data
      if (!next->leads_on()) return refuse_walk(Status::kDataSglLengthInvalid);
      segment = *next;
    }
  }

 private:
  // Lists that lead back to themselves end here.
  static constexpr unsigned kMostDescriptors = 16384;
  static constexpr std::size_t kAtOnce = 64;

  Walked single(const Descriptor& one) {
    const Status status = take(one);
    if (status != Status::kSuccess) return refuse_walk(status);
    if (left_ != 0) return refuse_walk(Status::kDataSglLengthInvalid);
    return scatter_;
  }

  Status take(const Descriptor& one) {
    if (one.subtype != 0) return Status::kSglDescriptorTypeInvalid;
    if (one.type != Descriptor::kData && one.type != Descriptor::kBucket)
      return Status::kSglDescriptorTypeInvalid;
    const std::uint64_t length = std::min<std::uint64_t>(one.length, left_);
    // A bit bucket says nothing about what a host gives.
    if (one.type == Descriptor::kBucket && direction_ == Direction::kFromHost) return Status::kSuccess;
    if (length == 0) return Status::kSuccess;
    if (one.type == Descriptor::kBucket)
      scatter_.push_back({0, length, Stretch::Kind::kBucket});
    else
      append(scatter_, one.address, length);
    left_ -= length;
    return Status::kSuccess;
  }

  /// The last descriptor of the segment; the others, and it, too, if it leads nowhere, are taken.
  std::expected<Descriptor, Status> take_segment(const Descriptor& segment) {
    if (segment.subtype != 0) return std::unexpected{Status::kSglDescriptorTypeInvalid};
    if (segment.length == 0 || segment.length % Descriptor::kSize != 0)
      return std::unexpected{Status::kInvalidSglSegment};
    std::array<std::byte, kAtOnce * Descriptor::kSize> bytes{};
    std::uint64_t count = segment.length / Descriptor::kSize;
    for (std::uint64_t at = segment.address;;) {
      const auto now = static_cast<std::size_t>(std::min<std::uint64_t>(count, kAtOnce));
      const auto piece = std::span{bytes}.first(now * Descriptor::kSize);
      if ((seen_ += static_cast<unsigned>(now)) > kMostDescriptors)
        return std::unexpected{Status::kTooManySglDescriptors};
      if (reach_.read(at, piece) != MemTxResult::kOk)
        return std::unexpected{Status::kDataTransferError};
      count -= now;
      at += piece.size();
      for (std::size_t i = 0; i < now; ++i) {
        const Descriptor one{piece.subspan(i * Descriptor::kSize, Descriptor::kSize)};
        const bool is_last = count == 0 && i + 1 == now;
        // Only the last one leads on, and none behind what says that it is the last segment.
        if (one.leads_on() && (!is_last || segment.type == Descriptor::kLastSegment))
          return std::unexpected{Status::kInvalidSglSegment};
        if (!one.leads_on()) {
          const Status status = take(one);
          if (status != Status::kSuccess) return std::unexpected{status};
        }
        if (is_last) return one;
      }
    }
  }

  Reach& reach_;
  const Direction direction_;
  std::uint64_t left_;  // bytes of data
  unsigned seen_ = 0;
  Scatter scatter_;
};

Walked walk_descriptors(Reach& reach, const Submission& command, const Wanted& wanted) {
  const auto bytes = std::as_bytes(std::span{command.dw}).subspan(6 * sizeof command.dw[0]);
  return DescriptorList{reach, wanted}.walk(Descriptor{bytes.first(Descriptor::kSize)});
}

}  // namespace

Walked walk(Reach& reach, const Submission& command, const Wanted& wanted) {
  const unsigned kind = command.pointer_kind();
  if (kind == 3 || (kind != 0 && wanted.pointers == Pointers::kPagesOnly))
    return refuse_walk(Status::kInvalidField);
  if (wanted.length == 0) return Scatter{};
  return kind == 0 ? walk_pages(reach, command, wanted) : walk_descriptors(reach, command, wanted);
}

}  // namespace holdfast::devices::nvme
