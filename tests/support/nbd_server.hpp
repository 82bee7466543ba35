// SPDX-License-Identifier: Apache-2.0
// An nbdkit with a socket of its own, from when it listens until this goes or is killed.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <utility>
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
    start_program(std::move(words));
    pollfd watched{.fd = fifo.get(), .events = POLLIN, .revents = 0};
    ASSERT_EQ(poll(&watched, 1, 60'000), 1) << "nbdkit does not start";
  }
  /// At path(), a process for each connection. What it is asked for may be its end, and not the next
  /// one's. The arguments have no quotes.
  void start_for_each(const std::vector<std::string>& arguments) {
    std::filesystem::remove(path());
    const std::string script = folder_ + "/serve";
    {
      std::ofstream text{script};
      text << "#!/bin/sh\nexec nbdkit -s --exit-with-parent";
      for (const std::string& word : arguments) text << " '" << word << "'";
      text << "\n";
    }
    std::filesystem::permissions(script, std::filesystem::perms::owner_all);
    start_program({"socat", "UNIX-LISTEN:" + path() + ",fork", "EXEC:" + script});
    while (!listens()) std::this_thread::yield();
  }
  void kill() {
    if (process_ == 0) return;
    ::kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
    process_ = 0;
  }

 private:
  /// There is a moment when the socket is there and nobody listens.
  bool listens() const {
    const Descriptor probe{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path().copy(address.sun_path, sizeof address.sun_path - 1);
    return ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  void start_program(std::vector<std::string> words) {
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    ASSERT_EQ(posix_spawnp(&process_, pointers.front(), nullptr, nullptr, pointers.data(), environ), 0);
  }

  std::string folder_;
  pid_t process_ = 0;
};

}  // namespace holdfast::testing
