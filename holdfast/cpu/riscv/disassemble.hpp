// SPDX-License-Identifier: Apache-2.0
// Instructions as text, for logs and messages.
//
// Mnemonics come from the decoder's own rows, so what decodes has a text and what does not has
// none. The spelling is that of GNU objdump with `-M no-aliases`.
#pragma once

#include <cstdint>
#include <string>

namespace holdfast::cpu::riscv {

/// The text of the instruction that stands at `pc`, from which the targets of jumps are computed:
/// `addi a0,a0,-1`. The upper half of `instruction` is ignored for a compressed one. Every
/// extension the decoder knows is assumed present; what is no instruction becomes `.2byte 0x…` or
/// `.4byte 0x…`.
std::string disassemble(std::uint32_t instruction, std::uint64_t pc);

}  // namespace holdfast::cpu::riscv
