// SPDX-License-Identifier: Apache-2.0
// A hart on a bench: memory, a clock that stands still, and programs that end with WFI.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "assembler.hpp"
#include "holdfast/cpu/riscv/hart.hpp"
#include "holdfast/memory/address_space.hpp"
#include "holdfast/memory/fabric.hpp"
#include "holdfast/memory/mmio.hpp"
#include "holdfast/memory/port.hpp"
#include "holdfast/memory/ram_block.hpp"
#include "holdfast/memory/region.hpp"
#include "holdfast/memory/transaction.hpp"

namespace holdfast::test::riscv {

namespace memory = holdfast::memory;

using cpu::riscv::Cause;
using cpu::riscv::Extension;
using cpu::riscv::Hart;
using cpu::riscv::HartConfig;
using cpu::riscv::Interrupt;
using cpu::riscv::Privilege;
using cpu::riscv::Stop;

/// Stands at `now` until a test moves it.
class SteppedTime final : public cpu::riscv::TimeSource {
 public:
  std::uint64_t ticks() const override { return now; }
  std::chrono::nanoseconds until(std::uint64_t tick) const override {
    return tick <= now ? std::chrono::nanoseconds{0} : std::chrono::nanoseconds::max();
  }
  std::uint64_t now = 0;
};

inline constexpr std::uint64_t kRamBase = 0x8000'0000;
inline constexpr std::uint64_t kRamSize = 0x10'0000;
inline constexpr std::uint64_t kProgram = kRamBase;            // where programs are put
inline constexpr std::uint64_t kHandler = kRamBase + 0x1000;   // M-mode trap handler: WFI
inline constexpr std::uint64_t kSHandler = kRamBase + 0x1800;  // S-mode trap handler: WFI
inline constexpr std::uint64_t kData = kRamBase + 0x8000;
inline constexpr std::uint64_t kTables = kRamBase + 0x10000;  // page tables

/// The map: RAM at kRamBase, and what tests put beside it or over it.
class Memory {
 public:
  Memory() { place(kRamBase, ram_); }
  ~Memory() {
    ram_ = {};  // out of the map first
    block_->close();
  }

  std::byte* at(std::uint64_t address) { return block_->host() + (address - kRamBase); }
  template <class T = std::uint64_t>
  T read(std::uint64_t address) {
    T value;
    std::memcpy(&value, at(address), sizeof value);
    return value;
  }
  template <class T = std::uint64_t>
  void write(std::uint64_t address, T value) {
    std::memcpy(at(address), &value, sizeof value);
    stored(address, sizeof value);
  }
  void write_code(std::uint64_t address, std::span<const Word> words) {
    std::memcpy(at(address), words.data(), words.size_bytes());
    stored(address, words.size_bytes());
  }
  void write_code(std::uint64_t address, std::initializer_list<Word> words) {
    write_code(address, std::span{words.begin(), words.size()});
  }

  /// Shows a region at an address, over whatever is there. Also from within a callback.
  void place(std::uint64_t address, const memory::MemoryRegion& region) {
    memory::Transaction edit;
    edit.add(root_, address, region, ++priority_);
    fabric.post(std::move(edit));
  }
  void move(const memory::MemoryRegion& region, std::uint64_t address) {
    memory::Transaction edit;
    edit.move(region, address);
    fabric.post(std::move(edit));
  }
  const memory::MemoryRegion& ram() const { return ram_; }
  Ref<memory::RamBlock> block(std::uint64_t size) {
    return memory::RamBlock::make(realm_, "block", size).value();
  }

 private:
  gate::Realm realm_{"bench"};

 public:
  memory::Fabric fabric{realm_};

 private:
  /// As a device's DMA would be.
  void stored(std::uint64_t address, std::uint64_t length) {
    if (block_->marks().stored(at(address), length)) fabric.code_stored();
  }

  std::int32_t priority_ = 0;
  Ref<memory::RamBlock> block_ = block(kRamSize);
  memory::MemoryRegion root_ = memory::MemoryRegion::container(fabric, {.name = "bus"});
  memory::MemoryRegion ram_ =
      memory::MemoryRegion::ram(fabric, {.name = "ram", .size = kRamSize}, block_);

 public:
  memory::AddressSpace space{fabric, root_, {.name = "hart"}};
};

/// A page of registers at `address`, as two functions. All widths, alignments within one access.
class Device final : private memory::MmioHandler {
 public:
  using Load = std::function<memory::MemTxResult(std::uint64_t, unsigned, std::uint64_t&)>;
  using Store = std::function<memory::MemTxResult(std::uint64_t, unsigned, std::uint64_t)>;

  Device(Memory& memory, std::uint64_t address, Load load, Store store)
      : load_{std::move(load)},
        store_{std::move(store)},
        region_{memory::MemoryRegion::mmio(memory.fabric, {.name = "device", .size = 0x1000},
                                           {.handler = *this, .rules = kRules})} {
    memory.place(address, region_);
  }

 private:
  static constexpr memory::AccessRules kRules{.valid = {.max = 8}, .impl = {.max = 8}};

  memory::MemTxResult read(std::uint64_t offset, unsigned size, std::uint64_t& value,
                           memory::MemTxAttrs) override {
    return load_(offset, size, value);
  }
  memory::MemTxResult write(std::uint64_t offset, unsigned size, std::uint64_t value,
                            memory::MemTxAttrs) override {
    return store_(offset, size, value);
  }

  Load load_;
  Store store_;
  memory::MemoryRegion region_;
};

class Bench {
 public:
  explicit Bench(HartConfig config = {}) : Bench{std::make_shared<Memory>(), config} {}
  /// Another hart on the same memory.
  Bench(std::shared_ptr<Memory> shared, HartConfig config)
      : memory{std::move(shared)}, port{memory->space}, hart{config, port, time} {
    memory->write_code(kHandler, {wfi()});
    memory->write_code(kSHandler, {wfi()});
    hart.set_csr(csr::kMtvec, kHandler);
    hart.set_csr(csr::kStvec, kSHandler);
    // All of memory for S and U: one entry, naturally aligned, the whole space.
    hart.set_csr(csr::kPmpaddr0, ~std::uint64_t{0});
    hart.set_csr(csr::kPmpcfg0, 0x1f);
  }

  /// Puts a program with a WFI behind it at kProgram and runs it; how it ended.
  Stop run(std::initializer_list<Word> words) {
    std::vector<Word> program{words};
    program.push_back(wfi());
    memory->write_code(kProgram, program);
    hart.set_pc(kProgram);
    return go();
  }
  /// Runs from where the hart is.
  Stop go(std::uint64_t instructions = 100'000) {
    return hart.run(instructions);
  }

  /// The trap that ended the program, if it ended in one of the handlers.
  bool trapped() const { return hart.pc() == kHandler + 4; }
  bool trapped_to_supervisor() const { return hart.pc() == kSHandler + 4; }
  Cause cause() const { return static_cast<Cause>(csr_value(csr::kMcause)); }
  std::uint64_t csr_value(Word number) const { return hart.csr(number).value(); }
  std::uint64_t x(Reg reg) const { return hart.integer(reg); }
  void set_x(Reg reg, std::uint64_t value) { hart.set_integer(reg, value); }

  std::shared_ptr<Memory> memory;
  SteppedTime time;
  memory::Port port;
  Hart hart;
};

}  // namespace holdfast::test::riscv
