// SPDX-License-Identifier: Apache-2.0
// SPEC: System V ABI, ELF-64 Object File Format; RISC-V ELF psABI (machine number 243).
#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "holdfast/boards/loader/bytes.hpp"
#include "holdfast/boards/loader/image.hpp"

namespace holdfast::boards {
namespace {

constexpr std::size_t kHeaderSize = 64;
constexpr std::size_t kSegmentSize = 56;
constexpr std::size_t kSectionSize = 64;
constexpr std::size_t kSymbolSize = 24;
constexpr std::uint16_t kRiscv = 243;
constexpr std::uint16_t kExecutable = 2, kPositionIndependent = 3;
constexpr std::uint32_t kLoadable = 1;
constexpr std::uint32_t kSymbolTable = 2, kStringTable = 3, kDynamicSymbols = 11;

std::string machine_name(std::uint16_t machine) {
  constexpr std::array<std::pair<std::uint16_t, std::string_view>, 12> kNames{{
      {2, "SPARC"},
      {3, "x86"},
      {8, "MIPS"},
      {15, "PA-RISC"},
      {20, "PowerPC"},
      {21, "PowerPC64"},
      {22, "S/390"},
      {40, "Arm"},
      {43, "SPARC64"},
      {62, "x86-64"},
      {183, "AArch64"},
      {258, "LoongArch"},
  }};
  for (const auto& [number, name] : kNames)
    if (number == machine) return std::string{name};
  return fmt::format("machine number {}", machine);
}

/// One program header, and the physical address that its virtual ones stand for.
struct Header {
  std::uint64_t offset, virtual_address, address, file_size, size;

