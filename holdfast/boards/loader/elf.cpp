// SPDX-License-Identifier: Apache-2.0
// SPEC: System V ABI, ELF-64 Object File Format; RISC-V ELF psABI (machine number 243); ELF for the Arm
// Architecture (machine number 40), whose files are the 32-bit ones of the System V ABI.
#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "holdfast/base/log.hpp"
#include "holdfast/boards/loader/bytes.hpp"
#include "holdfast/boards/loader/image.hpp"

namespace holdfast::boards {
namespace {

constexpr std::size_t kSectionSize = 64;
constexpr std::size_t kSymbolSize = 24;
constexpr std::uint16_t kExecutable = 2, kPositionIndependent = 3;
constexpr std::uint32_t kLoadable = 1;
constexpr std::uint32_t kSymbolTable = 2, kStringTable = 3, kDynamicSymbols = 11;

std::string machine_name(std::uint16_t machine) {
  constexpr std::array<std::pair<std::uint16_t, std::string_view>, 13> kNames{{
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
      {243, "RISC-V"},
      {258, "LoongArch"},
  }};
  for (const auto& [number, name] : kNames)
    if (number == machine) return std::string{name};
  return fmt::format("machine number {}", machine);
}

/// Where the fields of a file's header and of its program headers stand: those of 64 bits, or of 32.
struct Shape {
  std::uint16_t machine;
  std::string_view name;
  int bits;
  std::size_t header_size, first_segment, segment_size_at, segment_count_at, segment_size;
  struct {
    std::size_t offset, virtual_address, address, file_size, size;
  } of_segment;

  std::uint64_t number(std::span<const std::byte> at, std::size_t offset) const {
    return bits == 64 ? little<std::uint64_t>(at, offset) : little<std::uint32_t>(at, offset);
  }
};
constexpr Shape kRiscv64{.machine = 243, .name = "RISC-V", .bits = 64, .header_size = 64,
                         .first_segment = 32, .segment_size_at = 54, .segment_count_at = 56,
                         .segment_size = 56, .of_segment = {8, 16, 24, 32, 40}};
constexpr Shape kArm32{.machine = 40, .name = "Arm", .bits = 32, .header_size = 52,
                       .first_segment = 28, .segment_size_at = 42, .segment_count_at = 44,
                       .segment_size = 32, .of_segment = {4, 8, 12, 16, 20}};

/// One program header, and the physical address that its virtual ones stand for.
struct Header {
  std::uint64_t offset, virtual_address, address, file_size, size;

  Header(std::span<const std::byte> at, const Shape& shape)
      : offset{shape.number(at, shape.of_segment.offset)},
        virtual_address{shape.number(at, shape.of_segment.virtual_address)},
        address{shape.number(at, shape.of_segment.address)},
        file_size{shape.number(at, shape.of_segment.file_size)},
        size{shape.number(at, shape.of_segment.size)} {}
};

Result<void> check_header(std::span<const std::byte> file, const Shape& shape) {
  if (file.size() < 20) return fail("truncated inside the ELF header");
  const auto machine = little<std::uint16_t>(file, 18);
  const auto order = static_cast<int>(file[5]);
  // In a big-endian file the machine number stands the other way round.
  const auto number = order == 2 ? static_cast<std::uint16_t>(machine >> 8 | machine << 8) : machine;
  if (number != shape.machine)
    return fail("an ELF file for {}; it takes one for {}", machine_name(number), shape.name);
  if (static_cast<int>(file[4]) != shape.bits / 32)
    return fail("a {}-bit ELF file; it takes a {}-bit one for {}", 96 - shape.bits, shape.bits, shape.name);
  if (order != 1) return fail("a big-endian ELF file; it takes a little-endian one for {}", shape.name);
  if (file.size() < shape.header_size) return fail("truncated inside the ELF header");
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
  const Shape& shape = options.target == LoadTarget::kArm32 ? kArm32 : kRiscv64;
  TRY(check_header(file, shape));
  const auto first = shape.number(file, shape.first_segment);
  const auto entry_size = little<std::uint16_t>(file, shape.segment_size_at);
  const std::size_t count = little<std::uint16_t>(file, shape.segment_count_at);
  if (count != 0 && entry_size != shape.segment_size)
    return fail("program headers of {} bytes; an ELF file for {} bits has {}", entry_size, shape.bits,
                shape.segment_size);
  if (!inside(first, count, shape.segment_size, file.size()))
    return fail("its program headers lie beyond the end of the file; it is truncated");

  const auto entry = shape.number(file, 24);
  std::optional<std::uint64_t> physical_entry;
  for (std::size_t i = 0; i < count; ++i) {
    const auto at = file.subspan(first + i * shape.segment_size, shape.segment_size);
    const Header header{at, shape};
    if (little<std::uint32_t>(at, 0) != kLoadable || header.size == 0) continue;
    segments_.push_back(TRY(segment_of(file, header, i)));
    if (entry >= header.virtual_address && entry - header.virtual_address < header.size)
      physical_entry = header.address + (entry - header.virtual_address);
  }
  std::ranges::sort(segments_, {}, [](const Segment& segment) { return segment.extent.first; });
  TRY(check_segments(segments_, options.room));
  if (!physical_entry) return fail("its entry point {:#x} lies in none of its segments", entry);
  entry_ = *physical_entry;
  if (shape.bits != 64) return {};
  // Symbols serve to find the words of HTIF; what is to be executed is there without them.
  if (const auto symbols = parse_elf_symbols(); !symbols)
    log::warn("{}: {}; it is loaded without its symbols", options.name, symbols.error().message);
  return {};
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
