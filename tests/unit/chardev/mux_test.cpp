// SPDX-License-Identifier: Apache-2.0
// Several front ends on one back-end.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "holdfast/chardev/ring_buffer.hpp"
#include "holdfast/chardev/stream.hpp"
#include "tests/unit/chardev/backend_fixture.hpp"

namespace holdfast::chardev {
namespace {

class MuxTest : public BackendTest {
 protected:
  void SetUp() override { mux_.front_end_ready(); }
  void ready() { mux_.front_end_ready(); }

  std::string commands_;
  RingBuffer mux_{Chardev::Common{.id = "mon0",
                                  .sharing = Chardev::Sharing::kMux,
                                  .on_command =
                                      [this](Command command) {
                                        commands_ += std::to_string(static_cast<int>(command));
                                      }},
                  4096};
  FakeDevice monitor_{realm_};
};

TEST_F(MuxTest, TheLatestHasTheFocus) {
  const auto one = mux_.attach(monitor_.front).value();
  ready();
  EXPECT_EQ(monitor_.events, "O+");
  const auto two = mux_.attach(device_.front).value();
  ready();
  EXPECT_EQ(monitor_.events, "O+-");
  EXPECT_EQ(device_.events, "O+");
  mux_.feed("a");
  EXPECT_EQ(device_.got, "a");
  EXPECT_EQ(monitor_.got, "");
}

TEST_F(MuxTest, WhoOnlyWritesNeverHasTheFocus) {
  FakeDevice writer{realm_, true, FakeDevice::Kind::kOnlyWrites};
  const auto one = mux_.attach(monitor_.front).value();
  const auto two = mux_.attach(device_.front).value();
  const auto three = mux_.attach(writer.front).value();
  ready();
  EXPECT_EQ(writer.events, "O");
  mux_.feed("1\x01" "c2\x01" "c3");
  EXPECT_EQ(device_.got, "13");
  EXPECT_EQ(monitor_.got, "2");
  EXPECT_EQ(writer.events, "O");
}

TEST_F(MuxTest, AllWriteToTheSameEnd) {
  const auto one = mux_.attach(monitor_.front).value();
  const auto two = mux_.attach(device_.front).value();
  mux_.write(bytes_of("a"));
  mux_.write(bytes_of("b"));
  EXPECT_EQ(mux_.take(), "ab");
}

TEST_F(MuxTest, TheEscapeKeyMovesTheFocus) {
  const auto one = mux_.attach(monitor_.front).value();
  const auto two = mux_.attach(device_.front).value();
  ready();
  monitor_.events.clear();
  device_.events.clear();
  mux_.feed("1\x01" "c2\x01" "c3");
  EXPECT_EQ(device_.got, "13");
  EXPECT_EQ(monitor_.got, "2");
  EXPECT_EQ(device_.events, "-+");
  EXPECT_EQ(monitor_.events, "+-");
}

TEST_F(MuxTest, WhatWasTypedForSomebodyWaitsForHim) {
  const auto one = mux_.attach(monitor_.front).value();
  const auto two = mux_.attach(device_.front).value();
  device_.appetite = 1;
  mux_.feed("abc\x01" "cm");
  EXPECT_EQ(device_.got, "a");
  EXPECT_EQ(monitor_.got, "m");
  device_.appetite = 9;
  mux_.pump();
  EXPECT_EQ(device_.got, "abc");
}

TEST_F(MuxTest, TheFocusGoesBackWhenItsHolderGoes) {
  const auto one = mux_.attach(monitor_.front).value();
  {
    const auto two = mux_.attach(device_.front).value();
    ready();
  }
  ready();
  EXPECT_EQ(monitor_.events, "O+");
  mux_.feed("m");
  EXPECT_EQ(monitor_.got, "m");
}

TEST_F(MuxTest, TheFocusStaysWhenAnotherGoes) {
  auto one = mux_.attach(monitor_.front).value();
  const auto two = mux_.attach(device_.front).value();
  ready();
  one.release();
  ready();
  EXPECT_EQ(device_.events, "O+");
  mux_.feed("\x01" "cd");
  EXPECT_EQ(device_.got, "d");
}

TEST_F(MuxTest, BreaksAndTheEscapeKeyItselfGoToTheFocus) {
  const auto one = mux_.attach(monitor_.front).value();
  const auto two = mux_.attach(device_.front).value();
  mux_.feed("x\x01" "b\x01\x01");
  EXPECT_EQ(device_.got, "x\x01");
  EXPECT_EQ(device_.breaks, 1);
  EXPECT_EQ(monitor_.breaks, 0);
}

TEST_F(MuxTest, TheRestIsAskedOfTheEmulator) {
  const auto one = mux_.attach(device_.front).value();
  mux_.feed("\x01h\x01" "x\x01s");
  EXPECT_EQ(commands_, "12");  // quit, save
  EXPECT_NE(mux_.take().find("Ctrl-a x"), std::string::npos);
  EXPECT_EQ(device_.got, "");
}

TEST_F(MuxTest, WithoutAnybodyInputWaits) {
  mux_.feed("early");
  const auto one = mux_.attach(device_.front).value();
  mux_.pump();
  EXPECT_EQ(device_.got, "early");
}

TEST_F(MuxTest, TimeStampsBeginEachLine) {
  std::array<int, 2> in{};
  std::array<int, 2> out{};
  ASSERT_EQ(::pipe2(in.data(), O_CLOEXEC), 0);
  ASSERT_EQ(::pipe2(out.data(), O_CLOEXEC), 0);
  const Descriptor reads{out[0]};
  const Descriptor writes{in[1]};
  const auto console = Stream::make(
      loop_, {.id = "mon0", .sharing = Chardev::Sharing::kMux},
      {.owned_input = Descriptor{in[0]}, .owned_output = Descriptor{out[1]}});
  ASSERT_TRUE(console);
  ASSERT_EQ(::write(in[1], "\x01t", 2), 2);
  settle();
  (*console)->write(bytes_of("one\ntw"));
  (*console)->write(bytes_of("o\n"));
  settle();
  ASSERT_EQ(::write(in[1], "\x01t", 2), 2);
  settle();
  (*console)->write(bytes_of("three\n"));
  settle();
  std::array<char, 256> text{};
  const auto count = ::read(out[0], text.data(), text.size());
  ASSERT_GT(count, 0);
  std::string got{text.data(), static_cast<std::size_t>(count)};
  for (std::size_t at = 0; (at = got.find("[00:00:", at)) != got.npos; ++at)
    got.replace(at, 15, "[T] ");
  EXPECT_EQ(got, "[T] one\n[T] two\nthree\n");
}

}  // namespace
}  // namespace holdfast::chardev
