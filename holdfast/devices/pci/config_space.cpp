// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/pci/config_space.hpp"

#include "holdfast/base/check.hpp"

namespace holdfast::devices::pci {

/// Hands `change` each byte that is there with its part of the value.
template <class Change>
void ConfigSpace::each(unsigned at, unsigned bytes, std::uint32_t value, Change change) {
  for (unsigned i = 0; i < bytes; ++i, value >>= 8)
    if (at + i < bytes_.size()) change(bytes_[at + i], static_cast<std::uint8_t>(value));
}

void ConfigSpace::define(unsigned at, unsigned bytes, std::uint32_t value) {
  HF_CHECK(at + bytes <= bytes_.size(), "a register at {:#x} of {} bytes", at, bytes_.size());
  each(at, bytes, value, [](Byte& byte, std::uint8_t part) { byte.now = byte.at_reset = part; });
}

void ConfigSpace::allow(unsigned at, unsigned bytes, std::uint32_t mask) {
  each(at, bytes, mask, [](Byte& byte, std::uint8_t part) {
    byte.writable = static_cast<std::uint8_t>(byte.writable | part);
  });
}

void ConfigSpace::forbid(unsigned at, unsigned bytes, std::uint32_t mask) {
  each(at, bytes, mask, [](Byte& byte, std::uint8_t part) {
    byte.writable = static_cast<std::uint8_t>(byte.writable & ~part);
  });
}

void ConfigSpace::clear_by_ones(unsigned at, unsigned bytes, std::uint32_t mask) {
  each(at, bytes, mask, [](Byte& byte, std::uint8_t part) {
    byte.clears = static_cast<std::uint8_t>(byte.clears | part);
  });
}

void ConfigSpace::grow(unsigned size) {
  HF_CHECK(size <= kExtendedConfigSize, "{} bytes of configuration space", size);
  if (size > bytes_.size()) bytes_.resize(size);
}

std::uint32_t ConfigSpace::get(unsigned at, unsigned bytes) const {
  std::uint32_t value = 0;
  for (unsigned i = 0; i < bytes; ++i)
    if (at + i < bytes_.size()) value |= std::uint32_t{bytes_[at + i].now} << (8 * i);
  return value;
}

void ConfigSpace::put(unsigned at, unsigned bytes, std::uint32_t value) {
  each(at, bytes, value, [](Byte& byte, std::uint8_t part) { byte.now = part; });
}

void ConfigSpace::write(unsigned at, unsigned bytes, std::uint32_t value) {
  each(at, bytes, value, [](Byte& byte, std::uint8_t part) {
    const int written = (byte.now & ~byte.writable) | (part & byte.writable);
    byte.now = static_cast<std::uint8_t>(written & ~(part & byte.clears));
  });
}

void ConfigSpace::reset() {
  for (Byte& byte : bytes_) byte.now = byte.at_reset;
}

}  // namespace holdfast::devices::pci
