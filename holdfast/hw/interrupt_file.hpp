// SPDX-License-Identifier: Apache-2.0
// An interrupt file: interrupts that come as messages, by number. Each identity is pending or not and
// enabled or not; the lowest one that is both comes first. A controller that others write to makes
// identities pending, the hart whose file it is asks for the first one and claims it.
//
// A control block of its own: the controller and the hart keep it, and neither keeps the other.
// THREADS: set_pending() from any thread, and everything that only looks; the rest belongs to the hart
// (its own thread while it runs, whoever has paused it while it does not).
// LOCK: bits are atomic and changed one by one, so a message that comes while the hart writes others is
// never lost. `mutex_` guards the follower alone, and is held while he is told, so that nobody is told
// after he has left.
// SPEC: The RISC-V Advanced Interrupt Architecture 1.0, chapter 3.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "holdfast/base/mutex.hpp"
#include "holdfast/base/ref.hpp"

namespace holdfast::hw {

class InterruptFile final : public RefCounted<InterruptFile> {
 public:
  static constexpr unsigned kMostIdentities = 2047;
  static constexpr unsigned kWords = 32;  // of 64 identities each

  /// Identities 1 to `identities`, at most kMostIdentities; at reset nothing is pending or enabled.
  static Ref<InterruptFile> make(unsigned identities);

  unsigned identities() const { return identities_; }

  /// A message. Any thread; identities that there are not are ignored.
  void set_pending(std::uint32_t identity);

  /// The lowest identity that is pending, enabled and below the threshold; 0 if there is none.
  unsigned top() const;
  /// Whether the hart is interrupted: there is such an identity, and delivery is on.
  bool signals() const { return delivery() != 0 && top() != 0; }
  /// Takes note of the interrupt: it is no longer pending.
  void claim(unsigned identity);

  /// What a write does to a register: clears bits, then sets some.
  struct Change {
    std::uint64_t clear = 0;
    std::uint64_t set = 0;
    std::uint64_t of(std::uint64_t old) const { return (old & ~clear) | set; }
  };
  enum class Bits : std::uint8_t { kPending, kEnabled };
  /// Identities 64 * word to 64 * word + 63; those that there are not read as 0.
  std::uint64_t bits(Bits which, unsigned word) const;
  /// All bits at once; returns what was there before.
  std::uint64_t change(Bits which, unsigned word, Change change);

  /// 0: interrupts are not delivered; 1: they are.
  std::uint64_t delivery() const { return delivery_.load(std::memory_order_seq_cst); }
  /// Anything else is not kept.
  void set_delivery(std::uint64_t value);
  /// Identities from here on do not interrupt; 0: all do.
  std::uint64_t threshold() const { return threshold_.load(std::memory_order_seq_cst); }
  void set_threshold(std::uint64_t value);

  void reset();

  /// Is told that an identity became pending, on the thread that made it so. Must not wait.
  class Follower {
   public:
    virtual void message_came() noexcept = 0;

   protected:
    ~Follower() = default;
  };
  /// There is one at a time.
  void follow(Follower& follower);
  void unfollow(Follower& follower);

 private:
  friend class RefCounted<InterruptFile>;
  using Words = std::array<std::atomic<std::uint64_t>, kWords>;
  explicit InterruptFile(unsigned identities) : identities_{identities} {}
  ~InterruptFile() = default;
  void last_reference_gone() noexcept { delete this; }
  Words& words(Bits which) { return which == Bits::kPending ? pending_ : enabled_; }
  /// The bits of a word that stand for identities.
  std::uint64_t implemented(unsigned word) const;
  void tell();

  const unsigned identities_;
  // Sequentially consistent throughout: a hart that goes to sleep announces that and then looks here,
  // whoever makes something pending looks for the announcement afterwards; one sees the other.
  Words pending_{};
  Words enabled_{};
  std::atomic<std::uint64_t> delivery_{0};
  std::atomic<std::uint64_t> threshold_{0};
  Mutex mutex_{LockRank::kPin, "interrupt file"};
  Follower* follower_ HF_GUARDED_BY(mutex_) = nullptr;  // borrowed until it unfollows
};

}  // namespace holdfast::hw
