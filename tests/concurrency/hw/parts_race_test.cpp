// SPDX-License-Identifier: Apache-2.0
// Parts made and dropped while their device lives, against whoever goes over the device's parts.
#include <gtest/gtest.h>

#include "tests/support/probe.hpp"
#include "tests/support/schedule.hpp"

namespace holdfast::test {
namespace {

using testing::Schedule;
using testing::Stop;
using testing::Thread;
using Stage = hw::Ticket::Stage;

/// Has a timer from the start, and more of them and fewer as its guest likes.
class Shedder final : public hw::Device {
 public:
  static constexpr object::Type kType{
      .name = "test-shedder", .parent = &hw::Device::kType, .docs = "Parts come and go."};
  explicit Shedder(const hw::DeviceInit& init)
      : Device{init},
        extra_{hw::make_part<hw::Timer>(*this, "extra", [this] { expired(); }).value()} {}

  static constexpr std::uint64_t kDrop = 0;
  static constexpr std::uint64_t kMake = 4;

 private:
  void drop(std::uint32_t) { extra_.reset(); }
  void make(std::uint32_t) {
    if (auto made = hw::make_part<hw::Timer>(*this, "extra", [this] { expired(); }))
      extra_ = *std::move(made);
    extra_->arm(5);
  }
  void expired() { HF_SCHEDULE_POINT("test.in_extra"); }

  hw::Mmio regs_{*this, "regs", hw::register_map<Shedder>(kRegsSize, {
      {.at = kDrop, .name = "DROP", .write = &Shedder::drop},
      {.at = kMake, .name = "MAKE", .write = &Shedder::make}})};
  hw::OwnedPart<hw::Timer> extra_;
};

class PartsRace : public ::testing::Test {
 protected:
  TestMachine machine;
  const Census::Snapshot before = machine.census();
};

// The map is in force, so a CPU may be at the registers before the last part was told.
TEST_F(PartsRace, APartDroppedByACpuWhileItsDeviceIsBeingPublished) {
  {
    Schedule schedule;
    schedule.run_at("hw.publish.part", "main", [&] {
      Thread{"cpu", [&] { EXPECT_TRUE(machine.write32(kHole + Shedder::kDrop, 1)); }}.join();
    });
    ASSERT_TRUE(machine->plug<Shedder>("it", kHole));
  }
  EXPECT_TRUE(machine->unplug("it")->wait());
  EXPECT_EQ(machine.census(), before);
}

TEST_F(PartsRace, APartMadeByACpuWhileItsDeviceIsBeingPublished) {
  {
    Schedule schedule;
    schedule.run_at("hw.publish.part", "main", [&] {
      Thread{"cpu", [&] { EXPECT_TRUE(machine.write32(kHole + Shedder::kMake, 1)); }}.join();
    });
    ASSERT_TRUE(machine->plug<Shedder>("it", kHole));
  }
  EXPECT_EQ(machine->clock().next_deadline_ns(), 5U);
  EXPECT_TRUE(machine->unplug("it")->wait());
  EXPECT_EQ(machine.census(), before);
}

// The control thread goes over parts for resets, look-ups, listings and the end.
TEST_F(PartsRace, PartsComeAndGoWhileOthersGoOverThem) {
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(machine->plug<Shedder>("it", kHole));
    std::atomic<bool> done{false};
    Thread cpu{"cpu", [&] {
      while (!done) {
        machine.write32(kHole + Shedder::kMake, 1);
        machine.write32(kHole + Shedder::kDrop, 1);
      }
    }};
    for (int k = 0; k < 5; ++k) {
      machine->reset();
      machine->run_job("look", [&] {
        hw::Device* it = machine->find("it").get();
        EXPECT_NE(it->find_part("regs"), nullptr);
        EXPECT_GE(it->part_infos().size(), 1U);
        EXPECT_EQ(it->subtree().size(), 1U);
      });
    }
    EXPECT_TRUE(machine->unplug("it")->wait());
    done = true;
  }
  EXPECT_EQ(machine.census(), before);
}

TEST_F(PartsRace, APartIsDroppedAsItsDeviceIsSevered) {
  ASSERT_TRUE(machine->plug<Shedder>("it", kHole));
  Ref<hw::Ticket> ticket;
  {
    Schedule schedule;
    Stop& dropping = schedule.stop_at("gate.outbox.before_entry", "cpu");
    Thread cpu{"cpu", [&] { machine.write32(kHole + Shedder::kDrop, 1); }};
    dropping.wait_reached();  // out of the list, and not destroyed yet
    ticket = machine->unplug("it");
    EXPECT_TRUE(ticket->wait()) << "a part that goes alone does not delay its device";
    dropping.release();
  }
  EXPECT_EQ(machine.census(), before);
}

// The part has left its device's list; its handler still runs on another thread.
TEST_F(PartsRace, ADropWaitsForWhoIsInThePart) {
  ASSERT_TRUE(machine->plug<Shedder>("it", kHole));
  machine.write32(kHole + Shedder::kMake, 1);
  {
    Schedule schedule;
    Stop& dropping = schedule.stop_at("gate.outbox.before_entry", "cpu");
    Stop& running = schedule.stop_at("test.in_extra", "clock");
    Stop& waiting = schedule.stop_at("hw.timer.drop_waits", "cpu");
    Thread cpu{"cpu", [&] { machine.write32(kHole + Shedder::kDrop, 1); }};
    dropping.wait_reached();
    Thread clock{"clock", [&] { machine->clock().step_to(5); }};
    running.wait_reached();
    dropping.release();
    waiting.wait_reached();
    waiting.release();
    running.release();
  }
  EXPECT_TRUE(machine->unplug("it")->wait());
  EXPECT_EQ(machine.census(), before);
}

/// Drops its RAM when its guest likes.
class Forgetter final : public hw::Device {
 public:
  static constexpr object::Type kType{
      .name = "test-forgetter", .parent = &hw::Device::kType, .docs = "RAM goes."};
  explicit Forgetter(const hw::DeviceInit& init)
      : Device{init}, ram_{hw::make_part<hw::Ram>(*this, "ram", hw::Ram::Init{.size = 0x1000}).value()} {}

