// SPDX-License-Identifier: Apache-2.0
// Registers of configuration space that every function has, by the names of the specification.
// SPEC: PCI Local Bus Specification 3.0, chapter 6; PCI Express Base Specification, chapter 7.
#pragma once

#include <cstdint>

namespace holdfast::devices::pci {

inline constexpr unsigned kConfigSize = 256;           // bytes, conventional
inline constexpr unsigned kExtendedConfigSize = 4096;  // what ECAM shows of each function

/// Offsets.
namespace reg {
inline constexpr unsigned kVendorId = 0x00;
inline constexpr unsigned kDeviceId = 0x02;
inline constexpr unsigned kCommand = 0x04;
inline constexpr unsigned kStatus = 0x06;
inline constexpr unsigned kRevision = 0x08;
inline constexpr unsigned kClass = 0x09;  // programming interface, subclass, class
inline constexpr unsigned kCacheLineSize = 0x0c;
inline constexpr unsigned kLatencyTimer = 0x0d;
inline constexpr unsigned kHeaderType = 0x0e;
inline constexpr unsigned kBar0 = 0x10;
inline constexpr unsigned kSubsystemVendorId = 0x2c;  // type 0
inline constexpr unsigned kSubsystemId = 0x2e;        // type 0
inline constexpr unsigned kRom = 0x30;                // type 0
inline constexpr unsigned kCapabilities = 0x34;
inline constexpr unsigned kInterruptLine = 0x3c;
inline constexpr unsigned kInterruptPin = 0x3d;
// Type 1: bridges.
inline constexpr unsigned kPrimaryBus = 0x18;
inline constexpr unsigned kSecondaryBus = 0x19;
inline constexpr unsigned kSubordinateBus = 0x1a;
inline constexpr unsigned kIoBase = 0x1c;
inline constexpr unsigned kIoLimit = 0x1d;
inline constexpr unsigned kSecondaryStatus = 0x1e;
inline constexpr unsigned kMemoryBase = 0x20;
inline constexpr unsigned kMemoryLimit = 0x22;
inline constexpr unsigned kPrefetchableBase = 0x24;
inline constexpr unsigned kPrefetchableLimit = 0x26;
inline constexpr unsigned kPrefetchableBaseUpper = 0x28;
inline constexpr unsigned kPrefetchableLimitUpper = 0x2c;
inline constexpr unsigned kIoBaseUpper = 0x30;
inline constexpr unsigned kIoLimitUpper = 0x32;
inline constexpr unsigned kBridgeRom = 0x38;
inline constexpr unsigned kBridgeControl = 0x3e;
}  // namespace reg

namespace command {
inline constexpr std::uint16_t kIo = 0x0001;
inline constexpr std::uint16_t kMemory = 0x0002;
inline constexpr std::uint16_t kBusMaster = 0x0004;
inline constexpr std::uint16_t kParity = 0x0040;
inline constexpr std::uint16_t kSystemError = 0x0100;
inline constexpr std::uint16_t kNoIntx = 0x0400;
}  // namespace command

namespace status {
inline constexpr std::uint16_t kIntx = 0x0008;
inline constexpr std::uint16_t kHasCapabilities = 0x0010;
inline constexpr std::uint16_t kErrors = 0xf900;  // cleared by writing ones
}  // namespace status

namespace header {
inline constexpr std::uint8_t kBridge = 0x01;
inline constexpr std::uint8_t kMultifunction = 0x80;
}  // namespace header

namespace bar {
inline constexpr std::uint32_t kIo = 0x1;
inline constexpr std::uint32_t k64Bit = 0x4;
inline constexpr std::uint32_t kPrefetchable = 0x8;
inline constexpr std::uint32_t kRomEnable = 0x1;
}  // namespace bar

/// Capability identifiers.
namespace capability {
inline constexpr std::uint8_t kPowerManagement = 0x01;
inline constexpr std::uint8_t kMsi = 0x05;
inline constexpr std::uint8_t kSubsystem = 0x0d;
inline constexpr std::uint8_t kExpress = 0x10;
inline constexpr std::uint8_t kMsix = 0x11;
}  // namespace capability

}  // namespace holdfast::devices::pci
