// SPDX-License-Identifier: Apache-2.0
// A command line, one word a line; behind a line "===" what any file of -readconfig has in it.
#include "holdfast/app/options.hpp"

#include <algorithm>
#include <cstdint>

#include "holdfast/base/check.hpp"

namespace {

using namespace holdfast;

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    words.emplace_back(text.substr(0, std::min(text.substr(0, end).find('\0'), end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

void check(const app::Options& options) {
  if (options.action != app::Action::kRun) return;
  const auto& t = options.topology;
  HF_CHECK(t.cpus >= 1 && t.cpus <= t.max_cpus, "{} of {} CPUs", t.cpus, t.max_cpus);
  HF_CHECK(std::uint64_t{t.sockets} * t.cores * t.threads == t.max_cpus, "{} CPUs", t.max_cpus);
  HF_CHECK(!options.memory || (*options.memory != 0 && *options.memory % 4096 == 0), "memory");
  const auto terminals = std::ranges::count_if(options.chardevs, [](const app::OptionGroup& group) {
    return *group.find("backend") == "stdio";
  });
  HF_CHECK(terminals <= 1, "{} back-ends have the terminal", terminals);
  for (const std::string& id : options.serials)
    HF_CHECK(id.empty() || std::ranges::count(options.chardevs, id, &app::OptionGroup::id) == 1,
             "back-end '{}'", id);
  for (const auto* list : {&options.devices, &options.objects, &options.drives, &options.chardevs})
    for (const app::OptionGroup& group : *list)
      HF_CHECK(group.id().empty() || std::ranges::count(*list, group.id(), &app::OptionGroup::id) == 1,
               "id '{}'", group.id());
  for (const app::OptionGroup& global : options.globals)
    HF_CHECK(global.find("driver") != nullptr && global.find("property") != nullptr &&
                 global.find("value") != nullptr,
             "-global {}", global.text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::string_view kFile = "\n===\n";
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto end = text.find(kFile);
  const std::string file{end == text.npos ? std::string_view{} : text.substr(end + kFile.size())};
  const auto words = split(text.substr(0, end));
  std::vector<const char*> arguments;
  for (const auto& word : words) arguments.push_back(word.c_str());
  const app::Invocation invocation{
      .read_file = [&](const std::string&) -> Result<std::string> { return file; }};
  const auto options = app::parse_options(arguments, invocation);
  if (options) {
    check(*options);
  } else {
    const auto& message = options.error().message;
    HF_CHECK(!message.empty() && message.find('\n') == std::string::npos, "message '{}'", message);
  }
  return 0;
}
