// SPDX-License-Identifier: Apache-2.0
// Reads instructions from standard input, four bytes each, and prints the text of each on a line,
// as if the n-th stood at 4 n. A compressed one has the upper half zero.
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include "holdfast/cpu/riscv/disassemble.hpp"

int main() {
  std::array<char, 4> bytes{};
  for (std::uint64_t pc = 0; std::fread(bytes.data(), bytes.size(), 1, stdin) == 1; pc += 4) {
    std::uint32_t word = 0;
    std::memcpy(&word, bytes.data(), sizeof word);
    std::puts(holdfast::cpu::riscv::disassemble(word, pc).c_str());
  }
  return 0;
}
