// SPDX-License-Identifier: Apache-2.0
// Configuration space of functions of every shape under a stream of commands: accesses of every width to it, to the
// windows in which BARs show, resets, functions torn out and plugged in again. At the end nothing may be left.
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "holdfast/base/check.hpp"
#include "holdfast/devices/pci/pcie_host.hpp"
#include "holdfast/devices/pci/test_device.hpp"
#include "holdfast/machine/machine.hpp"
#include "holdfast/memory/port.hpp"
#include "tests/support/pci_devices.hpp"

namespace {

using namespace holdfast;
namespace pci = devices::pci;

constexpr std::uint64_t kPio = 0x300'0000;
constexpr std::uint64_t kEcam = 0x3000'0000;
constexpr std::uint64_t kLow = 0x4000'0000;
constexpr std::uint64_t kRam = 0x8000'0000;
constexpr unsigned kFunctions = 8;  // at devices 1 to 8

/// Numbers from the input; zeroes when it is used up.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : bytes_{data, size} {}
  bool empty() const { return bytes_.empty(); }
  std::uint64_t number(unsigned bytes) {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < bytes && !bytes_.empty(); ++i) {
      value = value << 8U | bytes_.front();
      bytes_ = bytes_.subspan(1);
    }
    return value;
  }

 private:
  std::span<const std::uint8_t> bytes_;
};

boards::BoardPlan host_plan() {
  boards::BoardPlan plan{"pci"};
  const auto ram = plan.ram("ram", 0x10'0000);
  const auto host = plan.add<pci::PcieHost>("host", {});
  plan.map({{kRam, ram},
            {kEcam, host.region("pcie.0.config")},
            {kLow, host.region("mmio-low")},
            {kPio, host.region("pio")}});
  plan.link({{host.link("memory"), boards::BoardPlan::memory()}});
  return plan;
}

boards::DeviceRef add_function(boards::BoardPlan& plan, unsigned device, std::string name) {
  switch (device) {
    case 1: return plan.add<test::PciProbe>(std::move(name));
    case 2: return plan.add<test::PciRam>(std::move(name));
    case 3: return plan.add<test::PciShelf>(std::move(name));
    case 4: return plan.add<test::PciWindow>(std::move(name));
    case 5: return plan.add<test::PciResizer>(std::move(name));
    case 6: return plan.add<test::PciMover>(std::move(name));
    case 7: return plan.add<test::PciProbe>(std::move(name));
    default: return plan.add<pci::TestDevice>(std::move(name), {.membar = 0x1'0000, .membar_backed = true});
  }
}

class Bench {
 public:
  Bench() : machine_{machine::Machine::make(host_plan(), {}).value()} {
    for (unsigned device = 1; device <= kFunctions; ++device) plug(device);
  }

  void obey(Input& input) {
    memory::AddressSpace space{machine_->fabric(), machine_->bus().memory().region(), {.name = "fuzz"}};
    memory::Port port{space};
    while (!input.empty()) {
      const auto command = input.number(1);
      const unsigned size = 1U << (command >> 4U & 3U);
      std::uint64_t value = 0;
      const auto device = static_cast<unsigned>(input.number(1));
      switch (command & 15U) {
        case 0: machine_->reset(); break;
        case 1: replug(1 + device % kFunctions); break;
        case 2: case 3: case 4:
          static_cast<void>(port.load(config(device) + input.number(1), size, value, {}));
          break;
        case 5: case 6: case 7: case 8: {
          const std::uint64_t at = config(device) + input.number(1);
          static_cast<void>(port.store(at, size, input.number(size), {}));
          break;
        }
        // Four bytes of a BAR, little-endian, and everything switched on: so BARs get to where windows are.
        case 9: case 10: {
          const std::uint64_t bar = kLow + (input.number(2) << 8U);
          static_cast<void>(port.store(config(device) + 0x10 + 4 * (command >> 4U & 1U), 4, bar, {}));
          static_cast<void>(port.store(config(device) + 4, 2, 7, {}));
          break;
        }
        case 11: case 12:
          static_cast<void>(port.load(window(device) + input.number(3), size, value, {}));
          break;
        default: {
          const std::uint64_t at = window(device) + input.number(3);
          static_cast<void>(port.store(at, size, input.number(size), {}));
        }
      }
    }
  }

  void end() {
    const auto left = machine_->end();
    HF_CHECK(left == Census::Snapshot{}, "left: {}", left.to_string());
  }

 private:
  static std::uint64_t config(unsigned device) { return kEcam + ((device % (kFunctions + 1)) << 15U); }
  static std::uint64_t window(unsigned device) {
    return std::array{kLow, kPio, kRam, kEcam}[device % 4];
  }
  void plug(unsigned device) {
    boards::BoardPlan plan{"function"};
    const auto function = add_function(plan, device, "f" + std::to_string(device));
    plan.devices().back().properties.push_back({"addr", std::to_string(device)});
    plan.link({{function.link("bus"), {.device = "host", .part = "pcie.0"}}});
    const auto realized = machine_->realize(plan);
    HF_CHECK(realized.has_value(), "{}", realized.error().message);
  }
  void replug(unsigned device) {
    const auto gone = machine_->unplug("f" + std::to_string(device))->wait();
    HF_CHECK(gone.has_value(), "{}", gone.error().message);
    plug(device);
  }

  std::unique_ptr<machine::Machine> machine_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input{data, size};
  Bench bench;
  bench.obey(input);
  bench.end();
  return 0;
}
