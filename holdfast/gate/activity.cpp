// SPDX-License-Identifier: Apache-2.0
#include "holdfast/gate/activity.hpp"

#include <algorithm>
#include <string>

#include "holdfast/base/check.hpp"
#include "holdfast/gate/gate.hpp"

namespace holdfast::gate {

namespace detail {
constinit thread_local Activity* my_activity = nullptr;
}  // namespace detail

Activity& Activity::make() noexcept {
  thread_local Activity activity;
  detail::my_activity = &activity;
  return activity;
}

Activity::Activity() = default;

Activity::~Activity() {
  HF_CHECK(depth_ == 0, "a thread ends inside the gate of '{}'", entered_[depth_ - 1]->name());
}

bool Activity::is_among_mine(const Gate& gate) const {
  for (std::size_t i = 0; i < depth_; ++i)
    if (entered_[i] == &gate) return true;
  for (const auto& inherited : inherited_)
    if (inherited.get() == &gate) return true;
  return false;
}

void Activity::too_deep(const Gate& gate) const {
  HF_CHECK(false, "'{}': entered from {} gates deep", gate.name(), depth_);
}

bool Activity::pop_deeper(Gate& gate) {
  for (std::size_t i = depth_; i-- > 0;) {
    if (entered_[i] != &gate) continue;
    for (std::size_t j = i + 1; j < depth_; ++j) entered_[j - 1] = entered_[j];
    return --depth_ == 0;
  }
  HF_CHECK(false, "'{}': left by a thread that is not inside", gate.name());
}

GateSet Activity::makers() const {
  GateSet gates;
  if (depth_ == 0 && inherited_.empty()) return gates;
  gates.reserve(depth_ + inherited_.size());
  for (std::size_t i = 0; i < depth_; ++i) gates.push_back(Ref<Gate>::share(entered_[i]));
  for (const auto& gate : inherited_)
    if (std::find(gates.begin(), gates.end(), gate) == gates.end()) gates.push_back(gate);
  return gates;
}

const char* waiting_veto() {
  const Gate* gate = Activity::current().innermost();
  if (gate == nullptr) return nullptr;
  thread_local std::string text;  // the caller prints it at once
  text = "the gate of '" + gate->name() + "'";
  return text.c_str();
}

}  // namespace holdfast::gate
