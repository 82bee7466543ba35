// SPDX-License-Identifier: Apache-2.0
// What people ask a CPU that executes nothing: its registers, how it translates, what its
// instructions say. Made by the CPU for as long as somebody looks (Cpu::inspect), on the control
// thread, with all CPUs paused (Machine::while_paused).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::hw {

class CpuInspector {
 public:
  virtual ~CpuInspector() = default;

  /// Lines for people.
  virtual std::string registers() const = 0;
  /// By any of its names, "pc" among them.
  virtual std::optional<std::uint64_t> register_value(std::string_view name) const = 0;
  virtual std::vector<std::string> register_names() const = 0;

  /// What ELF calls its architecture, e_machine, and what a core file says of it: the contents of its
  /// NT_PRSTATUS note, as Linux has them for that architecture. CPUs are told apart by `number`.
  virtual std::uint16_t elf_machine() const = 0;
  virtual std::vector<std::byte> core_status(std::uint32_t number) const = 0;

  /// Where its loads from an address would go now; nothing if it is not mapped. Rights are not
  /// asked for, and nothing is marked as accessed.
  virtual std::optional<std::uint64_t> translate(std::uint64_t address) const = 0;

  struct Mapping {
    std::uint64_t address;
    std::uint64_t physical;
    std::uint64_t size;  // bytes
    std::string_view rights;  // as the architecture writes them: "rwxu-ad"; good during the call
  };
  struct Walk {
    std::string mode;      // "Sv39"
    bool complete = true;  // false: so many tables were not read
  };
  /// Calls `visit` for what its tables map, ascending by address, each piece as large as its entry
  /// says, until it returns false. At most so many tables are read. Nothing if it does not translate.
  virtual std::optional<Walk> mappings(std::size_t most_tables,
                                       const std::function<bool(const Mapping&)>& visit) const = 0;

  struct Instruction {
    std::string text;
    unsigned length;  // bytes, at least one
  };
  /// The longest there are, in bytes, and what every one is a multiple of.
  virtual unsigned longest_instruction() const = 0;
  virtual unsigned instruction_alignment() const = 0;
  /// The one at the beginning of the bytes, of which there are as many as the longest has, or fewer at
  /// the end of what can be read.
  virtual Instruction disassemble(std::uint64_t address, std::span<const std::byte> bytes) const = 0;
};

}  // namespace holdfast::hw
