// SPDX-License-Identifier: Apache-2.0
// Where an interrupt source's bit lies in a row of 32-bit words.
#pragma once

#include <cstdint>

namespace holdfast::devices {

constexpr unsigned word_of(unsigned source) { return source / 32; }
constexpr std::uint32_t bit_of(unsigned source) { return std::uint32_t{1} << (source % 32); }

}  // namespace holdfast::devices
