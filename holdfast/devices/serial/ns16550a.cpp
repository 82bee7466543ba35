// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/serial/ns16550a.hpp"

#include <algorithm>

#include "holdfast/hw/base_types.hpp"

namespace holdfast::devices {
namespace {

// SPEC: 8.1, line control register.
constexpr std::uint8_t kDivisorLatch = 0x80;
// SPEC: 8.4, line status register.
constexpr std::uint8_t kDataReady = 0x01;
constexpr std::uint8_t kOverrun = 0x02;
constexpr std::uint8_t kBreak = 0x10;
constexpr std::uint8_t kHoldingEmpty = 0x20;
constexpr std::uint8_t kTransmitterEmpty = 0x40;
constexpr std::uint8_t kErrorInFifo = 0x80;
// SPEC: 8.5, FIFO control register.
constexpr std::uint8_t kFifoEnable = 0x01;
constexpr std::uint8_t kClearReceiver = 0x02;
constexpr std::uint8_t kClearTransmitter = 0x04;
// SPEC: 8.6, interrupt identification register.
constexpr std::uint8_t kModemInterrupt = 0x0;
constexpr std::uint8_t kNoInterrupt = 0x1;
constexpr std::uint8_t kTransmitterInterrupt = 0x2;
constexpr std::uint8_t kDataInterrupt = 0x4;
constexpr std::uint8_t kLineInterrupt = 0x6;
constexpr std::uint8_t kTimeoutInterrupt = 0xc;
constexpr std::uint8_t kFifosEnabled = 0xc0;
// SPEC: 8.7, interrupt enable register.
constexpr std::uint8_t kEnableData = 0x01;
constexpr std::uint8_t kEnableTransmitter = 0x02;
constexpr std::uint8_t kEnableLine = 0x04;
constexpr std::uint8_t kEnableModem = 0x08;
// SPEC: 8.8, modem control register.
constexpr std::uint8_t kDataTerminalReady = 0x01;
constexpr std::uint8_t kRequestToSend = 0x02;
constexpr std::uint8_t kOut1 = 0x04;
constexpr std::uint8_t kOut2 = 0x08;
constexpr std::uint8_t kLoopback = 0x10;
// SPEC: 8.9, modem status register.
constexpr std::uint8_t kModemChanges = 0x0f;
constexpr std::uint8_t kRingEnded = 0x04;
constexpr std::uint8_t kClearToSend = 0x10;
constexpr std::uint8_t kDataSetReady = 0x20;
constexpr std::uint8_t kRing = 0x40;
constexpr std::uint8_t kCarrier = 0x80;

constexpr std::array<unsigned, 4> kTriggerLevels{1, 4, 8, 14};

}  // namespace

constinit const object::Type Ns16550a::kType{
    .name = "ns16550a",
    .parent = &hw::kSysBusDevice,
    .docs = "Serial port with FIFOs of 16 bytes, after National Semiconductor's PC16550D."};

std::uint8_t Ns16550a::Fifo::pop() {
  const std::uint8_t byte = bytes_[0];
  drop(1);
  return byte;
}

void Ns16550a::Fifo::drop(unsigned count) {
  auto& bytes = bytes_.get();
  std::copy(bytes.begin() + count, bytes.begin() + count_, bytes.begin());
  count_ = static_cast<std::uint8_t>(count_ - count);
}

Ns16550a::Ns16550a(const hw::DeviceInit& init, const Config& config)
    : Device{init},
      clock_hz_{config.clock_hz},
      port_{*this, "chardev", config.chardev,
            chardev::CharHandlers<Ns16550a>{.receive = &Ns16550a::receive,
                                            .room = &Ns16550a::transmit,
                                            .line_break = &Ns16550a::line_break}} {}

bool Ns16550a::divisor_selected() const { return (line_control_ & kDivisorLatch) != 0; }
bool Ns16550a::fifos_enabled() const { return (fifo_control_ & kFifoEnable) != 0; }
bool Ns16550a::in_loopback() const { return (modem_control_ & kLoopback) != 0; }

// --- registers -------------------------------------------------------------------------------------

std::uint8_t Ns16550a::data() {
  if (divisor_selected()) return static_cast<std::uint8_t>(divisor_);
  timeout_interrupt_ = false;
  std::uint8_t byte = fifos_enabled() ? std::uint8_t{0} : receive_register_.get();
  if (received_.count() != 0) {
    byte = received_.pop();
    if (received_.count() == 0) timeout_.cancel();
    else arm_timeout();
    if (!in_loopback()) port_.accept_input();
  }
  update_irq();
  return byte;
}

void Ns16550a::set_data(std::uint8_t value) {
  if (divisor_selected()) {
    divisor_ = static_cast<std::uint16_t>((divisor_ & 0xff00) | value);
    return;
  }
  transmitter_interrupt_ = false;
  // A guest that writes although there is no room loses the newest byte.
  if (to_send_.count() == depth()) to_send_.drop(1);
  to_send_.push(value);
  transmit();
}

std::uint8_t Ns16550a::interrupt_enable() {
  return divisor_selected() ? static_cast<std::uint8_t>(divisor_ >> 8) : interrupt_enable_.get();
}

void Ns16550a::set_interrupt_enable(std::uint8_t value) {
  if (divisor_selected()) {
    divisor_ = static_cast<std::uint16_t>((value << 8) | (divisor_ & 0xff));
    return;
  }
  const auto changed = static_cast<std::uint8_t>(interrupt_enable_ ^ value);
  interrupt_enable_ = static_cast<std::uint8_t>(value & 0x0f);
  // Enabled while the holding register is empty, the interrupt comes at once.
  if ((changed & kEnableTransmitter) != 0) transmitter_interrupt_ = to_send_.count() == 0;
  update_irq();
}

std::uint8_t Ns16550a::interrupt_identification() {
  const std::uint8_t pending = pending_interrupt();
  if (pending == kTransmitterInterrupt) {
    transmitter_interrupt_ = false;
    update_irq();
  }
  return fifos_enabled() ? pending | kFifosEnabled : pending;
}

void Ns16550a::set_fifo_control(std::uint8_t value) {
  const bool toggled = ((fifo_control_ ^ value) & kFifoEnable) != 0;
  if (toggled || (value & kClearReceiver) != 0) clear_receiver();
  if (toggled || (value & kClearTransmitter) != 0) clear_transmitter();
  // The other bits are only taken with the enable bit set; the clearing bits clear themselves.
  fifo_control_ = (value & kFifoEnable) != 0 ? static_cast<std::uint8_t>(value & 0xc9) : 0;
  update_irq();
}

void Ns16550a::set_modem_control(std::uint8_t value) {
  const bool was_in_loopback = in_loopback();
  modem_control_ = static_cast<std::uint8_t>(value & 0x1f);
  set_modem_inputs(modem_inputs());
  if (was_in_loopback && !in_loopback()) port_.accept_input();
  update_irq();
}

std::uint8_t Ns16550a::line_status() {
  std::uint8_t status = line_errors_;
  if (received_.count() != 0) status |= kDataReady;
  if (to_send_.count() == 0) status |= kHoldingEmpty | kTransmitterEmpty;
  if (line_errors_ != 0) {
    line_errors_ = 0;
    update_irq();
  }
  return status;
}

std::uint8_t Ns16550a::modem_status() {
  const std::uint8_t status = modem_status_;
  if ((status & kModemChanges) != 0) {
    modem_status_ &= static_cast<std::uint8_t>(~kModemChanges);
    update_irq();
  }
  return status;
}

// --- the line --------------------------------------------------------------------------------------

std::size_t Ns16550a::receive(chardev::Bytes bytes) {
  if (in_loopback()) return 0;  // the input is disconnected
  const std::size_t count = std::min(bytes.size(), appetite());
  for (const std::uint8_t byte : bytes.first(count)) receive_byte(byte);
  update_irq();
  return count;
}

// Up to the trigger level and then no more until the guest reads, which it is about to: a FIFO filled
// to the brim would make nothing of its choice of a level. Above it (the level was lowered) one by one.
std::size_t Ns16550a::appetite() const {
  const unsigned count = received_.count();
  if (!fifos_enabled()) return 1 - count;
  if (count <= trigger_level()) return trigger_level() - count;
  return count < kFifoSize ? 1 : 0;
}

void Ns16550a::receive_byte(std::uint8_t byte) {
  if (received_.count() == depth()) {
    line_errors_ |= kOverrun;
    if (fifos_enabled()) return;  // the FIFO keeps what it has; without it the register is overwritten
    received_.clear();
  }
  received_.push(byte);
  if (!fifos_enabled()) receive_register_ = byte;
  arm_timeout();
}

void Ns16550a::line_break() {
  if (in_loopback()) return;
  receive_byte(0);
  line_errors_ |= kBreak;
  if (fifos_enabled()) line_errors_ |= kErrorInFifo;
  update_irq();
}

void Ns16550a::transmit() {
  if (to_send_.count() == 0) return;
  if (in_loopback()) {
    for (const std::uint8_t byte : to_send_.bytes()) receive_byte(byte);
    to_send_.clear();
  } else {
    to_send_.drop(static_cast<unsigned>(port_.write(to_send_.bytes())));
  }
  if (to_send_.count() == 0) transmitter_interrupt_ = true;
  update_irq();
}

// SPEC: 8.11, FIFO interrupt mode: a time-out after four characters' time without one coming or going.
void Ns16550a::arm_timeout() {
  if (!fifos_enabled()) return;
  const unsigned word = 5 + (line_control_ & 3U);
  const unsigned parity = (line_control_ & 8U) != 0 ? 1 : 0;
  const unsigned stop = (line_control_ & 4U) != 0 ? 2 : 1;
  const std::uint64_t bits = 4 * (1 + word + parity + stop);
  const std::uint64_t divisor = std::max<std::uint64_t>(divisor_, 1);
  timeout_.arm(timeout_.now_ns() + bits * divisor * 16 * 1'000'000'000 / clock_hz_);
}

void Ns16550a::receiver_timed_out() {
  timeout_interrupt_ = received_.count() != 0;
  update_irq();
}

void Ns16550a::clear_receiver() {
  received_.clear();
  timeout_.cancel();
  timeout_interrupt_ = false;
  line_errors_ &= static_cast<std::uint8_t>(~(kBreak | kErrorInFifo));
  port_.accept_input();
}

void Ns16550a::clear_transmitter() {
  to_send_.clear();
  transmitter_interrupt_ = true;
}

// --- modem -----------------------------------------------------------------------------------------

// SPEC: 8.8, bit 4: in loopback the four outputs are the four inputs.
std::uint8_t Ns16550a::modem_inputs() const {
  if (!in_loopback()) return kModemReady;
  std::uint8_t inputs = 0;
  if ((modem_control_ & kRequestToSend) != 0) inputs |= kClearToSend;
  if ((modem_control_ & kDataTerminalReady) != 0) inputs |= kDataSetReady;
  if ((modem_control_ & kOut1) != 0) inputs |= kRing;
  if ((modem_control_ & kOut2) != 0) inputs |= kCarrier;
  return inputs;
}

void Ns16550a::set_modem_inputs(std::uint8_t inputs) {
  const auto before = static_cast<std::uint8_t>(modem_status_ & ~kModemChanges);
  auto changes = static_cast<std::uint8_t>((before ^ inputs) >> 4);
  if ((inputs & kRing) != 0) changes &= static_cast<std::uint8_t>(~kRingEnded);  // only its end counts
  modem_status_ = static_cast<std::uint8_t>((modem_status_ & kModemChanges) | inputs | changes);
}

// --- interrupts ------------------------------------------------------------------------------------

unsigned Ns16550a::trigger_level() const {
  return fifos_enabled() ? kTriggerLevels[fifo_control_ >> 6] : 1;
}

bool Ns16550a::data_is_due() const { return received_.count() >= trigger_level(); }

// In the order of their priority.
std::uint8_t Ns16550a::pending_interrupt() const {
  const std::uint8_t enabled = interrupt_enable_;
  if ((enabled & kEnableLine) != 0 && line_errors_ != 0) return kLineInterrupt;
  if ((enabled & kEnableData) != 0 && timeout_interrupt_) return kTimeoutInterrupt;
  if ((enabled & kEnableData) != 0 && data_is_due()) return kDataInterrupt;
  if ((enabled & kEnableTransmitter) != 0 && transmitter_interrupt_) return kTransmitterInterrupt;
  if ((enabled & kEnableModem) != 0 && (modem_status_ & kModemChanges) != 0) return kModemInterrupt;
  return kNoInterrupt;
}

void Ns16550a::update_irq() { irq_.set(pending_interrupt() != kNoInterrupt); }

void Ns16550a::on_reset(hw::ResetPhase phase) {
  if (phase == hw::ResetPhase::kExit) port_.accept_input();
}

}  // namespace holdfast::devices
