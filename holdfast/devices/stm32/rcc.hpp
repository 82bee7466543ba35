// SPDX-License-Identifier: Apache-2.0
// RCC: reset and clock control of the STM32L4x5 and L4x6, and with it the clock tree of the chip.
//
// SPEC: ST RM0351 rev 9, section 6 "Reset and clock control".
// Modelled: all registers with their reset values and write protections; oscillators and PLLs, which are
// ready at once if they can be; every bus, kernel and peripheral clock as a clock of its own, by the
// name of the peripheral in small letters; the ready interrupts. Not modelled: the time oscillators take, trimming and
// calibration (registers keep what is written), the clock security systems (nothing ever fails), resets
// of peripherals (registers keep what is written), low-power modes, the write protection of the backup
// domain by PWR.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string_view>

#include "holdfast/hw/clock_tree.hpp"
#include "holdfast/hw/irq.hpp"
#include "holdfast/hw/mmio.hpp"
#include "holdfast/hw/state.hpp"

namespace holdfast::devices {

class Stm32l4x5Rcc final : public hw::Device {
 public:
  static const object::Type kType;
  struct Config {
    std::uint64_t hse_hz = 8'000'000;  // of the crystal at HSE; 0: none is fitted
  };
  Stm32l4x5Rcc(const hw::DeviceInit& init, const Config& config);

  /// "sysclk", "hclk", "pclk1", "gpioa", "usart1"…; a name that there is.
  hw::Clock& clock(std::string_view name);
  hw::IrqOut& irq() { return irq_; }
  hw::Mmio& regs() { return regs_; }

 private:
  /// What can be ready, numbered as in CIER, CIFR and CICR.
  enum Oscillator : unsigned { kLsi, kLse, kMsi, kHsi, kHse, kPll, kPllSai1, kPllSai2, kOscillators };
  /// Register sets in the order of their addresses.
  enum Bus : unsigned { kAhb1, kAhb2, kAhb3, kApb1, kApb1Second, kApb2, kBuses };
  using PerBus = std::array<std::uint32_t, kBuses>;
  enum From : std::uint8_t;  // clocks that peripherals' are made of
  struct Peripheral;  // a row of the table of clocks
  static const std::array<Peripheral, 61> kPeripherals;

  // Registers.
  std::uint32_t control();
  void set_control(std::uint32_t value);
  std::uint32_t calibration() { return calibration_; }
  void set_calibration(std::uint32_t value);
  std::uint32_t configuration();
  void set_configuration(std::uint32_t value);
  std::uint32_t pll_configuration(unsigned pll) { return pll_configuration_[pll]; }
  void set_pll_configuration(unsigned pll, std::uint32_t value);
  std::uint32_t interrupt_enable() { return interrupt_enable_; }
  void set_interrupt_enable(std::uint32_t value);
  std::uint32_t interrupt_flags() { return interrupt_flags_; }
  std::uint32_t nothing() { return 0; }
  void clear_interrupts(std::uint32_t value);
  template <Bus First>
  std::uint32_t resets(unsigned bus) { return resets_[First + bus]; }
  template <Bus First>
  void set_resets(unsigned bus, std::uint32_t value);
  template <Bus First>
  std::uint32_t enables(unsigned bus) { return enables_[First + bus]; }
  template <Bus First>
  void set_enables(unsigned bus, std::uint32_t value);
  template <Bus First>
  std::uint32_t sleep_enables(unsigned bus) { return sleep_enables_[First + bus]; }
  template <Bus First>
  void set_sleep_enables(unsigned bus, std::uint32_t value);
  std::uint32_t kernel_clocks() { return kernel_clocks_; }
  void set_kernel_clocks(std::uint32_t value);
  std::uint32_t backup_domain();
  void set_backup_domain(std::uint32_t value);
  std::uint32_t control_status();
  void set_control_status(std::uint32_t value);

  bool is_ready(Oscillator which) const { return (ready_ >> which & 1) != 0; }
  /// Which oscillators the system clock comes from, itself or by way of the PLL.
  bool runs_system(Oscillator which) const;
  Oscillator system_source(unsigned select) const;
  std::uint64_t msi_hz() const;
  bool pll_can_lock(unsigned pll) const;
  /// After a change of a register: oscillators get ready, the system clock switches, clocks change.
  void settle();
  std::uint32_t oscillators_ready() const;
  void set_oscillators();
  void set_plls();
  void set_buses();
  void set_peripherals();
  void update_irq() { irq_.set((interrupt_flags_ & interrupt_enable_) != 0); }
  void on_reset(hw::ResetPhase phase) override;

