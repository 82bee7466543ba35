// SPDX-License-Identifier: Apache-2.0
// A machine for tests, with a port onto its system bus: what a CPU would see.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "holdfast/machine/machine.hpp"
#include "holdfast/memory/address_space.hpp"
#include "holdfast/memory/port.hpp"
#include "tests/support/test_devices.hpp"

namespace holdfast::test {

inline constexpr std::uint64_t kHole = 0x4000'0000;

/// Jobs run on the test's thread, whenever it waits for one.
class TestMachine {
 public:
  explicit TestMachine(const boards::BoardPlan& plan = boards::BoardPlan{"bare"},
                       machine::Machine::Options options = {})
      : machine_{machine::Machine::make(plan, std::move(options)).value()} {
    see_bus();
  }
  ~TestMachine() { end(); }
  TestMachine(const TestMachine&) = delete;
  TestMachine& operator=(const TestMachine&) = delete;

  machine::Machine& operator*() { return *machine_; }
  machine::Machine* operator->() { return machine_.get(); }

  /// 32 bits, or nothing if nobody answers. From any thread; each access has a port of its own.
  std::optional<std::uint32_t> read32(std::uint64_t address) {
    memory::Port port{space_->control()};
    std::uint64_t value = 0;
    if (port.load(address, 4, value, {}) != memory::MemTxResult::kOk) return std::nullopt;
    return static_cast<std::uint32_t>(value);
  }
  bool write32(std::uint64_t address, std::uint32_t value) {
    memory::Port port{space_->control()};
    return port.store(address, 4, value, {}) == memory::MemTxResult::kOk;
  }

  Census::Snapshot census() { return machine_->census(); }

  /// Destroys the machine, and says that nothing of it was left.
  void end() {
    if (!machine_) return;
    space_.reset();
    machine_.reset();
  }

 private:
  void see_bus() {
    space_.emplace(machine_->fabric(), machine_->bus().memory().region(),
                   memory::AddressSpace::Init{.name = "test cpu"});
  }

  std::unique_ptr<machine::Machine> machine_;
  std::optional<memory::AddressSpace> space_;
};

}  // namespace holdfast::test
