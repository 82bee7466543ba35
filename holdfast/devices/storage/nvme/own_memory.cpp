// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/storage/nvme/own_memory.hpp"

#include "holdfast/base/extent.hpp"

namespace holdfast::devices::nvme {
namespace {

constexpr std::uint64_t kMiB = 1U << 20U;

// CMBMSC and PMRMSC.
constexpr std::uint64_t kRegistersEnabled = 1U << 0U;  // of the buffer alone
constexpr std::uint64_t kSpaceEnabled = 1U << 1U;
constexpr std::uint64_t kAddress = ~std::uint64_t{0xfff};

constexpr std::uint32_t kAddressBad = 1U << 0U;  // CMBSTS

// CMBLOC: queues, lists and data may be there or elsewhere as the host likes.
constexpr std::uint32_t kLocation =
    OwnMemory::kBufferBar | 1U << 3U | 1U << 5U | 1U << 6U | 1U << 7U;
// CMBSZ: all of those may be there; the unit is a MiB.
constexpr std::uint32_t kUses = 0x1fU | 2U << 8U;

constexpr std::uint32_t kPersistentEnabled = 1U << 0U;  // PMRCTL
// PMRCAP: reads and writes of data; a read of PMRSTS ends earlier writes; it can have an address.
constexpr std::uint32_t kPersistent =
    1U << 3U | 1U << 4U | OwnMemory::kPersistentBar << 5U | 2U << 10U | 1U << 24U;
constexpr std::uint32_t kPersistentNotReady = 1U << 8U;     // PMRSTS
constexpr std::uint32_t kPersistentAddressBad = 1U << 12U;  // PMRSTS

}  // namespace

std::uint32_t OwnMemory::buffer_location() const {
  return has_buffer() && (cmbmsc_ & kRegistersEnabled) != 0 ? kLocation : 0;
}

std::uint32_t OwnMemory::buffer_size() const {
  if (!has_buffer() || (cmbmsc_ & kRegistersEnabled) == 0) return 0;
  return kUses | static_cast<std::uint32_t>(buffer_->size() / kMiB) << 12U;
}

bool OwnMemory::show(Reach::Own which, hw::Ram* memory, bool enabled, std::uint64_t first) {
  if (memory == nullptr) return true;
  const bool fits = Extent::of_size(first, memory->size()).has_value();
  reach_.show(which, first,
              enabled && fits ? Ref<memory::RamBlock>::share(&memory->block())
                              : Ref<memory::RamBlock>{});
  return fits || !enabled;
}

void OwnMemory::set_buffer_control(std::uint64_t value) {
  if (!has_buffer()) return;
  cmbmsc_ = value & (kAddress | kRegistersEnabled | kSpaceEnabled);
  const bool enabled = (cmbmsc_ & kRegistersEnabled) != 0 && (cmbmsc_ & kSpaceEnabled) != 0;
  cmbsts_ = show(Reach::Own::kBuffer, buffer_, enabled, cmbmsc_ & kAddress) ? 0 : kAddressBad;
}

std::uint32_t OwnMemory::persistent_capabilities() const { return has_persistent() ? kPersistent : 0; }

void OwnMemory::set_persistent_control(std::uint32_t value) {
  if (!has_persistent()) return;
  pmrctl_ = value & kPersistentEnabled;
  persistent_->set_enabled(pmrctl_ != 0U);
  show_persistent();
}

std::uint32_t OwnMemory::persistent_status() const {
  if (!has_persistent()) return 0;
  return (pmrctl_ == 0U ? kPersistentNotReady : 0U) |
         (persistent_address_bad_ ? kPersistentAddressBad : 0U);
}

void OwnMemory::set_persistent_space_low(std::uint32_t value) {
  if (!has_persistent()) return;
  pmrmsc_low_ = value & static_cast<std::uint32_t>(kAddress | kSpaceEnabled);
  show_persistent();
}

void OwnMemory::set_persistent_space_high(std::uint32_t value) {
  if (!has_persistent()) return;
  pmrmsc_high_ = value;
  show_persistent();
}

void OwnMemory::show_persistent() {
  const std::uint64_t control = std::uint64_t{pmrmsc_high_} << 32U | pmrmsc_low_;
  const bool enabled = pmrctl_ != 0U && (control & kSpaceEnabled) != 0;
  persistent_address_bad_ =
      !show(Reach::Own::kPersistent, persistent_, enabled, control & kAddress);
}

void OwnMemory::reset() {
  reach_.show(Reach::Own::kBuffer, 0, {});
  reach_.show(Reach::Own::kPersistent, 0, {});
  if (has_persistent()) persistent_->set_enabled(false);
}

}  // namespace holdfast::devices::nvme
