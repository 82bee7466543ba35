// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/pci/msix.hpp"

#include "holdfast/base/check.hpp"
#include "holdfast/devices/pci/msi.hpp"

namespace holdfast::devices::pci {
namespace {

constexpr unsigned kBytes = 12;
constexpr unsigned kMsixControl = 0x2;
constexpr unsigned kTable = 0x4;
constexpr unsigned kPendingBits = 0x8;

constexpr std::uint16_t kMsixEnable = 0x8000;
constexpr std::uint16_t kMaskAll = 0x4000;

// Words of an entry.
constexpr unsigned kAddressWord = 0;
constexpr unsigned kAddressUpperWord = 1;
constexpr unsigned kDataWord = 2;
constexpr unsigned kControlWord = 3;

// SPEC: 6.8.2: accesses are of four or eight bytes, aligned.
constexpr memory::AccessRules kRules{.valid = {.min = 4, .max = 8}, .impl = {.min = 4, .max = 4}};

std::uint64_t pending_bytes(unsigned vectors) { return (vectors + 63) / 64 * 8; }

}  // namespace

Msix::Msix(Function& function, const Init& init)
    : Capability{function, "msix", capability::kMsix, kBytes},
      entries_(init.vectors),
      table_{function, "msix.table", init.vectors * kEntryBytes, table_handler_, kRules},
      pending_{function, "msix.pending", pending_bytes(init.vectors), pending_handler_, kRules} {
  HF_CHECK(init.vectors >= 1 && init.vectors <= kMostVectors && init.table % 8 == 0 &&
               init.pending % 8 == 0,
           "{}: {} vectors at {:#x}, pending bits at {:#x}", path(), init.vectors, init.table,
           init.pending);
  define(kMsixControl, 2, init.vectors - 1);
  allow(kMsixControl, 2, kMsixEnable | kMaskAll);
  define(kTable, 4, static_cast<std::uint32_t>(init.table) | init.bar.index());
  define(kPendingBits, 4, static_cast<std::uint32_t>(init.pending) | init.bar.index());
  init.content.add(init.table, table_, 1);
  init.content.add(init.pending, pending_, 1);
}

bool Msix::is_enabled() const { return (get16(kMsixControl) & kMsixEnable) != 0; }

bool Msix::is_masked(const Entry& entry) const {
  return (get16(kMsixControl) & kMaskAll) != 0 || (entry.control & kMasked) != 0;
}

void Msix::notify(unsigned vector) {
  if (!is_enabled()) return;
  Entry& entry = entries_[vector];
  entry.pending = true;
  send_if_due(entry);
}

void Msix::send_if_due(Entry& entry) {
  if (!entry.pending || is_masked(entry)) return;
  entry.pending = false;
  send_message(function(), entry.address, entry.data);
}

void Msix::written() {
  if (!is_enabled()) return;
  for (Entry& entry : entries_) send_if_due(entry);
}

void Msix::reset(hw::ResetPhase phase) {
  if (phase != hw::ResetPhase::kEnter) return;
  for (Entry& entry : entries_) entry = {};
}

memory::MemTxResult Msix::Table::read(std::uint64_t offset, unsigned /*size*/, std::uint64_t& value,
                                      memory::MemTxAttrs /*attrs*/) {
  const Entry& entry = msix_.entries_[offset / kEntryBytes];
  switch (offset % kEntryBytes / 4) {
    case kAddressWord: value = entry.address & 0xffff'ffffU; break;
    case kAddressUpperWord: value = entry.address >> 32; break;
    case kDataWord: value = entry.data; break;
    default: value = entry.control; break;
  }
  return memory::MemTxResult::kOk;
}

memory::MemTxResult Msix::Table::write(std::uint64_t offset, unsigned /*size*/, std::uint64_t value,
                                       memory::MemTxAttrs /*attrs*/) {
  Entry& entry = msix_.entries_[offset / kEntryBytes];
  const auto word = static_cast<std::uint32_t>(value);
  switch (offset % kEntryBytes / 4) {
    case kAddressWord: entry.address = (entry.address & ~0xffff'ffffULL) | (word & ~3U); break;
    case kAddressUpperWord:
      entry.address = (entry.address & 0xffff'ffffU) | std::uint64_t{word} << 32;
      break;
    case kDataWord: entry.data = word; break;
    case kControlWord:
      entry.control = word & kMasked;
      if (msix_.is_enabled()) msix_.send_if_due(entry);
      break;
    default: break;
  }
  return memory::MemTxResult::kOk;
}

memory::MemTxResult Msix::PendingBits::read(std::uint64_t offset, unsigned /*size*/,
                                            std::uint64_t& value, memory::MemTxAttrs /*attrs*/) {
  value = 0;
  const std::size_t first = offset * 8;
  for (std::size_t i = 0; i < 32 && first + i < msix_.entries_.size(); ++i)
    if (msix_.entries_[first + i].pending) value |= std::uint64_t{1} << i;
  return memory::MemTxResult::kOk;
}

memory::MemTxResult Msix::PendingBits::write(std::uint64_t /*offset*/, unsigned /*size*/,
                                             std::uint64_t /*value*/, memory::MemTxAttrs /*attrs*/) {
  return memory::MemTxResult::kOk;  // the guest only reads them
}

}  // namespace holdfast::devices::pci
