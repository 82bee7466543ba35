// SPDX-License-Identifier: Apache-2.0
#include "holdfast/app/signals.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <utility>

namespace holdfast::app {

Signals::~Signals() {
  forget();
  if (fd_ >= 0) close(fd_);
}

Result<void> Signals::block() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, signal);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  fd_ = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd_ < 0) return fail("cannot watch for signals");
  return {};
}

Result<void> Signals::watch(EventLoop& loop, std::function<void()> arrived) {
  watch_ = TRY(loop.watch(fd_, EventLoop::kReadable, [this, arrived = std::move(arrived)](unsigned) {
    signalfd_siginfo info{};
    if (read(fd_, &info, sizeof info) == sizeof info) arrived();
  }));
  return {};
}

}  // namespace holdfast::app
