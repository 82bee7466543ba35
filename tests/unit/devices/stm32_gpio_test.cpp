// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/stm32/gpio.hpp"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/device_bench.hpp"

namespace holdfast::devices {
namespace {

constexpr std::uint64_t kBase = 0x4800'0000;
enum Register : std::uint64_t {
  kModer = 0x00,
  kOtyper = 0x04,
  kOspeedr = 0x08,
  kPupdr = 0x0c,
  kIdr = 0x10,
  kOdr = 0x14,
  kBsrr = 0x18,
  kLckr = 0x1c,
  kAfrl = 0x20,
  kAfrh = 0x24,
  kBrr = 0x28,
  kAscr = 0x2c,
};
enum Mode : std::uint32_t { kInput, kOutput, kAlternate, kAnalog };
enum Pull : std::uint32_t { kNone, kUp, kDown };
constexpr std::uint32_t kKey = 0x1'0000;
constexpr Stm32l4x5Gpio::Config kPortA{.mode_reset = 0xabff'ffff,
                                       .ospeed_reset = 0x0c00'0000,
                                       .pupd_reset = 0x6400'0000};

class Stm32GpioTest : public ::testing::Test {
 protected:
  std::uint32_t in(std::uint64_t reg) { return bench_.read32(kBase + reg); }
  void out(std::uint64_t reg, std::uint32_t value) { bench_.write32(kBase + reg, value); }
  void field(std::uint64_t reg, unsigned bits, unsigned pin, std::uint32_t value) {
    const std::uint32_t mask = ((1U << bits) - 1) << pin * bits;
    out(reg, (in(reg) & ~mask) | value << pin * bits);
  }
  void mode(unsigned pin, Mode mode) { field(kModer, 2, pin, mode); }
  void pull(unsigned pin, Pull pull) { field(kPupdr, 2, pin, pull); }
  void drive(unsigned pin, bool level) { testing::DeviceBench::drive(gpio_, "in", pin, level); }
  /// The level of a pin, which register and output line agree on.
  bool level(unsigned pin) {
    const bool shown = (in(kIdr) >> pin & 1) != 0;
    EXPECT_EQ(testing::DeviceBench::level(gpio_, "out", pin), shown) << pin;
    return shown;
  }
  std::string property(const std::string& name) {
    return object::to_text(gpio_.get_property(name).value());
  }
  std::uint32_t disconnected() {
    return static_cast<std::uint32_t>(std::stoul(property("disconnected-pins")));
  }
  void lock_pins(std::uint32_t pins) {
    out(kLckr, kKey | pins);
    out(kLckr, pins);
    out(kLckr, kKey | pins);
    in(kLckr);
  }

  testing::DeviceBench bench_;
  Stm32l4x5Gpio& gpio_ = bench_.add<Stm32l4x5Gpio>("gpioa", kBase, kPortA);
};

TEST_F(Stm32GpioTest, RegistersAfterReset) {
  for (const std::uint64_t reg : {kModer, kOtyper, kOspeedr, kPupdr, kOdr}) out(reg, 0xdead'beef);
  bench_.reset(gpio_);
  EXPECT_EQ(in(kModer), 0xabff'ffffU);
  EXPECT_EQ(in(kOspeedr), 0x0c00'0000U);
  EXPECT_EQ(in(kPupdr), 0x6400'0000U);
  for (const std::uint64_t reg : {kOtyper, kOdr, kBsrr, kLckr, kAfrl, kAfrh, kBrr, kAscr})
    EXPECT_EQ(in(reg), 0U) << reg;
  EXPECT_EQ(in(kIdr), 0xa000U) << "the pulls of the debug port's pins";
  EXPECT_EQ(disconnected(), 0xffffU);
}

TEST_F(Stm32GpioTest, RegistersOfOneBitAPinHaveSixteenBits) {
  for (const std::uint64_t reg : {kOtyper, kOdr, kAscr}) {
    out(reg, ~0U);
    EXPECT_EQ(in(reg), 0xffffU) << reg;
  }
  for (const std::uint64_t reg : {kOspeedr, kAfrl, kAfrh}) {
    out(reg, 0x1234'5678);
    EXPECT_EQ(in(reg), 0x1234'5678U) << reg;
  }
  out(kIdr, ~0U);
  EXPECT_EQ(in(kIdr), 0xa000U);
}

TEST_F(Stm32GpioTest, BytesAndHalfWordsReachTheirPart) {
  bench_.write8(kBase + kOdr + 1, 0x5a);
  EXPECT_EQ(in(kOdr), 0x5a00U);
  bench_.write(kBase + kBsrr + 2, 2, 0x0200);
  EXPECT_EQ(in(kOdr), 0x5800U);
}

TEST_F(Stm32GpioTest, AnOutputShowsItsBit) {
  out(kOdr, 1U << 3);
  EXPECT_FALSE(level(3)) << "analog yet";
  mode(3, kOutput);
  EXPECT_TRUE(level(3));
  out(kOdr, 0);
  EXPECT_FALSE(level(3));
}

TEST_F(Stm32GpioTest, AnInputFollowsWhoDrivesIt) {
  mode(5, kInput);
  drive(5, true);
  EXPECT_TRUE(level(5));
  EXPECT_EQ(disconnected(), 0xffdfU);
  drive(5, false);
  EXPECT_FALSE(level(5));
  EXPECT_EQ(disconnected(), 0xffdfU);
}

TEST_F(Stm32GpioTest, PullsCountUntilSomebodyDrives) {
  mode(5, kInput);
  pull(5, kUp);
  EXPECT_TRUE(level(5));
  pull(5, kDown);
  EXPECT_FALSE(level(5));
  drive(5, true);
  EXPECT_TRUE(level(5));
  ASSERT_TRUE(gpio_.set_property("disconnected-pins", std::uint64_t{1U << 5}));
  EXPECT_FALSE(level(5));
}

TEST_F(Stm32GpioTest, APinThatNothingDrivesKeepsItsLevel) {
  mode(5, kInput);
  drive(5, true);
  ASSERT_TRUE(gpio_.set_property("disconnected-pins", std::uint64_t{0xffff}));
  EXPECT_TRUE(level(5));
}

TEST_F(Stm32GpioTest, AnAnalogPinReadsZero) {
  mode(5, kInput);
  drive(5, true);
  mode(5, kAnalog);
  EXPECT_FALSE(level(5));
  mode(5, kAlternate);
  EXPECT_TRUE(level(5));
}

TEST_F(Stm32GpioTest, APushPullOutputDisconnectsAndIgnoresWhoDrivesIt) {
  for (const bool outside : {true, false}) {
    mode(6, kInput);
    drive(6, outside);
    EXPECT_EQ(disconnected(), 0xffbfU);
    out(kOdr, outside ? 0 : 1U << 6);
    mode(6, kOutput);
    EXPECT_EQ(disconnected(), 0xffffU);
    EXPECT_EQ(level(6), !outside);
    drive(6, outside);
    EXPECT_EQ(disconnected(), 0xffffU);
    EXPECT_EQ(level(6), !outside);
  }
}

TEST_F(Stm32GpioTest, AnOpenDrainOutputDisconnectsWhatHoldsItHigh) {
  drive(4, true);
  field(kOtyper, 1, 4, 1);
  mode(4, kOutput);
  EXPECT_EQ(disconnected(), 0xffffU);
  EXPECT_FALSE(level(4));
  drive(4, true);
  EXPECT_EQ(disconnected(), 0xffffU);
}

TEST_F(Stm32GpioTest, AnOpenDrainOutputLetsItselfBePulledDown) {
  out(kOdr, 1U << 4);
  field(kOtyper, 1, 4, 1);
  pull(4, kUp);
  mode(4, kOutput);
  EXPECT_TRUE(level(4));
  drive(4, false);
  EXPECT_EQ(disconnected(), 0xffefU);
  EXPECT_FALSE(level(4));
}

TEST_F(Stm32GpioTest, AnOpenDrainOutputThatIsLowIsLow) {
  field(kOtyper, 1, 4, 1);
  pull(4, kUp);
  mode(4, kOutput);
  EXPECT_FALSE(level(4));
  out(kOdr, 1U << 4);
  EXPECT_TRUE(level(4)) << "by its pull";
}

TEST_F(Stm32GpioTest, WhenAnOpenDrainOutputBecomesPushPullItIsDisconnected) {
  out(kOdr, 1U << 4);
  field(kOtyper, 1, 4, 1);
  mode(4, kOutput);
  drive(4, false);
  field(kOtyper, 1, 4, 0);
  EXPECT_EQ(disconnected(), 0xffffU);
  EXPECT_TRUE(level(4));
}

TEST_F(Stm32GpioTest, BitsAreSetAndResetAloneAndSettingWins) {
  out(kOdr, 0x00f0);
  out(kBsrr, 0x0080'0001);
  EXPECT_EQ(in(kOdr), 0x0071U);
  out(kBsrr, 0x0002'0002);
  EXPECT_EQ(in(kOdr), 0x0073U);
  out(kBrr, 0xffff'0030);
  EXPECT_EQ(in(kOdr), 0x0043U);
}

TEST_F(Stm32GpioTest, TheKeySequenceFreezesPinsUntilAReset) {
  lock_pins(0x8001);
  EXPECT_EQ(in(kLckr), kKey | 0x8001U);
  out(kOtyper, 0);
  for (const std::uint64_t reg : {kModer, kOspeedr, kPupdr, kOtyper, kAfrl, kAfrh}) {
    const std::uint32_t was = in(reg);
    out(reg, ~was);
    std::uint32_t frozen = 0xc000'0003;
    if (reg == kOtyper) frozen = 0xffff'8001;  // the upper half does not exist
    if (reg == kAfrl) frozen = 0x0000'000f;
    if (reg == kAfrh) frozen = 0xf000'0000;
    EXPECT_EQ(in(reg) ^ was, ~frozen) << reg;
  }
  out(kOdr, 0xffff);
  EXPECT_EQ(in(kOdr), 0xffffU);
  out(kLckr, 0);
  EXPECT_EQ(in(kLckr), kKey | 0x8001U);
  lock_pins(0x0002);
  EXPECT_EQ(in(kLckr), kKey | 0x8001U);
  bench_.reset(gpio_);
  EXPECT_EQ(in(kLckr), 0U);
  mode(0, kInput);
  EXPECT_EQ(in(kModer) & 3U, 0U);
}

TEST_F(Stm32GpioTest, AnErrorInTheKeySequenceLocksNothing) {
  out(kLckr, kKey | 1);
  out(kLckr, 3);  // other pins
  out(kLckr, kKey | 1);
  EXPECT_EQ(in(kLckr), 1U);

  out(kLckr, kKey | 1);
  out(kLckr, kKey | 1);  // the key does not go down
  out(kLckr, kKey | 1);
  EXPECT_EQ(in(kLckr), 1U);

  out(kLckr, 1);  // the sequence breaks off
  EXPECT_EQ(in(kLckr), 1U);

  out(kLckr, kKey | 1);
  out(kLckr, 1);
  out(kLckr, kKey | 1);
  out(kLckr, kKey | 1);  // written again where it is to be read
  EXPECT_EQ(in(kLckr), 1U);

  bench_.write(kBase + kLckr, 2, 2);  // not a word
  EXPECT_EQ(in(kLckr), 1U);
  out(kModer, 0);
  EXPECT_EQ(in(kModer), 0U);
}

TEST_F(Stm32GpioTest, ResetDisconnectsAndLowersOutputs) {
  out(kOdr, 1U << 6);
  mode(6, kOutput);
  mode(5, kInput);
  drive(5, true);
  const std::string& changes = bench_.watch(gpio_, "out", 6);
  bench_.reset(gpio_);
  EXPECT_EQ(changes, "0");
  EXPECT_EQ(disconnected(), 0xffffU);
  EXPECT_FALSE(level(5));
}

TEST_F(Stm32GpioTest, PropertiesSayWhatIsConnectedAndHowTheClockRuns) {
  EXPECT_EQ(property("disconnected-pins"), "65535");
  EXPECT_EQ(property("clock-freq-hz"), "0");
  const auto refused = gpio_.set_property("disconnected-pins", std::uint64_t{0x1'0000});
  EXPECT_FALSE(refused);
}

}  // namespace
}  // namespace holdfast::devices
