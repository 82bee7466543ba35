// SPDX-License-Identifier: Apache-2.0
#include "holdfast/control/cpu_memory.hpp"

#include <algorithm>

namespace holdfast::control {

std::vector<hw::Cpu*> cpus_of(machine::Machine& machine) {
  std::vector<hw::Cpu*> cpus;
  const auto entries = machine.tree().walk("/machine");
  if (!entries) return cpus;
  for (const auto& entry : *entries)
    if (auto* cpu = dynamic_cast<hw::Cpu*>(entry.object.get())) cpus.push_back(cpu);
  std::ranges::sort(cpus, {}, [](const hw::Cpu* cpu) { return cpu->facts().index; });
  return cpus;
}

CpuMemory::CpuMemory(machine::Machine& machine) : machine_{machine} { machine_.observe(*this); }

CpuMemory::~CpuMemory() { machine_.forget(*this); }

memory::Port& CpuMemory::port() {
  return look();
}

hw::Cpu::ByteOrder CpuMemory::order() {
  look();
  return order_;
}

void CpuMemory::let_go() {
  port_.reset();
  bus_.reset();
  cpu_ = {};
  order_ = hw::Cpu::ByteOrder::kLittle;
}

memory::Port& CpuMemory::look() {
  if (port_ && (bus_ || cpu_)) return *port_;
  let_go();
  const auto cpus = cpus_of(machine_);
  if (!cpus.empty()) {
    cpu_ = cpus.front()->device_handle();
    order_ = cpus.front()->facts().order;
    return port_.emplace(cpus.front()->address_space());
  }
  return port_.emplace(bus_.emplace(machine_.fabric(), machine_.bus().memory().region(),
                                    memory::AddressSpace::Init{.name = "monitor"}));
}

}  // namespace holdfast::control
