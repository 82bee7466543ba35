// SPDX-License-Identifier: Apache-2.0
// What Tab finds.
#include <algorithm>
#include <vector>

#include "holdfast/base/log.hpp"
#include "holdfast/boards/device_types.hpp"
#include "holdfast/chardev/spec.hpp"
#include "holdfast/control/hmp/command.hpp"
#include "holdfast/hw/device.hpp"

namespace holdfast::control::hmp {
namespace {

using Words = std::vector<std::string>;

Words spellings(std::span<const Row* const> rows) {
  Words all;
  for (const Row* row : rows)
    for (std::string_view left = row->name;;) {
      const auto bar = left.find('|');
      all.emplace_back(left.substr(0, bar));
      if (bar == left.npos) break;
      left.remove_prefix(bar + 1);
    }
  return all;
}

class Finder {
 public:
  Finder(Monitor& monitor, std::string_view line) : monitor_{monitor}, line_{line} {}

  Completions find() {
    const Row* row = nullptr;
    auto name = next();
    if (!name) return from(spellings(commands()));
    row = find_row(commands(), *name);
    if (row == nullptr) return {};
    if (row->first_name() == "help" || row->first_name() == "info") {
      if (row->first_name() == "help") {
        name = next();
        if (!name) return from(spellings(commands()));
        if (*name != "info") return {};
        row = find_row(commands(), "info");
      }
      name = next();
      if (!name) return from(spellings(infos()));
      row = find_row(infos(), *name);
      if (row == nullptr) return {};
    }
    return argument(*row);
  }

 private:
  /// A word that is done; nothing if the cursor is in it: then it begins at `begin_`.
  std::optional<std::string_view> next() {
    begin_ = std::min(line_.find_first_not_of(' ', begin_), line_.size());
    const auto end = line_.find(' ', begin_);
    if (end == line_.npos) return std::nullopt;
    const auto word = line_.substr(begin_, end - begin_);
    begin_ = end;
    return word;
  }

  Completions argument(const Row& row) {
    for (const Argument& argument : row.arguments) {
      if (argument.kind == Argument::Kind::kFlag || argument.kind == Argument::Kind::kFormat) continue;
      if (argument.kind == Argument::Kind::kNone) break;
      auto word = next();
      while (word && (word->starts_with('-') || word->starts_with('/')) && skips(row, *word)) word = next();
      if (!word || argument.kind == Argument::Kind::kRest) return place(argument);
      before_ = *word;
    }
    return {};
  }

  /// Flags and formats stand before what is counted.
  static bool skips(const Row& row, std::string_view word) {
    const auto kind = word.starts_with('-') ? Argument::Kind::kFlag : Argument::Kind::kFormat;
    return std::ranges::any_of(row.arguments,
                               [kind](const Argument& argument) { return argument.kind == kind; });
  }

  Completions place(const Argument& argument) {
    switch (argument.completes) {
      case Completes::kNothing: return {};
      case Completes::kCommand: return from(spellings(commands()));
      case Completes::kInfo: return from(spellings(infos()));
      case Completes::kDeviceType: return device();
      case Completes::kDeviceId: return from(ids(machine::Machine::kPeripherals));
      case Completes::kObjectType: return from(object_types());
      case Completes::kObjectId: return from(objects());
      case Completes::kChardevKind: return from(chardev_kinds());
      case Completes::kChardevId: return from(chardev_ids());
      case Completes::kPath: return path();
      case Completes::kProperty: return from(properties());
      case Completes::kTopic: return topics();
    }
    return {};
  }

  /// Those of the words that begin with what was typed from `begin_` on.
  Completions from(Words words) const {
    const auto typed = line_.substr(begin_);
    std::erase_if(words, [&](const std::string& word) { return !word.starts_with(typed); });
    std::ranges::sort(words);
    const auto same = std::ranges::unique(words);
    words.erase(same.begin(), same.end());
    return {.begin = begin_, .words = std::move(words)};
  }

