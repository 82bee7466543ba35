// SPDX-License-Identifier: Apache-2.0
#include "holdfast/app/backends.hpp"

#include "holdfast/chardev/factory.hpp"
#include "holdfast/chardev/socket.hpp"

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

// Who ends the emulator without having heard its last answers does not want them. A console's output is
// the guest's, and what goes into a pipe may be for later: both are worth some patience.
void Backends::drain(std::span<const std::string> conversations) {
  constexpr std::uint64_t kMoment = 100'000'000;  // ns
  const std::uint64_t deadline = EventLoop::now_ns() + kMoment;
  for (const std::string& id : conversations) {
    auto* socket = dynamic_cast<chardev::Socket*>(find(id));
    if (socket != nullptr && !socket->is_mux()) socket->drain_until(deadline);
  }
  for (chardev::Chardev* backend : machine_.backends()) backend->drain();
}

}  // namespace holdfast::app
