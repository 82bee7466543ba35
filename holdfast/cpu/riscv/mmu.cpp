// SPDX-License-Identifier: Apache-2.0
#include "holdfast/cpu/riscv/mmu.hpp"

#include "holdfast/base/log.hpp"
#include "holdfast/base/schedule_point.hpp"
#include "holdfast/cpu/riscv/trace.hpp"

namespace holdfast::cpu::riscv {
namespace {

// Page table entries.
constexpr std::uint64_t kValid = 1, kPteRead = 2, kPteWrite = 4, kPteExecute = 8, kUser = 16;
constexpr std::uint64_t kAccessed = 64, kDirty = 128;
constexpr std::uint64_t kReservedBits = std::uint64_t{0x3ff} << 54;  // Svnapot, Svpbmt: not here
constexpr std::uint64_t kPpnMask = (std::uint64_t{1} << 44) - 1;

constexpr Rights right_for(Access access) {
  switch (access) {
    case Access::kLoad:
      return kMayRead;
    case Access::kStore:
      return kMayWrite;
    default:
      return kMayExecute;
  }
}

/// 3, 4 or 5 levels: satp.MODE is 8 (Sv39), 9 (Sv48) or 10 (Sv57).
constexpr unsigned levels_of(std::uint64_t satp) {
  return static_cast<unsigned>(satp >> 60) - 5;
}

constexpr bool canonical(std::uint64_t address, unsigned levels) {
  const unsigned spare = 64 - (kPageBits + 9 * levels);
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(address << spare) >> spare) ==
         address;
}

}  // namespace

void Mmu::set_data_privilege(Privilege privilege, UserAccess user) {
  data_checked_ = {privilege, user};
  switch (privilege) {
    case Privilege::kUser:
      data_ = &tlbs_[0];
      break;
    case Privilege::kSupervisor:
      data_ = &tlbs_[user == UserAccess::kPermitted ? 2 : 1];
      break;
    default:
      data_ = &tlbs_[3];
      break;
  }
}

void Mmu::flush() {
  for (Tlb& tlb : tlbs_) tlb.flush();
  ++translation_epoch_;
}

/// If somebody stored to code: what was decoded is compared before it is used again.
void Mmu::look_at_code() {
  const std::uint64_t now = fabric_.code_stores();
  if (now == code_stores_) [[likely]]
    return;
  code_stores_ = now;  // first: what comes after is seen the next time
  ++map_epoch_;
  ++translation_epoch_;
}

void Mmu::check_stamp() {
  look_at_code();
  const std::uint64_t stamp = port_.stamp();
  if (stamp == stamp_) [[likely]]
    return;
  stamp_ = stamp;
  directs_.fill(std::nullopt);
  ++map_epoch_;
  flush();
}

std::nullopt_t Mmu::page_fault(std::uint64_t address, Access access) {
  constexpr Cause kCauses[] = {Cause::kLoadPage, Cause::kStorePage, Cause::kInstructionPage};
  exception_ = {kCauses[static_cast<unsigned>(access)], address};
  return std::nullopt;
}

std::nullopt_t Mmu::access_fault(std::uint64_t address, Access access) {
  constexpr Cause kCauses[] = {Cause::kLoadAccess, Cause::kStoreAccess, Cause::kInstructionAccess};
  exception_ = {kCauses[static_cast<unsigned>(access)], address};
  return std::nullopt;
}

// Host memory ------------------------------------------------------------------------------------

const memory::Port::Direct* Mmu::direct(std::uint64_t physical, std::uint64_t size) {
  const std::uint64_t last = physical + (size - 1);
  for (const auto& known : directs_)
    if (known && known->first <= physical && last <= known->last) return &*known;
  const auto found = port_.direct(physical);
  if (!found || found->first > physical || found->last < last) return nullptr;
  auto& slot = directs_[next_direct_++ % directs_.size()];
  slot = found;
  return &*slot;
}

const std::byte* Mmu::readable(std::uint64_t physical, std::uint64_t size) {
  const auto* stretch = direct(physical, size);
  return stretch == nullptr ? nullptr : stretch->host + (physical - stretch->first);
}

