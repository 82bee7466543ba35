// SPDX-License-Identifier: Apache-2.0
#include "holdfast/hw/clock_tree.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <semaphore>
#include <string>
#include <thread>

#include "holdfast/hw/mmio.hpp"
#include "holdfast/hw/wiring.hpp"
#include "tests/support/device_bench.hpp"
#include "tests/support/schedule.hpp"

namespace holdfast::hw {
namespace {

using testing::DeviceBench;

constexpr std::uint64_t kMega = 1'000'000;

/// Two oscillators, a switch behind them, a divider behind that.
class Generator final : public Device {
 public:
  static const object::Type kType;
  explicit Generator(const DeviceInit& init) : Device{init} {}

  std::function<void()> on_write;
  void write(std::uint32_t) { on_write(); }

  Mmio regs{*this, "regs",
            register_map<Generator>(4, {{.at = 0, .name = "go", .write = &Generator::write}})};
  ClockSource slow{*this, "slow", period_of_hz(4 * kMega)};
  ClockSource fast{*this, "fast", period_of_hz(16 * kMega)};
  ClockMux system{*this, "system", {&slow, &fast, nullptr}};
  ClockMux bus{*this, "bus", {&system}};
};
constinit const object::Type Generator::kType{
    .name = "generator", .parent = &Device::kType, .docs = "test"};

/// Notes what it is told.
class Follower final : public Device {
 public:
  static const object::Type kType;
  explicit Follower(const DeviceInit& init) : Device{init} {}

  std::string seen;  // Hz
  std::function<void()> on_change;
  void changed() {
    EXPECT_TRUE(gate().entered_by_me());
    seen += std::to_string(clk.hz()) + ' ';
    if (on_change) on_change();
  }
  std::uint32_t read() { return 0; }

