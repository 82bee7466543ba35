// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/misc/sifive_test.hpp"

#include "holdfast/base/log.hpp"
#include "holdfast/hw/base_types.hpp"
#include "holdfast/hw/machine_requests.hpp"

namespace holdfast::devices {
namespace {

constexpr std::uint32_t kFail = 0x3333;
constexpr std::uint32_t kPass = 0x5555;
constexpr std::uint32_t kReset = 0x7777;

}  // namespace

constinit const object::Type SifiveTest::kType{
    .name = "riscv.sifive.test",
    .parent = &hw::kSysBusDevice,
    .docs = "Register by which a guest ends or resets its machine."};

void SifiveTest::finish(std::uint32_t value) {
  hw::MachineRequests* machine = context().requests;
  if (machine == nullptr) return;
  switch (value & 0xffff) {
    case kPass:
      return machine->request_quit(0);
    case kFail:
      return machine->request_quit(static_cast<int>(value >> 16));
    case kReset:
      return machine->request_reset();
    default:
      log::guest_error("{}: wrote {:#x}, which means nothing", full_path(), value);
  }
}

}  // namespace holdfast::devices
