// SPDX-License-Identifier: Apache-2.0
// Harts that read one device register again and again, and write what they saw into RAM that all share.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "holdfast/accel/riscv_cpu.hpp"
#include "holdfast/machine/machine.hpp"
#include "holdfast/memory/port.hpp"
#include "tests/unit/cpu/assembler.hpp"

namespace holdfast::test {

inline constexpr std::uint64_t kWatched = 0x1000'0000;  // the register
inline constexpr std::uint64_t kShared = 0x4000'0000;   // RAM: program, trap handler, slots
inline constexpr std::uint64_t kSlots = kShared + 0x400;
inline constexpr std::uint32_t kFault = 0xffff'ffff;    // what a hart that sees nothing notes

/// "Read the register, note it in my slot, count, again"; a load that faults reads as kFault.
inline std::vector<std::uint32_t> watching_program() {
  using namespace riscv;
  constexpr Word kMepc = csr::kMepc;
  std::vector<Word> code{
      lui(kT0, 0x40000),
      addi(kT2, kT0, 0x100),
      csrw(csr::kMtvec, kT2),
      csrr(kA0, csr::kMhartid),
      i_type(0x13, 1, kA0, kA0, 3),  // slli a0, a0, 3
      add(kA0, kA0, kT0),
      lui(kT1, 0x10000),
      lw(kA1, kT1),           // the watched register
      sw(kA1, kA0, 0x400),
      addi(kA3, kA3, 1),
      sw(kA3, kA0, 0x404),
      jal(0, -16),
  };
  code.resize(0x100 / 4, nop());
  for (const Word word : {li(kA1, -1), csrr(kA2, kMepc), addi(kA2, kA2, 4), csrw(kMepc, kA2), mret()})
    code.push_back(word);
  return code;
}

/// A machine with its own thread, harts that can be stopped, and a tool's port onto any region.
class WatchingMachine {
 public:
  explicit WatchingMachine(unsigned harts) : harts_{harts} {
    machine_ = machine::Machine::make({.control = machine::Machine::Control::kOwnThread}).value();
    machine_->set_cpus(&gang_);
  }
  ~WatchingMachine() {
    machine_->pause();
    spaces_.clear();
    EXPECT_EQ(machine_->end().to_string(), "nothing");
    machine_.reset();
  }
  machine::Machine& operator*() { return *machine_; }
  machine::Machine* operator->() { return machine_.get(); }

  /// Adds hart `id` to a plan; it sees the container `view`.
  void add_hart(boards::BoardPlan& plan, std::uint64_t id, const boards::PartRef& view) {
    const auto hart = plan.add<accel::RiscvCpu>(
        "cpu" + std::to_string(id), {.hart = {.hart_id = id, .reset_vector = kShared}, .gang = &gang_});
    plan.link({{hart.link("memory"), view}});
  }
  /// Puts the program into the RAM that the container shows at kShared, and lets the harts go.
  void start(const boards::PartRef& view) {
    const auto code = watching_program();
    memory::Port port{space(view)};
    EXPECT_EQ(port.write(kShared, std::as_bytes(std::span{code}), {.debug = true}),
              memory::MemTxResult::kOk);
    shared_ = view;
    machine_->run();
  }
  /// What a tool, or a bus master of another kind, sees there.
  memory::AddressSpace& space(const boards::PartRef& view) {
    hw::RegionPart* root = nullptr;
    machine_->run_job("find a view", [&] {
      root = machine_->find(view.device).get()->find_part<hw::RegionPart>(view.part);
    });
    spaces_.push_back(std::make_unique<memory::AddressSpace>(
        machine_->fabric(), root->region(), memory::AddressSpace::Init{.name = "tool"}));
    return *spaces_.back();
  }
  std::uint32_t debug_read(const boards::PartRef& view, std::uint64_t address) {
    memory::Port port{space(view)};
    std::uint32_t value = 0;
    const auto result = port.read(address, std::as_writable_bytes(std::span{&value, 1}),
                                  {.debug = true});
    return result == memory::MemTxResult::kOk ? value : kFault;
  }
  /// What the hart has seen in a read that began after this was called.
  std::uint32_t sees(unsigned hart) {
    memory::Port port{space(shared_)};
    const auto load = [&](std::uint64_t at) {
      std::uint64_t value = 0;
      EXPECT_EQ(port.load(kSlots + 8 * hart + at, 4, value, {}), memory::MemTxResult::kOk);
      return static_cast<std::uint32_t>(value);
    };
    const auto limit = std::chrono::steady_clock::now() + std::chrono::minutes{1};
    for (const std::uint32_t from = load(4); load(4) - from < 2; std::this_thread::yield()) {
      if (std::chrono::steady_clock::now() < limit) continue;
      ADD_FAILURE() << "hart " << hart << " does not get on";
      break;
    }
    return load(0);
  }
  std::vector<std::uint32_t> all_see() {
    std::vector<std::uint32_t> seen;
    for (unsigned i = 0; i < harts_; ++i) seen.push_back(sees(i));
    return seen;
  }

 private:
  const unsigned harts_;
  accel::HartGang gang_;
  std::unique_ptr<machine::Machine> machine_;
  boards::PartRef shared_;
  std::vector<std::unique_ptr<memory::AddressSpace>> spaces_;
};

}  // namespace holdfast::test
