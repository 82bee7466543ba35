// SPDX-License-Identifier: Apache-2.0
// A QEMU that executes nothing and is driven by its test protocol over a pipe.
#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/descriptor.hpp"

namespace holdfast::test {

class QemuProcess {
 public:
  static constexpr const char* kProgram = "/usr/bin/qemu-system-riscv64";
  static bool is_installed() { return ::access(kProgram, X_OK) == 0; }

  /// `arguments` beyond those for the protocol.
  explicit QemuProcess(std::vector<std::string> arguments) {
    std::array<int, 2> to{};
    std::array<int, 2> from{};
    EXPECT_EQ(::pipe2(to.data(), O_CLOEXEC), 0);
    EXPECT_EQ(::pipe2(from.data(), O_CLOEXEC), 0);
    const Descriptor its_input{to[0]};
    const Descriptor its_output{from[1]};
    requests_ = Descriptor{to[1]};
    answers_ = ::fdopen(from[0], "r");
    arguments.insert(arguments.begin(), {kProgram, "-M", "virt", "-S", "-display", "none", "-bios",
                                         "none", "-monitor", "none", "-qtest", "stdio",
                                         "-qtest-log", "none"});
    std::vector<char*> words;
    for (std::string& word : arguments) words.push_back(word.data());
    words.push_back(nullptr);
    child_ = ::fork();
    if (child_ == 0) {
      ::dup2(its_input.get(), STDIN_FILENO);
      ::dup2(its_output.get(), STDOUT_FILENO);
      ::execv(kProgram, words.data());
      ::_exit(127);
    }
  }
  ~QemuProcess() {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
    std::fclose(answers_);
  }
  QemuProcess(const QemuProcess&) = delete;
  QemuProcess& operator=(const QemuProcess&) = delete;

  /// What follows "OK " in the answer; anything else fails the test.
  std::string ask(const std::string& request) {
    const std::string line = request + "\n";
    EXPECT_EQ(::write(requests_.get(), line.data(), line.size()),
              static_cast<ssize_t>(line.size()));
    std::array<char, 256> answer{};
    do
      if (std::fgets(answer.data(), answer.size(), answers_) == nullptr) return "";
    while (is_level(answer.data()));
    std::string_view text{answer.data()};
    EXPECT_TRUE(text.starts_with("OK")) << request << ": " << text;
    text.remove_prefix(std::min<std::size_t>(text.size(), 3));
    return std::string{text.substr(0, text.find('\n'))};
  }
  /// From now on level() knows the inputs of the device at this path; one device a process.
  void watch_inputs(const std::string& path) { ask("irq_intercept_in " + path); }
  bool level(unsigned line) const { return levels_.contains(line); }
  std::uint64_t read(std::uint64_t address, unsigned size) {
    return std::strtoull(ask(fmt::format("read{} {:#x}", letter(size), address)).c_str(), nullptr, 16);
  }
  void write(std::uint64_t address, unsigned size, std::uint64_t value) {
    ask(fmt::format("write{} {:#x} {:#x}", letter(size), address, value));
  }

 private:
  /// "IRQ raise 10", "IRQ lower 10": takes note of it.
  bool is_level(const char* line) {
    unsigned number = 0;
    if (std::sscanf(line, "IRQ raise %u", &number) == 1) return levels_.insert(number), true;
    if (std::sscanf(line, "IRQ lower %u", &number) == 1) return levels_.erase(number), true;
    return false;
  }
  static char letter(unsigned size) {
    return size == 1 ? 'b' : size == 2 ? 'w' : size == 4 ? 'l' : 'q';
  }

  Descriptor requests_;
  std::FILE* answers_ = nullptr;
  pid_t child_ = -1;
  std::set<unsigned> levels_;  // lines that are high
};

}  // namespace holdfast::test
