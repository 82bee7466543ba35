// SPDX-License-Identifier: Apache-2.0
#include "holdfast/gate/realm.hpp"

#include <utility>

#include "holdfast/gate/activity.hpp"
#include "holdfast/gate/gate.hpp"

namespace holdfast::gate {

namespace {
rcu::Options named(rcu::Options options, const std::string& name) {
  options.name = name;
  return options;
}
}  // namespace

Realm::Realm(std::string name, rcu::Options options)
    : name_{std::move(name)}, domain_{&census_, named(std::move(options), name_)} {
  rcu::add_waiting_veto(&waiting_veto);
}

Realm::~Realm() = default;

const Gate* Realm::awaited_by(const Activity* who) const {
  for (const Waiter& waiter : waiters_)
    if (waiter.who == who) return waiter.wanted;
  return nullptr;
}

}  // namespace holdfast::gate
