// SPDX-License-Identifier: Apache-2.0
// What it takes to make things and to take them away again: an address space, a device, a machine.
// CPU time of the whole process; of plug and unplug also the time passed, for a grace period is
// waiting, not work.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "holdfast/boards/virt/virt.hpp"
#include "holdfast/machine/machine.hpp"
#include "holdfast/memory/address_space.hpp"
#include "tests/support/test_devices.hpp"

namespace holdfast::machine {
namespace {

constexpr std::uint64_t kHole = 0x4000'0000;
constexpr std::uint64_t kApart = 0x1'0000;

std::unique_ptr<Machine> bare(Machine::Control control) {
  return Machine::make({.services = {}, .control = control}).value();
}

void address_space(benchmark::State& state) {
  const auto machine = bare(Machine::Control::kCaller);
  const auto& bus = machine->bus().memory().region();
  const memory::AddressSpace first{machine->fabric(), bus, {.name = "first"}};
  for (auto _ : state) {
    const memory::AddressSpace space{machine->fabric(), bus, {.name = "cpu"}};
    benchmark::DoNotOptimize(&space);
  }
}

// A device with one region of registers joins a machine that has range(0) of the kind already, and
// leaves it; until its storage is free again.
void plug_and_unplug(benchmark::State& state, Machine::Control control) {
  const auto machine = bare(control);
  for (std::int64_t i = 0; i < state.range(0); ++i)
    machine
        ->plug<test::Leaf>("leaf" + std::to_string(i),
                           kHole + static_cast<std::uint64_t>(i + 1) * kApart)
        .value();
  for (auto _ : state) {
    machine->plug<test::Leaf>("leaf", kHole).value();
    machine->unplug("leaf")->wait().value();
  }
}

// The same, by range(0) devices at a time: the waiting is shared.
void plug_and_unplug_together(benchmark::State& state) {
  const auto machine = bare(Machine::Control::kCaller);
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < state.range(0); ++i) names.push_back("leaf" + std::to_string(i));
  for (auto _ : state) {
    boards::BoardPlan plan{"several"};
    const auto bus = plan.existing("bus").region("memory");
    for (std::size_t i = 0; i < names.size(); ++i)
      plan.map_into(bus, {{kHole + i * kApart, plan.add<test::Leaf>(names[i]).region("regs")}});
    machine->realize(plan).value();
    std::vector<Ref<hw::Ticket>> tickets;
    for (const auto& name : names) tickets.push_back(machine->unplug(name));
    for (const auto& ticket : tickets) ticket->wait().value();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void bare_machine(benchmark::State& state, Machine::Control control) {
  for (auto _ : state) benchmark::DoNotOptimize(bare(control));
}

// All devices of `virt`, 128 MiB of RAM, no firmware and no harts that run.
void virt_machine(benchmark::State& state) {
  for (auto _ : state) {
    const auto machine = bare(Machine::Control::kCaller);
    auto& serial = machine->keep(std::make_unique<chardev::NullChardev>("serial0"));
    boards::virt::Options options;
    options.serial = &serial;
    machine->realize(boards::virt::plan(options).value()).value();
  }
}

#define HF_CPU_TIME MeasureProcessCPUTime()->Unit(benchmark::kMicrosecond)
BENCHMARK(address_space);
BENCHMARK_CAPTURE(plug_and_unplug, callers_thread, Machine::Control::kCaller)
    ->HF_CPU_TIME->Arg(0)->Arg(1'000);
BENCHMARK_CAPTURE(plug_and_unplug, own_thread, Machine::Control::kOwnThread)->HF_CPU_TIME->Arg(0);
BENCHMARK(plug_and_unplug_together)->HF_CPU_TIME->Arg(100);
BENCHMARK_CAPTURE(bare_machine, callers_thread, Machine::Control::kCaller)->HF_CPU_TIME;
BENCHMARK_CAPTURE(bare_machine, own_thread, Machine::Control::kOwnThread)->HF_CPU_TIME;
BENCHMARK(virt_machine)->HF_CPU_TIME;

}  // namespace
}  // namespace holdfast::machine