  explicit Header(std::span<const std::byte> at)
      : offset{little<std::uint64_t>(at, 8)},
        virtual_address{little<std::uint64_t>(at, 16)},
        address{little<std::uint64_t>(at, 24)},
        file_size{little<std::uint64_t>(at, 32)},
        size{little<std::uint64_t>(at, 40)} {}
};

Result<void> check_header(std::span<const std::byte> file) {
  if (file.size() < 20) return fail("truncated inside the ELF header");
  const auto machine = little<std::uint16_t>(file, 18);
  const auto order = static_cast<int>(file[5]);
  // In a big-endian file the machine number stands the other way round.
  const auto number = order == 2 ? static_cast<std::uint16_t>(machine >> 8 | machine << 8) : machine;
  if (number != kRiscv)
    return fail("an ELF file for {}; it takes one for RISC-V", machine_name(number));
  if (static_cast<int>(file[4]) != 2)
    return fail("a 32-bit ELF file; it takes a 64-bit one for RISC-V");
  if (order != 1) return fail("a big-endian ELF file; it takes a little-endian one for RISC-V");
  if (file.size() < kHeaderSize) return fail("truncated inside the ELF header");
  const auto type = little<std::uint16_t>(file, 16);
  if (type != kExecutable && type != kPositionIndependent)
    return fail("an ELF file that cannot be executed (type {}); it takes a linked program", type);
  return {};
}

Result<Segment> segment_of(std::span<const std::byte> file, const Header& header, std::size_t index) {
  if (!inside(header.offset, header.file_size, 1, file.size()))
    return fail("segment {} has bytes beyond the end of the file; it is truncated", index);
  if (header.file_size > header.size)
    return fail("segment {} has more bytes ({}) than room for them ({})", index, header.file_size,
                header.size);
  const auto extent = Extent::of_size(header.address, header.size);
  if (!extent)
    return fail("segment {} at {:#x} with {:#x} bytes leaves the address space", index,
                header.address, header.size);
  return Segment{*extent, file.subspan(header.offset, header.file_size)};
}

Result<void> check_segments(std::span<const Segment> segments, Extent room) {
  if (segments.empty()) return fail("nothing in it is to be loaded; it takes a linked program");
  for (std::size_t i = 1; i < segments.size(); ++i)
    if (segments[i - 1].extent.last >= segments[i].extent.first)
      return fail("segments {:#x}-{:#x} and {:#x}-{:#x} overlap", segments[i - 1].extent.first,
                  segments[i - 1].extent.last, segments[i].extent.first, segments[i].extent.last);
  const Extent all{segments.front().extent.first, segments.back().extent.last};
  if (!room.contains(all))
    return fail("it is linked for {:#x}-{:#x}, which is not all inside {:#x}-{:#x}", all.first,
                all.last, room.first, room.last);
  return {};
}

}  // namespace

Result<void> Image::parse_elf(const LoadOptions& options) {
  format_ = ImageFormat::kElf;
  const std::span<const std::byte> file{file_};
  TRY(check_header(file));
  const auto first = little<std::uint64_t>(file, 32);
  const auto entry_size = little<std::uint16_t>(file, 54);
  const std::size_t count = little<std::uint16_t>(file, 56);
  if (count != 0 && entry_size != kSegmentSize)
    return fail("program headers of {} bytes; an ELF file for 64 bits has {}", entry_size,
                kSegmentSize);
  if (!inside(first, count, kSegmentSize, file.size()))
    return fail("its program headers lie beyond the end of the file; it is truncated");

  const auto entry = little<std::uint64_t>(file, 24);
  std::optional<std::uint64_t> physical_entry;
  for (std::size_t i = 0; i < count; ++i) {
    const auto at = file.subspan(first + i * kSegmentSize, kSegmentSize);
    const Header header{at};
    if (little<std::uint32_t>(at, 0) != kLoadable || header.size == 0) continue;
    segments_.push_back(TRY(segment_of(file, header, i)));
    if (entry >= header.virtual_address && entry - header.virtual_address < header.size)
      physical_entry = header.address + (entry - header.virtual_address);
  }
  std::ranges::sort(segments_, {}, [](const Segment& segment) { return segment.extent.first; });
  TRY(check_segments(segments_, options.room));
  if (!physical_entry) return fail("its entry point {:#x} lies in none of its segments", entry);
  entry_ = *physical_entry;
  return parse_elf_symbols();
}

Result<void> Image::parse_elf_symbols() {
  const std::span<const std::byte> file{file_};
  const auto first = little<std::uint64_t>(file, 40);
  const auto entry_size = little<std::uint16_t>(file, 58);
  const std::size_t count = little<std::uint16_t>(file, 60);
  if (first == 0 || count == 0) return {};  // stripped of its sections
  if (entry_size != kSectionSize || !inside(first, count, kSectionSize, file.size()))
    return fail("its section headers lie beyond the end of the file; it is truncated");
  const auto section = [&](std::size_t index) {
    return file.subspan(first + index * kSectionSize, kSectionSize);
  };
  const auto find = [&](std::uint32_t type) -> std::optional<std::size_t> {
    for (std::size_t i = 0; i < count; ++i)
      if (little<std::uint32_t>(section(i), 4) == type) return i;
    return std::nullopt;
  };
  auto table = find(kSymbolTable);
  if (!table) table = find(kDynamicSymbols);  // what is left of the names in a stripped file
  return table ? read_elf_symbols(section(*table), first, count) : Result<void>{};
}

Result<void> Image::read_elf_symbols(std::span<const std::byte> table, std::uint64_t sections,
                                     std::size_t count) {
  const std::span<const std::byte> file{file_};
  const std::size_t link = little<std::uint32_t>(table, 40);
  if (link >= count) return fail("its symbols have no names: there is no section {}", link);
  const auto strings = file.subspan(sections + link * kSectionSize, kSectionSize);
  if (little<std::uint32_t>(strings, 4) != kStringTable)
    return fail("its symbols have no names: section {} is no string table", link);
  const auto offset = little<std::uint64_t>(table, 24);
  const auto size = little<std::uint64_t>(table, 32);
  const auto names = little<std::uint64_t>(strings, 24);
  const auto names_size = little<std::uint64_t>(strings, 32);
  if (!inside(offset, size, 1, file.size()) || !inside(names, names_size, 1, file.size()))
    return fail("its symbols lie beyond the end of the file; it is truncated");
  symbols_ = SymbolTable{offset, size / kSymbolSize, names, names_size};
  return {};
}

std::optional<std::uint64_t> Image::symbol(std::string_view name) const {
  if (!symbols_ || name.empty()) return std::nullopt;
  const std::span<const std::byte> file{file_};
  const std::string_view names{
      reinterpret_cast<const char*>(file_.data()) + symbols_->names_offset, symbols_->names_size};
  for (std::size_t i = 0; i < symbols_->count; ++i) {
    const auto entry = file.subspan(symbols_->offset + i * kSymbolSize, kSymbolSize);
    const std::size_t at = little<std::uint32_t>(entry, 0);
    const auto defined_in = little<std::uint16_t>(entry, 6);
    if (defined_in == 0 || at >= names.size()) continue;
    const auto known = names.substr(at);
    if (known.starts_with(name) && known.size() > name.size() && known[name.size()] == '\0')
      return little<std::uint64_t>(entry, 8);
  }
  return std::nullopt;
}

}  // namespace holdfast::boards
