// SPDX-License-Identifier: Apache-2.0
// A back-end on a stream socket. A server takes one client at a time, and the next one when that has
// gone; a client may connect again when the other end has gone, or was not there.
//
//   server:  listening → linked → listening …
//   client:  (waiting → connecting →) linked → waiting … or, without `reconnect`, gone for good
//
// Descriptors that come with the input (SCM_RIGHTS) are kept for take_descriptor(), the last few of
// the link there is.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/base/event_loop.hpp"
#include "holdfast/chardev/channel.hpp"
#include "holdfast/chardev/socket_address.hpp"

namespace holdfast::chardev {

class Socket final : public Channel {
 public:
  struct Config {
    SocketAddress address{};
    bool server = false;
    bool wait = false;      // a server: made once it has its first client
    bool no_delay = false;  // internet: what is written is sent at once
    std::uint64_t reconnect_s = 0;  // a client: how long to wait before trying again; 0: never
    Limits limits{};
  };
  /// On the loop thread, or while nobody runs the loop, like the destructor. `wait` runs the loop and
  /// so is refused on the loop thread; it fails if the loop is stopped before somebody has come. Names
  /// are only looked up here, not when connecting again.
  static Result<std::unique_ptr<Socket>> make(EventLoop& loop, Common common, Config config);
  ~Socket() override;

  /// As monitors show it: "unix:/tmp/s,server=on", "disconnected:tcp:127.0.0.1:4444,server=on".
  std::string filename() const override;
  Descriptor take_descriptor() override;

 protected:
  ssize_t receive(std::span<std::uint8_t> buffer) override;
  ssize_t transmit(Bytes bytes) override;
  void input_ended() override { hang_up(); }
  void output_failed() override;

 private:
  Socket(EventLoop& loop, Common common, Config config);
  Result<void> open();
  Result<void> listen();
  Result<void> wait_for_client();
  void accept_one(int listener);
  Result<void> link(Descriptor socket);
  void hang_up();
  void keep_descriptors(const msghdr& message);

  // A client that tries again.
  void try_next_endpoint();
  void connecting_ended();
  void try_later();
  void due();

  const Config config_;
  Listeners listeners_;
  std::vector<EventLoop::Watch> listening_;
  std::vector<Endpoint> endpoints_;  // to connect to, in turn
  std::size_t next_endpoint_ = 0;
  Descriptor connecting_;
  EventLoop::Watch connecting_watch_;
  Descriptor socket_;  // linked
  std::deque<Descriptor> received_;
  bool wanted_ = false;  // the loop is to stop when somebody has come
  EventLoop::Alarm later_;
};

}  // namespace holdfast::chardev
