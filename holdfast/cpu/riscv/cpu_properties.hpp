// SPDX-License-Identifier: Apache-2.0
// What may be said of a hart by name: one table, from which come the options of `-cpu`, the
// properties of the device, the help text and the ISA string.
//
// The order is that of the ISA string: single letters, then Z extensions, then S extensions.
// SPEC: volume I, chapter "ISA Extension Naming Conventions".
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

#include "holdfast/cpu/riscv/isa.hpp"

namespace holdfast::cpu::riscv {

struct CpuProperty {
  enum class Kind : std::uint8_t {
    kExtension,
    kAlways,  // on, and can only be said to be
    kNever,   // off, and can only be said to be
    kGeneral,
    kPaging,
    kBlock,  // a power of two, in bytes
    kNumber,
  };
  std::string_view name;
  std::string_view other;  // another spelling, or ""
  Kind kind = Kind::kExtension;
  std::string_view help;
  Extension extension = Extension::kI;  // kExtension
  Paging paging = Paging::kNone;        // kPaging
  std::uint64_t fallback = 0;           // what the model `rv64` has
  std::uint64_t least = 0;              // kBlock, kNumber
  std::uint64_t most = 1;

  constexpr bool is_switch() const { return kind != Kind::kBlock && kind != Kind::kNumber; }
};

namespace cpu_property {

using Kind = CpuProperty::Kind;

constexpr CpuProperty extension(std::string_view name, Extension e, std::string_view help,
                                std::string_view other = "") {
  return {.name = name, .other = other, .kind = Kind::kExtension, .help = help, .extension = e,
          .fallback = kDefaultIsa.has(e) ? 1U : 0U};
}
constexpr CpuProperty always(std::string_view name, std::string_view help) {
  return {.name = name, .other = "", .kind = Kind::kAlways, .help = help, .fallback = 1, .least = 1};
}
constexpr CpuProperty never(std::string_view name, std::string_view help,
                            std::string_view other = "") {
  return {.name = name, .other = other, .kind = Kind::kNever, .help = help, .most = 0};
}
constexpr CpuProperty paging(std::string_view name, Paging mode, std::string_view help) {
  return {.name = name, .other = "", .kind = Kind::kPaging, .help = help, .paging = mode,
          .fallback = 1};
}

}  // namespace cpu_property

inline constexpr CpuProperty kCpuProperties[] = {
    cpu_property::always("i", "base integer instructions"),
    cpu_property::extension("m", Extension::kM, "multiplication and division"),
    cpu_property::extension("a", Extension::kA, "atomic instructions"),
    cpu_property::extension("f", Extension::kF, "single-precision floating point"),
    cpu_property::extension("d", Extension::kD, "double-precision floating point"),
    cpu_property::extension("c", Extension::kC, "compressed instructions"),
    cpu_property::extension("zicbom", Extension::kZicbom, "cache blocks: clean, flush, invalidate"),
    cpu_property::extension("zicboz", Extension::kZicboz, "cache blocks: zero"),
    cpu_property::extension("zicntr", Extension::kZicntr, "cycle, time and instret"),
    cpu_property::extension("zicond", Extension::kZicond, "conditional zero", "x-zicond"),
    cpu_property::extension("zicsr", Extension::kZicsr, "instructions for registers of control",
                            "Zicsr"),
    cpu_property::extension("zifencei", Extension::kZifencei, "FENCE.I", "Zifencei"),
    cpu_property::extension("zihintpause", Extension::kZihintpause, "PAUSE", "Zihintpause"),
    cpu_property::extension("zihpm", Extension::kZihpm, "hpmcounter3 to hpmcounter31"),
    cpu_property::extension("zba", Extension::kZba, "bits: addresses", "Zba"),
    cpu_property::extension("zbb", Extension::kZbb, "bits: basic", "Zbb"),
    cpu_property::extension("zbc", Extension::kZbc, "bits: carry-less products", "Zbc"),
    cpu_property::extension("zbs", Extension::kZbs, "bits: single ones", "Zbs"),
    cpu_property::extension("smaia", Extension::kSmaia, "advanced interrupts, machine level",
                            "x-smaia"),
    cpu_property::extension("ssaia", Extension::kSsaia, "advanced interrupts, supervisor level",
                            "x-ssaia"),
    cpu_property::extension("sstc", Extension::kSstc, "stimecmp"),
    cpu_property::extension("svade", Extension::kSvade,
                            "unmarked pages fault, with svadu until menvcfg.ADUE is set"),
    cpu_property::extension("svadu", Extension::kSvadu,
                            "the hart marks pages accessed and dirty; off: they fault"),
    cpu_property::extension("svinval", Extension::kSvinval, "SINVAL.VMA and its fences"),
    cpu_property::always("s", "supervisor mode"),
    cpu_property::always("u", "user mode"),
    {.name = "g", .other = "", .kind = CpuProperty::Kind::kGeneral,
     .help = "on: i, m, a, f, d, zicsr and zifencei"},
    {.name = "mmu", .other = "", .kind = CpuProperty::Kind::kPaging, .help = "page tables of any kind",
     .fallback = 1},
    cpu_property::paging("sv39", Paging::kSv39, "page tables of 3 levels; on: and no more"),
    cpu_property::paging("sv48", Paging::kSv48, "page tables of 4 levels; on: and no more"),
    cpu_property::paging("sv57", Paging::kSv57, "page tables of 5 levels"),
    cpu_property::extension("pmp", Extension::kPmp, "16 entries of physical memory protection"),
    {.name = "cbom_blocksize", .other = "", .kind = CpuProperty::Kind::kBlock,
     .help = "bytes of a block that is cleaned, flushed or invalidated", .fallback = 64, .least = 8,
     .most = 4096},
    {.name = "cboz_blocksize", .other = "", .kind = CpuProperty::Kind::kBlock,
     .help = "bytes of a block that is zeroed", .fallback = 64, .least = 8, .most = 4096},
    {.name = "pmu-num", .other = "", .kind = CpuProperty::Kind::kNumber,
     .help = "event counters", .fallback = 16, .most = 29},
    {.name = "mvendorid", .other = "", .kind = CpuProperty::Kind::kNumber, .help = "the register",
     .most = 0xffffffff},
    {.name = "marchid", .other = "", .kind = CpuProperty::Kind::kNumber, .help = "the register",
     .most = ~std::uint64_t{0}},
    {.name = "mimpid", .other = "", .kind = CpuProperty::Kind::kNumber, .help = "the register",
     .most = ~std::uint64_t{0}},
    cpu_property::never("e", "16 registers"),
    cpu_property::never("h", "hypervisor"),
    cpu_property::never("v", "vectors"),
    cpu_property::never("zfh", "half-precision floating point", "Zfh"),
    cpu_property::never("zfhmin", "half-precision floating point, moved only", "Zfhmin"),
    cpu_property::never("zfinx", "floating point in integer registers"),
    cpu_property::never("zdinx", "the same, double precision"),
    cpu_property::never("sscofpmf", "overflow of counters"),
    cpu_property::never("svnapot", "naturally aligned groups of pages"),
    cpu_property::never("svpbmt", "memory types of pages"),
    cpu_property::never("debug", "triggers"),
};
inline constexpr std::size_t kCpuPropertyCount = std::size(kCpuProperties);

}  // namespace holdfast::cpu::riscv
