// SPDX-License-Identifier: Apache-2.0
#include "holdfast/boards/device_types.hpp"

#include <array>
#include <utility>

#include "holdfast/accel/riscv_cpu.hpp"
#include "holdfast/accel/semihosting_console.hpp"
#include "holdfast/boards/b_l475e_iot01a/stm32l4x5_soc.hpp"
#include "holdfast/boards/image_loader.hpp"
#include "holdfast/boards/machine_type.hpp"
#include "holdfast/boards/system_bus.hpp"
#include "holdfast/boards/memory_module.hpp"
#include "holdfast/chardev/types.hpp"
#include "holdfast/devices/display/dm163.hpp"
#include "holdfast/devices/flash/cfi_flash.hpp"
#include "holdfast/devices/intc/riscv_aclint_sswi.hpp"
#include "holdfast/devices/intc/riscv_aplic.hpp"
#include "holdfast/devices/intc/riscv_imsic.hpp"
#include "holdfast/devices/intc/sifive_plic.hpp"
#include "holdfast/devices/misc/fw_cfg.hpp"
#include "holdfast/devices/misc/htif.hpp"
#include "holdfast/devices/misc/sifive_test.hpp"
#include "holdfast/devices/misc/unimplemented.hpp"
#include "holdfast/devices/pci/types.hpp"
#include "holdfast/devices/pci/pci_bridges.hpp"
#include "holdfast/devices/pci/pcie_host.hpp"
#include "holdfast/devices/pci/root_port.hpp"
#include "holdfast/devices/pci/test_device.hpp"
#include "holdfast/devices/rtc/goldfish_rtc.hpp"
#include "holdfast/devices/serial/ns16550a.hpp"
#include "holdfast/devices/stm32/exti.hpp"
#include "holdfast/devices/stm32/gpio.hpp"
#include "holdfast/devices/stm32/rcc.hpp"
#include "holdfast/devices/stm32/syscfg.hpp"
#include "holdfast/devices/stm32/usart.hpp"
#include "holdfast/devices/storage/nvme.hpp"
#include "holdfast/devices/storage/nvme_namespace.hpp"
#include "holdfast/devices/timer/riscv_clint.hpp"
#include "holdfast/devices/virtio/virtio_mmio.hpp"
#include "holdfast/hw/base_types.hpp"
#include "holdfast/hw/clock_tree.hpp"
#include "holdfast/hw/io_thread.hpp"

