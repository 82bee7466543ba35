// SPDX-License-Identifier: Apache-2.0
#include "holdfast/chardev/socket.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "holdfast/base/log.hpp"

namespace holdfast::chardev {
namespace {

constexpr int kConnectPatienceMs = 10'000;
constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::size_t kMostDescriptors = 16;  // kept; as many as clients send with one message

}  // namespace

Result<std::unique_ptr<Socket>> Socket::make(EventLoop& loop, Common common, Config config) {
  std::unique_ptr<Socket> socket{new Socket{loop, std::move(common), std::move(config)}};
  if (auto opened = socket->open(); !opened)
    return fail("chardev '{}': {}", socket->id(), opened.error().message);
  return socket;
}

Socket::Socket(EventLoop& loop, Common common, Config config)
    : Channel{loop, std::move(common), config.limits},
      config_{std::move(config)},
      later_{loop, [this] { due(); }} {
  set_open(false);
}

Socket::~Socket() { finish(); }

std::string Socket::filename() const {
  const Endpoint here =
      listeners_.sockets.empty() ? Endpoint{} : bound_to(listeners_.sockets.front().get());
  std::string text = here.length != 0 && config_.address.kind != SocketAddress::Kind::kUnix
                         ? here.to_string()
                         : config_.address.to_string();
  if (config_.server) text += ",server=on";
  if (!socket_) return "disconnected:" + text;
  const Endpoint there = connected_to(socket_.get());
  return there.family() == AF_UNIX ? text : text + " <-> " + there.to_string().substr(4);
}

Result<void> Socket::open() {
  if (config_.server) return listen();
  if (config_.reconnect_s == 0) return link(TRY(connect_to(config_.address, kConnectPatienceMs)));
  endpoints_ = TRY(resolve(config_.address, Purpose::kConnect));
  later_.set(1);
  return {};
}

// --- server ----------------------------------------------------------------------------------------

Result<void> Socket::listen() {
  listeners_ = TRY(listen_on(config_.address));
  for (const Descriptor& listener : listeners_.sockets)
    listening_.push_back(TRY(loop().watch(listener.get(), EventLoop::kReadable,
                                          [this, fd = listener.get()](unsigned) { accept_one(fd); })));
  return config_.wait ? wait_for_client() : Result<void>{};
}

Result<void> Socket::wait_for_client() {
  if (loop().on_loop_thread())
    return fail("wait=on would stop the machine; it is for the command line, wait=off for later");
  log::write(log::Topic::kWarning, "waiting for connection on: " + filename());
  wanted_ = true;
  loop().run();
  if (!socket_) return fail("nobody has connected to {}", filename());
  return {};
}

void Socket::accept_one(int listener) {
  if (socket_) return;
  Descriptor socket{::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
  if (socket && link(std::move(socket))) return;
  if (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR) return;
  log::warn("chardev '{}': cannot take a client: {}", id(), std::strerror(errno));
  for (auto& watch : listening_) watch.set_interest(EventLoop::kNothing);
  later_.set(EventLoop::now_ns() + kSecond);
}

// --- links -----------------------------------------------------------------------------------------

Result<void> Socket::link(Descriptor socket) {
  const int one = 1;
  if (config_.no_delay)  // not of use to a unix socket, which refuses it
    ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  for (auto& watch : listening_) watch.set_interest(EventLoop::kNothing);
  socket_ = std::move(socket);
  TRY(link_up(socket_.get(), socket_.get()));
  if (std::exchange(wanted_, false)) loop().stop();
  return {};
}

void Socket::hang_up() {
  link_down();
  socket_.close();
  received_.clear();
  for (auto& watch : listening_) watch.set_interest(EventLoop::kReadable);
  if (!config_.server && config_.reconnect_s != 0) try_later();
}

// What the other end has sent before it went may still be read.
void Socket::output_failed() { forget_output(); }

Descriptor Socket::take_descriptor() {
  if (received_.empty()) return {};
  Descriptor oldest = std::move(received_.front());
  received_.pop_front();
  return oldest;
}

ssize_t Socket::receive(std::span<std::uint8_t> buffer) {
  iovec where{.iov_base = buffer.data(), .iov_len = buffer.size()};
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(kMostDescriptors * sizeof(int))> control;
  msghdr message{};
  message.msg_iov = &where;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const auto count = ::recvmsg(input(), &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (count >= 0) keep_descriptors(message);
  return count;
}

void Socket::keep_descriptors(const msghdr& message) {
  for (const cmsghdr* item = CMSG_FIRSTHDR(&message); item != nullptr;
       item = CMSG_NXTHDR(const_cast<msghdr*>(&message), const_cast<cmsghdr*>(item))) {
    if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (item->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(item) + i * sizeof fd, sizeof fd);
      received_.emplace_back(fd);
    }
  }
  while (received_.size() > kMostDescriptors) received_.pop_front();
}

ssize_t Socket::transmit(Bytes bytes) {
  return ::send(output(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

// --- a client that tries again ---------------------------------------------------------------------

void Socket::due() {
  if (!config_.server) return try_next_endpoint();
  if (!socket_)
    for (auto& watch : listening_) watch.set_interest(EventLoop::kReadable);
}

void Socket::try_later() {
  next_endpoint_ = 0;
  later_.set(EventLoop::now_ns() + config_.reconnect_s * kSecond);
}

void Socket::try_next_endpoint() {
  while (next_endpoint_ < endpoints_.size()) {
    auto socket = start_connecting(endpoints_[next_endpoint_++]);
    if (!socket) continue;
    connecting_ = std::move(*socket);
    auto watch = loop().watch(connecting_.get(), EventLoop::kWritable,
                              [this](unsigned) { connecting_ended(); });
    if (!watch) continue;
    connecting_watch_ = std::move(*watch);
    return;
  }
  try_later();
}

void Socket::connecting_ended() {
  connecting_watch_.end();
  Descriptor socket = std::move(connecting_);
  if (!outcome_of(socket.get()) || !link(std::move(socket))) try_next_endpoint();
}

}  // namespace holdfast::chardev
