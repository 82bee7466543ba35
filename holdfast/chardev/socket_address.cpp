// SPDX-License-Identifier: Apache-2.0
#include "holdfast/chardev/socket_address.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <memory>

namespace holdfast::chardev {
namespace {

constexpr std::size_t kLongestPath = sizeof(sockaddr_un::sun_path) - 1;
constexpr int kBacklog = 1;  // one is served at a time

Result<Endpoint> unix_endpoint(const SocketAddress& address) {
  if (address.path.empty()) return fail("the path is empty; it takes the path of a socket");
  if (address.path.size() > kLongestPath)
    return fail("the path '{}' has {} bytes; the host takes at most {}", address.path,
                address.path.size(), kLongestPath);
  Endpoint endpoint;
  sockaddr_un un{};
  un.sun_family = AF_UNIX;
  const std::size_t skip = address.abstract ? 1 : 0;
  if (address.path.size() + skip > sizeof un.sun_path)
    return fail("the name '{}' is too long", address.path);
  std::ranges::copy(address.path, un.sun_path + skip);
  const std::size_t used = address.abstract && address.tight
                               ? offsetof(sockaddr_un, sun_path) + skip + address.path.size()
                               : sizeof un;
  std::memcpy(&endpoint.address, &un, sizeof un);
  endpoint.length = static_cast<socklen_t>(used);
  return endpoint;
}

int family_of(const SocketAddress& address) {
  const bool four = address.ipv4.value_or(address.ipv6 != true);
  const bool six = address.ipv6.value_or(address.ipv4 != true);
  if (four == six) return AF_UNSPEC;
  return four ? AF_INET : AF_INET6;
}

Result<std::vector<Endpoint>> internet_endpoints(const SocketAddress& address, Purpose purpose) {
  if (address.ipv4 == false && address.ipv6 == false)
    return fail("ipv4=off and ipv6=off leave no address; at least one must be on");
  addrinfo hints{};
  hints.ai_family = family_of(address);
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = purpose == Purpose::kListen ? AI_PASSIVE : 0;
  addrinfo* list = nullptr;
  const int error = ::getaddrinfo(address.host.empty() ? nullptr : address.host.c_str(),
                                  address.port.c_str(), &hints, &list);
  if (error != 0)
    return fail("address '{}:{}': {}", address.host, address.port, ::gai_strerror(error));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner{list, &::freeaddrinfo};
  std::vector<Endpoint> endpoints;
  for (const addrinfo* info = list; info != nullptr; info = info->ai_next) {
    Endpoint& endpoint = endpoints.emplace_back();
    std::memcpy(&endpoint.address, info->ai_addr, info->ai_addrlen);
    endpoint.length = info->ai_addrlen;
  }
  return endpoints;
}

std::uint16_t port_of(const Endpoint& endpoint) {
  if (endpoint.family() == AF_INET)
    return ntohs(reinterpret_cast<const sockaddr_in&>(endpoint.address).sin_port);
  if (endpoint.family() == AF_INET6)
    return ntohs(reinterpret_cast<const sockaddr_in6&>(endpoint.address).sin6_port);
  return 0;
}

void set_port(Endpoint& endpoint, std::uint16_t port) {
  if (endpoint.family() == AF_INET)
    reinterpret_cast<sockaddr_in&>(endpoint.address).sin_port = htons(port);
  if (endpoint.family() == AF_INET6)
    reinterpret_cast<sockaddr_in6&>(endpoint.address).sin6_port = htons(port);
}

std::string unix_text(const Endpoint& endpoint) {
  sockaddr_un un{};
  std::memcpy(&un, &endpoint.address, sizeof un);
  const std::size_t used = endpoint.length - offsetof(sockaddr_un, sun_path);
  if (used == 0 || endpoint.length < sizeof(sa_family_t)) return "unix:";
  if (un.sun_path[0] != '\0') return std::string{"unix:"} + un.sun_path;
  return "unix:@" + std::string{un.sun_path + 1, ::strnlen(un.sun_path + 1, used - 1)};
}

Result<Descriptor> open_socket(int family) {
  Descriptor socket{::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!socket) return fail("{}", std::strerror(errno));
  return socket;
}

/// Removes the file of a socket nobody may be listening on any more.
Result<void> make_room_for(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return {};  // bind() says what is wrong, if anything is
  if (!S_ISSOCK(info.st_mode)) return fail("'{}' exists and is no socket", path);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return fail("cannot replace '{}': {}", path, std::strerror(errno));
  return {};
}

Result<Descriptor> listen_at(const Endpoint& endpoint) {
  auto socket = TRY(open_socket(endpoint.family()));
  const int one = 1;
  if (endpoint.family() != AF_UNIX)
    ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (endpoint.family() == AF_INET6)
    ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
  const auto* address = reinterpret_cast<const sockaddr*>(&endpoint.address);
  if (::bind(socket.get(), address, endpoint.length) != 0 ||
      ::listen(socket.get(), kBacklog) != 0)
    return fail("cannot listen on {}: {}", endpoint.to_string(), std::strerror(errno));
  return socket;
}

/// All of them on one port. Error if not even one works, or if one finds the port in use.
Result<std::vector<Descriptor>> listen_at_all(std::vector<Endpoint> endpoints) {
  std::vector<Descriptor> sockets;
  Error last{"there is no such address"};
  for (Endpoint& endpoint : endpoints) {
    // Port 0 is one that the host chooses: the first one's is everybody's.
    if (!sockets.empty() && port_of(endpoint) == 0)
      set_port(endpoint, port_of(bound_to(sockets.front().get())));
    auto socket = listen_at(endpoint);
    if (socket) sockets.push_back(std::move(*socket));
    else last = std::move(socket.error());
  }
  if (sockets.empty()) return std::unexpected{last};
  return sockets;
}

Result<std::vector<Descriptor>> listen_in_range(const std::vector<Endpoint>& endpoints,
                                                std::uint16_t to) {
  const std::uint16_t from = port_of(endpoints.front());
  if (to < from) return fail("to={} is before port {}; it is the last port to try", to, from);
  for (unsigned port = from;; ++port) {
    auto here = endpoints;
    for (Endpoint& endpoint : here) set_port(endpoint, static_cast<std::uint16_t>(port));
    auto sockets = listen_at_all(std::move(here));
    if (sockets || port == to) return sockets;
  }
}

Result<void> wait_until_connected(int socket, int patience_ms) {
  pollfd ready{.fd = socket, .events = POLLOUT, .revents = 0};
  int count = 0;
  do count = ::poll(&ready, 1, patience_ms);
  while (count < 0 && errno == EINTR);
  if (count == 0) return fail("no answer in {} s", patience_ms / 1000);
  return outcome_of(socket);
}

}  // namespace

std::string SocketAddress::to_string() const {
  switch (kind) {
    case Kind::kUnix: return (abstract ? "unix:@" : "unix:") + path;
    case Kind::kInternet: return "tcp:" + host + ":" + port;
    case Kind::kDescriptor: return "fd:" + std::to_string(descriptor);
  }
  return {};
}

std::string Endpoint::to_string() const {
  if (length == 0) return "unknown";
  if (family() == AF_UNIX) return unix_text(*this);
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> port{};
  if (::getnameinfo(reinterpret_cast<const sockaddr*>(&address), length, host.data(), host.size(),
                    port.data(), port.size(), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
    return "unknown";
  const bool six = family() == AF_INET6;
  return std::string{"tcp:"} + (six ? "[" : "") + host.data() + (six ? "]:" : ":") + port.data();
}

Result<std::vector<Endpoint>> resolve(const SocketAddress& address, Purpose purpose) {
  if (address.kind == SocketAddress::Kind::kInternet) return internet_endpoints(address, purpose);
  return std::vector{TRY(unix_endpoint(address))};
}

Endpoint bound_to(int socket) {
  Endpoint endpoint;
  endpoint.length = sizeof endpoint.address;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&endpoint.address), &endpoint.length) != 0)
    endpoint.length = 0;
  return endpoint;
}

