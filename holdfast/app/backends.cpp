// SPDX-License-Identifier: Apache-2.0
#include "holdfast/app/backends.hpp"

#include "holdfast/chardev/factory.hpp"

namespace holdfast::app {

Result<void> Backends::make(std::span<const OptionGroup> groups) {
  for (const OptionGroup& group : groups) {
    chardev::Properties properties;
    for (const KeyValue& item : group.items) properties.emplace_back(item.key, item.value);
    const auto spec = chardev::spec_from(properties);
    if (!spec) return std::unexpected{about(group, spec.error())};
    auto made = chardev::make(*spec, {.loop = machine_.loop(), .on_command = on_command_});
    if (!made) return std::unexpected{about(group, made.error())};
    machine_.keep(std::move(*made));
  }
  return {};
}

chardev::Chardev* Backends::find(std::string_view id) const { return machine_.find_backend(id); }

chardev::Chardev& Backends::nowhere(std::string id) {
  return machine_.keep(std::make_unique<chardev::NullChardev>(std::move(id)));
}

void Backends::drain() {
  for (chardev::Chardev* backend : machine_.backends()) backend->drain();
}

}  // namespace holdfast::app
