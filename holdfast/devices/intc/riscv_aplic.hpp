// SPDX-License-Identifier: Apache-2.0
// The advanced platform-level interrupt controller of RISC-V boards: wired interrupts for harts, by
// lines (direct delivery) or as messages to their IMSICs.
//
// It has two interrupt domains, each with a register region of its own: "machine", the root, to which
// all sources belong at first, and "supervisor", its child 0, to which the root hands sources on. Source
// 0 does not exist. Which of the two ways of delivery there is, is fixed: domaincfg.DM is read-only.
//
// Messages are written through the device's own address space, so they are posted: performed after the
// callback that made them pending, in order.
//
// SPEC: The RISC-V Advanced Interrupt Architecture 1.0, chapter 4; sections are named where they apply.
// Registers are little-endian (domaincfg.BE is 0) and take aligned accesses of 32 bits; others are
// refused (4.5).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "holdfast/hw/irq.hpp"
#include "holdfast/hw/mmio.hpp"
#include "holdfast/hw/space.hpp"
#include "holdfast/hw/state.hpp"
#include "holdfast/memory/port.hpp"

namespace holdfast::devices {

class RiscvAplic final : public hw::Device {
 public:
  static const object::Type kType;
  static constexpr unsigned kMostSources = 1023;
  static constexpr unsigned kMostHarts = 512;
  static constexpr std::uint64_t kRegionSize = 0x8000;  // of each domain
  enum class Delivery : std::uint8_t { kDirect, kMessages };
  struct Config {
    unsigned sources = 96;  // numbered from 1
    unsigned harts = 1;     // that it has lines to
    unsigned priority_bits = 3;  // 1 to 8
    Delivery delivery = Delivery::kDirect;
  };
  RiscvAplic(const hw::DeviceInit& init, const Config& config);

 private:
  using Words = std::vector<std::uint32_t>;
  enum class Level : std::uint8_t { kMachine, kSupervisor };
  static constexpr unsigned kWords = 32;  // of a bit a source

  /// One interrupt domain.
  class Domain {
   public:
    Domain(RiscvAplic& aplic, Level level, const std::string& name);

    /// The line of a source that is this domain's changed.
    void source_changed(unsigned source);
    /// The source is no longer, or not yet, this domain's.
    void forget(unsigned source);
    bool delegates(unsigned source) const;

   private:
    // Registers.
    std::uint32_t config() const;
    void set_config(std::uint32_t value);
    std::uint32_t source_config(unsigned index) const;
    void set_source_config(unsigned index, std::uint32_t value);
    std::uint32_t message_address(unsigned index) const;
    void set_message_address(unsigned index, std::uint32_t value);
    std::uint32_t pending(unsigned word) const { return pending_[word]; }
    void set_pending(unsigned word, std::uint32_t bits);
    void set_pending_number(std::uint32_t source);
    void set_pending_number_swapped(std::uint32_t source) {
      set_pending_number(__builtin_bswap32(source));
    }
    std::uint32_t inputs(unsigned word) const;
    void clear_pending(unsigned word, std::uint32_t bits);
    void clear_pending_number(std::uint32_t source);
    std::uint32_t enabled(unsigned word) const { return enabled_[word]; }
    void enable(unsigned word, std::uint32_t bits);
    void enable_number(std::uint32_t source);
    void disable(unsigned word, std::uint32_t bits);
    void disable_number(std::uint32_t source);
    std::uint32_t zero() const { return 0; }
    std::uint32_t zeroes(unsigned) const { return 0; }
    std::uint32_t message() const { return message_; }
    void send_message(std::uint32_t value);
    std::uint32_t target(unsigned index) const;
    void set_target(unsigned index, std::uint32_t value);
    std::uint32_t delivers(unsigned hart) const { return of_hart(delivers_, hart); }
    void set_delivers(unsigned hart, std::uint32_t value) { set_of_hart(delivers_, hart, value & 1); }
    std::uint32_t forced(unsigned hart) const { return of_hart(forced_, hart); }
    void set_forced(unsigned hart, std::uint32_t value) { set_of_hart(forced_, hart, value & 1); }
    std::uint32_t threshold(unsigned hart) const { return of_hart(threshold_, hart); }
    void set_threshold(unsigned hart, std::uint32_t value);
    std::uint32_t top(unsigned hart) const;
    std::uint32_t claim(unsigned hart);

    bool has_messages() const { return aplic_.config_.delivery == Delivery::kMessages; }
    std::uint32_t of_hart(const hw::State<Words>& values, unsigned hart) const;
    void set_of_hart(hw::State<Words>& values, unsigned hart, std::uint32_t value);

    bool has_source(unsigned source) const;
    bool has_hart(unsigned hart) const { return !has_messages() && hart < aplic_.harts_; }
    bool is_active(unsigned source) const;
    void make_pending(unsigned source, bool pending);
    /// As the mode makes of the wire: high if it asks.
    bool rectified(unsigned source) const;
    bool is_level(unsigned source) const;
    void ask_by_write(unsigned source);
    void unask_by_write(unsigned source);
    /// The bits of a word that are sources which are active here.
    std::uint32_t active(unsigned word) const;
    /// What follows from any change: lines to harts, or messages.
    void update();
    void update_lines();
    void send_messages();
    void send(std::uint32_t hart, std::uint32_t guest, std::uint32_t identity);
    std::uint64_t address_of(std::uint32_t hart, std::uint32_t guest) const;

    RiscvAplic& aplic_;  // which this is a member of
    const Level level_;
    // Guest-visible state. By source:
    hw::State<Words> source_config_;
    hw::State<Words> target_;
    hw::State<std::array<std::uint32_t, kWords>> pending_;
    hw::State<std::array<std::uint32_t, kWords>> enabled_;
    // By hart:
    hw::State<Words> delivers_;
    hw::State<Words> forced_;
    hw::State<Words> threshold_;
    hw::State<bool> is_on_;
    hw::State<std::uint32_t> message_;
    // Wiring.
    hw::IrqOutArray lines_;
    hw::Mmio regs_;
  };

  Domain& domain_of(unsigned source) {
    return machine_.delegates(source) ? supervisor_ : machine_;
  }
  void input_changed(unsigned source, bool level);
  Result<void> check() override;

  // Configuration.
  const Config config_;
  const unsigned sources_;
  const unsigned harts_;
  // Guest-visible state: mmsiaddrcfg, mmsiaddrcfgh, smsiaddrcfg, smsiaddrcfgh, for both domains.
  hw::State<std::array<std::uint32_t, 4>> message_addresses_{*this, "message-addresses"};
  // Wiring.
  hw::RegionLink memory_{*this, "memory"};
  hw::Space space_{*this, "messages", memory_};
  memory::Port port_{*space_};
  hw::IrqInArray in_{*this, "in", sources_ + 1, &RiscvAplic::input_changed};
  Domain machine_{*this, Level::kMachine, "machine"};
  Domain supervisor_{*this, Level::kSupervisor, "supervisor"};
};

}  // namespace holdfast::devices
