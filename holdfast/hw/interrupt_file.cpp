// SPDX-License-Identifier: Apache-2.0
#include "holdfast/hw/interrupt_file.hpp"

#include <bit>

#include "holdfast/base/check.hpp"

namespace holdfast::hw {
namespace {

constexpr auto kInOrder = std::memory_order_seq_cst;  // see the header
constexpr std::uint64_t kOnes = ~std::uint64_t{0};

constexpr unsigned word_of(std::uint32_t identity) { return identity / 64; }
constexpr std::uint64_t bit_of(std::uint32_t identity) { return std::uint64_t{1} << (identity % 64); }

}  // namespace

Ref<InterruptFile> InterruptFile::make(unsigned identities) {
  HF_CHECK(identities != 0 && identities <= kMostIdentities, "an interrupt file of {} identities",
           identities);
  return Ref<InterruptFile>::adopt(new InterruptFile{identities});
}

std::uint64_t InterruptFile::implemented(unsigned word) const {
  const unsigned last = word_of(identities_);
  if (word > last) return 0;
  const unsigned unused = 63 - identities_ % 64;
  const std::uint64_t bits = word == last ? kOnes >> unused : kOnes;
  return word == 0 ? bits & ~std::uint64_t{1} : bits;
}

void InterruptFile::set_pending(std::uint32_t identity) {
  if (identity == 0 || identity > identities_) return;
  const std::uint64_t bit = bit_of(identity);
  if ((pending_[word_of(identity)].fetch_or(bit, kInOrder) & bit) == 0) tell();
}

unsigned InterruptFile::top() const {
  const std::uint64_t limit = threshold();
  for (unsigned word = 0; word <= word_of(identities_); ++word) {
    const std::uint64_t bits = pending_[word].load(kInOrder) & enabled_[word].load(kInOrder);
    if (bits == 0) continue;
    const unsigned identity = 64 * word + static_cast<unsigned>(std::countr_zero(bits));
    return limit == 0 || identity < limit ? identity : 0;
  }
  return 0;
}

void InterruptFile::claim(unsigned identity) {
  if (identity <= identities_) pending_[word_of(identity)].fetch_and(~bit_of(identity), kInOrder);
}

std::uint64_t InterruptFile::bits(Bits which, unsigned word) const {
  if (word >= kWords) return 0;
  return (which == Bits::kPending ? pending_ : enabled_)[word].load(kInOrder);
}

std::uint64_t InterruptFile::change(Bits which, unsigned word, Change change) {
  if (word >= kWords) return 0;
  std::atomic<std::uint64_t>& bits = words(which)[word];
  change.set &= implemented(word);
  std::uint64_t old = bits.load(kInOrder);
  while (!bits.compare_exchange_weak(old, change.of(old), kInOrder)) {
  }
  return old;
}

void InterruptFile::set_delivery(std::uint64_t value) {
  if (value <= 1) delivery_.store(value, kInOrder);
}

void InterruptFile::set_threshold(std::uint64_t value) {
  threshold_.store(value & (std::bit_ceil(identities_ + 1U) - 1U), kInOrder);
}

void InterruptFile::reset() {
  for (unsigned word = 0; word < kWords; ++word) {
    pending_[word].store(0, kInOrder);
    enabled_[word].store(0, kInOrder);
  }
  delivery_.store(0, kInOrder);
  threshold_.store(0, kInOrder);
}

void InterruptFile::tell() {
  const LockGuard guard{mutex_};
  if (follower_ != nullptr) follower_->message_came();
}

void InterruptFile::follow(Follower& follower) {
  const LockGuard guard{mutex_};
  follower_ = &follower;
}

void InterruptFile::unfollow(Follower& follower) {
  const LockGuard guard{mutex_};
  if (follower_ == &follower) follower_ = nullptr;
}

}  // namespace holdfast::hw
