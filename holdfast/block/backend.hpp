// SPDX-License-Identifier: Apache-2.0
// A block back-end: bytes with numbers that outlive the machine, such as a file on the host.
//
// It has one user at a time, which claims it. It is a control block: a request that is on its way keeps
// it, and closes it behind itself if the machine has gone meanwhile.
//
// Devices ask by submit(), which never waits, and are told on a thread of the back-end's. Waiting for
// the host is for those who are inside nothing: read() and write().
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "holdfast/base/mutex.hpp"
#include "holdfast/base/ref.hpp"
#include "holdfast/base/result.hpp"
#include "holdfast/block/request.hpp"
#include "holdfast/hw/claim.hpp"

namespace holdfast::block {

enum class Access : std::uint8_t { kReadWrite, kReadOnly };

class Backend : public RefCounted<Backend> {
 public:
  /// "drive 'flash0'", for messages.
  const std::string& name() const { return name_; }
  /// "'/path/to/file'", or what else says where the bytes are.
  virtual std::string location() const = 0;
  /// Bytes. Changes only where block_resize is obeyed.
  virtual std::uint64_t size() const = 0;
  virtual Access access() const = 0;
  /// Who does the requests: "io_uring", "thread pool", …; for reports.
  virtual std::string_view engine() const = 0;
  /// Makes it longer or shorter. Nobody uses it meanwhile.
  virtual Result<void> resize(std::uint64_t size);

  /// The right to use it, for `who`. Error, naming the user, if it has one.
  Result<hw::Claim> claim(std::string who);
  /// Who has claimed it; "" if nobody has. For reports.
  std::string user() const;

  /// Begins a request, or queues it, and returns; from any thread. What lies beyond the end, writes to
  /// what is only read, or asks for nothing is answered without the host. Completions come on the
  /// back-end's threads, in any order.
  void submit(Ref<Request> request);
  /// Some requests were cancelled: those that the host has not begun are completed soon. Any thread.
  virtual void drop_cancelled() {}

  /// All of the bytes, or an error, once the host is done. Any thread that is inside no gate or section.
  virtual Result<void> read(std::uint64_t offset, std::span<std::byte> bytes);
  virtual Result<void> write(std::uint64_t offset, std::span<const std::byte> bytes);
  /// The same for any order.
  IoResult perform(Order order);

 protected:
  explicit Backend(std::string name) : name_{std::move(name)} {}
  virtual ~Backend();

  /// Begins a request that lies inside, or completes one that is decided: soon, on a thread of the
  /// back-end's, never before this returns.
  virtual void start(Ref<Request> request) = 0;

 private:
  friend class RefCounted<Backend>;
  void last_reference_gone() noexcept { delete this; }
  /// How it ends without the host, if it does.
  std::optional<IoResult> verdict(const Order& order) const;

  const std::string name_;
  mutable Mutex mutex_{LockRank::kLeaf, "block back-end"};
  std::string user_ HF_GUARDED_BY(mutex_);  // "" if there is none
};

/// For those who want no more than a message.
Result<void> plain(const IoResult& result);
/// Bytes for an order to write, which leaves them as they are.
std::span<std::byte> as_written(std::span<const std::byte> bytes);

}  // namespace holdfast::block
