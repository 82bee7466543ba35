// SPDX-License-Identifier: Apache-2.0
// Firmware and kernels as they come from files, taken apart and checked before a machine exists.
//
// Known are ELF files (little-endian; 64-bit for RISC-V, 32-bit for Arm), Linux images for RISC-V, and raw images, which
// is what anything else is; each also packed by gzip. Nothing that a file says is believed before it is checked against the size
// of the file and of the room, and nothing is allocated by such a number.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/extent.hpp"
#include "holdfast/base/result.hpp"

namespace holdfast::boards {

/// A stretch of guest memory: `bytes` from its beginning on, zeroes for the rest.
struct Segment {
  Extent extent;
  std::span<const std::byte> bytes;  // of the image; not longer than the extent
};

enum class ImageFormat { kElf, kLinux, kRaw };

/// Whether the bytes are looked at to tell what they are.
enum class LoadFormat : std::uint8_t { kDetect, kRaw };

/// What an ELF file must be for.
enum class LoadTarget : std::uint8_t { kRiscv64, kArm32 };

/// No file is larger, packed or not.
inline constexpr std::uint64_t kLargestFile = std::uint64_t{1} << 30;

struct LoadOptions {
  std::string_view name{};             // for messages: the file
  std::uint64_t base = 0;              // where an image goes that does not say so itself
  Extent room = Extent::everything();  // what it must fit in
  LoadFormat format = LoadFormat::kDetect;
  LoadTarget target = LoadTarget::kRiscv64;
  std::uint64_t most_unpacked = kLargestFile;  // bytes
};

/// A checked image. Owns the bytes of its file.
class Image {
 public:
  Image(Image&&) = default;
  Image& operator=(Image&&) = default;

  ImageFormat format() const { return format_; }
  /// Where it begins to execute, as a physical address.
  std::uint64_t entry() const { return entry_; }
  /// In ascending order, apart from one another, inside the room. At least one.
  std::span<const Segment> segments() const { return segments_; }
  /// From the first byte of the first segment to the last byte of the last.
  Extent extent() const { return {segments_.front().extent.first, segments_.back().extent.last}; }
  /// The value of a symbol that an ELF file defines; nothing if there is none, if its symbols cannot be
  /// read, which a warning says, or if the file is a 32-bit one. Takes time in their number.
  std::optional<std::uint64_t> symbol(std::string_view name) const;

 private:
  friend Result<Image> parse_image(std::vector<std::byte> file, const LoadOptions& options);
  Image() = default;

  struct SymbolTable {
    std::size_t offset = 0, count = 0;          // entries of 24 bytes, inside the file
    std::size_t names_offset = 0, names_size = 0;
  };

  Result<void> parse_elf(const LoadOptions& options);
  Result<void> parse_elf_symbols();
  Result<void> read_elf_symbols(std::span<const std::byte> table, std::uint64_t sections,
                                std::size_t count);
  Result<void> parse_linux(const LoadOptions& options);
  Result<void> parse_raw(const LoadOptions& options);

  std::vector<std::byte> file_;
  ImageFormat format_ = ImageFormat::kRaw;
  std::uint64_t entry_ = 0;
  std::vector<Segment> segments_;  // point into file_, whose storage moves with the image
  std::optional<SymbolTable> symbols_;
};

/// Takes an image apart. Errors name the file, what is wrong with it and what would be accepted: it is
/// empty, truncated, for another machine, 32-bit or big-endian, packed otherwise than by gzip, not executable, larger than
/// the room; its segments overlap; it has none; its entry lies outside of them.
Result<Image> parse_image(std::vector<std::byte> file, const LoadOptions& options);

/// The same from a file. `options.name` may be empty: then it is the path.
Result<Image> load_image(const std::string& path, LoadOptions options);

/// All of a regular file of at most `most` bytes.
Result<std::vector<std::byte>> read_file(const std::string& path, std::uint64_t most);

}  // namespace holdfast::boards
