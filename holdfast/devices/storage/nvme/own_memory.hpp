// SPDX-License-Identifier: Apache-2.0
// Memory that a controller brings along: a buffer for queues and data (CMB), and memory that outlives
// the machine (PMR). Each shows in a BAR of its own; the host may give it an address for the
// controller's own accesses besides.
//
// Both are RAM: the buffer's BAR can be used whether the controller is told about it or not. The
// persistent memory's shows while it is enabled.
//
// LOCK: the controller's gate.
//
// SPEC: NVM Express 1.4, 3.1.11 to 3.1.19 (registers), 4.7, 4.8.
#pragma once

#include <cstdint>

#include "holdfast/devices/storage/nvme/reach.hpp"
#include "holdfast/hw/region_part.hpp"
#include "holdfast/hw/state.hpp"

namespace holdfast::devices::nvme {

class OwnMemory {
 public:
  static constexpr unsigned kBufferBar = 2;
  static constexpr unsigned kPersistentBar = 4;

  /// Parts of the same device, or null.
  OwnMemory(hw::Device& device, Reach& reach, hw::Ram* buffer, hw::Ram* persistent)
      : device_{device}, reach_{reach}, buffer_{buffer}, persistent_{persistent} {}

  bool has_buffer() const { return buffer_ != nullptr; }
  bool has_persistent() const { return persistent_ != nullptr; }

  // Registers.
  std::uint32_t buffer_location() const;
  std::uint32_t buffer_size() const;
  std::uint64_t buffer_control() const { return cmbmsc_; }
  void set_buffer_control(std::uint64_t value);
  std::uint32_t buffer_status() const { return cmbsts_; }
  std::uint32_t persistent_capabilities() const;
  std::uint32_t persistent_control() const { return pmrctl_; }
  void set_persistent_control(std::uint32_t value);
  std::uint32_t persistent_status() const;
  std::uint32_t persistent_space_low() const { return pmrmsc_low_; }
  std::uint32_t persistent_space_high() const { return pmrmsc_high_; }
  void set_persistent_space_low(std::uint32_t value);
  void set_persistent_space_high(std::uint32_t value);

  void reset();

 private:
  /// Whether it could be shown there.
  bool show(Reach::Own which, hw::Ram* memory, bool enabled, std::uint64_t first);
  void show_persistent();

  hw::Device& device_;  // which this is a member of, like the next three
  Reach& reach_;
  hw::Ram* const buffer_;
  hw::Ram* const persistent_;

  hw::State<std::uint64_t> cmbmsc_{device_, "cmbmsc"};
  hw::State<std::uint32_t> cmbsts_{device_, "cmbsts"};
  hw::State<std::uint32_t> pmrctl_{device_, "pmrctl"};
  hw::State<std::uint32_t> pmrmsc_low_{device_, "pmrmscl"};
  hw::State<std::uint32_t> pmrmsc_high_{device_, "pmrmscu"};
  hw::State<bool> persistent_address_bad_{device_, "pmr-cbai"};
};

}  // namespace holdfast::devices::nvme
