// SPDX-License-Identifier: Apache-2.0
// A file of the host's, asked and waited for.
//
// With `cache=none` there are two descriptors: one around the host's page cache, and one through it for
// pieces that are not aligned as the host wants. The host keeps the two coherent.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "holdfast/base/descriptor.hpp"
#include "holdfast/block/request.hpp"
#include "holdfast/block/transfer.hpp"

namespace holdfast::block {

/// What a flush and a write mean.
enum class Cache : std::uint8_t {
  kWriteBack,     // a write is in the host's memory; a flush brings it to the medium
  kWriteThrough,  // a write is on the medium when it is completed
  kNone,          // around the host's memory; a flush brings it from the medium's own
  kDirectSync,    // around the host's memory, and on the medium when it is completed
  kUnsafe,        // flushes are taken for done
};
/// Whether bytes that are not needed are given back to the host.
enum class Discard : std::uint8_t { kIgnore, kUnmap };

class HostFile {
 public:
  struct Ways {
    Cache cache = Cache::kWriteBack;
    Discard discard = Discard::kIgnore;
  };
  struct Size {
    std::uint64_t offset = 1;  // alignments the direct descriptor wants
    std::uint64_t memory = 1;
  };

  HostFile(std::string name, std::string path, Ways ways)
      : name_{std::move(name)}, path_{std::move(path)}, ways_{ways} {}

  /// `direct` and its alignment: of `cache=none`; or none.
  void adopt(Descriptor file, Descriptor direct, Size alignment);

  int fd() const { return file_.get(); }
  const Ways& ways() const { return ways_; }
  const std::string& path() const { return path_; }

  /// Which descriptor serves what is left.
  int descriptor_for(const Transfer& transfer) const;
  /// Flags of a write (RWF_…).
  int write_flags(const Order& order) const;
  /// Whether the host has nothing to do for it.
  bool needs_nothing(const Order& order) const;

  /// Does all of it and waits. Several threads.
  IoResult perform(const Order& order) const;
  /// What it means that the host does nothing more of a transfer: a file that has become shorter reads as
  /// zeroes behind its end, and takes no more if it cannot grow.
  IoResult end(const Order& order, Transfer& transfer) const;
  /// What the host's error number means.
  IoError error(int number, const Order& order) const;

 private:
  IoResult transfer(const Order& order) const;
  IoResult write_zeroes(const Order& order) const;
  IoResult fill_with_zeroes(const Order& order) const;
  IoResult flush(const Order& order) const;
  bool allocate(int mode, const Order& order, IoResult& result) const;

  const std::string name_;
  const std::string path_;
  const Ways ways_;
  Descriptor file_;
  Descriptor direct_;
  Size alignment_;
};

}  // namespace holdfast::block
