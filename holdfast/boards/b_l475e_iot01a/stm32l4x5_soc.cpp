// SPDX-License-Identifier: Apache-2.0
#include "holdfast/boards/b_l475e_iot01a/stm32l4x5_soc.hpp"

#include <array>
#include <string>
#include <string_view>

namespace holdfast::boards {
namespace {

constexpr std::uint64_t kRcc = 0x4002'1000;

/// Numbers of interrupts.
namespace irq {
constexpr unsigned kRcc = 5;
}

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
    .parent = &hw::Device::kType,
    .docs = "The STM32L475VG: Cortex-M4, memory and peripherals."};

Stm32l4x5Soc::Stm32l4x5Soc(const hw::DeviceInit& init, const Config& config)
    : Device{init},
      rcc_{*this, "rcc", devices::Stm32l4x5Rcc::Config{.hse_hz = config.hse_hz}} {
  map_memory();
  connect_clock_control();
  add_unmodelled();
}

void Stm32l4x5Soc::map_memory() {
  memory_.add(0, flash_at_0_);
  memory_.add(kFlash, flash_);
  memory_.add(kSram1, sram1_);
  memory_.add(kSram2, sram2_);
}

void Stm32l4x5Soc::connect_clock_control() {
  memory_.add(kRcc, rcc_->regs());
  wiring_.wire(rcc_->irq(), 0, armv7m_->nvic().inputs(), irq::kRcc);
}

void Stm32l4x5Soc::add_unmodelled() {
  for (const Block& block : kUnmodelled) {
    auto& device = unmodelled_.emplace_back(*this, std::string{block.name},
                                            devices::Unimplemented::Config{.size = block.size});
    memory_.add(block.at, device->regs());
  }
}

}  // namespace holdfast::boards