Mmu::Code Mmu::code(std::uint64_t physical, std::uint64_t size) {
  const auto* stretch = direct(physical, size);
  if (stretch == nullptr) return {};
  return {stretch->host + (physical - stretch->first), stretch->marks};
}

std::optional<Mmu::AtomicPlace> Mmu::writable(std::uint64_t physical, std::uint64_t size) {
  const auto* stretch = direct(physical, size);
  if (stretch == nullptr || !stretch->writable) return std::nullopt;
  return AtomicPlace{stretch->host + (physical - stretch->first), physical, stretch->marks};
}

Flow Mmu::after_store(memory::StoreMarks& marks, const std::byte* host,
                      memory::StoreMarks::Seen seen) {
  // The hart's own stores leave its reservation as it is.
  if (seen.reserved && reservation_.size != 0 && reservation_.marks == &marks &&
      reservation_.version == *seen.reserved &&
      memory::StoreMarks::share_version(reservation_.host, host))
    reservation_.version += 2;
  if (!seen.code) return Flow::kNext;
  fabric_.code_stored();
  look_at_code();
  return Flow::kEnd;
}

Flow Mmu::store_marked(memory::StoreMarks& marks, std::byte* host, unsigned size,
                       std::uint64_t value) {
  return after_store(marks, host,
                     marks.store_marked(host, [&] { store_any(host, size, value); }));
}

/// At any alignment, also across two lines; a reservation in either is lost.
Flow Mmu::store_bytes_anywhere(memory::StoreMarks& marks, std::byte* host, unsigned size,
                               std::uint64_t value) {
  store_any(host, size, value);
  return marks.stored(host, size) ? after_store(marks, host, {.code = true, .reserved = {}})
                                  : Flow::kNext;
}

void Mmu::end_reservation(const AtomicPlace& place, unsigned size, std::uint64_t value) {
  reservation_ = {.host = place.host,
                  .marks = place.marks,
                  .physical = place.physical,
                  .value = value,
                  .size = size,
                  .version = reservation_.version};
}

Flow Mmu::load_physical(std::uint64_t address, std::uint64_t physical, unsigned size,
                        std::uint64_t& value, Access access) {
  if (const std::byte* host = readable(physical, size)) {
    value = load_any(host, size);
    return Flow::kNext;
  }
  return load_from_device(address, physical, size, value, access);
}

Flow Mmu::load_from_device(std::uint64_t address, std::uint64_t physical, unsigned size,
                           std::uint64_t& value, Access access) {
  ++device_loads_;
  const std::uint64_t before = translation_epoch_;
  const auto result = port_.load(physical, size, value, memory::MemTxAttrs{});
  check_stamp();
  if (result == memory::MemTxResult::kOk)
    return translation_epoch_ == before ? Flow::kNext : Flow::kEnd;
  access_fault(address, access);
  return Flow::kTrap;
}

Flow Mmu::store_physical(std::uint64_t address, std::uint64_t physical, unsigned size,
                         std::uint64_t value) {
  if (const auto place = writable(physical, size)) {
    if (reinterpret_cast<std::uintptr_t>(place->host) % size != 0)
      return store_bytes_anywhere(*place->marks, place->host, size, value);
    return store_at(*place, [&] { store_any(place->host, size, value); });
  }
  return store_to_device(address, physical, size, value);
}

Flow Mmu::store_to_device(std::uint64_t address, std::uint64_t physical, unsigned size,
                          std::uint64_t value) {
  const auto result = port_.store(physical, size, value, memory::MemTxAttrs{});
  check_stamp();
  if (result == memory::MemTxResult::kOk) return Flow::kEnd;
  access_fault(address, Access::kStore);
  return Flow::kTrap;
}

// Translation ------------------------------------------------------------------------------------

bool Mmu::protection_allows(std::uint64_t physical, std::uint64_t size, Access access,
                            Privilege privilege) const {
  if (protection_ == Protection::kNone) return true;
  const Extent extent{physical, physical + (size - 1)};
  return (pmp_.rights(extent, privilege) & right_for(access)) != 0;
}

/// What holds for the whole page; nothing if its bytes are protected differently.
std::optional<Rights> Mmu::rights_of_page(std::uint64_t physical, Privilege privilege) const {
  if (protection_ == Protection::kNone) return kMayAll;
  return pmp_.uniform_rights({physical, physical + (kPageSize - 1)}, privilege);
}

