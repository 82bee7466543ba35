// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/display/dm163.hpp"

#include <fmt/core.h>

namespace holdfast::devices {

constinit const object::Property Dm163::kProperties[] = {
    object::computed<&Dm163::lights>(
        "lights", "what the matrix shows: rows from the top, a colour for each column"),
};

constinit const object::Type Dm163::kType{.name = "dm163",
                                          .parent = &hw::Device::kType,
                                          .docs = "Driver of a matrix of 8 by 8 coloured lights.",
                                          .properties = kProperties};

void Dm163::ShiftRegister::shift_in(bool bit) {
  auto& words = words_.get();
  words[2] = words[2] << 1U | words[1] >> 63U;
  words[1] = words[1] << 1U | words[0] >> 63U;
  words[0] = words[0] << 1U | (bit ? 1U : 0U);
}

std::uint16_t Dm163::ShiftRegister::field(unsigned first, unsigned bits) const {
  unsigned value = 0;
  for (unsigned i = bits; i-- > 0;) value = value << 1U | (bit(first + i) ? 1U : 0U);
  return static_cast<std::uint16_t>(value);
}

void Dm163::changed(unsigned line, bool level) {
  switch (line) {
    case kSin:
      sin_ = level;
      break;
    case kDck:
      if (level && !dck_) clock();
      dck_ = level;
      break;
    case kLatB:
      if (!level && lat_b_) latch();
      lat_b_ = level;
      break;
    case kSelbk:
      selbk_ = level;
      break;
    case kRstB:
      rst_b_ = level;
      drive_outputs();
      break;
    case kEnB:
      en_b_ = level;
      drive_outputs();
      break;
    default:
      row_changed(line - kRows, level);
  }
}

// The pins that drive it fall in the phase before; that is no edge of the chip's new life.
void Dm163::on_reset(hw::ResetPhase phase) {
  if (phase == hw::ResetPhase::kExit) lat_b_ = lat_b_.reset_value();
}

void Dm163::row_changed(unsigned row, bool level) {
  const auto bit = static_cast<std::uint8_t>(1U << row);
  if (level) rows_ |= bit;
  else rows_ &= static_cast<std::uint8_t>(~bit);
}

void Dm163::clock() {
  ShiftRegister& bank = selbk_ ? bank1_ : bank0_;
  sout_.set(bank.bit(kChannels * (selbk_ ? kBits1 : kBits0) - 1));
  bank.shift_in(sin_);
}

void Dm163::latch() {
  for (unsigned channel = 0; channel < kChannels; ++channel)
    latched_[channel] = static_cast<std::uint16_t>(bank0_.field(kBits0 * channel, kBits0) *
                                                   bank1_.field(kBits1 * channel, kBits1));
  drive_outputs();
}

void Dm163::drive_outputs() { outputs_ = rst_b_ && !en_b_ ? latched_.get() : Channels{}; }

// Channels come blue, green, red; the last three belong to the first column.
std::uint32_t Dm163::colour(unsigned column) const {
  const unsigned first = 3 * (kColumns - 1 - column);
  const auto brightness = [&](unsigned channel) { return std::uint32_t{outputs_[first + channel]} >> 6U & 0xffU; };
  return brightness(2) << 16U | brightness(1) << 8U | brightness(0);
}

std::string Dm163::lights() const {
  std::string text;
  for (unsigned row = 0; row < 8; ++row) {
    if (row != 0) text += "; ";
    for (unsigned column = 0; column < kColumns; ++column)
      text += fmt::format("{}{:06x}", column == 0 ? "" : " ",
                          (rows_ & 1U << row) != 0 ? colour(column) : 0U);
  }
  return text;
}

}  // namespace holdfast::devices
