// SPDX-License-Identifier: Apache-2.0
// The serial ports of STM32L4x5: USART1 to 3, UART4 and 5, which have less, and LPUART1, which has least.
//
// SPEC: RM0351, chapters 40 "Universal synchronous receiver transmitter (USART)" and 41 "Low-power
// universal asynchronous receiver transmitter (LPUART)".
// Modelled: the registers, each with the bits its kind of port has; a transmit register in front of the
// shift register, the receive register; every interrupt of what is modelled; idle line, receiver
// time-out, character match, breaks that come in; the baud rate, from the port's clock. Not modelled:
// the time a character takes, so the transmitter waits for the back-end alone; modem lines, mute mode,
// automatic baud rates, synchronous, smartcard, IrDA and LIN modes, breaks that go out, DMA. Words of 9
// bits lose the highest on the line; parity is neither made nor checked. Registers answer with the clock
// stopped, and bits that the manual wants set before the port is enabled can be changed later.
// As QEMU's, and unlike a line, the back-end waits while the receive register is full, so input overruns
// it only by a break; what comes while the receiver is off is lost.
#pragma once

#include <cstdint>

#include "holdfast/chardev/char_port.hpp"
#include "holdfast/hw/clock_tree.hpp"
#include "holdfast/hw/irq.hpp"
#include "holdfast/hw/mmio.hpp"
#include "holdfast/hw/state.hpp"
#include "holdfast/hw/timer.hpp"

namespace holdfast::devices {

/// What all of them have.
class Stm32l4x5UsartBase : public hw::Device {
 public:
  static const object::Type kType;  // abstract
  struct Config {
    chardev::Chardev* chardev = nullptr;  // outlives the device's claim on it
  };

  hw::IrqOut& irq() { return irq_; }
  hw::ClockIn& clk() { return clk_; }
  hw::Mmio& regs() { return regs_; }

 protected:
  /// The bits that a kind of port has.
  struct Layout {
    std::uint32_t control1;
    std::uint32_t control2;
    std::uint32_t control3;
    std::uint32_t divisor;
    std::uint32_t guard_time;
    std::uint32_t receiver_timeout;
    std::uint32_t requests;
    std::uint32_t divided;  // the baud rate is the clock, this many times, by the divisor
    bool has_lin;
  };
  static const Layout kUsart;
  static const Layout kUart;
  static const Layout kLpuart;
  Stm32l4x5UsartBase(const hw::DeviceInit& init, const Config& config, const Layout& layout);

 private:
  static const object::Property kProperties[];

  // Registers.
  std::uint32_t control1() const { return control1_; }
  void set_control1(std::uint32_t value);
  std::uint32_t control2() const { return control2_; }
  void set_control2(std::uint32_t value);
  std::uint32_t control3() const { return control3_; }
  void set_control3(std::uint32_t value);
  std::uint32_t divisor() const { return divisor_; }
  void set_divisor(std::uint32_t value) { divisor_ = value & layout_.divisor; }
  std::uint32_t guard_time() const { return guard_time_; }
  void set_guard_time(std::uint32_t value) { guard_time_ = value & layout_.guard_time; }
  std::uint32_t receiver_timeout() const { return receiver_timeout_; }
  void set_receiver_timeout(std::uint32_t value);
  std::uint32_t write_only() const { return 0; }
  void request(std::uint32_t value);
  std::uint32_t status() const;
  void clear_status(std::uint32_t value);
  std::uint32_t received();
  std::uint32_t to_send() const { return to_send_; }
  void send(std::uint32_t value);

  // The line.
  std::size_t receive(chardev::Bytes bytes);
  void receive_byte(std::uint8_t byte);
  void line_break();
  void transmit();
  void line_is_idle();
  void receiver_timed_out();

  bool is_enabled(std::uint32_t direction) const;
  std::uint8_t word_mask() const;
  std::uint32_t baud_rate() const;
  std::uint64_t half_bits_ns(std::uint64_t half_bits) const;
  unsigned half_bits_of_frame() const;
  void switched_off();
  bool interrupt_is_due() const;
  void update_irq() { irq_.set(interrupt_is_due()); }
  void on_reset(hw::ResetPhase phase) override;

