// SPDX-License-Identifier: Apache-2.0
#include "holdfast/machine/user_object.hpp"

#include <fmt/core.h>

#include <utility>
#include <vector>

#include "holdfast/hw/io_thread.hpp"
#include "holdfast/machine/memory_object.hpp"

namespace holdfast::machine {
namespace {

const object::Type& kThread = hw::IoThread::kType;

std::string thread_text() {
  std::string text = fmt::format("{} options:\n", kThread.name);
  for (const object::Property* property : kThread.all_properties())
    text += fmt::format("  {:<24} - {}\n", fmt::format("{}=<{}>", property->name, property->type),
                        property->description);
  return text;
}

}  // namespace

bool is_io_thread(std::string_view type) { return type == kThread.name; }

Result<void> make_object(Machine& machine, const DeviceWish& wish) {
  if (!is_io_thread(wish.driver)) return machine.add_memory(TRY(read_memory_object(wish)));
  std::vector<std::pair<std::string, std::string>> values;
  for (const DeviceWish::Value& value : wish.values) values.emplace_back(value.name, value.text);
  return machine.add_io_thread(wish.id, values);
}

Result<std::string> objects_text(std::string_view type) {
  if (is_io_thread(type)) return thread_text();
  std::string text = TRY(memory_objects_text(type));
  if (type.empty()) text += fmt::format("  {:<22} {}\n", kThread.name, kThread.docs);
  return text;
}

}  // namespace holdfast::machine
