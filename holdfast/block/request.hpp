// SPDX-License-Identifier: Apache-2.0
// A request to a back-end: what is wanted, which host memory it is about, and who is to be told.
//
// A request belongs to nobody's device. It is a control block that the back-end keeps until the host is
// done with the bytes; then its completion is called, once, and destroyed. The completion therefore owns
// what the bytes lie in: the holds on guest memory, the bounce buffers, a vector. A request outlives
// whoever asked, if it must, and ends by itself.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <source_location>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "holdfast/base/ref.hpp"
#include "holdfast/hw/errand.hpp"

namespace holdfast::block {

/// Why a request was not done.
enum class Failure : std::uint8_t {
  kInputOutput,  // the medium, or the way to it
  kNoSpace,      // the host has no room for what was written
  kReadOnly,
  kOutOfRange,   // beyond the end
  kUnsupported,  // the back-end cannot do that
  kCancelled,    // nobody wanted it any more; whether it was done is not known
};
std::string_view to_string(Failure failure);

struct IoError {
  Failure failure = Failure::kInputOutput;
  std::string message;  // names the back-end, the host's reason and what was tried
};
using IoResult = std::expected<void, IoError>;

/// What is wanted.
struct Order {
  enum class Kind : std::uint8_t {
    kRead,
    kWrite,
    kWriteZeroes,
    kDiscard,  // the bytes are not needed: they read as they were, or as zeroes
    kFlush,    // whatever was completed before is to survive a loss of power
  };
  enum class Durability : std::uint8_t {
    kCached,  // a later flush makes it last
    kStable,  // lasts when it is completed ("forced unit access")
  };
  enum class Zeroing : std::uint8_t { kAllocate, kMayDiscard };

  Kind kind = Kind::kRead;
  std::uint64_t offset = 0;  // bytes
  std::uint64_t length = 0;  // bytes; of kRead and kWrite, what `bytes` has
  std::vector<std::span<std::byte>> bytes{};  // kRead: filled, kWrite: written, in this order
  Durability durability = Durability::kCached;
  Zeroing zeroing = Zeroing::kAllocate;  // kWriteZeroes
};
/// "read", "write zeroes"
std::string_view to_string(Order::Kind kind);

class Request;
/// One that the host is done with, and how it went.
struct Finished {
  Ref<Request> request;
  IoResult result{};
};

/// Who asks again and again, and is told of several requests at once if they are done together.
class Asker : public hw::Errands {
 public:
  /// Tells whoever wants to know of each (Request::tell), and lets go of all that they owned
  /// (Request::let_go). All are its own. On a thread of the back-end's that is inside no gate and holds no
  /// lock.
  virtual void finish(std::span<Finished> done) = 0;
};

class Request final : public RefCounted<Request> {
 public:
  using Completion = std::move_only_function<void(const IoResult&)>;

  /// `where` is for reports: the line that asked.
  static Ref<Request> make(Order order, Completion completion,
                           std::source_location where = std::source_location::current());
  /// One of an asker's.
  static Ref<Request> make(Order order, Completion completion, Ref<Asker> asker,
                           std::source_location where);

  const Order& order() const { return order_; }
  std::uint64_t number() const { return number_; }
  std::source_location where() const { return where_; }
  std::uint64_t since_ns() const { return since_ns_; }  // CLOCK_MONOTONIC

  /// Nobody wants it any more. A back-end that has not begun it need not.
  void cancel() { cancelled_.store(true, std::memory_order_release); }
  bool is_cancelled() const { return cancelled_.load(std::memory_order_acquire); }

  // --- the back-end's, on its way down --------------------------------------------------------------

  /// How it ends without the host being asked.
  void decide(IoResult result) { decision_ = std::move(result); }
  const std::optional<IoResult>& decision() const { return decision_; }
  /// A layer that shows part of what is below.
  void shift(std::uint64_t bytes) { order_.offset += bytes; }
  /// Zeroes are written, not left out.
  void keep_allocated() { order_.zeroing = Order::Zeroing::kAllocate; }
  /// The host is done with the bytes: tells whoever asked, and lets go of all it owned. Once, on a
  /// thread of the back-end's that is inside no gate and holds no lock.
  void finish(const IoResult& result);

  // --- its asker's ----------------------------------------------------------------------------------

  /// What it is known by; before it goes to the back-end.
  void set_number(std::uint64_t number) { number_ = number; }
  /// Calls the completion.
  void tell(const IoResult& result) { completion_(result); }
  /// Destroys it, called or not.
  void let_go() { completion_ = nullptr; }

 private:
  friend class RefCounted<Request>;
  friend void finish(std::vector<Finished>& done);
  Request(Order order, Completion completion, Ref<Asker> asker, std::source_location where);
  ~Request() = default;
  void last_reference_gone() noexcept { delete this; }
  void note_finished();
  void answer(const IoResult& result);

  Order order_;
  Completion completion_;
  const Ref<Asker> asker_;  // or null
  std::uint64_t number_ = 0;
  const std::source_location where_;
  const std::uint64_t since_ns_;
  std::optional<IoResult> decision_;
  bool finished_ = false;
  std::atomic<bool> cancelled_{false};  // alone: says nothing of anything else
};

/// The same as Request::finish for each, in this order, and cheaper. Leaves nothing in it.
void finish(std::vector<Finished>& done);

}  // namespace holdfast::block
