// SPDX-License-Identifier: Apache-2.0
#include "holdfast/cpu/riscv/pmp.hpp"

namespace holdfast::cpu::riscv {
namespace {

constexpr std::uint8_t kLock = 0x80;
constexpr std::uint8_t kImplemented = 0x9f;  // bits 5 and 6 read as zero
constexpr unsigned kOff = 0, kTopOfRange = 1, kNaturalFour = 2;
constexpr std::uint64_t kAddressBits = (std::uint64_t{1} << 54) - 1;

constexpr unsigned mode_of(std::uint8_t config) {
  return config >> 3 & 3;
}

Rights granted(std::uint8_t config, Privilege privilege) {
  if (privilege == Privilege::kMachine && (config & kLock) == 0) return kMayAll;
  return config & kMayAll;
}

/// Without a matching entry M-mode may do everything and the others nothing.
Rights unmatched(Privilege privilege) {
  return privilege == Privilege::kMachine ? kMayAll : kMayNothing;
}

}  // namespace

std::uint64_t Pmp::config(unsigned pair) const {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < 8; ++i) value |= std::uint64_t{config_[pair * 8 + i]} << (8 * i);
  return value;
}

void Pmp::set_config(unsigned pair, std::uint64_t value) {
  for (unsigned i = 0; i < 8; ++i) {
    std::uint8_t& config = config_[pair * 8 + i];
    if ((config & kLock) != 0) continue;
    auto wanted = static_cast<std::uint8_t>(value >> (8 * i) & kImplemented);
    // Writable but not readable is reserved: such a write leaves the rights as they were.
    if ((wanted & (kMayRead | kMayWrite)) == kMayWrite)
      wanted = static_cast<std::uint8_t>((wanted & ~kMayAll) | (config & kMayAll));
    config = wanted;
  }
  rebuild();
}

bool Pmp::locked(unsigned entry) const {
  if ((config_[entry] & kLock) != 0) return true;
  // A locked top-of-range entry locks the address below it, which is its lower end.
  return entry + 1 < kEntries && (config_[entry + 1] & kLock) != 0 &&
         mode_of(config_[entry + 1]) == kTopOfRange;
}

void Pmp::set_address(unsigned entry, std::uint64_t value) {
  if (locked(entry)) return;
  address_[entry] = value & kAddressBits;
  rebuild();
}

std::optional<Extent> Pmp::extent_of(unsigned entry) const {
  const std::uint64_t address = address_[entry];
  switch (mode_of(config_[entry])) {
    case kOff:
      return std::nullopt;
    case kTopOfRange: {
      const std::uint64_t bottom = entry == 0 ? 0 : address_[entry - 1];
      if (bottom >= address) return std::nullopt;
      return Extent{bottom << 2, (address << 2) - 1};
    }
    case kNaturalFour:
      return Extent{address << 2, (address << 2) + 3};
    default: {
      const std::uint64_t ones = address ^ (address + 1);  // the trailing ones and the zero above
      return Extent{(address & ~ones) << 2, ((address | ones) << 2) + 3};
    }
  }
}

void Pmp::rebuild() {
  rules_.clear();
  for (unsigned entry = 0; entry < kEntries; ++entry)
    if (const auto extent = extent_of(entry)) rules_.push_back({*extent, config_[entry]});
}

const Pmp::Rule* Pmp::first_meeting(Extent extent) const {
  for (const Rule& rule : rules_)
    if (rule.extent.meets(extent)) return &rule;
  return nullptr;
}

Rights Pmp::rights(Extent extent, Privilege privilege) const {
  const Rule* rule = first_meeting(extent);
  if (rule == nullptr) return unmatched(privilege);
  return rule->extent.contains(extent) ? granted(rule->config, privilege) : kMayNothing;
}

std::optional<Rights> Pmp::uniform_rights(Extent extent, Privilege privilege) const {
  const Rule* rule = first_meeting(extent);
  if (rule == nullptr) return unmatched(privilege);
  if (!rule->extent.contains(extent)) return std::nullopt;
  return granted(rule->config, privilege);
}

void Pmp::reset() {
  address_.fill(0);
  config_.fill(0);
  rules_.clear();
}

}  // namespace holdfast::cpu::riscv
