// SPDX-License-Identifier: Apache-2.0
#include "holdfast/hw/wire.hpp"

#include <gtest/gtest.h>

#include <latch>
#include <semaphore>
#include <thread>

#include "holdfast/hw/holdback.hpp"
#include "tests/support/schedule.hpp"

namespace holdfast::hw {
namespace {

constexpr gate::Use kUse{"test"};

/// A gate with one output and one input that notes what it gets.
struct Box {
  Box(gate::Realm& realm, const std::string& name,
      gate::Locking locking = gate::Locking::kExclusive)
      : gate{gate::Gate::make(realm, name, locking)},
        out{OutPin::make(gate, name + ":out")},
        in{InPin::make(gate, name + ":in", [this](bool level) {
          EXPECT_TRUE(gate->entered_by_me());
          seen += level ? '1' : '0';
          if (on_level) on_level(level);
        })} {
    gate->open();
  }
  ~Box() {
    sever();
    in->drop();
  }
  void sever() {
    out->sever();
    in->sever();
    if (!gate->is_closed()) gate->close();
  }
  void set(bool level) {
    gate::Pass pass{*gate, kUse};
    ASSERT_TRUE(pass);
    out->set(level);
  }
  void pulse() {
    gate::Pass pass{*gate, kUse};
    ASSERT_TRUE(pass);
    out->set(true);
    out->set(false);
  }

  std::string seen;
  std::function<void(bool)> on_level;
  Ref<gate::Gate> gate;
  Ref<OutPin> out;
  Ref<InPin> in;
};

class WireTest : public ::testing::Test {
 protected:
  ~WireTest() override {
    if (!owner_) return;
    while (loop_.run_ready() != 0) {
    }
  }
  void wire(Box& from, Box& to) { ASSERT_TRUE(connect(*from.out, *to.in, loop_)); }
  std::int64_t wires() { return realm_.census().take()[Census::Kind::kWire]; }

