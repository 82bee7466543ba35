// SPDX-License-Identifier: Apache-2.0
#include "holdfast/boards/device_types.hpp"

#include <utility>

#include "holdfast/accel/riscv_cpu.hpp"
#include "holdfast/boards/image_loader.hpp"
#include "holdfast/boards/system_bus.hpp"
#include "holdfast/devices/flash/cfi_flash.hpp"
#include "holdfast/devices/intc/riscv_aclint_sswi.hpp"
#include "holdfast/devices/intc/sifive_plic.hpp"
#include "holdfast/devices/misc/fw_cfg.hpp"
#include "holdfast/devices/misc/htif.hpp"
#include "holdfast/devices/misc/sifive_test.hpp"
#include "holdfast/devices/rtc/goldfish_rtc.hpp"
#include "holdfast/devices/serial/ns16550a.hpp"
#include "holdfast/devices/timer/riscv_clint.hpp"
#include "holdfast/devices/virtio/virtio_mmio.hpp"

namespace holdfast::boards {
namespace {

constexpr std::uint64_t kMiB = 1U << 20U;

}  // namespace

DeviceRef add_device(BoardPlan& board, const object::Type& type, const DeviceFacet& facet,
                     std::string name, std::uint64_t address) {
  const auto device = board.add(std::move(name), type, facet.make);
  board.existing(BoardPlan::memory().device);
  if (!facet.region.empty())
    board.map({{address, device.region(std::string{facet.region})}});
  if (!facet.memory_link.empty())
    board.link({{device.link(std::string{facet.memory_link}), BoardPlan::memory()}});
  return device;
}

Result<void> register_device_types(object::TypeRegistry& registry) {
  TRY(registry.add(hw::Device::kType));
  TRY(register_device<MemoryBank>(registry, {.region = "ram", .never_inside = "RAM is touched without a gate"}, {.size = kMiB}));
  TRY(register_device<ImageLoader>(
      registry, {.memory_link = "memory", .never_inside = "it only writes to memory"}));
  TRY(register_device<accel::RiscvCpu>(
      registry, {.memory_link = "memory", .never_inside = "a hart is a master, not a target"}));
  TRY(register_device<devices::Ns16550a>(registry, {.region = "regs"}));
  TRY(register_device<devices::SifivePlic>(registry, {.region = "regs"}));
  TRY(register_device<devices::RiscvClint>(registry, {.region = "regs"}));
  TRY(register_device<devices::GoldfishRtc>(registry, {.region = "regs"}));
  TRY(register_device<devices::Htif>(registry, {.region = "tohost", .memory_link = "memory"}));
  TRY(register_device<devices::SifiveTest>(registry, {.region = "regs"}));
  TRY(register_device<devices::RiscvAclintSswi>(registry, {.region = "regs"}));
  TRY(register_device<devices::FwCfg>(registry, {.region = "regs", .memory_link = "memory"}));
  TRY(register_device<devices::VirtioMmio>(registry, {.region = "regs"}));
  TRY(register_device<devices::CfiFlash>(
      registry, {.region = "regs", .entered = DeviceFacet::Entered::kByWrite}));
  return {};
}

}  // namespace holdfast::boards
