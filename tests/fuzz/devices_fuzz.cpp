// SPDX-License-Identifier: Apache-2.0
// Any registered device under a stream of commands: accesses of every width anywhere in its region,
// time that passes, resets, being torn out and plugged in again. At the end nothing may be left. What sits on
// a bus is pci_fuzz's.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "holdfast/base/check.hpp"
#include "holdfast/boards/device_types.hpp"
#include "holdfast/machine/machine.hpp"
#include "holdfast/memory/port.hpp"

namespace {

using namespace holdfast;

constexpr std::uint64_t kHole = 0x4000'0000;
// A device that switches its machine off can be plugged in again.
const machine::Machine::Options kStays{.on_shutdown = machine::Machine::OnShutdown::kStay};

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

class Bench {
 public:
  explicit Bench(const object::Type& type, const boards::DeviceFacet& facet)
      : type_{type}, facet_{facet}, machine_{machine::Machine::make(kStays).value()} {
    plug();
  }

  void obey(Input& input) {
    memory::AddressSpace space{machine_->fabric(), machine_->bus().memory().region(),
                               {.name = "fuzz"}};
    memory::Port port{space};
    while (!input.empty()) {
      const auto command = input.number(1);
      const unsigned size = 1U << (command >> 4U & 3U);
      const std::uint64_t address = kHole + input.number(3);
      std::uint64_t value = 0;
      switch (command & 15U) {
        case 0:
          machine_->reset();
          break;
        case 1:
          replug();
          break;
        case 2:
          machine_->clock().step_to(machine_->clock().now_ns() + input.number(4));
          break;
        case 3: case 4: case 5: case 6: case 7:
          static_cast<void>(port.load(address, size, value, {}));
          break;
        default:
          static_cast<void>(port.store(address, size, input.number(size), {}));
      }
    }
  }

  void end() {
    const auto left = machine_->end();
    HF_CHECK(left == Census::Snapshot{}, "{}: left: {}", type_.name, left.to_string());
  }

 private:
  void plug() {
    boards::BoardPlan plan{"fuzz"};
    boards::add_device(plan, type_, facet_, "it", kHole);
    const auto realized = machine_->realize(plan);
    HF_CHECK(realized.has_value(), "{}", realized.error().message);
  }
  void replug() {
    const auto gone = machine_->unplug("it")->wait();
    HF_CHECK(gone.has_value(), "{}", gone.error().message);
    plug();
  }

  const object::Type& type_;
  const boards::DeviceFacet& facet_;
  std::unique_ptr<machine::Machine> machine_;
};

const object::TypeRegistry& registry() {
  static const object::TypeRegistry all = [] {
    object::TypeRegistry types;
    const auto done = boards::register_device_types(types);
    HF_CHECK(done.has_value(), "{}", done.error().message);
    return types;
  }();
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input{data, size};
  auto types = registry().descendants("device", object::Abstract::kExcluded);
  std::erase_if(types, [](const object::Type* one) {
    return !registry().facet<boards::DeviceFacet>(*one)->bus.empty();
  });
  const object::Type& type = *types[input.number(1) % types.size()];
  Bench bench{type, *registry().facet<boards::DeviceFacet>(type)};
  bench.obey(input);
  bench.end();
  return 0;
}
