// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/stm32/usart.hpp"

#include <array>

#include "holdfast/hw/base_types.hpp"

namespace holdfast::devices {
namespace {

// SPEC: 40.8.1, USART_CR1.
constexpr std::uint32_t kEnable = 1U << 0;
constexpr std::uint32_t kReceiverEnable = 1U << 2;
constexpr std::uint32_t kTransmitterEnable = 1U << 3;
constexpr std::uint32_t kIdleInterrupt = 1U << 4;
constexpr std::uint32_t kReceiveInterrupt = 1U << 5;
constexpr std::uint32_t kCompleteInterrupt = 1U << 6;
constexpr std::uint32_t kTransmitInterrupt = 1U << 7;
constexpr std::uint32_t kParityInterrupt = 1U << 8;
constexpr std::uint32_t kWordOf9Bits = 1U << 12;
constexpr std::uint32_t kMatchInterrupt = 1U << 14;
constexpr std::uint32_t kOversampleBy8 = 1U << 15;
constexpr std::uint32_t kTimeoutInterrupt = 1U << 26;
constexpr std::uint32_t kBlockInterrupt = 1U << 27;
constexpr std::uint32_t kWordOf7Bits = 1U << 28;
// SPEC: 40.8.2, USART_CR2.
constexpr std::uint32_t kLinBreakInterrupt = 1U << 6;
constexpr std::uint32_t kLinEnable = 1U << 14;
constexpr std::uint32_t kTimeoutEnable = 1U << 23;
// SPEC: 40.8.3, USART_CR3.
constexpr std::uint32_t kErrorInterrupt = 1U << 0;
constexpr std::uint32_t kClearToSendInterrupt = 1U << 10;
constexpr std::uint32_t kOverrunDisable = 1U << 12;
constexpr std::uint32_t kWakeupInterrupt = 1U << 22;
// SPEC: 40.8.6, USART_RTOR.
constexpr std::uint32_t kTimeoutBits = 0x00ff'ffff;
// SPEC: 40.8.7, USART_RQR.
constexpr std::uint32_t kReceiveFlush = 1U << 3;
constexpr std::uint32_t kTransmitFlush = 1U << 4;
// SPEC: 40.8.8, USART_ISR.
constexpr std::uint32_t kParityError = 1U << 0;
constexpr std::uint32_t kFramingError = 1U << 1;
constexpr std::uint32_t kNoise = 1U << 2;
constexpr std::uint32_t kOverrun = 1U << 3;
constexpr std::uint32_t kIdle = 1U << 4;
constexpr std::uint32_t kReceived = 1U << 5;
constexpr std::uint32_t kComplete = 1U << 6;
constexpr std::uint32_t kTransmitEmpty = 1U << 7;
constexpr std::uint32_t kLinBreak = 1U << 8;
constexpr std::uint32_t kClearToSendChanged = 1U << 9;
constexpr std::uint32_t kTimedOut = 1U << 11;
constexpr std::uint32_t kEndOfBlock = 1U << 12;
constexpr std::uint32_t kMatch = 1U << 17;
constexpr std::uint32_t kWakeup = 1U << 20;
constexpr std::uint32_t kTransmitterReady = 1U << 21;
constexpr std::uint32_t kReceiverReady = 1U << 22;
// SPEC: 40.8.9, USART_ICR: what can be cleared.
constexpr std::uint32_t kClearable = kParityError | kFramingError | kNoise | kOverrun | kIdle |
                                     kComplete | kLinBreak | kClearToSendChanged | kTimedOut |
                                     kEndOfBlock | kMatch | kWakeup;
constexpr std::uint32_t kData = 0x1ff;

/// A bit of a control register, and the status that it makes an interrupt of.
struct InterruptRow {
  unsigned control;  // 1 to 3
  std::uint32_t enable;
  std::uint32_t status;
};
// SPEC: 40.7, table "USART interrupt requests".
constexpr auto kInterrupts = std::to_array<InterruptRow>({
    {1, kTransmitInterrupt, kTransmitEmpty},
    {1, kCompleteInterrupt, kComplete},
    {1, kReceiveInterrupt, kReceived | kOverrun},
    {1, kIdleInterrupt, kIdle},
    {1, kParityInterrupt, kParityError},
    {1, kMatchInterrupt, kMatch},
    {1, kTimeoutInterrupt, kTimedOut},
    {1, kBlockInterrupt, kEndOfBlock},
    {2, kLinBreakInterrupt, kLinBreak},
    {3, kErrorInterrupt, kNoise | kOverrun | kFramingError},
    {3, kClearToSendInterrupt, kClearToSendChanged},
    {3, kWakeupInterrupt, kWakeup},
});

}  // namespace

// SPEC: table "STM32L4x5/4x6 USART features", and the register maps of both chapters.
constinit const Stm32l4x5UsartBase::Layout Stm32l4x5UsartBase::kUsart{
    .control1 = 0x1fff'ffff,
    .control2 = 0xffff'ff70,
    .control3 = 0x00fe'ffff,
    .divisor = 0x0000'ffff,
    .guard_time = 0x0000'ffff,
    .receiver_timeout = 0xffff'ffff,
    .requests = 0x0000'001f,
    .divided = 1,
    .has_lin = true};
constinit const Stm32l4x5UsartBase::Layout Stm32l4x5UsartBase::kUart{
    .control1 = 0x17ff'ffff,
    .control2 = 0xffff'f070,
    .control3 = 0x00f0'ffcf,
    .divisor = 0x0000'ffff,
    .guard_time = 0x0000'00ff,
    .receiver_timeout = 0xffff'ffff,
    .requests = 0x0000'000f,
    .divided = 1,
    .has_lin = true};
constinit const Stm32l4x5UsartBase::Layout Stm32l4x5UsartBase::kLpuart{
    .control1 = 0x13ff'7fff,
    .control2 = 0xff0f'b010,
    .control3 = 0x00f0'f7c9,
    .divisor = 0x000f'ffff,
    .guard_time = 0,
    .receiver_timeout = 0,
    .requests = 0x0000'000e,
    .divided = 256,
    .has_lin = false};

constinit const object::Property Stm32l4x5UsartBase::kProperties[] = {
    object::computed<&Stm32l4x5UsartBase::baud_rate>(
        "baud-rate", "what clock and divisor make, bits a second; 0 if that is nothing"),
};

constinit const object::Type Stm32l4x5UsartBase::kType{.name = "stm32l4x5-usart-base",
                                                       .parent = &hw::kSysBusDevice,
                                                       .kind = object::Type::Kind::kAbstract,
                                                       .docs = "STM32L4x5's serial ports.",
                                                       .properties = kProperties};
constinit const object::Type Stm32l4x5Usart::kType{
    .name = "stm32l4x5-usart",
    .parent = &Stm32l4x5UsartBase::kType,
    .docs = "STM32L4x5's synchronous and asynchronous serial port."};
constinit const object::Type Stm32l4x5Uart::kType{
    .name = "stm32l4x5-uart",
    .parent = &Stm32l4x5UsartBase::kType,
    .docs = "STM32L4x5's asynchronous serial port."};
constinit const object::Type Stm32l4x5Lpuart::kType{
    .name = "stm32l4x5-lpuart",
    .parent = &Stm32l4x5UsartBase::kType,
    .docs = "STM32L4x5's low-power serial port."};

Stm32l4x5UsartBase::Stm32l4x5UsartBase(const hw::DeviceInit& init, const Config& config,
                                       const Layout& layout)
    : Device{init},
      layout_{layout},
      port_{*this, "chardev", config.chardev,
            chardev::CharHandlers<Stm32l4x5UsartBase>{.receive = &Stm32l4x5UsartBase::receive,
                                                      .room = &Stm32l4x5UsartBase::transmit,
                                                      .line_break =
                                                          &Stm32l4x5UsartBase::line_break}} {}

bool Stm32l4x5UsartBase::is_enabled(std::uint32_t direction) const {
  const std::uint32_t both = kEnable | direction;
  return (control1_ & both) == both;
}

// --- registers -------------------------------------------------------------------------------------

void Stm32l4x5UsartBase::set_control1(std::uint32_t value) {
  control1_ = value & layout_.control1;
  if ((control1_ & kEnable) == 0) switched_off();
  transmit();
  port_.accept_input();
}

// SPEC: 40.8.1, UE: what goes on is discarded, and the flags are what they are after a reset.
void Stm32l4x5UsartBase::switched_off() {
  status_ = kIdleStatus;
  sending_ = false;
  idle_.cancel();
  timeout_.cancel();
}

void Stm32l4x5UsartBase::set_control2(std::uint32_t value) {
  control2_ = value & layout_.control2;
  if ((control2_ & kTimeoutEnable) == 0) timeout_.cancel();
  update_irq();
}

void Stm32l4x5UsartBase::set_control3(std::uint32_t value) {
  control3_ = value & layout_.control3;
  update_irq();
}

void Stm32l4x5UsartBase::set_receiver_timeout(std::uint32_t value) {
  receiver_timeout_ = value & layout_.receiver_timeout;
}

void Stm32l4x5UsartBase::request(std::uint32_t value) {
  const std::uint32_t requests = value & layout_.requests;
  if ((requests & kTransmitFlush) != 0) status_ |= kTransmitEmpty;
  if ((requests & kReceiveFlush) != 0) {
    status_ &= ~kReceived;
    port_.accept_input();
  }
  update_irq();
}

std::uint32_t Stm32l4x5UsartBase::status() const {
  std::uint32_t status = status_;
  if (is_enabled(kTransmitterEnable)) status |= kTransmitterReady;
  if (is_enabled(kReceiverEnable)) status |= kReceiverReady;
  return status;
}

void Stm32l4x5UsartBase::clear_status(std::uint32_t value) {
  status_ &= ~(value & kClearable);
  update_irq();
}

std::uint32_t Stm32l4x5UsartBase::received() {
  status_ &= ~kReceived;
  update_irq();
  port_.accept_input();
  return received_;
}

void Stm32l4x5UsartBase::send(std::uint32_t value) {
  to_send_ = static_cast<std::uint16_t>(value & kData);
  if ((control1_ & kEnable) == 0) return;  // the register keeps it, the port sends nothing
  status_ &= ~(kTransmitEmpty | kComplete);
  transmit();
}

// --- the line --------------------------------------------------------------------------------------

std::size_t Stm32l4x5UsartBase::receive(chardev::Bytes bytes) {
  if (!is_enabled(kReceiverEnable)) return bytes.size();
  if (bytes.empty() || (status_ & kReceived) != 0) return 0;
  receive_byte(bytes[0]);
  return 1;
}

void Stm32l4x5UsartBase::receive_byte(std::uint8_t byte) {
  if ((status_ & kReceived) != 0 && (control3_ & kOverrunDisable) == 0) {
    status_ |= kOverrun;  // the newer one is lost
  } else {
    received_ = byte & word_mask();
    status_ |= kReceived;
  }
  if (byte == control2_ >> 24) status_ |= kMatch;
  if (baud_rate() != 0) {
    idle_.arm(idle_.now_ns() + half_bits_ns(half_bits_of_frame()));
    if ((control2_ & kTimeoutEnable) != 0)
      timeout_.arm(timeout_.now_ns() + half_bits_ns(2 * std::uint64_t{receiver_timeout_ & kTimeoutBits}));
  }
  update_irq();
}

// SPEC: 40.5.6: a break is a frame of zeroes without a stop bit.
void Stm32l4x5UsartBase::line_break() {
  if (!is_enabled(kReceiverEnable)) return;
  status_ |= kFramingError;
  if (layout_.has_lin && (control2_ & kLinEnable) != 0) status_ |= kLinBreak;
  receive_byte(0);
}

void Stm32l4x5UsartBase::transmit() {
  for (;;) {
    if (sending_) {
      if (port_.write({&shift_register_.get(), 1}) == 0) break;
      sending_ = false;
      if ((status_ & kTransmitEmpty) != 0) status_ |= kComplete;
    }
    if ((status_ & kTransmitEmpty) != 0 || !is_enabled(kTransmitterEnable)) break;
    shift_register_ = static_cast<std::uint8_t>(to_send_ & word_mask());
    sending_ = true;
    status_ |= kTransmitEmpty;
  }
  update_irq();
}

void Stm32l4x5UsartBase::line_is_idle() {
  status_ |= kIdle;
  update_irq();
}

void Stm32l4x5UsartBase::receiver_timed_out() {
  status_ |= kTimedOut;
  update_irq();
}

// --- frames and rates ------------------------------------------------------------------------------

// Of the 9 bits of the longest word a back-end has 8.
std::uint8_t Stm32l4x5UsartBase::word_mask() const {
  return (control1_ & kWordOf7Bits) != 0 ? 0x7f : 0xff;
}

unsigned Stm32l4x5UsartBase::half_bits_of_frame() const {
  constexpr std::array<unsigned, 4> kStop{2, 1, 4, 3};  // 1, 0.5, 2, 1.5 bits
  unsigned word = 8;
  if ((control1_ & kWordOf7Bits) != 0) word = 7;
  else if ((control1_ & kWordOf9Bits) != 0) word = 9;
  return 2 * (1 + word) + kStop[control2_ >> 12 & 3U];
}

// SPEC: 40.5.4 "USART baud rate generation", 41.4.4 for the LPUART.
std::uint32_t Stm32l4x5UsartBase::baud_rate() const {
  const std::uint64_t least = layout_.divided == 1 ? 16 : 0x300;
  if (divisor_ < least) return 0;
  if ((control1_ & kOversampleBy8) == 0)
    return static_cast<std::uint32_t>(clk_.hz() * layout_.divided / divisor_);
  const std::uint64_t divisor = (divisor_ & 0xfff0U) | (divisor_ & 0x0007U) << 1;
  return static_cast<std::uint32_t>(2 * clk_.hz() / divisor);
}

std::uint64_t Stm32l4x5UsartBase::half_bits_ns(std::uint64_t half_bits) const {
  return half_bits * 500'000'000 / baud_rate();
}

// --- interrupts ------------------------------------------------------------------------------------

bool Stm32l4x5UsartBase::interrupt_is_due() const {
  const std::array<std::uint32_t, 3> controls{control1_, control2_, control3_};
  for (const InterruptRow& row : kInterrupts)
    if ((controls[row.control - 1] & row.enable) != 0 && (status_ & row.status) != 0) return true;
  return false;
}

void Stm32l4x5UsartBase::on_reset(hw::ResetPhase phase) {
  if (phase == hw::ResetPhase::kExit) port_.accept_input();
}

}  // namespace holdfast::devices