Endpoint connected_to(int socket) {
  Endpoint endpoint;
  endpoint.length = sizeof endpoint.address;
  if (::getpeername(socket, reinterpret_cast<sockaddr*>(&endpoint.address), &endpoint.length) != 0)
    endpoint.length = 0;
  return endpoint;
}

SocketFile::SocketFile(std::string path) : path_{std::move(path)} {
  struct stat info {};
  if (::lstat(path_.c_str(), &info) != 0) path_.clear();
  device_ = info.st_dev;
  inode_ = info.st_ino;
}

SocketFile::~SocketFile() {
  struct stat info {};
  if (path_.empty() || ::lstat(path_.c_str(), &info) != 0) return;
  if (info.st_dev == device_ && info.st_ino == inode_) ::unlink(path_.c_str());
}

Result<Listeners> listen_on(const SocketAddress& address) {
  Listeners listeners;
  if (address.kind == SocketAddress::Kind::kDescriptor) {
    listeners.sockets.push_back(TRY(adopt(address, Purpose::kListen)));
    return listeners;
  }
  const auto endpoints = TRY(resolve(address, Purpose::kListen));
  const bool has_file = address.kind == SocketAddress::Kind::kUnix && !address.abstract;
  if (has_file) TRY(make_room_for(address.path));
  listeners.sockets = address.to ? TRY(listen_in_range(endpoints, *address.to))
                                 : TRY(listen_at_all(endpoints));
  if (has_file) listeners.file = SocketFile{address.path};
  return listeners;
}

Result<Descriptor> start_connecting(const Endpoint& endpoint) {
  auto socket = TRY(open_socket(endpoint.family()));
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&endpoint.address),
                endpoint.length) != 0 &&
      errno != EINPROGRESS)
    return fail("{}", std::strerror(errno));
  return socket;
}

Result<void> outcome_of(int socket) {
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error != 0) return fail("{}", std::strerror(error));
  return {};
}

Result<Descriptor> connect_to(const SocketAddress& address, int patience_ms) {
  if (address.kind == SocketAddress::Kind::kDescriptor)
    return adopt(address, Purpose::kConnect);
  Error last{"there is no such address"};
  for (const Endpoint& endpoint : TRY(resolve(address, Purpose::kConnect))) {
    auto socket = start_connecting(endpoint);
    if (socket) {
      auto connected = wait_until_connected(socket->get(), patience_ms);
      if (connected) return socket;
      last = std::move(connected.error());
    } else {
      last = std::move(socket.error());
    }
  }
  return fail("cannot connect to {}: {}", address.to_string(), last.message);
}

Result<Descriptor> adopt(const SocketAddress& address, Purpose purpose) {
  const int descriptor = address.given ? address.given->get() : address.descriptor;
  int listening = 0;
  socklen_t size = sizeof listening;
  if (::getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0)
    return fail("fd={}: {}; it takes the number of an open socket", descriptor,
                std::strerror(errno));
  if ((listening != 0) != (purpose == Purpose::kListen))
    return fail("fd={}: the socket {}", descriptor,
                listening != 0 ? "listens; that takes server=on"
                               : "does not listen; server=on takes one that does");
  Descriptor socket{address.given ? address.given->release() : descriptor};
  ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
  ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) | O_NONBLOCK);
  return socket;
}

}  // namespace holdfast::chardev
