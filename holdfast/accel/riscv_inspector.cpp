// SPDX-License-Identifier: Apache-2.0
#include "holdfast/accel/riscv_inspector.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>

#include "holdfast/cpu/riscv/csr.hpp"
#include "holdfast/cpu/riscv/disassemble.hpp"

namespace holdfast::accel {
namespace {

using cpu::riscv::Privilege;

constexpr std::array<std::string_view, 32> kIntegers{
    "zero", "ra", "sp", "gp", "tp",  "t0",  "t1", "t2", "s0", "s1", "a0",
    "a1",   "a2", "a3", "a4", "a5",  "a6",  "a7", "s2", "s3", "s4", "s5",
    "s6",   "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6"};
constexpr std::array<std::string_view, 32> kFloats{
    "ft0", "ft1", "ft2", "ft3", "ft4", "ft5", "ft6",  "ft7",  "fs0", "fs1", "fa0",
    "fa1", "fa2", "fa3", "fa4", "fa5", "fa6", "fa7",  "fs2",  "fs3", "fs4", "fs5",
    "fs6", "fs7", "fs8", "fs9", "fs10", "fs11", "ft8", "ft9", "ft10", "ft11"};

constexpr unsigned kSatp = 0x180;
constexpr unsigned kMstatus = 0x300;
constexpr unsigned kCsrs = 0x1000;
constexpr unsigned kPageBits = 12;
constexpr std::uint64_t kPpnMask = (std::uint64_t{1} << 44) - 1;
constexpr std::uint64_t kValid = 1;
constexpr std::uint64_t kReadable = 2;
constexpr std::uint64_t kWritable = 4;
constexpr std::uint64_t kExecute = 8;

/// "x17", "f3": the number behind the letter.
std::optional<unsigned> numbered(std::string_view name, char letter) {
  if (name.size() < 2 || name.front() != letter) return std::nullopt;
  unsigned number = 0;
  const char* end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(name.data() + 1, end, number);
  if (error != std::errc{} || stop != end || number >= 32) return std::nullopt;
  return number;
}

std::optional<unsigned> index_in(std::span<const std::string_view> names, std::string_view name) {
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) return std::nullopt;
  return static_cast<unsigned>(found - names.begin());
}

bool is_leaf(std::uint64_t entry) { return (entry & (kReadable | kExecute)) != 0; }
bool is_valid(std::uint64_t entry) {
  return (entry & kValid) != 0 && (entry & (kReadable | kWritable)) != kWritable;
}
std::uint64_t target_of(std::uint64_t entry) { return (entry >> 10 & kPpnMask) << kPageBits; }

std::uint64_t sign_extended(std::uint64_t address, unsigned levels) {
  const unsigned unused = 64 - (kPageBits + 9 * levels);
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(address << unused) >> unused);
}

std::array<char, 7> rights_of(std::uint64_t entry) {
  constexpr std::string_view kLetters = "rwxugad";  // bits 1 to 7
  std::array<char, 7> rights{};
  for (unsigned i = 0; i < rights.size(); ++i) rights[i] = (entry >> (i + 1) & 1) != 0 ? kLetters[i] : '-';
  return rights;
}

}  // namespace

std::string RiscvInspector::registers() const {
  std::string text = hart_.dump();
  if (!text.ends_with('\n')) text += '\n';
  for (unsigned i = 0; i < 32; ++i)
    fmt::format_to(std::back_inserter(text), "{:>4} {:016x}{}", kFloats[i], hart_.floating(i),
                   i % 4 == 3 ? '\n' : ' ');
  return text;
}

std::optional<std::uint64_t> RiscvInspector::register_value(std::string_view name) const {
  if (name == "pc") return hart_.pc();
  if (name == "fp") name = "s0";
  if (const auto i = numbered(name, 'x')) return hart_.integer(*i);
  if (const auto i = index_in(kIntegers, name)) return hart_.integer(*i);
  if (const auto i = numbered(name, 'f')) return hart_.floating(*i);
  if (const auto i = index_in(kFloats, name)) return hart_.floating(*i);
  for (unsigned number = 0; number < kCsrs; ++number) {
    const char* csr = cpu::riscv::csr_name(number);
    if (csr != nullptr && name == csr) return hart_.csr(number);
  }
  return std::nullopt;
}

std::vector<std::string> RiscvInspector::register_names() const {
  std::vector<std::string> names{"pc"};
  names.insert(names.end(), kIntegers.begin(), kIntegers.end());
  names.insert(names.end(), kFloats.begin(), kFloats.end());
  for (unsigned number = 0; number < kCsrs; ++number)
    if (const char* csr = cpu::riscv::csr_name(number)) names.emplace_back(csr);
  return names;
}

std::vector<std::byte> RiscvInspector::core_status(std::uint32_t number) const {
  // Of Linux's elf_prstatus only the thread's number and the registers say something here.
  constexpr std::size_t kThread = 32;
  constexpr std::size_t kRegisters = 112;  // the program counter, then x1 to x31
  constexpr std::size_t kSize = 376;
  std::vector<std::byte> status(kSize);
  const auto put = [&](std::size_t at, std::uint64_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) status[at + i] = static_cast<std::byte>(value >> (8 * i));
  };
  put(kThread, number + 1, 4);
  put(kRegisters, hart_.pc(), 8);
  for (unsigned i = 1; i < 32; ++i) put(kRegisters + 8 * i, hart_.integer(i), 8);
  return status;
}

