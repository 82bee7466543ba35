// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/serial/ns16550a.hpp"

#include <gtest/gtest.h>

#include "holdfast/chardev/ring_buffer.hpp"
#include "tests/support/device_bench.hpp"

namespace holdfast::devices {
namespace {

constexpr std::uint64_t kBase = 0x1000'0000;
enum Register : std::uint64_t { kRbr, kIer, kIir, kLcr, kMcr, kLsr, kMsr, kScr };
constexpr std::uint64_t kThr = kRbr;
constexpr std::uint64_t kFcr = kIir;

class Ns16550aTest : public ::testing::Test {
 protected:
  std::uint8_t in(std::uint64_t reg) { return bench_.read8(kBase + reg); }
  void out(std::uint64_t reg, std::uint8_t value) { bench_.write8(kBase + reg, value); }
  bool irq() { return testing::DeviceBench::level(uart_, "irq"); }
  void expire() { bench_.step_to(bench_.services().clock().next_deadline_ns().value()); }

  chardev::RingBuffer line_{"serial0", 64, chardev::RingBuffer::Full::kRefuse};
  testing::DeviceBench bench_;
  Ns16550a& uart_ =
      bench_.add<Ns16550a>("uart0", kBase, Ns16550a::Config{.chardev = &line_});
};

TEST_F(Ns16550aTest, RegistersAfterReset) {
  EXPECT_EQ(in(kIer), 0x00);
  EXPECT_EQ(in(kIir), 0x01);
  EXPECT_EQ(in(kLcr), 0x00);
  EXPECT_EQ(in(kMcr), 0x08);
  EXPECT_EQ(in(kLsr), 0x60);
  EXPECT_EQ(in(kMsr), 0xb0);
  EXPECT_EQ(in(kRbr), 0x00);
  EXPECT_FALSE(irq());
}

TEST_F(Ns16550aTest, ScratchKeepsAByteUntilReset) {
  out(kScr, 0x5a);
  EXPECT_EQ(in(kScr), 0x5a);
  bench_.reset(uart_);
  EXPECT_EQ(in(kScr), 0);
}

TEST_F(Ns16550aTest, TheDivisorLatchTakesTheFirstTwoRegisters) {
  out(kIer, 0x05);
  out(kLcr, 0x83);
  out(0, 0x34);
  out(1, 0x12);
  EXPECT_EQ(in(0), 0x34);
  EXPECT_EQ(in(1), 0x12);
  out(kLcr, 0x03);
  EXPECT_EQ(in(kIer), 0x05);
  EXPECT_EQ(line_.take(), "");
}

TEST_F(Ns16550aTest, OnlyImplementedBitsAreKept) {
  out(kIer, 0xff);
  EXPECT_EQ(in(kIer), 0x0f);
  out(kMcr, 0xff);
  EXPECT_EQ(in(kMcr), 0x1f);
  out(kLsr, 0xff);
  EXPECT_EQ(in(kLsr), 0x60);
}

TEST_F(Ns16550aTest, WhatIsWrittenIsSent) {
  for (const char c : {'o', 'k'}) out(kThr, static_cast<std::uint8_t>(c));
  EXPECT_EQ(line_.take(), "ok");
  EXPECT_EQ(in(kLsr), 0x60);
}

TEST_F(Ns16550aTest, ABackEndThatIsFullIsWaitedFor) {
  for (int i = 0; i < 64; ++i) out(kThr, 'x');
  EXPECT_EQ(in(kLsr), 0x60);
  out(kThr, 'y');
  EXPECT_EQ(in(kLsr), 0x00);
  out(kIer, 0x02);
  EXPECT_FALSE(irq());
  EXPECT_EQ(line_.take(), std::string(64, 'x'));
  EXPECT_EQ(in(kLsr), 0x60);
  EXPECT_TRUE(irq());
  EXPECT_EQ(line_.take(), "y");
}

TEST_F(Ns16550aTest, TheTransmitFifoHoldsSixteenWhileTheBackEndIsFull) {
  out(kFcr, 0x01);
  for (int i = 0; i < 64; ++i) out(kThr, 'x');
  for (char c = 'a'; c < 'a' + 16; ++c) out(kThr, static_cast<std::uint8_t>(c));
  line_.take();
  EXPECT_EQ(line_.take(), "abcdefghijklmnop");
}

TEST_F(Ns16550aTest, TransmitterInterruptComesAtOnceAndGoesWithItsIdentification) {
  out(kIer, 0x02);
  EXPECT_TRUE(irq());
  EXPECT_EQ(in(kIir), 0x02);
  EXPECT_FALSE(irq());
  EXPECT_EQ(in(kIir), 0x01);
  const auto& changes = bench_.watch(uart_, "irq");
  out(kThr, 'x');
  EXPECT_TRUE(irq());
  EXPECT_EQ(changes, "1");
  out(kIer, 0x00);
  EXPECT_FALSE(irq());
  EXPECT_EQ(in(kIir), 0x01);
}

TEST_F(Ns16550aTest, AReceivedByteIsThereUntilItIsRead) {
  out(kIer, 0x01);
  line_.feed("a");
  EXPECT_EQ(in(kLsr), 0x61);
  EXPECT_TRUE(irq());
  EXPECT_EQ(in(kIir), 0x04);
  EXPECT_EQ(in(kRbr), 'a');
  EXPECT_FALSE(irq());
  EXPECT_EQ(in(kLsr), 0x60);
  EXPECT_EQ(in(kRbr), 'a');  // the register keeps it
}

TEST_F(Ns16550aTest, WithoutFifosOneByteIsTakenAtATime) {
  line_.feed("abc");
  EXPECT_EQ(line_.input_left(), 2U);
  std::string got;
  for (int i = 0; i < 3; ++i) {
    got += static_cast<char>(in(kRbr));
    line_.pump();
  }
  EXPECT_EQ(got, "abc");
}

TEST_F(Ns16550aTest, TheReceiveFifoTakesInputUpToTheTriggerLevel) {
  out(kFcr, 0xc1);
  line_.feed("0123456789abcdefXY");
  EXPECT_EQ(line_.input_left(), 4U);
  EXPECT_EQ(in(kIir), 0xc1);
  std::string got;
  while ((in(kLsr) & 1) != 0) {
    got += static_cast<char>(in(kRbr));
    line_.pump();
  }
  EXPECT_EQ(got, "0123456789abcdefXY");
}

TEST_F(Ns16550aTest, AboveAnotherTriggerLevelInputComesOneByOne) {
  out(kFcr, 0x41);
  line_.feed("0123");
  out(kFcr, 0x01);
  line_.feed("45");
  EXPECT_EQ(line_.input_left(), 1U);
  for (int i = 0; i < 20; ++i) line_.feed("x");
  EXPECT_EQ(line_.input_left(), 10U);  // sixteen are the most
}

TEST_F(Ns16550aTest, AnEmptyFifoReadsZero) {
  line_.feed("a");
  EXPECT_EQ(in(kRbr), 'a');
  EXPECT_EQ(in(kRbr), 'a');
  out(kFcr, 0x01);
  EXPECT_EQ(in(kRbr), 0);
  line_.feed("b");
  EXPECT_EQ(in(kRbr), 'b');
  out(kFcr, 0x00);
  EXPECT_EQ(in(kRbr), 'a');  // the register is another place
}

TEST_F(Ns16550aTest, TheTriggerLevelDecidesWhenDataInterrupt) {
  const std::array<std::pair<std::uint8_t, std::size_t>, 4> levels{
      {{0x01, 1}, {0x41, 4}, {0x81, 8}, {0xc1, 14}}};
  for (const auto& [control, level] : levels) {
    out(kIer, 0x01);
    out(kFcr, static_cast<std::uint8_t>(control | 0x02));
    line_.feed(std::string(level - 1, 'x'));
    EXPECT_FALSE(irq()) << level;
    line_.feed("x");
    EXPECT_TRUE(irq()) << level;
    EXPECT_EQ(in(kIir), 0xc4);
    in(kRbr);
    EXPECT_FALSE(irq()) << level;
    out(kFcr, static_cast<std::uint8_t>(control | 0x02));
  }
}

TEST_F(Ns16550aTest, BytesThatAreLeftBelowTheTriggerLevelTimeOut) {
  out(kLcr, 0x83);
  out(0, 1);  // 230,400 baud
  out(1, 0);
  out(kLcr, 0x03);
  out(kFcr, 0xc1);
  out(kIer, 0x01);
  line_.feed("ab");
  EXPECT_FALSE(irq());
  EXPECT_EQ(bench_.services().clock().next_deadline_ns(), std::uint64_t{4} * 10 * 16 * 1'000'000'000 / 3'686'400);
  expire();
  EXPECT_TRUE(irq());
  EXPECT_EQ(in(kIir), 0xcc);
  EXPECT_EQ(in(kRbr), 'a');
  EXPECT_FALSE(irq());
  expire();
  EXPECT_EQ(in(kIir), 0xcc);
  in(kRbr);
  EXPECT_EQ(bench_.services().clock().next_deadline_ns(), std::nullopt);
}

TEST_F(Ns16550aTest, ClearingTheReceiverEmptiesIt) {
  out(kFcr, 0x01);
  line_.feed("abc");
  out(kFcr, 0x03);
  EXPECT_EQ(in(kLsr), 0x60);
  EXPECT_EQ(bench_.services().clock().next_deadline_ns(), std::nullopt);
}

TEST_F(Ns16550aTest, SwitchingFifosClearsThem) {
  out(kFcr, 0x01);
  line_.feed("abc");
  out(kFcr, 0x00);
  EXPECT_EQ(in(kLsr), 0x60);
  EXPECT_EQ(in(kIir), 0x01);
}

TEST_F(Ns16550aTest, ABreakIsALineErrorAndABytesWorthOfZeros) {
  out(kIer, 0x05);
  line_.line_break();
  EXPECT_EQ(in(kIir), 0x06);
  EXPECT_EQ(in(kLsr), 0x71);
  EXPECT_EQ(in(kLsr), 0x61);
  EXPECT_EQ(in(kIir), 0x04);
  EXPECT_EQ(in(kRbr), 0x00);
  EXPECT_FALSE(irq());
}

TEST_F(Ns16550aTest, LoopbackReturnsWhatIsSent) {
  out(kFcr, 0x01);
  out(kMcr, 0x10);
  line_.feed("x");
  EXPECT_EQ(line_.input_left(), 1U);
  out(kThr, 'l');
  EXPECT_EQ(line_.take(), "");
  EXPECT_EQ(in(kRbr), 'l');
  out(kMcr, 0x00);
  line_.pump();
  EXPECT_EQ(in(kRbr), 'x');
}

TEST_F(Ns16550aTest, AnOverrunInLoopbackLosesTheNewestByteOfAFifo) {
  out(kFcr, 0x01);
  out(kMcr, 0x10);
  for (char c = 'a'; c < 'a' + 17; ++c) out(kThr, static_cast<std::uint8_t>(c));
  EXPECT_EQ(in(kLsr), 0x63);
  std::string got;
  while ((in(kLsr) & 1) != 0) got += static_cast<char>(in(kRbr));
  EXPECT_EQ(got, "abcdefghijklmnop");
}

TEST_F(Ns16550aTest, AnOverrunOfTheRegisterLosesTheOlderByte) {
  out(kMcr, 0x10);
  out(kThr, 'a');
  out(kThr, 'b');
  EXPECT_EQ(in(kLsr), 0x63);
  EXPECT_EQ(in(kRbr), 'b');
}

TEST_F(Ns16550aTest, LoopbackLeadsModemOutputsToInputs) {
  out(kMcr, 0x10);
  EXPECT_EQ(in(kMsr), 0x0b);  // all three went away
  EXPECT_EQ(in(kMsr), 0x00);
  out(kMcr, 0x1a);  // request to send, out 2
  EXPECT_EQ(in(kMsr), 0x99);
  out(kMcr, 0x14);  // out 1: ring
  EXPECT_EQ(in(kMsr), 0x49);
  out(kMcr, 0x10);
  EXPECT_EQ(in(kMsr), 0x04);  // its end
}

TEST_F(Ns16550aTest, ModemChangesInterrupt) {
  out(kIer, 0x08);
  EXPECT_FALSE(irq());
  out(kMcr, 0x10);
  EXPECT_TRUE(irq());
  EXPECT_EQ(in(kIir), 0x00);
  in(kMsr);
  EXPECT_FALSE(irq());
}

TEST_F(Ns16550aTest, PrioritiesOfInterrupts) {
  out(kMcr, 0x10);
  out(kThr, 'a');
  out(kThr, 'b');  // overrun, data, transmitter empty, modem changed
  out(kIer, 0x0f);
  EXPECT_EQ(in(kIir), 0x06);
  in(kLsr);
  EXPECT_EQ(in(kIir), 0x04);
  in(kRbr);
  EXPECT_EQ(in(kIir), 0x02);
  EXPECT_EQ(in(kIir), 0x00);
  in(kMsr);
  EXPECT_EQ(in(kIir), 0x01);
  EXPECT_FALSE(irq());
}

TEST_F(Ns16550aTest, AWideAccessIsOneOfTheRegisterAtItsAddress) {
  line_.feed("ab");
  EXPECT_EQ(bench_.read32(kBase), std::uint32_t{'a'});
  line_.pump();
  EXPECT_EQ(bench_.read64(kBase), std::uint64_t{'b'});
  bench_.write32(kBase + 4, 0xa5'00'00'03);
  EXPECT_EQ(in(kMcr), 0x03);
  EXPECT_EQ(in(kScr), 0x00);
  EXPECT_EQ(bench_.read32(kBase + 4), 0x03U);
  bench_.write64(kBase, 0x1122'3344'5566'7758);
  EXPECT_EQ(line_.take(), "X");
}

TEST_F(Ns16550aTest, UnpluggedItGivesTheBackEndFree) {
  EXPECT_TRUE(line_.is_attached());
  bench_.remove(uart_);
  EXPECT_FALSE(line_.is_attached());
  Ns16550a& second = bench_.add<Ns16550a>("uart0", kBase, Ns16550a::Config{.chardev = &line_});
  line_.feed("z");
  EXPECT_EQ(in(kRbr), 'z');
  EXPECT_FALSE(testing::DeviceBench::level(second, "irq"));
}

TEST_F(Ns16550aTest, ABackEndThatIsInUseFailsThePrepare) {
  auto second = hw::make_device<Ns16550a>(bench_.context(), "uart1",
                                          Ns16550a::Config{.chardev = &line_});
  const auto done = second->prepare();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "chardev 'serial0' is in use by /machine/uart0:chardev");
}

TEST_F(Ns16550aTest, WithoutABackEndOutputVanishes) {
  bench_.add<Ns16550a>("uart1", 0x2000'0000, Ns16550a::Config{});
  bench_.write8(0x2000'0000, 'x');
  EXPECT_EQ(bench_.read8(0x2000'0005), 0x60);
}

}  // namespace
}  // namespace holdfast::devices
