// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/stm32/rcc.hpp"

#include <algorithm>
#include <vector>

#include "holdfast/base/check.hpp"
#include "holdfast/hw/base_types.hpp"

namespace holdfast::devices {
namespace {

constexpr std::uint64_t kHsiHz = 16'000'000;
constexpr std::uint64_t kLsiHz = 32'000;
constexpr std::uint64_t kLseHz = 32'768;
constexpr std::array<std::uint32_t, 12> kMsiRangesHz{100'000,   200'000,    400'000,    800'000,
                                                     1'000'000, 2'000'000,  4'000'000,  8'000'000,
                                                     16'000'000, 24'000'000, 32'000'000, 48'000'000};

constexpr std::uint32_t bit(unsigned n) { return std::uint32_t{1} << n; }
constexpr std::uint32_t field(std::uint32_t value, unsigned shift, unsigned bits) {
  return value >> shift & (bit(bits) - 1);
}
/// The bits of `kept` where `mask` has ones, of `value` elsewhere.
constexpr std::uint32_t keep(std::uint32_t value, std::uint32_t kept, std::uint32_t mask) {
  return (value & ~mask) | (kept & mask);
}

namespace cr {
constexpr std::uint32_t kMsiOn = bit(0), kMsiPll = bit(2), kMsiRangeSelect = bit(3), kMsiRange = 0xf0;
constexpr std::uint32_t kHsiOn = bit(8), kHseOn = bit(16), kHseBypass = bit(18), kSecurity = bit(19);
constexpr std::uint32_t kPllOn[3]{bit(24), bit(26), bit(28)};
constexpr std::uint32_t kWritable = 0x150d'0bfd;
constexpr unsigned kReadyBit[8]{0, 0, 1, 10, 17, 25, 27, 29};  // by oscillator; the first two are elsewhere
}  // namespace cr

namespace pllcfgr {
constexpr std::uint32_t kSource = 0x3, kM = 0x70, kN = 0x7f00;
constexpr std::uint32_t kDividers = bit(17) | 0x0060'0000 | 0x0600'0000;
constexpr std::uint32_t kREnable = bit(24);
constexpr std::uint32_t kWritable[3]{0x0773'7f73, 0x0773'7f00, 0x0703'7f00};
}  // namespace pllcfgr

constexpr std::uint32_t kConfigurationWritable = 0x7700'bff3;
constexpr std::uint32_t kInterruptBits = 0x2ff;
constexpr std::uint32_t kCalibrationWritable = 0x1f00'ff00;  // the trimming
constexpr std::uint32_t kLseOn = bit(0), kLseBypass = bit(2), kLseDrive = 0x18, kBackupReset = bit(16);
constexpr std::uint32_t kRtcSource = 0x300;
constexpr std::uint32_t kBackupWritable = 0x0301'833d;
constexpr std::uint32_t kLsiOn = bit(0), kStandbyRange = 0xf00, kForgetCauses = bit(23);
constexpr std::uint32_t kCauses = 0xff00'0000;

constexpr std::array<std::uint32_t, 6> kResetsWritable{0x0001'1103, 0x0005'30ff, 0x0000'0101,
                                                       0xf2fe'c23f, 0x0000'0025, 0x0167'7c01};
constexpr std::array<std::uint32_t, 6> kEnablesWritable{0x0001'1103, 0x0005'30ff, 0x0000'0101,
                                                        0xf2fe'ca3f, 0x0000'0025, 0x0167'7c81};
constexpr std::array<std::uint32_t, 6> kSleepWritable{0x0001'1303, 0x0005'32ff, 0x0000'0101,
                                                      0xf2fe'ca3f, 0x0000'0025, 0x0167'7c01};

/// What HPRE says.
constexpr std::uint32_t ahb_divider(std::uint32_t code) {
  constexpr std::array<std::uint32_t, 8> kDividers{2, 4, 8, 16, 64, 128, 256, 512};
  return code < 8 ? 1 : kDividers[code - 8];
}
/// What PPRE1 and PPRE2 say.
constexpr std::uint32_t apb_divider(std::uint32_t code) { return code < 4 ? 1 : 2U << (code - 4); }

}  // namespace

constinit const object::Type Stm32l4x5Rcc::kType{
    .name = "stm32l4x5-rcc",
    .parent = &hw::kSysBusDevice,
    .docs = "Reset and clock control of the STM32L4x5."};

/// Clocks that peripherals are made of.
enum Stm32l4x5Rcc::From : std::uint8_t {
  kNone, kHclkFrom, kPclk1From, kPclk2From, kSysclkFrom, kHsiFrom, kLseFrom, kLsiFrom, kMsiFrom,
  kTim1From, kTim2From, kClk48From, kSaiFrom1, kSaiFrom2, kSaiFrom3, kAdcFrom1, kAdcFrom2
};

/// A clock that goes to one peripheral: which clocks CCIPR selects from, which bit switches it on.
struct Stm32l4x5Rcc::Peripheral {
  std::string_view name;
  std::array<From, 4> from;
  Bus bus;
  unsigned enable_bit;
  unsigned select_shift = 0;
  unsigned select_bits = 0;  // 0: there is one
};

// SPEC: RM0351 6.4.16 to 6.4.21 and 6.4.28; figure 15 "Clock tree".
constinit const std::array<Stm32l4x5Rcc::Peripheral, 61> Stm32l4x5Rcc::kPeripherals{{
    {"dma1", {kHclkFrom}, kAhb1, 0},
    {"dma2", {kHclkFrom}, kAhb1, 1},
    {"flash", {kHclkFrom}, kAhb1, 8},
    {"crc", {kHclkFrom}, kAhb1, 12},
    {"tsc", {kHclkFrom}, kAhb1, 16},
    {"gpioa", {kHclkFrom}, kAhb2, 0},
    {"gpiob", {kHclkFrom}, kAhb2, 1},
    {"gpioc", {kHclkFrom}, kAhb2, 2},
    {"gpiod", {kHclkFrom}, kAhb2, 3},
    {"gpioe", {kHclkFrom}, kAhb2, 4},
    {"gpiof", {kHclkFrom}, kAhb2, 5},
    {"gpiog", {kHclkFrom}, kAhb2, 6},
    {"gpioh", {kHclkFrom}, kAhb2, 7},
    {"otgfs", {kHclkFrom}, kAhb2, 12},
    {"otgfs-clk48", {kClk48From}, kAhb2, 12},
    {"adc", {kHclkFrom}, kAhb2, 13},
    {"adc-kernel", {kNone, kAdcFrom1, kAdcFrom2, kSysclkFrom}, kAhb2, 13, 28, 2},
    {"aes", {kHclkFrom}, kAhb2, 16},
    {"rng", {kHclkFrom}, kAhb2, 18},
    {"rng-clk48", {kClk48From}, kAhb2, 18},
    {"fmc", {kHclkFrom}, kAhb3, 0},
    {"qspi", {kHclkFrom}, kAhb3, 8},
    {"tim2", {kTim1From}, kApb1, 0},
    {"tim3", {kTim1From}, kApb1, 1},
    {"tim4", {kTim1From}, kApb1, 2},
    {"tim5", {kTim1From}, kApb1, 3},
    {"tim6", {kTim1From}, kApb1, 4},
    {"tim7", {kTim1From}, kApb1, 5},
    {"lcd", {kPclk1From}, kApb1, 9},
    {"wwdg", {kPclk1From}, kApb1, 11},
    {"spi2", {kPclk1From}, kApb1, 14},
    {"spi3", {kPclk1From}, kApb1, 15},
    {"usart2", {kPclk1From, kSysclkFrom, kHsiFrom, kLseFrom}, kApb1, 17, 2, 2},
    {"usart3", {kPclk1From, kSysclkFrom, kHsiFrom, kLseFrom}, kApb1, 18, 4, 2},
    {"uart4", {kPclk1From, kSysclkFrom, kHsiFrom, kLseFrom}, kApb1, 19, 6, 2},
    {"uart5", {kPclk1From, kSysclkFrom, kHsiFrom, kLseFrom}, kApb1, 20, 8, 2},
    {"i2c1", {kPclk1From, kSysclkFrom, kHsiFrom, kNone}, kApb1, 21, 12, 2},
    {"i2c2", {kPclk1From, kSysclkFrom, kHsiFrom, kNone}, kApb1, 22, 14, 2},
    {"i2c3", {kPclk1From, kSysclkFrom, kHsiFrom, kNone}, kApb1, 23, 16, 2},
    {"can1", {kPclk1From}, kApb1, 25},
    {"pwr", {kPclk1From}, kApb1, 28},
    {"dac1", {kPclk1From}, kApb1, 29},
    {"opamp", {kPclk1From}, kApb1, 30},
    {"lptim1", {kPclk1From, kLsiFrom, kHsiFrom, kLseFrom}, kApb1, 31, 18, 2},
    {"lpuart1", {kPclk1From, kSysclkFrom, kHsiFrom, kLseFrom}, kApb1Second, 0, 10, 2},
    {"swpmi1", {kPclk1From, kHsiFrom}, kApb1Second, 2, 30, 1},
    {"lptim2", {kPclk1From, kLsiFrom, kHsiFrom, kLseFrom}, kApb1Second, 5, 20, 2},
    {"syscfg", {kPclk2From}, kApb2, 0},
    {"firewall", {kPclk2From}, kApb2, 7},
    {"sdmmc1", {kPclk2From}, kApb2, 10},
    {"sdmmc1-clk48", {kClk48From}, kApb2, 10},
    {"tim1", {kTim2From}, kApb2, 11},
    {"spi1", {kPclk2From}, kApb2, 12},
    {"tim8", {kTim2From}, kApb2, 13},
    {"usart1", {kPclk2From, kSysclkFrom, kHsiFrom, kLseFrom}, kApb2, 14, 0, 2},
    {"tim15", {kTim2From}, kApb2, 16},
    {"tim16", {kTim2From}, kApb2, 17},
    {"tim17", {kTim2From}, kApb2, 18},
    {"sai1", {kSaiFrom1, kSaiFrom2, kSaiFrom3, kNone}, kApb2, 21, 22, 2},
    {"sai2", {kSaiFrom1, kSaiFrom2, kSaiFrom3, kNone}, kApb2, 22, 24, 2},
    {"dfsdm1", {kPclk2From, kSysclkFrom}, kApb2, 24, 31, 1},
}};

Stm32l4x5Rcc::Stm32l4x5Rcc(const hw::DeviceInit& init, const Config& config)
    : Device{init}, config_{config} {
  const std::array<hw::Clock*, 17> from{nullptr,  &hclk_, &pclk1_,   &pclk2_,   &sysclk_, &hsi_,
                                        &lse_,    &lsi_,  &msi_,     &timclk1_, &timclk2_, &clk48_,
                                        &sai1_.p, &sai2_.p, &pll_.p, &sai1_.r, &sai2_.r};
  for (const Peripheral& row : kPeripherals) {
    std::vector<hw::Clock*> inputs;
    for (const From one : row.from) inputs.push_back(from[one]);
    peripherals_.emplace_back(*this, std::string{row.name}, std::move(inputs));
  }
}

hw::Clock& Stm32l4x5Rcc::clock(std::string_view name) {
  auto* found = find_part<hw::Clock>(name);
  HF_CHECK(found != nullptr, "{}: no clock '{}'", full_path(), name);
  return *found;
}

// --- registers -------------------------------------------------------------------------------------

std::uint32_t Stm32l4x5Rcc::control() {
  std::uint32_t value = control_;
  for (unsigned one = kMsi; one < kOscillators; ++one)
    if (is_ready(static_cast<Oscillator>(one))) value |= bit(cr::kReadyBit[one]);
  return value;
}

void Stm32l4x5Rcc::set_control(std::uint32_t value) {
  const std::uint32_t before = control_;
  std::uint32_t next = value & cr::kWritable;
  next |= before & (cr::kMsiRangeSelect | cr::kSecurity);  // only a reset clears these
  // What runs the system cannot be switched off.
  if (runs_system(kMsi)) next |= cr::kMsiOn;
  if (runs_system(kHsi)) next |= cr::kHsiOn;
  if (runs_system(kHse)) next |= cr::kHseOn;
  if (runs_system(kPll)) next |= cr::kPllOn[0];
  if (field(next, 4, 4) >= kMsiRangesHz.size()) next = keep(next, before, cr::kMsiRange);
  if ((before & cr::kHseOn) != 0) next = keep(next, before, cr::kHseBypass);
  if (!is_ready(kLse)) next &= ~cr::kMsiPll;  // nothing to be locked to
  control_ = next;
  settle();
}

void Stm32l4x5Rcc::set_calibration(std::uint32_t value) {
  calibration_ = keep(value, calibration_, ~kCalibrationWritable);
}

std::uint32_t Stm32l4x5Rcc::configuration() { return configuration_ | system_source_ << 2; }

void Stm32l4x5Rcc::set_configuration(std::uint32_t value) {
  configuration_ = value & kConfigurationWritable;
  settle();
}

void Stm32l4x5Rcc::set_pll_configuration(unsigned pll, std::uint32_t value) {
  const std::uint32_t before = pll_configuration_[pll];
  std::uint32_t next = value & pllcfgr::kWritable[pll];
  const auto is_on = [&](unsigned one) { return (control_ & cr::kPllOn[one]) != 0; };
  if (pll == 0 && (is_on(0) || is_on(1) || is_on(2)))
    next = keep(next, before, pllcfgr::kSource | pllcfgr::kM);
  if (is_on(pll)) next = keep(next, before, pllcfgr::kN | pllcfgr::kDividers);
  if (pll == 0 && runs_system(kPll)) next |= pllcfgr::kREnable;
  pll_configuration_[pll] = next;
  settle();
}

void Stm32l4x5Rcc::set_interrupt_enable(std::uint32_t value) {
  interrupt_enable_ = value & kInterruptBits;
  update_irq();
}

void Stm32l4x5Rcc::clear_interrupts(std::uint32_t value) {
  interrupt_flags_ &= ~value;
  update_irq();
}

template <Stm32l4x5Rcc::Bus First>
void Stm32l4x5Rcc::set_resets(unsigned bus, std::uint32_t value) {
  resets_[First + bus] = value & kResetsWritable[First + bus];
}

template <Stm32l4x5Rcc::Bus First>
void Stm32l4x5Rcc::set_enables(unsigned bus, std::uint32_t value) {
  std::uint32_t next = value & kEnablesWritable[First + bus];
  // Once they run, only a reset stops the firewall and the window watchdog.
  if (First + bus == kApb2) next |= enables_[kApb2] & bit(7);
  if (First + bus == kApb1) next |= enables_[kApb1] & bit(11);
  enables_[First + bus] = next;
  set_peripherals();
}

template <Stm32l4x5Rcc::Bus First>
void Stm32l4x5Rcc::set_sleep_enables(unsigned bus, std::uint32_t value) {
  sleep_enables_[First + bus] = value & kSleepWritable[First + bus];
}

void Stm32l4x5Rcc::set_kernel_clocks(std::uint32_t value) {
  kernel_clocks_ = value;
  settle();
}

std::uint32_t Stm32l4x5Rcc::backup_domain() {
  return backup_domain_ | (is_ready(kLse) ? bit(1) : 0);
}

void Stm32l4x5Rcc::set_backup_domain(std::uint32_t value) {
  std::uint32_t next = value & kBackupWritable;
  if ((next & kBackupReset) != 0) next = kBackupReset;  // and nothing else
  // Once it is said where the clock of the RTC comes from, that stays until the domain is reset.
  if ((backup_domain_ & kRtcSource) != 0 && (next & kBackupReset) == 0)
    next = keep(next, backup_domain_, kRtcSource);
  if ((backup_domain_ & kLseOn) != 0 && (next & kBackupReset) == 0)
    next = keep(next, backup_domain_, kLseBypass);
  // With another drive the crystal has to get steady anew.
  if (((next ^ backup_domain_) & kLseDrive) != 0) ready_ &= ~bit(kLse);
  backup_domain_ = next;
  settle();
}

std::uint32_t Stm32l4x5Rcc::control_status() {
  return control_status_ | (is_ready(kLsi) ? bit(1) : 0);
}

void Stm32l4x5Rcc::set_control_status(std::uint32_t value) {
  std::uint32_t next = keep(control_status_, value, kLsiOn);
  const std::uint32_t range = field(value, 8, 4);
  if ((control_ & cr::kMsiRangeSelect) != 0 && range >= 4 && range <= 7)
    next = keep(next, value, kStandbyRange);
  if ((value & kForgetCauses) != 0) next &= ~kCauses;
  control_status_ = next;
  settle();
}

// --- the clocks ------------------------------------------------------------------------------------

Stm32l4x5Rcc::Oscillator Stm32l4x5Rcc::system_source(unsigned select) const {
  constexpr std::array<Oscillator, 4> kSources{kMsi, kHsi, kHse, kPll};
  return kSources[select & 3];
}

bool Stm32l4x5Rcc::runs_system(Oscillator which) const {
  const Oscillator source = system_source(system_source_);
  if (source == which) return true;
  constexpr std::array<Oscillator, 4> kPllSources{kOscillators, kMsi, kHsi, kHse};
  return source == kPll && kPllSources[pll_configuration_[0] & pllcfgr::kSource] == which;
}

std::uint64_t Stm32l4x5Rcc::msi_hz() const {
  const bool here = (control_ & cr::kMsiRangeSelect) != 0;
  return kMsiRangesHz[here ? field(control_, 4, 4) : field(control_status_, 8, 4)];
}

bool Stm32l4x5Rcc::pll_can_lock(unsigned pll) const {
  const std::uint32_t n = field(pll_configuration_[pll], 8, 7);
  return (control_ & cr::kPllOn[pll]) != 0 && pll_input_.period() != 0 && n >= 8 && n <= 86;
}

std::uint32_t Stm32l4x5Rcc::oscillators_ready() const {
  std::uint32_t ready = 0;
  const auto is = [&](Oscillator which, bool that) { ready |= that ? bit(which) : 0; };
  is(kLsi, (control_status_ & kLsiOn) != 0);
  is(kLse, (backup_domain_ & kLseOn) != 0);
  is(kMsi, (control_ & cr::kMsiOn) != 0);
  is(kHsi, (control_ & cr::kHsiOn) != 0);
  is(kHse, (control_ & cr::kHseOn) != 0 && config_.hse_hz != 0);
  is(kPll, pll_can_lock(0));
  is(kPllSai1, pll_can_lock(1));
  is(kPllSai2, pll_can_lock(2));
  return ready;
}

void Stm32l4x5Rcc::settle() {
  set_oscillators();
  const std::uint32_t came = oscillators_ready() & ~ready_;
  ready_ = oscillators_ready();
  interrupt_flags_ |= came & interrupt_enable_;
  set_plls();
  // The switch waits for what it is to lead to.
  const unsigned wanted = configuration_ & 3;
  const bool can = is_ready(system_source(wanted)) && (wanted != 3 || pll_.r.period() != 0);
  if (can) system_source_ = wanted;
  set_buses();
  set_peripherals();
  update_irq();
}

void Stm32l4x5Rcc::set_oscillators() {
  lsi_.set_hz((control_status_ & kLsiOn) != 0 ? kLsiHz : 0);
  lse_.set_hz((backup_domain_ & kLseOn) != 0 ? kLseHz : 0);
  msi_.set_hz((control_ & cr::kMsiOn) != 0 ? msi_hz() : 0);
  hsi_.set_hz((control_ & cr::kHsiOn) != 0 ? kHsiHz : 0);
  hse_.set_hz((control_ & cr::kHseOn) != 0 ? config_.hse_hz : 0);
  pll_input_.select(pll_configuration_[0] & pllcfgr::kSource);
  pll_input_.scale(1, field(pll_configuration_[0], 4, 3) + 1);
}

void Stm32l4x5Rcc::set_plls() {
  const std::array<Pll*, 3> plls{&pll_, &sai1_, &sai2_};
  for (unsigned i = 0; i < plls.size(); ++i) {
    Pll& pll = *plls[i];
    const std::uint32_t value = pll_configuration_[i];
    pll.vco.enable(is_ready(static_cast<Oscillator>(kPll + i)));
    pll.vco.scale(field(value, 8, 7), 1);
    pll.p.enable((value & bit(16)) != 0);
    pll.p.scale(1, (value & bit(17)) != 0 ? 17 : 7);
    pll.q.enable((value & bit(20)) != 0);
    pll.q.scale(1, 2 * (field(value, 21, 2) + 1));
    pll.r.enable((value & pllcfgr::kREnable) != 0);
    pll.r.scale(1, 2 * (field(value, 25, 2) + 1));
  }
}

void Stm32l4x5Rcc::set_buses() {
  const std::uint32_t value = configuration_;
  sysclk_.select(system_source_);
  hclk_.scale(1, ahb_divider(field(value, 4, 4)));
  const std::uint32_t first = apb_divider(field(value, 8, 3));
  const std::uint32_t second = apb_divider(field(value, 11, 3));
  pclk1_.scale(1, first);
  pclk2_.scale(1, second);
  // Timers have twice the clock of a bus that is divided.
  timclk1_.scale(first == 1 ? 1 : 2, 1);
  timclk2_.scale(second == 1 ? 1 : 2, 1);
  systick_.scale(1, 8);
  mco_.select(field(value, 24, 3));
  mco_.scale(1, bit(std::min(field(value, 28, 3), 4U)));
  const std::uint32_t backup = backup_domain_;
  lsco_.select(field(backup, 25, 1));
  lsco_.enable((backup & bit(24)) != 0);
  rtc_.select(field(backup, 8, 2));
  rtc_.scale(1, field(backup, 8, 2) == 3 ? 32 : 1);
  rtc_.enable((backup & bit(15)) != 0);
  clk48_.select(field(kernel_clocks_, 26, 2));
}

void Stm32l4x5Rcc::set_peripherals() {
  for (std::size_t i = 0; i < kPeripherals.size(); ++i) {
    const Peripheral& row = kPeripherals[i];
    peripherals_[i].select(field(kernel_clocks_, row.select_shift, row.select_bits));
    peripherals_[i].enable((enables_[row.bus] >> row.enable_bit & 1) != 0);
  }
}

void Stm32l4x5Rcc::on_reset(hw::ResetPhase phase) {
  if (phase != hw::ResetPhase::kHold) return;
  settle();
  update_irq();
}

}  // namespace holdfast::devices
