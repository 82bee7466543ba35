// SPDX-License-Identifier: Apache-2.0
// A: load-reserved, store-conditional and atomic memory operations, as atomics of the host.
//
// All of them are sequentially consistent, whatever their aq and rl bits say: that is stronger
// than asked and costs nothing more on x86-64. How a reservation is kept, and lost, is described in
// memory/store_marks.hpp. On a device the operation is a load followed by a store, and SC fails.
#include <algorithm>
#include <type_traits>

#include "holdfast/cpu/riscv/exec.hpp"

namespace holdfast::cpu::riscv {
namespace {

template <class T>
u64 widened(T value) {  // words are sign-extended
  if constexpr (sizeof(T) == 4) return extend_word(value);
  return value;
}

template <class T>
using Combine = T (*)(T old, T operand);

template <class T>
constexpr T swap(T, T b) {
  return b;
}
template <class T>
constexpr T add(T a, T b) {
  return a + b;
}
template <class T>
constexpr T bit_xor(T a, T b) {
  return a ^ b;
}
template <class T>
constexpr T bit_and(T a, T b) {
  return a & b;
}
template <class T>
constexpr T bit_or(T a, T b) {
  return a | b;
}
template <class T>
constexpr bool less(T a, T b) {
  return static_cast<std::make_signed_t<T>>(a) < static_cast<std::make_signed_t<T>>(b);
}
template <class T>
constexpr T minimum(T a, T b) {
  return less(a, b) ? a : b;
}
template <class T>
constexpr T maximum(T a, T b) {
  return less(a, b) ? b : a;
}
template <class T>
constexpr T minimum_unsigned(T a, T b) {
  return std::min(a, b);
}
template <class T>
constexpr T maximum_unsigned(T a, T b) {
  return std::max(a, b);
}

/// The host's own instruction where there is one, else a compare-and-swap loop.
template <class T, Combine<T> Function>
T update(std::byte* host, T operand) {
  T* place = reinterpret_cast<T*>(host);
  if constexpr (Function == static_cast<Combine<T>>(swap<T>)) {
    return __atomic_exchange_n(place, operand, __ATOMIC_SEQ_CST);
  } else if constexpr (Function == static_cast<Combine<T>>(add<T>)) {
    return __atomic_fetch_add(place, operand, __ATOMIC_SEQ_CST);
  } else {
    T old = __atomic_load_n(place, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(place, &old, Function(old, operand), true, __ATOMIC_SEQ_CST,
                                        __ATOMIC_RELAXED)) {
    }
    return old;
  }
}

template <class T, Combine<T> Function>
Flow atomic(Core& core, const Instruction& i) {
  const u64 address = core.x[i.rs1];
  const auto operand = static_cast<T>(core.x[i.rs2]);
  const auto place = core.mmu.atomic_place(address, sizeof(T), Access::kStore);
  if (!place) return Flow::kTrap;
  if (place->host != nullptr) [[likely]] {
    return core.mmu.store_at(
        *place, [&] { core.x[i.rd] = widened(update<T, Function>(place->host, operand)); });
  }
  u64 old = 0;
  if (core.mmu.load_physical(address, place->physical, sizeof(T), old) == Flow::kTrap)
    return core.raise(Cause::kStoreAccess, address);
  const u64 value = Function(static_cast<T>(old), operand);
  const Flow flow = core.mmu.store_physical(address, place->physical, sizeof(T), value);
  if (flow != Flow::kTrap) core.x[i.rd] = widened(static_cast<T>(old));
  return flow;
}

template <class T>
Flow load_reserved(Core& core, const Instruction& i) {
  const u64 address = core.x[i.rs1];
  const auto place = core.mmu.atomic_place(address, sizeof(T), Access::kLoad);
  if (!place) return Flow::kTrap;
  core.mmu.begin_reservation(*place);
  u64 value = 0;
  Flow flow = Flow::kNext;
  if (place->host != nullptr)
    value = __atomic_load_n(reinterpret_cast<const T*>(place->host), __ATOMIC_SEQ_CST);
  else
    flow = core.mmu.load_physical(address, place->physical, sizeof(T), value);
  if (flow == Flow::kTrap) return flow;
  core.mmu.end_reservation(*place, sizeof(T), value);
  core.x[i.rd] = widened(static_cast<T>(value));
  return flow;
}

template <class T>
Flow store_conditional(Core& core, const Instruction& i) {
  const u64 address = core.x[i.rs1];
  const auto place = core.mmu.atomic_place(address, sizeof(T), Access::kStore);
  if (!place) return Flow::kTrap;
  Flow flow = Flow::kNext;
  const bool done = core.mmu.store_conditional(*place, static_cast<T>(core.x[i.rs2]), flow);
  core.x[i.rd] = done ? 0 : 1;
  return flow;
}

/// funct5 above the aq and rl bits.
constexpr Row row(const char* name, std::uint32_t f3, std::uint32_t f5, Handler run) {
  return {name, 0xf800707f, 0x2f | f3 << 12 | f5 << 27, Format::kR, Extension::kA, run};
}
constexpr Row reserve(const char* name, std::uint32_t f3, Handler run) {
  return {name, 0xf9f0707f, 0x2f | f3 << 12 | 2u << 27, Format::kR, Extension::kA, run};
}

constexpr Row kRows[] = {
    reserve("lr.w", 2, load_reserved<u32>),
    row("sc.w", 2, 0x03, store_conditional<u32>),
    row("amoswap.w", 2, 0x01, atomic<u32, swap<u32>>),
    row("amoadd.w", 2, 0x00, atomic<u32, add<u32>>),
    row("amoxor.w", 2, 0x04, atomic<u32, bit_xor<u32>>),
    row("amoand.w", 2, 0x0c, atomic<u32, bit_and<u32>>),
    row("amoor.w", 2, 0x08, atomic<u32, bit_or<u32>>),
    row("amomin.w", 2, 0x10, atomic<u32, minimum<u32>>),
    row("amomax.w", 2, 0x14, atomic<u32, maximum<u32>>),
    row("amominu.w", 2, 0x18, atomic<u32, minimum_unsigned<u32>>),
    row("amomaxu.w", 2, 0x1c, atomic<u32, maximum_unsigned<u32>>),
    reserve("lr.d", 3, load_reserved<u64>),
    row("sc.d", 3, 0x03, store_conditional<u64>),
    row("amoswap.d", 3, 0x01, atomic<u64, swap<u64>>),
    row("amoadd.d", 3, 0x00, atomic<u64, add<u64>>),
    row("amoxor.d", 3, 0x04, atomic<u64, bit_xor<u64>>),
    row("amoand.d", 3, 0x0c, atomic<u64, bit_and<u64>>),
    row("amoor.d", 3, 0x08, atomic<u64, bit_or<u64>>),
    row("amomin.d", 3, 0x10, atomic<u64, minimum<u64>>),
    row("amomax.d", 3, 0x14, atomic<u64, maximum<u64>>),
    row("amominu.d", 3, 0x18, atomic<u64, minimum_unsigned<u64>>),
    row("amomaxu.d", 3, 0x1c, atomic<u64, maximum_unsigned<u64>>),
};

}  // namespace

std::span<const Row> atomic_rows() {
  return kRows;
}

}  // namespace holdfast::cpu::riscv
