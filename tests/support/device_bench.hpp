// SPDX-License-Identifier: Apache-2.0
// A bench for device models: the services of a machine, devices mapped where a test wants them, their
// lines wired or tapped, and a bus to read and write by. The clock is stepped.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "holdfast/hw/device.hpp"
#include "holdfast/hw/irq.hpp"
#include "holdfast/hw/region_part.hpp"
#include "holdfast/hw/reset.hpp"
#include "holdfast/hw/services.hpp"
#include "holdfast/memory/address_space.hpp"
#include "holdfast/memory/port.hpp"
#include "holdfast/memory/transaction.hpp"

namespace holdfast::testing {

class DeviceBench {
 public:
  DeviceBench() = default;
  ~DeviceBench() {
    taps_.clear();
    devices_.clear();
    services().settle();
    port_.reset();
    space_.reset();
    root_ = {};
    EXPECT_EQ(services().census(), empty_);
  }

  hw::Services& services() { return *services_; }
  hw::Context& context() { return services_->context(); }

  /// A live device; its region "regs" shows at `address`.
  template <class T, class... Args>
  T& add(std::string name, std::uint64_t address, Args&&... args) {
    auto owned = hw::make_device<T>(context(), std::move(name), std::forward<Args>(args)...);
    T& device = *owned;
    const auto done = owned->realize(machine_);
    EXPECT_TRUE(done) << (done ? "" : done.error().message);
    reset(device);
    memory::Transaction map;
    map.add(root_, address, device.template find_part<hw::RegionPart>("regs")->region());
    EXPECT_TRUE(services().fabric().commit(std::move(map)));
    devices_.push_back(std::move(owned));
    return device;
  }
  void remove(hw::Device& device) {
    std::erase_if(devices_, [&](const auto& owned) { return owned.get() == &device; });
    services().settle(static_cast<std::int64_t>(devices_.size()));
  }
  void reset(hw::Device& device) {
    for (const auto phase :
         {hw::ResetPhase::kEnter, hw::ResetPhase::kHold, hw::ResetPhase::kExit})
      device.reset(phase);
  }

  memory::AddressSpace& space() { return *space_; }
  void step_to(std::uint64_t ns) { services().clock().step_to(ns); }

  std::uint64_t read(std::uint64_t address, unsigned size) {
    std::uint64_t value = 0;
    EXPECT_EQ(port_->load(address, size, value, {}), memory::MemTxResult::kOk) << address;
    return value;
  }
  void write(std::uint64_t address, unsigned size, std::uint64_t value) {
    EXPECT_EQ(port_->store(address, size, value, {}), memory::MemTxResult::kOk) << address;
  }
  /// The sizes by which aligned reads of `address` are refused, OR-ed: each is a bit of its own.
  /// Writes of these sizes are to be refused, too.
  unsigned refused(std::uint64_t address) {
    unsigned sizes = 0;
    for (unsigned size = 1; size <= 8; size *= 2) {
      if (address % size != 0) continue;
      std::uint64_t value = 0;
      if (port_->load(address, size, value, {}) == memory::MemTxResult::kOk) continue;
      sizes |= size;
      EXPECT_NE(port_->store(address, size, 0, {}), memory::MemTxResult::kOk) << address;
    }
    return sizes;
  }
  std::uint8_t read8(std::uint64_t address) { return static_cast<std::uint8_t>(read(address, 1)); }
  std::uint32_t read32(std::uint64_t address) {
    return static_cast<std::uint32_t>(read(address, 4));
  }
  std::uint64_t read64(std::uint64_t address) { return read(address, 8); }
  void write8(std::uint64_t address, std::uint64_t value) { write(address, 1, value); }
  void write32(std::uint64_t address, std::uint64_t value) { write(address, 4, value); }
  void write64(std::uint64_t address, std::uint64_t value) { write(address, 8, value); }

  static bool level(hw::Device& device, std::string_view out, unsigned line = 0) {
    return device.find_part<hw::IrqOutArray>(out)->level(line);
  }
  static void drive(hw::Device& device, std::string_view in, unsigned line, bool level) {
    device.find_part<hw::IrqInArray>(in)->pin(line)->drive(level, device.context().holdback);
  }
  /// Notes each change of an output: "1010".
  const std::string& watch(hw::Device& device, std::string_view out, unsigned line = 0) {
    std::string& notes = notes_.emplace_back();
    taps_.push_back(std::make_unique<hw::PinTap>(
        device.find_part<hw::IrqOutArray>(out)->pin(line),
        [&notes](bool level) { notes += level ? '1' : '0'; }));
    return notes;
  }

 private:
  std::unique_ptr<hw::Services> services_ = hw::Services::make({.name = "bench"}).value();
  Census::Snapshot empty_ = services_->realm().census().take();
  object::Node machine_{services_->tree(), "machine"};
  bool attached_ = machine_.attach(services_->tree().root(), "machine").has_value();
  memory::MemoryRegion root_ =
      memory::MemoryRegion::container(services_->fabric(), {.name = "memory"});
  std::unique_ptr<memory::AddressSpace> space_ = std::make_unique<memory::AddressSpace>(
      services_->fabric(), root_, memory::AddressSpace::Init{.name = "bench"});
  std::unique_ptr<memory::Port> port_ = std::make_unique<memory::Port>(*space_);
  std::vector<hw::Owned<hw::Device>> devices_;
  std::deque<std::string> notes_;
  std::vector<std::unique_ptr<hw::PinTap>> taps_;
};

}  // namespace holdfast::testing
