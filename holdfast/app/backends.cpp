// SPDX-License-Identifier: Apache-2.0
#include "holdfast/app/backends.hpp"

#include <algorithm>

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
    made_.push_back(&machine_.keep(std::move(*made)));
  }
  return {};
}

chardev::Chardev* Backends::find(std::string_view id) const {
  const auto found = std::ranges::find(made_, id, &chardev::Chardev::id);
  return found == made_.end() ? nullptr : *found;
}

chardev::Chardev& Backends::nowhere(std::string id) {
  auto& made = machine_.keep(std::make_unique<chardev::NullChardev>(std::move(id)));
  made_.push_back(&made);
  return made;
}

void Backends::drain() {
  for (chardev::Chardev* backend : made_) backend->drain();
}

}  // namespace holdfast::app