namespace holdfast::boards {
namespace {

constexpr std::uint64_t kMiB = 1U << 20U;
constexpr std::string_view kPciFamily = devices::pci::Bus::kFamily;

/// With the type that QEMU lists; the bounds keep it inside that.
constexpr DeviceSetting listed_as(std::string_view type, DeviceSetting setting) {
  setting.info.type = type;
  return setting;
}

constexpr std::array kMemorySettings{
    size_setting<&MemoryBank::Config::size>("size", "bytes, a multiple of 4K",
                                            {.fallback = kMiB, .min = 4096})};
constexpr std::array kModuleSettings{
    memory_setting<&MemoryModule::Config::memory>("memdev", "the object that has its bytes"),
    setting<&MemoryModule::Config::slot>("slot", "where it is put; -1: the first that is free",
                                         {.fallback = -1, .min = -1, .max = 255}),
    setting<&MemoryModule::Config::node>("node", "the node it belongs to", {.fallback = 0U, .max = 3})};
constexpr std::array kUartSettings{
    chardev_setting<&devices::Ns16550a::Config::chardev>("chardev", "where the line leads"),
    setting<&devices::Ns16550a::Config::clock_hz>("clock-frequency", "of the baud rate generator, Hz",
                                                  {.fallback = 3'686'400U, .min = 1})};
constexpr std::array kPlicSettings{
    setting<&devices::SifivePlic::Config::sources>("num-sources", "interrupt sources, 0 included",
                                                   {.fallback = 96U, .min = 2, .max = 1024}),
    setting<&devices::SifivePlic::Config::contexts>("num-contexts", "targets",
                                                    {.fallback = 2U, .min = 1, .max = 1024}),
    setting<&devices::SifivePlic::Config::highest_priority>(
        "num-priorities", "the highest priority, one less than a power of two",
        {.fallback = 7U, .min = 1})};
constexpr std::array kClintSettings{
    setting<&devices::RiscvClint::Config::harts>("num-harts", "harts served",
                                                 {.fallback = 1U, .min = 1, .max = 4095}),
    setting<&devices::RiscvClint::Config::hz>("timebase-freq", "of the timer, Hz",
                                              {.fallback = 10'000'000U, .min = 1})};
constexpr std::array kSswiSettings{
    setting<&devices::RiscvAclintSswi::Config::harts>("num-harts", "harts served",
                                                      {.fallback = 1U, .min = 1, .max = 4095})};
constexpr std::array kVirtioSettings{setting<&devices::VirtioMmio::Config::force_legacy>(
    "force-legacy", "whether drivers find the interface from before version 1", {.fallback = true})};
constexpr std::array kHtifSettings{
    chardev_setting<&devices::Htif::Config::console>("chardev", "where its console leads")};
constexpr std::array kFlashSettings{
    size_setting<&devices::CfiFlash::Config::size>("size", "bytes of the bank, a power of two",
                                                   {.fallback = 32 * kMiB, .min = 4096}),
    setting<&devices::CfiFlash::Config::block_size>("sector-length", "bytes of a block, a power of two",
                                                    {.fallback = 256U << 10U, .min = 256})};
constexpr std::array kUnimplementedSettings{
    size_setting<&devices::Unimplemented::Config::size>("size", "bytes", {.fallback = 0x400U, .min = 1})};
constexpr std::array kPciTestSettings{
    size_setting<&devices::pci::TestDevice::Config::membar>(
        "membar", "bytes of BAR 2, a power of two; 0: there is none", {.fallback = 0U}),
    setting<&devices::pci::TestDevice::Config::membar_backed>("membar-backed", "whether BAR 2 is RAM",
                                                              {.fallback = false})};
constexpr std::array kNvmeSettings{
    setting<&devices::Nvme::Config::serial>("serial", "its serial number, at most 20 characters",
                                            {.fallback = ""}),
    drive_setting<&devices::Nvme::Config::drive>("drive", "the drive of its namespace 1, if it is to have one"),
    size_setting<&devices::Nvme::Config::logical_block_size>("logical_block_size", "bytes of a block: 512 to 4096",
        {.fallback = 512U, .min = 512, .max = 4096}),
    size_setting<&devices::Nvme::Config::physical_block_size>(
        "physical_block_size", "bytes that are best written at once, a power of two; 0: a block",
        {.fallback = 0U, .max = 2 * kMiB}),
    setting<&devices::Nvme::Config::uuid>("uuid", "of namespace 1; none: made from the drive's place",
                                          {.fallback = ""}),
    setting<&devices::Nvme::Config::queue_pairs>("max_ioqpairs", "queue pairs for I/O",
                                                 {.fallback = 64U, .min = 1,
                                                  .max = devices::nvme::Controller::kMostQueuePairs}),
    listed_as("uint16", setting<&devices::Nvme::Config::vectors>("msix_qsize", "interrupt messages",
        {.fallback = 65U, .min = 1, .max = 2048})),
    listed_as("uint8", setting<&devices::Nvme::Config::event_commands>("aerl", "commands that may wait for events, less one",
        {.fallback = 3U, .max = 255})),
    listed_as("uint8", setting<&devices::Nvme::Config::transfer_limit>(
        "mdts", "the most that a command transfers, 4K times two to that power; 0: any length",
        {.fallback = 7U, .max = 15})),
    setting<&devices::Nvme::Config::buffer_mib>("cmb_size_mb", "MiB of the controller memory buffer; 0: none",
                                                {.fallback = 0U, .max = 1024}),
    memory_setting<&devices::Nvme::Config::persistent>("pmrdev", "the object that has its persistent memory"),
    setting<&devices::Nvme::Config::delay_us>("x-delay-us", "how late each command for I/O is begun, microseconds",
                                              {.fallback = 0U, .max = 1'000'000'000}),
    setting<&devices::Nvme::Config::error_every>("x-error-every", "of so many commands for I/O one fails; 0: none",
                                                 {.fallback = 0U}),
    setting<&devices::Nvme::Config::error_status>(
        "x-error-status", "what such a command is answered: status code type times 256, and status code",
        {.fallback = 0x281U, .min = 1, .max = 0x7ff})};
constexpr std::array kNvmeNamespaceSettings{
    drive_setting<&devices::NvmeNamespace::Config::drive>("drive", "the id of a drive"),
    setting<&devices::NvmeNamespace::Config::id>("nsid", "its number; 0: the first that is free",
                                                 {.fallback = 0U, .max = devices::nvme::kMaxNamespaces}),
    size_setting<&devices::NvmeNamespace::Config::block_size>("logical_block_size", "bytes of a block: 512 to 4096",
        {.fallback = 512U, .min = 512, .max = 4096}),
    size_setting<&devices::NvmeNamespace::Config::physical_block_size>(
        "physical_block_size", "bytes that are best written at once, a power of two; 0: a block",
        {.fallback = 0U, .max = 2 * kMiB}),
    setting<&devices::NvmeNamespace::Config::eui64>("eui64", "its 64-bit identifier; 0: none", {.fallback = 0U}),
    setting<&devices::NvmeNamespace::Config::uuid>("uuid", "none: made from the drive's place",
                                                   {.fallback = ""})};
constexpr std::array kRootPortSettings{
    setting<&devices::pci::RootPort::Config::port>("port", "its number, as its link has it", {.fallback = 0}),
    setting<&devices::pci::RootPort::Config::chassis>("chassis", "a number for its chassis, for people",
                                                      {.fallback = 0}),
    listed_as("uint16", setting<&devices::pci::RootPort::Config::slot>("slot", "the number of its slot",
        {.fallback = 0U, .max = 8191})),
    setting<&devices::pci::RootPort::Config::hotplug>("hotplug", "whether devices come and go in its slot",
                                                      {.fallback = true})};
constexpr std::array kNvicSettings{
    setting<&devices::Nvic::Config::interrupts>("num-irq", "interrupts, besides exceptions",
                                                {.fallback = 82U, .min = 1, .max = 240}),
    setting<&devices::Nvic::Config::priority_bits>("num-prio-bits", "bits that a priority has",
                                                   {.fallback = 4U, .min = 3, .max = 8})};
constexpr std::array kRccSettings{setting<&devices::Stm32l4x5Rcc::Config::hse_hz>(
    "hse-frequency", "of the crystal at HSE, Hz; 0: there is none", {.fallback = 8'000'000U})};
constexpr std::array kStm32GpioSettings{
    setting<&devices::Stm32l4x5Gpio::Config::mode_reset>("mode-reset", "MODER after a reset",
                                                         {.fallback = 0xffff'ffffU}),
    setting<&devices::Stm32l4x5Gpio::Config::ospeed_reset>("ospeed-reset", "OSPEEDR after a reset",
                                                           {.fallback = 0U}),
    setting<&devices::Stm32l4x5Gpio::Config::pupd_reset>("pupd-reset", "PUPDR after a reset",
                                                         {.fallback = 0U})};
constexpr std::array kStm32UsartSettings{chardev_setting<&devices::Stm32l4x5UsartBase::Config::chardev>(
    "chardev", "where the line leads")};

constinit const object::Type kNamespaceBusType{
    .name = "nvme-bus", .parent = &hw::kBusType, .docs = "Has namespaces with a drive of their own."};

/// What no device is: its buses, back-ends, clocks; the machine.
Result<void> register_others(object::TypeRegistry& registry) {
  TRY(hw::add_base_types(registry));
  TRY(chardev::add_types(registry));
  TRY(registry.add(hw::Cpu::kType));
  TRY(registry.add(hw::IoThread::kType));
  TRY(registry.add(hw::MemoryBackend::kType));
  for (const object::Type* type : hw::MemoryBackend::kTypes) TRY(registry.add(*type));
  TRY(devices::pci::add_types(registry));
  for (const object::Type* type : {&hw::Clock::kType, &SystemBus::kType, &kNamespaceBusType, &kMachineType})
    TRY(registry.add(*type));
  return {};
}

}  // namespace

Result<void> register_device_types(object::TypeRegistry& registry) {
  TRY(register_others(registry));
  TRY(register_device<MemoryBank>(registry, {.settings = kMemorySettings, .region = "ram", .never_inside = "RAM is touched without a gate"}, {.size = kMiB}));
  TRY(register_device<MemoryModule>(
      registry, {.settings = kModuleSettings, .region = "ram", .never_inside = "RAM is touched without a gate"}));
  TRY(register_device<ImageLoader>(
      registry, {.only_built_in = "-device loader and -kernel put files into memory",
                 .memory_link = "memory",
                 .never_inside = "it only writes to memory"}));
  TRY(register_device<accel::RiscvCpu>(
      registry, {.memory_link = "memory",
                 .never_inside = "a hart is a master, not a target"}));
  TRY(register_device<accel::SemihostingConsole>(
      registry, {.only_built_in = "-semihosting-config chardev= makes one",
                 .never_inside = "nothing of it can be accessed"}));
  TRY(register_device<devices::Ns16550a>(
      registry, {.settings = kUartSettings, .interrupt = "irq", .region = "regs"}));
  TRY(register_device<devices::SifivePlic>(registry, {.settings = kPlicSettings, .region = "regs"}));
  TRY(register_device<devices::RiscvClint>(registry, {.settings = kClintSettings, .region = "regs"}));
  TRY(register_device<devices::GoldfishRtc>(registry, {.interrupt = "irq", .region = "regs"}));
  TRY(register_device<devices::Htif>(
      registry, {.settings = kHtifSettings, .region = "tohost", .memory_link = "memory"}));
  TRY(register_device<devices::SifiveTest>(registry, {.region = "regs"}));
  TRY(register_device<devices::RiscvAclintSswi>(registry, {.settings = kSswiSettings, .region = "regs"}));
  TRY(register_device<devices::RiscvAplic>(
      registry, {.only_built_in = "-M virt,aia= says whether the board has one",
                 .region = "machine",
                 .memory_link = "memory"}));
  TRY(register_device<devices::RiscvImsic>(
      registry, {.only_built_in = "-M virt,aia= says whether harts have them", .region = "regs"}));
  TRY(register_device<devices::FwCfg>(registry, {.only_built_in = "-fw_cfg gives files to the one there is",
                                                 .region = "regs",
                                                 .memory_link = "memory"}));
  TRY(register_device<devices::VirtioMmio>(
      registry, {.settings = kVirtioSettings, .interrupt = "irq", .region = "regs"}));
  TRY(register_device<devices::CfiFlash>(
      registry, {.settings = kFlashSettings,
                 .region = "regs",
                 .entered = DeviceFacet::Entered::kByWrite}));
  TRY(register_device<devices::Unimplemented>(
      registry, {.settings = kUnimplementedSettings, .region = "regs"}));
  TRY(register_device<devices::Nvic>(
      registry, {.settings = kNvicSettings,
                 .only_built_in = "it belongs to a CPU, which has one",
                 .region = "regs"}));
  TRY(register_device<devices::SysTick>(
      registry, {.only_built_in = "it belongs to a CPU, which has one", .region = "regs"}));
  TRY(register_device<cpu::arm::CortexM>(registry, {.only_built_in = "-M says which machine has one",
                                                    .never_inside = "a CPU is a master, not a target"}));
  TRY(register_device<Armv7m>(registry, {.settings = kNvicSettings,
                                         .only_built_in = "-M says which machine has one",
                                         .memory_link = "memory",
                                         .never_inside = "a CPU is a master, not a target"}));
  TRY(register_device<devices::Stm32l4x5Rcc>(
      registry, {.settings = kRccSettings, .interrupt = "irq", .region = "regs"}));
  TRY(register_device<devices::Stm32l4x5Exti>(registry, {.region = "regs"}));
  TRY(register_device<devices::Stm32l4x5Syscfg>(registry, {.region = "regs"}));
  TRY(register_device<devices::Stm32l4x5Gpio>(
      registry, {.settings = kStm32GpioSettings, .region = "regs"}));
  TRY(registry.add(devices::Stm32l4x5UsartBase::kType));
  TRY(register_device<devices::Stm32l4x5Usart>(
      registry, {.settings = kStm32UsartSettings, .interrupt = "irq", .region = "regs"}));
  TRY(register_device<devices::Stm32l4x5Uart>(
      registry, {.settings = kStm32UsartSettings, .interrupt = "irq", .region = "regs"}));
  TRY(register_device<devices::Stm32l4x5Lpuart>(
      registry, {.settings = kStm32UsartSettings, .interrupt = "irq", .region = "regs"}));
  TRY(register_device<devices::Dm163>(
      registry, {.never_inside = "it has pins and no registers"}));
  TRY(register_device<devices::pci::PcieHost>(
      registry, {.only_built_in = "-M virt has one", .region = "pcie.0.config", .memory_link = "memory"}));
  TRY(register_device<devices::pci::HostFunction>(
      registry, {.only_built_in = "it belongs to a host bridge, which has one", .bus = kPciFamily}));
  TRY(register_device<devices::pci::TestDevice>(
      registry, {.settings = kPciTestSettings, .bus = kPciFamily}));
  TRY(register_device<devices::Nvme>(
      registry, {.settings = kNvmeSettings, .bus = kPciFamily, .required = "serial"}));
  TRY(register_device<devices::NvmeNamespace>(
      registry, {.settings = kNvmeNamespaceSettings,
                 .bus = devices::nvme::NamespaceBus::kFamily,
                 .required = "drive",
                 .never_inside = "it is reached through its controller"}));
  TRY(registry.add(devices::pci::Bridge::kType));
  TRY(register_device<devices::pci::RootPort>(
      registry, {.settings = kRootPortSettings, .bus = kPciFamily}));
  TRY(register_device<devices::pci::PciePciBridge>(registry, {.bus = kPciFamily}));
  TRY(register_device<devices::pci::PciBridge>(registry, {.bus = kPciFamily}));
  TRY(register_device<Stm32l4x5Soc>(
      registry, {.only_built_in = "-M b-l475e-iot01a has one",
                 .region = "memory",
                 .memory_link = "armv7m/memory",
                 .never_inside = "flash shows first, and its devices are types of their own"}));
  return {};
}

}  // namespace holdfast::boards
