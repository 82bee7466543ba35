// SPDX-License-Identifier: Apache-2.0
// A RISC-V hart as people look at it.
// SPEC: The RISC-V Instruction Set Manual, volume II (1.12), sections 4.3 to 4.6.
#pragma once

#include "holdfast/cpu/riscv/hart.hpp"
#include "holdfast/hw/cpu_inspector.hpp"
#include "holdfast/memory/port.hpp"

namespace holdfast::accel {

class RiscvInspector final : public hw::CpuInspector {
 public:
  /// Both outlive it.
  RiscvInspector(const cpu::riscv::Hart& hart, memory::AddressSpace& space)
      : hart_{hart}, port_{space} {}

  std::string registers() const override;
  std::optional<std::uint64_t> register_value(std::string_view name) const override;
  std::vector<std::string> register_names() const override;
  std::uint16_t elf_machine() const override { return 243; }
  std::vector<std::byte> core_status(std::uint32_t number) const override;
  std::optional<std::uint64_t> translate(std::uint64_t address) const override;
  std::optional<Walk> mappings(std::size_t most_tables,
                               const std::function<bool(const Mapping&)>& visit) const override;
  unsigned longest_instruction() const override { return 4; }
  unsigned instruction_alignment() const override { return 2; }
  Instruction disassemble(std::uint64_t address, std::span<const std::byte> bytes) const override;

 private:
  /// Of the tables that loads are translated by; 0: none.
  unsigned levels() const;
  std::uint64_t root() const;
  struct Tables;
  bool read_table(std::uint64_t table, std::span<std::uint64_t, 512> entries) const;
  bool visit_table(Tables& tables, std::uint64_t table, unsigned level, std::uint64_t base) const;

  const cpu::riscv::Hart& hart_;
  mutable memory::Port port_;  // remembers what it found
};

}  // namespace holdfast::accel
