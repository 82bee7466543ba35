// SPDX-License-Identifier: Apache-2.0
#include "holdfast/gate/outbox.hpp"

#include <algorithm>
#include <iterator>
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
  entries_.push_back({kind, activity_.makers(), std::move(action)});
  if (kind == Kind::kPostedWrite) ++posted_writes_;
  flush();
}

bool Outbox::may_perform() const {
  return !flushing_ && deferrals_ == 0 && !activity_.inside_any();
}

void Outbox::perform_all() {
  flushing_ = true;
  ++flushes_;
  while (!entries_.empty()) {
    Item item = std::move(entries_.front());
    entries_.pop_front();
    if (item.kind == Kind::kPostedWrite) --posted_writes_;
    HF_SCHEDULE_POINT("gate.outbox.before_entry");
    perform(item);
  }
  flushing_ = false;
}

bool Outbox::is_write_of(const Gate* maker, const Item& item) const {
  return item.kind == Kind::kPostedWrite &&
         std::any_of(item.makers.begin(), item.makers.end(),
                     [maker](const auto& gate) { return gate.get() == maker; });
}

bool Outbox::has_posted_writes() const {
  if (posted_writes_ == 0) return false;
  const Gate* const maker = activity_.innermost();
  return std::any_of(entries_.begin(), entries_.end(),
                     [&](const Item& item) { return is_write_of(maker, item); });
}

bool Outbox::perform_posted_writes() {
  const Gate* const maker = activity_.innermost();
  std::deque<Item> left;
  bool is_put_back = false;
  bool* const outer = std::exchange(put_back_, &is_put_back);
  for (Item& item : std::exchange(entries_, {})) {
    if (!is_put_back && is_write_of(maker, item)) {
      perform(item);
      if (!is_put_back) {
        --posted_writes_;
        continue;
      }
    }
    left.push_back(std::move(item));
  }
  put_back_ = outer;
  std::ranges::move(entries_, std::back_inserter(left));  // what these writes caused
  entries_ = std::move(left);
  return !is_put_back;
}

bool Outbox::put_back() {
  if (put_back_ == nullptr) return false;
  return *put_back_ = true;
}

void Outbox::perform(Item& item) {
  const Activity::Behalf makers{activity_, item.makers};
  const std::size_t delivered_from = std::exchange(activity_.delivered_from_, activity_.depth_);
  item.action();
  activity_.delivered_from_ = delivered_from;
}

}  // namespace holdfast::gate
