// SPDX-License-Identifier: Apache-2.0
#include "holdfast/control/qmp/descriptors.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "holdfast/object/text.hpp"

namespace holdfast::control::qmp {
namespace {

constexpr std::string_view kFolder = "/dev/fdset/";
constexpr mode_t kMode = 0666;

std::string_view purpose(int flags) {
  if ((flags & O_ACCMODE) == O_RDWR) return "reading and writing";
  return (flags & O_ACCMODE) == O_WRONLY ? "writing" : "reading";
}

}  // namespace

std::int64_t DescriptorSets::add(Descriptor descriptor, std::optional<std::int64_t> set,
                                 std::optional<std::string> note) {
  if (!set) {
    set = 0;
    while (sets_.contains(*set)) ++*set;
  }
  sets_[*set].push_back({std::move(descriptor), std::move(note)});
  return *set;
}

Result<void> DescriptorSets::remove(std::int64_t set, std::optional<std::int64_t> descriptor) {
  const auto found = sets_.find(set);
  if (found == sets_.end()) return fail("there is no set {} of descriptors", set);
  if (!descriptor) {
    sets_.erase(found);
    return {};
  }
  const auto number = [](const Member& member) -> std::int64_t { return member.descriptor.get(); };
  const auto member = std::ranges::find(found->second, *descriptor, number);
  if (member == found->second.end()) return fail("set {} has no descriptor {}", set, *descriptor);
  found->second.erase(member);
  if (found->second.empty()) sets_.erase(found);
  return {};
}

Result<Descriptor> DescriptorSets::find(const std::string& path, int flags) const {
  if (!path.starts_with(kFolder)) return Descriptor{};
  return duplicate(std::string_view{path}.substr(kFolder.size()), flags);
}

Result<Descriptor> DescriptorSets::open(const std::string& path, int flags) const {
  if (auto found = find(path, flags); !found || *found) return found;
  Descriptor file{::open(path.c_str(), flags | O_CLOEXEC | O_NOCTTY, kMode)};
  if (!file) return fail("'{}': {}", path, std::strerror(errno));
  return file;
}

Result<Descriptor> DescriptorSets::duplicate(std::string_view number, int flags) const {
  const auto set = object::parse_unsigned(number);
  const auto found = set ? sets_.find(static_cast<std::int64_t>(*set)) : sets_.end();
  if (found == sets_.end()) return fail("'{}{}': there is no such set of descriptors", kFolder, number);
  for (const Member& member : found->second) {
    const int how = ::fcntl(member.descriptor.get(), F_GETFL);
    if (how < 0 || (how & O_ACCMODE) != (flags & O_ACCMODE)) continue;
    Descriptor copy{::fcntl(member.descriptor.get(), F_DUPFD_CLOEXEC, 0)};
    if (!copy) return fail("'{}{}': {}", kFolder, number, std::strerror(errno));
    if ((flags & O_NONBLOCK) != 0) ::fcntl(copy.get(), F_SETFL, how | O_NONBLOCK);
    return copy;
  }
  return fail("'{}{}': none of the set was opened for {}", kFolder, number, purpose(flags));
}

}  // namespace holdfast::control::qmp
