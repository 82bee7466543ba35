// SPDX-License-Identifier: Apache-2.0
// A register bank: a register map put to work on one object. It cuts accesses at register borders,
// finds the register and calls its functions; register_map.hpp says exactly what happens.
//
// Owned by the Mmio part whose region it answers for; called inside the gate of its device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "holdfast/hw/register_map.hpp"

namespace holdfast::hw {

class RegisterBank final : public memory::MmioHandler {
 public:
  /// The functions are called on `target`, which contains this or is the device that does.
  template <class T, std::size_t N>
  RegisterBank(std::string path, T& target, const RegisterMap<T, N>& map)
      : path_{std::move(path)},
        endian_{map.options.access.endian},
        target_{&target},
        read_background_{detail::any_function(map.options.background.read)},
        write_background_{detail::any_function(map.options.background.write)} {
    for (const auto& entry : map.entries)
      add({.extent = entry.extent(), .partial = entry.partial, .read = entry.read.any(),
           .write = entry.write.any(), .name = entry.name});
  }

  memory::MemTxResult read(std::uint64_t offset, unsigned size, std::uint64_t& value,
                           memory::MemTxAttrs attrs) override;
  memory::MemTxResult write(std::uint64_t offset, unsigned size, std::uint64_t value,
                            memory::MemTxAttrs attrs) override;

 private:
  /// A register or an array of them. What most accesses need is in one line of a processor's cache.
  struct alignas(64) Register {
    RegisterExtent extent;
    std::uint32_t shift = 0;  // of a stride that is a power of two, else kNoShift
    Partial partial;
    std::uint64_t reach = 0;  // the furthest end among the registers up to this one
    detail::AnyRead read;
    detail::AnyWrite write;
    std::string_view name;
  };

  /// The register that has the byte at an offset.
  struct Found {
    const Register* entry = nullptr;  // null: a byte of no register
    std::uint32_t index = 0;
    std::uint32_t skipped = 0;  // its bytes before the offset

    bool is_whole(unsigned size) const {
      return entry != nullptr && entry->extent.width == size && skipped == 0;
    }
  };

  /// In the order of their addresses. Sets shift and reach.
  void add(Register&& entry);

  Found locate(std::uint64_t offset) const;
  /// How many of the next bytes, at most `wanted`, belong to no register. The first does not.
  unsigned run(std::uint64_t offset, unsigned wanted) const;

  std::uint64_t read_register(Found found);
  void write_register(Found found, std::uint64_t value);
  std::uint64_t read_background(std::uint64_t offset, unsigned size);
  void write_background(std::uint64_t offset, unsigned size, std::uint64_t value);

  std::uint64_t read_parts(std::uint64_t offset, unsigned size);
  void write_parts(std::uint64_t offset, unsigned size, std::uint64_t value);
  void write_part(Found found, std::uint64_t offset, unsigned bytes, std::uint64_t given);

  /// The shift, in bits, that brings byte `at` of a value of `size` bytes down to bit 0, if
  /// `bytes` bytes are taken.
  unsigned lane(unsigned at, unsigned bytes, unsigned size) const {
    return 8 * (endian_ == memory::Endian::kLittle ? at : size - at - bytes);
  }

  /// Tells whoever asked for it that the guest used the bank wrongly.
  void complain(const char* what, std::uint64_t offset, unsigned size,
                std::string_view name = {}) const;
  void complain(const char* what, Found found) const;

  const std::string path_;
  const memory::Endian endian_;
  void* const target_;  // contains this, or is the device that does; the functions know its class
  std::vector<Register> registers_;  // sorted by address
  const detail::AnyBackgroundRead read_background_;
  const detail::AnyBackgroundWrite write_background_;
};

}  // namespace holdfast::hw
