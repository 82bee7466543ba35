// SPDX-License-Identifier: Apache-2.0
#include "holdfast/hw/device.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <ranges>

#include "holdfast/base/check.hpp"
#include "holdfast/base/schedule_point.hpp"
#include "holdfast/gate/realm.hpp"
#include "holdfast/hw/base_types.hpp"
#include "holdfast/hw/configuration.hpp"
#include "holdfast/hw/severing.hpp"
#include "holdfast/memory/fabric.hpp"
#include "holdfast/memory/transaction.hpp"

namespace holdfast::hw {
namespace {

constexpr gate::Use kPropertyUse{.what = "property"};
constexpr gate::Use kResetUse{.what = "reset"};

constexpr std::array<const object::Type*, 1> kDeviceAbilities{&kResettable};

std::string path_of(const DeviceInit& init) {
  const std::string& above = init.parent != nullptr ? init.parent->full_path() : init.below;
  return above + "/" + init.name;
}

/// A "region link" shows as a link<region>.
std::string type_of_value(const Part& part) {
  constexpr std::string_view kLink = " link";
  std::string kind{part.kind()};
  if (!kind.ends_with(kLink)) return kind;
  return fmt::format("link<{}>", kind.substr(0, kind.size() - kLink.size()));
}

}  // namespace

constinit const object::Type Device::kType{
    .name = "device",
    .interfaces = kDeviceAbilities,
    .kind = object::Type::Kind::kAbstract,
    .docs = "Something on a bus or a board, behind one gate."};

std::string_view to_string(Life life) {
  switch (life) {
    case Life::kBuilt: return "built";
    case Life::kPrepared: return "prepared";
    case Life::kLive: return "live";
    case Life::kSpent: return "spent";
    case Life::kClosed: return "closed";
    case Life::kDrained: return "drained";
  }
  return "?";
}

class Device::Pinned {
 public:
  explicit Pinned(Device& device);
  ~Pinned();
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;

  auto begin() const { return parts_.begin(); }
  auto end() const { return parts_.end(); }

