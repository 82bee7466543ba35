// SPDX-License-Identifier: Apache-2.0
// A command line, one word a line.
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
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto words = split({reinterpret_cast<const char*>(data), size});
  std::vector<const char*> arguments;
  for (const auto& word : words) arguments.push_back(word.c_str());
  const auto options = app::parse_options(arguments);
  if (options) {
    check(*options);
  } else {
    const auto& message = options.error().message;
    HF_CHECK(!message.empty() && message.find('\n') == std::string::npos, "message '{}'", message);
  }
  return 0;
}
