// SPDX-License-Identifier: Apache-2.0
#include "holdfast/chardev/factory.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "holdfast/chardev/pty.hpp"
#include "holdfast/chardev/ring_buffer.hpp"
#include "tests/unit/chardev/backend_fixture.hpp"

namespace holdfast::chardev {
namespace {

class FactoryTest : public BackendTest {
 protected:
  Result<std::unique_ptr<Chardev>> try_make(const std::string& text) {
    auto spec = parse_chardev(text);
    if (!spec) return std::unexpected{spec.error()};
    return chardev::make(*spec, {.loop = loop_, .announce = [this](std::string_view line) {
                                   announced_ += line;
                                 }});
  }
  std::unique_ptr<Chardev> make(const std::string& text) {
    auto made = try_make(text);
    EXPECT_TRUE(made) << (made ? "" : made.error().message);
    return made ? std::move(*made) : nullptr;
  }
  std::string why_not(const std::string& text) {
    const auto made = try_make(text);
    return made ? "it was made" : made.error().message;
  }
  std::string announced_;
};

TEST_F(FactoryTest, AFileIsWrittenAnewOrContinued) {
  const std::string path = folder_ / "out";
  make("file,id=a,path=" + path)->write(bytes_of("one\n"));
  EXPECT_EQ(content_of(path), "one\n");
  make("file,id=a,append=on,path=" + path)->write(bytes_of("two\n"));
  EXPECT_EQ(content_of(path), "one\ntwo\n");
  make("file,id=a,path=" + path)->write(bytes_of("three\n"));
  EXPECT_EQ(content_of(path), "three\n");
}

TEST_F(FactoryTest, AFileIsRead) {
  const std::string in = folder_ / "in";
  std::ofstream{in} << std::string(3000, 'i');
  device_.appetite = 5000;
  const auto file = make("file,id=a,path=" + (folder_ / "out") + ",input-path=" + in);
  const auto claim = file->attach(device_.front).value();
  until([&] { return device_.got.size() == 3000; });
  until_events("OC");
  EXPECT_EQ(file->filename(), "file");
}

TEST_F(FactoryTest, TwoFifosOrOne) {
  const std::string path = folder_ / "p";
  EXPECT_NE(why_not("pipe,id=a,path=" + path).find("takes a FIFO of that name, or two called"),
            std::string::npos);
  ASSERT_EQ(::mkfifo((path + ".in").c_str(), 0600), 0);
  ASSERT_EQ(::mkfifo((path + ".out").c_str(), 0600), 0);
  {
    const auto pipe = make("pipe,id=a,path=" + path);
    const auto claim = pipe->attach(device_.front).value();
    const Descriptor in{::open((path + ".in").c_str(), O_WRONLY | O_CLOEXEC)};
    const Descriptor out{::open((path + ".out").c_str(), O_RDONLY | O_CLOEXEC)};
    ASSERT_EQ(::write(in.get(), "abc", 3), 3);
    until([&] { return device_.got == "abc"; });
    pipe->write(bytes_of("xyz"));
    settle();
    std::array<char, 8> text{};
    EXPECT_EQ(::read(out.get(), text.data(), text.size()), 3);
    EXPECT_STREQ(text.data(), "xyz");
  }
  std::filesystem::remove(path + ".in");
  std::ofstream{path} << "a file";
  EXPECT_NE(why_not("pipe,id=a,path=" + path).find("is no FIFO"), std::string::npos);
}

TEST_F(FactoryTest, APseudoTerminalIsNamedAndServesWhoOpensIt) {
  const auto pty = make("pty,id=foo");
  const auto claim = pty->attach(device_.front).value();
  const std::string path = pty->filename().substr(4);
  EXPECT_EQ(announced_, "char device redirected to " + path + " (label foo)");
  EXPECT_EQ(pty->write(bytes_of("nobody listens")), 14U);
  std::string events;
  for (int round = 0; round < 2; ++round) {
    Descriptor slave{::open(path.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC)};
    until_events(events += "O");
    ASSERT_EQ(::write(slave.get(), "a\r\x03", 3), 3);
    until([&] { return device_.got.size() == 3; });
    EXPECT_EQ(device_.got, "a\r\x03");
    device_.got.clear();
    pty->write(bytes_of("b\n"));
    settle();
    std::array<char, 8> text{};
    EXPECT_EQ(::read(slave.get(), text.data(), text.size()), 2);
    EXPECT_STREQ(text.data(), "b\n");
    slave.close();
    until_events(events += "C");
  }
}

TEST_F(FactoryTest, ATerminalOfTheHostIsRawMeanwhile) {
  const Descriptor master{::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)};
  ASSERT_EQ(::grantpt(master.get()), 0);
  ASSERT_EQ(::unlockpt(master.get()), 0);
  const std::string path = ::ptsname(master.get());
  const Descriptor keeps_mode{::open(path.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC)};
  const auto echoes = [&] {
    termios mode{};
    EXPECT_EQ(::tcgetattr(keeps_mode.get(), &mode), 0);
    return (mode.c_lflag & ECHO) != 0;
  };
  {
    const auto tty = make("serial,id=a,path=" + path);
    const auto claim = tty->attach(device_.front).value();
    EXPECT_FALSE(echoes());
    ASSERT_EQ(::write(master.get(), "x", 1), 1);
    until([&] { return device_.got == "x"; });
  }
  EXPECT_TRUE(echoes());
  EXPECT_NE(why_not("serial,id=a,path=/dev/null").find("is no terminal"), std::string::npos);
}

TEST_F(FactoryTest, ALogIsACopyOfTheOutput) {
  const std::string log = folder_ / "log";
  for (const std::string kind : {"null", "ringbuf", "pty"}) {
    const auto backend = make(kind + ",id=a,logfile=" + log);
    backend->write(bytes_of("hello\n"));
    settle();
    EXPECT_EQ(content_of(log), "hello\n") << kind;
    backend->write(bytes_of("and "));
  }
  make("null,id=a,logappend=on,logfile=" + log)->write(bytes_of("more\n"));
  EXPECT_EQ(content_of(log), "hello\nand more\n");
  EXPECT_NE(why_not("null,id=a,logfile=/nonexistent/log").find("logfile '/nonexistent/log'"),
            std::string::npos);
}

TEST_F(FactoryTest, AGuestFasterThanTheLogWaits) {
  const auto null = make("null,id=a,logfile=" + (folder_ / "log"));
  const auto claim = null->attach(device_.front).value();
  const std::string much(700'000, 'x');
  EXPECT_EQ(null->write(bytes_of(much)), much.size());
  const std::size_t taken = null->write(bytes_of(much));
  EXPECT_LT(taken, much.size());
  settle();
  EXPECT_EQ(device_.rooms, 1);
  EXPECT_EQ(content_of(folder_ / "log").size(), much.size() + taken);
}

TEST_F(FactoryTest, ARingBufferHoldsWhatItIsAskedTo) {
  const auto ring = make("ringbuf,id=a,size=8");
  ring->write(bytes_of("0123456789"));
  auto& buffer = dynamic_cast<RingBuffer&>(*ring);
  EXPECT_EQ(buffer.take(3), "234");
  EXPECT_EQ(buffer.take(), "56789");
}

TEST_F(FactoryTest, WhatFailsNamesItselfAndLeavesNothing) {
  const int before = open_descriptors();
  EXPECT_EQ(why_not("file,id=a,path=/nonexistent/x"),
            "chardev 'a': file: '/nonexistent/x': No such file or directory");
  EXPECT_EQ(why_not("serial,id=a,path=/dev/nonexistent"),
            "chardev 'a': serial: '/dev/nonexistent': No such file or directory");
  EXPECT_FALSE(chardev::make({.backend = Backend::kReference, .id = "x"}, {.loop = loop_}));
  EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
}  // namespace holdfast::chardev