 private:
  void drop(std::uint32_t) { ram_.reset(); }

  hw::Mmio regs_{*this, "regs", hw::register_map<Forgetter>(kRegsSize, {
      {.at = 0, .name = "DROP", .write = &Forgetter::drop}})};
  hw::OwnedPart<hw::Ram> ram_;
};

TEST_F(PartsRace, RamThatIsDroppedOutlivesItsDevice) {
  ASSERT_TRUE(machine->plug<Forgetter>("it", kHole));
  {
    Schedule schedule;
    Stop& left = schedule.stop_at("gate.outbox.before_entry", "cpu");
    Thread cpu{"cpu", [&] { EXPECT_TRUE(machine.write32(kHole, 1)); }};
    left.wait_reached();  // outside the device's gate, with the RAM in the outbox
    EXPECT_TRUE(machine->unplug("it")->wait());
    left.release();
  }
  EXPECT_EQ(machine.census(), before);
}

/// Shows more of itself on the bus when its guest likes.
class Grower final : public hw::Device {
 public:
  static constexpr object::Type kType{
      .name = "test-grower", .parent = &hw::Device::kType, .docs = "Grows a region."};
  struct Config {
    hw::RegionPart* bus;  // of the machine
  };
  Grower(const hw::DeviceInit& init, Config config) : Device{init}, bus_{*config.bus} {}

  static constexpr std::uint64_t kExtra = kHole + 0x10000;
  static constexpr std::uint64_t kMakeRegisters = 0;
  static constexpr std::uint64_t kMakeRam = 4;

 private:
  void make_registers(std::uint32_t) {
    registers_ = hw::make_part<hw::Mmio>(*this, "extra", *this, hw::register_map<Grower>(0x1000, {
        {.at = 0, .name = "ZERO", .read = &Grower::zero}})).value();
    show(*registers_);
  }
  void make_ram(std::uint32_t) {
    ram_ = hw::make_part<hw::Ram>(*this, "more", hw::Ram::Init{.size = 0x1000}).value();
    show(*ram_);
  }
  void show(const hw::RegionPart& part) {
    memory::Transaction map;
    map.add(bus_.region(), kExtra, part.region(), 1);
    context().fabric.post(std::move(map));
  }
  std::uint32_t zero() const { return 0; }

  hw::RegionPart& bus_;
  hw::Mmio regs_{*this, "regs", hw::register_map<Grower>(kRegsSize, {
      {.at = kMakeRegisters, .name = "REGISTERS", .write = &Grower::make_registers},
      {.at = kMakeRam, .name = "RAM", .write = &Grower::make_ram}})};
  hw::OwnedPart<hw::Mmio> registers_;
  hw::OwnedPart<hw::Ram> ram_;
};

class GrowsLate : public PartsRace, public ::testing::WithParamInterface<std::uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Parts, GrowsLate,
                         ::testing::Values(Grower::kMakeRegisters, Grower::kMakeRam));

// A guest sees the map before or the map after, never a third state.
TEST_P(GrowsLate, WhatADeviceMakesWhileItIsSeveredIsNotSeen) {
  constexpr std::uint32_t kBelow = 0x1234;
  const auto below = [&] { return machine.read32(Grower::kExtra); };
  boards::BoardPlan ram{"more"};
  ram.map_into({"bus", "memory"}, {{Grower::kExtra, ram.ram("below", 0x1000)}});
  ASSERT_TRUE(machine->realize(ram));
  ASSERT_TRUE(machine.write32(Grower::kExtra, kBelow));
  auto* const bus = dynamic_cast<hw::RegionPart*>(machine->find("bus").get()->find_part("memory"));
  ASSERT_TRUE(machine->plug<Grower>("it", kHole, Grower::Config{.bus = bus}));
  {
    Schedule schedule;
    schedule.run_at("hw.sever.before_commit", "main", [&] {
      Thread{"cpu", [&] { EXPECT_TRUE(machine.write32(kHole + GetParam(), 1)); }}.join();
    });
    schedule.run_at("hw.sever.committed", "main", [&] { EXPECT_EQ(below(), kBelow); });
    EXPECT_TRUE(machine->unplug("it")->wait());
  }
  EXPECT_EQ(below(), kBelow);
}

}  // namespace
}  // namespace holdfast::test
