// SPDX-License-Identifier: Apache-2.0
#include "holdfast/app/listings.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>

#include "holdfast/app/devices.hpp"
#include "holdfast/app/machines.hpp"
#include "holdfast/app/memory_objects.hpp"
#include "holdfast/app/options/table.hpp"
#include "holdfast/chardev/spec.hpp"

namespace holdfast::app {
Result<std::string> answer(const Options& options) {
  switch (options.action) {
    case Action::kRun: break;
    case Action::kHelp: return help_text("holdfast");
    case Action::kVersion: return version_text();
    case Action::kListMachines: return machines_text(options.architecture);
    case Action::kListMachineProperties: return machine_properties_text(options);
    case Action::kListCpus: return cpus_text(options);
    case Action::kListAccelerators: return accelerators_text();
    case Action::kListTopics: return topics_text();
    case Action::kListOption: return option_text(options.subject);
    case Action::kListDevices: return devices_text(options.subject);
    case Action::kListObjects: return objects_text(options.subject);
    case Action::kListChardevs:
      return options.subject.empty() ? chardev::backends_help() : chardev::backend_help(options.subject);
  }
  return std::string{};
}

Result<std::string> read_config_text(const std::string& path) {
  constexpr std::uintmax_t kMost = 1U << 20U;
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error))
    return fail("'{}': {}", path, error ? error.message() : "it is no regular file");
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file{std::fopen(path.c_str(), "re"), std::fclose};
  if (!file) return fail("'{}': {}", path, std::strerror(errno));
  std::string text(std::min<std::uintmax_t>(std::filesystem::file_size(path, error), kMost + 1), '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (text.size() > kMost) return fail("'{}' has more than 1 MiB", path);
  return text;
}

}  // namespace holdfast::app
