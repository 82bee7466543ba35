// SPDX-License-Identifier: Apache-2.0
#include "holdfast/app/backends.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "holdfast/chardev/stream.hpp"

namespace holdfast::app {
namespace {

struct Making {
  EventLoop& loop;
  std::string id;
  Backends::OnCommand on_command;
};
using Made = Result<std::unique_ptr<chardev::Chardev>>;

Made make_null(Fields&, Making making) {
  return std::make_unique<chardev::NullChardev>(std::move(making.id));
}

Made make_stdio(Fields& fields, Making making) {
  TRY(fields.flag("mux"));
  TRY(fields.flag("signal"));
  return TRY(chardev::make_stdio(making.loop, std::move(making.id), std::move(making.on_command)));
}

struct Kind {
  std::string_view name;
  std::string_view help;
  Made (*make)(Fields& fields, Making making);
};
constexpr std::array kKinds{
    Kind{"null", "swallows what is sent", make_null},
    Kind{"stdio", "standard input and output [mux=on|off, signal=on|off]", make_stdio},
};

const Kind* find_kind(std::string_view name) {
  const auto found = std::ranges::find(kKinds, name, &Kind::name);
  return found == kKinds.end() ? nullptr : &*found;
}

Made make_one(Fields& fields, Making making) {
  const std::string name = fields.text("backend").value_or("");
  fields.text("id");
  const Kind* kind = find_kind(name);
  if (kind == nullptr) {
    std::array<std::string_view, kKinds.size()> names;
    std::ranges::transform(kKinds, names.begin(), &Kind::name);
    return fail("'{}' is no character back-end; there are {}", name, fmt::join(names, ", "));
  }
  return kind->make(fields, std::move(making));
}

}  // namespace

Result<void> Backends::make(std::span<const OptionGroup> groups) {
  for (const OptionGroup& group : groups) {
    auto made = TRY(read_group(group, [&](Fields& fields) {
      return make_one(fields, {.loop = machine_.loop(), .id = group.id(), .on_command = on_command_});
    }));
    made_.push_back(&machine_.keep(std::move(made)));
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

std::string backends_text() {
  std::string text = "what -chardev takes:\n";
  for (const Kind& kind : kKinds) text += fmt::format("  {:<14}{}\n", kind.name, kind.help);
  return text;
}

}  // namespace holdfast::app
