// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <cstdio>
#include <span>
#include <string>

#include "holdfast/app/emulator.hpp"
#include "holdfast/app/options.hpp"
#include "holdfast/base/log.hpp"

namespace {

using holdfast::Result;
using holdfast::app::Action;
using holdfast::app::Options;

Result<int> act(const Options& options, std::string_view program) {
  switch (options.action) {
    case Action::kRun:
      holdfast::log::enable(options.log_topics);
      return holdfast::app::run_machine(options);
    case Action::kHelp:
      fmt::print("{}", holdfast::app::help_text(program));
      return 0;
    case Action::kVersion:
      fmt::print("{}", holdfast::app::version_text());
      return 0;
    case Action::kListMachines:
      fmt::print("{}", holdfast::app::machines_text());
      return 0;
    case Action::kListCpus:
      fmt::print("{}", holdfast::app::cpus_text());
      return 0;
    case Action::kListAccelerators:
      fmt::print("{}", holdfast::app::accelerators_text());
      return 0;
    case Action::kListTopics:
      fmt::print("{}", holdfast::app::topics_text());
      return 0;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::span<const char* const> all{argv, static_cast<std::size_t>(argc)};
  const auto options = holdfast::app::parse_options(all.subspan(argc > 0 ? 1 : 0));
  const Result<int> status = options ? act(*options, "holdfast") : std::unexpected{options.error()};
  if (status) return *status;
  fmt::print(stderr, "holdfast: {}\n", status.error().message);
  return 1;
}