 private:
  Device& device_;  // outlives the scope
  std::vector<Part*> parts_;
};

Device::Device(const DeviceInit& init, gate::Locking locking)
    : Object{init.type, init.context.tree},
      context_{init.context},
      parent_{init.parent},
      id_{init.name},
      gate_{gate::Gate::make(init.context.realm, path_of(init), locking)},
      counted_{init.context.realm.census(), Census::Kind::kDevice} {
  if (parent_ == nullptr) return;
  const auto attached = node().attach(parent_->node(), id_);
  HF_CHECK(attached.has_value(), "{}", attached.error().message);
}

Device::~Device() {
  HF_CHECK(gate_->is_closed(), "{}: destroyed while {}; drop its Owned<> instead", full_path(),
           to_string(life()));
  for (Part* part : parts()) delete part;  // members have gone; it has what it was given
}

void Dispose::operator()(Device* device) const { Device::dispose(device, {}); }

void Device::dispose(Device* device, Ref<Ticket> ticket) {
  Severing::begin(device, std::move(ticket));
}

Result<void> Device::prepare() {
  HF_CHECK(life() == Life::kBuilt, "{}: prepared while {}", full_path(), to_string(life()));
  auto done = prepare_parts();
  enter_life(done ? Life::kPrepared : Life::kSpent);
  return done;
}

Result<void> Device::prepare_parts() {
  TRY(check());
  for (Part* part : parts()) {
    HF_SCHEDULE_POINT("hw.prepare.part");
    Result<void> done;
    if (context_.faults != nullptr && context_.faults->strikes())
      done = fail("{}: was made to fail its prepare", part->path());
    else if (Device* child = part->child())
      done = child->prepare();
    else
      done = part->prepare();
    if (!done) {
      unprepare_parts();
      return done;
    }
    part->prepared_ = true;
  }
  return {};
}

void Device::unprepare_parts() {
  for (Part* part : parts() | std::views::reverse) {
    if (!std::exchange(part->prepared_, false)) continue;
    if (Device* child = part->child()) {
      child->unprepare_parts();
      child->enter_life(Life::kSpent);
    } else {
      part->unprepare();
    }
  }
}

void Device::publish(memory::Transaction& map) {
  HF_CHECK(life() == Life::kPrepared, "{}: published while {}", full_path(), to_string(life()));
  enter_life(Life::kLive);
  mark_realized();
  for (Part* part : parts()) {
    if (Device* child = part->child())
      child->publish(map);
    else
      part->publish(map);
  }
  gate_->open();  // from here on a callback may make and drop parts
}

void Device::published(object::Node& parent) {
  for (Device* device : subtree()) {
    for (Part* part : Pinned{*device}) {
      HF_SCHEDULE_POINT("hw.publish.part");
      if (device->begin_telling(*part)) part->published();
    }
  }
  HF_SCHEDULE_POINT("hw.publish.before_name");
  const auto named = node().attach(parent, id_);
  HF_CHECK(named.has_value(), "{}: {}", full_path(), named.error().message);
}

Result<void> Device::realize(object::Node& parent) {
  const std::string path = parent.path() == "/" ? "/" + id_ : parent.path() + "/" + id_;
  if (context_.tree.has(path)) return fail("{}: the name is taken", path);
  TRY(prepare());
  memory::Transaction map;
  publish(map);
  TRY(context_.fabric.commit(std::move(map)));
  published(parent);
  return {};
}

void Device::reset(ResetPhase phase) {
  const gate::Pass pass{*gate_, kResetUse, gate::Reentry::kRefuse, gate::Visitor::kControl};
  if (!pass) return;  // it is being taken away
  for (Part* part : Pinned{*this})
    if (is_listed(*part)) part->reset(phase);
  on_reset(phase);
}

// --- parts -----------------------------------------------------------------------------------------

void Device::add(Part& part) {
  LockGuard guard{parts_mutex_};
  // A part that is made while the device is live joins when it is whole.
  part.joined_ = life() == Life::kBuilt;
  parts_.push_back(&part);
}

bool Device::remove(Part& part) {
  LockGuard guard{parts_mutex_};
  if (!std::exchange(part.listed_, false)) return true;
  // From the back: members go in reverse order.
  const auto found = std::ranges::find(parts_ | std::views::reverse, &part);
  HF_CHECK(found != parts_.rend(), "{}: unknown part '{}'", full_path(), part.name());
  parts_.erase(std::next(found).base());
  return part.pins_ == 0;
}

Device::Pinned::Pinned(Device& device) : device_{device} {
  LockGuard guard{device_.parts_mutex_};
  for (Part* part : device_.parts_) {
    if (!part->joined_) continue;
    ++part->pins_;
    parts_.push_back(part);
  }
}

Device::Pinned::~Pinned() {
  std::vector<Part*> dropped;
  {
    LockGuard guard{device_.parts_mutex_};
    for (Part* part : parts_)
      if (--part->pins_ == 0 && !part->listed_) dropped.push_back(part);
  }
  for (Part* part : dropped) DropPart::destroy(part);
}

bool Device::is_listed(const Part& part) const {
  LockGuard guard{parts_mutex_};
  return part.listed_;
}

bool Device::begin_telling(Part& part) {
  LockGuard guard{parts_mutex_};
  return part.listed_ && !std::exchange(part.told_, true);
}

std::vector<Part*> Device::parts() const {
  std::vector<Part*> whole;
  LockGuard guard{parts_mutex_};
  whole.reserve(parts_.size());
  for (Part* part : parts_)
    if (part->joined_) whole.push_back(part);
  return whole;
}

void Device::for_each_part(const std::function<void(Part&)>& what) const {
  LockGuard guard{parts_mutex_};
  for (Part* part : parts_)
    if (part->joined_) what(*part);
}

void Device::sever_parts(memory::Transaction& map) {
  LockGuard guard{parts_mutex_};
  severing_ = true;
  for (Part* part : parts_)
    if (part->joined_) part->sever(map);
}

std::size_t Device::part_count() const {
  LockGuard guard{parts_mutex_};
  return parts_.size();
}

std::vector<Device::PartInfo> Device::part_infos() const {
  std::vector<PartInfo> infos;
  for_each_part([&](Part& part) { infos.push_back({part.name(), part.kind()}); });
  return infos;
}

Part* Device::find_part(std::string_view name) {
  const auto slash = name.find('/');
  const auto head = name.substr(0, slash);
  Part* found = nullptr;
  for_each_part([&](Part& part) {
    if (found != nullptr || part.name() != head) return;
    if (slash == std::string_view::npos || part.child() != nullptr) found = &part;
  });
  if (found == nullptr || slash == std::string_view::npos) return found;
  return found->child()->find_part(name.substr(slash + 1));
}

void Device::collect(std::vector<Device*>& out) {
  out.push_back(this);
  std::vector<Device*> children;
  for_each_part([&](Part& part) {
    if (Device* child = part.child()) children.push_back(child);
  });
  for (Device* child : children) child->collect(out);
}

std::vector<Device*> Device::subtree() {
  std::vector<Device*> devices;
  collect(devices);
  return devices;
}

// --- properties ------------------------------------------------------------------------------------

Result<void> Device::access(const std::function<Result<void>()>& body) const {
  const gate::Pass pass{*gate_, kPropertyUse, gate::Reentry::kAllow, gate::Visitor::kControl};
  if (!pass) return fail("{}: is being removed", full_path());
  return body();
}

std::vector<object::PropertyInfo> Device::own_properties() const {
  std::vector<object::PropertyInfo> shown;
  const gate::Pass pass{*gate_, kPropertyUse, gate::Reentry::kAllow, gate::Visitor::kControl};
  if (!pass) return shown;
  if (const auto* configuration = Configuration::of(*this)) shown = configuration->properties();
  const auto named = [&shown](const std::string& name) {
    return std::ranges::find(shown, name, &object::PropertyInfo::name) != shown.end();
  };
  for_each_part([&](Part& part) {
    // What users call the thing goes before what a part says of it.
    if (auto value = part.value(); value && !named(part.name()))
      shown.push_back({.name = part.name(),
                       .type = type_of_value(part),
                       .description = {},
                       .value = *std::move(value)});
  });
  return shown;
}

}  // namespace holdfast::hw
