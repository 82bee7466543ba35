// SPDX-License-Identifier: Apache-2.0
// Run by the build: writes the manual page and the shell completions.
//
// usage: holdfast_write_manual FOLDER
#include <fmt/core.h>

#include <cstdio>
#include <string>

#include "holdfast/app/options/manual.hpp"

namespace {

bool write(const std::string& path, const std::string& text) {
  std::FILE* file = std::fopen(path.c_str(), "we");
  if (file == nullptr) return false;
  const bool whole = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  return std::fclose(file) == 0 && whole;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace holdfast::app;
  if (argc != 2) {
    fmt::print(stderr, "usage: holdfast_write_manual FOLDER\n");
    return 1;
  }
  const std::string folder = argv[1];
  const bool done = write(folder + "/holdfast.1", manual_page()) &&
                    write(folder + "/holdfast.bash", bash_completion()) &&
                    write(folder + "/_holdfast", zsh_completion());
  if (!done) fmt::print(stderr, "holdfast_write_manual: cannot write to {}\n", folder);
  return done ? 0 : 1;
}
