// SPDX-License-Identifier: Apache-2.0
// A hart's way to memory: page walk, protection, translation caches; RAM directly, all else
// through the core.
//
// Used by the hart's thread alone, inside a read section of its port. Host pointers are kept across
// sections as long as the port's stamp stays the same: `begin_slice` compares it at the start of
// each section, and every access that the core dispatched to a device compares it again, for the
// section was left and entered again meanwhile.
// SPEC: volume II, sections 4.3 to 4.6.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "holdfast/cpu/riscv/host_memory.hpp"
#include "holdfast/cpu/riscv/instruction.hpp"
#include "holdfast/cpu/riscv/isa.hpp"
#include "holdfast/cpu/riscv/pmp.hpp"
#include "holdfast/cpu/riscv/tlb.hpp"
#include "holdfast/memory/fabric.hpp"
#include "holdfast/memory/port.hpp"

namespace holdfast::cpu::riscv {

enum class Access : std::uint8_t { kLoad, kStore, kFetch };

/// Whether S-mode may touch user pages: mstatus.SUM.
enum class UserAccess : std::uint8_t { kDenied, kPermitted };

/// Who marks pages accessed and dirty: the hart, or what a page fault calls (Svadu, Svade).
enum class Marking : std::uint8_t { kByHart, kByFault };

/// Whether there are PMP entries that S- and U-mode need for any access.
enum class Protection : std::uint8_t { kPmp, kNone };

class Mmu {
 public:
  /// `pmp` and `exception` belong to the hart, like the Mmu itself; `port` is the machine's and
  /// outlives it.
  Mmu(memory::Port& port, const Pmp& pmp, Exception& exception)
      : port_{port}, fabric_{port.space().fabric()}, pmp_{pmp}, exception_{exception} {}

  // State that translation depends on.
  void set_root(std::uint64_t satp) {
    satp_ = satp;
    flush();
  }
  void set_execute_readable(bool mxr) {
    execute_readable_ = mxr;
    flush();
  }
  /// Who marks pages accessed and dirty from now on.
  void set_marking(Marking marking) { marking_ = marking; }
  void set_protection(Protection protection) { protection_ = protection; }
  /// What loads and stores are checked against from now on.
  void set_data_privilege(Privilege privilege, UserAccess user);
  void flush();

  /// The read section a slice runs in.
  [[nodiscard]] auto enter() { return port_.section(); }
  /// At the start of a slice: forgets host pointers if the map has changed.
  void begin_slice() { check_stamp(); }

  // Guest accesses. kTrap: the exception is set and nothing happened. kEnd: done, but what was
  // decoded ahead is to be looked up again: a device was written to, or the map moved meanwhile.
  template <class T>
  Flow load(std::uint64_t address, T& value) {
    const TlbEntry& entry = data_->at(address);
    if (TlbEntry::hits(entry.read_page, address, sizeof(T))) [[likely]] {
      value = load_aligned<T>(entry.host(address));
      return Flow::kNext;
    }
    std::uint64_t wide = 0;
    const Flow flow = load_slow(address, sizeof(T), wide);
    value = static_cast<T>(wide);
    return flow;
  }
  template <class T>
  Flow store(std::uint64_t address, T value) {
    const TlbEntry& entry = data_->at(address);
    if (TlbEntry::hits(entry.write_page, address, sizeof(T))) [[likely]] {
      std::byte* const host = entry.host(address);
      if (memory::StoreMarks::load(entry.mark_bias, host) != 0) [[unlikely]]
        return store_marked(*entry.marks, host, sizeof(T), value);
      store_aligned<T>(host, value);
      return Flow::kNext;
    }
    return store_slow(address, sizeof(T), value);
  }

  /// Clears the block of `size` bytes (a power of two within a page) that `address` is in. What is
  /// not RAM refuses it. Faults are those of a store to `address`.
  Flow zero_block(std::uint64_t address, unsigned size);
  /// Checks that loads or stores may touch the block; faults are those of a store.
  Flow touch_block(std::uint64_t address, unsigned size);

  /// Where an aligned atomic access may be done: in host memory if `host` is set, else by a load
  /// and a store at `physical`. Nothing: the exception is set.
  struct AtomicPlace {
    std::byte* host = nullptr;
    std::uint64_t physical = 0;
    memory::StoreMarks* marks = nullptr;  // of the host memory
  };
  std::optional<AtomicPlace> atomic_place(std::uint64_t address, unsigned size, Access access);
  /// Runs `store`, which stores to the host memory of the place or next to it in its line.
  template <class Store>
  Flow store_at(const AtomicPlace& place, Store store) {
    if (place.marks->at(place.host) == 0) [[likely]] {
      store();
      return Flow::kNext;
    }
    return after_store(*place.marks, place.host, place.marks->store_marked(place.host, store));
  }

  // Load-reserved and store-conditional. The value LR loads is loaded between the two.
  void begin_reservation(const AtomicPlace& place) {
    if (place.host != nullptr) reservation_.version = place.marks->reserve(place.host);
  }
  void end_reservation(const AtomicPlace& place, unsigned size, std::uint64_t value);
  void drop_reservation() { reservation_.size = 0; }
  /// The SC of `T`; `flow` says how its block goes on.
  template <class T>
  bool store_conditional(const AtomicPlace& place, T value, Flow& flow);
  Flow load_physical(std::uint64_t address, std::uint64_t physical, unsigned size,
                     std::uint64_t& value, Access access = Access::kLoad);
  Flow store_physical(std::uint64_t address, std::uint64_t physical, unsigned size,
                      std::uint64_t value);