std::optional<std::uint64_t> Mmu::load_entry(std::uint64_t address, std::uint64_t physical,
                                             Access access) {
  // Implicit accesses are those of S-mode, whatever the access they are made for.
  if (!protection_allows(physical, 8, Access::kLoad, Privilege::kSupervisor))
    return access_fault(address, access);
  std::uint64_t entry = 0;
  if (load_physical(address, physical, 8, entry, access) == Flow::kTrap) return std::nullopt;
  return entry;
}

Mmu::AccessedDirty Mmu::mark(std::uint64_t physical, std::uint64_t& entry, Access access) {
  const std::uint64_t wanted = entry | kAccessed | (access == Access::kStore ? kDirty : 0);
  if (wanted == entry) return AccessedDirty::kDone;
  if (!protection_allows(physical, 8, Access::kStore, Privilege::kSupervisor))
    return AccessedDirty::kFault;
  const auto place = writable(physical, 8);
  if (!place) return AccessedDirty::kFault;
  // Another hart, or the operating system on one, may change the entry meanwhile. Should the entry
  // be in a line of code, the block goes on to its end as if this were another hart's store.
  bool done = false;
  store_at(*place, [&] {
    done = __atomic_compare_exchange_n(reinterpret_cast<std::uint64_t*>(place->host), &entry,
                                       wanted, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  });
  if (!done) return AccessedDirty::kRetry;
  entry = wanted;
  return AccessedDirty::kDone;
}

Rights Mmu::page_rights(std::uint64_t entry, Checked as) const {
  const bool user_page = (entry & kUser) != 0;
  const bool supervisor = as.privilege == Privilege::kSupervisor;
  if (!supervisor && !user_page) return kMayNothing;
  if (supervisor && user_page && as.user == UserAccess::kDenied) return kMayNothing;

  Rights rights = kMayNothing;
  const bool readable =
      (entry & kPteRead) != 0 || (execute_readable_ && (entry & kPteExecute) != 0);
  if (readable) rights |= kMayRead;
  if ((entry & kPteWrite) != 0) rights |= kMayWrite;
  if ((entry & kPteExecute) != 0 && !(supervisor && user_page)) rights |= kMayExecute;
  return rights;
}

std::optional<Mmu::Page> Mmu::walk(std::uint64_t address, Access access, Checked as) {
  if (!translates(as.privilege)) return Page{address & kPageMask, kMayAll};
  const unsigned levels = levels_of(satp_);
  if (!canonical(address, levels)) return page_fault(address, access);

  std::uint64_t table = (satp_ & kPpnMask) << kPageBits;
  for (unsigned level = levels; level-- > 0;) {
    const unsigned shift = kPageBits + 9 * level;
    const std::uint64_t where = table + (address >> shift & 0x1ff) * 8;
    const auto loaded = load_entry(address, where, access);
    if (!loaded) return std::nullopt;
    std::uint64_t entry = *loaded;

    if ((entry & kValid) == 0 || (entry & (kPteRead | kPteWrite)) == kPteWrite ||
        (entry & kReservedBits) != 0)
      return page_fault(address, access);
    const std::uint64_t target = (entry >> 10 & kPpnMask) << kPageBits;
    if ((entry & (kPteRead | kPteExecute)) == 0) {  // points to the next table
      if ((entry & (kAccessed | kDirty | kUser)) != 0) return page_fault(address, access);
      table = target;
      continue;
    }

    const std::uint64_t inside = (std::uint64_t{1} << shift) - 1;
    Rights rights = page_rights(entry, as);
    if ((rights & right_for(access)) == 0 || (target & inside) != 0)
      return page_fault(address, access);
    const bool unmarked =
        (entry & kAccessed) == 0 || (access == Access::kStore && (entry & kDirty) == 0);
    if (unmarked) {
      if (marking_ == Marking::kByFault) return page_fault(address, access);
      switch (mark(where, entry, access)) {
        case AccessedDirty::kDone:
          break;
        case AccessedDirty::kRetry:
          return walk(address, access, as);
        case AccessedDirty::kFault:
          return access_fault(address, access);
      }
    }
    if ((entry & kDirty) == 0) rights &= ~kMayWrite;  // the first store comes here again
    return Page{(target | (address & inside)) & kPageMask, rights};
  }
  return page_fault(address, access);
}

void Mmu::trace_walk(std::uint64_t address, Access access, Privilege privilege,
                     const std::optional<Page>& page) const {
  if (!translates(privilege)) return;
  trace_translation({.virtual_address = address,
                     .physical = page ? page->physical | (address & ~kPageMask) : 0,
                     .satp = satp_,
                     .cause = page ? std::nullopt : std::optional{exception_.cause},
                     .access = access,
                     .privilege = privilege,
                     .rights = page ? page->rights : kMayNothing});
}

void Mmu::fill(std::uint64_t address, Page page) {
  TlbEntry& entry = data_->to_fill(address);
  entry = {.page = address & kPageMask, .physical = page.physical, .rights = page.rights};
  const auto* stretch = direct(page.physical, kPageSize);
  if (stretch == nullptr) return;
  entry.marks = stretch->marks;
  entry.mark_bias = stretch->marks->bias();
  entry.host_offset = reinterpret_cast<std::uintptr_t>(stretch->host) +
                      (page.physical - stretch->first) - entry.page;
  if ((page.rights & kMayRead) != 0) entry.read_page = entry.page;
  if ((page.rights & kMayWrite) != 0 && stretch->writable) entry.write_page = entry.page;
}

std::optional<std::uint64_t> Mmu::translate(std::uint64_t address, unsigned size, Access access) {
  const std::uint64_t inside = address & ~kPageMask;
  const TlbEntry& entry = data_->at(address);
  if (entry.page == (address & kPageMask) && (entry.rights & right_for(access)) != 0)
    return entry.physical | inside;

  auto page = walk(address, access, data_checked_);
  if (log::enabled(log::Topic::kTranslation)) [[unlikely]]
    trace_walk(address, access, data_checked_.privilege, page);
  if (!page) return std::nullopt;
  const std::uint64_t physical = page->physical | inside;
  const auto uniform = rights_of_page(page->physical, data_checked_.privilege);
  if (!uniform) {  // protected piecewise: every access is checked on its own
    if (!protection_allows(physical, size, access, data_checked_.privilege))
      return access_fault(address, access);
    return physical;
  }
  page->rights &= *uniform;
  if ((page->rights & right_for(access)) == 0) return access_fault(address, access);
  fill(address, *page);
  return physical;
}

std::optional<Mmu::FetchPlace> Mmu::fetch_place(std::uint64_t address, Privilege privilege) {
  const auto page = walk(address, Access::kFetch, {privilege, UserAccess::kDenied});
  if (log::enabled(log::Topic::kTranslation)) [[unlikely]]
    trace_walk(address, Access::kFetch, privilege, page);
  // U-bit pages are never executable in S-mode, so SUM plays no part.
  if (!page) return std::nullopt;
  const std::uint64_t physical = page->physical | (address & ~kPageMask);
  const auto uniform = rights_of_page(page->physical, privilege);
  const bool allowed = uniform ? (*uniform & kMayExecute) != 0
                               : protection_allows(physical, 2, Access::kFetch, privilege);
  if (!allowed) return access_fault(address, Access::kFetch);
  return FetchPlace{.physical = physical, .whole_page = uniform.has_value()};
}

// Guest accesses that are not an aligned hit
// -------------------------------------------------------

Flow Mmu::load_slow(std::uint64_t address, unsigned size, std::uint64_t& value) {
  const std::uint64_t inside = address & ~kPageMask;
  if (inside + size <= kPageSize) [[likely]] {
    if (const TlbEntry& entry = data_->at(address); entry.is_device(address, kMayRead)) {
      HF_SCHEDULE_POINT("cpu.mmu.device_hit");
      return load_from_device(address, entry.physical | inside, size, value, Access::kLoad);
    }
    const auto physical = translate(address, size, Access::kLoad);
    return physical ? load_physical(address, *physical, size, value) : Flow::kTrap;
  }
  // Two pages: both must be there before anything is read.
  const auto low_size = static_cast<unsigned>(kPageSize - inside);
  const std::uint64_t boundary = address + low_size;
  const auto low = translate(address, low_size, Access::kLoad);
  if (!low) return Flow::kTrap;
  const auto high = translate(boundary, size - low_size, Access::kLoad);
  if (!high) return Flow::kTrap;
  Flow flow = Flow::kNext;
  value = 0;
  for (unsigned i = 0; i < size; ++i) {
    const bool below = i < low_size;
    std::uint64_t byte = 0;
    const Flow step = load_physical(below ? address : boundary,
                                    below ? *low + i : *high + (i - low_size), 1, byte);
    if (step == Flow::kTrap) return step;
    if (step == Flow::kEnd) flow = step;
    value |= byte << (8 * i);
  }
  return flow;
}

Flow Mmu::store_slow(std::uint64_t address, unsigned size, std::uint64_t value) {
  const std::uint64_t inside = address & ~kPageMask;
  if (inside + size <= kPageSize) [[likely]] {
    if (const TlbEntry& entry = data_->at(address); entry.is_device(address, kMayWrite))
      return store_to_device(address, entry.physical | inside, size, value);
    const auto physical = translate(address, size, Access::kStore);
    return physical ? store_physical(address, *physical, size, value) : Flow::kTrap;
  }
  const auto low_size = static_cast<unsigned>(kPageSize - inside);
  const std::uint64_t boundary = address + low_size;
  const auto low = translate(address, low_size, Access::kStore);
  if (!low) return Flow::kTrap;
  const auto high = translate(boundary, size - low_size, Access::kStore);
  if (!high) return Flow::kTrap;
  Flow flow = Flow::kNext;
  for (unsigned i = 0; i < size; ++i) {
    const bool below = i < low_size;
    const Flow step =
        store_physical(below ? address : boundary, below ? *low + i : *high + (i - low_size), 1,
                       value >> (8 * i) & 0xff);
    if (step == Flow::kTrap) return step;
    if (step == Flow::kEnd) flow = step;
  }
  return flow;
}

Flow Mmu::zero_block(std::uint64_t address, unsigned size) {
  const auto physical = translate(address & ~std::uint64_t{size - 1u}, size, Access::kStore);
  const auto block = physical ? writable(*physical, size) : std::nullopt;
  if (physical && !block) access_fault(address, Access::kStore);
  if (!block) {
    exception_.value = address;
    return Flow::kTrap;
  }
  Flow flow = Flow::kNext;
  for (unsigned i = 0; i < size; i += 8) {
    std::byte* const host = block->host + i;
    if (store_at({host, *physical + i, block->marks},
                 [&] { store_any(host, 8, 0); }) == Flow::kEnd)
      flow = Flow::kEnd;
  }
  return flow;
}

Flow Mmu::touch_block(std::uint64_t address, unsigned size) {
  // What may be written may be read, too: by page tables and PMP alike, the opposite is reserved.
  if (translate(address & ~std::uint64_t{size - 1u}, size, Access::kLoad)) return Flow::kNext;
  const bool of_page = exception_.cause == Cause::kLoadPage;
  exception_ = {of_page ? Cause::kStorePage : Cause::kStoreAccess, address};
  return Flow::kTrap;
}

std::optional<Mmu::AtomicPlace> Mmu::atomic_place(std::uint64_t address, unsigned size,
                                                  Access access) {
  if (address % size != 0) {
    exception_ = {access == Access::kLoad ? Cause::kLoadMisaligned : Cause::kStoreMisaligned,
                  address};
    return std::nullopt;
  }
  const TlbEntry& entry = data_->at(address);
  const std::uint64_t tag = access == Access::kLoad ? entry.read_page : entry.write_page;
  if (TlbEntry::hits(tag, address, size)) [[likely]]
    return AtomicPlace{entry.host(address), entry.physical | (address & ~kPageMask), entry.marks};
  const auto physical = translate(address, size, access);
  if (!physical) return std::nullopt;
  const auto place = writable(*physical, size);
  return place ? *place : AtomicPlace{.host = nullptr, .physical = *physical, .marks = nullptr};
}

}  // namespace holdfast::cpu::riscv
