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
