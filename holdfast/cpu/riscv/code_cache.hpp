// SPDX-License-Identifier: Apache-2.0
// Decoded instructions, by physical page.
//
// A page is decoded block by block, as blocks are reached, from a copy that is made line by line.
// What is copied is marked (memory/store_marks.hpp), so that stores to it are heard of, whoever makes
// them: then, as at FENCE.I and when the memory map has changed, the copy is compared with memory
// before the page is used again; a page whose instructions are still the same keeps its blocks. So
// a hart's own stores are executed from the next instruction on, and so is what devices store while
// it accesses them; stores of others are by the next slice, and after FENCE.I.
// Code that is not plain memory (device, protected piecewise) is decoded each time it is run, and
// so is an instruction that stands across two pages.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "holdfast/cpu/riscv/decode.hpp"
#include "holdfast/cpu/riscv/mmu.hpp"

namespace holdfast::cpu::riscv {

/// One page of code. A block is a run of instructions, ended by a mark that has no length.
class CodePage {
 public:
  /// Takes over what memory holds now; forgets the blocks if their instructions have changed.
  void refresh(Mmu::Code memory);

  const Instruction* block_at(std::uint64_t offset) const {
    const std::uint16_t index = at_[offset / 2];
    return index == 0 ? nullptr : blocks_[index - 1u].get();
  }
  const Instruction* decode_block(std::uint64_t offset, const Decoder& decoder);
  /// Whether the instruction at `offset` goes on in the next page.
  bool crosses(std::uint64_t offset);

  std::uint64_t refreshed = 0;  // the epoch of the last comparison

 private:
  static constexpr unsigned kWords = kPageSize / 8;
  static constexpr unsigned kLines = kPageSize / memory::StoreMarks::kLine;
  static constexpr unsigned kWordsPerLine = kWords / kLines;

  std::uint32_t word_at(std::uint64_t offset);
  void need(std::uint64_t offset);
  bool copy_line(unsigned line);

  Mmu::Code memory_;  // of the page, since the last `refresh`
  std::array<std::uint64_t, kWords> copy_{};
  std::uint64_t copied_ = 0;        // lines of the copy that are as memory was, and are marked
  std::bitset<kWords> decoded_;     // words that blocks depend on
  std::array<std::uint16_t, kPageSize / 2> at_{};  // index into blocks_ plus one
  std::vector<std::unique_ptr<Instruction[]>> blocks_;
};

class CodeCache {
 public:
  /// `mmu` belongs to the hart, like the cache.
  CodeCache(Mmu& mmu, IsaSet isa) : mmu_{mmu}, decoder_{isa}, jumps_(kJumps) {}
  /// What instructions there are from now on.
  void set_isa(IsaSet isa);

  /// The block at `pc`, or nullptr: then the exception is set. It stays until the next call.
  const Instruction* find(std::uint64_t pc, Privilege privilege) {
    const std::uint64_t context = this->context(privilege);
    const Jump& jump = jumps_[pc / 2 % kJumps];
    if (jump.pc == pc && jump.context == context) [[likely]]
      return jump.block;
    return find_slow(pc, privilege, context);
  }

  /// The four bytes at an address, as instruction fetch sees memory now; nothing if it may not.
  std::optional<std::uint32_t> fetch_word(std::uint64_t pc, Privilege privilege);

  /// FENCE.I: also what other harts stored while its line was not yet marked.
  void synchronize() { ++code_epoch_; }
  void clear();

 private:
  static constexpr std::size_t kJumps = 4096;
  static constexpr std::size_t kFetchEntries = 128;
  static constexpr std::size_t kMaxPages = 1024;

  struct Jump {
    std::uint64_t pc = 1;  // odd: no such address
    std::uint64_t context = 0;
    const Instruction* block = nullptr;
  };
  struct FetchEntry {
    std::uint64_t page = 1;
    std::uint64_t context = 0;
    CodePage* code = nullptr;
  };

  /// Both epochs only grow, so their sum moves when either does.
  std::uint64_t context(Privilege privilege) const {
    return (mmu_.translation_epoch() + code_epoch_) << 2 | static_cast<std::uint64_t>(privilege);
  }
  const Instruction* find_slow(std::uint64_t pc, Privilege privilege, std::uint64_t context);
  CodePage* page_at(std::uint64_t pc, Privilege privilege, bool& failed);
  CodePage* page_of(std::uint64_t physical, Mmu::Code memory);
  const Instruction* decode_alone(std::uint64_t pc, Privilege privilege);
  std::optional<std::uint16_t> fetch_half(std::uint64_t address, Privilege privilege);

  Mmu& mmu_;
  Decoder decoder_;
  std::vector<Jump> jumps_;
  std::array<FetchEntry, kFetchEntries> fetches_{};
  std::unordered_map<std::uint64_t, std::unique_ptr<CodePage>> pages_;  // by physical address
  std::array<Instruction, 2> alone_{};
  std::uint64_t code_epoch_ = 1;
};

}  // namespace holdfast::cpu::riscv
