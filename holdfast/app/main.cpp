// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <cstdio>
#include <cstring>
#include <span>
#include <string>

#include "holdfast/app/emulator.hpp"
#include "holdfast/app/listings.hpp"
#include "holdfast/app/options.hpp"
#include "holdfast/app/process.hpp"
#include "holdfast/base/log.hpp"

namespace {

using holdfast::Result;
namespace app = holdfast::app;

Result<int> act(const app::Options& options) {
  if (options.action == app::Action::kRun) return app::run_machine(options);
  const std::string text = TRY(app::answer(options));
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
    return holdfast::fail("standard output takes nothing");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  app::keep_standard_descriptors();
  const std::span<const char* const> all{argv, static_cast<std::size_t>(argc)};
  app::Invocation invocation{.read_file = app::read_config_text};
  if (argc > 0 && *argv[0] != '\0') {
    invocation.program = argv[0];
    holdfast::log::speak_as(basename(argv[0]));
  }
  const auto options = app::parse_options(all.subspan(argc > 0 ? 1 : 0), invocation);
  const Result<int> status = options ? act(*options) : std::unexpected{options.error()};
  if (status) return *status;
  fmt::print(stderr, "{}: {}\n", holdfast::log::speaker(), status.error().message);
  return 1;
}
