// SPDX-License-Identifier: Apache-2.0
// Adder: adds up bytes of guest memory.
//
// The guest writes an address and a length, then anything to GO, and reads the sum of the bytes modulo
// 2^32. STATUS tells whether all of them could be read.
// Modelled: all of it; there is no such hardware. Lock: the device's gate. Owner: the board.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "holdfast/hw/device.hpp"
#include "holdfast/hw/mmio.hpp"
#include "holdfast/hw/region_part.hpp"
#include "holdfast/hw/space.hpp"
#include "holdfast/hw/state.hpp"
#include "holdfast/memory/port.hpp"

namespace example {

namespace hw = holdfast::hw;
namespace memory = holdfast::memory;

class Adder final : public hw::Device {
 public:
  static constexpr holdfast::object::Type kType{.name = "example-adder",
                                                .parent = &hw::Device::kType,
                                                .docs = "Adds up bytes of guest memory."};
  explicit Adder(const hw::DeviceInit& init) : Device{init} {}

  static constexpr std::uint64_t kAddress = 0x00;
  static constexpr std::uint64_t kLength = 0x08;
  static constexpr std::uint64_t kGo = 0x0c;
  static constexpr std::uint64_t kSum = 0x10;
  static constexpr std::uint64_t kStatus = 0x14;  // 0: the sum is good

 private:
  std::uint64_t address() const { return address_; }
  void set_address(std::uint64_t value) { address_ = value; }
  std::uint32_t length() const { return length_; }
  void set_length(std::uint32_t value) { length_ = value; }
  std::uint32_t sum() const { return sum_; }
  std::uint32_t status() const { return status_; }

  void go(std::uint32_t) {
    auto outcome = memory::MemTxResult::kOk;
    std::uint32_t sum = 0;
    std::array<std::byte, 256> bytes{};
    for (std::uint64_t done = 0; done < length_; done += bytes.size()) {
      const auto piece = std::span{bytes}.first(std::min<std::uint64_t>(bytes.size(), length_ - done));
      outcome |= port_.read(address_ + done, piece);
      for (const std::byte byte : piece) sum += std::to_integer<std::uint32_t>(byte);
    }
    sum_ = sum;
    status_ = static_cast<std::uint32_t>(outcome);
  }

  // Guest-visible state: resets, and shows as properties.
  hw::State<std::uint64_t> address_{*this, "address"};
  hw::State<std::uint32_t> length_{*this, "length"};  // bytes
  hw::State<std::uint32_t> sum_{*this, "sum"};
  hw::State<std::uint32_t> status_{*this, "status"};

  // Wiring: the memory it works on, as its board says.
  hw::RegionLink memory_{*this, "memory"};
  hw::Space space_{*this, "dma", memory_};
  memory::Port port_{*space_};

  hw::Mmio regs_{*this, "regs", hw::register_map<Adder>(0x1000, {
      {.at = kAddress, .name = "ADDRESS", .read = &Adder::address, .write = &Adder::set_address},
      {.at = kLength,  .name = "LENGTH",  .read = &Adder::length,  .write = &Adder::set_length},
      {.at = kGo,      .name = "GO",      .write = &Adder::go},
      {.at = kSum,     .name = "SUM",     .read = &Adder::sum},
      {.at = kStatus,  .name = "STATUS",  .read = &Adder::status}})};
};

}  // namespace example
