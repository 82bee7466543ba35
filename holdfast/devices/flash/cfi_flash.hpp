// SPDX-License-Identifier: Apache-2.0
// A bank of parallel NOR flash: two 16-bit chips side by side on a bus of 32 bits, with the Intel
// command set. In array mode reads are plain memory; a command switches the region to callbacks.
//
// Modelled: read array, identifiers and block locks (90), query (98), status (70, 50), program of
// words (40, 10) and through the buffer (E8), block erase (20), lock, unlock and lock down of blocks
// (60), suspend and resume (B0, D0). The chips work in step: what one is told, the other is, too, so
// a command is the low byte of what is written, whichever lanes it uses; data go where they are
// written. Programming can only clear bits.
// Not modelled: times (an operation is over, and its bytes are in the drive, before the access that
// started it returns, so suspend finds nothing to suspend and the status says so), protection
// registers, the configuration of synchronous reads. Blocks are unlocked after a reset.
// SPEC: JEDEC JESD68.01 (query); Intel StrataFlash J3, order 290667, chapters 9 to 11 (commands and
// status); P30, order 306666, 11.1 (locks of single blocks).
#pragma once

#include <cstdint>
#include <vector>

#include "holdfast/block/block_port.hpp"
#include "holdfast/devices/flash/cfi_query.hpp"
#include "holdfast/hw/region_part.hpp"
#include "holdfast/hw/state.hpp"

namespace holdfast::devices {

class CfiFlash final : public hw::Device, private memory::MmioHandler {
 public:
  static const object::Type kType;
  struct Config {
    std::uint64_t size = 32U << 20U;         // bytes of the bank; a power of two
    std::uint32_t block_size = 256U << 10U;  // bytes of the bank; a power of two
    Ref<block::Backend> drive{};             // exactly as large; none: zeroes that nobody keeps
  };
  CfiFlash(const hw::DeviceInit& init, Config config);

 private:
  /// What reads show.
  enum class Mode : std::uint8_t { kArray, kStatus, kIdentifiers, kQuery };
  /// What the next write is.
  enum class Next : std::uint8_t {
    kCommand,
    kWord,          // data of a program
    kEraseConfirm,
    kLockAction,
    kBufferCount,
    kBufferData,
    kBufferConfirm,
  };
  enum class Lock : std::uint8_t { kOpen, kLocked, kDown };
  struct Piece {
    std::uint64_t offset;
    unsigned size;
    std::uint64_t value;
  };

  /// Fills the memory from the drive, once it is there.
  class Contents final : public hw::Part {
   public:
    explicit Contents(CfiFlash& flash) : Part{flash, "contents", "contents"}, flash_{flash} {}

   private:
    Result<void> prepare() override { return flash_.fill(); }
    CfiFlash& flash_;  // which this is a member of
  };

  memory::MemTxResult read(std::uint64_t offset, unsigned size, std::uint64_t& value,
                           memory::MemTxAttrs attrs) override;
  memory::MemTxResult write(std::uint64_t offset, unsigned size, std::uint64_t value,
                            memory::MemTxAttrs attrs) override;
  std::uint8_t shown(std::uint64_t word) const;
  void command(std::uint8_t code);
  void begin(Next next);
  void program_word(const Piece& piece);
  void erase(std::uint64_t offset, std::uint8_t code);
  void lock(std::uint64_t offset, std::uint8_t code);
  void take_count(std::uint64_t value);
  void take_data(const Piece& piece);
  void program_buffer(std::uint8_t code);

  /// Whether the block may be changed; if not, says so in the status with the error bits given.
  bool may_change(std::uint64_t offset, std::uint8_t error);
  void apply(const Piece& piece);
  /// Brings what has changed to the drive; busy until it is there.
  void keep(std::uint64_t first, std::uint64_t length, std::uint8_t error);
  void sequence_error();
  void show(Mode mode);
  void show_status() { show(Mode::kStatus); }

  Lock& lock_of(std::uint64_t offset) { return locks_.get()[offset / config_.block_size]; }
  Lock lock_of(std::uint64_t offset) const { return locks_.get()[offset / config_.block_size]; }
  std::byte* at(std::uint64_t offset) { return flash_.block().host() + offset; }
  Result<void> check() override;
  Result<void> fill();
  void on_reset(hw::ResetPhase phase) override;

  // Configuration.
  const Config config_;
  const CfiTable query_;
  // Guest-visible state.
  hw::State<Mode> mode_{*this, "mode"};
  hw::State<Next> next_{*this, "next"};
  hw::State<std::uint8_t> status_{*this, "status", 0x80};
  hw::State<std::vector<Lock>> locks_;
  hw::State<std::uint32_t> words_left_{*this, "words-left"};
  std::vector<Piece> buffer_;  // what was written of it so far
  bool is_direct_ = true;      // how the map has it, or will when the thread has left
  // Wiring.
  block::BlockPort drive_{*this, "drive", config_.drive};
  hw::RomDevice flash_;
  Contents contents_{*this};
};

}  // namespace holdfast::devices
