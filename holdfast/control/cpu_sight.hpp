// SPDX-License-Identifier: Apache-2.0
// Memory as a CPU sees it through its translation, or as its bus shows it: for people and programs that
// look at a machine. Nothing in the machine changes by a look.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "holdfast/base/extent.hpp"
#include "holdfast/base/result.hpp"
#include "holdfast/hw/cpu.hpp"
#include "holdfast/machine/machine.hpp"
#include "holdfast/memory/address_space.hpp"
#include "holdfast/memory/port.hpp"

namespace holdfast::control {

/// Whose addresses are meant.
enum class Eyes : std::uint8_t { kCpu, kBus };

/// For one look, on the control thread, while no CPU executes anything.
class CpuSight {
 public:
  /// `cpu` may be null: then the machine's bus is seen.
  CpuSight(machine::Machine& machine, hw::Cpu* cpu, Eyes eyes);

  /// Null if there is no CPU.
  const hw::CpuInspector* inspector() const { return inspector_.get(); }
  /// Where the bus has it; nothing if it is not mapped.
  std::optional<std::uint64_t> translate(std::uint64_t address) const {
    return translates_ ? inspector_->translate(address) : address;
  }
  /// False: not all of it is mapped. What is mapped to nothing reads as zeroes.
  bool read(std::uint64_t address, std::span<std::byte> bytes);
  memory::Port& port() { return port_; }

 private:
  std::unique_ptr<hw::CpuInspector> inspector_;
  bool translates_ = false;
  std::optional<memory::AddressSpace> bus_;  // where there is no CPU
  memory::Port port_;
};

/// Reads a stretch piece by piece; between them the machine goes on, and `take` may wait for the host and
/// fail. Errors name the address that is not mapped.
Result<void> walk_memory(machine::Machine& machine, hw::Cpu* cpu, Eyes eyes, Extent stretch,
                         const std::function<Result<void>(std::span<const std::byte>)>& take);

/// All of the bytes, or what the host says.
Result<void> write_all(int file, std::span<const std::byte> bytes);

/// Memory as walk_memory() reads it, into a file that is open for writing. An error of the host is its words alone.
Result<void> save_memory(machine::Machine& machine, hw::Cpu* cpu, Eyes eyes, Extent stretch, int file);

}  // namespace holdfast::control
