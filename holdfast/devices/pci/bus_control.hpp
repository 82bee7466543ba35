// SPDX-License-Identifier: Apache-2.0
// What the functions of a PCI bus know of it: where their registers and BARs show, what number it has,
// and who sits where. A control block: it may outlive the bus, and then leads nowhere.
//
// THREADS: any. LOCK: `mutex_`, a leaf; what it does not guard never changes or is atomic.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/base/mutex.hpp"
#include "holdfast/base/ref.hpp"
#include "holdfast/base/result.hpp"
#include "holdfast/devices/pci/address.hpp"
#include "holdfast/hw/claim.hpp"
#include "holdfast/memory/region_control.hpp"
#include "holdfast/object/handle.hpp"

namespace holdfast::devices::pci {

class Function;

class BusControl final : public RefCounted<BusControl> {
 public:
  struct Init {
    std::string name;
    std::uint8_t first_device;
    std::uint8_t last_device;
    Ref<memory::RegionControl> functions;  // their configuration space, 4 KiB each
    Ref<memory::RegionControl> memory;
    Ref<memory::RegionControl> io;
  };
  static Ref<BusControl> make(Init init);

  const std::string& name() const { return init_.name; }
  const Ref<memory::RegionControl>& functions() const { return init_.functions; }
  const Ref<memory::RegionControl>& memory() const { return init_.memory; }
  const Ref<memory::RegionControl>& io() const { return init_.io; }

  /// As it is configured now; 0 for a root, and for one that nobody has numbered.
  std::uint8_t number() const { return number_.load(std::memory_order_relaxed); }
  void set_number(std::uint8_t number) { number_.store(number, std::memory_order_relaxed); }

  struct Wish {
    std::optional<Address> address{};  // none: the lowest device that has no functions
    bool multifunction = false;        // whether it lets others be functions of its device
    std::string who;                   // a path
    object::Handle<Function> function{};
  };
  struct Seat {
    Address address;
    hw::Claim claim;
  };
  /// Errors say who is there, or what there is.
  Result<Seat> take(Wish wish);
  bool has_room() const;
  /// Who sits there: a path; "" if nobody does.
  std::string taker(Address address) const;
  /// In order of their addresses. Control thread.
  std::vector<object::Handle<Function>> all() const;

 private:
  friend class RefCounted<BusControl>;
  explicit BusControl(Init init) : init_{std::move(init)} {}
  ~BusControl() = default;
  void last_reference_gone() noexcept { delete this; }

  struct Taker {
    std::string who;
    bool multifunction = false;
    object::Handle<Function> function{};
  };
  std::optional<Address> free_device() const HF_REQUIRES(mutex_);
  Result<void> check_device(Address address, bool multifunction) const HF_REQUIRES(mutex_);
  void give_back(Address address);

  const Init init_;
  // Relaxed: what goes with it is the map, which has its own order.
  std::atomic<std::uint8_t> number_{0};
  mutable Mutex mutex_{LockRank::kLeaf, "functions of a PCI bus"};
  std::array<Taker, kAddresses> takers_ HF_GUARDED_BY(mutex_){};
};

}  // namespace holdfast::devices::pci
