// SPDX-License-Identifier: Apache-2.0
// A block of host memory that shows as guest RAM, and holds on it.
//
// The block is a control block with a mapping behind it. Its owner closes it; the mapping goes when
// it is closed, a grace period has passed (readers that found it in a view have left) and the last
// hold has ended, wherever that happens. A hold delays the block and nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <vector>

#include "holdfast/base/find_descriptor.hpp"
#include "holdfast/base/mutex.hpp"
#include "holdfast/base/ref.hpp"
#include "holdfast/base/result.hpp"
#include "holdfast/gate/realm.hpp"
#include "holdfast/memory/store_marks.hpp"

namespace holdfast::memory {

/// Where the bytes come from.
struct RamBacking {
  enum class Kind : std::uint8_t { kAnonymous, kMemfd, kFile };
  Kind kind = Kind::kAnonymous;
  std::string path{};          // kFile
  std::uint64_t offset = 0;    // kFile: where the block starts, a multiple of the page size
  bool shared = false;         // writes reach the file (kFile) or other mappings (kMemfd)
  bool huge_pages = false;     // advice for kAnonymous, demand for kMemfd
  bool prealloc = false;       // touch every page now, so that failure comes now
  bool read_only = false;      // kFile: open and map read-only
  bool read_only_file = false; // kFile: open read-only; writes stay in this mapping
  bool create = false;         // kFile: make the file or make it longer; in a folder, one without a name
  FindDescriptor find{};       // kFile: what stands for the path, if anything does
};

class RamBlock final : public RefCounted<RamBlock> {
 public:
  /// Maps `size` bytes, zero-filled unless the backing is a file. Errors name the block, the size
  /// and the host's reason.
  static Result<Ref<RamBlock>> make(gate::Realm& realm, std::string name, std::uint64_t size,
                                    const RamBacking& backing = {});

  const std::string& name() const { return name_; }
  std::uint64_t size() const { return size_; }
  std::byte* host() const { return host_; }
  bool host_read_only() const { return read_only_; }
  int fd() const { return fd_; }
  /// Who is to hear of stores to it.
  StoreMarks& marks() { return marks_; }

  /// No new holds; the machine counts the block as retired from here on, and its part in it ends after
  /// a grace period. Once, by whoever made it, when no published view shows it any more.
  void close();
  bool is_closed() const { return (holds_.load(std::memory_order_acquire) & kClosed) != 0; }

  struct HoldInfo {
    std::string who;
    std::source_location where;
    std::uint64_t since_ns;  // CLOCK_MONOTONIC
    std::uint64_t offset;
    std::uint64_t length;
  };
  /// Who holds the block now.
  std::vector<HoldInfo> holders() const;
  std::uint32_t hold_count() const { return holds_.load(std::memory_order_acquire) / kOneHold; }

 private:
  friend class RefCounted<RamBlock>;
  friend class Hold;
  RamBlock(gate::Realm& realm, std::string name, std::uint64_t size);
  ~RamBlock();
  void last_reference_gone() noexcept { delete this; }
  Result<void> map(const RamBacking& backing);
  Result<void> open_file(const RamBacking& backing);
  Result<void> map_descriptor(const RamBacking& backing, std::uint64_t page);
  bool try_hold();
  void begin_hold(HoldInfo& info);
  void end_hold(const HoldInfo& info);

  static constexpr std::uint32_t kClosed = 1;
  static constexpr std::uint32_t kOneHold = 2;

  const std::string name_;
  const std::uint64_t size_;
  std::uint64_t mapped_ = 0;  // bytes, whole pages
  std::byte* host_ = nullptr;
  int fd_ = -1;
  bool read_only_ = false;
  StoreMarks marks_;
  std::atomic<std::uint32_t> holds_{0};

  mutable Mutex mutex_{LockRank::kRam, "holds of a RAM block"};
  std::vector<const HoldInfo*> holders_ HF_GUARDED_BY(mutex_);
  gate::Realm* realm_ HF_GUARDED_BY(mutex_);  // nullptr once the block is closed
};

}  // namespace holdfast::memory
