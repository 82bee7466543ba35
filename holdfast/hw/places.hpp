// SPDX-License-Identifier: Apache-2.0
// Numbered places of a board, each for one device: sockets for CPUs, slots for memory modules. A device
// claims its place when it is prepared and has it until it is destroyed.
//
// THREADS: any. LOCK: `mutex_`, a leaf.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/base/mutex.hpp"
#include "holdfast/base/ref.hpp"
#include "holdfast/base/result.hpp"
#include "holdfast/hw/claim.hpp"

namespace holdfast::hw {

class Places final : public RefCounted<Places> {
 public:
  /// `what` is for messages: "core-id", "slot".
  static Ref<Places> make(std::string what, std::uint32_t count);

  std::uint32_t count() const { return count_; }
  /// Errors: there is no such place; it is taken, and by whom. `who` is a path.
  Result<Claim> take(std::uint32_t number, std::string who);
  /// Who has it; nothing if it is free.
  std::optional<std::string> taker(std::uint32_t number) const;
  std::vector<std::uint32_t> free() const;
  /// "it takes 1, 2, 3", or that none is free.
  std::string free_text() const;

 private:
  friend class RefCounted<Places>;
  Places(std::string what, std::uint32_t count)
      : what_{std::move(what)}, count_{count}, takers_(count) {}
  ~Places() = default;
  void last_reference_gone() noexcept { delete this; }
  void give_back(std::uint32_t number);

  const std::string what_;
  const std::uint32_t count_;
  mutable Mutex mutex_{LockRank::kLeaf, "places"};
  std::vector<std::string> takers_ HF_GUARDED_BY(mutex_);  // "": free
};

}  // namespace holdfast::hw
