// SPDX-License-Identifier: Apache-2.0
#include "holdfast/machine/memory_object.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "holdfast/object/text.hpp"

namespace holdfast::machine {
namespace {

using Kind = memory::RamBacking::Kind;
using hw::MemoryBackend;

constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kLargePage = 2U << 20U;

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

const object::Type* find_type(std::string_view name) {
  for (const object::Type* type : MemoryBackend::kTypes)
    if (type->name == name) return type;
  return nullptr;
}

std::unexpected<Error> unknown_type(std::string_view name) {
  return fail("there is no type '{}'; there are iothread, memory-backend-file, memory-backend-memfd and "
              "memory-backend-ram",
              name);
}

std::vector<Key> keys_of(const object::Type& type) {
  std::vector<Key> keys{kKeys.begin(), kKeys.end()};
  if (&type == &MemoryBackend::kFileType) keys.insert(keys.end(), kFileKeys.begin(), kFileKeys.end());
  if (&type == &MemoryBackend::kMemfdType)
    keys.insert(keys.end(), kMemfdKeys.begin(), kMemfdKeys.end());
  return keys;
}

/// What is said of an object, by key; the last value counts.
class Said {
 public:
  explicit Said(const DeviceWish& wish) : wish_{wish} {}

  const std::string* text(std::string_view key) const {
    const std::string* found = nullptr;
    for (const DeviceWish::Value& value : wish_.values)
      if (value.name == key) found = &value.text;
    return found;
  }
  Result<std::optional<bool>> flag(std::string_view key) const {
    const std::string* said = text(key);
    if (said == nullptr) return std::nullopt;
    const auto value = object::parse_bool(*said);
    if (!value) return fail("{} is '{}'; it takes on or off", key, *said);
    return value;
  }
  Result<std::optional<std::uint64_t>> size(std::string_view key) const {
    const std::string* said = text(key);
    if (said == nullptr) return std::nullopt;
    const auto value = object::parse_size(*said);
    if (!value) return fail("{} is '{}'; it takes a size, such as 64K, 128M or 2G", key, *said);
    return value;
  }
  Result<void> only(const std::vector<Key>& keys) const {
    for (const DeviceWish::Value& value : wish_.values)
      if (std::ranges::find(keys, value.name, &Key::name) == keys.end()) {
        std::vector<std::string_view> names{"qom-type", "id"};
        for (const Key& key : keys) names.push_back(key.name);
        return fail("there is no '{}'; there are {}", value.name, fmt::join(names, ", "));
      }
    return {};
  }

 private:
  const DeviceWish& wish_;  // outlives this
};

Result<void> read_file(const Said& said, memory::RamBacking& backing) {
  const std::string* path = said.text("mem-path");
  if (path == nullptr || path->empty())
    return fail("mem-path is missing; it takes the path of a file or folder");
  backing.path = *path;
  backing.offset = TRY(said.size("offset")).value_or(0);
  if (backing.offset % kPage != 0)
    return fail("offset is {}; it takes a multiple of {}", backing.offset, kPage);
  const bool read_only = TRY(said.flag("readonly")).value_or(false);
  if (read_only && backing.shared)
    return fail("readonly and share are on; RAM is written to, so a file that is only read cannot be "
                "shared");
  backing.create = !read_only;
  backing.read_only_file = read_only;
  return {};
}

Result<void> read_memfd(const Said& said, memory::RamBacking& backing, std::uint64_t size) {
  backing.huge_pages = TRY(said.flag("hugetlb")).value_or(false);
  const auto large = TRY(said.size("hugetlbsize"));
  if (large && *large != kLargePage) return fail("hugetlbsize is {}; it takes 2M", *large);
  if (backing.huge_pages && size % kLargePage != 0)
    return fail("size is {} and hugetlb is on; it takes a multiple of 2M then",
                object::format_size(size));
  TRY(said.flag("seal"));
  return {};
}

Result<void> check_accepted(const Said& said) {
  for (const std::string_view key : {"merge", "dump", "reserve"}) TRY(said.flag(key));
  constexpr std::uint64_t kMostThreads = 1024;
  if (const std::string* threads = said.text("prealloc-threads")) {
    const auto number = object::parse_unsigned(*threads);
    if (!number || *number == 0 || *number > kMostThreads)
      return fail("prealloc-threads is '{}'; it takes a whole number from 1 to {}", *threads, kMostThreads);
  }
  if (const std::string* policy = said.text("policy"); policy != nullptr && *policy != "default")
    return fail("policy is '{}'; it takes default", *policy);
  return {};
}

}  // namespace

bool is_memory_object(std::string_view type) { return find_type(type) != nullptr; }

Result<MemoryBackend::Init> read_memory_object(const DeviceWish& wish) {
  const object::Type* type = find_type(wish.driver);
  if (type == nullptr) return unknown_type(wish.driver);
  const Said said{wish};
  const auto size = TRY(said.size("size"));
  if (!size) return fail("size is missing; it takes a size, such as 128M");
  if (*size == 0 || *size % kPage != 0)
    return fail("size is {}; it takes a positive multiple of {}", *size, kPage);
  memory::RamBacking backing{};
  backing.kind = type == &MemoryBackend::kFileType    ? Kind::kFile
                 : type == &MemoryBackend::kMemfdType ? Kind::kMemfd
                                                      : Kind::kAnonymous;
  // A memory file is for sharing; the others are private unless they are told.
  backing.shared = TRY(said.flag("share")).value_or(backing.kind == Kind::kMemfd);
  if (backing.kind == Kind::kAnonymous && backing.shared) backing.kind = Kind::kMemfd;
  backing.prealloc = TRY(said.flag("prealloc")).value_or(false);
  TRY(check_accepted(said));
  if (type == &MemoryBackend::kFileType) TRY(read_file(said, backing));
  if (type == &MemoryBackend::kMemfdType) TRY(read_memfd(said, backing, *size));
  TRY(said.only(keys_of(*type)));
  return MemoryBackend::Init{
      .type = *type, .id = wish.id, .size = *size, .backing = std::move(backing)};
}

Result<std::string> memory_objects_text(std::string_view subject) {
  std::string text = "Objects:\n";
  if (subject.empty()) {
    for (const object::Type* type : MemoryBackend::kTypes)
      text += fmt::format("  {:<22} {}\n", type->name, type->docs);
    return text;
  }
  const object::Type* type = find_type(subject);
  if (type == nullptr) return unknown_type(subject);
  text = fmt::format("{} options:\n", type->name);
  for (const Key& key : keys_of(*type))
    text += fmt::format("  {:<24} - {}\n", fmt::format("{}={}", key.name, key.argument), key.help);
  return text;
}

}  // namespace holdfast::machine
