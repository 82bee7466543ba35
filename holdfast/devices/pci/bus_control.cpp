// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/pci/bus_control.hpp"

#include <utility>

namespace holdfast::devices::pci {

Ref<BusControl> BusControl::make(Init init) {
  return Ref<BusControl>::adopt(new BusControl{std::move(init)});
}

Result<BusControl::Seat> BusControl::take(Wish wish) {
  const LockGuard guard{mutex_};
  const auto place = wish.address ? wish.address : free_device();
  if (!place)
    return fail("bus '{}' is full: its devices {:x} to {:x} are taken", name(), init_.first_device,
                init_.last_device);
  const Address address = *place;
  if (address.device < init_.first_device || address.device > init_.last_device)
    return fail("addr is '{}'; bus '{}' has devices {:x} to {:x}", address.to_string(), name(),
                init_.first_device, init_.last_device);
  Taker& taker = takers_[address.number()];
  if (!taker.who.empty())
    return fail("addr is '{}'; that place on bus '{}' is taken by {}", address.to_string(), name(),
                taker.who);
  TRY(check_device(address, wish.multifunction));
  taker = {.who = std::move(wish.who),
           .multifunction = wish.multifunction,
           .function = std::move(wish.function)};
  return Seat{.address = address,
              .claim = hw::Claim{"a place on bus '" + name() + "'",
                                 [self = Ref<BusControl>::share(this), address] {
                                   self->give_back(address);
                                 }}};
}

// SPEC: PCI 3.0, 6.2.1: whoever looks for functions 1 to 7 looks first whether function 0 says that there
// are any.
Result<void> BusControl::check_device(Address address, bool multifunction) const {
  const Taker& first = takers_[Address{.device = address.device}.number()];
  if (address.function != 0) {
    if (first.who.empty() || first.multifunction) return {};
    return fail("addr is '{}'; function 0 there, {}, is the only one of its device; it takes one with "
                "multifunction=on",
                address.to_string(), first.who);
  }
  if (multifunction) return {};
  for (std::uint8_t function = 1; function < kFunctions; ++function) {
    const Taker& other = takers_[Address{.device = address.device, .function = function}.number()];
    if (!other.who.empty())
      return fail("addr is '{}'; its device has function {}, {}, so it takes multifunction=on",
                  address.to_string(), function, other.who);
  }
  return {};
}

std::optional<Address> BusControl::free_device() const {
  for (unsigned device = init_.first_device; device <= init_.last_device; ++device) {
    bool free = true;
    for (unsigned function = 0; function < kFunctions; ++function)
      free = free && takers_[device * kFunctions + function].who.empty();
    if (free) return Address{.device = static_cast<std::uint8_t>(device)};
  }
  return std::nullopt;
}

bool BusControl::has_room() const {
  const LockGuard guard{mutex_};
  return free_device().has_value();
}

std::string BusControl::taker(Address address) const {
  const LockGuard guard{mutex_};
  return takers_[address.number()].who;
}

std::vector<object::Handle<Function>> BusControl::all() const {
  std::vector<object::Handle<Function>> functions;
  const LockGuard guard{mutex_};
  for (const Taker& taker : takers_)
    if (!taker.who.empty()) functions.push_back(taker.function);
  return functions;
}

void BusControl::give_back(Address address) {
  const LockGuard guard{mutex_};
  takers_[address.number()] = {};
}

}  // namespace holdfast::devices::pci
