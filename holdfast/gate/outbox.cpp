// SPDX-License-Identifier: Apache-2.0
#include "holdfast/gate/outbox.hpp"

#include <utility>

#include "holdfast/base/check.hpp"
#include "holdfast/base/schedule_point.hpp"
#include "holdfast/gate/activity.hpp"
#include "holdfast/gate/gate.hpp"

namespace holdfast::gate {

Outbox::~Outbox() {
  HF_CHECK(entries_.empty(), "a thread ends with {} entries in its outbox", entries_.size());
}

void Outbox::post(Kind kind, Action action) {
  entries_.push_back({kind, activity_.gates_for_outbox(), std::move(action)});
  if (kind == Kind::kPostedWrite) ++posted_writes_;
  flush();
}

void Outbox::flush() {
  if (entries_.empty() || flushing_ || deferrals_ != 0 || activity_.inside_any()) return;
  flushing_ = true;
  ++flushes_;
  while (!entries_.empty()) {
    Item item = std::move(entries_.front());
    entries_.pop_front();
    if (item.kind == Kind::kPostedWrite) --posted_writes_;
    HF_SCHEDULE_POINT("gate.outbox.before_entry");
    perform(std::move(item));
  }
  flushing_ = false;
}

void Outbox::perform_posted_writes() {
  std::deque<Item> writes;
  std::deque<Item> others;
  for (Item& item : entries_)
    (item.kind == Kind::kPostedWrite ? writes : others).push_back(std::move(item));
  entries_ = std::move(others);
  posted_writes_ = 0;
  for (Item& item : writes) perform(std::move(item));
}

void Outbox::perform(Item item) {
  std::swap(activity_.inherited_, item.makers);
  const std::size_t delivered_from = std::exchange(activity_.delivered_from_, activity_.depth_);
  item.action();
  activity_.delivered_from_ = delivered_from;
  std::swap(activity_.inherited_, item.makers);
}

}  // namespace holdfast::gate
