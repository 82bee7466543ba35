// SPDX-License-Identifier: Apache-2.0
// Guest-visible state that any thread may look at while another changes it: words of 32 bits, for a
// device whose gate lets several threads in at once. Like State they reset with the device, to zero,
// and show as a read-only property.
//
// LOCK: each word by itself is whole. What belongs together is its device's own lock's business.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "holdfast/hw/state.hpp"

namespace holdfast::hw {

class AtomicWords final : public Part {
 public:
  AtomicWords(Device& device, std::string name, std::size_t count)
      : Part{device, "state", std::move(name)}, words_(count) {}

  std::uint32_t operator[](std::size_t i) const { return words_[i].load(std::memory_order_relaxed); }
  void set(std::size_t i, std::uint32_t value) {
    words_[i].store(value, std::memory_order_relaxed);
  }

 private:
  void reset(ResetPhase phase) override {
    if (phase != ResetPhase::kEnter) return;
    for (auto& word : words_) word.store(0, std::memory_order_relaxed);
  }
  std::optional<object::PropertyValue> value() const override {
    return detail::show(std::vector<std::uint32_t>(words_.begin(), words_.end()));
  }

  std::vector<std::atomic<std::uint32_t>> words_;
};

}  // namespace holdfast::hw
