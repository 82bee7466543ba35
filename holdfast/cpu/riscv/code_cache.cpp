// SPDX-License-Identifier: Apache-2.0
#include "holdfast/cpu/riscv/code_cache.hpp"

#include <algorithm>
#include <cstring>

#include "holdfast/cpu/riscv/core.hpp"

namespace holdfast::cpu::riscv {
namespace {

constexpr std::size_t kLongestBlock = 64;

Flow end_of_block(Core& core, const Instruction& i) {
  core.pc = core.pc_of(i);
  return Flow::kJump;
}

Instruction mark_at(std::uint64_t page_offset) {
  return {.run = end_of_block, .page_offset = static_cast<std::uint16_t>(page_offset)};
}

}  // namespace

/// Marks the line and copies it. True: a word that was decoded is different from before.
bool CodePage::copy_line(unsigned line) {
  memory_.marks->mark_code(memory_.host + line * memory::StoreMarks::kLine);  // before it is read
  bool changed = false;
  for (unsigned word = line * kWordsPerLine; word < (line + 1) * kWordsPerLine; ++word) {
    const auto now = load_aligned<std::uint64_t>(memory_.host + std::size_t{8} * word);
    changed |= now != copy_[word] && decoded_.test(word);
    copy_[word] = now;
  }
  return changed;
}

void CodePage::refresh(Mmu::Code memory) {
  memory_ = memory;
  bool changed = false;
  for (unsigned line = 0; line < kLines; ++line)
    if ((copied_ >> line & 1) != 0) changed |= copy_line(line);
  if (!changed) return;
  blocks_.clear();
  at_.fill(0);
  decoded_.reset();
  copied_ = 0;
}

/// The word there is to be as memory has it, and what is made of it depends on it.
void CodePage::need(std::uint64_t offset) {
  const auto line = static_cast<unsigned>(offset / memory::StoreMarks::kLine);
  if ((copied_ >> line & 1) == 0) copy_line(line);
  copied_ |= std::uint64_t{1} << line;
  decoded_.set(offset / 8);
}

std::uint32_t CodePage::word_at(std::uint64_t offset) {
  std::uint32_t word = 0;
  const std::size_t size = std::min<std::size_t>(4, kPageSize - offset);
  need(offset);
  need(offset + size - 1);
  std::memcpy(&word, reinterpret_cast<const std::byte*>(copy_.data()) + offset, size);
  return word;
}

bool CodePage::crosses(std::uint64_t offset) {
  return offset + 2 == kPageSize && length_of(word_at(offset)) == 4;
}

const Instruction* CodePage::decode_block(std::uint64_t offset, const Decoder& decoder) {
  std::vector<Instruction> instructions;
  const std::uint64_t start = offset;
  while (offset < kPageSize && !crosses(offset) && instructions.size() < kLongestBlock) {
    auto decoded = decoder.decode(word_at(offset));
    decoded.instruction.page_offset = static_cast<std::uint16_t>(offset);
    instructions.push_back(decoded.instruction);
    offset += decoded.instruction.length;
    if (decoded.ends == Ends::kYes) break;
  }
  instructions.push_back(mark_at(offset));

  auto block = std::make_unique<Instruction[]>(instructions.size());
  std::ranges::copy(instructions, block.get());
  blocks_.push_back(std::move(block));
  at_[start / 2] = static_cast<std::uint16_t>(blocks_.size());
  return blocks_.back().get();
}

void CodeCache::set_isa(IsaSet isa) {
  if (decoder_.isa() == isa) return;
  decoder_ = Decoder{isa};
  clear();
}

void CodeCache::clear() {
  pages_.clear();
  ++code_epoch_;
}

CodePage* CodeCache::page_of(std::uint64_t physical, Mmu::Code memory) {
  if (pages_.size() >= kMaxPages && !pages_.contains(physical)) clear();
  auto& page = pages_[physical];
  if (page == nullptr) page = std::make_unique<CodePage>();
  const std::uint64_t epoch = mmu_.map_epoch() + code_epoch_;
  if (page->refreshed != epoch) page->refresh(memory);
  page->refreshed = epoch;
  return page.get();
}

CodePage* CodeCache::page_at(std::uint64_t pc, Privilege privilege, bool& failed) {
  const auto place = mmu_.fetch_place(pc, privilege);
  failed = !place;
  if (!place || !place->whole_page) return nullptr;
  const std::uint64_t physical = place->physical & kPageMask;
  const Mmu::Code memory = mmu_.code(physical, kPageSize);
  // Lines that the page does not begin with could not be marked one by one.
  const bool whole_lines =
      reinterpret_cast<std::uintptr_t>(memory.host) % memory::StoreMarks::kLine == 0;
  return memory.host == nullptr || !whole_lines ? nullptr : page_of(physical, memory);
}

const Instruction* CodeCache::find_slow(std::uint64_t pc, Privilege privilege,
                                        std::uint64_t context) {
  FetchEntry& entry = fetches_[(pc >> kPageBits) % kFetchEntries];
  if (entry.page != (pc & kPageMask) || entry.context != context) {
    bool failed = false;
    CodePage* code = page_at(pc, privilege, failed);
    if (failed) return nullptr;
    if (code == nullptr) return decode_alone(pc, privilege);
    context = this->context(privilege);  // looking up may have moved the epochs
    entry = {.page = pc & kPageMask, .context = context, .code = code};
  }
  const std::uint64_t offset = pc & ~kPageMask;
  if (entry.code->crosses(offset)) return decode_alone(pc, privilege);
  const Instruction* block = entry.code->block_at(offset);
  if (block == nullptr) block = entry.code->decode_block(offset, decoder_);
  jumps_[pc / 2 % kJumps] = {.pc = pc, .context = context, .block = block};
  return block;
}

std::optional<std::uint16_t> CodeCache::fetch_half(std::uint64_t address, Privilege privilege) {
  const auto place = mmu_.fetch_place(address, privilege);
  if (!place) return std::nullopt;
  std::uint64_t value = 0;
  if (mmu_.load_physical(address, place->physical, 2, value, Access::kFetch) == Flow::kTrap)
    return std::nullopt;
  return static_cast<std::uint16_t>(value);
}

std::optional<std::uint32_t> CodeCache::fetch_word(std::uint64_t pc, Privilege privilege) {
  const auto low = fetch_half(pc, privilege);
  const auto high = low ? fetch_half(pc + 2, privilege) : std::nullopt;
  if (!high) return std::nullopt;
  return *low | std::uint32_t{*high} << 16;
}

const Instruction* CodeCache::decode_alone(std::uint64_t pc, Privilege privilege) {
  const auto low = fetch_half(pc, privilege);
  if (!low) return nullptr;
  std::uint32_t word = *low;
  if (length_of(word) == 4) {
    const auto high = fetch_half(pc + 2, privilege);
    if (!high) return nullptr;
    word |= std::uint32_t{*high} << 16;
  }
  alone_[0] = decoder_.decode(word).instruction;
  alone_[0].page_offset = static_cast<std::uint16_t>(pc & ~kPageMask);
  alone_[1] = mark_at((pc & ~kPageMask) + alone_[0].length);
  return alone_.data();
}

}  // namespace holdfast::cpu::riscv
