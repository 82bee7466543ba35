// SPDX-License-Identifier: Apache-2.0
#include "holdfast/memory/subscription.hpp"

#include "holdfast/base/check.hpp"
#include "holdfast/base/schedule_point.hpp"
#include "holdfast/memory/fabric_write.hpp"

namespace holdfast::memory {
namespace {

constexpr gate::Use kTelling{"memory listener"};

}  // namespace

SubscriptionControl::SubscriptionControl(Ref<SpaceControl> space, LayoutListener* layout,
                                         TranslationListener* translation,
                                         Subscription::Init init)
    : space_{std::move(space)},
      layout_{layout},
      translation_{translation},
      gate_{std::move(init.gate)},
      priority_{init.priority},
      counted_{space_->fabric().realm().census(), Census::Kind::kListener} {}

template <class Call>
void SubscriptionControl::call(Call&& call) const {
  HF_SCHEDULE_POINT("memory.listener.before_call");
  if (!gate_) {
    if (!ended_.load(std::memory_order_acquire)) call();
    return;
  }
  const gate::Pass pass{*gate_, kTelling, gate::Reentry::kAllow, gate::Visitor::kControl};
  // Looked at inside: who ended it inside the gate is out again, or closed the gate.
  if (pass && !ended_.load(std::memory_order_acquire)) call();
}

void SubscriptionControl::delete_sections(std::span<const Section> sections) const {
  if (layout_ == nullptr) return;
  call([&] {
    layout_->begin();
    for (const Section& section : sections) layout_->region_del(section);
  });
}

void SubscriptionControl::add_sections(std::span<const Section> sections,
                                       std::span<const Extent> windows) const {
  call([&] {
    if (layout_ != nullptr) {
      for (const Section& section : sections) layout_->region_add(section);
      layout_->commit();
    } else {
      translation_->stale(windows);
    }
  });
}

Subscription::Subscription(AddressSpace& space, LayoutListener& listener, Init init)
    : control_{Ref<SubscriptionControl>::adopt(
          new SubscriptionControl{space.control(), &listener, nullptr, std::move(init)})} {
  begin();
}

Subscription::Subscription(AddressSpace& space, TranslationListener& listener, Init init)
    : control_{Ref<SubscriptionControl>::adopt(
          new SubscriptionControl{space.control(), nullptr, &listener, std::move(init)})} {
  begin();
}

void Subscription::begin() {
  Fabric& fabric = control_->space().fabric();
  if (may_write_now())
    fabric.write_now([&](Map& map) { map.subscribe(control_); });
  else
    fabric.write_later([control = control_](Map& map) { map.subscribe(control); });
}

Subscription::~Subscription() {
  Fabric& fabric = control_->space().fabric();
  if (may_write_now()) {
    fabric.write_now([&](Map& map) {
      map.unsubscribe(*control_);
      control_->end();
    });
  } else {
    control_->end();
    fabric.write_later([control = control_](Map& map) { map.unsubscribe(*control); });
  }
}

}  // namespace holdfast::memory
