// SPDX-License-Identifier: Apache-2.0
#include "holdfast/hw/wire.hpp"

#include <algorithm>
#include <utility>

#include "holdfast/base/check.hpp"
#include "holdfast/base/log.hpp"
#include "holdfast/base/schedule_point.hpp"
#include "holdfast/hw/holdback.hpp"

namespace holdfast::hw {
namespace {

constexpr gate::Use kPinUse{"input pin"};

}  // namespace

PinTap::PinTap(const Ref<InPin>& pin, Watcher watcher)
    : pin_{*pin}, in_{pin}, watcher_{std::move(watcher)} {
  LockGuard guard{pin_.mutex_};
  pin_.taps_.push_back(this);
}

PinTap::PinTap(const Ref<OutPin>& pin, Watcher watcher)
    : pin_{*pin}, out_{pin}, watcher_{std::move(watcher)} {
  LockGuard guard{pin_.mutex_};
  pin_.taps_.push_back(this);
}

PinTap::~PinTap() {
  LockGuard guard{pin_.mutex_};
  std::erase(pin_.taps_, this);
}

bool Pin::is_connected() const {
  LockGuard guard{mutex_};
  return wire_ && !wire_->is_cut();
}

void Pin::change_level(bool level) {
  level_.store(level, std::memory_order_relaxed);
  for (PinTap* tap : taps_) tap->watcher_(level);
}

Ref<Wire> Pin::take_wire(bool for_good) {
  LockGuard guard{mutex_};
  if (for_good) severed_ = true;
  return std::exchange(wire_, {});
}

Ref<OutPin> OutPin::make(Ref<gate::Gate> gate, std::string path) {
  return Ref<OutPin>::adopt(new OutPin{std::move(gate), std::move(path)});
}

void OutPin::set(bool level) {
  // Only the device itself, under its lock, changes the level.
  if (level_.load(std::memory_order_relaxed) == level) return;
  if (gate_->is_closed()) return;
  if (const auto wire = change(level)) wire->due();
}

Ref<Wire> OutPin::change(bool level) {
  LockGuard guard{mutex_};
  if (severed_ || level_.load(std::memory_order_relaxed) == level) return {};
  change_level(level);
  // Queued with the pin's lock held, so that the wire has the changes in the pin's order.
  return wire_ && wire_->queue_change(level) ? wire_ : Ref<Wire>{};
}

void OutPin::sever() {
  if (const auto wire = take_wire(true)) wire->cut();
}

bool OutPin::adopt(Ref<Wire> wire) {
  LockGuard guard{mutex_};
  if (severed_) return false;
  wire_ = std::move(wire);
  wire_->queue_change(level_.load(std::memory_order_relaxed));
  return true;
}

Ref<InPin> InPin::make(Ref<gate::Gate> gate, std::string path, Handler handler) {
  auto pin = Ref<InPin>::adopt(new InPin{std::move(gate), std::move(path)});
  pin->handler_ = std::move(handler);
  return pin;
}

Ref<InPin> InPin::make(Ref<gate::Gate> gate, std::string path, PinSink& sink, unsigned line) {
  auto pin = Ref<InPin>::adopt(new InPin{std::move(gate), std::move(path)});
  pin->has_sink_ = true;
  pin->line_ = line;
  LockGuard guard{pin->mutex_};
  pin->sink_ = &sink;
  return pin;
}

bool InPin::adopt(Ref<Wire> wire) {
  LockGuard guard{mutex_};
  if (severed_) return false;
  wire_ = std::move(wire);
  return true;
}

void InPin::opened() {
  Ref<Wire> wire;
  {
    LockGuard guard{mutex_};
    wire = wire_;
  }
  if (wire) wire->due();
}

void InPin::sever() {
  const auto wire = take_wire(true);
  if (wire) wire->cut();
}

void InPin::drop() {
  sever();
  const bool inside = gate_->entered_by_me();
  LockGuard guard{mutex_};
  while (running_ != 0 && !inside) ran_.wait(mutex_);
}

void InPin::drive(bool level, Holdback& holdback) {
  if (!has_sink_) {
    deliver_through(OutsidePass{*gate_, kPinUse, holdback, gate::Reentry::kAllow}, level);
    return;
  }
  if (holdback.active()) holdback.wait_until_over();
  deliver_to_sink(level);
}

InPin::Delivery InPin::deliver(bool level) {
  if (has_sink_) return deliver_to_sink(level);
  return deliver_through(gate::Pass{*gate_, kPinUse, gate::Reentry::kAllow}, level);
}

template <class Pass>
InPin::Delivery InPin::deliver_through(const Pass& pass, bool level) {
  if (pass.entry() == gate::Entry::kNotOpen) return Delivery::kGateNotOpen;
  if (!pass || !begin(level)) return Delivery::kDone;
  handler_(level);
  end();
  return Delivery::kDone;
}

InPin::Delivery InPin::deliver_to_sink(bool level) {
  if (gate_->is_fresh()) return Delivery::kGateNotOpen;
  LockGuard guard{mutex_};
  if (severed_) return Delivery::kDone;
  change_level(level);
  sink_->pin_changed(line_, level);
  return Delivery::kDone;
}

bool InPin::begin(bool level) {
  LockGuard guard{mutex_};
  if (severed_) return false;
  change_level(level);
  ++running_;
  return true;
}

void InPin::end() {
  LockGuard guard{mutex_};
  --running_;
  ran_.notify_all();
}

Wire::Wire(Ref<InPin> to, EventLoop& loop, Census& census) : loop_{loop}, to_{std::move(to)} {
  LockGuard guard{mutex_};
  counted_.emplace(census, Census::Kind::kWire);
}

bool Wire::is_cut() const {
  LockGuard guard{mutex_};
  return cut_;
}

void Wire::queue(bool level) {
  last_queued_ = level;
  queue_.push_back({level, ++queued_, gate::Activity::current().makers()});
}

bool Wire::queue_change(bool level) {
  LockGuard guard{mutex_};
  if (cut_ || level == last_queued_) return false;
  queue(level);
  return true;
}

void Wire::cut() {
  HF_SCHEDULE_POINT("hw.wire.before_cut");
  {
    LockGuard guard{mutex_};
    if (std::exchange(cut_, true)) return;
    if (last_queued_ != kRest) queue(kRest);
    let_go_if_done();
  }
  due();
}

void Wire::due() {
  HF_SCHEDULE_POINT("hw.wire.queued");
  std::uint64_t number = 0;
  {
    LockGuard guard{mutex_};
    if (queue_.empty()) return;
    number = queued_;
  }
  gate::Activity::current().outbox().post(
      gate::Outbox::Kind::kOther,
      [wire = Ref<Wire>::share(this), number] { wire->deliver_up_to(number); });
}

bool Wire::must_wait_for(std::uint64_t number) const {
  if (delivered_ >= number || !delivering_) return false;
  HF_DCHECK(!to_->gate_->realm().domain().inside(), "waiting for the wire to {} in a read section",
            to_->path());
  return true;
}

void Wire::deliver_up_to(std::uint64_t number) {
  LockGuard guard{mutex_};
  while (must_wait_for(number)) {
    HF_SCHEDULE_POINT("hw.wire.waiting");
    moved_.wait(mutex_);
  }
  if (delivered_ < number) deliver_all();
}

void Wire::deliver_all() {
  delivering_ = true;
  while (!queue_.empty()) {
    if (flush_is_used_up()) {
      hand_over();
      break;
    }
    Change& change = queue_.front();  // stays where it is: others add behind it
    const Ref<InPin> to = to_;
    mutex_.unlock();
    HF_SCHEDULE_POINT("hw.wire.delivering");
    const auto delivery = deliver(change, *to);
    mutex_.lock();
    if (delivery == InPin::Delivery::kGateNotOpen) break;  // opened() goes on from here
    delivered_ = change.number;
    queue_.pop_front();
    moved_.notify_all();
  }
  delivering_ = false;
  moved_.notify_all();
  let_go_if_done();
}

InPin::Delivery Wire::deliver(Change& change, InPin& to) {
  const gate::Activity::Behalf makers{gate::Activity::current(), change.makers};
  return to.deliver(change.level);
}

bool Wire::flush_is_used_up() {
  const gate::Outbox& outbox = gate::Activity::current().outbox();
  if (flusher_ != &outbox || flush_ != outbox.flushes()) {
    flusher_ = &outbox;
    flush_ = outbox.flushes();
    in_this_flush_ = 0;
  }
  return ++in_this_flush_ > kMostInAFlush;
}

void Wire::hand_over() {
  if (!std::exchange(warned_, true))
    log::warn("{}: {} changes caused by one access; the wire loops back, the rest comes later",
              to_->path(), kMostInAFlush);
  if (std::exchange(handed_over_, true)) return;
  loop_.post([wire = Ref<Wire>::share(this)] { wire->take_over(); });
}

void Wire::take_over() {
  {
    LockGuard guard{mutex_};
    handed_over_ = false;
  }
  due();
}

void Wire::let_go_if_done() {
  if (!cut_ || delivering_ || !queue_.empty()) return;
  to_ = {};
  counted_.reset();
}

Result<void> connect(OutPin& from, InPin& to, EventLoop& loop) {
  for (const Pin* pin : {static_cast<const Pin*>(&from), static_cast<const Pin*>(&to)})
    if (pin->is_connected())
      return fail("wire from {} to {}: {} has a wire already", from.path(), to.path(), pin->path());
  const auto wire = Ref<Wire>::adopt(
      new Wire{Ref<InPin>::share(&to), loop, to.gate_->realm().census()});
  if (to.adopt(wire) && from.adopt(wire))
    wire->due();
  else
    wire->cut();
  return {};
}

}  // namespace holdfast::hw
