// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/intc/riscv_imsic.hpp"

#include <algorithm>
#include <bit>

#include "holdfast/hw/base_types.hpp"

namespace holdfast::devices {
namespace {

using File = hw::InterruptFile;

constexpr std::uint64_t kLittleEndian = 0x0;  // seteipnum_le
constexpr std::uint64_t kBigEndian = 0x4;     // seteipnum_be

/// What check() refuses is built all the same: to be listed.
std::vector<Ref<File>> files(const RiscvImsic::Config& config) {
  const unsigned identities = std::clamp(config.identities, 1U, File::kMostIdentities);
  std::vector<Ref<File>> files{config.file ? config.file : File::make(identities)};
  for (unsigned guest = 0; guest < std::min(config.guests, RiscvImsic::kMostGuests); ++guest)
    files.push_back(File::make(identities));
  return files;
}

}  // namespace

constinit const object::Type RiscvImsic::kType{
    .name = "riscv.imsic",
    .parent = &hw::kSysBusDevice,
    .docs = "Message-signalled interrupts of a RISC-V hart."};

RiscvImsic::RiscvImsic(const hw::DeviceInit& init, const Config& config)
    : Device{init, gate::Locking::kCounted}, config_{config}, files_{files(config)} {}

Result<void> RiscvImsic::check() {
  const unsigned identities = config_.identities;
  if (identities < 63 || identities > File::kMostIdentities || identities % 64 != 63)
    return fail("{}: {} identities: 63, 127 and so on to {} are possible", full_path(), identities,
                File::kMostIdentities);
  if (config_.guests > kMostGuests)
    return fail("{}: {} guests: up to {} are possible", full_path(), config_.guests, kMostGuests);
  if (config_.file && config_.file->identities() != identities)
    return fail("{}: {} identities, and the hart's file has {}", full_path(), identities,
                config_.file->identities());
  return {};
}

memory::MemTxResult RiscvImsic::Pages::read(std::uint64_t, unsigned, std::uint64_t& value,
                                            memory::MemTxAttrs) {
  value = 0;
  return memory::MemTxResult::kOk;
}

memory::MemTxResult RiscvImsic::Pages::write(std::uint64_t offset, unsigned, std::uint64_t value,
                                             memory::MemTxAttrs) {
  File& file = *imsic_.files_[offset / kPage];
  const auto identity = static_cast<std::uint32_t>(value);
  if (offset % kPage == kLittleEndian) file.set_pending(identity);
  if (offset % kPage == kBigEndian) file.set_pending(__builtin_bswap32(identity));
  return memory::MemTxResult::kOk;
}

void RiscvImsic::on_reset(hw::ResetPhase phase) {
  if (phase != hw::ResetPhase::kEnter) return;
  for (const auto& file : files_) file->reset();
}

/// Of the hart's file: the identities.
std::optional<object::PropertyValue> RiscvImsic::FileState::value() const {
  std::string text;
  for (unsigned word = 0; word < File::kWords; ++word) {
    std::uint64_t bits = imsic_.files_.front()->bits(which_, word);
    for (; bits != 0; bits &= bits - 1) {
      if (!text.empty()) text += ' ';
      text += std::to_string(64 * word + static_cast<unsigned>(std::countr_zero(bits)));
    }
  }
  return text;
}

}  // namespace holdfast::devices
