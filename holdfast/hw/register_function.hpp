// SPDX-License-Identifier: Apache-2.0
// The functions of registers, twice. By its type, while the device is compiled: a register map is a
// constant, and checks widths and indices. Without a type, while the device runs: a register bank is
// no template, for every device has registers, and a bank of its own each would be compiled in
// every file that sees one.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace holdfast::hw::detail {

class AnyClass;
/// What a pointer to a member function is made of.
using FunctionBytes = std::array<std::byte, sizeof(void (AnyClass::*)())>;

/// A member function whose class and type only `call` knows. May be empty.
template <class R, class... Args>
struct AnyFunction {
  R (*call)(const FunctionBytes& function, void* target, Args... args) = nullptr;
  FunctionBytes function{};

  explicit operator bool() const { return call != nullptr; }
  R operator()(void* target, Args... args) const { return call(function, target, args...); }
};

using AnyRead = AnyFunction<std::uint64_t, unsigned>;        // index
using AnyWrite = AnyFunction<void, unsigned, std::uint64_t>;  // index, value
using AnyBackgroundRead = AnyFunction<std::uint64_t, std::uint64_t, unsigned>;
using AnyBackgroundWrite = AnyFunction<void, std::uint64_t, unsigned, std::uint64_t>;

/// A function of the same arguments.
template <class T, class R, class... Args>
AnyFunction<R, Args...> any_function(R (T::*function)(Args...)) {
  if (function == nullptr) return {};
  return {.call = [](const FunctionBytes& bytes, void* target, Args... args) -> R {
            return (static_cast<T*>(target)->*std::bit_cast<R (T::*)(Args...)>(bytes))(args...);
          },
          .function = std::bit_cast<FunctionBytes>(function)};
}

template <class T, class V>
union ReadOf {
  V (T::*single)();
  V (T::*single_const)() const;
  V (T::*element)(unsigned index);
  V (T::*element_const)(unsigned index) const;
};

template <class T, class V>
union WriteOf {
  void (T::*single)(V);
  void (T::*element)(unsigned index, V);
};

/// ReadOf or WriteOf one of the widths there are.
template <class T, template <class, class> class Of>
union OfAnyWidth {
  constexpr OfAnyWidth(Of<T, std::uint8_t> function) : bits8{function} {}
  constexpr OfAnyWidth(Of<T, std::uint16_t> function) : bits16{function} {}
  constexpr OfAnyWidth(Of<T, std::uint32_t> function) : bits32{function} {}
  constexpr OfAnyWidth(Of<T, std::uint64_t> function) : bits64{function} {}

  Of<T, std::uint8_t> bits8;
  Of<T, std::uint16_t> bits16;
  Of<T, std::uint32_t> bits32;
  Of<T, std::uint64_t> bits64;
};

enum class Index : bool { kNone, kFirst };

/// Any function that reads a register of T, or none.
template <class T>
class ReadFunction {
 public:
  constexpr ReadFunction() = default;
  template <class V>
  constexpr ReadFunction(V (T::*function)())
      : ReadFunction{ReadOf<T, V>{.single = function}, Index::kNone, single<V (T::*)()>} {}
  template <class V>
  constexpr ReadFunction(V (T::*function)() const)
      : ReadFunction{ReadOf<T, V>{.single_const = function}, Index::kNone,
                     single<V (T::*)() const>} {}
  template <class V>
  constexpr ReadFunction(V (T::*function)(unsigned))
      : ReadFunction{ReadOf<T, V>{.element = function}, Index::kFirst,
                     element<V (T::*)(unsigned)>} {}
  template <class V>
  constexpr ReadFunction(V (T::*function)(unsigned) const)
      : ReadFunction{ReadOf<T, V>{.element_const = function}, Index::kFirst,
                     element<V (T::*)(unsigned) const>} {}

  AnyRead any() const { return {call_, std::bit_cast<FunctionBytes>(function_)}; }

  unsigned width = 0;  // bytes; of no function 0
  Index index = Index::kNone;

 private:
  template <class V>
  constexpr ReadFunction(ReadOf<T, V> function, Index takes, decltype(AnyRead::call) call)
      : width{sizeof(V)}, index{takes}, function_{function}, call_{call} {}

  template <class F>
  static std::uint64_t single(const FunctionBytes& function, void* target, unsigned) {
    return (static_cast<T*>(target)->*std::bit_cast<F>(function))();
  }
  template <class F>
  static std::uint64_t element(const FunctionBytes& function, void* target, unsigned index) {
    return (static_cast<T*>(target)->*std::bit_cast<F>(function))(index);
  }

  OfAnyWidth<T, ReadOf> function_{ReadOf<T, std::uint8_t>{}};
  decltype(AnyRead::call) call_ = nullptr;
};

/// Any function that writes one, or none. (With an index: that first, then the value.)
template <class T>
class WriteFunction {
 public:
  constexpr WriteFunction() = default;
  template <class V>
  constexpr WriteFunction(void (T::*function)(V))
      : WriteFunction{WriteOf<T, V>{.single = function}, Index::kNone, single<V>} {}
  template <class V>
  constexpr WriteFunction(void (T::*function)(unsigned, V))
      : WriteFunction{WriteOf<T, V>{.element = function}, Index::kFirst, element<V>} {}

  AnyWrite any() const { return {call_, std::bit_cast<FunctionBytes>(function_)}; }

  unsigned width = 0;  // bytes; of no function 0
  Index index = Index::kNone;

 private:
  template <class V>
  constexpr WriteFunction(WriteOf<T, V> function, Index takes, decltype(AnyWrite::call) call)
      : width{sizeof(V)}, index{takes}, function_{function}, call_{call} {}

  template <class V>
  static void single(const FunctionBytes& function, void* target, unsigned, std::uint64_t value) {
    (static_cast<T*>(target)->*std::bit_cast<void (T::*)(V)>(function))(static_cast<V>(value));
  }
  template <class V>
  static void element(const FunctionBytes& function, void* target, unsigned index,
                      std::uint64_t value) {
    (static_cast<T*>(target)->*std::bit_cast<void (T::*)(unsigned, V)>(function))(
        index, static_cast<V>(value));
  }

  OfAnyWidth<T, WriteOf> function_{WriteOf<T, std::uint8_t>{}};
  decltype(AnyWrite::call) call_ = nullptr;
};

}  // namespace holdfast::hw::detail
