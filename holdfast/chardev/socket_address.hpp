// SPDX-License-Identifier: Apache-2.0
// Addresses of stream sockets, as people write them and as the host takes them.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/base/descriptor.hpp"
#include "holdfast/base/result.hpp"

namespace holdfast::chardev {

struct SocketAddress {
  enum class Kind : std::uint8_t { kUnix, kInternet, kDescriptor };
  Kind kind = Kind::kUnix;
  // kUnix
  std::string path{};
  bool abstract = false;  // a name in the network namespace, no file
  bool tight = true;      // the abstract name ends with the path and not with zeros
  // kInternet
  std::string host{};  // "": any address to listen on, this host to connect to
  std::string port{};
  std::optional<std::uint16_t> to{};  // the last port to try to listen on
  std::optional<bool> ipv4{};
  std::optional<bool> ipv6{};
  // kDescriptor
  int descriptor = -1;
  std::shared_ptr<Descriptor> given{};  // the same, whoever takes it takes it from here; none: by number

  /// "unix:/tmp/s", "tcp:localhost:4444", "fd:7".
  std::string to_string() const;
};

/// One address as the host takes it.
struct Endpoint {
  sockaddr_storage address{};
  socklen_t length = 0;

  int family() const { return address.ss_family; }
  /// "unix:/tmp/s", "tcp:127.0.0.1:4444", "tcp:[::1]:4444".
  std::string to_string() const;
};

enum class Purpose : std::uint8_t { kListen, kConnect };

/// What the address stands for, in the order to try it. May ask a name server and so take a while.
/// Not for kDescriptor.
Result<std::vector<Endpoint>> resolve(const SocketAddress& address, Purpose purpose);

/// Where the socket is bound.
Endpoint bound_to(int socket);
/// Who is at the other end.
Endpoint connected_to(int socket);

/// A socket's file, gone with the object unless somebody has replaced it meanwhile.
class SocketFile {
 public:
  SocketFile() = default;
  /// The file at `path` as it is now.
  explicit SocketFile(std::string path);
  SocketFile(SocketFile&& other) noexcept { *this = std::move(other); }
  SocketFile& operator=(SocketFile&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(device_, other.device_);
    std::swap(inode_, other.inode_);
    return *this;
  }
  ~SocketFile();

 private:
  std::string path_;
  std::uint64_t device_ = 0;
  std::uint64_t inode_ = 0;
};

/// Sockets that listen, and the file of a unix socket.
struct Listeners {
  SocketFile file;
  std::vector<Descriptor> sockets;
};
/// Listens on all that the address stands for. The file of a unix socket that is there already is
/// replaced.
Result<Listeners> listen_on(const SocketAddress& address);

/// A connection under way: connected when its socket becomes writable, if outcome_of() says so.
Result<Descriptor> start_connecting(const Endpoint& endpoint);
Result<void> outcome_of(int socket);
/// Connects, waiting for at most `patience_ms` for each of what the address stands for.
Result<Descriptor> connect_to(const SocketAddress& address, int patience_ms);
/// Takes over a socket that this process was given: a kDescriptor.
Result<Descriptor> adopt(const SocketAddress& address, Purpose purpose);

}  // namespace holdfast::chardev
