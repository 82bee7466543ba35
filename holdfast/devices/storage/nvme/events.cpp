// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/storage/nvme/events.hpp"

#include <algorithm>

namespace holdfast::devices::nvme {
namespace {

std::uint8_t bit_of(Event::Kind kind) {
  return static_cast<std::uint8_t>(1U << static_cast<unsigned>(kind));
}

Event::Kind kind_of(LogPage page) {
  switch (page) {
    case LogPage::kErrors: return Event::Kind::kError;
    case LogPage::kHealth: return Event::Kind::kHealth;
    default: return Event::Kind::kNotice;
  }
}

}  // namespace

bool Events::wait(std::uint16_t command) {
  if (waiting_.size() == commands_) return false;
  waiting_.push_back(command);
  return true;
}

bool Events::give_up(std::uint16_t command) {
  const auto found = std::ranges::find(waiting_, command);
  if (found == waiting_.end()) return false;
  waiting_.erase(found);
  return true;
}

void Events::raise(const Event& event) {
  const bool is_known = std::ranges::any_of(
      events_, [&](const Event& one) { return one.result() == event.result(); });
  if (!is_known && events_.size() < kMostEvents) events_.push_back(event);
}

void Events::unmask(LogPage page) {
  masked_ = static_cast<std::uint8_t>(masked_ & ~bit_of(kind_of(page)));
}

void Events::deliver(const Tell& tell) {
  const auto is_due = [this](const Event& event) { return (masked_ & bit_of(event.kind)) == 0; };
  for (;;) {
    // Looked for anew each time: to tell may bring another command, or another event.
    const auto next = std::ranges::find_if(events_, is_due);
    if (next == events_.end() || waiting_.empty()) return;
    const Event event = *next;
    const std::uint16_t command = waiting_.front();
    events_.erase(next);
    waiting_.pop_front();
    masked_ |= bit_of(event.kind);
    tell(command, event);
  }
}

void Events::reset() {
  waiting_.clear();
  events_.clear();
  masked_ = 0;
}

}  // namespace holdfast::devices::nvme