  // Configuration.
  const Config config_;
  // Guest-visible state. Ready flags and SWS are kept apart from the registers that show them.
  hw::State<std::uint32_t> control_{*this, "cr", 0x61};
  hw::State<std::uint32_t> calibration_{*this, "icscr", 0x1000'0000};
  hw::State<std::uint32_t> configuration_{*this, "cfgr"};
  hw::State<std::array<std::uint32_t, 3>> pll_configuration_{*this, "pllcfgr", {0x1000, 0x1000, 0x1000}};
  hw::State<std::uint32_t> interrupt_enable_{*this, "cier"};
  hw::State<std::uint32_t> interrupt_flags_{*this, "cifr"};
  hw::State<PerBus> resets_{*this, "rstr"};
  hw::State<PerBus> enables_{*this, "enr", {0x100, 0, 0, 0, 0, 0}};
  hw::State<PerBus> sleep_enables_{
      *this, "smenr", {0x0001'1303, 0x0005'32ff, 0x0000'0101, 0xf2fe'ca3f, 0x0000'0025, 0x0167'7c01}};
  hw::State<std::uint32_t> kernel_clocks_{*this, "ccipr"};
  hw::State<std::uint32_t> backup_domain_{*this, "bdcr"};
  hw::State<std::uint32_t> control_status_{*this, "csr", 0x0c00'0600};
  hw::State<std::uint32_t> ready_{*this, "ready"};  // a bit for each oscillator
  hw::State<std::uint32_t> system_source_{*this, "sws"};
  // Clocks.
  hw::ClockSource lsi_{*this, "lsi"};
  hw::ClockSource lse_{*this, "lse"};
  hw::ClockSource msi_{*this, "msi"};
  hw::ClockSource hsi_{*this, "hsi16"};
  hw::ClockSource hse_{*this, "hse"};
  hw::ClockMux pll_input_{*this, "pll-input", {nullptr, &msi_, &hsi_, &hse_}};
  /// A voltage-controlled oscillator, and three dividers behind it.
  struct Pll {
    struct Names {
      const char* vco;
      const char* p;
      const char* q;  // the third PLL has no such output; its divider stands still
      const char* r;
    };
    Pll(hw::Device& rcc, hw::Clock& input, const Names& names)
        : vco{rcc, names.vco, {&input}},
          p{rcc, names.p, {&vco}},
          q{rcc, names.q, {&vco}},
          r{rcc, names.r, {&vco}} {}
    hw::ClockMux vco;
    hw::ClockMux p;
    hw::ClockMux q;
    hw::ClockMux r;
  };
  Pll pll_{*this, pll_input_, {"pll-vco", "pllsai3clk", "pll48m1clk", "pllclk"}};
  Pll sai1_{*this, pll_input_, {"pllsai1-vco", "pllsai1clk", "pll48m2clk", "plladc1clk"}};
  Pll sai2_{*this, pll_input_, {"pllsai2-vco", "pllsai2clk", "pllsai2-q", "plladc2clk"}};
  hw::ClockMux sysclk_{*this, "sysclk", {&msi_, &hsi_, &hse_, &pll_.r}};
  hw::ClockMux hclk_{*this, "hclk", {&sysclk_}};
  hw::ClockMux pclk1_{*this, "pclk1", {&hclk_}};
  hw::ClockMux pclk2_{*this, "pclk2", {&hclk_}};
  hw::ClockMux timclk1_{*this, "timclk1", {&pclk1_}};
  hw::ClockMux timclk2_{*this, "timclk2", {&pclk2_}};
  hw::ClockMux systick_{*this, "systick", {&hclk_}};  // what SysTick counts instead of FCLK
  hw::ClockMux mco_{*this, "mco", {nullptr, &sysclk_, &msi_, &hsi_, &hse_, &pll_.r, &lsi_, &lse_}};
  hw::ClockMux lsco_{*this, "lsco", {&lsi_, &lse_}};
  hw::ClockMux rtc_{*this, "rtc", {nullptr, &lse_, &lsi_, &hse_}};
  hw::ClockMux clk48_{*this, "clk48", {nullptr, &sai1_.q, &pll_.q, &msi_}};
  std::deque<hw::ClockMux> peripherals_;  // as in the table
  // Wiring.
  hw::IrqOut irq_{*this, "irq"};
  using Rcc = Stm32l4x5Rcc;
  hw::Mmio regs_{
      *this, "regs",
      hw::register_map<Rcc>(
          0x400,
          {{.at = 0x00, .name = "CR", .read = &Rcc::control, .write = &Rcc::set_control},
           {.at = 0x04, .name = "ICSCR", .read = &Rcc::calibration, .write = &Rcc::set_calibration},
           {.at = 0x08, .name = "CFGR", .read = &Rcc::configuration, .write = &Rcc::set_configuration},
           {.at = 0x0c, .name = "PLLCFGR/PLLSAICFGR", .read = &Rcc::pll_configuration,
            .write = &Rcc::set_pll_configuration, .count = 3},
           {.at = 0x18, .name = "CIER", .read = &Rcc::interrupt_enable,
            .write = &Rcc::set_interrupt_enable},
           {.at = 0x1c, .name = "CIFR", .read = &Rcc::interrupt_flags},
           {.at = 0x20, .name = "CICR", .read = &Rcc::nothing, .write = &Rcc::clear_interrupts},
           {.at = 0x28, .name = "AHBRSTR", .read = &Rcc::resets<kAhb1>,
            .write = &Rcc::set_resets<kAhb1>, .count = 3},
           {.at = 0x38, .name = "APBRSTR", .read = &Rcc::resets<kApb1>,
            .write = &Rcc::set_resets<kApb1>, .count = 3},
           {.at = 0x48, .name = "AHBENR", .read = &Rcc::enables<kAhb1>,
            .write = &Rcc::set_enables<kAhb1>, .count = 3},
           {.at = 0x58, .name = "APBENR", .read = &Rcc::enables<kApb1>,
            .write = &Rcc::set_enables<kApb1>, .count = 3},
           {.at = 0x68, .name = "AHBSMENR", .read = &Rcc::sleep_enables<kAhb1>,
            .write = &Rcc::set_sleep_enables<kAhb1>, .count = 3},
           {.at = 0x78, .name = "APBSMENR", .read = &Rcc::sleep_enables<kApb1>,
            .write = &Rcc::set_sleep_enables<kApb1>, .count = 3},
           {.at = 0x88, .name = "CCIPR", .read = &Rcc::kernel_clocks, .write = &Rcc::set_kernel_clocks},
           {.at = 0x90, .name = "BDCR", .read = &Rcc::backup_domain, .write = &Rcc::set_backup_domain},
           {.at = 0x94, .name = "CSR", .read = &Rcc::control_status,
            .write = &Rcc::set_control_status}})};
};

}  // namespace holdfast::devices
