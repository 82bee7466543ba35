// SPDX-License-Identifier: Apache-2.0
#include "holdfast/chardev/terminal.hpp"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace holdfast::chardev {
namespace {

enum class State : int { kFree, kClaimed, kActive };

struct Slot {
  std::atomic<State> state{State::kFree};
  int fd = -1;
  int flags = 0;
  bool is_terminal = false;
  termios cooked{};
  termios raw{};
};

// The terminal belongs to the process, and signal handlers have nothing else to go by.
constinit std::array<Slot, 8> g_slots{};
static_assert(std::atomic<State>::is_always_lock_free);

// Async-signal-safe, as is everything that it calls.
void restore(Slot& slot) {
  State active = State::kActive;
  if (!slot.state.compare_exchange_strong(active, State::kClaimed)) return;
  if (slot.is_terminal) tcsetattr(slot.fd, TCSANOW, &slot.cooked);
  fcntl(slot.fd, F_SETFL, slot.flags);
  slot.state.store(State::kFree);
}

void restore_all() {
  // Last one first: two descriptors may share one terminal.
  for (std::size_t i = g_slots.size(); i-- > 0;) restore(g_slots[i]);
}

extern "C" void on_fatal_signal(int number) {
  restore_all();
  // The default action: the handler was installed to run once.
  raise(number);
}

extern "C" void on_continue(int) {
  const int saved_errno = errno;
  for (Slot& slot : g_slots) {
    if (slot.state.load() != State::kActive) continue;
    fcntl(slot.fd, F_SETFL, slot.flags | O_NONBLOCK);
    if (slot.is_terminal && tcgetpgrp(slot.fd) == getpgrp())
      tcsetattr(slot.fd, TCSANOW, &slot.raw);
  }
  errno = saved_errno;
}

void handle(int number, void (*handler)(int), int flags) {
  struct sigaction old {};
  if (sigaction(number, nullptr, &old) != 0 || old.sa_handler != SIG_DFL) return;  // somebody's
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  sigaction(number, &action, nullptr);
}

void handle_ways_out() {
  static const bool once = [] {
    for (const int number : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGABRT, SIGSEGV, SIGBUS, SIGFPE,
                             SIGILL, SIGXCPU, SIGXFSZ})
      handle(number, &on_fatal_signal, static_cast<int>(SA_RESETHAND | SA_NODEFER));
    handle(SIGCONT, &on_continue, SA_RESTART);
    std::atexit(&restore_all);
    return true;
  }();
  static_cast<void>(once);
}

termios raw_from(termios mode, SharedDescriptor::Terminal how) {
  mode.c_iflag &= static_cast<tcflag_t>(
      ~(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON));
  mode.c_oflag |= OPOST;
  mode.c_lflag &= static_cast<tcflag_t>(~(ECHO | ECHONL | ICANON | IEXTEN));
  if (how == SharedDescriptor::Terminal::kRaw) mode.c_lflag &= static_cast<tcflag_t>(~ISIG);
  mode.c_cflag &= static_cast<tcflag_t>(~(CSIZE | PARENB));
  mode.c_cflag |= CS8;
  mode.c_cc[VMIN] = 1;
  mode.c_cc[VTIME] = 0;
  return mode;
}

bool is_set_up(int fd) {
  return std::ranges::any_of(
      g_slots, [&](const Slot& slot) { return slot.state.load() == State::kActive && slot.fd == fd; });
}

int claim_slot() {
  for (std::size_t i = 0; i < g_slots.size(); ++i) {
    State free = State::kFree;
    if (g_slots[i].state.compare_exchange_strong(free, State::kClaimed)) return static_cast<int>(i);
  }
  return -1;
}

}  // namespace

Result<SharedDescriptor> SharedDescriptor::set_up(int fd, Terminal terminal) {
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0) return fail("descriptor {}: {}", fd, std::strerror(errno));
  if (is_set_up(fd)) return fail("descriptor {} is in use; it serves one back-end at a time", fd);
  const int index = claim_slot();
  if (index < 0) return fail("descriptor {}: too many consoles in one process", fd);
  handle_ways_out();
  Slot& slot = g_slots[static_cast<std::size_t>(index)];
  slot.fd = fd;
  slot.flags = flags;
  slot.is_terminal =
      terminal != Terminal::kAsIs && isatty(fd) == 1 && tcgetattr(fd, &slot.cooked) == 0;
  slot.raw = raw_from(slot.cooked, terminal);
  slot.state.store(State::kActive);
  fcntl(fd, F_SETFL, flags | O_NONBLOCK);
  if (slot.is_terminal) tcsetattr(fd, TCSANOW, &slot.raw);
  return SharedDescriptor{index};
}

SharedDescriptor::SharedDescriptor(SharedDescriptor&& other) noexcept
    : slot_{std::exchange(other.slot_, -1)} {}

SharedDescriptor& SharedDescriptor::operator=(SharedDescriptor&& other) noexcept {
  std::swap(slot_, other.slot_);
  return *this;
}

SharedDescriptor::~SharedDescriptor() {
  if (slot_ >= 0) restore(g_slots[static_cast<std::size_t>(slot_)]);
}

}  // namespace holdfast::chardev