  Mmio regs{*this, "regs",
            register_map<Follower>(4, {{.at = 0, .name = "r", .read = &Follower::read}})};
  ClockIn clk{*this, "clk", &Follower::changed};
  ClockMux half{*this, "half", {&clk}};
};
constinit const object::Type Follower::kType{
    .name = "follower", .parent = &Device::kType, .docs = "test"};

TEST(ClockPeriods, AreUnitsOf2ToTheMinus32Nanoseconds) {
  EXPECT_EQ(period_of_hz(1'000'000'000), std::uint64_t{1} << 32);
  EXPECT_EQ(period_of_hz(4 * kMega), std::uint64_t{250} << 32);
  EXPECT_EQ(hz_of_period(period_of_hz(32'768)), 32'768U);
  EXPECT_EQ(period_of_hz(0), 0U);
  EXPECT_EQ(hz_of_period(0), 0U);
}

TEST(ClockPeriods, AreScaledWithoutOverflow) {
  EXPECT_EQ(scaled(period_of_hz(4 * kMega), 40, 2), period_of_hz(80 * kMega));
  EXPECT_EQ(scaled(kClockSecond, 512, 512), kClockSecond);
  EXPECT_EQ(scaled(kClockSecond, 1, 1000), 0U) << "longer than can be said";
  EXPECT_EQ(scaled(kClockSecond, 0, 1), 0U);
  EXPECT_EQ(scaled(kClockSecond, 1, 0), 0U);
}

class ClockTree : public ::testing::Test {
 protected:
  void go(std::function<void()> what) {
    from_.on_write = std::move(what);
    bench_.write32(0x1000, 0);
  }
  std::int64_t lines() {
    return bench_.services().realm().census().take()[Census::Kind::kWire];
  }
  object::PropertyValue shown(std::string_view path) {
    const auto entry = bench_.services().tree().resolve(path);
    EXPECT_TRUE(entry) << path;
    return entry->object.get()->get_property("qtest-clock-period").value();
  }
  void follow() { ASSERT_TRUE(connect(from_.bus, to_.clk)); }

  DeviceBench bench_;
  Generator& from_ = bench_.add<Generator>("from", 0x1000);
  Follower& to_ = bench_.add<Follower>("to", 0x2000);
};

TEST_F(ClockTree, AMuxIsTheFirstOfItsInputsUntilItIsToldOtherwise) {
  EXPECT_EQ(from_.system.hz(), 4 * kMega);
  go([&] { from_.system.select(1); });
  EXPECT_EQ(from_.system.hz(), 16 * kMega);
  EXPECT_EQ(from_.bus.hz(), 16 * kMega);
  go([&] { from_.bus.scale(5, 2); });
  EXPECT_EQ(from_.bus.hz(), 40 * kMega);
  go([&] { from_.fast.set_hz(8 * kMega); });
  EXPECT_EQ(from_.bus.hz(), 20 * kMega);
  go([&] { from_.bus.enable(false); });
  EXPECT_EQ(from_.bus.period(), 0U);
  EXPECT_EQ(from_.system.hz(), 8 * kMega);
}

TEST_F(ClockTree, AnInputThatIsNotThereStandsStill) {
  for (const unsigned input : {2U, 3U, 1000U}) {
    go([&] { from_.system.select(input); });
    EXPECT_EQ(from_.bus.period(), 0U) << input;
  }
  go([&] { from_.system.select(0); });
  EXPECT_EQ(from_.bus.hz(), 4 * kMega);
}

TEST_F(ClockTree, WhoFollowsHasThePeriodWhenItIsConnected) {
  EXPECT_EQ(to_.clk.period(), 0U);
  follow();
  EXPECT_EQ(to_.seen, "4000000 ");
  EXPECT_EQ(to_.half.hz(), 4 * kMega);
}

TEST_F(ClockTree, AChangeHasArrivedWhenTheAccessReturnsAndOnlyTheLastOfIt) {
  follow();
  go([&] {
    from_.system.select(1);
    from_.bus.scale(1, 2);
    EXPECT_EQ(to_.seen, "4000000 ");
  });
  EXPECT_EQ(to_.seen, "4000000 8000000 ");
  go([&] {
    from_.bus.enable(false);
    from_.bus.enable(true);
  });
  EXPECT_EQ(to_.seen, "4000000 8000000 ") << "there and back is no change";
}

TEST_F(ClockTree, OneClockIsFollowedByMany) {
  Follower& other = bench_.add<Follower>("other", 0x3000);
  follow();
  ASSERT_TRUE(connect(from_.bus, other.clk));
  go([&] { from_.system.select(1); });
  EXPECT_EQ(to_.clk.hz(), 16 * kMega);
  EXPECT_EQ(other.clk.hz(), 16 * kMega);
}

TEST_F(ClockTree, AChainOfDevicesChangesAsOne) {
  Follower& other = bench_.add<Follower>("other", 0x3000);
  follow();
  ASSERT_TRUE(connect(to_.half, other.clk));
  go([&] { from_.system.select(1); });
  EXPECT_EQ(other.seen, "4000000 16000000 ");
}

TEST_F(ClockTree, AClockFollowsOneOtherAndNeverItself) {
  follow();
  const auto second = connect(from_.system, to_.clk);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message, "/machine/to:clk: follows /machine/from:bus already");
  Follower& other = bench_.add<Follower>("other", 0x3000);
  ASSERT_TRUE(connect(to_.half, other.clk));
  const auto alone = connect(other.half, other.clk);
  ASSERT_FALSE(alone);
  EXPECT_NE(alone.error().message.find("/machine/other would drive itself"), std::string::npos);
  Follower& ring = bench_.add<Follower>("ring", 0x4000);
  ASSERT_TRUE(connect(other.half, ring.clk));
  EXPECT_EQ(lines(), 3);
}

TEST_F(ClockTree, ARingIsRefused) {
  Follower& other = bench_.add<Follower>("other", 0x3000);
  ASSERT_TRUE(connect(to_.half, other.clk));
  const auto ring = connect(other.half, to_.clk);
  ASSERT_FALSE(ring);
  EXPECT_NE(ring.error().message.find("/machine/to would drive itself"), std::string::npos);
  EXPECT_EQ(lines(), 1);
}

TEST_F(ClockTree, WhoLosesItsSourceStandsStill) {
  follow();
  bench_.remove(from_);
  EXPECT_EQ(to_.seen, "4000000 0 ");
  EXPECT_FALSE(to_.clk.is_connected());
  EXPECT_EQ(to_.clk.source(), nullptr);
  EXPECT_EQ(lines(), 0);
  Generator& next = bench_.add<Generator>("next", 0x5000);
  ASSERT_TRUE(connect(next.slow, to_.clk));
  EXPECT_EQ(to_.clk.hz(), 4 * kMega);
}

TEST_F(ClockTree, ASourceForgetsWhoGoes) {
  for (int i = 0; i < 3; ++i) {
    Follower& other = bench_.add<Follower>("other", 0x3000);
    ASSERT_TRUE(connect(from_.bus, other.clk));
    EXPECT_EQ(lines(), 1);
    bench_.remove(other);
    EXPECT_EQ(lines(), 0);
  }
  go([&] { from_.system.select(1); });
  EXPECT_EQ(to_.seen, "");
}

TEST_F(ClockTree, WhoGoesAsAChangeArrivesIsNotTold) {
  const auto gate = gate::Gate::make(bench_.services().realm(), "gate");
  gate->open();
  std::string seen;
  const auto feed = ClockFeed::make("feed");
  const auto sink = ClockSink::make(
      gate, "sink", [&](ClockPeriod period) { seen += std::to_string(period) + ' '; });
  ASSERT_TRUE(sink->follow(feed));
  feed->set(1);
  {
    testing::Schedule schedule;
    schedule.run_at("hw.clock_line.delivering", "main", [&] { sink->sever(); });
    feed->set(2);
  }
  EXPECT_EQ(seen, "1 ");
  EXPECT_EQ(lines(), 0);
  gate->close();
}

TEST_F(ClockTree, AChangeWaitsUntilTheReceiversGateOpens) {
  const auto gate = gate::Gate::make(bench_.services().realm(), "gate");
  std::string seen;
  const auto sink = ClockSink::make(
      gate, "sink", [&](ClockPeriod period) { seen += std::to_string(period) + ' '; });
  ASSERT_TRUE(sink->follow(from_.slow.feed()));
  EXPECT_EQ(seen, "");
  gate->open();
  sink->opened();
  EXPECT_EQ(seen, std::to_string(from_.slow.period()) + ' ');
  sink->drop();
  gate->close();
}

TEST_F(ClockTree, AChangeBehindAnothersIsWaitedFor) {
  follow();
  std::counting_semaphore<2> on{0};
  std::binary_semaphore delivering{0};
  to_.on_change = [&] {
    if (to_.clk.hz() != 16 * kMega) return;
    delivering.release();
    on.acquire();
  };
  from_.on_write = [&] { from_.system.select(1 - from_.system.selected()); };
  const auto write_from_a_thread = [&] {
    memory::Port port{bench_.space().control()};
    port.store(0x1000, 4, 0, {});
  };
  std::thread first{write_from_a_thread};
  delivering.acquire();
  {
    testing::Schedule schedule;
    schedule.run_at("hw.clock_line.waiting", "main", [&] { on.release(); });
    write_from_a_thread();
  }
  EXPECT_EQ(to_.seen, "4000000 16000000 4000000 ");
  on.release();  // so that a wait that did not happen fails the test and does not hang it
  first.join();
}

TEST_F(ClockTree, ClocksAreObjectsBelowTheirDevice) {
  follow();
  const auto period = object::PropertyValue{period_of_hz(4 * kMega)};
  EXPECT_EQ(shown("/machine/from/system"), period);
  EXPECT_EQ(shown("/machine/to/clk"), period);
  const auto entry = bench_.services().tree().resolve("/machine/to/clk");
  EXPECT_EQ(entry->type, "clock");
  const auto set = entry->object.get()->set_property("qtest-clock-period", std::uint64_t{1});
  EXPECT_FALSE(set);
}

TEST(ClockOfADevice, IsReadInEveryPhaseOfItsLife) {
  const auto services = Services::make({.name = "phases"}).value();
  const auto empty = services->realm().census().take();
  {
    object::Node machine{services->tree(), "machine"};
    ASSERT_TRUE(machine.attach(services->tree().root(), "machine"));
    auto device = make_device<Generator>(services->context(), "it");
    const object::Object& clock = device->fast.object();
    const auto period = [&] { return clock.get_property("qtest-clock-period"); };
    EXPECT_EQ(period().value(), object::PropertyValue{period_of_hz(16 * kMega)}) << "built";
    ASSERT_TRUE(device->prepare());
    EXPECT_TRUE(period()) << "prepared";
    memory::Transaction map;
    device->publish(map);
    ASSERT_TRUE(services->fabric().commit(std::move(map)));
    device->published(machine);
    EXPECT_TRUE(period()) << "live";
    const auto gate = Ref<gate::Gate>::share(&device->gate());
    std::binary_semaphore inside{0};
    std::binary_semaphore leave{0};
    std::thread insider{[&] {
      static constexpr gate::Use kUse{"test"};
      const gate::Pass pass{*gate, kUse};
      inside.release();
      leave.acquire();
    }};
    inside.acquire();
    device.reset();  // severed, and there as long as somebody is inside
    EXPECT_EQ(period().error().message, "/machine/it:fast: is being removed");
    leave.release();
    insider.join();
    services->settle();
  }
  EXPECT_EQ(services->census(), empty);
}

/// A generator and a follower in one.
class Pair final : public Device {
 public:
  static const object::Type kType;
  explicit Pair(const DeviceInit& init) : Device{init} { wiring_.clock(from_->bus, to_->clk); }
  Follower& to() { return to_.get(); }

 private:
  Child<Generator> from_{*this, "from"};
  Child<Follower> to_{*this, "to"};
  Wiring wiring_{*this};
};
constinit const object::Type Pair::kType{.name = "pair", .parent = &Device::kType, .docs = "test"};

TEST(ClockOfADevice, FollowsItsSiblingFromPublishOn) {
  const auto services = Services::make({.name = "pair"}).value();
  const auto empty = services->realm().census().take();
  {
    object::Node machine{services->tree(), "machine"};
    ASSERT_TRUE(machine.attach(services->tree().root(), "machine"));
    { const auto looked_at = make_device<Pair>(services->context(), "it"); }
    auto device = make_device<Pair>(services->context(), "it");
    EXPECT_FALSE(device->to().clk.is_connected());
    ASSERT_TRUE(device->realize(machine));
    EXPECT_EQ(device->to().seen, "4000000 ");
    device.reset();
    services->settle();
  }
  EXPECT_EQ(services->census(), empty);
}

}  // namespace
}  // namespace holdfast::hw
