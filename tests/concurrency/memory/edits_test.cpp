// SPDX-License-Identifier: Apache-2.0
// Edits of the map from callbacks and listeners, against edits, drops and ends elsewhere.
#include <vector>

#include "holdfast/memory/listener.hpp"
#include "tests/support/memory_world.hpp"

namespace holdfast::testing {
namespace {

using memory::LayoutListener;
using memory::Port;
using memory::Section;
using memory::Subscription;
using memory::Transaction;

constexpr std::uint64_t kA = 0x1000;
constexpr std::uint64_t kB = 0x2000;
constexpr std::uint64_t kC = 0x3000;

/// Follows what shows where; does what the test says when told.
class Follower final : public LayoutListener {
 public:
  void region_del(const Section& section) override {
    --shown;
    if (on_del) on_del(section);
  }
  void region_add(const Section& section) override {
    ++shown;
    if (on_add) on_add(section);
  }
  std::atomic<int> shown{0};
  std::function<void(const Section&)> on_del;
  std::function<void(const Section&)> on_add;
};

class Edits : public World {
 protected:
  Edits() { put(kA, device_); }
  auto cpu_write(std::uint64_t address) {
    return [this, address] {
      Port port{space_};
      write(port, address, 1);
    };
  }
  Device device_{fabric_, "device", 0xa};
  Schedule schedule_;
};

TEST_F(Edits, ACallbackEditsTheMapWhileAnotherThreadEditsAndSettles) {
  Ram ram{fabric_, "ram", 0x1000};
  put(0x8000, ram.region);
  Device other{fabric_, "other", 0xb};
  Stop& inside = schedule_.stop_at("test.in_write", "cpu");
  Stop& locked = schedule_.stop_at("memory.writer.locked", "control");
  Stop& before_entry = schedule_.stop_at("gate.outbox.before_entry", "cpu");
  device_.on_write = [&] { fabric_.post(std::move(Transaction{}.add(root_, kB, other.region))); };
  Thread cpu{"cpu", [&] {
               Port port{space_};
               const auto section = port.section();  // a slice
               write(port, kA, 1);
               EXPECT_EQ(read(port, kB), Answer{0xb});  // its own next instruction
             }};
  inside.wait_reached();
  Thread control{"control", [&] {
                   commit(std::move(Transaction{}.move(ram.region, 0x9000)));
                   fabric_.settle();  // the CPU is inside a device or waits for the map: not a reader
                 }};
  locked.wait_reached();
  inside.release();
  before_entry.wait_reached();
  locked.release();
  control.join();  // settles though the CPU has not finished its access
  before_entry.release();
  cpu.join();
  EXPECT_EQ(read(port_, kB), Answer{0xb});
  EXPECT_EQ(read(port_, 0x9000), Answer{0});
}

TEST_F(Edits, AQueuedEditOfARegionThatIsSeveredMeanwhileIsDropped) {
  auto bar = std::make_unique<Device>(fabric_, "bar", 0xb);
  put(kB, *bar);
  Stop& queued = schedule_.stop_at("gate.outbox.before_entry", "cpu");
  device_.on_write = [&] {
    fabric_.post(std::move(Transaction{}
                               .remove(bar->region)
                               .add(root_, kC, bar->region)
                               .set_enabled(bar->region, true)));
  };
  const auto before = settled_census(realm_);
  Thread cpu{"cpu", cpu_write(kA)};
  queued.wait_reached();
  bar.reset();
  queued.release();
  cpu.join();
  EXPECT_EQ(read(port_, kB), kNobody);
  EXPECT_EQ(read(port_, kC), kNobody);
  EXPECT_EQ(settled_census(realm_)[Census::Kind::kRegionControl],
            before[Census::Kind::kRegionControl] - 1);
}

// Its regions still exist, out of the map: the device is closed, and nothing brings them back.
TEST_F(Edits, AQueuedEditOfAClosedDeviceIsDropped) {
  Device bar{fabric_, "bar", 0xb, {.owned = false}};
  auto gate = gate::Gate::make(realm_, "owner");
  gate->open();
  auto region = memory::MemoryRegion::mmio(
      fabric_, {.name = "bar 1", .size = 0x100, .gate = gate}, {.handler = bar});
  put(kB, region);
  Stop& queued = schedule_.stop_at("gate.outbox.before_entry", "cpu");
  device_.on_write = [&] { fabric_.post(std::move(Transaction{}.add(root_, kC, region))); };
  Thread cpu{"cpu", cpu_write(kA)};
  queued.wait_reached();
  commit(std::move(Transaction{}.remove(region).close(gate)));
  queued.release();
  cpu.join();
  EXPECT_FALSE(space_.find(kC).found);
}

TEST_F(Edits, AListenerAndItsDeviceMeetInOppositeOrder) {
  Ram ram{fabric_, "ram", 0x1000};
  Follower follower;
  const Subscription subscription{space_, follower, {.gate = device_.gate}};
  // The device is inside its gate and has an edit for the map; the map's writer is inside its lock
  // and has a call for the device.
  Stop& inside = schedule_.stop_at("test.in_write", "cpu");
  Stop& telling = schedule_.stop_at("memory.listener.before_call", "control");
  device_.on_write = [&] { fabric_.post(std::move(Transaction{}.add(root_, 0x8000, ram.region))); };
  const int shown = follower.shown;
  Thread cpu{"cpu", cpu_write(kA)};
  inside.wait_reached();
  Device other{fabric_, "other", 0xb};
  Thread control{"control", [&] { put(kB, other); }};
  telling.wait_reached();
  telling.release();
  inside.release();
  cpu.join();
  control.join();
  EXPECT_EQ(follower.shown, shown + 2);
}

TEST_F(Edits, AListenerEditsTheMap) {
  Device follow_up{fabric_, "follow-up", 0xc};
  Device first{fabric_, "first", 0xb};
  Follower follower;
  const Subscription subscription{space_, follower};
  bool performed_in_the_call = true;
  follower.on_add = [&](const Section& section) {
    if (section.region != first.region.control().get()) return;
    fabric_.post(std::move(Transaction{}.add(root_, kC, follow_up.region)));
    performed_in_the_call = space_.find(kC).found;
  };
  put(kB, first);
  EXPECT_FALSE(performed_in_the_call);
  EXPECT_EQ(read(port_, kC), Answer{0xc});  // but when the commit returned
  EXPECT_EQ(follower.shown, 3);
}

TEST_F(Edits, AListenerDropsARegionItIsToldOf) {
  const auto before = settled_census(realm_);
  {
    Device device{fabric_, "dropped", 0xb};
    Follower follower;
    const Subscription subscription{space_, follower};
    follower.on_add = [&](const Section& section) {
      if (section.region == device.region.control().get()) device.region = {};
    };
    put(kB, device);
    EXPECT_EQ(read(port_, kB), kNobody);
    EXPECT_EQ(follower.shown, 1);
  }
  EXPECT_EQ(settled_census(realm_), before);
}

TEST_F(Edits, ASpaceIsDroppedDuringAListenersCall) {
  const auto before = settled_census(realm_);
  {
    auto dropped = std::make_unique<memory::AddressSpace>(fabric_, root_,
                                                          memory::AddressSpace::Init{.name = "gone"});
    Follower follower;
    auto subscription = std::make_unique<Subscription>(*dropped, follower);
    Stop& telling = schedule_.stop_at("test.telling", "control");
    follower.on_add = [&](const Section&) { HF_SCHEDULE_POINT("test.telling"); };
    Device other{fabric_, "other", 0xb};
    Thread control{"control", [&] { put(kB, other); }};
    telling.wait_reached();
    Thread dropper{"dropper", [&] { dropped.reset(); }};  // waits for the map
    telling.release();
    control.join();
    dropper.join();
    EXPECT_EQ(follower.shown, 0);  // told of all that went
  }
  EXPECT_EQ(settled_census(realm_), before);
}

TEST_F(Edits, ASpaceIsDroppedInItsOwnListenersCall) {
  const auto before = settled_census(realm_);
  {
    auto dropped = std::make_unique<memory::AddressSpace>(fabric_, root_,
                                                          memory::AddressSpace::Init{.name = "gone"});
    Follower follower;
    const Subscription subscription{*dropped, follower};
    follower.on_add = [&](const Section&) { dropped.reset(); };
    Device other{fabric_, "other", 0xb};
    put(kB, other);
    EXPECT_EQ(follower.shown, 0);
  }
  EXPECT_EQ(settled_census(realm_), before);
}

TEST_F(Edits, ASubscriptionIsDestroyedWhileACommitTellsItsListener) {
  auto follower = std::make_unique<Follower>();
  auto subscription = std::make_unique<Subscription>(space_, *follower);
  Stop& telling = schedule_.stop_at("memory.listener.before_call", "control");
  Device other{fabric_, "other", 0xb};
  Thread control{"control", [&] { put(kB, other); }};
  telling.wait_reached();
  Thread dropper{"dropper", [&] {
                   subscription.reset();
                   EXPECT_EQ(follower->shown, 0);
                   follower.reset();  // nobody calls it any more
                 }};
  telling.release();
  control.join();
  dropper.join();
}

TEST_F(Edits, ASubscriptionBegunInACallbackIsDestroyedBeforeItsBeginning) {
  const auto before = settled_census(realm_);
  {
    auto follower = std::make_unique<Follower>();
    std::unique_ptr<Subscription> subscription;
    std::atomic<int> told{0};
    follower->on_add = [&](const Section&) { ++told; };
    device_.on_write = [&] { subscription = std::make_unique<Subscription>(space_, *follower); };
    Stop& queued = schedule_.stop_at("gate.outbox.before_entry", "cpu");
    Thread cpu{"cpu", cpu_write(kA)};
    queued.wait_reached();
    subscription.reset();
    follower.reset();
    queued.release();
    cpu.join();
    EXPECT_EQ(told, 0);
    EXPECT_EQ(settled_census(realm_), before);  // though the space goes on
  }
}

TEST_F(Edits, ASubscriptionEndsInsideItsGateWhileACommitIsAboutToCall) {
  auto follower = std::make_unique<Follower>();
  auto subscription =
      std::make_unique<Subscription>(space_, *follower, Subscription::Init{.gate = device_.gate});
  device_.on_write = [&] {
    subscription.reset();
    follower.reset();
  };
  Stop& inside = schedule_.stop_at("test.in_write", "cpu");
  Stop& waiting = schedule_.stop_at("gate.waiting", "control");
  Device other{fabric_, "other", 0xb};
  Thread cpu{"cpu", cpu_write(kA)};
  inside.wait_reached();
  Thread control{"control", [&] { put(kB, other); }};
  waiting.wait_reached();
  waiting.release();
  inside.release();
  cpu.join();
  control.join();
  EXPECT_EQ(read(port_, kB), Answer{0xb});
}

}  // namespace
}  // namespace holdfast::testing
