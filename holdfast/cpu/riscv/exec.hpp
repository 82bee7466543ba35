// SPDX-License-Identifier: Apache-2.0
// What the exec_*.cpp files share: integer helpers and the shapes most instructions have.
#pragma once

#include <cstdint>

#include "holdfast/cpu/riscv/core.hpp"
#include "holdfast/cpu/riscv/decode.hpp"

namespace holdfast::cpu::riscv {

using u64 = std::uint64_t;
using i64 = std::int64_t;
using u32 = std::uint32_t;
using i32 = std::int32_t;
__extension__ using u128 = unsigned __int128;
__extension__ using i128 = __int128;

constexpr i64 as_signed(u64 value) {
  return static_cast<i64>(value);
}
constexpr u64 extend(i32 value) {
  return static_cast<u64>(static_cast<i64>(value));
}
/// The lower word, sign-extended: the result of every instruction that ends in W.
constexpr u64 extend_word(u64 value) {
  return extend(static_cast<i32>(static_cast<u32>(value)));
}

using BinaryFunction = u64 (*)(u64, u64);
using UnaryFunction = u64 (*)(u64);

/// rd = f(rs1, rs2)
template <BinaryFunction Function>
Flow binary(Core& core, const Instruction& i) {
  core.x[i.rd] = Function(core.x[i.rs1], core.x[i.rs2]);
  return Flow::kNext;
}
/// rd = f(rs1, immediate)
template <BinaryFunction Function>
Flow immediate(Core& core, const Instruction& i) {
  core.x[i.rd] = Function(core.x[i.rs1], extend(i.immediate));
  return Flow::kNext;
}
/// rd = f(rs1)
template <UnaryFunction Function>
Flow unary(Core& core, const Instruction& i) {
  core.x[i.rd] = Function(core.x[i.rs1]);
  return Flow::kNext;
}

}  // namespace holdfast::cpu::riscv
