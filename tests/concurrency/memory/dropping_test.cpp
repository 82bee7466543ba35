// SPDX-License-Identifier: Apache-2.0
// Callbacks that drop regions: their own, and such that another thread is inside of.
#include "tests/support/memory_world.hpp"

namespace holdfast::testing {
namespace {

using gate::Locking;
using memory::Port;

constexpr std::uint64_t kEjector = 0x1000;
constexpr std::uint64_t kVictim = 0x2000;

class Dropping : public World {
 protected:
  std::int64_t control_blocks() { return realm_.census().take()[Census::Kind::kRegionControl]; }
  void free_all_that_may_be_freed() {
    for (int i = 0; i < 3; ++i) realm_.domain().barrier();
  }
};

class DroppingCallbacks : public Dropping, public ::testing::WithParamInterface<Protection> {
 protected:
  Schedule schedule_;
};
INSTANTIATE_TEST_SUITE_P(
    Gates, DroppingCallbacks,
    ::testing::Values(Protection{Locking::kExclusive, true}, Protection{Locking::kCounted, true},
                      Protection{Locking::kGrace, true}, Protection{Locking::kExclusive, false},
                      Protection{Locking::kCounted, false}, Protection{Locking::kGrace, false}),
    [](const auto& protection) {
      const char* locking = protection.param.locking == Locking::kExclusive ? "Exclusive"
                            : protection.param.locking == Locking::kCounted ? "Counted"
                                                                      : "Grace";
      return std::string{locking} + (protection.param.owned ? "GateOfTheOwner" : "GateOfItsOwn");
    });

TEST_P(DroppingCallbacks, ADeviceDropsItsOwnRegionAndGoesOn) {
  const auto before = settled_census(realm_);
  {
    Device device{fabric_, "device", 0x11, GetParam()};
    put(kVictim, device);
    Answer inside{};
    device.on_read = [&] {
      device.region = {};
      Port port{space_};
      inside = read(port, kEjector);  // still works: nobody is there
      device.answer = 0x12;
    };
    EXPECT_EQ(read(port_, kVictim, 8), (Answer{0x12'0000'0011}));
    EXPECT_EQ(inside, kNobody);
    EXPECT_EQ(read(port_, kVictim), kNobody);
  }
  EXPECT_EQ(settled_census(realm_), before);
}

TEST_P(DroppingCallbacks, ADeviceDropsARegionThatAnotherThreadIsInsideOf) {
  const auto before = settled_census(realm_);
  {
    Device ejector{fabric_, "ejector", 0x33};
    Device victim{fabric_, "victim", 0x11, GetParam()};
    put(kEjector, ejector);
    put(kVictim, victim);
    ejector.on_read = [&] { victim.region = {}; };
    Stop& inside = schedule_.stop_at("test.in_read", "insider");
    Answer answer{};
    Thread insider{"insider", [&] {
                     Port port{space_};
                     answer = read(port, kVictim, 8);  // two calls of the handler
                   }};
    inside.wait_reached();
    const auto blocks = control_blocks();
    EXPECT_EQ(read(port_, kEjector), Answer{0x33});  // waits for nobody
    EXPECT_EQ(read(port_, kVictim), kNobody);
    // All that may be freed is freed. What the insider stands on is not among it.
    if (GetParam().locking != Locking::kGrace) free_all_that_may_be_freed();
    EXPECT_EQ(control_blocks(), blocks);
    inside.release();
    insider.join();
    EXPECT_EQ(answer, (Answer{0x11'0000'0011}));
    EXPECT_EQ(victim.reads, 2U);
  }
  EXPECT_EQ(settled_census(realm_), before);
}

TEST_P(DroppingCallbacks, TwoInsidersLeaveOneAfterTheOther) {
  const auto before = settled_census(realm_);
  if (GetParam().locking == Locking::kExclusive) return;  // there is only one
  {
    Device ejector{fabric_, "ejector", 0x33};
    Device victim{fabric_, "victim", 0x11, GetParam()};
    put(kEjector, ejector);
    put(kVictim, victim);
    ejector.on_read = [&] { victim.region = {}; };
    Stop& first_inside = schedule_.stop_at("test.in_read", "first");
    Stop& second_inside = schedule_.stop_at("test.in_read", "second");
    const auto reading = [&](Answer& answer) {
      return [&] {
        Port port{space_};
        answer = read(port, kVictim, 8);
      };
    };
    Answer first_answer{};
    Answer second_answer{};
    Thread first{"first", reading(first_answer)};
    Thread second{"second", reading(second_answer)};
    first_inside.wait_reached();
    second_inside.wait_reached();
    const auto blocks = control_blocks();
    EXPECT_EQ(read(port_, kEjector), Answer{0x33});
    first_inside.release();
    first.join();
    if (GetParam().locking != Locking::kGrace) free_all_that_may_be_freed();
    EXPECT_EQ(control_blocks(), blocks);
    second_inside.release();
    second.join();
    EXPECT_EQ(first_answer, (Answer{0x11'0000'0011}));
    EXPECT_EQ(second_answer, (Answer{0x11'0000'0011}));
  }
  EXPECT_EQ(settled_census(realm_), before);
}

// The insider of an exclusive gate has left, and another is in, when the first region's storage is
// let go; the second region must wait for the second insider.
TEST_F(Dropping, EachInsiderOfAGateKeepsOnlyWhatWasDroppedWhileItWasInside) {
  Schedule schedule;
  const auto before = settled_census(realm_);
  {
    Device ejector{fabric_, "ejector", 0x33};
    Device victim{fabric_, "victim", 0x11};
    auto second_region = memory::MemoryRegion::mmio(
        fabric_, {.name = "second", .size = 0x100, .gate = victim.gate},
        {.handler = victim, .rules = {.valid = {.max = 8}}});
    put(kEjector, ejector);
    put(kVictim, victim);
    put(kVictim + 0x1000, second_region);
    Stop& first_inside = schedule.stop_at("test.in_read", "first");
    Stop& first_out = schedule.stop_at("gate.released", "first");
    Stop& second_inside = schedule.stop_at("test.in_read", "second");
    Thread first{"first", [&] {
                   Port port{space_};
                   EXPECT_EQ(read(port, kVictim, 8), (Answer{0x11'0000'0011}));
                 }};
    first_inside.wait_reached();
    ejector.on_read = [&] { victim.region = {}; };
    EXPECT_EQ(read(port_, kEjector), Answer{0x33});
    first_inside.release();
    first_out.wait_reached();
    Thread second{"second", [&] {
                    Port port{space_};
                    EXPECT_EQ(read(port, kVictim + 0x1000, 8), (Answer{0x11'0000'0011}));
                  }};
    second_inside.wait_reached();
    ejector.on_read = [&] { second_region = {}; };
    EXPECT_EQ(read(port_, kEjector), Answer{0x33});
    const auto blocks = control_blocks();  // both
    first_out.release();
    first.join();
    free_all_that_may_be_freed();
    EXPECT_EQ(control_blocks(), blocks - 1);
    second_inside.release();
  }
  EXPECT_EQ(settled_census(realm_), before);
}

// Closing says nothing of who is inside: that is known after a grace period.
TEST_F(Dropping, ARegionOfAClosedGateWithoutALockWaitsForWhoIsInItsHandler) {
  const auto gate = gate::Gate::make(realm_, "device", Locking::kGrace);
  gate->open();
  struct Handler final : memory::MmioHandler {
    memory::MemTxResult read(std::uint64_t, unsigned, std::uint64_t&, memory::MemTxAttrs) override {
      HF_SCHEDULE_POINT("test.in_read");
      left = true;
      return memory::MemTxResult::kOk;
    }
    memory::MemTxResult write(std::uint64_t, unsigned, std::uint64_t, memory::MemTxAttrs) override {
      return memory::MemTxResult::kOk;
    }
    std::atomic<bool> left{false};
  } handler;
  auto region = memory::MemoryRegion::mmio(fabric_, {.name = "registers", .size = 0x100, .gate = gate},
                                           {.handler = handler});
  put(kVictim, region);
  Schedule schedule;
  Stop& inside = schedule.stop_at("test.in_read", "cpu");
  Stop& out = schedule.stop_at("memory.region.out_of_map", "dropper");
  Thread cpu{"cpu", [&] {
    Port port{space_};
    read(port, kVictim);
  }};
  inside.wait_reached();
  memory::Transaction severing;
  severing.close(gate);
  ASSERT_TRUE(fabric_.commit(std::move(severing)));
  bool has_waited = false;
  schedule.run_at("rcu.wait.blocked", "dropper", [&] {
    has_waited = true;
    inside.release();
  });
  Thread dropper{"dropper", [&] {
    region = {};
    EXPECT_TRUE(handler.left);
  }};
  out.wait_reached();
  out.release();
  dropper.join();
  if (!has_waited) inside.release();
  cpu.join();
}

}  // namespace
}  // namespace holdfast::testing
