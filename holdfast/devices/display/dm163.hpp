// SPDX-License-Identifier: Apache-2.0
// DM163: a driver of 24 LED channels with constant current, here in charge of the columns of a matrix of
// 8 by 8 lights of three colours; its rows are switched by lines of their own.
//
// SPEC: SITI, "DM163: 8x3-channel constant current LED driver".
// Two shift registers take what comes in at `sin` on rising edges of `dck`: bank 0, with 6 bits a
// channel, and bank 1, with 8; `selbk` chooses. The falling edge of `lat_b` latches the product of the
// two for each channel; it is on the outputs while `rst_b` is high and `en_b` is low. What leaves the
// bank is on `sout`. The first bit to come in is the highest of channel 23. Modelled: that, and which
// light of the matrix has which colour. Not modelled: brightness in time, so there is no picture of rows
// that are switched one after another.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "holdfast/hw/irq.hpp"
#include "holdfast/hw/state.hpp"

namespace holdfast::devices {

class Dm163 final : public hw::Device {
 public:
  static const object::Type kType;
  /// Inputs, in the order of their numbers; the rows are lines 0 to 7.
  enum Input : unsigned { kRows = 0, kSin = 8, kDck, kRstB, kLatB, kSelbk, kEnB, kInputs };

  explicit Dm163(const hw::DeviceInit& init) : Device{init} {}

  hw::IrqInArray& inputs() { return in_; }

 protected:
  void on_reset(hw::ResetPhase phase) override;

 private:
  static const object::Property kProperties[];
  static constexpr unsigned kChannels = 24;
  static constexpr unsigned kColumns = 8;
  static constexpr unsigned kBits0 = 6;  // of a channel, in bank 0
  static constexpr unsigned kBits1 = 8;
  using Channels = std::array<std::uint16_t, kChannels>;

  /// A bank: bits that move up, one at a time.
  class ShiftRegister {
   public:
    ShiftRegister(hw::Device& device, const std::string& name) : words_{device, name} {}
    bool bit(unsigned index) const { return (words_[index / 64] >> index % 64 & 1U) != 0; }
    void shift_in(bool bit);
    std::uint16_t field(unsigned first, unsigned bits) const;

   private:
    hw::State<std::array<std::uint64_t, 3>> words_;
  };

  void changed(unsigned line, bool level);
  void row_changed(unsigned row, bool level);
  void clock();
  void latch();
  void drive_outputs();
  std::string lights() const;
  std::uint32_t colour(unsigned column) const;

  // Guest-visible state.
  ShiftRegister bank0_{*this, "bank0"};
  ShiftRegister bank1_{*this, "bank1"};
  hw::State<Channels> latched_{*this, "latched"};
  hw::State<Channels> outputs_{*this, "outputs"};  // 14 bits each
  hw::State<std::uint8_t> rows_{*this, "rows"};    // those that are switched on
  hw::State<bool> sin_{*this, "sin"};
  hw::State<bool> dck_{*this, "dck"};
  hw::State<bool> rst_b_{*this, "rst_b"};
  hw::State<bool> lat_b_{*this, "lat_b", true};  // so that the first falling edge is one
  hw::State<bool> selbk_{*this, "selbk"};
  hw::State<bool> en_b_{*this, "en_b"};
  // Wiring.
  hw::IrqInArray in_{*this, "in", kInputs, &Dm163::changed};
  hw::IrqOut sout_{*this, "sout"};
};

}  // namespace holdfast::devices
