// SPDX-License-Identifier: Apache-2.0
// A character back-end: where a serial line, or whatever else moves bytes, leads on the host.
//
// It has one front end at a time, which claims it. Output goes into the back-end's buffer, never to
// the host while the caller is inside a device; input is offered to the front end through its
// device's gate, and what it does not take waits. All host I/O is done on the loop thread.
// Owned by the machine; outlives the claims on it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "holdfast/base/mutex.hpp"
#include "holdfast/base/ref.hpp"
#include "holdfast/base/result.hpp"
#include "holdfast/chardev/front_end.hpp"
#include "holdfast/hw/claim.hpp"

namespace holdfast::chardev {

class Chardev {
 public:
  explicit Chardev(std::string id) : id_{std::move(id)} {}
  virtual ~Chardev();
  Chardev(const Chardev&) = delete;
  Chardev& operator=(const Chardev&) = delete;

  const std::string& id() const { return id_; }

  /// Makes `front` the front end for as long as the claim lives. Error if there is one, naming it.
  Result<hw::Claim> attach(Ref<FrontEnd> front);
  bool is_attached() const;

  /// Takes bytes into the buffer; returns how many. If not all, the front end is told when there is
  /// room again. From any thread, inside a gate or not.
  virtual std::size_t write(Bytes bytes) = 0;
  /// The front end is ready for more input. From any thread, inside a gate or not.
  virtual void accept_input() = 0;
  /// Hands everything written so far to the host, waiting if it must. On the loop thread, or while
  /// nobody runs the loop; inside nothing.
  virtual void drain() {}

 protected:
  Ref<FrontEnd> front() const;

 private:
  void detach();

  const std::string id_;
  mutable Mutex mutex_{LockRank::kLeaf, "chardev"};
  Ref<FrontEnd> front_ HF_GUARDED_BY(mutex_);
};

/// Swallows everything and never says anything.
class NullChardev final : public Chardev {
 public:
  using Chardev::Chardev;
  std::size_t write(Bytes bytes) override { return bytes.size(); }
  void accept_input() override {}
};

}  // namespace holdfast::chardev
