// SPDX-License-Identifier: Apache-2.0
// Builds the board, uses its device as a guest would, and takes the device away while the machine lives.
#include <fmt/core.h>

#include <array>
#include <cstdint>
#include <cstdio>

#include "adder.hpp"
#include "board.hpp"
#include "holdfast/machine/machine.hpp"

namespace {

using holdfast::Result;
using holdfast::memory::MemTxResult;

/// What a CPU of the board would see.
class Bus {
 public:
  explicit Bus(holdfast::machine::Machine& machine)
      : space_{machine.fabric(), machine.bus().memory().region(), {.name = "example"}}, port_{space_} {}

  MemTxResult store(std::uint64_t address, unsigned size, std::uint64_t value) {
    return port_.store(address, size, value, {});
  }
  MemTxResult load(std::uint64_t address, unsigned size, std::uint64_t& value) {
    return port_.load(address, size, value, {});
  }

 private:
  holdfast::memory::AddressSpace space_;
  holdfast::memory::Port port_;
};

Result<void> add_up(Bus& bus) {
  using example::Adder, example::kAdderBase, example::kRamBase;
  for (std::uint64_t i = 0; i < 100; ++i) bus.store(kRamBase + i, 1, i + 1);
  bus.store(kAdderBase + Adder::kAddress, 8, kRamBase);
  bus.store(kAdderBase + Adder::kLength, 4, 100);
  bus.store(kAdderBase + Adder::kGo, 4, 1);
  std::uint64_t sum = 0;
  if (bus.load(kAdderBase + Adder::kSum, 4, sum) != MemTxResult::kOk)
    return holdfast::fail("adder: no answer at {:#x}", kAdderBase);
  fmt::print("sum of 1 to 100: {}\n", sum);
  return {};
}

Result<void> run() {
  const auto plan = TRY(example::plan_board({}));
  const auto machine = TRY(holdfast::machine::Machine::make(plan, {}));
  Bus bus{*machine};
  TRY(add_up(bus));
  const auto before = machine->census();

  TRY(machine->unplug("adder")->wait());
  std::uint64_t sum = 0;
  const auto result = bus.load(example::kAdderBase + example::Adder::kSum, 4, sum);
  fmt::print("unplugged: {}\n", result == MemTxResult::kDecodeError ? "nobody answers" : "still there");

  TRY(machine->realize(example::plan_plug("adder", example::kAdderBase)));
  TRY(add_up(bus));
  fmt::print("plugged again: {}\n",
             machine->census() == before ? "as it was" : machine->census().to_string());
  return {};
}

}  // namespace

int main() {
  const auto done = run();
  if (done) return 0;
  fmt::print(stderr, "{}\n", done.error().message);
  return 1;
}
