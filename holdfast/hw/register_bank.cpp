// SPDX-License-Identifier: Apache-2.0
#include "holdfast/hw/register_bank.hpp"

#include <algorithm>

#include "holdfast/base/log.hpp"

namespace holdfast::hw {
memory::MemTxResult RegisterBankBase::read(std::uint64_t offset, unsigned size,
                                           std::uint64_t& value, memory::MemTxAttrs) {
  value = 0;
  for (unsigned done = 0; done < size;) {
    const Found found = find(offset + done, size - done);
    const unsigned bytes = std::min(found.width - found.skipped, size - done);
    const std::uint64_t whole = found.entry == kNone ? read_background(offset + done, found.width)
                                                     : read_register(found);
    const std::uint64_t taken = (whole >> lane(found.skipped, bytes, found.width)) & mask_of(bytes);
    value |= taken << lane(done, bytes, size);
    done += bytes;
  }
  return memory::MemTxResult::kOk;
}

memory::MemTxResult RegisterBankBase::write(std::uint64_t offset, unsigned size,
                                            std::uint64_t value, memory::MemTxAttrs) {
  for (unsigned done = 0; done < size;) {
    const Found found = find(offset + done, size - done);
    const unsigned bytes = std::min(found.width - found.skipped, size - done);
    const std::uint64_t given = (value >> lane(done, bytes, size)) & mask_of(bytes);
    if (found.entry == kNone)
      write_background(offset + done, bytes, given);
    else if (bytes == found.width)
      write_register(found, given);
    else
      write_part(found, offset + done, bytes, given);
    done += bytes;
  }
  return memory::MemTxResult::kOk;
}

void RegisterBankBase::write_part(const Found& found, std::uint64_t offset, unsigned bytes,
                                  std::uint64_t given) {
  const unsigned shift = lane(found.skipped, bytes, found.width);
  std::uint64_t others = 0;
  switch (partial_of(found)) {
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

void RegisterBankBase::complain(const char* what, std::uint64_t offset, unsigned size,
                                std::string_view name) const {
  log::guest_error("{}: {} {} at {:#x}, {} bytes", path_, what, name, offset, size);
}

}  // namespace holdfast::hw
