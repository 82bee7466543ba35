// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/stm32/usart.hpp"

#include <gtest/gtest.h>

#include <string>

#include "holdfast/chardev/ring_buffer.hpp"
#include "tests/support/device_bench.hpp"

namespace holdfast::devices {
namespace {

constexpr std::uint64_t kClock = 0x4002'1000;
constexpr std::uint64_t kUsart = 0x4001'3800;
constexpr std::uint64_t kUart = 0x4000'4c00;
constexpr std::uint64_t kLpuart = 0x4000'8000;
enum Register : std::uint64_t {
  kCr1 = 0x00,
  kCr2 = 0x04,
  kCr3 = 0x08,
  kBrr = 0x0c,
  kGtpr = 0x10,
  kRtor = 0x14,
  kRqr = 0x18,
  kIsr = 0x1c,
  kIcr = 0x20,
  kRdr = 0x24,
  kTdr = 0x28,
};
// Control register 1.
constexpr std::uint32_t kOn = 0x0d;  // port, receiver, transmitter
constexpr std::uint32_t kIdleie = 1U << 4;
constexpr std::uint32_t kRxneie = 1U << 5;
constexpr std::uint32_t kTcie = 1U << 6;
constexpr std::uint32_t kTxeie = 1U << 7;
constexpr std::uint32_t kCmie = 1U << 14;
constexpr std::uint32_t kRtoie = 1U << 26;
// Status.
constexpr std::uint32_t kFe = 1U << 1;
constexpr std::uint32_t kOre = 1U << 3;
constexpr std::uint32_t kIdle = 1U << 4;
constexpr std::uint32_t kRxne = 1U << 5;
constexpr std::uint32_t kTc = 1U << 6;
constexpr std::uint32_t kTxe = 1U << 7;
constexpr std::uint32_t kLbdf = 1U << 8;
constexpr std::uint32_t kRtof = 1U << 11;
constexpr std::uint32_t kCmf = 1U << 17;
constexpr std::uint32_t kTeack = 1U << 21;
constexpr std::uint32_t kReack = 1U << 22;

/// What clocks the ports.
class Oscillator final : public hw::Device {
 public:
  static const object::Type kType;
  explicit Oscillator(const hw::DeviceInit& init) : Device{init} {}
  hw::Clock& out() { return out_; }

 private:
  void set_hz(std::uint32_t hz) { out_.set_hz(hz); }
  hw::ClockSource out_{*this, "out", hw::period_of_hz(80'000'000)};
  hw::Mmio regs_{*this, "regs",
                 hw::register_map<Oscillator>(
                     4, {{.at = 0, .name = "hz", .write = &Oscillator::set_hz}})};
};
constinit const object::Type Oscillator::kType{
    .name = "test-oscillator", .parent = &hw::Device::kType, .docs = "test"};

class Stm32UsartTest : public ::testing::Test {
 protected:
  Stm32UsartTest() {
    for (Stm32l4x5UsartBase* port : {static_cast<Stm32l4x5UsartBase*>(&usart_),
                                     static_cast<Stm32l4x5UsartBase*>(&uart_),
                                     static_cast<Stm32l4x5UsartBase*>(&lpuart_)})
      EXPECT_TRUE(hw::connect(oscillator_.out(), port->clk()));
  }
  std::uint32_t in(std::uint64_t reg) { return bench_.read32(kUsart + reg); }
  void out(std::uint64_t reg, std::uint32_t value) { bench_.write32(kUsart + reg, value); }
  bool irq() { return testing::DeviceBench::level(usart_, "irq"); }
  bool has(std::uint32_t flag) { return (in(kIsr) & flag) != 0; }
  static std::string baud(hw::Device& port) {
    return object::to_text(port.get_property("baud-rate").value());
  }
  /// 100,000 baud: a bit takes 10 us, a frame of 8 bits 100 us.
  void switch_on(std::uint32_t more = 0) {
    out(kBrr, 800);
    out(kCr1, kOn | more);
  }
  std::uint64_t now() { return bench_.services().clock().now_ns(); }

