// SPDX-License-Identifier: Apache-2.0
// The NVIC of an ARMv7-M CPU, with the system control block: which interrupts are pending, enabled and
// active, and how urgent they are.
//
// SPEC: Arm DDI 0403E.e (ARMv7-M), B3.2 "The System Control Space" and B3.4 "Nested Vectored Interrupt
// Controller"; ST PM0214 for what the Cortex-M4 leaves open.
// Modelled: enable, pending and priority of interrupts and exceptions by their registers, inputs by
// level and edge, the vector that would be taken, identification. Not modelled: exception entry and
// return, so nothing is active unless a register says so; faults, so their registers read 0; the MPU, of
// which there is none; FPU context.
#pragma once

#include <array>
#include <cstdint>

#include "holdfast/hw/irq.hpp"
#include "holdfast/hw/mmio.hpp"
#include "holdfast/hw/state.hpp"

namespace holdfast::devices {

class Nvic final : public hw::Device {
 public:
  static const object::Type kType;
  struct Config {
    std::uint32_t interrupts = 82;     // 1 to 240
    std::uint32_t priority_bits = 4;   // 3 to 8: the upper ones of each priority
    std::uint32_t cpuid = 0x410f'c241;  // Cortex-M4 r0p1
  };
  Nvic(const hw::DeviceInit& init, const Config& config);

  /// Interrupt n, from the device itself; and the same, from what shares the interrupt with it.
  hw::IrqInArray& inputs() { return in_; }
  hw::IrqInArray& shared_inputs() { return shared_; }
  hw::IrqIn& systick() { return systick_; }
  hw::Mmio& regs() { return regs_; }

 private:
  static constexpr unsigned kMost = 240;
  static constexpr unsigned kWords = 8;
  using Bits = std::array<std::uint32_t, kWords>;
  static constexpr unsigned kNmi = 2, kPendSv = 14, kSysTick = 15, kFirstInterrupt = 16;

