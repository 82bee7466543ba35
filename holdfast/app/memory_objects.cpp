// SPDX-License-Identifier: Apache-2.0
#include "holdfast/app/memory_objects.hpp"

#include <fmt/core.h>

#include <utility>

namespace holdfast::app {
namespace {

machine::DeviceWish object_wish(const OptionGroup& group) {
  const std::string* type = group.find("qom-type");
  machine::DeviceWish wish{.driver = type == nullptr ? std::string{} : *type, .id = group.id()};
  for (const KeyValue& item : group.items)
    if (item.key != "qom-type" && item.key != "id") wish.values.push_back({item.key, item.value});
  return wish;
}

bool is_thread(const OptionGroup& group) { return machine::is_io_thread(object_wish(group).driver); }

Result<hw::MemoryBackend::Init> read(const OptionGroup& group) {
  auto object = machine::read_memory_object(object_wish(group));
  if (!object) return std::unexpected{about(group, object.error())};
  return object;
}

}  // namespace

Result<std::vector<MemoryObject>> memory_objects(const Options& options) {
  std::vector<MemoryObject> objects;
  for (const OptionGroup& group : options.objects)
    if (!is_thread(group)) objects.push_back(TRY(read(group)));
  return objects;
}

Result<const MemoryObject*> find_memory(const std::vector<MemoryObject>& objects,
                                        std::string_view id) {
  std::string ids;
  for (const MemoryObject& object : objects) {
    if (object.id == id) return &object;
    ids += (ids.empty() ? "" : ", ") + object.id;
  }
  if (ids.empty())
    return fail("there is no memory '{}'; it takes the id of an -object memory-backend-…", id);
  return fail("there is no memory '{}'; there are {}", id, ids);
}

OptionGroup group_of(const hw::MemoryBackend& memory) {
  const memory::RamBacking& backing = memory.backing();
  OptionGroup group{.option = "object", .text = memory.id(), .items = {}};
  const auto say = [&](std::string_view key, std::string value) { group.set(key, std::move(value)); };
  const auto say_if = [&](std::string_view key, bool said) { say(key, said ? "on" : "off"); };
  say("qom-type", std::string{memory.type().name});
  say("id", memory.id());
  say("size", std::to_string(memory.size()));
  say_if("share", backing.shared);
  say_if("prealloc", backing.prealloc);
  if (&memory.type() == &hw::MemoryBackend::kMemfdType) say_if("hugetlb", backing.huge_pages);
  if (&memory.type() != &hw::MemoryBackend::kFileType) return group;
  say("mem-path", backing.path);
  say("offset", std::to_string(backing.offset));
  say_if("readonly", backing.read_only_file);
  return group;
}

Result<void> make_memory(machine::Machine& machine, const Options& options, const BoardMemory& board) {
  for (const OptionGroup& group : options.objects) {
    if (is_thread(group)) continue;
    auto object = TRY(read(group));
    const auto found = board.find(object.id);
    const auto made = found == board.end() ? machine.add_memory(object)
                                           : machine.note_board_memory(object, found->second);
    if (!made) return std::unexpected{about(group, made.error())};
  }
  return {};
}

Result<void> make_threads(machine::Machine& machine, const Options& options) {
  for (const OptionGroup& group : options.objects)
    if (is_thread(group))
      if (const auto made = machine::make_object(machine, object_wish(group)); !made)
        return std::unexpected{about(group, made.error())};
  return {};
}

Result<std::string> objects_text(const std::string& subject) {
  return machine::objects_text(subject);
}

}  // namespace holdfast::app
