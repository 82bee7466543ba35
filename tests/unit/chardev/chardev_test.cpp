// SPDX-License-Identifier: Apache-2.0
#include "holdfast/chardev/chardev.hpp"

#include <gtest/gtest.h>

#include "holdfast/chardev/escape.hpp"
#include "holdfast/chardev/ring_buffer.hpp"
#include "tests/unit/chardev/fake_device.hpp"

namespace holdfast::chardev {
namespace {

class ChardevTest : public ::testing::Test {
 protected:
  gate::Realm realm_{"test"};
  RingBuffer ring_{"serial0", 8};
  FakeDevice device_{realm_};
};

TEST_F(ChardevTest, OneFrontEndAtATime) {
  FakeDevice other{realm_};
  {
    const auto claim = ring_.attach(device_.front).value();
    EXPECT_TRUE(ring_.is_attached());
    const auto second = ring_.attach(other.front);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().message, "chardev 'serial0' is in use by uart0:chardev");
  }
  EXPECT_FALSE(ring_.is_attached());
  EXPECT_TRUE(ring_.attach(other.front));
}

TEST_F(ChardevTest, WhoOnlyWritesIsInNobodysWay) {
  RingBuffer ring{"serial0", 8, RingBuffer::Full::kRefuse};
  FakeDevice writer{realm_, true, FakeDevice::Kind::kOnlyWrites};
  {
    const auto early = ring.attach(writer.front).value();
    ring.feed("ab");
    const auto claim = ring.attach(device_.front).value();
    ring.feed("c");
    EXPECT_EQ(device_.got, "abc");
    ring.write(bytes_of("123456789"));
    EXPECT_EQ(ring.take(), "12345678");
    EXPECT_EQ(writer.rooms, 1);
    EXPECT_EQ(device_.rooms, 1);
  }
  const auto claim = ring.attach(device_.front).value();
  const auto late = ring.attach(writer.front).value();
  ring.feed("d");
  EXPECT_EQ(device_.got, "abcd");
  EXPECT_TRUE(ring.is_attached());
}

TEST_F(ChardevTest, InputThatIsNotTakenWaits) {
  const auto claim = ring_.attach(device_.front).value();
  device_.appetite = 2;
  ring_.feed("abcd");
  EXPECT_EQ(device_.got, "ab");
  EXPECT_EQ(ring_.input_left(), 2U);
  EXPECT_TRUE(device_.front->take_waiting());
  EXPECT_FALSE(device_.front->take_waiting());
  device_.appetite = 9;
  ring_.pump();
  EXPECT_EQ(device_.got, "abcd");
  EXPECT_FALSE(device_.front->take_waiting());
}

TEST_F(ChardevTest, InputWaitsForADeviceThatIsNotOpenYet) {
  FakeDevice fresh{realm_, false};
  const auto claim = ring_.attach(fresh.front).value();
  ring_.feed("x");
  EXPECT_EQ(fresh.got, "");
  EXPECT_TRUE(fresh.front->take_waiting());
  fresh.gate->open();
  ring_.pump();
  EXPECT_EQ(fresh.got, "x");
}

TEST_F(ChardevTest, NothingReachesADeviceWhoseGateIsClosedOrThatWasDropped) {
  const auto claim = ring_.attach(device_.front).value();
  device_.front->drop();
  ring_.feed("x");
  ring_.line_break();
  EXPECT_EQ(device_.got, "");
  EXPECT_EQ(device_.breaks, 0);
}

TEST_F(ChardevTest, BreaksArrive) {
  const auto claim = ring_.attach(device_.front).value();
  ring_.line_break();
  EXPECT_EQ(device_.breaks, 1);
}

TEST_F(ChardevTest, ARingForgetsTheOldest) {
  EXPECT_EQ(ring_.write(bytes_of("0123456789")), 10U);
  EXPECT_EQ(ring_.peek(), "23456789");
  EXPECT_EQ(ring_.take(), "23456789");
  EXPECT_EQ(ring_.take(), "");
}

TEST_F(ChardevTest, AFullRingThatRefusesTellsWhenThereIsRoom) {
  RingBuffer ring{"serial0", 4, RingBuffer::Full::kRefuse};
  const auto claim = ring.attach(device_.front).value();
  EXPECT_EQ(ring.write(bytes_of("0123456789")), 4U);
  EXPECT_EQ(ring.write(bytes_of("x")), 0U);
  EXPECT_EQ(device_.rooms, 0);
  EXPECT_EQ(ring.take(), "0123");
  EXPECT_EQ(device_.rooms, 1);
  ring.write(bytes_of("y"));
  ring.take();
  EXPECT_EQ(device_.rooms, 1);
}

TEST_F(ChardevTest, NullSwallows) {
  NullChardev null{"none"};
  EXPECT_EQ(null.write(bytes_of("abc")), 3U);
  null.accept_input();
  null.drain();
}

void destroy_while_in_use() {
  gate::Realm realm{"test"};
  FakeDevice device{realm};
  auto ring = std::make_unique<RingBuffer>("serial0");
  const auto claim = ring->attach(device.front).value();
  ring.reset();
}

TEST(ChardevDeathTest, ABackEndInUseIsNotDestroyed) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(destroy_while_in_use(), "'serial0': destroyed while in use");
}

TEST(EscapeParser, TheEscapeKeySpeaksToTheEmulator) {
  EscapeParser parser;
  std::string bytes;
  std::string commands;
  for (const char c : std::string_view{"a\x01xb\x01\x01\x01hc\x01zd\x01"
                                       "b\x01"
                                       "c"}) {
    const auto parsed = parser.parse(static_cast<std::uint8_t>(c));
    if (parsed.byte) bytes += static_cast<char>(*parsed.byte);
    if (parsed.command) commands += std::to_string(static_cast<int>(*parsed.command));
  }
  EXPECT_EQ(bytes, "ab\x01" "cd");
  EXPECT_EQ(commands, "1034");
}

}  // namespace
}  // namespace holdfast::chardev
