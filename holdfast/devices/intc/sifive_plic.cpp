// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/intc/sifive_plic.hpp"

#include <algorithm>
#include <bit>

#include "holdfast/base/log.hpp"
#include "holdfast/devices/intc/source_bits.hpp"
#include "holdfast/hw/base_types.hpp"

namespace holdfast::devices {
namespace {

constexpr unsigned kMost = 1024;  // sources, and contexts in the memory map

bool is_in(const hw::AtomicWords& words, unsigned source) {
  return (words[word_of(source)] & bit_of(source)) != 0;
}
void put(hw::AtomicWords& words, unsigned source) {
  words.set(word_of(source), words[word_of(source)] | bit_of(source));
}
void take(hw::AtomicWords& words, unsigned source) {
  words.set(word_of(source), words[word_of(source)] & ~bit_of(source));
}

}  // namespace

constinit const object::Type SifivePlic::kType{
    .name = "riscv.sifive.plic",
    .parent = &hw::kSysBusDevice,
    .docs = "RISC-V platform-level interrupt controller."};

SifivePlic::SifivePlic(const hw::DeviceInit& init, const Config& config)
    : Device{init, gate::Locking::kGrace},
      config_{config},
      sources_{std::clamp(config.sources, 1U, kMost)},
      contexts_{std::clamp(config.contexts, 1U, kMost)},
      words_{(sources_ + 31) / 32} {}

Result<void> SifivePlic::check() {
  if (config_.sources != sources_)
    return fail("{}: {} sources: 1 to {} are possible", full_path(), config_.sources, kMost);
  if (config_.contexts != contexts_)
    return fail("{}: {} contexts: 1 to {} are possible", full_path(), config_.contexts, kMost);
  if (!std::has_single_bit(config_.highest_priority + 1))
    return fail("{}: highest priority {}: one less than a power of two is possible", full_path(),
                config_.highest_priority);
  return {};
}

std::uint32_t SifivePlic::priority(unsigned source) const {
  return exists(source) ? priority_[source] : 0;
}

// SPEC: chapter 4. Bits beyond the implemented ones are not kept.
void SifivePlic::set_priority(unsigned source, std::uint32_t value) {
  if (!exists(source)) return log::guest_error("{}: priority of source {}", full_path(), source);
  LockGuard guard{mutex_};
  priority_.set(source, value & config_.highest_priority);
  update_all();
}

std::uint32_t SifivePlic::enabled(unsigned index) const {
  const unsigned context = index / kWordsPerContext;
  const unsigned word = index % kWordsPerContext;
  return context < contexts_ && word < words_ ? enable_word(context, word) : 0;
}

void SifivePlic::set_enabled(unsigned index, std::uint32_t value) {
  const unsigned context = index / kWordsPerContext;
  const unsigned word = index % kWordsPerContext;
  if (context >= contexts_) return log::guest_error("{}: context {}", full_path(), context);
  if (word >= words_) return;
  std::uint32_t implemented = word == 0 ? ~std::uint32_t{1} : ~std::uint32_t{0};
  if (word == words_ - 1 && sources_ % 32 != 0) implemented &= bit_of(sources_) - 1;
  LockGuard guard{mutex_};
  enabled_.set(std::size_t{context} * words_ + word, value & implemented);
  update(context);
}

std::uint32_t SifivePlic::threshold(unsigned context) const {
  return context < contexts_ ? threshold_[context] : 0;
}

void SifivePlic::set_threshold(unsigned context, std::uint32_t value) {
  if (context >= contexts_) return log::guest_error("{}: context {}", full_path(), context);
  LockGuard guard{mutex_};
  threshold_.set(context, value & config_.highest_priority);
  update(context);
}

// SPEC: chapter 8. A claim does not look at the threshold.
std::uint32_t SifivePlic::claim(unsigned context) {
  if (context >= contexts_) return 0;
  LockGuard guard{mutex_};
  const unsigned source = best(context, 0);
  if (source == 0) return 0;
  take(pending_, source);
  put(in_service_, source);
  update_all();
  return source;
}

// SPEC: chapter 9. A completion of a source that the context has not enabled is ignored.
void SifivePlic::complete(unsigned context, std::uint32_t source) {
  if (context >= contexts_ || !exists(source)) return;
  LockGuard guard{mutex_};
  if ((enable_word(context, word_of(source)) & bit_of(source)) == 0) return;
  take(in_service_, source);
  if (in_.level(source)) ask(source);
  update_all();
}

void SifivePlic::source_changed(unsigned source, bool level) {
  if (!exists(source) || !level) return;  // a request that was made is not taken back
  LockGuard guard{mutex_};
  ask(source);
  update_all();
}

void SifivePlic::ask(unsigned source) {
  if (!is_in(in_service_, source)) put(pending_, source);
}

unsigned SifivePlic::best(unsigned context, std::uint32_t floor) const {
  unsigned best = 0;
  std::uint32_t highest = floor;
  for (unsigned word = 0; word < words_; ++word) {
    std::uint32_t candidates = pending_[word] & enable_word(context, word);
    for (; candidates != 0; candidates &= candidates - 1) {
      const unsigned source = 32 * word + static_cast<unsigned>(std::countr_zero(candidates));
      if (priority_[source] <= highest) continue;
      highest = priority_[source];
      best = source;
    }
  }
  return best;
}

void SifivePlic::update(unsigned context) {
  context_.set(context, best(context, threshold_[context]) != 0);
}

void SifivePlic::update_all() {
  for (unsigned context = 0; context < contexts_; ++context) update(context);
}

void SifivePlic::on_reset(hw::ResetPhase phase) {
  if (phase != hw::ResetPhase::kExit) return;
  LockGuard guard{mutex_};
  for (unsigned source = 1; source < sources_; ++source)
    if (in_.level(source)) ask(source);
  update_all();
}

}  // namespace holdfast::devices
