// SPDX-License-Identifier: Apache-2.0
#include "holdfast/chardev/socket.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <optional>

#include "tests/unit/chardev/backend_fixture.hpp"

namespace holdfast::chardev {
namespace {

constexpr int kPatienceMs = 10'000;

/// The other end, by hand.
class Peer {
 public:
  explicit Peer(Descriptor socket) : socket_{std::move(socket)} {
    EXPECT_TRUE(socket_);
    ::fcntl(socket_.get(), F_SETFL, 0);
  }
  void put(std::string_view text) const {
    EXPECT_EQ(::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  void put_with_descriptors(std::string_view text, std::vector<int> fds) const {
    iovec what{const_cast<char*>(text.data()), text.size()};
    std::vector<char> control(CMSG_SPACE(fds.size() * sizeof(int)));
    msghdr message{};
    message.msg_iov = &what;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* item = CMSG_FIRSTHDR(&message);
    item->cmsg_level = SOL_SOCKET;
    item->cmsg_type = SCM_RIGHTS;
    item->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
    std::memcpy(CMSG_DATA(item), fds.data(), fds.size() * sizeof(int));
    EXPECT_EQ(::sendmsg(socket_.get(), &message, 0), static_cast<ssize_t>(text.size()));
  }
  bool has_input() const {
    pollfd ready{.fd = socket_.get(), .events = POLLIN, .revents = 0};
    return ::poll(&ready, 1, 0) == 1;
  }
  /// What is there, at least one byte; "" at the end.
  std::string get() const {
    std::array<char, 65536> chunk;
    const auto count = ::recv(socket_.get(), chunk.data(), chunk.size(), 0);
    return {chunk.data(), count > 0 ? static_cast<std::size_t>(count) : 0U};
  }
  void hang_up() { socket_.close(); }
  int fd() const { return socket_.get(); }

 private:
  Descriptor socket_;
};

SocketAddress unix_address(std::string path) {
  return {.kind = SocketAddress::Kind::kUnix, .path = std::move(path)};
}
SocketAddress tcp_address(std::string port) {
  return {.kind = SocketAddress::Kind::kInternet, .host = "127.0.0.1", .port = std::move(port)};
}

class SocketTest : public BackendTest {
 protected:
  Result<std::unique_ptr<Socket>> try_make(Socket::Config config) {
    return Socket::make(loop_, {.id = "serial0"}, std::move(config));
  }
  std::unique_ptr<Socket> make(Socket::Config config) {
    auto made = try_make(std::move(config));
    EXPECT_TRUE(made) << (made ? "" : made.error().message);
    return made ? std::move(*made) : nullptr;
  }
  std::unique_ptr<Socket> make_server() {
    return make({.address = unix_address(path_), .server = true});
  }
  std::string why_not(Socket::Config config) {
    const auto made = try_make(std::move(config));
    return made ? "it was made" : made.error().message;
  }
  Peer connect() { return Peer{connect_to(unix_address(path_), kPatienceMs).value()}; }
  /// The port in "…tcp:127.0.0.1:4444,server=on…".
  static std::string port_of(const Socket& socket) {
    const std::string name = socket.filename();
    const auto colon = name.find(':', name.find("127.0.0.1"));
    return name.substr(colon + 1, name.find(',') - colon - 1);
  }

  const std::string path_ = folder_ / "s";
};

TEST_F(SocketTest, AServerServesAClient) {
  const auto server = make_server();
  const auto claim = server->attach(device_.front).value();
  EXPECT_EQ(server->filename(), "disconnected:unix:" + path_ + ",server=on");
  EXPECT_FALSE(server->is_open());
  const Peer peer = connect();
  until_events("O");
  EXPECT_EQ(server->filename(), "unix:" + path_ + ",server=on");
  peer.put("in");
  until([&] { return device_.got == "in"; });
  EXPECT_EQ(server->write(bytes_of("out")), 3U);
  settle();
  EXPECT_EQ(peer.get(), "out");
}

TEST_F(SocketTest, TheNextClientComesWhenOneHasGone) {
  const auto server = make_server();
  const auto claim = server->attach(device_.front).value();
  Peer first = connect();
  until_events("O");
  const Peer second = connect();
  second.put("2");
  first.put("1");
  until([&] { return device_.got == "1"; });
  first.hang_up();
  until_events("OCO");
  until([&] { return device_.got == "12"; });
  server->write(bytes_of("x"));
  settle();
  EXPECT_EQ(second.get(), "x");
}

TEST_F(SocketTest, WithoutAClientOutputIsForgotten) {
  const auto server = make_server();
  const std::string much(1 << 20, 'x');
  EXPECT_EQ(server->write(bytes_of(much)), much.size());
  const Peer peer = connect();
  until([&] { return server->is_open(); });
  server->write(bytes_of("now"));
  settle();
  EXPECT_EQ(peer.get(), "now");
}

TEST_F(SocketTest, WhatWasTypedBeforeHangingUpIsNotLost) {
  const auto server = make_server();
  const auto claim = server->attach(device_.front).value();
  device_.appetite = 1;
  Peer first = connect();
  first.put("abc");
  until([&] { return device_.got == "a"; });
  first.hang_up();
  until_events("OC");
  const Peer second = connect();
  second.put("d");
  until_events("OCO");
  device_.appetite = 9;
  server->accept_input();
  until([&] { return device_.got == "abcd"; });
}

TEST_F(SocketTest, AClientThatReadsNothingIsWaitedForAndNothingIsLost) {
  const auto server = make_server();
  const auto claim = server->attach(device_.front).value();
  const Peer peer = connect();
  until_events("O");
  const std::string text(1 << 20, 'x');
  std::size_t sent = 0;
  int turned_away = 0;
  std::size_t seen = 0;
  while (seen < text.size()) {
    const std::size_t taken = server->write(bytes_of(text).subspan(sent));
    sent += taken;
    settle();
    if (sent < text.size() && taken != 0) continue;
    turned_away += sent < text.size() ? 1 : 0;
    seen += peer.get().size();
    settle();
  }
  EXPECT_EQ(seen, text.size());
  EXPECT_GT(turned_away, 0);
  EXPECT_GT(device_.rooms, 0);
}

TEST_F(SocketTest, AClientThatGoesWhileTheGuestWritesMakesRoom) {
  const auto server = make_server();
  const auto claim = server->attach(device_.front).value();
  Peer peer = connect();
  until_events("O");
  const std::string text(1 << 20, 'x');
  while (server->write(bytes_of(text)) != 0) settle();
  const int rooms = device_.rooms;
  peer.hang_up();
  until_events("OC");
  until([&] { return device_.rooms > rooms; });
  EXPECT_EQ(server->write(bytes_of(text)), text.size());
}

TEST_F(SocketTest, OutputIsForNobodyOnceItsReaderHasGoneThoughInputIsLeft) {
  const auto server = make_server();
  const auto claim = server->attach(device_.front).value();
  device_.appetite = 0;
  EXPECT_FALSE(server->is_heard());
  Peer peer = connect();
  until_events("O");
  EXPECT_TRUE(server->is_heard());
  peer.put(std::string(4096, 'x'));  // more than is read ahead of the device
  settle();
  peer.hang_up();
  server->write(bytes_of("lost"));
  settle();
  EXPECT_FALSE(server->is_heard());
  EXPECT_EQ(device_.events, "O") << "what it has said is still being read";
  device_.appetite = 4096;
  server->accept_input();
  until_events("OC");
}

TEST_F(SocketTest, TheFileGoesWithTheServerAndAStaleOneIsReplaced) {
  {
    const Descriptor stale{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_un un{};
    un.sun_family = AF_UNIX;
    std::ranges::copy(path_, un.sun_path);
    ASSERT_EQ(::bind(stale.get(), reinterpret_cast<sockaddr*>(&un), sizeof un), 0);
  }
  ASSERT_TRUE(std::filesystem::exists(path_));
  {
    const auto server = make_server();
    const Peer peer = connect();
    until([&] { return server->is_open(); });
  }
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(SocketTest, AFileThatSomebodyElseHasPutThereStays) {
  {
    const auto server = make_server();
    std::filesystem::remove(path_);
    std::ofstream{path_} << "mine";
  }
  EXPECT_EQ(content_of(path_), "mine");
}

TEST_F(SocketTest, WhatCannotBeListenedOnSaysWhy) {
  std::ofstream{path_} << "no socket";
  EXPECT_EQ(why_not({.address = unix_address(path_), .server = true}),
            "chardev 'serial0': '" + path_ + "' exists and is no socket");
  EXPECT_EQ(content_of(path_), "no socket");
  EXPECT_NE(why_not({.address = unix_address(folder_ / std::string(200, 'x')), .server = true})
                .find("at most 107"),
            std::string::npos);
  EXPECT_NE(why_not({.address = unix_address("/nonexistent/s"), .server = true})
                .find("No such file or directory"),
            std::string::npos);
  EXPECT_NE(why_not({.address = tcp_address("1"), .server = false}).find("Connection refused"),
            std::string::npos);
  EXPECT_EQ(why_not({.address = unix_address(folder_ / "none")}),
            "chardev 'serial0': cannot connect to unix:" + (folder_ / "none") +
                ": No such file or directory");
}

TEST_F(SocketTest, AnAbstractNameHasNoFile) {
  SocketAddress address = unix_address(path_);
  address.abstract = true;
  const auto server = make({.address = address, .server = true});
  EXPECT_FALSE(std::filesystem::exists(path_));
  const Peer peer{connect_to(address, kPatienceMs).value()};
  until([&] { return server->is_open(); });
}

TEST_F(SocketTest, AServerOnTcp) {
  const auto server = make({.address = tcp_address("0"), .server = true, .no_delay = true});
  const auto claim = server->attach(device_.front).value();
  const Peer peer{connect_to(tcp_address(port_of(*server)), kPatienceMs).value()};
  until_events("O");
  EXPECT_EQ(server->filename(), "tcp:127.0.0.1:" + port_of(*server) + ",server=on <-> " +
                                    bound_to(peer.fd()).to_string().substr(4));
  peer.put("x");
  until([&] { return device_.got == "x"; });
}

TEST_F(SocketTest, APortInUseIsPassedOver) {
  const auto first = make({.address = tcp_address("0"), .server = true});
  SocketAddress range = tcp_address(port_of(*first));
  EXPECT_NE(why_not({.address = range, .server = true}).find("Address already in use"),
            std::string::npos);
  range.to = static_cast<std::uint16_t>(std::min(65535, std::stoi(range.port) + 50));
  const auto second = make({.address = range, .server = true});
  EXPECT_NE(port_of(*second), port_of(*first));
}

TEST_F(SocketTest, AClientIsConnectedWhenItIsMade) {
  const Listeners listeners = listen_on(unix_address(path_)).value();
  const auto client = make({.address = unix_address(path_)});
  EXPECT_TRUE(client->is_open());
  const Peer peer{Descriptor{::accept(listeners.sockets.front().get(), nullptr, nullptr)}};
  const auto claim = client->attach(device_.front).value();
  client->front_end_ready();
  EXPECT_EQ(device_.events, "O");
  client->write(bytes_of("hello"));
  settle();
  EXPECT_EQ(peer.get(), "hello");
}

TEST_F(SocketTest, AClientThatIsToReconnectDoes) {
  const auto client = make({.address = unix_address(path_), .reconnect_s = 1});
  const auto claim = client->attach(device_.front).value();
  settle();
  EXPECT_EQ(device_.events, "");  // nobody is there yet
  for (const std::string events : {"O", "OCO"}) {
    const Listeners listeners = listen_on(unix_address(path_)).value();
    until_events(events);
    Peer peer{Descriptor{::accept(listeners.sockets.front().get(), nullptr, nullptr)}};
    client->write(bytes_of("hello"));
    settle();
    EXPECT_EQ(peer.get(), "hello");
    peer.hang_up();
    until_events(events + "C");
  }
}

TEST_F(SocketTest, WithoutReconnectTheEndIsTheEnd) {
  const Listeners listeners = listen_on(unix_address(path_)).value();
  const auto client = make({.address = unix_address(path_)});
  const auto claim = client->attach(device_.front).value();
  { const Peer peer{Descriptor{::accept(listeners.sockets.front().get(), nullptr, nullptr)}}; }
  until_events("OC");
  EXPECT_EQ(client->write(bytes_of("x")), 1U);
  EXPECT_EQ(loop_.run_ready(), 0U);
}

TEST_F(SocketTest, AServerThatWaitsIsMadeWithItsFirstClient) {
  std::optional<Peer> peer;
  loop_.post([&] { peer = connect(); });  // the loop is run by whoever waits
  ::testing::internal::CaptureStderr();
  auto server = make({.address = unix_address(path_), .server = true, .wait = true});
  EXPECT_NE(::testing::internal::GetCapturedStderr().find(
                "waiting for connection on: disconnected:unix:" + path_ + ",server=on"),
            std::string::npos);
  ASSERT_TRUE(server);
  EXPECT_TRUE(server->is_open());
  server->write(bytes_of("first words"));
  settle();
  EXPECT_EQ(peer->get(), "first words");
}

TEST_F(SocketTest, WaitingEndsWithTheLoop) {
  loop_.stop();
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(why_not({.address = unix_address(path_), .server = true, .wait = true}),
            "chardev 'serial0': nobody has connected to disconnected:unix:" + path_ +
                ",server=on");
  ::testing::internal::GetCapturedStderr();
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(SocketTest, NobodyIsWaitedForOnTheLoopThread) {
  loop_.post([this] {
    EXPECT_NE(why_not({.address = unix_address(path_), .server = true, .wait = true})
                  .find("would stop the machine"),
              std::string::npos);
  });
  settle();
}

TEST_F(SocketTest, ASocketThatIsGivenIsUsedAndClosed) {
  const int before = open_descriptors();
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
  {
    const Peer peer{Descriptor{ends[1]}};
    const auto given = make(
        {.address = {.kind = SocketAddress::Kind::kDescriptor, .descriptor = ends[0]}});
    EXPECT_EQ(given->filename(), "fd:" + std::to_string(ends[0]));
    given->write(bytes_of("x"));
    settle();
    EXPECT_EQ(peer.get(), "x");
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(SocketTest, AGivenSocketMustBeOneAndOfTheRightKind) {
  const auto given = [](int fd) {
    return SocketAddress{.kind = SocketAddress::Kind::kDescriptor, .descriptor = fd};
  };
  const Listeners listeners = listen_on(unix_address(path_)).value();
  const int listener = listeners.sockets.front().get();
  EXPECT_NE(why_not({.address = given(listener)}).find("that takes server=on"), std::string::npos);
  const Descriptor null{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  EXPECT_NE(why_not({.address = given(null.get())}).find("number of an open socket"),
            std::string::npos);
  EXPECT_NE(why_not({.address = given(9999)}).find("number of an open socket"), std::string::npos);
}

TEST_F(SocketTest, DescriptorsThatComeWithTheInputAreKept) {
  const int before = open_descriptors();
  {
    const auto server = make_server();
    const auto claim = server->attach(device_.front).value();
    Peer peer = connect();
    const Descriptor file{::open((folder_ / "passed").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
    peer.put_with_descriptors("a", {file.get(), file.get()});
    until([&] { return device_.got == "a"; });
    const Descriptor passed = server->take_descriptor();
    ASSERT_TRUE(passed);
    EXPECT_EQ(::write(passed.get(), "hello", 5), 5);
    EXPECT_EQ(content_of(folder_ / "passed"), "hello");
    EXPECT_NE(::fcntl(passed.get(), F_GETFD) & FD_CLOEXEC, 0);
    EXPECT_TRUE(server->take_descriptor());
    EXPECT_FALSE(server->take_descriptor());
    peer.put_with_descriptors("b", {file.get()});
    until([&] { return device_.got == "ab"; });
    peer.hang_up();
    until_events("OC");
    EXPECT_FALSE(server->take_descriptor());  // they go with who sent them
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(SocketTest, NothingIsLeftOfWhatCameAndWent) {
  const int before = open_descriptors();
  for (int i = 0; i < 100; ++i) {
    const auto server = make_server();
    const auto claim = server->attach(device_.front).value();
    const Peer peer = connect();
    peer.put("x");
    settle();
    server->write(bytes_of("y"));
  }
  EXPECT_EQ(open_descriptors(), before);
  EXPECT_FALSE(std::filesystem::exists(path_));
}

}  // namespace
}  // namespace holdfast::chardev
