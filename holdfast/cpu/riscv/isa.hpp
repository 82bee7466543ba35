// SPDX-License-Identifier: Apache-2.0
// The vocabulary of the RISC-V privileged architecture: modes, causes, interrupts, extensions.
// SPEC: The RISC-V Instruction Set Manual, volumes I (20191213) and II (1.12).
#pragma once

#include <bit>
#include <cstdint>
#include <initializer_list>

namespace holdfast::cpu::riscv {

// Register values, addresses and guest memory are little endian throughout.
static_assert(std::endian::native == std::endian::little, "hosts are little endian");

enum class Privilege : std::uint8_t { kUser = 0, kSupervisor = 1, kMachine = 3 };

/// Synchronous exceptions, by their number in mcause.
enum class Cause : std::uint64_t {
  kInstructionMisaligned = 0,
  kInstructionAccess = 1,
  kIllegalInstruction = 2,
  kBreakpoint = 3,
  kLoadMisaligned = 4,
  kLoadAccess = 5,
  kStoreMisaligned = 6,
  kStoreAccess = 7,
  kEcallFromUser = 8,
  kEcallFromSupervisor = 9,
  kEcallFromMachine = 11,
  kInstructionPage = 12,
  kLoadPage = 13,
  kStorePage = 15,
};

/// Interrupts, by their bit in mip and mie.
enum class Interrupt : unsigned {
  kSupervisorSoftware = 1,
  kMachineSoftware = 3,
  kSupervisorTimer = 5,
  kMachineTimer = 7,
  kSupervisorExternal = 9,
  kMachineExternal = 11,
};
constexpr std::uint64_t bit_of(Interrupt interrupt) {
  return std::uint64_t{1} << static_cast<unsigned>(interrupt);
}

/// What an instruction that cannot complete reports: the cause and what goes to mtval.
struct Exception {
  Cause cause = Cause::kIllegalInstruction;
  std::uint64_t value = 0;
};

enum class Extension : unsigned {
  kI,
  kM,
  kA,
  kF,
  kD,
  kC,  // single letters
  kZicbom,
  kZicboz,
  kZicntr,
  kZicond,
  kZicsr,
  kZifencei,
  kZihintpause,  // a hint: it changes what the hart is said to have, and nothing else
  kZihpm,
  kZba,
  kZbb,
  kZbc,
  kZbs,
  kSmaia,
  kSsaia,
  kSstc,
  kSvade,  // with kSvadu: menvcfg.ADUE is clear after reset
  kSvadu,  // accessed and dirty bits are written by the hart while menvcfg.ADUE is set
  kSvinval,
  kPmp,  // not an extension by name, but as optional as one
};

/// The extensions a hart has. M, S and U modes are always there.
class IsaSet {
 public:
  constexpr IsaSet(std::initializer_list<Extension> extensions) {
    for (const Extension e : extensions) bits_ |= bit(e);
  }
  /// Every extension the decoder knows.
  static constexpr IsaSet all() { return IsaSet{~std::uint64_t{0}}; }

  constexpr bool has(Extension e) const { return (bits_ & bit(e)) != 0; }
  constexpr IsaSet with(Extension e) const { return IsaSet{bits_ | bit(e)}; }
  constexpr IsaSet without(Extension e) const { return IsaSet{bits_ & ~bit(e)}; }
  constexpr bool operator==(const IsaSet&) const = default;

 private:
  explicit constexpr IsaSet(std::uint64_t bits) : bits_{bits} {}
  static constexpr std::uint64_t bit(Extension e) {
    return std::uint64_t{1} << static_cast<unsigned>(e);
  }
  std::uint64_t bits_ = 0;
};

/// What a hart is unless told otherwise.
inline constexpr IsaSet kDefaultIsa{
    Extension::kI,      Extension::kM,        Extension::kA,           Extension::kF,
    Extension::kD,      Extension::kC,        Extension::kZicbom,      Extension::kZicboz,
    Extension::kZicntr, Extension::kZicond,   Extension::kZicsr,       Extension::kZifencei,
    Extension::kZihpm,  Extension::kZihintpause, Extension::kZba,      Extension::kZbb,
    Extension::kZbc,    Extension::kZbs,      Extension::kSstc,        Extension::kSvadu,
    Extension::kSvinval, Extension::kPmp};

/// The largest page tables satp can name, by the number of their mode there.
enum class Paging : std::uint8_t { kNone = 0, kSv39 = 8, kSv48 = 9, kSv57 = 10 };

/// From where a semihosting call (an EBREAK between two marks) goes to the host instead of trapping.
enum class HostCalls : std::uint8_t { kNever, kPrivileged, kFromUserToo };

/// What one hart is.
struct HartConfig {
  std::uint64_t hart_id = 0;
  std::uint64_t reset_vector = 0x1000;
  IsaSet isa = kDefaultIsa;
  Paging paging = Paging::kSv57;
  HostCalls host_calls = HostCalls::kNever;
  std::uint16_t clean_block = 64;  // bytes that CBO.CLEAN, FLUSH and INVAL work on
  std::uint16_t zero_block = 64;   // bytes that CBO.ZERO clears: a power of two below a page
  std::uint8_t event_counters = 16;  // mhpmcounter3 and so on: at most 29
  std::uint32_t vendor_id = 0;
  std::uint64_t architecture_id = 0;
  std::uint64_t implementation_id = 0;
};

}  // namespace holdfast::cpu::riscv
