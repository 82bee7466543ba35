// SPDX-License-Identifier: Apache-2.0
// A block back-end: bytes with numbers that outlive the machine, such as a file on the host.
//
// It has one user at a time, which claims it. It is a control block: a write that is on its way keeps
// it, and closes it behind itself if the machine has gone meanwhile.
// Reading and writing may wait for the host, so neither is done inside a gate; a device writes by its
// BlockPort, which does that after the callback.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "holdfast/base/mutex.hpp"
#include "holdfast/base/ref.hpp"
#include "holdfast/base/result.hpp"
#include "holdfast/hw/claim.hpp"

namespace holdfast::block {

enum class Access : std::uint8_t { kReadWrite, kReadOnly };

class Backend : public RefCounted<Backend> {
 public:
  /// "drive 'flash0'", for messages.
  const std::string& name() const { return name_; }
  /// "'/path/to/file'", or what else says where the bytes are.
  virtual std::string location() const = 0;
  /// Bytes. Never changes.
  virtual std::uint64_t size() const = 0;
  virtual Access access() const = 0;

  /// The right to use it, for `who`. Error, naming the user, if it has one.
  Result<hw::Claim> claim(std::string who);

  /// All of the bytes, or an error. [offset, offset + size) lies inside. Any thread.
  virtual Result<void> read(std::uint64_t offset, std::span<std::byte> bytes) = 0;
  virtual Result<void> write(std::uint64_t offset, std::span<const std::byte> bytes) = 0;

 protected:
  explicit Backend(std::string name) : name_{std::move(name)} {}
  virtual ~Backend();

 private:
  friend class RefCounted<Backend>;
  void last_reference_gone() noexcept { delete this; }

  const std::string name_;
  Mutex mutex_{LockRank::kLeaf, "block back-end"};
  std::string user_ HF_GUARDED_BY(mutex_);  // "" if there is none
};

}  // namespace holdfast::block
