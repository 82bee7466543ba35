// SPDX-License-Identifier: Apache-2.0
// Run by the build: writes the manual page and the shell completions.
//
// usage: holdfast_write_manual FOLDER
#include <fmt/core.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "holdfast/app/devices.hpp"
#include "holdfast/app/machines.hpp"
#include "holdfast/app/memory_objects.hpp"
#include "holdfast/app/options.hpp"
#include "holdfast/app/options/manual.hpp"
#include "holdfast/chardev/spec.hpp"

namespace {

namespace app = holdfast::app;

/// The lists that `help` prints are what completions offer.
std::string listing(std::string_view what) {
  if (what == "machines") return app::machines_text("");
  if (what == "cpus") return app::cpus_text({}).value_or("");
  if (what == "accelerators") return app::accelerators_text();
  if (what == "topics") return app::topics_text();
  if (what == "devices") return app::devices_text("").value_or("");
  if (what == "objects") return app::objects_text("").value_or("");
  if (what == "chardevs") return holdfast::chardev::backends_help();
  fmt::print(stderr, "holdfast_write_manual: there is no list of {}\n", what);
  std::exit(1);
}

bool write(const std::string& path, const std::string& text) {
  std::FILE* file = std::fopen(path.c_str(), "we");
  if (file == nullptr) return false;
  const bool whole = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  return std::fclose(file) == 0 && whole;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: holdfast_write_manual FOLDER\n");
    return 1;
  }
  const std::string folder = argv[1];
  const bool done = write(folder + "/holdfast.1", app::manual_page()) &&
                    write(folder + "/holdfast.bash", app::bash_completion(listing)) &&
                    write(folder + "/_holdfast", app::zsh_completion(listing));
  if (!done) fmt::print(stderr, "holdfast_write_manual: cannot write to {}\n", folder);
  return done ? 0 : 1;
}
