// SPDX-License-Identifier: Apache-2.0
#include "holdfast/hw/clock_tree.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "holdfast/base/check.hpp"

namespace holdfast::hw {
namespace {

constexpr gate::Use kClockPropertyUse{.what = "clock property"};

/// Whether a change of any clock of `device` can reach one of `other`. Control thread.
bool is_driven_by(const Device& other, const Device& device) {
  if (&other == &device) return true;
  std::vector<const Device*> above;
  other.for_each_part([&](Part& part) {
    const auto* in = dynamic_cast<const ClockIn*>(&part);
    if (in == nullptr) return;
    if (const Clock* source = in->source()) above.push_back(&source->device());
  });
  return std::ranges::any_of(above, [&](const Device* one) { return is_driven_by(*one, device); });
}

}  // namespace

constinit const object::Property Clock::Shown::kProperties[] = {
    object::computed<&Clock::Shown::period>("qtest-clock-period",
                                            "of a cycle, in units of 2^-32 ns; 0: it stands still")};

constinit const object::Type Clock::kType{.name = "clock",
                                          .docs = "A clock line of a device.",
                                          .properties = Clock::Shown::kProperties};

ClockPeriod scaled(ClockPeriod period, std::uint32_t multiplier, std::uint32_t divider) {
  __extension__ using Wide = unsigned __int128;
  if (multiplier == 0) return 0;
  const Wide result = Wide{period} * divider / multiplier;
  return result > std::numeric_limits<ClockPeriod>::max() ? 0 : static_cast<ClockPeriod>(result);
}

Clock::Shown::Shown(Clock& clock)
    : Object{kType, clock.context().tree}, clock_{clock} {
  const auto attached = node().attach(clock.device().node(), clock.name());
  HF_CHECK(attached.has_value(), "{}", attached.error().message);
}

Result<void> Clock::Shown::access(const std::function<Result<void>()>& body) const {
  const gate::Pass pass{clock_.gate(), kClockPropertyUse, gate::Reentry::kAllow,
                        gate::Visitor::kControl};
  if (!pass) return fail("{}: is being removed", clock_.path());
  return body();
}

Clock::Clock(Device& device, std::string_view kind, std::string name)
    : Part{device, kind, std::move(name)}, feed_{ClockFeed::make(path())} {}

Clock::~Clock() { feed_->sever(); }

void Clock::change(ClockPeriod period) {
  if (period == this->period()) return;
  feed_->set(period);
  for (ClockMux* mux : below_) mux->update();
}

ClockSource::ClockSource(Device& device, std::string name, ClockPeriod at_first)
    : Clock{device, "clock source", std::move(name)} {
  change(at_first);
}

ClockMux::ClockMux(Device& device, std::string name, std::vector<Clock*> inputs)
    : Clock{device, "clock mux", std::move(name)}, inputs_{std::move(inputs)} {
  for (Clock* input : inputs_) {
    if (input == nullptr) continue;
    HF_CHECK(&input->device() == &device, "{}: its input {} is another device's", path(),
             input->path());
    input->below_.push_back(this);
  }
  update();
}

void ClockMux::select(unsigned input) {
  selected_ = input;
  update();
}

void ClockMux::scale(std::uint32_t multiplier, std::uint32_t divider) {
  multiplier_ = multiplier;
  divider_ = divider;
  update();
}

void ClockMux::enable(bool on) {
  on_ = on;
  update();
}

void ClockMux::update() {
  const Clock* input = selected_ < inputs_.size() ? inputs_[selected_] : nullptr;
  change(on_ && input != nullptr ? scaled(input->period(), multiplier_, divider_) : 0);
}

ClockIn::ClockIn(Device& device, std::string name, std::function<void()> changed)
    : Clock{device, "clock in", std::move(name)},
      changed_{std::move(changed)},
      sink_{ClockSink::make(Ref<gate::Gate>::share(&device.gate()), path(),
                            [this](ClockPeriod period) { follow(period); })} {}

ClockIn::~ClockIn() { sink_->drop(); }

void ClockIn::severed() {
  sink_->sever();
  Clock::severed();
}

void ClockIn::follow(ClockPeriod period) {
  if (period == this->period()) return;
  change(period);
  changed_();
}

Result<void> connect(Clock& from, ClockIn& to) {
  if (is_driven_by(from.device(), to.device()))
    return fail("clock from {} to {}: {} would drive itself", from.path(), to.path(),
                to.device().full_path());
  TRY(to.sink_->follow(from.feed()));
  to.source_ = object::Handle<Clock>{from};
  return {};
}

}  // namespace holdfast::hw
