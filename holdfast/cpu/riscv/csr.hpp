// SPDX-License-Identifier: Apache-2.0
// Control and status registers: their storage, and the table that says who may do what with them.
// SPEC: volume II, chapters 2 to 4.
#pragma once

#include <array>
#include <cstdint>

#include "holdfast/cpu/riscv/isa.hpp"
#include "holdfast/cpu/riscv/mmu.hpp"

namespace holdfast::cpu::riscv {

struct Core;

namespace mstatus {
inline constexpr std::uint64_t kSie = 1u << 1, kMie = 1u << 3, kSpie = 1u << 5, kMpie = 1u << 7;
inline constexpr std::uint64_t kSpp = 1u << 8, kMpp = 3u << 11, kFs = 3u << 13;
inline constexpr std::uint64_t kMprv = 1u << 17, kSum = 1u << 18, kMxr = 1u << 19;
inline constexpr std::uint64_t kTvm = 1u << 20, kTw = 1u << 21, kTsr = 1u << 22;
inline constexpr std::uint64_t kUxl = std::uint64_t{2} << 32, kSxl = std::uint64_t{2} << 34;
inline constexpr std::uint64_t kSd = std::uint64_t{1} << 63;
inline constexpr unsigned kMppShift = 11;
}  // namespace mstatus

/// What the architecture counts in instructions: a number that moves with them unless inhibited.
/// mcycle counts instructions too: an interpreter has no cycles of its own.
class Counter {
 public:
  std::uint64_t at(std::uint64_t retired) const { return running_ ? base_ + retired : base_; }
  void set(std::uint64_t value, std::uint64_t retired) {
    base_ = running_ ? value - retired : value;
  }
  void run(bool running, std::uint64_t retired) {
    const std::uint64_t value = at(retired);
    running_ = running;
    set(value, retired);
  }

 private:
  std::uint64_t base_ = 0;
  bool running_ = true;
};

namespace menvcfg {
inline constexpr std::uint64_t kFiom = 1;
inline constexpr std::uint64_t kCbie = 3u << 4, kCbcfe = 1u << 6, kCbze = 1u << 7;
inline constexpr std::uint64_t kAdue = std::uint64_t{1} << 61;
inline constexpr std::uint64_t kStce = std::uint64_t{1} << 63;
}  // namespace menvcfg

/// menvcfg after reset: pages are marked by the hart unless Svade says that this is to be asked for.
constexpr std::uint64_t environment_at_reset(IsaSet isa) {
  return isa.has(Extension::kSvadu) && !isa.has(Extension::kSvade) ? menvcfg::kAdue : 0;
}

constexpr Marking marking(std::uint64_t environment) {
  return (environment & menvcfg::kAdue) != 0 ? Marking::kByHart : Marking::kByFault;
}

/// Plain storage; reads and writes by number go through `read_csr` and `write_csr`.
struct Csrs {
  std::uint64_t mstatus = mstatus::kUxl | mstatus::kSxl;  // SD is computed when read
  std::uint64_t medeleg = 0, mideleg = 0, mie = 0;
  std::uint64_t mip_written = 0;  // the bits software set; pins and timers are OR-ed in
  std::uint64_t mtvec = 0, mscratch = 0, mepc = 0, mcause = 0, mtval = 0;
  std::uint64_t mcounteren = 0, mcountinhibit = 0, menvcfg = 0;
  std::uint64_t stvec = 0, sscratch = 0, sepc = 0, scause = 0, stval = 0;
  std::uint64_t scounteren = 0, senvcfg = 0, satp = 0;
  std::uint64_t stimecmp = ~std::uint64_t{0};
  // Smaia and Ssaia; zero without them.
  using Priorities = std::array<std::uint8_t, 16>;  // by interrupt
  std::uint64_t mvien = 0, mvip = 0, sie_virtual = 0, miselect = 0, siselect = 0;
  Priorities machine_priorities{}, supervisor_priorities{};
  Counter cycle, instret;
  // The event counters from number 3 on, and what they are to count: nothing there is. Zero where
  // the configuration has none.
  std::array<std::uint64_t, 32> event_counters{}, events{};
  std::uint8_t fflags = 0, frm = 0;
};

/// Whether this hart has the register and its privilege reaches it, for reading or also writing.
enum class CsrUse : std::uint8_t { kRead, kWrite };
bool may_use_csr(const Core& core, unsigned number, CsrUse use);

/// For registers `may_use_csr` permits. `for_update` asks for the value that a set-bits or
/// clear-bits instruction starts from, which for mip leaves out what hardware holds up.
std::uint64_t read_csr(const Core& core, unsigned number);
std::uint64_t read_csr_for_update(const Core& core, unsigned number);
void write_csr(Core& core, unsigned number, std::uint64_t value);

constexpr bool is_read_only_csr(unsigned number) {
  return (number >> 10 & 3) == 3;
}

/// The name, or nullptr if there is no such register.
const char* csr_name(unsigned number);

namespace csr {
inline constexpr unsigned kFflags = 0x001, kFrm = 0x002, kFcsr = 0x003;
inline constexpr unsigned kMstatus = 0x300, kMip = 0x344, kMcycle = 0xb00, kMinstret = 0xb02;
}  // namespace csr

}  // namespace holdfast::cpu::riscv
