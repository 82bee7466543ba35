// SPDX-License-Identifier: Apache-2.0
// A register bank: a register map put to work on one object. It cuts accesses at register borders,
// finds the register and calls its functions; register_map.hpp says exactly what happens.
//
// Owned by the Mmio part whose region it answers for; called inside the gate of its device.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "holdfast/hw/register_map.hpp"

namespace holdfast::hw {

/// The part of a bank that knows no types: bytes, lanes and borders.
class RegisterBankBase : public memory::MmioHandler {
 public:
  explicit RegisterBankBase(std::string path, memory::Endian endian)
      : path_{std::move(path)}, endian_{endian} {}

  memory::MemTxResult read(std::uint64_t offset, unsigned size, std::uint64_t& value,
                           memory::MemTxAttrs attrs) override;
  memory::MemTxResult write(std::uint64_t offset, unsigned size, std::uint64_t value,
                            memory::MemTxAttrs attrs) override;

 protected:
  static constexpr std::uint64_t mask_of(unsigned bytes) {
    return bytes >= 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << (8 * bytes)) - 1;
  }

  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  /// The register that has the byte at an offset, or the run of bytes up to the next one.
  struct Found {
    std::uint32_t entry = kNone;
    std::uint32_t index = 0;
    std::uint32_t skipped = 0;  // its bytes before the offset
    std::uint32_t width = 0;    // bytes; of a run: as many as the access needs at most
  };

  virtual Found find(std::uint64_t offset, unsigned wanted) const = 0;
  virtual std::uint64_t read_register(const Found& found) = 0;
  virtual void write_register(const Found& found, std::uint64_t value) = 0;
  virtual Partial partial_of(const Found& found) const = 0;
  virtual std::uint64_t read_background(std::uint64_t offset, unsigned size) = 0;
  virtual void write_background(std::uint64_t offset, unsigned size, std::uint64_t value) = 0;

  /// Tells whoever asked for it that the guest used the bank wrongly.
  void complain(const char* what, std::uint64_t offset, unsigned size,
                std::string_view name = {}) const;

 private:
  void write_part(const Found& found, std::uint64_t offset, unsigned bytes, std::uint64_t given);
  /// The shift, in bits, that brings byte `at` of a value of `size` bytes down to bit 0, if
  /// `bytes` bytes are taken.
  unsigned lane(unsigned at, unsigned bytes, unsigned size) const {
    return 8 * (endian_ == memory::Endian::kLittle ? at : size - at - bytes);
  }

  const std::string path_;
  const memory::Endian endian_;
};

template <class T, std::size_t N>
class RegisterBank final : public RegisterBankBase {
 public:
  RegisterBank(std::string path, T& target, const RegisterMap<T, N>& map)
      : RegisterBankBase{std::move(path), map.options.access.endian}, target_{target}, map_{map} {
    std::uint64_t reach = 0;
    for (std::size_t i = 0; i < N; ++i) {
      const Entry& entry = map_.entries[i];
      reach = std::max(reach, entry.end());
      places_[i] = {.at = entry.at, .reach = reach, .count = entry.count, .stride = entry.stride,
                    .shift = shift_of(entry.stride), .width = entry.width()};
    }
  }

  /// Most accesses are of one whole register, which needs no cutting.
  memory::MemTxResult read(std::uint64_t offset, unsigned size, std::uint64_t& value,
                           memory::MemTxAttrs attrs) override {
    const Found found = locate(offset);
    if (found.width != size || found.skipped != 0)
      return RegisterBankBase::read(offset, size, value, attrs);
    value = read_register(found) & mask_of(size);
    return memory::MemTxResult::kOk;
  }
  memory::MemTxResult write(std::uint64_t offset, unsigned size, std::uint64_t value,
                            memory::MemTxAttrs attrs) override {
    const Found found = locate(offset);
    if (found.width != size || found.skipped != 0)
      return RegisterBankBase::write(offset, size, value, attrs);
    write_register(found, value & mask_of(size));
    return memory::MemTxResult::kOk;
  }

 private:
  using Entry = RegisterEntry<T>;

  /// What finding a register needs of an entry: they lie together.
  struct Place {
    std::uint64_t at;
    std::uint64_t reach;  // the furthest end among the entries up to this one
    std::uint32_t count;
    std::uint32_t stride;
    std::uint32_t shift;  // of a stride that is a power of two, else kNoShift
    std::uint32_t width;
  };

