// SPDX-License-Identifier: Apache-2.0
#include "holdfast/boards/b_l475e_iot01a/stm32l4x5_soc.hpp"

#include <fmt/core.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "holdfast/hw/base_types.hpp"

namespace holdfast::boards {
namespace {

constexpr std::uint64_t kRcc = 0x4002'1000, kExti = 0x4001'0400, kSyscfg = 0x4001'0000;
constexpr unsigned kRccInterrupt = 5;

/// A port of pins, and what its registers are after a reset.
struct Port {
  std::string_view name;
  std::uint64_t at;
  devices::Stm32l4x5Gpio::Config config{};
};
constexpr auto kPorts = std::to_array<Port>({
    {"gpioa", 0x4800'0000,
     {.mode_reset = 0xabff'ffff, .ospeed_reset = 0x0c00'0000, .pupd_reset = 0x6400'0000}},
    {"gpiob", 0x4800'0400, {.mode_reset = 0xffff'febf, .pupd_reset = 0x0000'0100}},
    {"gpioc", 0x4800'0800},
    {"gpiod", 0x4800'0c00},
    {"gpioe", 0x4800'1000},
    {"gpiof", 0x4800'1400},
    {"gpiog", 0x4800'1800},
    {"gpioh", 0x4800'1c00, {.mode_reset = 0x0000'000f}},
});

/// A serial port, in the order of -serial.
struct Serial {
  std::string_view clock;
  std::uint64_t at;
  unsigned interrupt;
};
constexpr std::array<Serial, Stm32l4x5Soc::kSerials> kSerialPorts{{
    {"usart1", 0x4001'3800, 37},
    {"usart2", 0x4000'4400, 38},
    {"usart3", 0x4000'4800, 39},
    {"uart4", 0x4000'4c00, 52},
    {"uart5", 0x4000'5000, 53},
    {"lpuart1", 0x4000'8000, 70},
}};

/// Where lines of EXTI lead; to an interrupt of their own, or to one that a device has, too.
struct ExtiLine {
  unsigned line;
  unsigned interrupt;
  bool is_shared = false;
};
constexpr auto kExtiLines = std::to_array<ExtiLine>({
    {0, 6}, {1, 7}, {2, 8}, {3, 9}, {4, 10}, {17, 67}, {18, 41}, {19, 2}, {20, 3}, {23, 31}, {24, 33},
    {25, 72}, {26, 37, true}, {27, 38, true}, {28, 39, true}, {29, 52, true}, {30, 53, true},
    {31, 70, true}, {32, 65}, {33, 66}, {34, 76}, {39, 78},
});
constexpr std::array<unsigned, devices::Stm32l4x5Exti::kGroups> kExtiGroups{23, 40, 64, 1};

struct Block {
  std::string_view name;
  std::uint64_t at;
  std::uint64_t size = 0x400;
};
// In the order of the memory map, bus by bus: APB1, APB2, AHB1, AHB2, AHB3, and memory controllers.
constexpr auto kUnmodelled = std::to_array<Block>({
    {"tim2", 0x4000'0000},
    {"tim3", 0x4000'0400},
    {"tim4", 0x4000'0800},
    {"tim5", 0x4000'0c00},
    {"tim6", 0x4000'1000},
    {"tim7", 0x4000'1400},
    {"rtc", 0x4000'2800},
    {"wwdg", 0x4000'2c00},
    {"iwdg", 0x4000'3000},
    {"spi2", 0x4000'3800},
    {"spi3", 0x4000'3c00},
    {"i2c1", 0x4000'5400},
    {"i2c2", 0x4000'5800},
    {"i2c3", 0x4000'5c00},
    {"can1", 0x4000'6400},
    {"pwr", 0x4000'7000},
    {"dac1", 0x4000'7400},
    {"opamp", 0x4000'7800},
    {"lptim1", 0x4000'7c00},
    {"swpmi1", 0x4000'8800},
    {"lptim2", 0x4000'9400},
    {"vrefbuf", 0x4001'0030, 0x1d0},
    {"comp", 0x4001'0200, 0x200},
    {"firewall", 0x4001'1c00},
    {"sdmmc1", 0x4001'2800},
    {"tim1", 0x4001'2c00},
    {"spi1", 0x4001'3000},
    {"tim8", 0x4001'3400},
    {"tim15", 0x4001'4000},
    {"tim16", 0x4001'4400},
    {"tim17", 0x4001'4800},
    {"sai1", 0x4001'5400},
    {"sai2", 0x4001'5800},
    {"dfsdm1", 0x4001'6000, 0x800},
    {"dma1", 0x4002'0000},
    {"dma2", 0x4002'0400},
    {"flash-registers", 0x4002'2000},
    {"crc", 0x4002'3000},
    {"tsc", 0x4002'4000},
    {"otg-fs", 0x5000'0000, 0x4'0000},
    {"adc", 0x5004'0000},
    {"rng", 0x5006'0800},
    {"fmc-banks-1-2", 0x6000'0000, 0x2000'0000},
    {"fmc-bank-3", 0x8000'0000, 0x1000'0000},
    {"qspi-bank", 0x9000'0000, 0x1000'0000},
    {"fmc", 0xa000'0000},
    {"qspi", 0xa000'1000},
    {"system-memory", 0x1fff'0000, 0x7000},
    {"otp", 0x1fff'7000, 0x400},
    {"option-bytes", 0x1fff'7800, 0x10},
    {"bit-band-of-sram", 0x2200'0000, 0x30'0000},
    {"bit-band-of-peripherals", 0x4200'0000, 0x200'0000},
    {"private-peripherals", 0xe000'0000, 0xe000},
    {"debug", 0xe004'0000, 0xc'0000},
});

}  // namespace

constinit const object::Type Stm32l4x5Soc::kType{
    .name = "stm32l4x5xg-soc",
    .parent = &hw::kSysBusDevice,
    .docs = "The STM32L475VG: Cortex-M4, memory and peripherals."};

Stm32l4x5Soc::Stm32l4x5Soc(const hw::DeviceInit& init, const Config& config)
    : Device{init},
      rcc_{*this, "rcc", devices::Stm32l4x5Rcc::Config{.hse_hz = config.hse_hz}} {
  map_memory();
  place_fixed_devices();
  add_ports();
  add_serials(config);
  wire_interrupts();
  add_unmodelled();
}

void Stm32l4x5Soc::map_memory() {
  memory_.add(0, flash_at_0_);
  memory_.add(kFlash, flash_);
  memory_.add(kSram1, sram1_);
  memory_.add(kSram2, sram2_);
}

void Stm32l4x5Soc::place_fixed_devices() {
  memory_.add(kRcc, rcc_->regs());
  memory_.add(kExti, exti_->regs());
  // It shares its first kilobyte with two others, which lie over it.
  memory_.add(kSyscfg, syscfg_->regs(), -1);
  wiring_.clock(rcc_->clock("syscfg"), syscfg_->clk());
  wiring_.clock(rcc_->clock("hclk"), armv7m_->systick().cpu_clock());
  wiring_.clock(rcc_->clock("systick"), armv7m_->systick().reference_clock());
  for (unsigned line = 0; line < devices::Stm32l4x5Syscfg::kPinsOfPort; ++line)
    wiring_.wire(syscfg_->outputs(), line, exti_->inputs(), line);
}

void Stm32l4x5Soc::add_ports() {
  unsigned line = 0;
  for (const Port& row : kPorts) {
    auto& port = ports_.emplace_back(*this, std::string{row.name}, row.config);
    memory_.add(row.at, port->regs());
    wiring_.clock(rcc_->clock(row.name), port->clk());
    for (unsigned pin = 0; pin < devices::Stm32l4x5Gpio::kPins; ++pin, ++line) {
      wiring_.wire(port->outputs(), pin, in_, line);
      wiring_.wire(pins_, line, syscfg_->inputs(), line);
    }
  }
}

void Stm32l4x5Soc::add_serials(const Config& config) {
  for (unsigned i = 0; i < kUsarts; ++i) add_serial(usarts_, fmt::format("usart[{}]", i), i, config);
  for (unsigned i = 0; i < kUarts; ++i)
    add_serial(uarts_, fmt::format("uart[{}]", i), kUsarts + i, config);
  add_serial(lpuarts_, "lpuart1", kUsarts + kUarts, config);
}

template <class T>
void Stm32l4x5Soc::add_serial(std::deque<hw::Child<T>>& serials, std::string name, unsigned number,
                              const Config& config) {
  const Serial& row = kSerialPorts[number];
  auto& serial = serials.emplace_back(*this, std::move(name),
                                      typename T::Config{.chardev = config.serials[number]});
  memory_.add(row.at, serial->regs());
  wiring_.clock(rcc_->clock(row.clock), serial->clk());
  wiring_.wire(serial->irq(), 0, armv7m_->nvic().inputs(), row.interrupt);
}

void Stm32l4x5Soc::wire_interrupts() {
  auto& nvic = armv7m_->nvic();
  wiring_.wire(rcc_->irq(), 0, nvic.inputs(), kRccInterrupt);
  for (const auto& [line, interrupt, is_shared] : kExtiLines)
    wiring_.wire(exti_->irq(), line, is_shared ? nvic.shared_inputs() : nvic.inputs(), interrupt);
  for (unsigned group = 0; group < kExtiGroups.size(); ++group)
    wiring_.wire(exti_->groups(), group, nvic.inputs(), kExtiGroups[group]);
}

// Its own outputs went down with those of all others; the inputs may be up.
void Stm32l4x5Soc::on_reset(hw::ResetPhase phase) {
  if (phase != hw::ResetPhase::kExit) return;
  for (unsigned pin = 0; pin < kPins; ++pin) pins_.set(pin, in_.level(pin));
}

void Stm32l4x5Soc::add_unmodelled() {
  for (const Block& block : kUnmodelled) {
    auto& device = unmodelled_.emplace_back(*this, std::string{block.name},
                                            devices::Unimplemented::Config{.size = block.size});
    memory_.add(block.at, device->regs());
  }
}

}  // namespace holdfast::boards