  // Configuration.
  const Layout& layout_;  // static storage
  // Guest-visible state.
  hw::State<std::uint32_t> control1_{*this, "cr1"};
  hw::State<std::uint32_t> control2_{*this, "cr2"};
  hw::State<std::uint32_t> control3_{*this, "cr3"};
  hw::State<std::uint32_t> divisor_{*this, "brr"};
  hw::State<std::uint32_t> guard_time_{*this, "gtpr"};
  hw::State<std::uint32_t> receiver_timeout_{*this, "rtor"};
  hw::State<std::uint32_t> status_{*this, "isr", kIdleStatus};  // without acknowledge bits
  hw::State<std::uint16_t> received_{*this, "rdr"};
  hw::State<std::uint16_t> to_send_{*this, "tdr"};
  hw::State<bool> sending_{*this, "sending"};
  hw::State<std::uint8_t> shift_register_{*this, "shift-register"};  // on its way, if so
  // Wiring.
  chardev::CharPort port_;
  hw::IrqOut irq_{*this, "irq"};
  hw::ClockIn clk_{*this, "clk"};
  hw::Timer idle_{*this, "idle", &Stm32l4x5UsartBase::line_is_idle};
  hw::Timer timeout_{*this, "receiver-timeout", &Stm32l4x5UsartBase::receiver_timed_out};
  hw::Mmio regs_{
      *this, "regs",
      hw::register_map<Stm32l4x5UsartBase>(
          0x400,
          {{.at = 0x00, .name = "CR1", .read = &Stm32l4x5UsartBase::control1,
            .write = &Stm32l4x5UsartBase::set_control1},
           {.at = 0x04, .name = "CR2", .read = &Stm32l4x5UsartBase::control2,
            .write = &Stm32l4x5UsartBase::set_control2},
           {.at = 0x08, .name = "CR3", .read = &Stm32l4x5UsartBase::control3,
            .write = &Stm32l4x5UsartBase::set_control3},
           {.at = 0x0c, .name = "BRR", .read = &Stm32l4x5UsartBase::divisor,
            .write = &Stm32l4x5UsartBase::set_divisor},
           {.at = 0x10, .name = "GTPR", .read = &Stm32l4x5UsartBase::guard_time,
            .write = &Stm32l4x5UsartBase::set_guard_time},
           {.at = 0x14, .name = "RTOR", .read = &Stm32l4x5UsartBase::receiver_timeout,
            .write = &Stm32l4x5UsartBase::set_receiver_timeout},
           {.at = 0x18, .name = "RQR", .read = &Stm32l4x5UsartBase::write_only,
            .write = &Stm32l4x5UsartBase::request},
           {.at = 0x1c, .name = "ISR", .read = &Stm32l4x5UsartBase::status},
           {.at = 0x20, .name = "ICR", .read = &Stm32l4x5UsartBase::write_only,
            .write = &Stm32l4x5UsartBase::clear_status},
           {.at = 0x24, .name = "RDR", .read = &Stm32l4x5UsartBase::received},
           {.at = 0x28, .name = "TDR", .read = &Stm32l4x5UsartBase::to_send,
            .write = &Stm32l4x5UsartBase::send, .partial = hw::Partial::kZero}})};

  static constexpr std::uint32_t kIdleStatus = 0x0200'00c0;
};

class Stm32l4x5Usart final : public Stm32l4x5UsartBase {
 public:
  static const object::Type kType;
  Stm32l4x5Usart(const hw::DeviceInit& init, const Config& config)
      : Stm32l4x5UsartBase{init, config, kUsart} {}
};

class Stm32l4x5Uart final : public Stm32l4x5UsartBase {
 public:
  static const object::Type kType;
  Stm32l4x5Uart(const hw::DeviceInit& init, const Config& config)
      : Stm32l4x5UsartBase{init, config, kUart} {}
};

class Stm32l4x5Lpuart final : public Stm32l4x5UsartBase {
 public:
  static const object::Type kType;
  Stm32l4x5Lpuart(const hw::DeviceInit& init, const Config& config)
      : Stm32l4x5UsartBase{init, config, kLpuart} {}
};

}  // namespace holdfast::devices