  // A division costs as much as all the rest, and strides are powers of two but for a few.
  static constexpr std::uint32_t kNoShift = 64;
  static std::uint32_t shift_of(std::uint32_t stride) {
    return std::has_single_bit(stride) ? static_cast<std::uint32_t>(std::countr_zero(stride))
                                       : kNoShift;
  }

  Found find(std::uint64_t offset, unsigned wanted) const override {
    const Found found = locate(offset);
    return found.entry != kNone ? found : Found{.width = run(offset, wanted)};
  }

  /// The register that has the byte; a width of 0 if none has.
  [[gnu::always_inline]] Found locate(std::uint64_t offset) const {
    // Entries are sorted by their first byte; arrays may interleave, so look back as far as one of
    // them reaches.
    std::size_t i = 0;
    for (std::size_t n = N; n > 1;) {
      const std::size_t half = n / 2;
      if (places_[i + half].at <= offset) i += half;
      n -= half;
    }
    for (; places_[i].reach > offset; --i) {
      const Place& place = places_[i];
      const std::uint64_t bytes = offset - place.at;  // before the first entry: more than any has
      const std::uint64_t index =
          place.shift != kNoShift ? bytes >> place.shift : bytes / place.stride;
      const std::uint64_t skipped = bytes - index * place.stride;
      if (index < place.count && skipped < place.width)
        return {.entry = static_cast<std::uint32_t>(i),
                .index = static_cast<std::uint32_t>(index),
                .skipped = static_cast<std::uint32_t>(skipped),
                .width = place.width};
      if (i == 0) break;
    }
    return {};
  }

  /// How many of the next bytes belong to no register. `offset` does not.
  unsigned run(std::uint64_t offset, unsigned wanted) const {
    unsigned bytes = 1;
    while (bytes < wanted && locate(offset + bytes).entry == kNone) ++bytes;
    return bytes;
  }

  std::uint64_t offset_of(const Found& found) const {
    const Entry& entry = map_.entries[found.entry];
    return entry.at + std::uint64_t{found.index} * entry.stride;
  }

  std::uint64_t read_register(const Found& found) override {
    const Entry& entry = map_.entries[found.entry];
    return std::visit(
        [&](auto function) -> std::uint64_t {
          if constexpr (std::is_same_v<decltype(function), std::monostate>) {
            complain("read of a write-only register", offset_of(found), found.width, entry.name);
            return 0;
          } else if constexpr (std::is_invocable_v<decltype(function), T&, unsigned>) {
            return (target_.*function)(found.index);
          } else {
            return (target_.*function)();
          }
        },
        entry.read);
  }

  void write_register(const Found& found, std::uint64_t value) override {
    const Entry& entry = map_.entries[found.entry];
    std::visit([&](auto function) { call_write(function, found, entry, value); }, entry.write);
  }

  void call_write(std::monostate, const Found& found, const Entry& entry, std::uint64_t) {
    complain("write of a read-only register", offset_of(found), found.width, entry.name);
  }
  template <class V>
  void call_write(void (T::*function)(V), const Found&, const Entry&, std::uint64_t value) {
    (target_.*function)(static_cast<V>(value));
  }
  template <class V>
  void call_write(void (T::*function)(unsigned, V), const Found& found, const Entry&,
                  std::uint64_t value) {
    (target_.*function)(found.index, static_cast<V>(value));
  }

  Partial partial_of(const Found& found) const override { return map_.entries[found.entry].partial; }

  std::uint64_t read_background(std::uint64_t offset, unsigned size) override {
    const auto function = map_.options.background.read;
    if (function != nullptr) return (target_.*function)(offset, size);
    complain("read where no register is", offset, size);
    return 0;
  }
  void write_background(std::uint64_t offset, unsigned size, std::uint64_t value) override {
    const auto function = map_.options.background.write;
    if (function != nullptr) return (target_.*function)(offset, size, value);
    complain("write where no register is", offset, size);
  }

  T& target_;  // contains this, or is the device that does
  const RegisterMap<T, N> map_;
  std::array<Place, N> places_{};
};

}  // namespace holdfast::hw
