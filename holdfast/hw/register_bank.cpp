// SPDX-License-Identifier: Apache-2.0
#include "holdfast/hw/register_bank.hpp"

#include <algorithm>
#include <bit>

#include "holdfast/base/log.hpp"

namespace holdfast::hw {
namespace {

constexpr std::uint64_t mask_of(unsigned bytes) {
  return bytes >= 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << (8 * bytes)) - 1;
}

// A division costs as much as all the rest, and strides are powers of two but for a few.
constexpr std::uint32_t kNoShift = 64;

std::uint32_t shift_of(std::uint32_t stride) {
  return std::has_single_bit(stride) ? static_cast<std::uint32_t>(std::countr_zero(stride))
                                     : kNoShift;
}

}  // namespace

void RegisterBank::add(Register&& entry) {
  entry.shift = shift_of(entry.extent.stride);
  entry.reach = std::max(registers_.empty() ? 0 : registers_.back().reach, entry.extent.end());
  registers_.push_back(entry);
}

[[gnu::always_inline]] inline RegisterBank::Found RegisterBank::locate(std::uint64_t offset) const {
  // Registers are sorted by their first byte; arrays may interleave, so look back as far as one of
  // them reaches.
  const Register* entry = registers_.data();
  for (std::size_t n = registers_.size(); n > 1;) {
    const std::size_t half = n / 2;
    if (entry[half].extent.at <= offset) entry += half;
    n -= half;
  }
  for (; entry->reach > offset; --entry) {
    const RegisterExtent& extent = entry->extent;
    const std::uint64_t bytes = offset - extent.at;  // before the first register: more than any has
    const std::uint64_t index =
        entry->shift != kNoShift ? bytes >> entry->shift : bytes / extent.stride;
    const std::uint64_t skipped = bytes - index * extent.stride;
    if (index < extent.count && skipped < extent.width)
      return {.entry = entry,
              .index = static_cast<std::uint32_t>(index),
              .skipped = static_cast<std::uint32_t>(skipped)};
    if (entry == registers_.data()) break;
  }
  return {};
}

unsigned RegisterBank::run(std::uint64_t offset, unsigned wanted) const {
  unsigned bytes = 1;
  while (bytes < wanted && locate(offset + bytes).entry == nullptr) ++bytes;
  return bytes;
}

// Most accesses are of one whole register, which needs no cutting.
memory::MemTxResult RegisterBank::read(std::uint64_t offset, unsigned size, std::uint64_t& value,
                                       memory::MemTxAttrs) {
  const Found found = locate(offset);
  value = found.is_whole(size) ? read_register(found) & mask_of(size) : read_parts(offset, size);
  return memory::MemTxResult::kOk;
}

memory::MemTxResult RegisterBank::write(std::uint64_t offset, unsigned size, std::uint64_t value,
                                        memory::MemTxAttrs) {
  const Found found = locate(offset);
  if (found.is_whole(size))
    write_register(found, value & mask_of(size));
  else
    write_parts(offset, size, value);
  return memory::MemTxResult::kOk;
}

std::uint64_t RegisterBank::read_parts(std::uint64_t offset, unsigned size) {
  std::uint64_t value = 0;
  for (unsigned done = 0; done < size;) {
    const std::uint64_t at = offset + done;
    const Found found = locate(at);
    const bool is_register = found.entry != nullptr;
    const unsigned width = is_register ? found.entry->extent.width : run(at, size - done);
    const unsigned bytes = std::min(width - found.skipped, size - done);
    const std::uint64_t all = is_register ? read_register(found) : read_background(at, width);
    const std::uint64_t taken = (all >> lane(found.skipped, bytes, width)) & mask_of(bytes);
    value |= taken << lane(done, bytes, size);
    done += bytes;
  }
  return value;
}

void RegisterBank::write_parts(std::uint64_t offset, unsigned size, std::uint64_t value) {
  for (unsigned done = 0; done < size;) {
    const std::uint64_t at = offset + done;
    const Found found = locate(at);
    const bool is_register = found.entry != nullptr;
    const unsigned width = is_register ? found.entry->extent.width : run(at, size - done);
    const unsigned bytes = std::min(width - found.skipped, size - done);
    const std::uint64_t given = (value >> lane(done, bytes, size)) & mask_of(bytes);
    if (!is_register)
      write_background(at, bytes, given);
    else if (bytes == width)
      write_register(found, given);
    else
      write_part(found, at, bytes, given);
    done += bytes;
  }
}

void RegisterBank::write_part(Found found, std::uint64_t offset, unsigned bytes,
                              std::uint64_t given) {
  const unsigned shift = lane(found.skipped, bytes, found.entry->extent.width);
  std::uint64_t others = 0;
  switch (found.entry->partial) {
    case Partial::kRefuse:
      return complain("write of a part of a register", offset, bytes);
    case Partial::kDefault:
    case Partial::kMerge:
      others = read_register(found) & ~(mask_of(bytes) << shift);
      break;
    case Partial::kZero:
      break;
  }
  write_register(found, others | (given << shift));
}

std::uint64_t RegisterBank::read_register(Found found) {
  const auto& function = found.entry->read;
  if (function) return function(target_, found.index);
  complain("read of a write-only register", found);
  return 0;
}

void RegisterBank::write_register(Found found, std::uint64_t value) {
  const auto& function = found.entry->write;
  if (function) return function(target_, found.index, value);
  complain("write of a read-only register", found);
}

std::uint64_t RegisterBank::read_background(std::uint64_t offset, unsigned size) {
  if (read_background_) return read_background_(target_, offset, size);
  complain("read where no register is", offset, size);
  return 0;
}

void RegisterBank::write_background(std::uint64_t offset, unsigned size, std::uint64_t value) {
  if (write_background_) return write_background_(target_, offset, size, value);
  complain("write where no register is", offset, size);
}

void RegisterBank::complain(const char* what, Found found) const {
  const RegisterExtent& extent = found.entry->extent;
  complain(what, extent.at + std::uint64_t{found.index} * extent.stride, extent.width,
           found.entry->name);
}

void RegisterBank::complain(const char* what, std::uint64_t offset, unsigned size,
                            std::string_view name) const {
  log::guest_error("{}: {} {} at {:#x}, {} bytes", path_, what, name, offset, size);
}

}  // namespace holdfast::hw
