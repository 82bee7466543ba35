// SPDX-License-Identifier: Apache-2.0
// An nbdkit with a socket of its own, from when it listens until this goes or is killed.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "holdfast/base/descriptor.hpp"

namespace holdfast::testing {

class NbdServer {
 public:
  NbdServer() {
    folder_ = ::testing::TempDir() + "holdfast-nbd-XXXXXX";
    EXPECT_NE(mkdtemp(folder_.data()), nullptr) << folder_;
  }
  ~NbdServer() {
    kill();
    std::filesystem::remove_all(folder_);
  }
  NbdServer(const NbdServer&) = delete;
  NbdServer& operator=(const NbdServer&) = delete;

  std::string path() const { return folder_ + "/socket"; }

  /// Returns when it listens: at path(), or where the arguments say.
  void start(std::vector<std::string> arguments, bool at_path = true) {
    const std::string ready = folder_ + "/ready";
    std::filesystem::remove(ready);
    std::filesystem::remove(path());
    ASSERT_EQ(mkfifo(ready.c_str(), 0600), 0);
    const Descriptor fifo{::open(ready.c_str(), O_RDWR | O_CLOEXEC)};
    std::vector<std::string> words{"nbdkit", "-f", "--exit-with-parent", "-P", ready};
    if (at_path) words.insert(words.end(), {"-U", path()});
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    ASSERT_EQ(posix_spawnp(&process_, "nbdkit", nullptr, nullptr, pointers.data(), environ), 0);
    pollfd watched{.fd = fifo.get(), .events = POLLIN, .revents = 0};
    ASSERT_EQ(poll(&watched, 1, 60'000), 1) << "nbdkit does not start";
  }
  void kill() {
    if (process_ == 0) return;
    ::kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
    process_ = 0;
  }

 private:
  std::string folder_;
  pid_t process_ = 0;
};

}  // namespace holdfast::testing
