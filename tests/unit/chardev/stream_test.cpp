// SPDX-License-Identifier: Apache-2.0
#include "holdfast/chardev/stream.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "tests/unit/chardev/fake_device.hpp"

namespace holdfast::chardev {
namespace {

struct Descriptor {
  explicit Descriptor(int number = -1) : fd{number} {}
  Descriptor(Descriptor&& other) noexcept : fd{std::exchange(other.fd, -1)} {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd, other.fd);
    return *this;
  }
  ~Descriptor() { close(); }
  void close() {
    if (fd >= 0) ::close(std::exchange(fd, -1));
  }
  int fd;
};

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
    reader = Descriptor{ends[0]};
    writer = Descriptor{ends[1]};
  }
  void put(std::string_view text) const {
    EXPECT_EQ(::write(writer.fd, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  std::string get() const {
    std::array<char, 65536> chunk;
    const auto count = ::read(reader.fd, chunk.data(), chunk.size());
    return {chunk.data(), count > 0 ? static_cast<std::size_t>(count) : 0U};
  }
  Descriptor reader;
  Descriptor writer;
};

struct Pty {
  Pty() : master{posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)} {
    EXPECT_EQ(grantpt(master.fd), 0);
    EXPECT_EQ(unlockpt(master.fd), 0);
    slave = Descriptor{::open(ptsname(master.fd), O_RDWR | O_NOCTTY | O_CLOEXEC)};
    EXPECT_GE(slave.fd, 0);
  }
  bool echoes() const {
    termios mode{};
    EXPECT_EQ(tcgetattr(slave.fd, &mode), 0);
    return (mode.c_lflag & ECHO) != 0;
  }
  Descriptor master;
  Descriptor slave;
};

class StreamTest : public ::testing::Test {
 protected:
  std::unique_ptr<Stream> make(Stream::Init init) {
    return Stream::make(loop_, {.id = "serial0"}, std::move(init)).value();
  }
  void settle() {
    while (loop_.run_ready() != 0) {
    }
  }

  gate::Realm realm_{"test"};
  std::unique_ptr<EventLoop> owner_ = EventLoop::make().value();
  EventLoop& loop_ = *owner_;
  FakeDevice device_{realm_};
  Pipe in_;
  Pipe out_;
};

TEST_F(StreamTest, OutputIsWrittenByTheLoop) {
  const auto stream = make({.output = out_.writer.fd});
  EXPECT_EQ(stream->write(bytes_of("hel")), 3U);
  EXPECT_EQ(stream->write(bytes_of("lo")), 2U);
  settle();
  EXPECT_EQ(out_.get(), "hello");
}

TEST_F(StreamTest, InputReachesTheDevice) {
  const auto stream = make({.input = in_.reader.fd});
  const auto claim = stream->attach(device_.front).value();
  in_.put("abc");
  settle();
  EXPECT_EQ(device_.got, "abc");
}

TEST_F(StreamTest, InputThatIsNotTakenIsOfferedAgainOnRequest) {
  const auto stream = make({.input = in_.reader.fd});
  const auto claim = stream->attach(device_.front).value();
  device_.appetite = 1;
  in_.put("abc");
  settle();
  EXPECT_EQ(device_.got, "a");
  device_.appetite = 5;
  ASSERT_TRUE(device_.front->take_waiting());
  stream->accept_input();
  settle();
  EXPECT_EQ(device_.got, "abc");
}

TEST_F(StreamTest, AGuestThatTakesNothingStopsTheReadingAfterAWhile) {
  const auto stream = make({.input = in_.reader.fd});
  const auto claim = stream->attach(device_.front).value();
  device_.appetite = 0;
  in_.put(std::string(5000, 'x'));
  settle();
  device_.appetite = 5000;
  stream->accept_input();
  settle();
  EXPECT_EQ(device_.got.size(), 5000U);
}

TEST_F(StreamTest, EndOfInputEndsTheReadingOnly) {
  const auto stream = make({.input = in_.reader.fd, .output = out_.writer.fd});
  in_.writer.close();
  settle();
  EXPECT_EQ(loop_.run_ready(), 0U);
  stream->write(bytes_of("x"));
  settle();
  EXPECT_EQ(out_.get(), "x");
}

TEST_F(StreamTest, DevNullIsAnInputAndAnOutput) {
  const Descriptor null{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  const auto stream = make({.input = null.fd, .output = null.fd});
  const auto claim = stream->attach(device_.front).value();
  stream->write(bytes_of("x"));
  settle();
  EXPECT_EQ(device_.got, "");
}

TEST_F(StreamTest, AHostThatTakesNoMoreIsWaitedForAndNothingIsLost) {
  const auto stream = make({.output = out_.writer.fd, .limits = {.capacity = 1 << 20}});
  const std::string text(300'000, 'x');  // more than a pipe holds
  EXPECT_EQ(stream->write(bytes_of(text)), text.size());
  settle();
  std::size_t seen = 0;
  while (seen < text.size()) {
    const auto part = out_.get();
    ASSERT_FALSE(part.empty());
    seen += part.size();
    settle();
  }
  EXPECT_EQ(seen, text.size());
}

TEST_F(StreamTest, AFullBufferRefusesAndTellsWhenThereIsRoom) {
  const auto stream = make({.output = out_.writer.fd, .limits = {.capacity = 4}});
  const auto claim = stream->attach(device_.front).value();
  EXPECT_EQ(stream->write(bytes_of("012345")), 4U);
  EXPECT_EQ(stream->write(bytes_of("x")), 0U);
  settle();
  EXPECT_EQ(device_.rooms, 1);
  EXPECT_EQ(out_.get(), "0123");
}

TEST_F(StreamTest, NothingIsLostAtTheEnd) {
  auto stream = make({.output = out_.writer.fd, .limits = {.capacity = 1 << 20}});
  const std::string text(300'000, 'x');
  stream->write(bytes_of(text));
  std::size_t seen = 0;
  std::thread reader{[&] {
    for (auto part = out_.get(); !part.empty(); part = out_.get()) seen += part.size();
  }};
  stream.reset();
  out_.writer.close();
  reader.join();
  EXPECT_EQ(seen, text.size());
}

TEST_F(StreamTest, AHostThatTakesNothingIsGivenUpAtTheEndWithAWarning) {
  auto stream = make({.output = out_.writer.fd, .limits = {.capacity = 1 << 20, .patience_ms = 1}});
  stream->write(bytes_of(std::string(300'000, 'x')));
  ::testing::internal::CaptureStderr();
  stream.reset();
  EXPECT_NE(::testing::internal::GetCapturedStderr().find("'serial0': nobody takes the last"),
            std::string::npos);
}

TEST_F(StreamTest, NobodyIsWaitedForBeyondADeadlineNorAskedAgainAtTheEnd) {
  constexpr int kForEver = 1'000'000'000;
  auto stream = make({.output = out_.writer.fd, .limits = {.capacity = 1 << 20, .patience_ms = kForEver}});
  stream->write(bytes_of("all of it"));
  stream->drain_until(0);
  EXPECT_EQ(out_.get(), "all of it") << "what the host takes at once it is given";
  stream->write(bytes_of(std::string(300'000, 'x')));
  stream->drain_until(EventLoop::now_ns() + 1'000'000);
  ::testing::internal::CaptureStderr();
  stream.reset();
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

TEST_F(StreamTest, AReaderThatIsGoneIsNoReasonToStop) {
  ::signal(SIGPIPE, SIG_IGN);
  const auto stream = make({.output = out_.writer.fd, .limits = {.capacity = 4}});
  const auto claim = stream->attach(device_.front).value();
  out_.reader.close();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(stream->write(bytes_of("0123")), 4U);
    settle();
  }
}

TEST_F(StreamTest, DescriptorsAreAsBefore) {
  const int before = fcntl(out_.writer.fd, F_GETFL);
  {
    const auto stream = make({.input = in_.reader.fd, .output = out_.writer.fd});
    EXPECT_NE(fcntl(out_.writer.fd, F_GETFL) & O_NONBLOCK, 0);
  }
  EXPECT_EQ(fcntl(out_.writer.fd, F_GETFL), before);
  EXPECT_EQ(fcntl(in_.reader.fd, F_GETFL) & O_NONBLOCK, 0);
}

TEST_F(StreamTest, TheEscapeKeyWorksOverAPipeEvenIfTheGuestTakesNothing) {
  std::string commands;
  const auto on_command = [&](Command command) {
    commands += std::to_string(static_cast<int>(command));
  };
  const auto stream = Stream::make(loop_,
                                   {.id = "serial0",
                                    .sharing = Chardev::Sharing::kMux,
                                    .on_command = on_command},
                                   {.input = in_.reader.fd, .output = out_.writer.fd})
                          .value();
  const auto claim = stream->attach(device_.front).value();
  device_.appetite = 1;
  in_.put("ab\x01h\x01"
          "b\x01x");
  settle();
  EXPECT_EQ(device_.got, "a");
  EXPECT_EQ(device_.breaks, 1);
  EXPECT_EQ(commands, "1");
  EXPECT_NE(out_.get().find("Ctrl-a x"), std::string::npos);
}

TEST_F(StreamTest, ATerminalIsRawMeanwhileAndCookedAfterwards) {
  Pty pty;
  EXPECT_TRUE(pty.echoes());
  {
    const auto stream = make({.input = pty.slave.fd,
                              .output = pty.slave.fd,
                              .terminal = SharedDescriptor::Terminal::kRaw});
    const auto claim = stream->attach(device_.front).value();
    EXPECT_FALSE(pty.echoes());
    const char interrupt = 3;
    ASSERT_EQ(::write(pty.master.fd, &interrupt, 1), 1);
    while (device_.got.empty()) loop_.run_ready();
    EXPECT_EQ(device_.got, "\x03");
    stream->write(bytes_of("ok\n"));
    settle();
    std::array<char, 16> text{};
    EXPECT_EQ(::read(pty.master.fd, text.data(), text.size()), 4);
    EXPECT_STREQ(text.data(), "ok\r\n");
  }
  EXPECT_TRUE(pty.echoes());
}

TEST_F(StreamTest, AHangUpOfTheTerminalEndsTheReading) {
  Pty pty;
  const auto stream = make({.input = pty.slave.fd, .output = pty.slave.fd});
  pty.master.close();
  stream->write(bytes_of("x"));
  settle();
  EXPECT_EQ(loop_.run_ready(), 0U);
}

/// A child process that makes the terminal raw, says so, and then ends by `how`.
void run_child(const Pty& pty, const std::function<void()>& how, bool expect_signal) {
  Pipe ready;
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto mode =
        SharedDescriptor::set_up(pty.slave.fd, SharedDescriptor::Terminal::kRaw);
    ready.put(mode && !pty.echoes() ? "raw" : "bad");
    how();
    _exit(99);
  }
  EXPECT_EQ(ready.get(), "raw");
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(WIFSIGNALED(status), expect_signal) << status;
  EXPECT_TRUE(pty.echoes());
}

TEST(Terminal, IsRestoredWhenASignalEndsTheProcess) {
  const Pty pty;
  run_child(pty, [] { raise(SIGTERM); }, true);
}

TEST(Terminal, IsRestoredByExit) {
  const Pty pty;
  run_child(pty, [] { exit(0); }, false);
}

TEST(Terminal, IsRestoredByAnAbort) {
  const Pty pty;
  run_child(pty, [] { abort(); }, true);
}

}  // namespace
}  // namespace holdfast::chardev
