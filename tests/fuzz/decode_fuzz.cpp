// SPDX-License-Identifier: Apache-2.0
// Any bytes as instructions: decoded, written as text, and executed by a hart on a bench. The first byte says in which
// mode and with what extensions, the others are the program. Decoder and text must agree on what an instruction is;
// a hart that runs the program gets on, by an instruction or by a trap, and ends each slice.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "holdfast/base/check.hpp"
#include "holdfast/cpu/riscv/decode.hpp"
#include "holdfast/cpu/riscv/disassemble.hpp"
#include "tests/unit/cpu/bench.hpp"

namespace {

using namespace holdfast;
using namespace holdfast::cpu::riscv;
using test::riscv::Bench;

constexpr std::size_t kMostBytes = 0x1000;     // from the program's place to its handler's
constexpr std::uint64_t kSlices = 64;
constexpr std::uint64_t kInstructions = 32;    // a slice
constexpr std::uint64_t kNoCause = 31;         // that no trap has

const Decoder& decoder() {
  static const Decoder all{IsaSet::all()};
  return all;
}

/// The first four bytes; zeroes behind the last one.
std::uint32_t word_of(std::span<const std::uint8_t> bytes) {
  std::uint32_t word = 0;
  std::memcpy(&word, bytes.data(), std::min(bytes.size(), sizeof word));
  return word;
}

void check_text(std::uint32_t word, std::uint64_t pc) {
  const auto decoded = decoder().decode(word);
  HF_CHECK(decoded.instruction.run != nullptr, "{:#x} has nothing to run", word);
  const bool is_instruction = decoded.instruction.run != illegal_instruction;
  const std::string text = disassemble(word, pc);
  const bool is_data = text.starts_with(length_of(word) == 2 ? ".2byte " : ".4byte ");
  HF_CHECK(!text.empty() && text.size() < 80, "{:#x} is '{}'", word, text);
  HF_CHECK(is_instruction != is_data, "{:#x} is '{}'", word, text);
  for (const char c : text) HF_CHECK(c >= ' ' && c <= '~', "{:#x} has a character {:#x}", word, c);
  if (length_of(word) == 2 && is_instruction) {
    const std::uint32_t stands_for = expand_compressed(static_cast<std::uint16_t>(word));
    HF_CHECK(decoder().find(stands_for) != nullptr, "{:#x} stands for {:#x}", word, stands_for);
  }
}

class Program {
 public:
  Program(std::uint8_t how, std::span<const std::uint8_t> bytes)
      : bench_{{.isa = (how & 4) != 0 ? IsaSet::all() : kDefaultIsa}} {
    std::vector<std::uint32_t> words((bytes.size() + 3) / 4);
    std::memcpy(words.data(), bytes.data(), bytes.size());
    bench_.memory->write_code(test::riscv::kProgram, words);
    Hart& hart = bench_.hart;
    hart.set_csr(test::riscv::csr::kMstatus, 3U << 13);  // floating point is on
    // Bases for accesses in RAM, then at its end and where nothing is; then numbers.
    for (unsigned i = 1; i < 32; ++i) {
      const std::uint64_t base = test::riscv::kData + 64 * i;
      hart.set_integer(i, i < 24 ? base : i == 24 ? test::riscv::kRamBase + test::riscv::kRamSize - 4
                                      : i == 25 ? 0x4000'0000
                                                : (std::uint64_t{1} << (2 * i)) - i);
      hart.set_floating(i, i < 16 ? 0xffff'ffff'3f80'0000 + i : std::uint64_t{0x3ff0'0000'0000'0000} << (i - 16));
    }
    hart.set_pc(test::riscv::kProgram);
    constexpr Privilege kModes[] = {Privilege::kMachine, Privilege::kSupervisor, Privilege::kUser,
                                    Privilege::kMachine};
    hart.set_privilege(kModes[how & 3]);
  }

  void run() {
    for (std::uint64_t slice = 0; slice < kSlices; ++slice)
      if (!gets_on()) return;
  }

 private:
  /// A slice; false if the hart waits for something that does not come.
  bool gets_on() {
    Hart& hart = bench_.hart;
    hart.set_csr(test::riscv::csr::kMcause, kNoCause);
    hart.set_csr(test::riscv::csr::kScause, kNoCause);
    const std::uint64_t retired = hart.retired();
    const Stop stop = hart.run(kInstructions);
    HF_CHECK((hart.pc() & 1) == 0, "at {:#x}", hart.pc());
    if (stop == Stop::kWaiting || stop == Stop::kIdling) return false;
    HF_CHECK(stop == Stop::kBudget, "stops for {}", static_cast<int>(stop));
    HF_CHECK(hart.retired() != retired || trapped(), "stays at {:#x}", hart.pc());
    return true;
  }
  bool trapped() const {
    return bench_.csr_value(test::riscv::csr::kMcause) != kNoCause ||
           bench_.csr_value(test::riscv::csr::kScause) != kNoCause;
  }

  Bench bench_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3 || size > kMostBytes) return 0;
  const std::span program{data + 1, size - 1};
  for (std::size_t at = 0; at < program.size(); at += 2)
    check_text(word_of(program.subspan(at)), test::riscv::kProgram + at);
  Program{*data, program}.run();
  return 0;
}