  /// Where an instruction at `address` is to be read. Nothing: the exception is set.
  struct FetchPlace {
    std::uint64_t physical = 0;
    bool whole_page = false;  // the answer holds for the page
  };
  std::optional<FetchPlace> fetch_place(std::uint64_t address, Privilege privilege);

  /// Host memory under [physical, physical + size), or nullptr if it is not all RAM or ROM.
  const std::byte* readable(std::uint64_t physical, std::uint64_t size);
  /// The same, and who is to hear of stores to it.
  struct Code {
    const std::byte* host = nullptr;
    memory::StoreMarks* marks = nullptr;
  };
  Code code(std::uint64_t physical, std::uint64_t size);

  /// Moves whenever translations found earlier, or what was decoded, may be wrong.
  std::uint64_t translation_epoch() const { return translation_epoch_; }
  /// Moves whenever the memory map changed or code was stored to.
  std::uint64_t map_epoch() const { return map_epoch_; }

  /// Loads, of instructions too, that were answered by something else than memory.
  std::uint64_t device_loads() const { return device_loads_; }

  bool translates(Privilege privilege) const {
    return privilege != Privilege::kMachine && satp_ >> 60 != 0;
  }

 private:
  struct Checked {
    Privilege privilege;
    UserAccess user;
  };
  struct Page {
    std::uint64_t physical;
    Rights rights;
  };
  enum class AccessedDirty : std::uint8_t { kDone, kRetry, kFault };

  Flow load_slow(std::uint64_t address, unsigned size, std::uint64_t& value);
  Flow store_slow(std::uint64_t address, unsigned size, std::uint64_t value);
  [[gnu::cold]] Flow store_marked(memory::StoreMarks& marks, std::byte* host, unsigned size,
                                  std::uint64_t value);
  [[gnu::cold]] Flow after_store(memory::StoreMarks& marks, const std::byte* host,
                                 memory::StoreMarks::Seen seen);
  Flow store_bytes_anywhere(memory::StoreMarks& marks, std::byte* host, unsigned size,
                            std::uint64_t value);
  Flow load_from_device(std::uint64_t address, std::uint64_t physical, unsigned size,
                        std::uint64_t& value, Access access);
  Flow store_to_device(std::uint64_t address, std::uint64_t physical, unsigned size,
                       std::uint64_t value);
  std::optional<std::uint64_t> translate(std::uint64_t address, unsigned size, Access access);
  std::optional<Page> walk(std::uint64_t address, Access access, Checked as);
  std::optional<std::uint64_t> load_entry(std::uint64_t address, std::uint64_t physical,
                                          Access access);
  [[gnu::cold]] void trace_walk(std::uint64_t address, Access access, Privilege privilege,
                                const std::optional<Page>& page) const;
  AccessedDirty mark(std::uint64_t physical, std::uint64_t& entry, Access access);
  Rights page_rights(std::uint64_t entry, Checked as) const;
  bool protection_allows(std::uint64_t physical, std::uint64_t size, Access access,
                         Privilege privilege) const;
  std::optional<Rights> rights_of_page(std::uint64_t physical, Privilege privilege) const;
  void fill(std::uint64_t address, Page page);
  const memory::Port::Direct* direct(std::uint64_t physical, std::uint64_t size);
  void check_stamp();
  void look_at_code();
  std::nullopt_t page_fault(std::uint64_t address, Access access);
  std::nullopt_t access_fault(std::uint64_t address, Access access);

  /// Where RAM can be written, or nothing.
  std::optional<AtomicPlace> writable(std::uint64_t physical, std::uint64_t size);

  /// What LR remembers for SC: where, what it read, and the version of the line.
  struct Reservation {
    const std::byte* host = nullptr;
    const memory::StoreMarks* marks = nullptr;  // only compared: the memory may be gone
    std::uint64_t physical = 0;
    std::uint64_t value = 0;
    unsigned size = 0;  // 0: none
    memory::StoreMarks::Version version = 0;
  };

  memory::Port& port_;
  memory::Fabric& fabric_;  // the machine's
  const Pmp& pmp_;
  Exception& exception_;

  Reservation reservation_;
  std::uint64_t satp_ = 0;
  bool execute_readable_ = false;
  Marking marking_ = Marking::kByHart;
  Protection protection_ = Protection::kPmp;
  Checked data_checked_{Privilege::kMachine, UserAccess::kDenied};
  std::array<Tlb, 4> tlbs_;  // by what accesses are checked against
  Tlb* data_ = &tlbs_[3];
  std::array<std::optional<memory::Port::Direct>, 4> directs_;  // stretches found lately
  unsigned next_direct_ = 0;

  std::uint64_t stamp_ = ~std::uint64_t{0};  // none yet
  std::uint64_t translation_epoch_ = 1;
  std::uint64_t map_epoch_ = 1;
  std::uint64_t code_stores_ = 0;  // what was seen of the machine's counter
  std::uint64_t device_loads_ = 0;
};

template <class T>
bool Mmu::store_conditional(const AtomicPlace& place, T value, Flow& flow) {
  const Reservation reserved = reservation_;
  drop_reservation();  // gone, whether this one succeeds or not
  flow = Flow::kNext;
  if (place.host == nullptr || reserved.size != sizeof(T) || reserved.host != place.host ||
      reserved.marks != place.marks || reserved.physical != place.physical)
    return false;
  const bool done = place.marks->store_conditionally(place.host, reserved.version, [&] {
    auto expected = static_cast<T>(reserved.value);
    return __atomic_compare_exchange_n(reinterpret_cast<T*>(place.host), &expected, value, false,
                                       __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
  });
  if (done && place.marks->stored_code(place.host)) flow = after_store(*place.marks, place.host, {true, {}});
  return done;
}

}  // namespace holdfast::cpu::riscv