// --- translation -----------------------------------------------------------------------------------

unsigned RiscvInspector::levels() const {
  using cpu::riscv::mstatus::kMppShift;
  using cpu::riscv::mstatus::kMprv;
  Privilege privilege = hart_.privilege();
  const std::uint64_t status = hart_.csr(kMstatus).value_or(0);
  if (privilege == Privilege::kMachine && (status & kMprv) != 0)
    privilege = static_cast<Privilege>(status >> kMppShift & 3);
  if (privilege == Privilege::kMachine) return 0;
  const std::uint64_t mode = hart_.csr(kSatp).value_or(0) >> 60;
  return mode >= 8 && mode <= 10 ? static_cast<unsigned>(mode) - 5 : 0;  // Sv39 has 3
}

std::uint64_t RiscvInspector::root() const {
  return (hart_.csr(kSatp).value_or(0) & kPpnMask) << kPageBits;
}

std::optional<std::uint64_t> RiscvInspector::translate(std::uint64_t address) const {
  const unsigned count = levels();
  if (count == 0) return address;
  if (sign_extended(address, count) != address) return std::nullopt;
  std::uint64_t table = root();
  for (unsigned level = count; level-- > 0;) {
    const unsigned shift = kPageBits + 9 * level;
    std::uint64_t entry = 0;
    if (port_.load(table + (address >> shift & 0x1ff) * 8, 8, entry, {.memory = true}) !=
            memory::MemTxResult::kOk ||
        !is_valid(entry))
      return std::nullopt;
    const std::uint64_t target = target_of(entry);
    if (is_leaf(entry)) {
      const std::uint64_t inside = (std::uint64_t{1} << shift) - 1;
      return (target & ~inside) | (address & inside);
    }
    table = target;
  }
  return std::nullopt;
}

/// A walk over all tables.
struct RiscvInspector::Tables {
  std::size_t left = 0;  // to be read
  unsigned levels = 0;
  const std::function<bool(const Mapping&)>& visit;
  bool complete = true;
};

std::optional<hw::CpuInspector::Walk> RiscvInspector::mappings(
    std::size_t most_tables, const std::function<bool(const Mapping&)>& visit) const {
  const unsigned count = levels();
  if (count == 0) return std::nullopt;
  Tables tables{.left = most_tables, .levels = count, .visit = visit};
  visit_table(tables, root(), count, 0);
  return Walk{.mode = fmt::format("Sv{}", kPageBits + 9 * count), .complete = tables.complete};
}

bool RiscvInspector::read_table(std::uint64_t table, std::span<std::uint64_t, 512> entries) const {
  return port_.read(table, std::as_writable_bytes(entries), {.memory = true}) ==
         memory::MemTxResult::kOk;
}

// False: nothing more is wanted. As deep as there are levels.
bool RiscvInspector::visit_table(Tables& tables, std::uint64_t table, unsigned level,
                                 std::uint64_t base) const {
  if (tables.left-- == 0) {
    tables.left = 0;
    tables.complete = false;
    return false;
  }
  std::array<std::uint64_t, 512> entries{};
  if (!read_table(table, entries)) return true;
  const unsigned shift = kPageBits + 9 * (level - 1);
  // The upper half of the addresses is negative, and comes last.
  for (std::uint64_t i = 0; i < entries.size(); ++i) {
    const std::uint64_t entry = entries[i];
    if (!is_valid(entry)) continue;
    const std::uint64_t address = base | i << shift;
    if (!is_leaf(entry)) {
      if (level > 1 && !visit_table(tables, target_of(entry), level - 1, address)) return false;
      continue;
    }
    const auto rights = rights_of(entry);
    if (!tables.visit({.address = sign_extended(address, tables.levels),
                       .physical = target_of(entry),
                       .size = std::uint64_t{1} << shift,
                       .rights = {rights.data(), rights.size()}})) {
      tables.complete = false;
      return false;
    }
  }
  return true;
}

// --- instructions ----------------------------------------------------------------------------------

hw::CpuInspector::Instruction RiscvInspector::disassemble(std::uint64_t address,
                                                          std::span<const std::byte> bytes) const {
  std::uint32_t word = 0;
  for (std::size_t i = 0; i < std::min<std::size_t>(4, bytes.size()); ++i)
    word |= std::to_integer<std::uint32_t>(bytes[i]) << (8 * i);
  const bool compressed = (word & 3) != 3;
  if (bytes.size() < 2) return {.text = fmt::format(".byte {:#04x}", word), .length = 1};
  if (!compressed && bytes.size() < 4)
    return {.text = fmt::format(".2byte {:#06x}", word), .length = 2};
  return {.text = cpu::riscv::disassemble(word, address), .length = compressed ? 2U : 4U};
}

}  // namespace holdfast::accel