  gate::Realm realm_{"test"};
  std::unique_ptr<EventLoop> owner_ = EventLoop::make().value();
  EventLoop& loop_ = *owner_;
};

TEST_F(WireTest, AChangeArrivesWhenTheSenderHasLeft) {
  Box a{realm_, "a"};
  Box b{realm_, "b"};
  wire(a, b);
  {
    gate::Pass pass{*a.gate, kUse};
    a.out->set(true);
    EXPECT_EQ(b.seen, "");
  }
  EXPECT_EQ(b.seen, "1");
  EXPECT_TRUE(b.in->level());
}

TEST_F(WireTest, TheSameLevelIsNoChangeAndEveryChangeArrivesInOrder) {
  Box a{realm_, "a"};
  Box b{realm_, "b"};
  wire(a, b);
  a.set(false);
  a.pulse();
  a.set(true);
  a.set(true);
  EXPECT_EQ(b.seen, "101");
}

TEST_F(WireTest, AnUnconnectedOutputKeepsItsLevelAndTheWireBringsIt) {
  Box a{realm_, "a"};
  Box b{realm_, "b"};
  a.set(true);
  wire(a, b);
  EXPECT_EQ(b.seen, "1");
}

TEST_F(WireTest, EachPinTakesOneWire) {
  Box a{realm_, "a"};
  Box b{realm_, "b"};
  Box c{realm_, "c"};
  wire(a, b);
  const auto second = connect(*a.out, *c.in, loop_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message, "wire from a:out to c:in: a:out has a wire already");
  EXPECT_FALSE(connect(*c.out, *b.in, loop_));
  EXPECT_FALSE(c.in->is_connected());
  EXPECT_FALSE(c.out->is_connected());
}

TEST_F(WireTest, CuttingAtTheSenderBringsTheReceiverToRest) {
  Box b{realm_, "b"};
  {
    Box a{realm_, "a"};
    wire(a, b);
    a.set(true);
  }
  EXPECT_EQ(b.seen, "10");
  EXPECT_FALSE(b.in->is_connected());
  EXPECT_EQ(wires(), 0);
}

TEST_F(WireTest, CuttingAtTheReceiverLeavesTheSenderToItsOwn) {
  Box a{realm_, "a"};
  {
    Box b{realm_, "b"};
    wire(a, b);
  }
  a.set(true);
  EXPECT_FALSE(a.out->is_connected());
  EXPECT_EQ(wires(), 0);
  Box c{realm_, "c"};
  wire(a, c);
  EXPECT_EQ(c.seen, "1");
}

TEST_F(WireTest, ALevelChangeUndeliveredWhenTheWireIsCutIsFollowedByRest) {
  Box a{realm_, "a"};
  Box b{realm_, "b"};
  wire(a, b);
  {
    testing::Schedule schedule;
    schedule.run_at("hw.wire.delivering", "main", [&] { a.out->sever(); });
    a.set(true);
  }
  EXPECT_EQ(b.seen, "10");
  EXPECT_EQ(wires(), 0);
}

TEST_F(WireTest, ACutWireRefusesChanges) {
  Box a{realm_, "a"};
  Box b{realm_, "b"};
  wire(a, b);
  {
    testing::Schedule schedule;
    schedule.run_at("hw.wire.before_cut", "main", [&] { a.set(true); });
    b.in->sever();
  }
  a.set(false);
  EXPECT_EQ(b.seen, "");
}

TEST_F(WireTest, AReceiverThatIsSeveredAsALevelArrivesDropsIt) {
  Box a{realm_, "a"};
  Box b{realm_, "b"};
  wire(a, b);
  {
    testing::Schedule schedule;
    schedule.run_at("hw.wire.delivering", "main", [&] { b.sever(); });
    a.set(true);
  }
  EXPECT_EQ(b.seen, "");
  EXPECT_TRUE(b.gate->is_drained());
  EXPECT_EQ(wires(), 0);
}

TEST_F(WireTest, AnEventWaitsAtItsSourceUntilTheReceiversGateOpens) {
  Box a{realm_, "a"};
  auto gate = gate::Gate::make(realm_, "late");
  std::string seen;
  const auto in = InPin::make(gate, "late:in", [&](bool level) { seen += level ? '1' : '0'; });
  ASSERT_TRUE(connect(*a.out, *in, loop_));
  a.pulse();
  EXPECT_EQ(seen, "");
  gate->open();
  in->opened();
  EXPECT_EQ(seen, "10");
  in->drop();
  gate->close();
}

TEST_F(WireTest, AChangeBehindAnothersIsWaitedFor) {
  Box a{realm_, "a"};
  Box b{realm_, "b"};
  wire(a, b);
  std::counting_semaphore<2> go{0};
  std::binary_semaphore delivering{0};
  b.on_level = [&](bool level) {
    if (!level) return;
    delivering.release();
    go.acquire();
  };
  std::thread setter{[&] { a.set(true); }};
  delivering.acquire();
  {
    testing::Schedule schedule;
    schedule.run_at("hw.wire.waiting", "main", [&] { go.release(); });
    a.set(false);  // returns only when the 0 has arrived, though the setter delivers it
  }
  EXPECT_EQ(b.seen, "10");
  go.release();  // so that a wait that did not happen fails the test and does not hang it
  setter.join();
}

TEST_F(WireTest, TwoThreadsSetAndClearAndTheLastLevelIsRight) {
  Box a{realm_, "a", gate::Locking::kExclusive};
  Box b{realm_, "b"};
  wire(a, b);
  const auto toggle = [&] {
    for (int i = 0; i < 2000; ++i) a.set(i % 2 == 0);
  };
  std::thread one{toggle};
  std::thread two{toggle};
  one.join();
  two.join();
  EXPECT_EQ(b.in->level(), a.out->level());
  for (std::size_t i = 0; i < b.seen.size(); ++i) ASSERT_EQ(b.seen[i], i % 2 == 0 ? '1' : '0');
}

TEST_F(WireTest, ARingOfTwoThatSettlesIsDelivered) {
  Box a{realm_, "a"};
  Box b{realm_, "b"};
  wire(a, b);
  wire(b, a);
  b.on_level = [&](bool level) { b.out->set(level); };
  a.set(true);
  EXPECT_EQ(a.seen, "1");
  a.set(false);
  EXPECT_EQ(a.seen, "10");
}

TEST_F(WireTest, AWireThatLoopsBackGoesOnFromTheLoopAndCanBeCut) {
  Box a{realm_, "a"};
  wire(a, a);
  a.on_level = [&](bool level) { a.out->set(!level); };
  ::testing::internal::CaptureStderr();
  a.set(true);
  EXPECT_NE(::testing::internal::GetCapturedStderr().find("a:in"), std::string::npos);
  EXPECT_EQ(a.seen.size(), static_cast<std::size_t>(Wire::kMostInAFlush));
  EXPECT_EQ(loop_.run_ready(), 1U);
  EXPECT_EQ(a.seen.size(), static_cast<std::size_t>(2 * Wire::kMostInAFlush));
  a.on_level = {};
  while (loop_.run_ready() != 0) {
  }
  a.out->sever();
  EXPECT_EQ(a.seen.back(), '0');
  EXPECT_EQ(wires(), 0);
}

TEST_F(WireTest, ARingOfTwoThatNeverSettlesLetsTheAccessReturn) {
  Box a{realm_, "a"};
  Box b{realm_, "b"};
  wire(a, b);
  wire(b, a);
  b.on_level = [&](bool level) { b.out->set(level); };
  a.on_level = [&](bool level) { a.out->set(!level); };
  a.set(true);
  EXPECT_GE(b.seen.size(), static_cast<std::size_t>(Wire::kMostInAFlush));
  EXPECT_GE(loop_.run_ready(), 1U);
}

struct CountingSink final : PinSink {
  void pin_changed(unsigned line, bool level) noexcept override {
    bits = level ? bits | (1U << line) : bits & ~(1U << line);
  }
  std::atomic<unsigned> bits{0};
};

TEST_F(WireTest, ASinkGetsItsLevelsWithoutAGate) {
  Box a{realm_, "a"};
  CountingSink hart;
  auto gate = gate::Gate::make(realm_, "hart0", gate::Locking::kCounted);
  gate->open();
  const auto in = InPin::make(gate, "hart0:mip.9", hart, 9);
  ASSERT_TRUE(connect(*a.out, *in, loop_));
  a.set(true);
  EXPECT_EQ(hart.bits, 1U << 9);
  a.set(false);
  EXPECT_EQ(hart.bits, 0U);
  in->drop();
  a.set(true);
  EXPECT_EQ(hart.bits, 0U);
  gate->close();
}

TEST_F(WireTest, TapsSeeChangesAndAreGoneWithoutALeak) {
  Box a{realm_, "a"};
  Box b{realm_, "b"};
  wire(a, b);
  std::string notes;
  {
    PinTap out{a.out, [&](bool level) { notes += level ? 'H' : 'L'; }};
    PinTap in{b.in, [&](bool level) { notes += level ? 'h' : 'l'; }};
    a.set(true);
    a.set(false);
  }
  a.set(true);
  EXPECT_EQ(notes, "HhLl");
  EXPECT_EQ(b.seen, "101");
}

TEST_F(WireTest, ATapMayOutliveTheDevice) {
  std::string notes;
  auto a = std::make_unique<Box>(realm_, "a");
  PinTap tap{a->out, [&](bool) { notes += 'x'; }};
  a.reset();
  EXPECT_EQ(notes, "");
}

TEST_F(WireTest, AClientDrivesAnInput) {
  Box b{realm_, "b"};
  Holdback holdback;
  b.in->drive(true, holdback);
  EXPECT_EQ(b.seen, "1");
}

TEST_F(WireTest, NothingIsRaisedOnceTheGateIsClosed) {
  Box a{realm_, "a"};
  Box b{realm_, "b"};
  wire(a, b);
  {
    gate::Pass pass{*a.gate, kUse};
    a.gate->close();
    a.out->set(true);
  }
  EXPECT_EQ(b.seen, "");
}

TEST_F(WireTest, SeversFromBothEndsAtOnceUnderLoad) {
  for (int round = 0; round < 50; ++round) {
    auto a = std::make_unique<Box>(realm_, "a");
    auto b = std::make_unique<Box>(realm_, "b");
    wire(*a, *b);
    std::latch start{3};
    std::thread setter{[&] {
      start.arrive_and_wait();
      for (int i = 0; i < 50; ++i) {
        gate::Pass pass{*a->gate, kUse};
        if (pass) a->out->set(i % 2 == 0);
      }
    }};
    std::thread cutter{[&] {
      start.arrive_and_wait();
      b->sever();
    }};
    start.arrive_and_wait();
    a->sever();
    setter.join();
    cutter.join();
    EXPECT_FALSE(b->in->is_connected());
    EXPECT_EQ(wires(), 0);
  }
}

}  // namespace
}  // namespace holdfast::hw
