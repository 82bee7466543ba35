// SPDX-License-Identifier: Apache-2.0
#include "holdfast/hw/region_part.hpp"

#include <utility>

#include "holdfast/base/log.hpp"
#include "holdfast/gate/gate.hpp"
#include "holdfast/hw/control_queue.hpp"
#include "holdfast/hw/device.hpp"
#include "holdfast/hw/mmio.hpp"
#include "holdfast/hw/ticket.hpp"
#include "holdfast/memory/fabric.hpp"
#include "holdfast/memory/transaction.hpp"

namespace holdfast::hw {

// --- all regions -----------------------------------------------------------------------------------

memory::RegionInit RegionPart::region_init() const {
  return {.name = path(), .size = size_, .gate = Ref<gate::Gate>::share(&gate())};
}

// Whoever changes what RAM shows waits until nobody sees it where it was; a job does not wait, and
// the CPUs are paused then, or will see it at their slice's end.
void RegionPart::post(memory::Transaction map) {
  if (!may_act()) return;
  gate::Activity::current().outbox().post(
      gate::Outbox::Kind::kOther,
      [&fabric = context().fabric, who = path(), map = std::move(map)]() mutable {
        const auto done = fabric.commit(std::move(map));
        if (!done)
          log::warn("{}: the map stays as it is: {}", who, done.error().message);
        else if (done->ram_changed && ControlQueue::current_job() == nullptr)
          fabric.settle();
      });
}

void RegionPart::sever(memory::Transaction& map) {
  if (region_) map.sever(region_);
}

void RegionPart::drop() { region_ = {}; }

void RegionPart::set_enabled(bool enabled) {
  memory::Transaction map;
  map.set_enabled(region_, enabled);
  post(std::move(map));
}

void RegionPart::set_size(std::uint64_t bytes) {
  memory::Transaction map;
  set_size(bytes, map);
  post(std::move(map));
}

void RegionPart::set_size(std::uint64_t bytes, memory::Transaction& map) {
  size_ = bytes;
  map.set_size(region_, bytes);
}

// --- containers ------------------------------------------------------------------------------------

Container::Container(Device& device, std::string name, std::uint64_t size)
    : RegionPart{device, "container", std::move(name), size} {
  region_ = memory::MemoryRegion::container(context().fabric, region_init());
}

void Container::add(std::uint64_t offset, RegionPart& part, std::int32_t priority) {
  if (!part.exists()) {
    waiting_.push_back({offset, object::Handle<RegionPart>{part}, priority});
    return;
  }
  memory::Transaction map;
  map.add(region_, offset, part.region(), priority);
  post(std::move(map));
}

void Container::remove(RegionPart& part) {
  std::erase_if(waiting_, [&](const Waiting& waiting) { return waiting.part.get() == &part; });
  if (!part.exists()) return;
  memory::Transaction map;
  map.remove(part.region());
  post(std::move(map));
}

void Container::move(RegionPart& part, std::uint64_t offset) {
  memory::Transaction map;
  map.move(part.region(), offset);
  post(std::move(map));
}

void Container::publish(memory::Transaction& map) {
  for (const Waiting& waiting : std::exchange(waiting_, {}))
    if (const RegionPart* part = waiting.part.get(); part != nullptr && part->exists())
      map.add(region_, waiting.offset, part->region(), waiting.priority);
}

// --- RAM -------------------------------------------------------------------------------------------

Ram::Ram(Device& device, std::string name, Init init)
    : RegionPart{device, "ram", std::move(name), init.size},
      init_{std::move(init)},
      block_{context().control} {}

Result<void> Ram::prepare() {
  if (!init_.block)
    block_.take(TRY(memory::RamBlock::make(context().realm, path(), init_.size, init_.backing)));
  region_ = init_.writable == Init::Writable::kYes
                ? memory::MemoryRegion::ram(context().fabric, region_init(), shown())
                : memory::MemoryRegion::rom(context().fabric, region_init(), shown());
  return {};
}

void Ram::unprepare() {
  region_ = {};
  block_.reset();
}

void Ram::severed() { block_.close(); }

void Ram::note_remains(Remains& remains) const {
  if (shown()) remains.blocks.push_back(shown());
}

// --- ROM devices -----------------------------------------------------------------------------------

RomDevice::RomDevice(Device& device, std::string name, std::uint64_t size,
                     memory::MmioHandler& handler, memory::AccessRules rules,
                     memory::RamBacking backing)
    : RegionPart{device, "rom device", std::move(name), size},
      handler_{handler},
      rules_{rules},
      backing_{std::move(backing)},
      block_{context().control} {}

Result<void> RomDevice::prepare() {
  block_.take(TRY(memory::RamBlock::make(context().realm, path(), size(), backing_)));
  region_ = memory::MemoryRegion::rom_device(context().fabric, region_init(),
                                             {.handler = handler_, .rules = rules_}, block_.get());
  return {};
}

void RomDevice::unprepare() {
  region_ = {};
  block_.reset();
}

void RomDevice::severed() { block_.close(); }

void RomDevice::note_remains(Remains& remains) const {
  if (block_.get()) remains.blocks.push_back(block_.get());
}

void RomDevice::set_direct(bool direct) {
  memory::Transaction map;
  map.set_rom_mode(region_, direct);
  post(std::move(map));
}

// --- aliases ---------------------------------------------------------------------------------------

Alias::Alias(Device& device, std::string name, std::uint64_t size, RegionPart& target,
             std::uint64_t offset)
    : RegionPart{device, "alias", std::move(name), size},
      target_{object::Handle<RegionPart>{target}},
      offset_{offset} {
  if (target.exists()) make(target);
}

Alias::Alias(Device& device, std::string name, std::uint64_t size, RegionLink& link,
             std::uint64_t offset)
    : RegionPart{device, "alias", std::move(name), size}, link_{&link}, offset_{offset} {}

void Alias::make(RegionPart& target) {
  region_ = memory::MemoryRegion::alias(context().fabric, region_init(), target.region(), offset_);
}

Result<void> Alias::prepare() {
  if (exists()) return {};
  if (link_ != nullptr && link_->get() != nullptr)
    target_ = object::Handle<RegionPart>{*link_->get()};
  RegionPart* target = target_.get();
  if (target == nullptr || !target->exists())
    return fail("{}: the region it shows is gone, or not made yet", path());
  make(*target);
  return {};
}

void Alias::set_offset(std::uint64_t offset) {
  offset_ = offset;
  memory::Transaction map;
  map.set_alias_offset(region_, offset);
  post(std::move(map));
}

void Alias::set_target(RegionPart& target, std::uint64_t offset) {
  target_ = object::Handle<RegionPart>{target};
  offset_ = offset;
  memory::Transaction map;
  map.set_alias(region_, target.region(), offset);
  post(std::move(map));
}

// --- reservations, registers -----------------------------------------------------------------------

Reservation::Reservation(Device& device, std::string name, std::uint64_t size)
    : RegionPart{device, "reservation", std::move(name), size} {
  region_ = memory::MemoryRegion::reservation(context().fabric, region_init());
}

Mmio::Mmio(Device& device, std::string name, std::uint64_t size, memory::MmioHandler& handler,
           memory::AccessRules rules, SelfAccess self_access)
    : RegionPart{device, "mmio", std::move(name), size} {
  make(handler, rules, self_access);
}

void Mmio::make(memory::MmioHandler& handler, const memory::AccessRules& rules,
                SelfAccess self_access) {
  region_ = memory::MemoryRegion::mmio(
      context().fabric, region_init(),
      {.handler = handler, .rules = rules, .may_reenter = self_access == SelfAccess::kAllowed});
}

// --- links -----------------------------------------------------------------------------------------

Result<void> RegionLink::set(RegionPart& target) {
  if (device().life() != Life::kBuilt)
    return fail("{}: can only be set before the device is realized", path());
  target_ = object::Handle<RegionPart>{target};
  return {};
}

Result<void> RegionLink::prepare() {
  if (need_ == Need::kOptional || get() != nullptr) return {};
  return fail("{}: is not set; it takes a region, such as a container or RAM", path());
}

std::optional<object::PropertyValue> RegionLink::value() const {
  const RegionPart* target = get();
  return target == nullptr ? std::string{} : target->path();
}

}  // namespace holdfast::hw