  // Registers.
  std::uint32_t type() const { return (config_.interrupts - 1) / 32; }
  std::uint32_t auxiliary_control() const { return auxiliary_control_; }
  void set_auxiliary_control(std::uint32_t value) { auxiliary_control_ = value & 0x307; }
  std::uint32_t enabled(unsigned word) const { return enabled_[word]; }
  void enable(unsigned word, std::uint32_t value) { enabled_[word] |= value & there_[word]; }
  void disable(unsigned word, std::uint32_t value) { enabled_[word] &= ~value; }
  std::uint32_t pending(unsigned word) const { return pending_[word]; }
  void set_pending(unsigned word, std::uint32_t value) { pending_[word] |= value & there_[word]; }
  void clear_pending(unsigned word, std::uint32_t value);
  std::uint32_t active(unsigned word) const { return active_[word]; }
  std::uint8_t priority(unsigned interrupt) const { return priority_[interrupt]; }
  void set_priority(unsigned interrupt, std::uint8_t value);
  std::uint32_t cpuid() const { return config_.cpuid; }
  std::uint32_t control_state() const;
  void set_control_state(std::uint32_t value);
  std::uint32_t vector_table() const { return vector_table_; }
  void set_vector_table(std::uint32_t value) { vector_table_ = value & 0x3fff'fe00; }
  std::uint32_t application_control() const { return 0xfa05'0000 | priority_group_ << 8; }
  void set_application_control(std::uint32_t value);
  std::uint32_t system_control() const { return system_control_; }
  void set_system_control(std::uint32_t value) { system_control_ = value & 0x16; }
  std::uint32_t configuration() const { return configuration_; }
  void set_configuration(std::uint32_t value) { configuration_ = value & 0x31b; }
  std::uint8_t exception_priority(unsigned index) const { return exception_priority_[index]; }
  void set_exception_priority(unsigned index, std::uint8_t value);
  std::uint32_t handler_control() const { return handler_control_; }
  void set_handler_control(std::uint32_t value) { handler_control_ = value & 0x7'fd8b; }
  std::uint32_t fault(unsigned) const { return 0; }
  void clear_fault(unsigned, std::uint32_t) {}
  std::uint32_t no_mpu() const { return 0; }
  std::uint32_t identification(unsigned index) const;
  std::uint32_t coprocessors() const { return coprocessors_; }
  void set_coprocessors(std::uint32_t value) { coprocessors_ = value & 0x00f0'0000; }
  void trigger(std::uint32_t value);
  std::uint32_t component(unsigned index) const;

  void source_changed(unsigned interrupt, bool level) { input_changed(levels_, interrupt, level); }
  void shared_changed(unsigned interrupt, bool level) { input_changed(shared_levels_, interrupt, level); }
  void input_changed(Bits& levels, unsigned interrupt, bool level);
  bool is_high(unsigned word, std::uint32_t bit) const {
    return ((levels_[word] | shared_levels_[word]) & bit) != 0;
  }
  void systick_changed(bool level);
  void nmi_changed(bool level);
  /// The number of the most urgent exception that waits and may come; 0 if there is none.
  unsigned most_urgent() const;
  std::uint8_t implemented(std::uint8_t priority) const;
  void on_reset(hw::ResetPhase phase) override;
  Result<void> check() override;

  // Configuration.
  const Config config_;
  const Bits there_;  // the interrupts that exist
  // Guest-visible state.
  hw::State<Bits> enabled_{*this, "enabled"};
  hw::State<Bits> pending_{*this, "pending"};
  hw::State<Bits> active_{*this, "active"};
  hw::State<std::array<std::uint8_t, kMost>> priority_{*this, "priority"};
  hw::State<std::array<std::uint8_t, 12>> exception_priority_{*this, "exception-priority"};  // from 4 on
  hw::State<std::uint32_t> exceptions_pending_{*this, "exceptions-pending"};  // a bit for each number
  hw::State<std::uint32_t> auxiliary_control_{*this, "actlr"};
  hw::State<std::uint32_t> vector_table_{*this, "vtor"};
  hw::State<std::uint32_t> priority_group_{*this, "prigroup"};
  hw::State<std::uint32_t> system_control_{*this, "scr"};
  hw::State<std::uint32_t> configuration_{*this, "ccr", 0x200};
  hw::State<std::uint32_t> handler_control_{*this, "shcsr"};
  hw::State<std::uint32_t> coprocessors_{*this, "cpacr"};
  // What the inputs are; that is no state of this device, so a reset leaves it.
  Bits levels_{};
  Bits shared_levels_{};
  // Wiring.
  hw::IrqInArray in_;
  hw::IrqInArray shared_;
  hw::IrqIn systick_{*this, "systick", &Nvic::systick_changed};
  hw::IrqIn nmi_{*this, "nmi", &Nvic::nmi_changed};
  hw::Mmio regs_{
      *this, "regs",
      hw::register_map<Nvic>(
          0x1000,
          {{.at = 0x004, .name = "ICTR", .read = &Nvic::type},
           {.at = 0x008, .name = "ACTLR", .read = &Nvic::auxiliary_control,
            .write = &Nvic::set_auxiliary_control},
           {.at = 0x100, .name = "ISER", .read = &Nvic::enabled, .write = &Nvic::enable,
            .count = kWords, .partial = hw::Partial::kZero},
           {.at = 0x180, .name = "ICER", .read = &Nvic::enabled, .write = &Nvic::disable,
            .count = kWords, .partial = hw::Partial::kZero},
           {.at = 0x200, .name = "ISPR", .read = &Nvic::pending, .write = &Nvic::set_pending,
            .count = kWords, .partial = hw::Partial::kZero},
           {.at = 0x280, .name = "ICPR", .read = &Nvic::pending, .write = &Nvic::clear_pending,
            .count = kWords, .partial = hw::Partial::kZero},
           {.at = 0x300, .name = "IABR", .read = &Nvic::active, .count = kWords},
           {.at = 0x400, .name = "IPR", .read = &Nvic::priority, .write = &Nvic::set_priority,
            .count = kMost},
           {.at = 0xd00, .name = "CPUID", .read = &Nvic::cpuid},
           {.at = 0xd04, .name = "ICSR", .read = &Nvic::control_state,
            .write = &Nvic::set_control_state, .partial = hw::Partial::kZero},
           {.at = 0xd08, .name = "VTOR", .read = &Nvic::vector_table, .write = &Nvic::set_vector_table},
           {.at = 0xd0c, .name = "AIRCR", .read = &Nvic::application_control,
            .write = &Nvic::set_application_control, .partial = hw::Partial::kRefuse},
           {.at = 0xd10, .name = "SCR", .read = &Nvic::system_control,
            .write = &Nvic::set_system_control},
           {.at = 0xd14, .name = "CCR", .read = &Nvic::configuration,
            .write = &Nvic::set_configuration},
           {.at = 0xd18, .name = "SHPR", .read = &Nvic::exception_priority,
            .write = &Nvic::set_exception_priority, .count = 12},
           {.at = 0xd24, .name = "SHCSR", .read = &Nvic::handler_control,
            .write = &Nvic::set_handler_control},
           {.at = 0xd28, .name = "CFSR/HFSR/DFSR/MMFAR/BFAR/AFSR", .read = &Nvic::fault,
            .write = &Nvic::clear_fault, .count = 6},
           {.at = 0xd40, .name = "ID_PFR0", .read = &Nvic::identification, .count = 13},
           {.at = 0xd88, .name = "CPACR", .read = &Nvic::coprocessors,
            .write = &Nvic::set_coprocessors},
           {.at = 0xd90, .name = "MPU_TYPE", .read = &Nvic::no_mpu},
           {.at = 0xf00, .name = "STIR", .write = &Nvic::trigger},
           {.at = 0xfd0, .name = "PID/CID", .read = &Nvic::component, .count = 12}})};
};

}  // namespace holdfast::devices
