// SPDX-License-Identifier: Apache-2.0
// A device with one part of every kind that something can come in by: registers, timer, bottom half,
// eventfd, input pin, character input, a listener; and all that something goes out by: an output pin, DMA,
// output of characters. What it does when it is called is the test's.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "holdfast/base/schedule_point.hpp"
#include "holdfast/boards/plan.hpp"
#include "holdfast/chardev/char_port.hpp"
#include "holdfast/hw/bottom_half.hpp"
#include "holdfast/hw/device.hpp"
#include "holdfast/hw/event_fd.hpp"
#include "holdfast/hw/irq.hpp"
#include "holdfast/hw/mmio.hpp"
#include "holdfast/hw/space.hpp"
#include "holdfast/hw/timer.hpp"
#include "holdfast/memory/port.hpp"
#include "tests/support/test_machine.hpp"

namespace holdfast::test {

class Probe final : public hw::Device {
 public:
  static constexpr object::Type kType{
      .name = "test-probe", .parent = &hw::Device::kType, .docs = "One part of every kind."};
  struct Config {
    chardev::Chardev* chardev = nullptr;
    std::function<std::uint32_t(Probe&)> on_read{};        // of CALL
    std::function<void(Probe&, std::uint32_t)> on_write{};  // of CALL
    std::function<void(Probe&)> on_timer{};
    std::function<void(Probe&)> on_half{};
    std::function<void(Probe&, std::uint64_t)> on_kick{};  // of the eventfd
    std::function<void(Probe&, bool)> on_pin{};
    std::function<void(Probe&, chardev::Bytes)> on_input{};
    std::function<void(Probe&)> on_room{};
    std::function<void(Probe&, chardev::Event)> on_event{};
    gate::Locking locking = gate::Locking::kExclusive;
  };
  Probe(const hw::DeviceInit& init, Config config)
      : Device{init, config.locking},
        config_{std::move(config)},
        serial{*this, "chardev", config_.chardev,
               {.receive = &Probe::receive, .room = &Probe::room, .event = &Probe::event}} {}

  static constexpr std::uint64_t kData = 0x0;
  static constexpr std::uint64_t kCall = 0x4;  // the test's function
  static constexpr std::uint64_t kIrq = 0x8;   // the level of the output
  static constexpr std::uint64_t kArm = 0xc;   // the timer, at so many nanoseconds

  // Inside the gate: accesses to what the link "memory" names.
  std::optional<std::uint32_t> dma_read(std::uint64_t address) {
    std::uint64_t value = 0;
    last_dma = dma_.load(address, 4, value, {});
    if (last_dma != memory::MemTxResult::kOk) return std::nullopt;
    return static_cast<std::uint32_t>(value);
  }
  memory::MemTxResult dma_write(std::uint64_t address, std::uint32_t value) {
    return last_dma = dma_.store(address, 4, value, {});
  }

 private:
  std::uint32_t data() const { return data_; }
  void set_data(std::uint32_t value) { data_ = value; }
  std::uint32_t call() {
    HF_SCHEDULE_POINT("test.in_callback");
    return config_.on_read ? config_.on_read(*this) : 0;
  }
  void call(std::uint32_t value) {
    HF_SCHEDULE_POINT("test.in_callback");
    if (config_.on_write) config_.on_write(*this, value);
  }
  void set_irq(std::uint32_t level) { irq.set(level != 0); }
  void set_deadline(std::uint32_t ns) { timer.arm(ns); }
  void expired() {
    HF_SCHEDULE_POINT("test.in_timer");
    if (config_.on_timer) config_.on_timer(*this);
  }
  void half_due() {
    HF_SCHEDULE_POINT("test.in_half");
    if (config_.on_half) config_.on_half(*this);
  }
  void kicked(std::uint64_t count) {
    HF_SCHEDULE_POINT("test.in_kick");
    if (config_.on_kick) config_.on_kick(*this, count);
  }
  void pin_changed(bool level) {
    HF_SCHEDULE_POINT("test.in_pin");
    if (config_.on_pin) config_.on_pin(*this, level);
  }
  std::size_t receive(chardev::Bytes bytes) {
    HF_SCHEDULE_POINT("test.in_input");
    if (config_.on_input) config_.on_input(*this, bytes);
    return bytes.size();
  }
  void room() {
    if (config_.on_room) config_.on_room(*this);
  }
  void event(chardev::Event event) {
    if (config_.on_event) config_.on_event(*this, event);
  }

  Config config_;
  std::uint32_t data_ = 0;
  hw::RegionLink memory_{*this, "memory", hw::RegionLink::Need::kOptional};
  hw::Space space_{*this, "space", memory_};
  memory::Port dma_{space_.get()};
  hw::Mmio regs_{*this, "regs", hw::register_map<Probe>(kRegsSize, {
      {.at = kData, .name = "DATA", .read = &Probe::data, .write = &Probe::set_data},
      {.at = kCall, .name = "CALL",
       .read = static_cast<std::uint32_t (Probe::*)()>(&Probe::call),
       .write = static_cast<void (Probe::*)(std::uint32_t)>(&Probe::call)},
      {.at = kIrq, .name = "IRQ", .write = &Probe::set_irq},
      {.at = kArm, .name = "ARM", .write = &Probe::set_deadline}})};

 public:
  memory::MemTxResult last_dma = memory::MemTxResult::kOk;
  chardev::CharPort serial;
  hw::Timer timer{*this, "timer", &Probe::expired};
  hw::BottomHalf half{*this, "half", &Probe::half_due};
  hw::EventFd kick{*this, "kick", &Probe::kicked};
  hw::IrqOut irq{*this, "irq"};
  hw::IrqIn in{*this, "in", &Probe::pin_changed};
};

/// A back-end whose input comes from whichever thread a test says.
class TestChardev final : public chardev::Chardev {
 public:
  using Chardev::Chardev;
  std::string filename() const override { return "test"; }
  void accept_input() override {}
  /// Returns how many bytes the device took.
  std::size_t offer(std::initializer_list<std::uint8_t> bytes) {
    const auto to = front();
    return to ? to->offer({bytes.begin(), bytes.size()}) : 0;
  }
  Ref<chardev::FrontEnd> front_end() const { return front(); }
  /// Nobody is at the other end any more.
  void hang_up() { set_open(false); }

 protected:
  std::size_t put(chardev::Bytes bytes) override { return bytes.size(); }
};

/// A plan with a Probe at an address of the system bus, whose DMA goes to that bus.
inline boards::BoardPlan probe_plan(const std::string& name, std::uint64_t address,
                                    Probe::Config config = {}) {
  boards::BoardPlan plan{"probe " + name};
  const auto bus = plan.existing("bus");
  const auto probe = plan.add<Probe>(name, std::move(config));
  plan.map_into(bus.region("memory"), {{address, probe.region("regs")}});
  plan.link({{probe.link("memory"), bus.region("memory")}});
  return plan;
}
inline void plug_probe(TestMachine& machine, const std::string& name, std::uint64_t address,
                       Probe::Config config = {}) {
  const auto plugged = machine->realize(probe_plan(name, address, std::move(config)));
  ASSERT_TRUE(plugged) << plugged.error().message;
}
/// As long as nobody unplugs it.
inline Probe& probe(TestMachine& machine, std::string_view name) {
  return dynamic_cast<Probe&>(*machine->find(name).get());
}

}  // namespace holdfast::test
