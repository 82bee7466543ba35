// SPDX-License-Identifier: Apache-2.0
// A kind of hart as people name it: a model, and what was said of its properties.
//
// What is said is taken down in order and put together by `hart`: that is where contradictions
// show.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/result.hpp"
#include "holdfast/cpu/riscv/cpu_properties.hpp"
#include "holdfast/cpu/riscv/isa.hpp"

namespace holdfast::cpu::riscv {

class CpuModel {
 public:
  struct Description {
    std::string_view name;
    std::string_view help;
  };
  static std::span<const Description> all();
  /// Errors name the models there are.
  static Result<CpuModel> named(std::string_view name);

  CpuModel() = default;  // rv64

  /// `key=text`, as on a command line. Errors say what there is, or what the property takes.
  Result<void> set(std::string_view key, std::string_view text);
  /// The same for a row of kCpuProperties and a value in its bounds.
  Result<void> set(const CpuProperty& property, std::uint64_t value);
  /// What the property has now: 0 or 1 for switches.
  std::uint64_t get(const CpuProperty& property) const;

  /// The hart, on top of what `base` says of its place in the machine. Errors: extensions without
  /// what they need, page tables that exclude each other.
  Result<HartConfig> hart(HartConfig base = {}) const;

 private:
  std::optional<std::uint64_t>& said(const CpuProperty& property);
  const std::optional<std::uint64_t>& said(const CpuProperty& property) const;
  std::uint64_t number(std::string_view name) const;
  IsaSet isa() const;
  Result<Paging> paging() const;

  enum class Start : std::uint8_t { kRv64, kMax };
  Start start_ = Start::kRv64;
  std::array<std::optional<std::uint64_t>, kCpuPropertyCount> said_{};
};

/// "i", "m" and so on, in canonical order.
std::vector<std::string_view> extension_names(const HartConfig& hart);
/// "rv64imafdc_zicsr_…", as a device tree names it.
std::string isa_string(const HartConfig& hart);
inline constexpr std::string_view kIsaBase = "rv64i";
/// "riscv,sv57", as a device tree names it.
std::string_view mmu_type(const HartConfig& hart);

/// What `-cpu MODEL,help` prints.
Result<std::string> properties_text(std::string_view model);

}  // namespace holdfast::cpu::riscv
