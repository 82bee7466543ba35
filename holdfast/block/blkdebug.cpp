// SPDX-License-Identifier: Apache-2.0
#include "holdfast/block/blkdebug.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "holdfast/base/descriptor.hpp"

namespace holdfast::block {

Result<void> check_rules(std::string_view text) {
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    line.remove_prefix(std::min(line.find_first_not_of(" \t\r"), line.size()));
    if (!line.empty() && line.front() != '#')
      return fail("config: nothing here reads or writes by a node, so there may be no rules");
  }
  return {};
}

Result<void> read_rules(const std::string& path) {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)};
  struct stat status{};
  if (!file || ::fstat(file.get(), &status) != 0)
    return fail("config '{}': {}", path, std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return fail("config '{}': it takes a regular file", path);
  std::string text(kMostRules + 1, '\0');
  const auto count = ::pread(file.get(), text.data(), text.size(), 0);
  if (count < 0) return fail("config '{}': {}", path, std::strerror(errno));
  text.resize(static_cast<std::size_t>(count));
  if (text.size() > kMostRules) return fail("config: there are more than {} bytes", kMostRules);
  return check_rules(text);
}

}  // namespace holdfast::block
