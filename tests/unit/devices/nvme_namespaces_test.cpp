// SPDX-License-Identifier: Apache-2.0
// Namespaces that go while commands to them wait.
#include "tests/unit/devices/nvme_fixture.hpp"

namespace holdfast::test {
namespace {

class NvmeNamespaces : public NvmeTest {
 protected:
  static Submission read_from(std::uint32_t id) {
    return NvmeHost::transfer(IoOpcode::kRead, 0, 1, kData, 0, id);
  }
};

TEST_F(NvmeNamespaces, WhatWaitsForTimeIsEndedWhenItsNamespaceGoesAndNothingElseIs) {
  start({.delay_us = 1000});
  const auto other = FakeDisk::make(512 * 64);
  ASSERT_TRUE(plug_namespace("ns", {.drive = FakeDisk::as_backend(other), .id = 2}));
  for (const std::uint32_t id : {2U, 1U, 2U, 2U}) host_.give(1, read_from(id));
  EXPECT_TRUE(world_.unplug("ns"));
  for (int i = 0; i < 3; ++i) {
    const auto seen = host_.look(1);
    ASSERT_TRUE(seen) << "no time has passed";
    EXPECT_EQ(seen->status, Status::kAbortRequested);
  }
  EXPECT_FALSE(host_.look(1)) << "the controller's own is there";
  world_->clock().step_to(world_->clock().now_ns() + 1'000'000);
  EXPECT_EQ(other->waiting(), 0U);
  EXPECT_EQ(host_.wait(1).status, Status::kSuccess);
}

// Of another namespace's number, it is another namespace.
TEST_F(NvmeNamespaces, WhatWaitsIsEndedThoughANamespaceOfThatNumberIsThereAgain) {
  start({.delay_us = 1000});
  const auto other = FakeDisk::make(512 * 64);
  const auto plug_it = [&] { return plug_namespace("ns", {.drive = FakeDisk::as_backend(other), .id = 2}); };
  ASSERT_TRUE(plug_it());
  host_.give(1, read_from(2));
  host_.give(1, NvmeHost::command(IoOpcode::kFlush, 0xffff'ffff));
  EXPECT_TRUE(world_.unplug("ns"));
  ASSERT_TRUE(plug_it());
  for (int i = 0; i < 2; ++i) {
    const auto seen = host_.look(1);
    ASSERT_TRUE(seen);
    EXPECT_EQ(seen->status, Status::kAbortRequested);
  }
  host_.give(1, read_from(2));
  EXPECT_FALSE(host_.look(1));
  world_->clock().step_to(world_->clock().now_ns() + 1'000'000);
  other->finish_all();
  EXPECT_EQ(host_.wait(1).status, Status::kSuccess);
}

TEST_F(NvmeNamespaces, WhatWaitsForBuffersIsEndedWhenItsNamespaceGoes) {
  start();
  const auto other = FakeDisk::make(kBytes);
  ASSERT_TRUE(plug_namespace("ns", {.drive = FakeDisk::as_backend(other), .id = 2}));
  // Data that nobody wants take a buffer: a descriptor of a bucket.
  const auto give_bucket = [&](std::uint32_t id, std::uint32_t blocks) {
    auto entry = NvmeHost::transfer(IoOpcode::kRead, 0, blocks, 0, std::uint64_t{1} << 60U | blocks * 512, id);
    entry.dw[0] |= 1U << 14U;
    return host_.give(1, entry);
  };
  for (int i = 0; i < 2; ++i) give_bucket(1, 800);
  const auto waits = give_bucket(2, 800);
  give_bucket(1, 1);
  EXPECT_EQ(disk_->waiting(), 2U);
  EXPECT_TRUE(world_.unplug("ns"));
  const auto seen = host_.look(1);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->command, waits);
  EXPECT_EQ(seen->status, Status::kAbortRequested);
  EXPECT_EQ(disk_->waiting(), 3U) << "the one behind it fits";
  disk_->finish_all();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(host_.wait(1).status, Status::kSuccess);
}

}  // namespace
}  // namespace holdfast::test