  Words types(std::string_view ancestor) const {
    Words all;
    for (const object::Type* type :
         monitor_.types().descendants(ancestor, object::Abstract::kExcluded)) {
      const auto* facet = monitor_.types().facet<boards::DeviceFacet>(*type);
      if (facet == nullptr || facet->only_built_in.empty()) all.emplace_back(type->name);
    }
    return all;
  }

  /// A type, or behind a comma what it takes.
  Completions device() {
    const auto typed = line_.substr(begin_);
    const auto comma = typed.rfind(',');
    if (comma == typed.npos) return from(types("device"));
    const object::Type* type = monitor_.types().find(typed.substr(0, typed.find(',')));
    const auto* facet = type == nullptr ? nullptr : monitor_.types().facet<boards::DeviceFacet>(*type);
    if (facet == nullptr) return {};
    Words keys{"help", "id="};
    if (!facet->region.empty()) keys.emplace_back("addr=");
    if (!facet->interrupt.empty()) keys.emplace_back("irq=");
    for (const auto& setting : facet->settings) keys.push_back(std::string{setting.info.name} + "=");
    for (const object::Property* property : type->all_properties())
      if (property->settable != object::Settable::kNever) keys.push_back(std::string{property->name} + "=");
    begin_ += comma + 1;
    return from(std::move(keys));
  }

  Words ids_at(const std::string& above) const {
    Words all;
    if (const auto children = monitor_.machine().tree().children(above))
      for (const auto& child : *children) all.push_back(child.name);
    return all;
  }
  Words ids(std::string_view folder) const { return ids_at(fmt::format("/machine/{}", folder)); }

  static Words chardev_kinds() {
    return {"file,", "null,", "pipe,", "pty,", "ringbuf,", "serial,", "socket,"};
  }
  Words chardev_ids() const {
    Words all;
    for (const chardev::Chardev* backend : monitor_.machine().backends_now()) all.push_back(backend->id());
    return all;
  }

  /// Names below the last slash typed.
  Completions path() const {
    const auto typed = line_.substr(begin_);
    const auto slash = typed.rfind('/');
    if (slash == typed.npos) return from({"/"});
    const std::string above{typed.substr(0, slash)};
    Words all;
    if (const auto children = monitor_.machine().tree().children(above.empty() ? "/" : above))
      for (const auto& child : *children) {
        const auto below = monitor_.machine().tree().children(child.path);
        all.push_back(fmt::format("{}/{}{}", above, child.name, below && !below->empty() ? "/" : ""));
      }
    return from(std::move(all));
  }

  Words object_types() const {
    return {"iothread,", "memory-backend-file,", "memory-backend-memfd,", "memory-backend-ram,"};
  }

  Words objects() const {
    Words all;
    for (const hw::IoThread* object : monitor_.machine().io_threads_now()) all.push_back(object->id());
    for (const hw::MemoryBackend* object : monitor_.machine().memory_now()) all.push_back(object->id());
    return all;
  }

  Words properties() const {
    Words all;
    if (const auto entry = monitor_.machine().tree().resolve(before_))
      if (const object::Object* object = entry->object.get())
        for (const auto& property : object->properties()) all.push_back(property.name);
    return all;
  }

  Completions topics() {
    const auto comma = line_.substr(begin_).rfind(',');
    if (comma != std::string_view::npos) begin_ += comma + 1;
    Words all{"all", "none"};
    for (const log::TopicInfo& topic : log::topics()) all.emplace_back(topic.name);
    return from(std::move(all));
  }

  Monitor& monitor_;  // outlives this
  const std::string_view line_;
  std::size_t begin_ = 0;     // of the word that is looked at
  std::string_view before_{};  // the word before it
};

}  // namespace

Completions completions_of(Monitor& monitor, std::string_view line) { return Finder{monitor, line}.find(); }

}  // namespace holdfast::control::hmp
