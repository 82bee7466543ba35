// SPDX-License-Identifier: Apache-2.0
#include "holdfast/rcu/thread_slots.hpp"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <vector>

#include "holdfast/base/check.hpp"

namespace holdfast::rcu {
namespace {

struct Entry {
  std::uint64_t domain;
  HostSlot* slot;
  SharedSlots* slots;  // counted
};

// A plain pointer and a pthread key, not a thread_local object: the key's destructor runs after
// those of all thread_local objects, which may therefore still enter sections.
constinit thread_local std::vector<Entry>* mine = nullptr;

void hand_back(Entry& entry) {
  HF_CHECK(!Epochs<HostAtomics>::inside(*entry.slot),
           "rcu: {} exits inside a read section of domain '{}'", thread_label(),
           entry.slots->name());
  SlotList<HostAtomics>::give_back(*entry.slot);
  entry.slots->unref();
}

void on_thread_exit(void*) {
  detail::last_used = {};
  std::vector<Entry>* const entries = std::exchange(mine, nullptr);
  for (Entry& entry : *entries) hand_back(entry);
  delete entries;
}

pthread_key_t exit_key() {
  static const pthread_key_t key = [] {
    pthread_key_t fresh{};
    const int error = ::pthread_key_create(&fresh, &on_thread_exit);
    HF_CHECK(error == 0, "rcu: no thread-specific key is left (error {})", error);
    return fresh;
  }();
  return key;
}

std::vector<Entry>& my_entries() {
  if (!mine) {
    mine = new std::vector<Entry>;
    const int error = ::pthread_setspecific(exit_key(), mine);
    HF_CHECK(error == 0, "rcu: pthread_setspecific failed (error {})", error);
  }
  return *mine;
}

void drop_dead_domains(std::vector<Entry>& entries) {
  std::erase_if(entries, [](Entry& entry) {
    if (!entry.slots->dead()) return false;
    hand_back(entry);
    return true;
  });
}

}  // namespace

namespace detail {

constinit thread_local LastUsed last_used{};
constinit thread_local bool reclaiming = false;

HostSlot* find_existing_slot(std::uint64_t domain) noexcept {
  if (!mine) return nullptr;
  for (const Entry& entry : *mine) {
    if (entry.domain != domain) continue;
    last_used = {domain, entry.slot};
    return entry.slot;
  }
  return nullptr;
}

HostSlot& find_slot(std::uint64_t domain, SharedSlots& slots) noexcept {
  if (HostSlot* known = find_existing_slot(domain)) return *known;
  std::vector<Entry>& entries = my_entries();
  drop_dead_domains(entries);
  slots.ref();
  entries.push_back({domain, &slots.list().take(thread_id()), &slots});
  last_used = {domain, entries.back().slot};
  return *entries.back().slot;
}

std::size_t known_domains() noexcept { return mine ? mine->size() : 0; }

}  // namespace detail

const std::string* domain_inside() noexcept {
  if (!mine) return nullptr;
  for (const Entry& entry : *mine)
    if (Epochs<HostAtomics>::inside(*entry.slot)) return &entry.slots->name();
  return nullptr;
}

int thread_id() noexcept {
  thread_local const int id = ::gettid();
  return id;
}

std::string thread_label() {
  std::array<char, 16> name{};
  if (::pthread_getname_np(::pthread_self(), name.data(), name.size()) != 0) name[0] = '\0';
  return fmt::format("thread {} '{}'", thread_id(), name.data());
}

}  // namespace holdfast::rcu
