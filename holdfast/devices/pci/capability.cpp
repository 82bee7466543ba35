// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/pci/capability.hpp"

#include <utility>

#include "holdfast/base/check.hpp"
#include "holdfast/devices/pci/slot_registers.hpp"

namespace holdfast::devices::pci {
namespace {

constexpr unsigned kFirstExtended = kConfigSize;

}  // namespace

Capability::Capability(Function& function, std::string name, std::uint8_t id, unsigned bytes)
    : Part{function, "capability", std::move(name)},
      function_{function},
      bytes_{bytes},
      at_{std::exchange(function.next_capability_, (function.next_capability_ + bytes + 3) / 4 * 4)} {
  HF_CHECK(at_ + bytes <= kConfigSize, "{}: there is no room for another capability", path());
  ConfigSpace& config = function.config();
  config.define(reg::kStatus, 2, std::uint32_t{config.get16(reg::kStatus)} | status::kHasCapabilities);
  config.define(std::exchange(function.capability_link_, at_ + 1), 1, at_);
  config.define(at_, 1, id);
  function.capabilities_.push_back(this);
}

Capability::Capability(Function& function, std::string name, const Extended& extended)
    : Part{function, "capability", std::move(name)},
      function_{function},
      bytes_{extended.bytes},
      at_{function.extended_end_ == 0 ? kFirstExtended : function.extended_end_} {
  ConfigSpace& config = function.config();
  function.extended_end_ = (at_ + bytes_ + 3) / 4 * 4;
  config.grow(function.extended_end_);
  const unsigned last = std::exchange(function.extended_last_, at_);
  if (last != 0) config.define(last, 4, config.get(last, 4) | at_ << 20);
  config.define(at_, 4, std::uint32_t{extended.id} | std::uint32_t{extended.version} << 16);
  function.capabilities_.push_back(this);
}

// --- power management ------------------------------------------------------------------------------

namespace {

constexpr unsigned kPowerBytes = 8;
constexpr unsigned kPowerCapabilities = 2;
constexpr unsigned kPowerControl = 4;
constexpr std::uint16_t kPowerVersion = 3;
constexpr std::uint16_t kPowerState = 0x3;
constexpr std::uint16_t kNoSoftReset = 0x8;
constexpr std::uint16_t kD0 = 0;
constexpr std::uint16_t kD3Hot = 3;

}  // namespace

PowerManagement::PowerManagement(Function& function)
    : Capability{function, "power-management", capability::kPowerManagement, kPowerBytes} {
  define(kPowerCapabilities, 2, kPowerVersion);
  define(kPowerControl, 2, kNoSoftReset);
  allow(kPowerControl, 2, kPowerState);
}

// SPEC: 3.2.4: a state that is not supported is not entered, and the write is otherwise done.
void PowerManagement::written() {
  const std::uint16_t control = get16(kPowerControl);
  const std::uint16_t wanted = control & kPowerState;
  const std::uint16_t state = function().is_awake() ? kD0 : kD3Hot;
  if (wanted == state) return;
  if (wanted != kD0 && wanted != kD3Hot) {
    put(kPowerControl, 2, static_cast<std::uint32_t>(control & ~kPowerState) | state);
    return;
  }
  function().set_awake(wanted == kD0);
}

// --- PCI Express -----------------------------------------------------------------------------------

namespace {

constexpr std::uint16_t kExpressVersion = 2;
constexpr std::uint32_t kRoleBasedErrors = 1U << 15U;
// No extended tags, phantom functions, auxiliary power.
constexpr std::uint16_t kDeviceControlBits = 0x7fff & ~0x0700;
// Device control after reset. SPEC: 7.5.3.4: relaxed ordering and no snoop may be used, reads ask for 512 bytes.
constexpr std::uint16_t kDeviceControlAtReset = 0x2810;
constexpr std::uint16_t kDeviceErrors = 0x000f;        // of device status
// SPEC: 7.5.3.7: who is at the upper end of a link can disable it, and reads the read completion boundary.
constexpr std::uint16_t kLinkControlBits = 0x00c3;
constexpr std::uint16_t kReadCompletionBoundary = 0x0008;
// 2.5 GT/s, one lane: the least there is. Nothing here takes time on a link.
constexpr std::uint32_t kSpeedAndWidth = 1U | 1U << 4U;

}  // namespace

Express::Express(Function& function, Init init)
    : Capability{function, "express", capability::kExpress, kBytes}, port_{init.port} {
  define(kFlags, 2,
         kExpressVersion | static_cast<std::uint32_t>(init.port) << 4 |
             std::uint32_t{init.interrupt_message} << 9);
  define(kDeviceCapabilities, 4, kRoleBasedErrors);
  define(kDeviceControl, 2, kDeviceControlAtReset);
  allow(kDeviceControl, 2, kDeviceControlBits);
  clear_by_ones(kDeviceStatus, 2, kDeviceErrors);
}

// SPEC: 7.5.3.2: an endpoint on a root bus is one of the root complex, and has no link.
void Express::seated(const Bus& bus) {
  if (bus.kind_of_bus() == Bus::Kind::kExpress) show_extended_space();
  if (port_ == Port::kEndpoint && bus.is_root()) {
    port_ = Port::kRootComplexEndpoint;
    define(kFlags, 2,
           (get16(kFlags) & ~0xf0U) | static_cast<std::uint32_t>(Port::kRootComplexEndpoint) << 4);
  }
  if (port_ != Port::kRootComplexEndpoint) define_link();
}

void Express::define_link() {
  define(kLinkCapabilities, 4, kSpeedAndWidth);  // of port 0, unless the port says another number
  const std::uint16_t own = port_ == Port::kRootPort ? express::kLinkDisable : kReadCompletionBoundary;
  allow(kLinkControl, 2, std::uint32_t{kLinkControlBits} | own);
  define(kLinkStatus, 2, kSpeedAndWidth);
  define(kLinkCapabilities2, 4, 1U << 1U);  // 2.5 GT/s
  define(kLinkControl2, 2, 1U);
  allow(kLinkControl2, 2, 0xf);
}

}  // namespace holdfast::devices::pci
