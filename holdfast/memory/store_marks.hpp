// SPDX-License-Identifier: Apache-2.0
// The lines of a RAM block that somebody wants to hear of when they are stored to: a CPU that has
// decoded instructions from them, or that has them reserved (load-reserved, store-conditional).
//
// A line is 64 bytes. Whoever stores looks at its mark first, with one relaxed load, and goes a
// longer way only if there is one; nothing is written for a line without. Marks stay until a store
// finds them (kCode) or for good (kReserved: the lines of locks are few).
//
// Code. A CPU marks a line, then copies and decodes it. A store to a marked line is done, takes the
// mark away and then moves a counter of the machine; a CPU that sees the counter move marks its
// lines again and compares them with its copies. In that order, no store that found a mark is lost.
// A store that looked before the mark was set may come after the copy, and is for the architecture
// to be ordered (FENCE.I, and what other architectures have).
//
// Reservations. Lines share version counters, odd while one who stores is at work. A reservation is
// the version read between marking the line and loading from it. Storing to a marked line moves the
// version; a conditional store takes it from the value of the reservation or fails. Hence no store
// of another CPU that found the mark comes between. One that looked before the first mark was set may
// still be on its way to memory; it may be taken for one that came before the load, if the value in
// memory is still the one loaded: the conditional store compares that as well.
//
// Stores of devices are seen, too: they move versions and counter behind their copy.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "holdfast/base/result.hpp"
#include "holdfast/base/schedule_point.hpp"

namespace holdfast::memory {

class StoreMarks {
 public:
  using Mark = std::uint8_t;  // a sum of these
  static constexpr Mark kCode = 1, kReserved = 2;
  static constexpr unsigned kLineBits = 6;
  static constexpr std::uint64_t kLine = std::uint64_t{1} << kLineBits;

  StoreMarks() = default;
  ~StoreMarks();
  StoreMarks(const StoreMarks&) = delete;
  StoreMarks& operator=(const StoreMarks&) = delete;
  /// For the `size` bytes at `host`. False: the host has no memory for that.
  bool map(const std::byte* host, std::uint64_t size);

  /// What is added to a host address, shifted right by kLineBits, to give the address of its mark:
  /// for those who keep it beside the host address.
  std::uintptr_t bias() const { return bias_; }
  static Mark load(std::uintptr_t bias, const std::byte* host) {
    return __atomic_load_n(reinterpret_cast<const Mark*>(place(bias, host)), __ATOMIC_RELAXED);
  }
  Mark at(const std::byte* host) const { return load(bias_, host); }

  void mark_code(const std::byte* host) { add(host, kCode); }

  using Version = std::uint32_t;
  /// Marks the line. The value that is reserved is to be loaded after this.
  Version reserve(const std::byte* host);
  /// Whether stores to one move the version that the other has.
  static bool share_version(const std::byte* one, const std::byte* other) {
    return version_index(one) == version_index(other);
  }
  /// Runs `store`, which says whether it stored, if no store was seen since `reserved`, and as one
  /// step as far as stores to marked lines go.
  template <class Store>
  bool store_conditionally(const std::byte* host, Version reserved, Store store) {
    std::atomic<Version>& version = version_of(host);
    if (!version.compare_exchange_strong(reserved, reserved + 1, std::memory_order_acquire,
                                         std::memory_order_relaxed))
      return false;
    HF_SCHEDULE_POINT("memory.marks.version_taken");
    const bool stored = store();
    version.store(reserved + 2, std::memory_order_release);
    return stored;
  }

  /// What a store to a marked line came upon.
  struct Seen {
    bool code = false;                // the machine's counter is to be moved
    std::optional<Version> reserved;  // the version it found; it is two higher now
  };
  /// Runs `store`, to a line whose mark was found set.
  template <class Store>
  Seen store_marked(const std::byte* host, Store store) {
    Seen seen;
    if ((at(host) & kReserved) == 0) {
      store();
    } else {
      std::atomic<Version>& version = version_of(host);
      seen.reserved = take(version);
      HF_SCHEDULE_POINT("memory.marks.before_store");
      store();
      version.store(*seen.reserved + 2, std::memory_order_release);
    }
    seen.code = take_code(host);
    return seen;
  }

  /// Behind a store to the line: whether it was marked as code, and the machine's counter is to be
  /// moved.
  bool stored_code(const std::byte* host) {
    return (at(host) & kCode) != 0 && take_code(host);
  }

  /// Says that the bytes were stored to, however. True: the machine's counter is to be moved.
  bool stored(const std::byte* host, std::uint64_t length) {
    const Mark* first = place(bias_, host);
    const Mark* last = place(bias_, host + (length - 1));
    for (const Mark* mark = first; mark <= last; ++mark)
      if (__atomic_load_n(mark, __ATOMIC_RELAXED) != 0) [[unlikely]]
        return stored_to_marked(host, length);
    return false;
  }

 private:
  static constexpr std::size_t kVersions = 256;

  static Mark* place(std::uintptr_t bias, const std::byte* host) {
    return reinterpret_cast<Mark*>(bias + (reinterpret_cast<std::uintptr_t>(host) >> kLineBits));
  }
  static std::size_t version_index(const std::byte* host) {
    return (reinterpret_cast<std::uintptr_t>(host) >> kLineBits) % kVersions;
  }
  std::atomic<Version>& version_of(const std::byte* host) {
    return versions_[version_index(host)];
  }
  void add(const std::byte* host, Mark mark);
  static Version take(std::atomic<Version>& version);
  bool take_code(const std::byte* host);
  bool stored_to_marked(const std::byte* host, std::uint64_t length);

  void* map_ = nullptr;
  std::uint64_t mapped_ = 0;
  std::uintptr_t bias_ = 0;
  std::array<std::atomic<Version>, kVersions> versions_{};
};

}  // namespace holdfast::memory
