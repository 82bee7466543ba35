// SPDX-License-Identifier: Apache-2.0
// A memory bus made of a few stretches, in the shape of the core's port: what the hart's tests run
// on, so that they say nothing about the core.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <vector>

#include "holdfast/memory/attrs.hpp"

namespace holdfast::memory {

struct Bus {
  struct Memory {
    std::uint64_t first, last;
    std::byte* host;
    bool writable;
  };
  struct Device {
    std::uint64_t first, last;
    std::function<MemTxResult(std::uint64_t offset, unsigned size, std::uint64_t& value)> load;
    std::function<MemTxResult(std::uint64_t offset, unsigned size, std::uint64_t value)> store;
  };
  std::vector<Memory> memories;  // earlier ones hide later ones
  std::vector<Device> devices;
  std::uint64_t stamp = 1;
};

class Section {
 public:
  ~Section() {}
};

class Port {
 public:
  explicit Port(Bus& bus) : bus_{bus} {}

  struct Direct {
    std::byte* host;
    std::uint64_t first, last;
    bool writable;
  };

  [[nodiscard]] Section section() { return {}; }
  std::uint64_t stamp() const { return bus_.stamp; }

  std::optional<Direct> direct(std::uint64_t address) {
    std::uint64_t low = 0, high = ~std::uint64_t{0};  // what earlier entries leave visible
    for (const auto& m : bus_.memories) {
      if (m.last < address) {
        low = std::max(low, m.last + 1);
      } else if (m.first > address) {
        high = std::min(high, m.first - 1);
      } else {
        const std::uint64_t first = std::max(low, m.first);
        return Direct{m.host + (first - m.first), first, std::min(high, m.last), m.writable};
      }
    }
    return std::nullopt;
  }

  MemTxResult load(std::uint64_t address, unsigned size, std::uint64_t& value, MemTxAttrs) {
    value = 0;
    for (const auto& m : bus_.memories)
      if (m.first <= address && address + size - 1 <= m.last) {
        std::memcpy(&value, m.host + (address - m.first), size);
        return MemTxResult::kOk;
      }
    for (const auto& d : bus_.devices)
      if (d.first <= address && address <= d.last) return d.load(address - d.first, size, value);
    return MemTxResult::kDecodeError;
  }

  MemTxResult store(std::uint64_t address, unsigned size, std::uint64_t value, MemTxAttrs) {
    for (const auto& m : bus_.memories)
      if (m.first <= address && address + size - 1 <= m.last) {
        if (m.writable) std::memcpy(m.host + (address - m.first), &value, size);
        return MemTxResult::kOk;
      }
    for (const auto& d : bus_.devices)
      if (d.first <= address && address <= d.last) return d.store(address - d.first, size, value);
    return MemTxResult::kDecodeError;
  }

 private:
  Bus& bus_;
};

}  // namespace holdfast::memory
