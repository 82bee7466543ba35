// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/pci/expansion_rom.hpp"

#include <algorithm>
#include <bit>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "holdfast/hw/context.hpp"
#include "holdfast/hw/ticket.hpp"
#include "holdfast/memory/fabric.hpp"

namespace holdfast::devices::pci {
namespace {

constexpr std::uint64_t kLeastBytes = 2048;  // that the register can say

/// Of a file that has something to show.
Result<std::uint64_t> image_size(const std::string& file) {
  std::error_code error;
  const bool is_file = std::filesystem::is_regular_file(file, error);
  const std::uint64_t bytes = is_file ? std::filesystem::file_size(file, error) : 0;
  if (!is_file || error) return fail("romfile is '{}'; it takes the path of a readable file", file);
  if (bytes == 0 || bytes > ExpansionRom::kMostBytes)
    return fail("romfile '{}' has {} bytes; it takes 1 to {}", file, bytes, ExpansionRom::kMostBytes);
  return bytes;
}

Result<std::uint64_t> rom_size(const ExpansionRom::Image& image, std::uint64_t bytes) {
  if (image.size == ExpansionRom::kSizeOfImage) return std::max(kLeastBytes, std::bit_ceil(bytes));
  if (!std::has_single_bit(image.size) || image.size < kLeastBytes || image.size < bytes)
    return fail("romsize is {}; it takes a power of two, at least {} and the {} bytes of the image", image.size,
                kLeastBytes, bytes);
  return image.size;
}

}  // namespace

Result<std::unique_ptr<ExpansionRom>> ExpansionRom::make(Function& function, const Image& image) {
  const std::uint64_t bytes = TRY(image_size(image.file));
  const std::uint64_t size = TRY(rom_size(image, bytes));
  auto block = TRY(memory::RamBlock::make(function.context().realm, function.full_path() + ":rom", size));
  std::ifstream stream{image.file, std::ios::binary};
  if (!stream.read(reinterpret_cast<char*>(block->host()), static_cast<std::streamsize>(bytes))) {
    block->close();
    return fail("romfile '{}' cannot be read; it takes the path of a readable file", image.file);
  }
  return std::unique_ptr<ExpansionRom>{new ExpansionRom{function, std::move(block)}};
}

ExpansionRom::ExpansionRom(Function& function, Ref<memory::RamBlock> block)
    : RegionPart{function, "rom", "rom.content", block->size()},
      block_{std::move(block)},
      bar_{function, Bar::kRomIndex, *this, {.kind = Bar::Kind::kRom}} {
  region_ = memory::MemoryRegion::rom(context().fabric, region_init(), block_);
}

ExpansionRom::~ExpansionRom() { let_go(); }

void ExpansionRom::let_go() {
  if (!block_->is_closed()) block_->close();
}

void ExpansionRom::note_remains(hw::Remains& remains) const { remains.blocks.push_back(block_); }

}  // namespace holdfast::devices::pci
