// SPDX-License-Identifier: Apache-2.0
// A subscription to an address space as a part: begins when the device is published, ends with it,
// and is unwound with the rest when something else fails.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "holdfast/hw/part.hpp"
#include "holdfast/hw/space.hpp"
#include "holdfast/memory/listener.hpp"

namespace holdfast::hw {

/// Listener: memory::LayoutListener or memory::TranslationListener. Called inside the device's gate.
template <class Listener>
class Listening final : public Part {
 public:
  /// `space` and `listener` belong to the same device.
  Listening(Device& device, std::string name, Space& space, Listener& listener, int priority = 0)
      : Part{device, "listener", std::move(name)},
        space_{space},
        listener_{listener},
        priority_{priority} {}

 private:
  void published() override {
    subscription_.emplace(
        space_.get(), listener_,
        memory::Subscription::Init{.gate = Ref<gate::Gate>::share(&gate()), .priority = priority_});
  }
  void drop() override { subscription_.reset(); }

  Space& space_;
  Listener& listener_;
  const int priority_;
  std::optional<memory::Subscription> subscription_;
};

}  // namespace holdfast::hw
