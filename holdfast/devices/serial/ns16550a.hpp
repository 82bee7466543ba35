// SPDX-License-Identifier: Apache-2.0
// NS16550A: a serial port with FIFOs of 16 bytes, eight byte-wide registers.
//
// SPEC: National Semiconductor PC16550D (1995), section 8 "Registers".
// Modelled: FIFO and character mode, all interrupts with their priorities, the receiver's time-out,
// line errors (overrun, break), loopback, modem status. Not modelled: the time a character takes to
// be sent, parity and framing errors, DMA modes. The back-end's modem lines are always ready.
// Where the datasheet leaves it open it does as QEMU's: OUT2 is set at first, input is taken up to the
// trigger level, an empty FIFO reads 0, and an access of any width is one of the register at its
// address, whose byte is the lowest.
#pragma once

#include <array>
#include <cstdint>

#include "holdfast/chardev/char_port.hpp"
#include "holdfast/hw/irq.hpp"
#include "holdfast/hw/mmio.hpp"
#include "holdfast/hw/state.hpp"
#include "holdfast/hw/timer.hpp"

namespace holdfast::devices {

class Ns16550a final : public hw::Device {
 public:
  static const object::Type kType;
  struct Config {
    chardev::Chardev* chardev = nullptr;     // outlives the device's claim on it
    std::uint64_t clock_hz = 3'686'400;      // input of the baud rate generator
  };
  Ns16550a(const hw::DeviceInit& init, const Config& config);

 private:
  static constexpr unsigned kFifoSize = 16;
  /// Up to 16 bytes; the oldest first.
  class Fifo {
   public:
    Fifo(hw::Device& device, const std::string& name)
        : bytes_{device, name}, count_{device, name + "-count"} {}
    unsigned count() const { return count_; }
    void push(std::uint8_t byte) { bytes_[count_.get()++] = byte; }
    std::uint8_t pop();
    void drop(unsigned count);
    void clear() { count_ = 0; }
    chardev::Bytes bytes() const { return {bytes_.get().data(), count_}; }

   private:
    hw::State<std::array<std::uint8_t, kFifoSize>> bytes_;
    hw::State<std::uint8_t> count_;
  };

  // Registers.
  std::uint8_t data();
  void set_data(std::uint8_t value);
  std::uint8_t interrupt_enable();
  void set_interrupt_enable(std::uint8_t value);
  std::uint8_t interrupt_identification();
  void set_fifo_control(std::uint8_t value);
  std::uint8_t line_control() { return line_control_; }
  void set_line_control(std::uint8_t value) { line_control_ = value; }
  std::uint8_t modem_control() { return modem_control_; }
  void set_modem_control(std::uint8_t value);
  std::uint8_t line_status();
  std::uint8_t modem_status();
  std::uint8_t scratch() { return scratch_; }
  void set_scratch(std::uint8_t value) { scratch_ = value; }

  // The line.
  std::size_t receive(chardev::Bytes bytes);
  std::size_t appetite() const;
  void receive_byte(std::uint8_t byte);
  void line_break();
  void transmit();
  void receiver_timed_out();
  void arm_timeout();

  bool divisor_selected() const;
  bool fifos_enabled() const;
  bool in_loopback() const;
  unsigned depth() const { return fifos_enabled() ? kFifoSize : 1; }
  unsigned trigger_level() const;
  bool data_is_due() const;
  void clear_receiver();
  void clear_transmitter();
  void set_modem_inputs(std::uint8_t inputs);
  std::uint8_t modem_inputs() const;
  std::uint8_t pending_interrupt() const;
  void update_irq();
  void on_reset(hw::ResetPhase phase) override;

  // Configuration.
  const std::uint64_t clock_hz_;
  // Guest-visible state.
  hw::State<std::uint8_t> interrupt_enable_{*this, "ier"};
  hw::State<std::uint8_t> fifo_control_{*this, "fcr"};
  hw::State<std::uint8_t> line_control_{*this, "lcr"};
  hw::State<std::uint8_t> modem_control_{*this, "mcr", 0x08};  // out 2
  hw::State<std::uint8_t> line_errors_{*this, "line-errors"};
  hw::State<std::uint8_t> modem_status_{*this, "msr", kModemReady};
  hw::State<std::uint8_t> scratch_{*this, "scr"};
  hw::State<std::uint16_t> divisor_{*this, "divisor", 12};  // 9600 baud of 1.8432 MHz
  hw::State<std::uint8_t> receive_register_{*this, "rbr"};  // in use without FIFOs
  hw::State<bool> transmitter_interrupt_{*this, "thre-pending"};
  hw::State<bool> timeout_interrupt_{*this, "timeout-pending"};
  Fifo received_{*this, "rx-fifo"};
  Fifo to_send_{*this, "tx-fifo"};
  // Wiring.
  static constexpr std::uint8_t kModemReady = 0xb0;  // carrier, data set ready, clear to send
  hw::IrqOut irq_{*this, "irq"};
  hw::Timer timeout_{*this, "rx-timeout", &Ns16550a::receiver_timed_out};
  chardev::CharPort port_;
  using Map = hw::RegisterMap<Ns16550a, 8>;
  static constexpr Map kMap = hw::register_map<Ns16550a>(
      8, {{.at = 0, .name = "RBR/THR/DLL", .read = &Ns16550a::data, .write = &Ns16550a::set_data},
              {.at = 1, .name = "IER/DLM", .read = &Ns16550a::interrupt_enable,
               .write = &Ns16550a::set_interrupt_enable},
              {.at = 2, .name = "IIR/FCR", .read = &Ns16550a::interrupt_identification,
               .write = &Ns16550a::set_fifo_control},
              {.at = 3, .name = "LCR", .read = &Ns16550a::line_control,
               .write = &Ns16550a::set_line_control},
              {.at = 4, .name = "MCR", .read = &Ns16550a::modem_control,
               .write = &Ns16550a::set_modem_control},
              {.at = 5, .name = "LSR", .read = &Ns16550a::line_status},
              {.at = 6, .name = "MSR", .read = &Ns16550a::modem_status},
              {.at = 7, .name = "SCR", .read = &Ns16550a::scratch,
               .write = &Ns16550a::set_scratch}});
  /// An access of any width is one of a single register.
  class Bytewise final : public memory::MmioHandler {
   public:
    explicit Bytewise(Ns16550a& device) : bank_{device.full_path() + ":regs", device, kMap} {}
    memory::MemTxResult read(std::uint64_t offset, unsigned, std::uint64_t& value,
                             memory::MemTxAttrs attrs) override {
      return bank_.read(offset, 1, value, attrs);
    }
    memory::MemTxResult write(std::uint64_t offset, unsigned, std::uint64_t value,
                              memory::MemTxAttrs attrs) override {
      return bank_.write(offset, 1, value & 0xff, attrs);
    }

   private:
    hw::RegisterBank bank_;
  };
  Bytewise bytewise_{*this};
  static constexpr memory::AccessRules kAccess{.valid = {.min = 1, .max = 8},
                                               .impl = {.min = 1, .max = 8}};
  hw::Mmio regs_{*this, "regs", kMap.size, bytewise_, kAccess};
};

}  // namespace holdfast::devices
