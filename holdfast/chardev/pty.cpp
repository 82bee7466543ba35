// SPDX-License-Identifier: Apache-2.0
#include "holdfast/chardev/pty.hpp"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <termios.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace holdfast::chardev {
namespace {

constexpr std::uint64_t kLookEveryNs = 50'000'000;

}  // namespace

Result<std::unique_ptr<Pty>> Pty::make(EventLoop& loop, Common common, Limits limits) {
  std::unique_ptr<Pty> pty{new Pty{loop, std::move(common), limits}};
  if (auto opened = pty->open(); !opened)
    return fail("chardev '{}': cannot make a pseudo-terminal: {}", pty->id(),
                opened.error().message);
  return pty;
}

Pty::Pty(EventLoop& loop, Common common, Limits limits)
    : Channel{loop, std::move(common), limits}, look_{loop, [this] { look(); }} {
  set_open(false);
}

Pty::~Pty() { finish(); }

Result<void> Pty::open() {
  master_ = Descriptor{::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK)};
  std::array<char, 128> name{};
  if (!master_ || ::grantpt(master_.get()) != 0 || ::unlockpt(master_.get()) != 0 ||
      ::ptsname_r(master_.get(), name.data(), name.size()) != 0)
    return fail("{}", std::strerror(errno));
  path_ = name.data();
  // Opened once and closed, it counts as hung up; and it is raw from the beginning.
  const Descriptor slave{::open(path_.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC)};
  termios mode{};
  if (!slave || ::tcgetattr(slave.get(), &mode) != 0) return fail("{}", std::strerror(errno));
  ::cfmakeraw(&mode);
  ::tcsetattr(slave.get(), TCSAFLUSH, &mode);
  look_later();
  return {};
}

bool Pty::somebody_has_it_open() const {
  pollfd state{.fd = master_.get(), .events = 0, .revents = 0};
  return ::poll(&state, 1, 0) >= 0 && (state.revents & POLLHUP) == 0;
}

void Pty::look() {
  if (is_linked()) return;
  if (!somebody_has_it_open() || !link_up(master_.get(), master_.get())) look_later();
}

void Pty::look_later() { look_.set(EventLoop::now_ns() + kLookEveryNs); }

void Pty::input_ended() {
  link_down();
  look_later();
}

}  // namespace holdfast::chardev
