// SPDX-License-Identifier: Apache-2.0
#include "holdfast/boards/loader/riscv_boot.hpp"

#include <cstring>

#include "holdfast/base/check.hpp"

namespace holdfast::boards {
namespace {

// Registers and instructions by the names of the RISC-V assembler's manual.
enum Register : std::uint32_t { kZero = 0, kT0 = 5, kA0 = 10, kA1 = 11, kA2 = 12 };
constexpr std::uint32_t kMhartid = 0xf14;

constexpr std::uint32_t i_type(std::uint32_t opcode, std::uint32_t funct3, Register rd, Register rs1,
                               std::uint32_t immediate) {
  return (immediate & 0xfff) << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode;
}
constexpr std::uint32_t auipc(Register rd, std::uint32_t upper) { return upper << 12 | rd << 7 | 0x17; }
constexpr std::uint32_t addi(Register rd, Register rs1, std::uint32_t immediate) {
  return i_type(0x13, 0, rd, rs1, immediate);
}
constexpr std::uint32_t ld(Register rd, std::uint32_t offset, Register rs1) {
  return i_type(0x03, 3, rd, rs1, offset);
}
constexpr std::uint32_t csrr(Register rd, std::uint32_t csr) { return i_type(0x73, 2, rd, kZero, csr); }
constexpr std::uint32_t jr(Register rs1) { return i_type(0x67, 0, kZero, rs1, 0); }

// The code is six instructions; the numbers it needs follow.
constexpr std::uint32_t kFirmware = 24;
constexpr std::uint32_t kDeviceTree = 32;
constexpr std::uint32_t kInfo = 40;

constexpr std::array kCode{
    auipc(kT0, 0),            // where the ROM begins
    csrr(kA0, kMhartid),      //
    ld(kA1, kDeviceTree, kT0),  //
    addi(kA2, kT0, kInfo),    //
    ld(kT0, kFirmware, kT0),  //
    jr(kT0),                  //
};
static_assert(sizeof kCode == kFirmware);

template <class T>
void put(std::vector<std::byte>& out, const T& value) {
  const auto at = out.size();
  out.resize(at + sizeof value);
  std::memcpy(out.data() + at, &value, sizeof value);
}

}  // namespace

std::array<std::byte, FwDynamicInfo::kSize> FwDynamicInfo::bytes() const {
  const std::array<std::uint64_t, 6> words{
      kMagic, kVersion, next_address, static_cast<std::uint64_t>(next_mode), options, boot_hart};
  std::array<std::byte, kSize> out{};
  static_assert(sizeof words == sizeof out);
  std::memcpy(out.data(), words.data(), sizeof out);
  return out;
}

std::vector<std::byte> boot_rom(const BootRomPlan& plan) {
  HF_CHECK(plan.at % 8 == 0, "boot ROM at {:#x}: its numbers would not be aligned", plan.at);
  std::vector<std::byte> rom;
  put(rom, kCode);
  put(rom, plan.firmware);
  put(rom, plan.device_tree);
  put(rom, plan.next.bytes());
  return rom;
}

}  // namespace holdfast::boards
