// SPDX-License-Identifier: Apache-2.0
// Which slot of which domain is this thread's. Nobody registers: a thread takes a slot when it
// first enters a section of a domain and hands it back when it exits.
//
// A domain is known by an id that is never used again, so an entry left over from a dead domain
// matches nothing. The slots themselves are kept by a count (the domain and every thread that has
// one of them), so neither end needs the other to be alive.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "holdfast/rcu/epochs.hpp"
#include "holdfast/rcu/host_atomics.hpp"

namespace holdfast::rcu {

using HostSlot = ReaderSlot<HostAtomics>;

/// The slots of a domain, with what a thread must know when the domain may be gone.
class SharedSlots {
 public:
  /// Counted once, for the domain.
  explicit SharedSlots(std::string name) : name_{std::move(name)} {}

  SlotList<HostAtomics>& list() { return list_; }
  const std::string& name() const { return name_; }

  /// The domain is gone: no thread may be inside any more.
  void retire_domain() { dead_.store(true, std::memory_order_release); }
  bool dead() const { return dead_.load(std::memory_order_acquire); }

  void ref() { refs_.fetch_add(1, std::memory_order_relaxed); }
  void unref() {
    if (refs_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

 private:
  ~SharedSlots() = default;

  SlotList<HostAtomics> list_;
  const std::string name_;
  std::atomic<bool> dead_{false};
  std::atomic<std::size_t> refs_{1};
};

namespace detail {

/// The domain this thread used last.
struct LastUsed {
  std::uint64_t domain = 0;  // no domain has the id 0
  HostSlot* slot = nullptr;
};
// Initial-exec: the fast path then needs no call to find its thread-local.
extern constinit thread_local LastUsed last_used [[gnu::tls_model("initial-exec")]];

/// This thread is running callbacks of reclamation, of whichever domain.
extern constinit thread_local bool reclaiming [[gnu::tls_model("initial-exec")]];

/// This thread's slot, taken now if it had none. Makes it the one used last.
[[gnu::cold]] HostSlot& find_slot(std::uint64_t domain, SharedSlots& slots) noexcept;
/// The same if it had one already, else nullptr. Takes nothing.
HostSlot* find_existing_slot(std::uint64_t domain) noexcept;

/// How many domains this thread remembers. For tests.
std::size_t known_domains() noexcept;

}  // namespace detail

/// The name of a domain of which this thread is inside a read section, or nullptr.
const std::string* domain_inside() noexcept;
inline bool inside_any() noexcept { return domain_inside() != nullptr; }

/// "thread 4711 'vcpu0'", of the calling thread.
std::string thread_label();
/// The kernel's id of the calling thread. Never 0.
int thread_id() noexcept;

}  // namespace holdfast::rcu
