// SPDX-License-Identifier: Apache-2.0
// SPEC: Linux, Documentation/arch/riscv/boot-image-header.rst, for the header of Linux images.
#include "holdfast/boards/loader/image.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "holdfast/boards/loader/bytes.hpp"
#include "holdfast/boards/loader/gunzip.hpp"

namespace holdfast::boards {
namespace {

constexpr std::size_t kLinuxHeaderSize = 64;
constexpr std::uint64_t kLinuxAlignment = 2 << 20;

bool has(std::span<const std::byte> file, std::size_t offset, std::string_view magic) {
  if (!inside(offset, magic.size(), 1, file.size())) return false;
  return std::string_view{reinterpret_cast<const char*>(file.data()) + offset, magic.size()} == magic;
}

/// Formats that would only be taken for raw images by mistake.
Result<void> refuse_wrapped(std::span<const std::byte> file) {
  if (is_gzip(file)) return fail("packed with gzip twice; it takes an image packed once");
  if (has(file, 0, "MZ") && has(file, 4, "zimg"))
    return fail("a self-extracting EFI image; it takes the plain Linux image inside");
  if (has(file, 0, "\x27\x05\x19\x56"))
    return fail("wrapped for U-Boot (uImage); it takes the image itself");
  return {};
}

Result<Extent> placed(std::uint64_t base, std::uint64_t size, Extent room) {
  const auto extent = Extent::of_size(base, size);
  if (!extent || !room.contains(*extent))
    return fail("{} bytes at {:#x} do not fit in {:#x}-{:#x}", size, base, room.first, room.last);
  return *extent;
}

}  // namespace

Result<void> Image::parse_linux(const LoadOptions& options) {
  format_ = ImageFormat::kLinux;
  const std::span<const std::byte> file{file_};
  if (file.size() < kLinuxHeaderSize) return fail("truncated inside the header of a Linux image");
  if ((little<std::uint64_t>(file, 24) & 1) != 0)
    return fail("a big-endian Linux image; it takes a little-endian one");
  if (options.base % kLinuxAlignment != 0)
    return fail("a Linux image starts at a multiple of 2M, not at {:#x}", options.base);
  // What the kernel needs besides its bytes: data that begin as zeroes.
  const auto said = little<std::uint64_t>(file, 16);
  const auto size = said == 0 ? file.size() : said;
  if (size < file.size())
    return fail("a Linux image of {} bytes that says it has {}", file.size(), size);
  segments_.push_back({TRY(placed(options.base, size, options.room)), file});
  entry_ = options.base;
  return {};
}

Result<void> Image::parse_raw(const LoadOptions& options) {
  segments_.push_back({TRY(placed(options.base, file_.size(), options.room)), file_});
  entry_ = options.base;
  return {};
}

Result<Image> parse_image(std::vector<std::byte> file, const LoadOptions& options) {
  Image image;
  image.file_ = std::move(file);
  const auto parse = [&]() -> Result<void> {
    if (image.file_.empty()) return fail("the file is empty; it takes a firmware or kernel image");
    if (options.format == LoadFormat::kRaw) return image.parse_raw(options);
    if (is_gzip(image.file_)) {
      image.file_ = TRY(gunzip(image.file_, std::min(options.most_unpacked, kLargestFile)));
      if (image.file_.empty()) return fail("packed with gzip, and empty inside");
    }
    TRY(refuse_wrapped(image.file_));
    if (has(image.file_, 0, "\x7f" "ELF")) return image.parse_elf(options);
    if (has(image.file_, 56, "RSC\x05")) return image.parse_linux(options);
    return image.parse_raw(options);
  };
  if (const auto parsed = parse(); !parsed)
    return fail("{}: {}", options.name, parsed.error().message);
  return image;
}

Result<std::vector<std::byte>> read_file(const std::string& path, std::uint64_t most) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (error || !std::filesystem::exists(status))
    return fail("{}: not found; it takes the path of a readable file", path);
  if (!std::filesystem::is_regular_file(status))
    return fail("{}: not a regular file; it takes the path of a readable file", path);
  const auto size = std::filesystem::file_size(path, error);
  if (error) return fail("{}: {}", path, error.message());
  if (size > most) return fail("{}: {} bytes are too many; at most {} are read", path, size, most);
  std::ifstream stream{path, std::ios::binary};
  if (!stream) return fail("{}: cannot be read; it takes the path of a readable file", path);
  std::vector<std::byte> bytes(size);
  stream.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size));
  if (static_cast<std::uint64_t>(stream.gcount()) != size)
    return fail("{}: only {} of {} bytes could be read", path, stream.gcount(), size);
  return bytes;
}

Result<Image> load_image(const std::string& path, LoadOptions options) {
  if (options.name.empty()) options.name = path;
  return parse_image(TRY(read_file(path, kLargestFile)), options);
}

}  // namespace holdfast::boards
