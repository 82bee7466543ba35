// SPDX-License-Identifier: Apache-2.0
// A reader against the edit that takes away, or covers, what it is about to call. Under `device`
// lies `below`: the guest sees the map before or the map after, never a hole.
#include "tests/support/memory_world.hpp"

namespace holdfast::testing {
namespace {

using gate::Locking;
using memory::Port;
using memory::Transaction;

constexpr std::uint64_t kAddress = 0x1000;
constexpr Answer kDevice{0x11};
constexpr Answer kBelow{0x22};

class Severing : public World, public ::testing::WithParamInterface<Protection> {
 protected:
  Severing() {
    put(kAddress, *device_, 1);
    put(kAddress, below_);
  }
  /// The thread that drops the device, storage and all; and the place where it has left the map.
  void drop() {
    device_->region = {};
    dropped_ = true;
    device_.reset();
  }
  void read_by_cpu() {
    Port port{space_};
    answer_ = read(port, kAddress);
    again_ = read(port, kAddress);
  }

  Device below_{fabric_, "below", kBelow.value};
  std::unique_ptr<Device> device_ =
      std::make_unique<Device>(fabric_, "device", kDevice.value, GetParam());
  std::atomic<bool> dropped_{false};
  Answer answer_{};
  Answer again_{};
  Schedule schedule_;
};
INSTANTIATE_TEST_SUITE_P(
    Gates, Severing,
    ::testing::Values(Protection{Locking::kExclusive, true}, Protection{Locking::kCounted, true},
                      Protection{Locking::kGrace, true}, Protection{Locking::kExclusive, false},
                      Protection{Locking::kCounted, false}, Protection{Locking::kGrace, false}),
    [](const auto& protection) {
      const char* locking = protection.param.locking == Locking::kExclusive ? "Exclusive"
                            : protection.param.locking == Locking::kCounted ? "Counted"
                                                                      : "Grace";
      return std::string{locking} + (protection.param.owned ? "GateOfTheOwner" : "GateOfItsOwn");
    });

TEST_P(Severing, AReaderBeforeTheGateGetsTheMapAfter) {
  Stop& reader = schedule_.stop_at("memory.port.before_gate", "cpu");
  Stop& out = schedule_.stop_at("memory.region.out_of_map", "control");
  Thread cpu{"cpu", [&] { read_by_cpu(); }};
  reader.wait_reached();
  Thread control{"control", [&] { drop(); }};
  out.wait_reached();
  out.release();
  reader.release();
  cpu.join();
  EXPECT_EQ(answer_, kBelow);
  EXPECT_EQ(again_, kBelow);
}

TEST_P(Severing, AReaderInsideTheGateBeforeItsCheckGetsTheMapAfter) {
  Stop& reader = schedule_.stop_at("memory.port.entered", "cpu");
  Stop& out = schedule_.stop_at("memory.region.out_of_map", "control");
  Thread cpu{"cpu", [&] { read_by_cpu(); }};
  reader.wait_reached();
  Thread control{"control", [&] { drop(); }};
  out.wait_reached();
  out.release();
  reader.release();
  cpu.join();
  EXPECT_EQ(answer_, kBelow);
}

TEST_P(Severing, AReaderBetweenItsTwoChecksGetsTheMapAfter) {
  Stop& reader = schedule_.stop_at("memory.port.before_region", "cpu");
  Stop& out = schedule_.stop_at("memory.region.out_of_map", "control");
  Thread cpu{"cpu", [&] { read_by_cpu(); }};
  reader.wait_reached();
  Thread control{"control", [&] { drop(); }};
  out.wait_reached();
  out.release();
  reader.release();
  cpu.join();
  EXPECT_EQ(answer_, kBelow);
}

TEST_P(Severing, AReaderInTheHandlerFinishesThereAndTheDropWaitsForIt) {
  Stop& reader = schedule_.stop_at("test.in_read", "cpu");
  Stop& out = schedule_.stop_at("memory.region.out_of_map", "control");
  bool dropped_before_the_reader_left = true;
  device_->on_read = [&] { dropped_before_the_reader_left = dropped_; };
  Thread cpu{"cpu", [&] { read_by_cpu(); }};
  reader.wait_reached();
  Thread control{"control", [&] { drop(); }};
  out.wait_reached();
  EXPECT_EQ(read(port_, kAddress), kBelow);  // whoever comes now sees the map after
  out.release();
  reader.release();
  cpu.join();
  EXPECT_EQ(answer_, kDevice);
  EXPECT_EQ(again_, kBelow);
  EXPECT_FALSE(dropped_before_the_reader_left);
}

TEST_P(Severing, NothingIsClosedBeforeTheMapWithoutItIsPublished) {
  Stop& writer = schedule_.stop_at("memory.commit.before_publish", "control");
  Thread control{"control", [&] { drop(); }};
  writer.wait_reached();
  EXPECT_EQ(read(port_, kAddress), kDevice);
  writer.release();
  control.join();
  EXPECT_EQ(read(port_, kAddress), kBelow);
}

TEST_P(Severing, AReaderBetweenLookingUpAndTheGateCallsWhatCoversIt) {
  Device above{fabric_, "above", 0x33, GetParam()};
  for (const char* place : {"memory.port.before_gate", "memory.port.entered"}) {
    Stop& reader = schedule_.stop_at(place, "cpu");
    Thread cpu{"cpu", [&] { read_by_cpu(); }};
    reader.wait_reached();
    put(kAddress, above, 2);
    reader.release();
    cpu.join();
    EXPECT_EQ(answer_, Answer{0x33}) << place;
    EXPECT_EQ(device_->reads, 0U);
    commit(std::move(Transaction{}.remove(above.region)));
  }
}

class OldViews : public World {
 protected:
  Schedule schedule_;
};

TEST_F(OldViews, AMissIsReportedOnlyIfItIsStillOne) {
  Device device{fabric_, "device", 0x11};
  Stop& reader = schedule_.stop_at("memory.port.before_miss", "cpu");
  Answer answer{};
  Thread cpu{"cpu", [&] {
               Port port{space_};
               answer = read(port, kAddress);
             }};
  reader.wait_reached();
  put(kAddress, device);
  reader.release();
  cpu.join();
  EXPECT_EQ(answer, Answer{0x11});
}

TEST_F(OldViews, WhoWaitsForAGateThatClosesGetsTheMapAfter) {
  Device below{fabric_, "below", 0x22};
  put(kAddress, below);
  for (const bool owned : {true, false}) {
    auto device = std::make_unique<Device>(fabric_, "device", 0x11, Protection{.owned = owned});
    put(kAddress, *device, 1);
    Stop& inside = schedule_.stop_at("test.in_read", "insider");
    Stop& waiting = schedule_.stop_at("gate.waiting", "waiter");
    Stop& out = schedule_.stop_at("memory.region.out_of_map", "control");
    Answer first{};
    Answer second{};
    Thread insider{"insider", [&] {
                     Port port{space_};
                     first = read(port, kAddress);
                   }};
    inside.wait_reached();
    Thread waiter{"waiter", [&] {
                    Port port{space_};
                    second = read(port, kAddress);
                  }};
    waiting.wait_reached();
    waiting.release();
    Thread control{"control", [&] { device->region = {}; }};
    out.wait_reached();
    out.release();
    inside.release();
    insider.join();
    waiter.join();
    control.join();
    EXPECT_EQ(first, Answer{0x11});
    EXPECT_EQ(second, Answer{0x22});
    EXPECT_EQ(device->reads, 1U);
  }
}

// The device's gate is closed before its region is dropped, or while the drop waits for the gate.
TEST_F(OldViews, ADropWaitsForTheInsiderOfAClosedGate) {
  for (const bool closed_first : {true, false}) {
    Device handler{fabric_, "handler", 0x11, {.owned = false}};
    auto gate = gate::Gate::make(realm_, "device");
    gate->open();
    auto region = memory::MemoryRegion::mmio(
        fabric_, {.name = "device", .size = 0x100, .gate = gate}, {.handler = handler});
    put(kAddress, region);
    Stop& inside = schedule_.stop_at("test.in_read", "cpu");
    Stop& draining = schedule_.stop_at("gate.draining", "control");
    Answer answer{};
    Thread cpu{"cpu", [&] {
                 Port port{space_};
                 answer = read(port, kAddress);
               }};
    inside.wait_reached();
    if (closed_first) gate->close();
    Stop* const waiting = closed_first ? nullptr : &schedule_.stop_at("gate.waiting", "control");
    Thread control{"control", [&] { region = {}; }};
    if (waiting != nullptr) {
      waiting->wait_reached();
      waiting->release();
      gate->close();
    }
    draining.wait_reached();
    draining.release();
    inside.release();
    cpu.join();
    control.join();
    EXPECT_EQ(answer, Answer{0x11});
  }
}

TEST_F(OldViews, AStuckReaderInAnotherMachineDelaysNothingHere) {
  gate::Realm other{"other"};
  Stop& stuck = schedule_.stop_at("test.stuck", "other cpu");
  Thread reader{"other cpu", [&] {
                  const rcu::Section section{other.domain()};
                  HF_SCHEDULE_POINT("test.stuck");
                }};
  stuck.wait_reached();
  const auto before = settled_census(realm_);
  {
    Device device{fabric_, "device", 0x11};
    Ram ram{fabric_, "ram", 0x1000};
    put(kAddress, device);
    put(0x8000, ram.region);
    EXPECT_EQ(read(port_, kAddress), Answer{0x11});
    commit(std::move(Transaction{}.move(ram.region, 0x9000)));
    fabric_.settle();
    space_.drain();
  }
  EXPECT_EQ(settled_census(realm_), before);
  stuck.release();
}

}  // namespace
}  // namespace holdfast::testing
