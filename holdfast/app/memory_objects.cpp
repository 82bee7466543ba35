// SPDX-License-Identifier: Apache-2.0
#include "holdfast/app/memory_objects.hpp"

#include <fmt/core.h>

#include <array>
#include <utility>

#include "holdfast/object/text.hpp"

namespace holdfast::app {
namespace {

using Kind = memory::RamBacking::Kind;

constexpr std::uint64_t kPage = 4096;

struct Type {
  std::string_view name;
  Kind kind;
  std::string_view help;
};
constexpr std::array kTypes{
    Type{"memory-backend-file", Kind::kFile, "memory in a file"},
    Type{"memory-backend-memfd", Kind::kMemfd, "memory that has a descriptor and no name"},
    Type{"memory-backend-ram", Kind::kAnonymous, "memory of the process"},
};

struct Key {
  std::string_view name;
  std::string_view argument;
  std::string_view help;
};
constexpr std::array kKeys{
    Key{"size", "<size>", "bytes; a multiple of 4K"},
    Key{"share", "<bool>", "whether others who map it see what the guest writes"},
    Key{"prealloc", "<bool>", "whether all of it is taken from the host at once"},
    Key{"merge", "<bool>", "accepted for others' sake"},
    Key{"dump", "<bool>", "accepted for others' sake"},
    Key{"reserve", "<bool>", "accepted for others' sake: nothing is reserved"},
    Key{"prealloc-threads", "<int>", "accepted for others' sake"},
    Key{"policy", "default", "accepted for others' sake"},
};
constexpr std::array kFileKeys{
    Key{"mem-path", "<path>", "the file, made if there is none, or a folder to make one in"},
    Key{"readonly", "<bool>", "whether the file is only read; the guest's writes stay private"},
    Key{"offset", "<size>", "where in the file it begins"},
};
constexpr std::array kMemfdKeys{
    Key{"hugetlb", "<bool>", "whether it is made of large pages"},
    Key{"hugetlbsize", "<size>", "of large pages: 2M"},
    Key{"seal", "<bool>", "accepted for others' sake"},
};

const Type* find_type(std::string_view name) {
  for (const Type& type : kTypes)
    if (type.name == name) return &type;
  return nullptr;
}

Result<void> unknown_type(std::string_view name) {
  return fail("there is no type '{}'; there are memory-backend-file, memory-backend-memfd and "
              "memory-backend-ram",
              name);
}

Result<void> read_file_keys(Fields& fields, memory::RamBacking& backing) {
  backing.path = TRY(fields.required_text("mem-path", "the path of a file or folder"));
  backing.offset = TRY(fields.size("offset")).value_or(0);
  if (backing.offset % kPage != 0)
    return fail("offset is {}; it takes a multiple of {}", backing.offset, kPage);
  const bool read_only = TRY(fields.flag("readonly")).value_or(false);
  if (read_only && backing.shared)
    return fail("readonly and share are on; RAM is written to, so a file that is only read cannot be "
                "shared");
  backing.create = !read_only;
  backing.read_only_file = read_only;
  return {};
}

Result<void> read_memfd_keys(Fields& fields, memory::RamBacking& backing, std::uint64_t size) {
  constexpr std::uint64_t kLarge = 2U << 20U;
  backing.huge_pages = TRY(fields.flag("hugetlb")).value_or(false);
  const auto large = TRY(fields.size("hugetlbsize"));
  if (large && *large != kLarge) return fail("hugetlbsize is {}; it takes 2M", *large);
  if (backing.huge_pages && size % kLarge != 0)
    return fail("size is {} and hugetlb is on; it takes a multiple of 2M then",
                object::format_size(size));
  TRY(fields.flag("seal"));
  return {};
}

Result<MemoryObject> read_object(Fields& fields) {
  const std::string name = fields.text("qom-type").value_or("");
  const Type* type = find_type(name);
  if (type == nullptr) return std::unexpected{unknown_type(name).error()};
  MemoryObject object{.id = fields.text("id").value_or(""), .size = 0, .backing = {}};
  const auto size = TRY(fields.size("size"));
  if (!size) return fail("size is missing; it takes a size, such as 128M");
  if (*size == 0 || *size % kPage != 0)
    return fail("size is {}; it takes a positive multiple of {}", *size, kPage);
  object.size = *size;
  memory::RamBacking& backing = object.backing;
  backing.kind = type->kind;
  // A memory file is for sharing; the others are private unless they are told.
  backing.shared = TRY(fields.flag("share")).value_or(type->kind == Kind::kMemfd);
  if (type->kind == Kind::kAnonymous && backing.shared) backing.kind = Kind::kMemfd;
  backing.prealloc = TRY(fields.flag("prealloc")).value_or(false);
  for (const std::string_view key : {"merge", "dump", "reserve"}) TRY(fields.flag(key));
  TRY(fields.number("prealloc-threads", 1, 1024));
  if (const auto policy = fields.text("policy"); policy && *policy != "default")
    return fail("policy is '{}'; it takes default", *policy);
  if (type->kind == Kind::kFile) TRY(read_file_keys(fields, backing));
  if (type->kind == Kind::kMemfd) TRY(read_memfd_keys(fields, backing, object.size));
  return object;
}

}  // namespace

Result<std::vector<MemoryObject>> memory_objects(const Options& options) {
  std::vector<MemoryObject> objects;
  for (const OptionGroup& group : options.objects)
    objects.push_back(TRY(read_group(group, read_object)));
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

Result<std::string> objects_text(const std::string& subject) {
  std::string text = "Objects:\n";
  if (subject.empty()) {
    for (const Type& type : kTypes) text += fmt::format("  {:<22} {}\n", type.name, type.help);
    return text;
  }
  const Type* type = find_type(subject);
  if (type == nullptr) return std::unexpected{unknown_type(subject).error()};
  text = fmt::format("{} options:\n", type->name);
  const auto add = [&](const auto& keys) {
    for (const Key& key : keys)
      text += fmt::format("  {:<24} - {}\n", fmt::format("{}={}", key.name, key.argument), key.help);
  };
  add(kKeys);
  if (type->kind == Kind::kFile) add(kFileKeys);
  if (type->kind == Kind::kMemfd) add(kMemfdKeys);
  return text;
}

}  // namespace holdfast::app
