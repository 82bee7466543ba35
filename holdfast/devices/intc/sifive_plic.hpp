// SPDX-License-Identifier: Apache-2.0
// The platform-level interrupt controller of RISC-V boards, with SiFive's memory map.
//
// SPEC: "RISC-V Platform-Level Interrupt Controller Specification" 1.0.0, chapters 3 "Memory Map" to
// 9 "Interrupt Completion"; sources are level-triggered (chapter 1.2, gateways).
// A source whose level rises asks once; the next request comes when the last one is completed and the
// level is (still, or again) high. Source 0 does not exist. A context is a hart in a mode; which one,
// the board's wires say. What is no aligned access of 32 bits is refused.
// LOCK: harts come here all the time, so nobody waits for anybody at the gate: a grace period covers
// whoever is inside. Registers are read without a lock; `mutex_` is held by whoever changes them.
#pragma once

#include <cstdint>

#include "holdfast/base/mutex.hpp"
#include "holdfast/hw/atomic_words.hpp"
#include "holdfast/hw/irq.hpp"
#include "holdfast/hw/mmio.hpp"

namespace holdfast::devices {

class SifivePlic final : public hw::Device {
 public:
  static const object::Type kType;
  struct Config {
    unsigned sources = 96;  // numbers 0 to sources - 1; at most 1024
    unsigned contexts = 2;  // at most 1024
    unsigned highest_priority = 7;  // one less than a power of two
  };
  SifivePlic(const hw::DeviceInit& init, const Config& config);

 private:
  static constexpr unsigned kWordsPerContext = 32;

  // Registers.
  std::uint32_t priority(unsigned source) const;
  void set_priority(unsigned source, std::uint32_t value);
  std::uint32_t pending(unsigned word) const { return word < words_ ? pending_[word] : 0; }
  std::uint32_t enabled(unsigned index) const;
  void set_enabled(unsigned index, std::uint32_t value);
  std::uint32_t threshold(unsigned context) const;
  void set_threshold(unsigned context, std::uint32_t value);
  std::uint32_t claim(unsigned context);
  void complete(unsigned context, std::uint32_t source);

  void source_changed(unsigned source, bool level);
  /// The gateway of a source whose level is high: asks if no request is under way.
  void ask(unsigned source) HF_REQUIRES(mutex_);
  std::uint32_t enable_word(unsigned context, unsigned word) const {
    return enabled_[std::size_t{context} * words_ + word];
  }
  /// The pending source of the highest priority that the context has enabled, above `floor`; the
  /// lowest number of several; 0 if there is none.
  unsigned best(unsigned context, std::uint32_t floor) const;
  void update(unsigned context) HF_REQUIRES(mutex_);
  void update_all() HF_REQUIRES(mutex_);
  bool exists(unsigned source) const { return source != 0 && source < sources_; }
  Result<void> check() override;
  void on_reset(hw::ResetPhase phase) override;

  // Configuration.
  const Config config_;
  const unsigned sources_;
  const unsigned contexts_;
  const unsigned words_;  // of one bit a source
  // Guest-visible state.
  Mutex mutex_{LockRank::kDevice, "plic"};
  hw::AtomicWords priority_{*this, "priority", sources_};
  hw::AtomicWords pending_{*this, "pending", words_};
  hw::AtomicWords in_service_{*this, "in-service", words_};  // claimed, not completed
  hw::AtomicWords enabled_{*this, "enable", std::size_t{words_} * contexts_};
  hw::AtomicWords threshold_{*this, "threshold", contexts_};
  // Wiring.
  hw::IrqInArray in_{*this, "in", sources_, &SifivePlic::source_changed};
  hw::IrqOutArray context_{*this, "context", contexts_};
  hw::Mmio regs_{
      *this, "regs",
      hw::register_map<SifivePlic>(
          0x60'0000,
          {{.at = 0x00'0000, .name = "priority", .read = &SifivePlic::priority,
            .write = &SifivePlic::set_priority, .count = 1024},
           {.at = 0x00'1000, .name = "pending", .read = &SifivePlic::pending,
            .count = kWordsPerContext},
           {.at = 0x00'2000, .name = "enable", .read = &SifivePlic::enabled,
            .write = &SifivePlic::set_enabled, .count = 1024 * kWordsPerContext},
           {.at = 0x20'0000, .name = "threshold", .read = &SifivePlic::threshold,
            .write = &SifivePlic::set_threshold, .count = 1024, .stride = 0x1000},
           {.at = 0x20'0004, .name = "claim", .read = &SifivePlic::claim,
            .write = &SifivePlic::complete, .count = 1024, .stride = 0x1000}},
          {.access = {.valid = {.min = 4, .max = 4}}})};
};

}  // namespace holdfast::devices
