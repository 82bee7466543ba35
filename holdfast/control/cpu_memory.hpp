// SPDX-License-Identifier: Apache-2.0
// Memory as the machine's first CPU sees it, or, where there is no CPU, as its system bus shows it:
// what test servers and monitors read and write by default.
//
// Accesses are a CPU's in every respect: the same dispatch, gates, adaptation of widths. On the
// control thread, inside nothing.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "holdfast/hw/cpu.hpp"
#include "holdfast/machine/machine.hpp"
#include "holdfast/memory/address_space.hpp"
#include "holdfast/memory/port.hpp"

namespace holdfast::control {

/// The CPUs there are, by index. For the control thread; none is kept alive.
std::vector<hw::Cpu*> cpus_of(machine::Machine& machine);

class CpuMemory final : private machine::Observer {
 public:
  explicit CpuMemory(machine::Machine& machine);
  ~CpuMemory();
  CpuMemory(const CpuMemory&) = delete;
  CpuMemory& operator=(const CpuMemory&) = delete;

  /// Good until the control thread does something else.
  memory::Port& port();
  hw::Cpu::ByteOrder order();

 private:
  void devices_came() override { let_go(); }
  void device_went(const std::string&, const std::string&) override { let_go(); }
  memory::Port& look();
  void let_go();

  machine::Machine& machine_;  // outlives this
  object::Handle<hw::Device> cpu_;
  hw::Cpu::ByteOrder order_ = hw::Cpu::ByteOrder::kLittle;
  std::optional<memory::AddressSpace> bus_;  // where there is no CPU
  std::optional<memory::Port> port_;
};

}  // namespace holdfast::control
