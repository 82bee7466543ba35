// SPDX-License-Identifier: Apache-2.0
#include "holdfast/hw/clock_line.hpp"

#include <utility>

#include "holdfast/base/check.hpp"
#include "holdfast/base/schedule_point.hpp"
#include "holdfast/gate/activity.hpp"

namespace holdfast::hw {
namespace {

constexpr gate::Use kClockUse{"clock"};

}  // namespace

Ref<ClockFeed> ClockFeed::make(std::string path) {
  return Ref<ClockFeed>::adopt(new ClockFeed{std::move(path)});
}

void ClockFeed::set(std::uint64_t period) {
  // Only the device itself, under its lock, changes it.
  if (this->period() == period) return;
  std::vector<Ref<ClockSink>> told;
  {
    LockGuard guard{mutex_};
    if (severed_) return;
    period_.store(period, std::memory_order_relaxed);
    // Noted with the feed's lock held, so that the sinks have the changes in the feed's order.
    for (const auto& sink : sinks_) sink->want(period);
    told = sinks_;
  }
  for (const auto& sink : told) sink->due();
}

void ClockFeed::sever() {
  std::vector<Ref<ClockSink>> cut;
  {
    LockGuard guard{mutex_};
    severed_ = true;
    cut.swap(sinks_);
  }
  for (const auto& sink : cut) sink->feed_went();
}

void ClockFeed::add(ClockSink& sink) {
  {
    LockGuard guard{mutex_};
    if (!severed_) {
      sinks_.push_back(Ref<ClockSink>::share(&sink));
      return sink.want(period());
    }
  }
  sink.feed_went();
}

void ClockFeed::forget(const ClockSink& sink) {
  LockGuard guard{mutex_};
  std::erase_if(sinks_, [&](const auto& one) { return &*one == &sink; });
}

ClockSink::ClockSink(Ref<gate::Gate> gate, std::string path, Handler handler)
    : gate_{std::move(gate)}, path_{std::move(path)}, handler_{std::move(handler)} {}

Ref<ClockSink> ClockSink::make(Ref<gate::Gate> gate, std::string path, Handler handler) {
  return Ref<ClockSink>::adopt(
      new ClockSink{std::move(gate), std::move(path), std::move(handler)});
}

bool ClockSink::is_connected() const {
  LockGuard guard{mutex_};
  return static_cast<bool>(feed_);
}

Result<void> ClockSink::follow(const Ref<ClockFeed>& feed) {
  {
    LockGuard guard{mutex_};
    if (severed_) return {};
    if (feed_) return fail("{}: follows {} already", path_, feed_->path());
    feed_ = feed;
    counted_.emplace(gate_->realm().census(), Census::Kind::kWire);
  }
  feed->add(*this);
  if (!is_connected()) feed->forget(*this);  // cut meanwhile
  due();
  return {};
}

void ClockSink::want(std::uint64_t period) {
  LockGuard guard{mutex_};
  if (severed_ || period == wanted_) return;
  wanted_ = period;
  makers_ = gate::Activity::current().makers();
  ++changes_;
}

void ClockSink::feed_went() {
  want(0);
  {
    LockGuard guard{mutex_};
    feed_ = {};
    counted_.reset();
  }
  due();
}

void ClockSink::sever() {
  Ref<ClockFeed> feed;
  {
    LockGuard guard{mutex_};
    severed_ = true;
    feed = std::exchange(feed_, {});
    counted_.reset();
  }
  if (feed) feed->forget(*this);
}

void ClockSink::drop() {
  sever();
  const bool inside = gate_->entered_by_me();
  LockGuard guard{mutex_};
  while (running_ != 0 && !inside) moved_.wait(mutex_);
}

void ClockSink::due() {
  gate::Activity::current().outbox().post(
      gate::Outbox::Kind::kOther, [sink = Ref<ClockSink>::share(this)] { sink->deliver(); });
}

void ClockSink::deliver() {
  LockGuard guard{mutex_};
  const std::uint64_t number = changes_;
  while (delivered_ < number && delivering_) {
    HF_DCHECK(!gate_->realm().domain().inside(), "waiting for the clock of {} in a read section",
              path_);
    HF_SCHEDULE_POINT("hw.clock_line.waiting");
    moved_.wait(mutex_);
  }
  if (delivered_ >= number) return;
  delivering_ = true;
  while (delivered_ != changes_) {
    const std::uint64_t change = changes_;
    const std::uint64_t period = wanted_;
    gate::GateSet makers = std::exchange(makers_, {});
    mutex_.unlock();
    HF_SCHEDULE_POINT("hw.clock_line.delivering");
    const bool told = tell(period, std::move(makers));
    mutex_.lock();
    if (!told) break;  // opened() goes on from here
    delivered_ = change;
    moved_.notify_all();
  }
  delivering_ = false;
  moved_.notify_all();
}

bool ClockSink::tell(std::uint64_t period, gate::GateSet makers) {
  const gate::Activity::Behalf behalf{gate::Activity::current(), makers};
  const gate::Pass pass{*gate_, kClockUse, gate::Reentry::kAllow};
  if (pass.entry() == gate::Entry::kNotOpen) return false;
  if (!pass || !begin()) return true;
  handler_(period);
  end();
  return true;
}

bool ClockSink::begin() {
  LockGuard guard{mutex_};
  if (severed_) return false;
  ++running_;
  return true;
}

void ClockSink::end() {
  LockGuard guard{mutex_};
  --running_;
  moved_.notify_all();
}

}  // namespace holdfast::hw
