// SPDX-License-Identifier: Apache-2.0
// A small machine for tests of the protocol: a map, an address space, devices whose callbacks do
// what the test says, RAM.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <utility>

#include "holdfast/base/schedule_point.hpp"
#include "holdfast/memory/address_space.hpp"
#include "holdfast/memory/fabric.hpp"
#include "holdfast/memory/port.hpp"
#include "holdfast/memory/region.hpp"
#include "tests/support/schedule.hpp"

namespace holdfast::testing {

/// What an access came back with.
struct Answer {
  std::uint64_t value = 0;
  memory::MemTxResult result = memory::MemTxResult::kOk;
  friend bool operator==(const Answer&, const Answer&) = default;
  friend void PrintTo(const Answer& answer, std::ostream* out) {
    *out << std::hex << "0x" << answer.value << " (result " << static_cast<unsigned>(answer.result)
         << ")";
  }
};
inline constexpr Answer kNobody{0, memory::MemTxResult::kDecodeError};
inline constexpr Answer kRefused{0, memory::MemTxResult::kAccessError};
inline constexpr Answer kTimedOut{0xffff'ffff, memory::MemTxResult::kAccessError};

inline Answer read(memory::Port& port, std::uint64_t address, unsigned size = 4) {
  Answer answer;
  answer.result = port.load(address, size, answer.value, {});
  return answer;
}

inline memory::MemTxResult write(memory::Port& port, std::uint64_t address, std::uint64_t value,
                                 unsigned size = 4) {
  return port.store(address, size, value, {});
}

/// How a device protects itself, and whether its region has the device's gate or one of its own.
struct Protection {
  gate::Locking locking = gate::Locking::kExclusive;
  bool owned = true;
};

/// A device with one region of registers. Reads give `answer`; what a callback does besides, the
/// test says. A device is torn down by its destructor: region, then gate.
class Device final : public memory::MmioHandler {
 public:
  Device(memory::Fabric& fabric, std::string name, std::uint64_t its_answer,
         Protection protection = {})
      : answer{its_answer}, gate{made_gate(fabric, name, protection)}, region{made_region(fabric, name, protection)} {}
  ~Device() override {
    region = {};
    if (!gate) return;
    gate->close();
    gate->wait_drained();
  }

  memory::MemTxResult read(std::uint64_t, unsigned, std::uint64_t& value,
                           memory::MemTxAttrs) override {
    const std::uint64_t mine = answer;
    ++reads;
    HF_SCHEDULE_POINT("test.in_read");
    if (on_read) on_read();
    value = mine;
    return memory::MemTxResult::kOk;
  }
  memory::MemTxResult write(std::uint64_t, unsigned, std::uint64_t value,
                            memory::MemTxAttrs) override {
    ++writes;
    written = value;
    HF_SCHEDULE_POINT("test.in_write");
    if (on_write) on_write();
    return memory::MemTxResult::kOk;
  }
  gate::Gate& its_gate() const { return region.control()->gate(); }

  std::atomic<std::uint64_t> answer;
  std::atomic<unsigned> reads{0};
  std::atomic<unsigned> writes{0};
  std::atomic<std::uint64_t> written{0};
  std::function<void()> on_read;
  std::function<void()> on_write;
  const Ref<gate::Gate> gate;  // none if the region has its own
  memory::MemoryRegion region;

 private:
  static Ref<gate::Gate> made_gate(memory::Fabric& fabric, const std::string& name,
                                   Protection protection) {
    if (!protection.owned) return {};
    auto made = gate::Gate::make(fabric.realm(), name, protection.locking);
    made->open();
    return made;
  }
  memory::MemoryRegion made_region(memory::Fabric& fabric, std::string name,
                                   Protection protection) {
    return memory::MemoryRegion::mmio(
        fabric, {.name = std::move(name), .size = 0x100, .gate = gate},
        {.handler = *this, .rules = {.valid = {.max = 8}}, .own_locking = protection.locking});
  }
};

/// A region of RAM and its block.
class Ram {
 public:
  Ram(memory::Fabric& fabric, std::string name, std::uint64_t size,
      const memory::RamBacking& backing = {})
      : block{memory::RamBlock::make(fabric.realm(), name, size, backing).value()},
        region{memory::MemoryRegion::ram(fabric, {.name = std::move(name), .size = size}, block)} {}
  ~Ram() { close(); }
  Ram(const Ram&) = delete;
  Ram& operator=(const Ram&) = delete;
  void close() {
    region = {};
    if (block && !block->is_closed()) block->close();
    block = {};
  }

  Ref<memory::RamBlock> block;
  memory::MemoryRegion region;
};

/// Until nothing retired is left, what freeing retires included; then what is alive.
inline Census::Snapshot settled_census(gate::Realm& realm) {
  do realm.domain().barrier();
  while (realm.domain().garbage().objects != 0);
  return realm.census().take();
}

class World : public ::testing::Test {
 protected:
  explicit World(const memory::MapTuning& tuning = {}) : fabric_{realm_, tuning} {}

  void commit(memory::Transaction transaction) {
    const auto done = fabric_.commit(std::move(transaction));
    ASSERT_TRUE(done) << done.error().message;
  }
  void put(std::uint64_t address, const memory::MemoryRegion& region, int priority = 0) {
    commit(std::move(memory::Transaction{}.add(root_, address, region, priority)));
  }
  void put(std::uint64_t address, const Device& device, int priority = 0) {
    put(address, device.region, priority);
  }

  gate::Realm realm_{"test"};
  memory::Fabric fabric_;
  memory::MemoryRegion root_ = memory::MemoryRegion::container(fabric_, {.name = "system"});
  memory::AddressSpace space_{fabric_, root_, {.name = "cpu"}};
  memory::Port port_{space_};
};

}  // namespace holdfast::testing
