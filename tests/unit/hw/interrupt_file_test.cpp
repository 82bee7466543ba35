// SPDX-License-Identifier: Apache-2.0
// SPEC: The RISC-V Advanced Interrupt Architecture 1.0, chapter 3; the section is named at each.
#include "holdfast/hw/interrupt_file.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace holdfast::hw {
namespace {

using Bits = InterruptFile::Bits;

constexpr std::uint64_t kOnes = ~std::uint64_t{0};

struct Listener final : InterruptFile::Follower {
  void message_came() noexcept override { ++messages; }
  int messages = 0;
};

void enable_all(InterruptFile& file) {
  for (unsigned word = 0; word < InterruptFile::kWords; ++word)
    file.change(Bits::kEnabled, word, {.set = kOnes});
}

TEST(InterruptFile, TheLowestThatIsPendingAndEnabledComesFirst) {
  const auto file = InterruptFile::make(255);
  file->set_pending(200);
  file->set_pending(70);
  EXPECT_EQ(file->top(), 0U) << "nothing is enabled";
  file->change(Bits::kEnabled, 3, {.set = std::uint64_t{1} << (200 - 192)});
  EXPECT_EQ(file->top(), 200U);
  file->change(Bits::kEnabled, 1, {.set = std::uint64_t{1} << (70 - 64)});
  EXPECT_EQ(file->top(), 70U);
  file->claim(70);
  EXPECT_EQ(file->top(), 200U);
  EXPECT_EQ(file->bits(Bits::kPending, 1), 0U);
}

// 3.8.1: what is delivered, mtopei does not depend on.
TEST(InterruptFile, DeliveryIsOffAtFirst) {
  const auto file = InterruptFile::make(63);
  enable_all(*file);
  file->set_pending(1);
  EXPECT_EQ(file->top(), 1U);
  EXPECT_FALSE(file->signals());
  file->set_delivery(1);
  EXPECT_TRUE(file->signals());
  file->set_delivery(0x4000'0000);  // from a PLIC: there is none
  EXPECT_EQ(file->delivery(), 1U);
}

// 3.8.2: zero lets all through, and every identity there is can be a threshold.
TEST(InterruptFile, TheThresholdHoldsBackItselfAndWhatIsBehind) {
  const auto file = InterruptFile::make(255);
  enable_all(*file);
  file->set_pending(9);
  file->set_threshold(9);
  EXPECT_EQ(file->top(), 0U);
  file->set_threshold(10);
  EXPECT_EQ(file->top(), 9U);
  file->set_threshold(kOnes);
  EXPECT_EQ(file->threshold(), 255U);
  file->set_threshold(0);
  EXPECT_EQ(file->top(), 9U);
}

TEST(InterruptFile, IdentitiesThatThereAreNotAreIgnored) {
  const auto file = InterruptFile::make(127);
  Listener listener;
  file->follow(listener);
  for (const std::uint32_t identity : {0U, 128U, 2047U, 0x8000'0001U}) file->set_pending(identity);
  EXPECT_EQ(listener.messages, 0);
  enable_all(*file);
  EXPECT_EQ(file->bits(Bits::kEnabled, 0), kOnes - 1);
  EXPECT_EQ(file->bits(Bits::kEnabled, 1), kOnes);
  EXPECT_EQ(file->bits(Bits::kEnabled, 2), 0U);
  EXPECT_EQ(file->bits(Bits::kEnabled, InterruptFile::kWords), 0U);
  file->unfollow(listener);
}

TEST(InterruptFile, ChangesSayWhatWasThere) {
  const auto file = InterruptFile::make(63);
  EXPECT_EQ(file->change(Bits::kPending, 0, {.set = 0xf0}), 0U);
  EXPECT_EQ(file->change(Bits::kPending, 0, {.clear = 0x30, .set = 0x2}), 0xf0U);
  EXPECT_EQ(file->bits(Bits::kPending, 0), 0xc2U);
}

TEST(InterruptFile, TheHartIsToldOfWhatWasNotPendingYet) {
  const auto file = InterruptFile::make(63);
  Listener listener;
  file->set_pending(5);
  file->follow(listener);
  file->set_pending(5);
  EXPECT_EQ(listener.messages, 0);
  file->set_pending(6);
  EXPECT_EQ(listener.messages, 1);
  file->unfollow(listener);
  file->set_pending(7);
  EXPECT_EQ(listener.messages, 1);
}

TEST(InterruptFile, ResetForgetsEverything) {
  const auto file = InterruptFile::make(63);
  enable_all(*file);
  file->set_pending(5);
  file->set_delivery(1);
  file->set_threshold(7);
  file->reset();
  EXPECT_EQ(file->bits(Bits::kPending, 0) | file->bits(Bits::kEnabled, 0), 0U);
  EXPECT_EQ(file->delivery() | file->threshold(), 0U);
}

// 3.8.3: while the hart changes some bits, messages set others; none is lost.
TEST(InterruptFile, NoMessageIsLostToAWriteOfTheHart) {
  constexpr unsigned kSenders = 2;
  constexpr unsigned kRounds = 5'000;
  const auto file = InterruptFile::make(63);
  std::vector<unsigned> heard(kSenders + 1);
  file->change(Bits::kEnabled, 0, {.set = kOnes});
  std::vector<std::thread> senders;
  for (unsigned sender = 1; sender <= kSenders; ++sender)
    senders.emplace_back([&, sender] {
      for (unsigned round = 0; round < kRounds; ++round) {
        file->set_pending(sender);
        while ((file->bits(Bits::kPending, 0) >> sender & 1) != 0) std::this_thread::yield();
      }
    });
  while (heard[1] + heard[2] < kSenders * kRounds) {
    file->change(Bits::kPending, 0, {.set = std::uint64_t{1} << 40});
    file->change(Bits::kPending, 0, {.clear = std::uint64_t{1} << 40});
    const unsigned identity = file->top();
    if (identity == 0) {
      std::this_thread::yield();
      continue;
    }
    ++heard[identity];
    file->claim(identity);
  }
  for (auto& sender : senders) sender.join();
  EXPECT_EQ(heard[1], kRounds);
  EXPECT_EQ(heard[2], kRounds);
}

}  // namespace
}  // namespace holdfast::hw
