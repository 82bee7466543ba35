// SPDX-License-Identifier: Apache-2.0
#include "holdfast/hw/configuration.hpp"

#include <utility>

#include "holdfast/base/check.hpp"
#include "holdfast/hw/device.hpp"

namespace holdfast::hw {

Configuration::Configuration(Device& device, std::vector<Value> values, Came came)
    : Part{device, kKind, std::string{kKind}}, values_{std::move(values)}, came_{came} {}

void Configuration::give(Device& device, std::vector<Value> values, Came came) {
  HF_CHECK(device.life() == Life::kBuilt, "{}: given a configuration while {}", device.full_path(),
           to_string(device.life()));
  HF_CHECK(of(device) == nullptr, "{}: has a configuration", device.full_path());
  new Configuration{device, std::move(values), came};  // joins the device, which destroys it
}

const Configuration* Configuration::of(const Device& device) {
  const Configuration* found = nullptr;
  device.for_each_part([&](const Part& part) {
    if (part.kind() == kKind) found = static_cast<const Configuration*>(&part);
  });
  return found;
}

bool Configuration::is_hot_plugged(const Device& device) {
  const Device* whole = &device;
  while (whole->parent() != nullptr) whole = whole->parent();
  const Configuration* configuration = of(*whole);
  return configuration != nullptr && configuration->came_ == Came::kLater;
}

std::vector<object::PropertyInfo> Configuration::properties() const {
  std::vector<object::PropertyInfo> all;
  all.reserve(values_.size());
  for (const auto& [info, value] : values_)
    all.push_back({.name = std::string{info->name},
                   .type = info->type_text(),
                   .description = std::string{info->description},
                   .value = value});
  return all;
}

}  // namespace holdfast::hw
