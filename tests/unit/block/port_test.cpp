// SPDX-License-Identifier: Apache-2.0
// Requests of a device: told through its gate, held back by a reset, kept by the host beyond its end.
#include <gtest/gtest.h>

#include "holdfast/block/file.hpp"
#include "holdfast/block/null.hpp"
#include "holdfast/hw/ticket.hpp"
#include "tests/support/disk_device.hpp"
#include "tests/support/temp_file.hpp"

namespace holdfast::test {
namespace {

using Stage = hw::Ticket::Stage;

class BlockPortTest : public ::testing::Test {
 protected:
  void plug(std::function<void(DiskDevice&)> on_done = {}) {
    plug_disk(machine_, "disk", kHole,
              {.drive = SlowDrive::as_backend(drive_), .outcome = outcome_, .on_done = std::move(on_done)});
  }
  void go(std::uint32_t number = 0) { EXPECT_TRUE(machine_.write32(kHole + DiskDevice::kGo, number)); }
  std::uint32_t in_flight() { return machine_.read32(kHole + DiskDevice::kInFlight).value(); }

  TestMachine machine_;
  const Census::Snapshot before_ = machine_.census();
  const Ref<SlowDrive> drive_ = SlowDrive::make();
  const std::shared_ptr<DiskDevice::Outcome> outcome_ = std::make_shared<DiskDevice::Outcome>();
};

TEST_F(BlockPortTest, ADeviceIsToldOfWhatItAskedFor) {
  plug();
  go();
  EXPECT_EQ(drive_->waiting(), 1U);
  EXPECT_EQ(in_flight(), 1U);
  EXPECT_EQ(machine_.census()[Census::Kind::kRequest], 1);
  drive_->answer();
  EXPECT_EQ(in_flight(), 0U);
  EXPECT_EQ(outcome_->done, 1U);
  EXPECT_EQ(outcome_->let_go, 1U);
  EXPECT_EQ(machine_.census()[Census::Kind::kRequest], 0);
  go();
  drive_->answer(std::unexpected{block::IoError{block::Failure::kNoSpace, "full"}});
  EXPECT_EQ(outcome_->failed, 1U);
}

TEST_F(BlockPortTest, ItMayAskForMoreThen) {
  plug([](DiskDevice& disk) {
    if (disk.drive.in_flight() == 0) disk.go(7);
  });
  go();
  drive_->answer();
  EXPECT_EQ(drive_->waiting(), 1U);
  EXPECT_EQ(in_flight(), 1U);
  EXPECT_TRUE(machine_->unplug("disk")->wait_for(Stage::kDrained, std::chrono::minutes{1}));
  drive_->answer();
}

TEST_F(BlockPortTest, ARequestIsCancelledByNumberOrWithAllOthers) {
  plug();
  go(1);
  auto& disk = dynamic_cast<DiskDevice&>(*machine_->find("disk").get());
  EXPECT_TRUE(disk.cancel_last());
  EXPECT_EQ(drive_->cancellations, 1U);
  drive_->answer(std::unexpected{block::IoError{block::Failure::kCancelled, ""}});
  EXPECT_EQ(outcome_->cancelled, 1U);
  EXPECT_FALSE(disk.cancel_last());
  go(2);
  go(3);
  EXPECT_TRUE(machine_.write32(kHole + DiskDevice::kCancel, 1));
  EXPECT_EQ(drive_->cancellations, 2U);
  drive_->answer();  // the host was quicker
  drive_->answer();
  EXPECT_EQ(outcome_->done, 2U);
}

TEST_F(BlockPortTest, WhatIsDoneTogetherIsToldTogether) {
  std::vector<std::size_t> left;
  plug([&left](DiskDevice& disk) { left.push_back(disk.drive.in_flight()); });
  for (std::uint32_t i = 0; i < 3; ++i) go(i);
  drive_->answer_all();
  EXPECT_EQ(left, (std::vector<std::size_t>{2, 1, 0}));
  EXPECT_EQ(outcome_->done, 3U);
  EXPECT_EQ(outcome_->let_go, 3U);
  EXPECT_EQ(outcome_->batches, 1U);
  EXPECT_EQ(machine_.census()[Census::Kind::kRequest], 0);
  // Of very many the gate is not held for all.
  for (std::uint32_t i = 0; i < 40; ++i) go(i);
  drive_->answer_all(std::unexpected{block::IoError{block::Failure::kNoSpace, "full"}});
  EXPECT_EQ(outcome_->failed, 40U);
  EXPECT_EQ(outcome_->batches, 4U);
}

TEST_F(BlockPortTest, AskingForMoreWhileItIsToldOfManyIsNoNews) {
  plug([](DiskDevice& disk) {
    if (disk.drive.in_flight() < 3) disk.go(7);
  });
  for (std::uint32_t i = 0; i < 4; ++i) go(i);
  drive_->answer_all();
  EXPECT_EQ(outcome_->done, 4U);
  EXPECT_EQ(drive_->waiting(), 3U);
  EXPECT_EQ(in_flight(), 3U);
  auto& disk = dynamic_cast<DiskDevice&>(*machine_->find("disk").get());
  EXPECT_TRUE(disk.cancel_last());
  EXPECT_TRUE(machine_->unplug("disk")->wait_for(Stage::kDrained, std::chrono::minutes{1}));
  drive_->answer_all();
  EXPECT_EQ(outcome_->done, 4U);
  EXPECT_EQ(outcome_->let_go, 7U);
}

TEST_F(BlockPortTest, WhatTwoDevicesAskedForGoesToEach) {
  plug();
  const auto other = std::make_shared<DiskDevice::Outcome>();
  const auto others_drive = SlowDrive::make();
  plug_disk(machine_, "other", kHole + 0x1000,
            {.drive = SlowDrive::as_backend(others_drive), .outcome = other});
  go(1);
  EXPECT_TRUE(machine_.write32(kHole + 0x1000 + DiskDevice::kGo, 1));
  go(2);
  unsigned asked_directly = 0;
  drive_->submit(block::Request::make({.kind = block::Order::Kind::kFlush},
                                      [&](const block::IoResult&) { ++asked_directly; }));
  auto done = drive_->take_all();
  auto others = others_drive->take_all();
  done.insert(done.begin() + 1, others.front());
  block::finish(done);
  EXPECT_EQ(outcome_->done, 2U);
  EXPECT_EQ(other->done, 1U);
  EXPECT_EQ(asked_directly, 1U);
}

TEST_F(BlockPortTest, AnUnplugWaitsForTheHostAndSaysForWhat) {
  plug();
  go(3);
  auto ticket = machine_->unplug("disk");
  EXPECT_TRUE(ticket->wait_for(Stage::kDrained, std::chrono::minutes{1}));
  EXPECT_FALSE(machine_.read32(kHole));
  EXPECT_EQ(drive_->cancellations, 1U);
  // The device is gone; its request, and with it the claim, is not.
  EXPECT_EQ(machine_.census()[Census::Kind::kDevice], before_[Census::Kind::kDevice]);
  EXPECT_FALSE(ticket->wait_for(Stage::kReclaimed, std::chrono::milliseconds{1}));
  EXPECT_NE(ticket->report().to_string().find(
                "/machine/disk:drive: read of 512 bytes at 1536 with the host (disk_device.hpp:"),
            std::string::npos)
      << ticket->report().to_string();
  EXPECT_EQ(drive_->user(), "/machine/disk:drive");
  EXPECT_TRUE(machine_->is_leaving("disk"));

  drive_->answer();
  EXPECT_TRUE(ticket->wait());
  EXPECT_EQ(outcome_->done, 0U);
  EXPECT_EQ(outcome_->let_go, 1U);
  EXPECT_EQ(drive_->user(), "");
  EXPECT_FALSE(machine_->is_leaving("disk"));
  ticket = {};
  EXPECT_EQ(machine_.census(), before_);
}

TEST_F(BlockPortTest, AMachineThatEndsDoesNotWaitForTheHost) {
  plug();
  go(1);
  go(2);
  auto ticket = machine_->unplug("disk");
  EXPECT_TRUE(ticket->wait_for(Stage::kDrained, std::chrono::minutes{1}));
  machine_.end();
  EXPECT_TRUE(ticket->done());
  EXPECT_EQ(drive_->user(), "/machine/disk:drive");
  drive_->answer();
  EXPECT_EQ(outcome_->let_go, 1U);
  drive_->answer();
  EXPECT_EQ(outcome_->let_go, 2U);
  EXPECT_EQ(outcome_->done, 0U);
  EXPECT_EQ(drive_->user(), "");
}

TEST_F(BlockPortTest, ADriveHasOneUser) {
  plug();
  boards::BoardPlan plan{"second"};
  plan.add<DiskDevice>("second", DiskDevice::Config{.drive = SlowDrive::as_backend(drive_)});
  const auto second = machine_->realize(plan);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("drive 'slow': is in use by /machine/disk:drive"), std::string::npos)
      << second.error().message;
  EXPECT_TRUE(machine_->unplug("disk")->wait());
  EXPECT_TRUE(machine_->realize(plan));
}

TEST(BlockPortCycles, LeaveNothingBehindWithEveryEngine) {
  const testing::TempFile file{1U << 20U};
  TestMachine machine;
  const auto before = machine.census();
  for (const auto engine : {block::EngineChoice::kBest, block::EngineChoice::kThreads}) {
    const auto drive =
        block::File::open({.name = "drive 'd0'", .path = file.path(), .engine = engine}).value();
    const auto outcome = std::make_shared<DiskDevice::Outcome>();
    unsigned asked = 0;
    for (int cycle = 0; cycle < 50; ++cycle) {
      plug_disk(machine, "disk", kHole, {.drive = drive, .outcome = outcome});
      for (std::uint32_t i = 0; i < 8; ++i, ++asked)
        EXPECT_TRUE(machine.write32(kHole + DiskDevice::kGo, i));
      EXPECT_TRUE(machine->unplug("disk")->wait());
    }
    EXPECT_EQ(outcome->let_go, asked);
    EXPECT_EQ(outcome->failed, 0U);
    EXPECT_EQ(machine.census(), before);
  }
}

}  // namespace
}  // namespace holdfast::test
