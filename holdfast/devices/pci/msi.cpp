// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/pci/msi.hpp"

#include <algorithm>
#include <bit>
#include <limits>

#include "holdfast/base/check.hpp"

namespace holdfast::devices::pci {
namespace {

constexpr unsigned kMsiControl = 0x2;
constexpr unsigned kAddress = 0x4;
constexpr unsigned kAddressUpper = 0x8;
constexpr unsigned kMsiData = 0xc;
constexpr unsigned kMask = 0x10;
constexpr unsigned kPending = 0x14;

constexpr std::uint16_t kMsiEnable = 0x0001;
constexpr unsigned kCapableShift = 1;
constexpr unsigned kAllowedShift = 4;
constexpr std::uint16_t kAllowed = 0x0070;
constexpr std::uint16_t kMsi64Bit = 0x0080;
constexpr std::uint16_t kMaskable = 0x0100;

constexpr unsigned bytes_with(Msi::Masking masking) {
  return masking == Msi::Masking::kYes ? 0x18 : 0x0e;
}

}  // namespace

// The write is performed when the thread has left the function if somebody's registers are there: it
// does not matter how it ends, nobody waits for an answer.
void send_message(Function& function, std::uint64_t address, std::uint32_t data) {
  static_cast<void>(function.port().store(address, sizeof data, data, function.attrs()));
}

Msi::Msi(Function& function, Init init)
    : Capability{function, "msi", capability::kMsi, bytes_with(init.masking)}, init_{init} {
  HF_CHECK(std::has_single_bit(init.vectors) && init.vectors <= 32, "{}: {} vectors", path(),
           init.vectors);
  const bool maskable = init.masking == Masking::kYes;
  define(kMsiControl, 2,
         static_cast<std::uint32_t>(std::countr_zero(init.vectors)) << kCapableShift | kMsi64Bit |
             (maskable ? kMaskable : 0U));
  allow(kMsiControl, 2, kMsiEnable | kAllowed);
  allow(kAddress, 4, ~3U);
  allow(kAddressUpper, 4, ~0U);
  allow(kMsiData, 2, 0xffff);
  if (maskable) allow(kMask, 4, std::numeric_limits<std::uint32_t>::max() >> (32 - init.vectors));
}

bool Msi::is_enabled() const { return (get16(kMsiControl) & kMsiEnable) != 0; }

unsigned Msi::allowed() const {
  return std::min(init_.vectors, 1U << ((get16(kMsiControl) & kAllowed) >> kAllowedShift));
}

void Msi::notify(unsigned vector) {
  if (!is_enabled()) return;
  vector %= allowed();  // a guest that allowed fewer has them share
  if (init_.masking == Masking::kYes && (get(kMask, 4) >> vector & 1U) != 0)
    put(kPending, 4, get(kPending, 4) | 1U << vector);
  else
    send(vector);
}

void Msi::send(unsigned vector) {
  const std::uint64_t address = get(kAddress, 4) | std::uint64_t{get(kAddressUpper, 4)} << 32;
  send_message(function(), address, (get16(kMsiData) & ~(allowed() - 1)) | vector);
}

void Msi::written() {
  if (init_.masking == Masking::kNo || !is_enabled()) return;
  const std::uint32_t due = get(kPending, 4) & ~get(kMask, 4);
  if (due == 0) return;
  put(kPending, 4, get(kPending, 4) & ~due);
  for (unsigned vector = 0; vector < init_.vectors; ++vector)
    if ((due >> vector & 1U) != 0) send(vector % allowed());
}

}  // namespace holdfast::devices::pci