  chardev::RingBuffer line_{"serial0", 4, chardev::RingBuffer::Full::kRefuse};
  testing::DeviceBench bench_;
  Oscillator& oscillator_ = bench_.add<Oscillator>("oscillator", kClock);
  Stm32l4x5Usart& usart_ =
      bench_.add<Stm32l4x5Usart>("usart", kUsart, Stm32l4x5Usart::Config{.chardev = &line_});
  Stm32l4x5Uart& uart_ = bench_.add<Stm32l4x5Uart>("uart", kUart, Stm32l4x5Uart::Config{});
  Stm32l4x5Lpuart& lpuart_ =
      bench_.add<Stm32l4x5Lpuart>("lpuart", kLpuart, Stm32l4x5Lpuart::Config{});
};

TEST_F(Stm32UsartTest, RegistersAfterReset) {
  EXPECT_EQ(in(kIsr), 0x0200'00c0U);
  for (const std::uint64_t reg : {kCr1, kCr2, kCr3, kBrr, kGtpr, kRtor, kRqr, kIcr, kRdr, kTdr})
    EXPECT_EQ(in(reg), 0U) << reg;
  EXPECT_FALSE(irq());
}

TEST_F(Stm32UsartTest, EachKindOfPortHasItsBits) {
  const struct {
    std::uint64_t reg;
    std::uint32_t usart;
    std::uint32_t uart;
    std::uint32_t lpuart;
  } rows[] = {{kCr1, 0x1fff'ffff, 0x17ff'ffff, 0x13ff'7fff},
              {kCr2, 0xffff'ff70, 0xffff'f070, 0xff0f'b010},
              {kCr3, 0x00fe'ffff, 0x00f0'ffcf, 0x00f0'f7c9},
              {kBrr, 0xffff, 0xffff, 0xf'ffff},
              {kGtpr, 0xffff, 0xff, 0},
              {kRtor, 0xffff'ffff, 0xffff'ffff, 0},
              {kTdr, 0x1ff, 0x1ff, 0x1ff}};
  for (const auto& row : rows) {
    const std::pair<std::uint64_t, std::uint32_t> ports[] = {
        {kUsart, row.usart}, {kUart, row.uart}, {kLpuart, row.lpuart}};
    for (const auto& [base, bits] : ports) {
      bench_.write32(base + row.reg, ~0U);
      EXPECT_EQ(bench_.read32(base + row.reg), bits) << base << " " << row.reg;
      bench_.write32(base + row.reg, 0);
    }
  }
}

TEST_F(Stm32UsartTest, EnablingIsAcknowledged) {
  out(kCr1, 0x0c);
  EXPECT_FALSE(has(kTeack | kReack)) << "the port itself is off";
  out(kCr1, 0x09);
  EXPECT_TRUE(has(kTeack));
  EXPECT_FALSE(has(kReack));
  out(kCr1, 0x05);
  EXPECT_FALSE(has(kTeack));
  EXPECT_TRUE(has(kReack));
}

TEST_F(Stm32UsartTest, WhatIsWrittenIsSent) {
  switch_on();
  out(kTdr, 'o');
  EXPECT_EQ(in(kIsr) & (kTxe | kTc), kTxe | kTc);
  bench_.write(kUsart + kTdr, 2, 'k');
  EXPECT_EQ(line_.take(), "ok");
  EXPECT_EQ(in(kTdr), 'k');
}

TEST_F(Stm32UsartTest, NothingIsSentWhileTheTransmitterIsOff) {
  out(kTdr, 'a');
  EXPECT_TRUE(has(kTxe));
  out(kCr1, 0x05);
  out(kTdr, 'b');
  EXPECT_FALSE(has(kTxe));
  EXPECT_EQ(line_.take(), "");
  out(kCr1, kOn);
  EXPECT_EQ(line_.take(), "b");
  EXPECT_TRUE(has(kTxe));
}

TEST_F(Stm32UsartTest, ABackEndThatIsFullIsWaitedFor) {
  switch_on();
  for (const char c : {'1', '2', '3', '4'}) out(kTdr, static_cast<std::uint8_t>(c));
  out(kTdr, '5');  // goes on to the shift register
  EXPECT_EQ(in(kIsr) & (kTxe | kTc), kTxe);
  out(kTdr, '6');
  EXPECT_EQ(in(kIsr) & (kTxe | kTc), 0U);
  EXPECT_EQ(line_.take(), "1234");
  EXPECT_EQ(line_.take(), "56");
  EXPECT_EQ(in(kIsr) & (kTxe | kTc), kTxe | kTc);
}

TEST_F(Stm32UsartTest, SwitchedOffThePortForgetsWhatItWasSending) {
  switch_on();
  for (const char c : {'1', '2', '3', '4', '5', '6'}) out(kTdr, static_cast<std::uint8_t>(c));
  out(kCr1, 0);
  EXPECT_EQ(in(kIsr), 0x0200'00c0U);
  out(kCr1, kOn);
  EXPECT_EQ(line_.take(), "1234");
  EXPECT_EQ(line_.take(), "");
}

TEST_F(Stm32UsartTest, FlushingTheTransmitterDropsWhatWaits) {
  switch_on();
  for (const char c : {'1', '2', '3', '4', '5', '6'}) out(kTdr, static_cast<std::uint8_t>(c));
  out(kRqr, 1U << 4);
  EXPECT_TRUE(has(kTxe));
  line_.take();
  EXPECT_EQ(line_.take(), "5");
}

TEST_F(Stm32UsartTest, TransmitInterrupts) {
  switch_on();
  EXPECT_FALSE(irq());
  switch_on(kTxeie);
  EXPECT_TRUE(irq());
  switch_on(kTcie);
  EXPECT_TRUE(irq());
  out(kIcr, kTc);
  EXPECT_FALSE(irq());
  EXPECT_FALSE(has(kTc));
  out(kTdr, 'x');
  EXPECT_TRUE(irq());
}

TEST_F(Stm32UsartTest, OnlyFlagsThatCanBeClearedAreCleared) {
  switch_on();
  line_.feed("x");
  out(kIcr, ~0U);
  EXPECT_EQ(in(kIsr), 0x0200'0000U | kReack | kTeack | kTxe | kRxne);
}

TEST_F(Stm32UsartTest, InputIsTakenCharacterByCharacter) {
  switch_on();
  line_.feed("abc");
  for (const char c : {'a', 'b', 'c'}) {
    EXPECT_TRUE(has(kRxne));
    EXPECT_EQ(bench_.read(kUsart + kRdr, 2), static_cast<std::uint8_t>(c));
    line_.pump();
  }
  EXPECT_FALSE(has(kRxne));
  EXPECT_FALSE(has(kOre));
  EXPECT_EQ(in(kRdr), 'c') << "the register keeps it";
}

TEST_F(Stm32UsartTest, InputWaitsWhileACharacterDoes) {
  switch_on();
  line_.feed("a");
  line_.feed("b");
  EXPECT_FALSE(has(kOre));
  EXPECT_EQ(line_.input_left(), 1U);
  EXPECT_EQ(in(kRdr), 'a');
  line_.pump();
  EXPECT_EQ(in(kRdr), 'b');
}

TEST_F(Stm32UsartTest, TheReceiveInterruptGoesWhenTheCharacterIsRead) {
  switch_on(kRxneie);
  EXPECT_FALSE(irq());
  line_.feed("a");
  EXPECT_TRUE(irq());
  in(kRdr);
  EXPECT_FALSE(irq());
  line_.feed("b");
  EXPECT_TRUE(irq());
  out(kRqr, 1U << 3);
  EXPECT_FALSE(irq());
  EXPECT_FALSE(has(kRxne));
}

TEST_F(Stm32UsartTest, InputIsLostWhileTheReceiverIsOff) {
  line_.feed("a");
  switch_on();
  EXPECT_FALSE(has(kRxne));
  out(kCr1, 0x09);
  line_.feed("b");
  out(kCr1, kOn);
  EXPECT_FALSE(has(kRxne));
}

TEST_F(Stm32UsartTest, WordsOfSevenBits) {
  switch_on(1U << 28);
  line_.feed("\xe1");
  EXPECT_EQ(in(kRdr), 0x61U);
  out(kTdr, 0x1e2);
  EXPECT_EQ(line_.take(), "\x62");
}

TEST_F(Stm32UsartTest, ABreakIsAFrameOfZeroesInError) {
  out(kCr3, 1);  // interrupts of errors
  switch_on();
  line_.line_break();
  EXPECT_TRUE(irq());
  EXPECT_EQ(in(kIsr) & (kFe | kRxne | kOre | kLbdf), kFe | kRxne);
  EXPECT_EQ(in(kRdr), 0U);
  out(kIcr, kFe);
  EXPECT_FALSE(irq());
}

TEST_F(Stm32UsartTest, ABreakWhileACharacterWaitsIsAnOverrun) {
  switch_on(kRxneie);
  line_.feed("a");
  line_.line_break();
  EXPECT_TRUE(has(kOre));
  EXPECT_EQ(in(kRdr), 'a');
  EXPECT_TRUE(irq()) << "of the overrun";
  out(kIcr, kOre);
  EXPECT_FALSE(irq());

  out(kCr3, 1U << 12);  // overruns are not detected: the newer character stays
  line_.feed("a");
  line_.line_break();
  EXPECT_FALSE(has(kOre));
  EXPECT_EQ(in(kRdr), 0U);
}

TEST_F(Stm32UsartTest, ABreakIsSeenAsOneOfLinWhereThatIs) {
  out(kCr2, 1U << 14 | 1U << 6);
  switch_on();
  line_.line_break();
  EXPECT_TRUE(has(kLbdf));
  EXPECT_TRUE(irq());
}

TEST_F(Stm32UsartTest, ACharacterThatMatchesIsReported) {
  out(kCr2, std::uint32_t{'\r'} << 24);
  switch_on(kCmie);
  line_.feed("x");
  EXPECT_FALSE(irq());
  in(kRdr);
  line_.feed("\r");
  EXPECT_TRUE(has(kCmf));
  EXPECT_TRUE(irq());
  out(kIcr, kCmf);
  EXPECT_FALSE(irq());
}

TEST_F(Stm32UsartTest, TheLineIsIdleAFrameAfterTheLastCharacter) {
  switch_on(kIdleie);
  const std::uint64_t start = now();
  line_.feed("a");
  bench_.step_to(start + 99'999);
  EXPECT_FALSE(irq());
  bench_.step_to(start + 100'000);
  EXPECT_TRUE(has(kIdle));
  EXPECT_TRUE(irq());
  out(kIcr, kIdle);
  EXPECT_FALSE(irq());
  bench_.step_to(start + 1'000'000);
  EXPECT_FALSE(has(kIdle)) << "once for each silence";
}

TEST_F(Stm32UsartTest, AFrameIsAsLongAsItsWordAndItsStopBits) {
  out(kCr2, 2U << 12);  // two stop bits
  switch_on(kIdleie | 1U << 12);  // nine bits
  const std::uint64_t start = now();
  line_.feed("a");
  bench_.step_to(start + 119'999);
  EXPECT_FALSE(has(kIdle));
  bench_.step_to(start + 120'000);
  EXPECT_TRUE(has(kIdle));
}

TEST_F(Stm32UsartTest, TheReceiverTimesOutAfterSoManyBits) {
  out(kRtor, 30);
  out(kCr2, 1U << 23);
  switch_on(kRtoie);
  const std::uint64_t start = now();
  line_.feed("a");
  bench_.step_to(start + 299'999);
  EXPECT_FALSE(irq());
  bench_.step_to(start + 300'000);
  EXPECT_TRUE(has(kRtof));
  EXPECT_TRUE(irq());
  out(kIcr, kRtof);
  EXPECT_FALSE(irq());
}

TEST_F(Stm32UsartTest, TheBaudRateFollowsClockAndDivisor) {
  EXPECT_EQ(baud(usart_), "0");
  out(kBrr, 15);
  EXPECT_EQ(baud(usart_), "0") << "the least divisor is 16";
  out(kBrr, 0x2b7);
  EXPECT_EQ(baud(usart_), "115107");
  out(kCr1, 1U << 15);
  out(kBrr, 0x2b3);  // 8 samples a bit: 0x2b6
  EXPECT_EQ(baud(usart_), "230547");
  bench_.write32(kClock, 4'000'000);
  EXPECT_EQ(baud(usart_), "11527");
  bench_.write32(kClock, 0);
  EXPECT_EQ(baud(usart_), "0");
}

TEST_F(Stm32UsartTest, TheLowPowerPortDividesTheClockTimes256) {
  bench_.write32(kClock, 32'768);
  bench_.write32(kLpuart + kBrr, 0x2ff);
  EXPECT_EQ(baud(lpuart_), "0");
  bench_.write32(kLpuart + kBrr, 0x369);
  EXPECT_EQ(baud(lpuart_), "9608");
}

TEST_F(Stm32UsartTest, WithoutAClockNothingIsTimed) {
  bench_.write32(kClock, 0);
  switch_on(kIdleie);
  line_.feed("a");
  EXPECT_EQ(in(kRdr), 'a');
  EXPECT_FALSE(bench_.services().clock().next_deadline_ns());
}

TEST_F(Stm32UsartTest, ResetForgetsAll) {
  switch_on(kRxneie);
  line_.feed("a");
  bench_.reset(usart_);
  EXPECT_EQ(in(kIsr), 0x0200'00c0U);
  EXPECT_EQ(in(kCr1), 0U);
  EXPECT_FALSE(irq());
  EXPECT_FALSE(bench_.services().clock().next_deadline_ns());
}

}  // namespace
}  // namespace holdfast::devices
