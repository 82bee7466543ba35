// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/display/dm163.hpp"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/test_machine.hpp"

namespace holdfast::devices {
namespace {

class Dm163Test : public ::testing::Test {
 protected:
  Dm163Test() {
    boards::BoardPlan plan{"lights"};
    plan.leave_loose(plan.add<Dm163>("dm163"));
    EXPECT_TRUE(machine_->realize(plan));
    chip_ = dynamic_cast<Dm163*>(machine_->tree().resolve("/machine/dm163").value().object.get());
    set(Dm163::kRstB, true);
    set(Dm163::kLatB, true);
  }

  void set(unsigned input, bool level) {
    chip_->inputs().pin(input)->drive(level, machine_->context().holdback);
  }
  bool out() { return chip_->find_part<hw::IrqOutArray>("sout")->level(0); }
  void choose(unsigned bank) { set(Dm163::kSelbk, bank == 1); }
  void shift(bool bit) {
    set(Dm163::kSin, bit);
    set(Dm163::kDck, true);
    set(Dm163::kDck, false);
  }
  /// A number, its highest bit first.
  void shift(unsigned value, unsigned bits) {
    for (unsigned i = bits; i-- > 0;) shift((value >> i & 1) != 0);
  }
  void latch() {
    set(Dm163::kLatB, false);
    set(Dm163::kLatB, true);
  }
  std::string property(const std::string& name) {
    return object::to_text(chip_->get_property(name).value());
  }
  std::string row(unsigned number) {
    std::string all = property("lights");
    for (unsigned i = 0; i < number; ++i) all.erase(0, all.find("; ") + 2);
    return all.substr(0, all.find("; "));
  }

  test::TestMachine machine_;
  Dm163* chip_ = nullptr;
};

const std::string kDark = "000000 000000 000000 000000 000000 000000 000000 000000";

TEST_F(Dm163Test, WhatGoesInComesOutWhenTheBankIsFull) {
  for (const unsigned bank : {0U, 1U}) {
    choose(bank);
    const unsigned bits = bank == 0 ? 144 : 192;
    shift(true);
    for (unsigned i = 1; i < bits; ++i) {
      shift(false);
      EXPECT_FALSE(out()) << bank << " " << i;
    }
    shift(false);
    EXPECT_TRUE(out()) << bank;
    shift(false);
    EXPECT_FALSE(out()) << bank;
  }
}

TEST_F(Dm163Test, OnlyARisingEdgeOfTheClockShifts) {
  choose(0);
  set(Dm163::kSin, true);
  set(Dm163::kDck, true);
  set(Dm163::kDck, true);
  set(Dm163::kSin, false);
  set(Dm163::kDck, false);
  EXPECT_EQ(property("bank0"), "1 0 0");
  EXPECT_EQ(property("bank1"), "0 0 0");
}

TEST_F(Dm163Test, ChannelsAreTheProductOfTheirBanksWhenLatched) {
  choose(0);
  for (unsigned channel = 24; channel-- > 0;) shift(channel == 11 ? 0x2a : 0x3f, 6);
  choose(1);
  for (unsigned channel = 24; channel-- > 0;) shift(channel, 8);
  EXPECT_EQ(property("latched").substr(0, 6), "0 0 0 ");
  set(Dm163::kLatB, false);
  std::string expected;
  for (unsigned channel = 0; channel < 24; ++channel)
    expected += (channel == 0 ? "" : " ") + std::to_string(channel * (channel == 11 ? 0x2a : 0x3f));
  EXPECT_EQ(property("latched"), expected);
  EXPECT_EQ(property("outputs"), expected);
}

TEST_F(Dm163Test, OutputsAreOffInResetAndWhileNotEnabled) {
  choose(0);
  for (unsigned i = 0; i < 24; ++i) shift(0x3f, 6);
  choose(1);
  for (unsigned i = 0; i < 24; ++i) shift(0xff, 8);
  latch();
  set(0, true);
  const std::string bright = row(0);
  EXPECT_NE(bright, kDark);
  set(Dm163::kEnB, true);
  EXPECT_EQ(row(0), kDark);
  set(Dm163::kEnB, false);
  EXPECT_EQ(row(0), bright);
  set(Dm163::kRstB, false);
  EXPECT_EQ(row(0), kDark);
  set(Dm163::kRstB, true);
  EXPECT_EQ(row(0), bright) << "what was latched is still there";
}

TEST_F(Dm163Test, TheFirstColumnIsTheLastChannelsAndColoursAreRedGreenBlue) {
  choose(0);
  for (unsigned i = 0; i < 24; ++i) shift(0x3f, 6);
  choose(1);
  for (unsigned channel = 24; channel-- > 0;) shift(channel == 23 ? 0xff : channel == 1 ? 0x80 : 0, 8);
  latch();
  set(2, true);
  EXPECT_EQ(row(2), "fb0000 000000 000000 000000 000000 000000 000000 007e00");
  EXPECT_EQ(row(3), kDark);
  set(2, false);
  EXPECT_EQ(row(2), kDark);
}

TEST_F(Dm163Test, ResetBringsItsPowerOnState) {
  shift(true);
  set(3, true);
  machine_->reset();
  EXPECT_EQ(property("bank0"), "0 0 0");
  EXPECT_EQ(property("rows"), "0");
}

}  // namespace
}  // namespace holdfast::devices
