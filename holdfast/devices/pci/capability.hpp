// SPDX-License-Identifier: Apache-2.0
// Capabilities: stretches of configuration space that a guest finds by walking a list. A capability is a
// part of its function; it gets the next free place when it is made, so the order of members is the
// order of the list.
//
// SPEC: PCI Local Bus Specification 3.0, 6.7; extended ones: PCI Express Base Specification 4.0, 7.6.
// LOCK: the function's gate.
#pragma once

#include <cstdint>
#include <string>

#include "holdfast/devices/pci/function.hpp"
#include "holdfast/hw/part.hpp"

namespace holdfast::devices::pci {

class Capability : public hw::Part {
 public:
  /// Where it begins in configuration space.
  unsigned at() const { return at_; }
  unsigned bytes() const { return bytes_; }

 protected:
  /// `bytes` with its header of two.
  Capability(Function& function, std::string name, std::uint8_t id, unsigned bytes);
  /// One from 0x100 on, with a header of four.
  struct Extended {
    std::uint16_t id = 0;
    std::uint8_t version = 1;
    unsigned bytes = 4;
  };
  Capability(Function& function, std::string name, const Extended& extended);

  Function& function() const { return function_; }
  /// Its registers: offsets count from its header.
  void define(unsigned offset, unsigned bytes, std::uint32_t value) {
    function_.config().define(at_ + offset, bytes, value);
  }
  void allow(unsigned offset, unsigned bytes, std::uint32_t mask) {
    function_.config().allow(at_ + offset, bytes, mask);
  }
  void clear_by_ones(unsigned offset, unsigned bytes, std::uint32_t mask) {
    function_.config().clear_by_ones(at_ + offset, bytes, mask);
  }
  std::uint32_t get(unsigned offset, unsigned bytes) const {
    return function_.config().get(at_ + offset, bytes);
  }
  std::uint16_t get16(unsigned offset) const { return function_.config().get16(at_ + offset); }
  void put(unsigned offset, unsigned bytes, std::uint32_t value) {
    function_.config().put(at_ + offset, bytes, value);
  }

  /// The guest finds extended configuration space.
  void show_extended_space() { function_.shown_bytes_ = kExtendedConfigSize; }

  /// The guest wrote some of its bytes.
  virtual void written() {}
  /// The function has a place on a bus; what depends on that is defined here. In prepare.
  virtual void seated(const Bus& /*bus*/) {}

 private:
  friend class Function;
  void note_write(unsigned at, unsigned bytes) {
    if (at < at_ + bytes_ && at_ < at + bytes) written();
  }

  Function& function_;  // this is a part of
  const unsigned bytes_;
  const unsigned at_;
};

/// Power states D0 and D3hot. In D3hot a function answers configuration accesses only; it comes back
/// as it was.
/// SPEC: PCI Bus Power Management Interface Specification 1.2.
class PowerManagement final : public Capability {
 public:
  explicit PowerManagement(Function& function);

 private:
  void written() override;
};

/// What makes a function one of PCI Express.
/// SPEC: PCI Express Base Specification 4.0, 7.5.3.
class Express final : public Capability {
 public:
  enum class Port : std::uint8_t {
    kEndpoint = 0x0,  // on a root bus it says that it belongs to the root complex
    kRootPort = 0x4,
    kUpstreamSwitchPort = 0x5,
    kDownstreamSwitchPort = 0x6,
    kBridgeToPci = 0x7,
    kRootComplexEndpoint = 0x9,
  };
  struct Init {
    Port port = Port::kEndpoint;
    std::uint8_t interrupt_message = 0;  // of a root port: by which vector it interrupts
  };
  Express(Function& function, Init init);
  explicit Express(Function& function) : Express{function, Init{}} {}

  Port port() const { return port_; }

  // Offsets, for those who add a slot or a root.
  static constexpr unsigned kFlags = 0x02;
  static constexpr unsigned kDeviceCapabilities = 0x04;
  static constexpr unsigned kDeviceControl = 0x08;
  static constexpr unsigned kDeviceStatus = 0x0a;
  static constexpr unsigned kLinkCapabilities = 0x0c;
  static constexpr unsigned kLinkControl = 0x10;
  static constexpr unsigned kLinkStatus = 0x12;
  static constexpr unsigned kSlotCapabilities = 0x14;
  static constexpr unsigned kSlotControl = 0x18;
  static constexpr unsigned kSlotStatus = 0x1a;
  static constexpr unsigned kRootControl = 0x1c;
  static constexpr unsigned kRootStatus = 0x20;
  static constexpr unsigned kDeviceCapabilities2 = 0x24;
  static constexpr unsigned kDeviceControl2 = 0x28;
  static constexpr unsigned kLinkCapabilities2 = 0x2c;
  static constexpr unsigned kLinkControl2 = 0x30;
  static constexpr unsigned kLinkStatus2 = 0x32;
  static constexpr unsigned kBytes = 0x3c;

 private:
  void seated(const Bus& bus) override;
  void define_link();

  Port port_;
};

}  // namespace holdfast::devices::pci
