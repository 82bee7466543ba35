// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/flash/cfi_flash.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <thread>

#include "holdfast/block/file.hpp"
#include "tests/support/device_bench.hpp"
#include "tests/support/temp_file.hpp"

namespace holdfast::devices {
namespace {

using ::holdfast::testing::DeviceBench;
using ::holdfast::testing::TempFile;

constexpr std::uint64_t kBase = 0x2000'0000;
constexpr std::uint32_t kBlock = 128U << 10U;
constexpr std::uint64_t kSize = 8 * kBlock;
constexpr std::uint32_t kReady = 0x0080'0080;
constexpr std::uint32_t kProgramFailed = 0x0090'0090;
constexpr std::uint32_t kEraseFailed = 0x00a0'00a0;
constexpr std::uint32_t kSequence = 0x00b0'00b0;

constexpr std::uint32_t both(std::uint32_t code) { return code << 16U | code; }

/// Bytes in memory; writing can be made to fail.
class FakeDrive final : public block::Backend {
 public:
  static Ref<FakeDrive> make(block::Access access = block::Access::kReadWrite) {
    return Ref<FakeDrive>::adopt(new FakeDrive{access});
  }
  std::string location() const override { return "'memory'"; }
  std::uint64_t size() const override { return bytes.size(); }
  block::Access access() const override { return access_; }
  std::string_view engine() const override { return "memory"; }
  Result<void> read(std::uint64_t offset, std::span<std::byte> out) override {
    std::memcpy(out.data(), bytes.data() + offset, out.size());
    return {};
  }
  Result<void> write(std::uint64_t offset, std::span<const std::byte> in) override {
    if (before_write) before_write();
    if (is_broken) return fail("{}: the disk is full", name());
    std::memcpy(bytes.data() + offset, in.data(), in.size());
    written += in.size();
    return {};
  }

  std::vector<std::byte> bytes{kSize, std::byte{0xff}};
  std::size_t written = 0;
  bool is_broken = false;
  std::function<void()> before_write;

 private:
  explicit FakeDrive(block::Access access) : Backend{"drive 'fake'"}, access_{access} {}
  ~FakeDrive() override = default;
  void start(Ref<block::Request>) override { ADD_FAILURE() << "flash waits for its drive"; }
  const block::Access access_;
};

class CfiFlashTest : public ::testing::Test {
 protected:
  static Ref<block::Backend> as_backend(const Ref<FakeDrive>& drive) {
    return Ref<block::Backend>::share(drive.get());
  }
  CfiFlash& add(Ref<block::Backend> drive) {
    return bench_.add<CfiFlash>("flash0", kBase, CfiFlash::Config{kSize, kBlock, std::move(drive)});
  }
  void tell(std::uint64_t offset, std::uint32_t code) { bench_.write32(kBase + offset, both(code)); }
  std::uint32_t at(std::uint64_t offset) { return bench_.read32(kBase + offset); }
  std::uint32_t status(std::uint64_t offset = 0) {
    tell(offset, 0x70);
    return at(offset);
  }
  void read_array() { tell(0, 0xff); }
  std::uint32_t array(std::uint64_t offset) {
    read_array();
    return at(offset);
  }
  void program(std::uint64_t offset, std::uint32_t data) {
    tell(offset, 0x40);
    bench_.write32(kBase + offset, data);
  }
  void erase(std::uint64_t offset) {
    tell(offset, 0x20);
    tell(offset, 0xd0);
  }
  void lock(std::uint64_t offset, std::uint32_t how) {
    tell(offset, 0x60);
    tell(offset, how);
  }
  bool is_direct(std::uint64_t offset) {
    memory::Port port{bench_.space()};
    const auto section = port.section();
    return port.direct(kBase + offset).has_value();
  }
  std::string refused(CfiFlash::Config config) {
    auto flash = hw::make_device<CfiFlash>(bench_.context(), "bad", std::move(config));
    const auto done = flash->prepare();
    return done ? std::string{} : done.error().message;
  }

  DeviceBench bench_;
  Ref<FakeDrive> drive_ = FakeDrive::make();
};

TEST_F(CfiFlashTest, InArrayModeItIsMemory) {
  drive_->bytes[kBlock] = std::byte{0x12};
  add(as_backend(drive_));
  EXPECT_TRUE(is_direct(0));
  EXPECT_EQ(at(kBlock), 0xffff'ff12U);
  tell(0, 0x70);
  EXPECT_FALSE(is_direct(0));
  read_array();
  EXPECT_TRUE(is_direct(0));
}

TEST_F(CfiFlashTest, AnswersTheQuery) {
  add({});
  tell(0x55 * 4, 0x98);
  EXPECT_EQ(at(0x10 * 4), both('Q'));
  EXPECT_EQ(at(0x11 * 4), both('R'));
  EXPECT_EQ(at(0x12 * 4), both('Y'));
  EXPECT_EQ(at(0x13 * 4), both(1));            // Intel
  EXPECT_EQ(at(0x27 * 4), both(19));           // each chip has 2^19 bytes
  EXPECT_EQ(at(0x2a * 4), both(11));           // its buffer 2^11
  EXPECT_EQ(at(0x2d * 4), both(7));            // 8 blocks
  EXPECT_EQ(at(0x30 * 4), both(1));            // of 256 × 256 bytes
  EXPECT_EQ(at(at(0x15 * 4) % 256 * 4), both('P'));
  EXPECT_EQ(at(0xf0 * 4), 0U);
  EXPECT_EQ(bench_.read8(kBase + 0x10 * 4), 'Q');
  EXPECT_EQ(bench_.read8(kBase + 0x10 * 4 + 1), 0U);
  EXPECT_EQ(bench_.read64(kBase + 0x10 * 4), std::uint64_t{both('R')} << 32U | both('Q'));
}

TEST_F(CfiFlashTest, SaysWhoMadeIt) {
  add({});
  tell(0, 0x90);
  EXPECT_EQ(at(0), both(0x89));
  EXPECT_EQ(at(4), both(0x18));
  EXPECT_EQ(at(8), 0U);
  EXPECT_EQ(at(3 * kBlock), both(0x89));
}

TEST_F(CfiFlashTest, ProgramsWordsIntoTheDrive) {
  add(as_backend(drive_));
  program(kBlock + 8, 0x1234'5678);
  EXPECT_EQ(at(0), kReady);
  EXPECT_EQ(array(kBlock + 8), 0x1234'5678U);
  EXPECT_EQ(drive_->bytes[kBlock + 8], std::byte{0x78});
  EXPECT_EQ(drive_->bytes[kBlock + 11], std::byte{0x12});
  EXPECT_EQ(drive_->written, 4U);
}

TEST_F(CfiFlashTest, ProgrammingOnlyClearsBits) {
  add(as_backend(drive_));
  program(0, 0xffff'0000);
  program(0, 0x1234'5678);
  EXPECT_EQ(array(0), 0x1234'0000U);
}

TEST_F(CfiFlashTest, ProgramsSingleBytes) {
  add(as_backend(drive_));
  bench_.write8(kBase + 5, 0x40);
  bench_.write8(kBase + 5, 0xab);
  EXPECT_EQ(status(), kReady);
  EXPECT_EQ(array(4), 0xffff'abffU);
  EXPECT_EQ(drive_->written, 1U);
}

TEST_F(CfiFlashTest, ErasesABlockAndNoOther) {
  std::ranges::fill(drive_->bytes, std::byte{0});
  add(as_backend(drive_));
  erase(kBlock + 0x123 * 4);
  EXPECT_EQ(at(kBlock), kReady);
  EXPECT_EQ(array(kBlock - 4), 0U);
  EXPECT_EQ(at(kBlock), ~0U);
  EXPECT_EQ(at(2 * kBlock - 4), ~0U);
  EXPECT_EQ(at(2 * kBlock), 0U);
  EXPECT_EQ(drive_->written, kBlock);
  EXPECT_EQ(drive_->bytes[2 * kBlock - 1], std::byte{0xff});
  EXPECT_EQ(drive_->bytes[2 * kBlock], std::byte{0});
}

TEST_F(CfiFlashTest, AnEraseThatIsNotConfirmedIsNone) {
  std::ranges::fill(drive_->bytes, std::byte{0});
  add(as_backend(drive_));
  tell(0, 0x20);
  tell(0, 0x11);
  EXPECT_EQ(at(0), kSequence);
  EXPECT_EQ(array(0), 0U);
  tell(0, 0x50);
  EXPECT_EQ(status(), kReady);
  EXPECT_EQ(drive_->written, 0U);
}

TEST_F(CfiFlashTest, ProgramsThroughTheBuffer) {
  add(as_backend(drive_));
  tell(0x100, 0xe8);
  EXPECT_EQ(at(0x100), kReady);
  tell(0x100, 3);
  for (std::uint32_t i = 0; i < 4; ++i) bench_.write32(kBase + 0x100 + 4 * i, 0x1000 + i);
  tell(0x100, 0xd0);
  EXPECT_EQ(at(0), kReady);
  EXPECT_EQ(array(0x100), 0x1000U);
  EXPECT_EQ(at(0x10c), 0x1003U);
  EXPECT_EQ(at(0x110), ~0U);
  EXPECT_EQ(drive_->written, 16U);
}

TEST_F(CfiFlashTest, ABufferMayBeFullAndNotFuller) {
  add(as_backend(drive_));
  tell(0, 0xe8);
  tell(0, 1023);
  for (std::uint32_t i = 0; i < 1024; ++i) bench_.write32(kBase + 4 * i, i);
  tell(0, 0xd0);
  EXPECT_EQ(at(0), kReady);
  EXPECT_EQ(array(4092), 1023U);
  tell(0, 0xe8);
  tell(0, 1024);
  EXPECT_EQ(at(0), kSequence);
}

TEST_F(CfiFlashTest, ABufferThatIsNotConfirmedOrLeavesItsBlockIsDropped) {
  add(as_backend(drive_));
  const auto fill = [&](std::uint64_t first, std::uint64_t second, std::uint32_t code) {
    tell(first, 0xe8);
    tell(first, 1);
    bench_.write32(kBase + first, 0);
    bench_.write32(kBase + second, 0);
    tell(first, code);
    const auto result = at(0);
    tell(0, 0x50);
    return result;
  };
  EXPECT_EQ(fill(0, 4, 0xff), kSequence);
  EXPECT_EQ(fill(kBlock - 4, kBlock, 0xd0), kSequence);
  EXPECT_EQ(array(0), ~0U);
  EXPECT_EQ(array(kBlock), ~0U);
  EXPECT_EQ(drive_->written, 0U);
}

TEST_F(CfiFlashTest, LockedBlocksStayAsTheyAre) {
  add(as_backend(drive_));
  lock(kBlock, 0x01);
  EXPECT_EQ(at(0), kReady);
  tell(0, 0x90);
  EXPECT_EQ(at(8), 0U);
  EXPECT_EQ(at(kBlock + 8), both(1));
  program(kBlock, 0);
  EXPECT_EQ(at(0), kProgramFailed | both(2));
  tell(0, 0x50);
  erase(kBlock);
  EXPECT_EQ(at(0), kEraseFailed | both(2));
  tell(0, 0x50);
  program(0, 0);
  EXPECT_EQ(at(0), kReady);
  lock(kBlock, 0xd0);
  program(kBlock, 0);
  EXPECT_EQ(at(0), kReady);
  EXPECT_EQ(array(kBlock), 0U);
}

TEST_F(CfiFlashTest, LockedDownIsUntilTheReset) {
  auto& flash = add(as_backend(drive_));
  lock(0, 0x2f);
  lock(0, 0xd0);
  tell(0, 0x90);
  EXPECT_EQ(at(8), both(3));
  program(0, 0);
  EXPECT_EQ(at(0), kProgramFailed | both(2));
  bench_.reset(flash);
  EXPECT_EQ(at(0), ~0U);
  program(0, 0);
  EXPECT_EQ(at(0), kReady);
}

TEST_F(CfiFlashTest, AWrongLockActionIsASequenceError) {
  add({});
  lock(0, 0x77);
  EXPECT_EQ(at(0), kSequence);
}

TEST_F(CfiFlashTest, SuspendFindsNothingToSuspend) {
  add(as_backend(drive_));
  erase(0);
  tell(0, 0xb0);
  EXPECT_EQ(at(0), kReady);
  tell(0, 0xd0);
  EXPECT_EQ(at(0), kReady);
}

TEST_F(CfiFlashTest, WhatTheDriveRefusesTheGuestSees) {
  add(as_backend(drive_));
  drive_->is_broken = true;
  program(0, 0);
  EXPECT_EQ(at(0), kProgramFailed);
  EXPECT_EQ(status(), kProgramFailed);
  tell(0, 0x50);
  erase(0);
  EXPECT_EQ(status(), kEraseFailed);
  tell(0, 0x50);
  drive_->is_broken = false;
  program(0, 0);
  EXPECT_EQ(status(), kReady);
}

TEST_F(CfiFlashTest, IsBusyUntilTheDriveHasIt) {
  add(as_backend(drive_));
  std::uint64_t seen = 1;
  drive_->before_write = [&] {
    std::thread{[&] {
      memory::Port port{bench_.space()};
      port.load(kBase, 4, seen, {});
      port.store(kBase, 4, both(0xff), {});  // not heard
    }}.join();
  };
  program(4, 0);
  EXPECT_EQ(seen, 0U);
  EXPECT_EQ(at(0), kReady);
}

TEST_F(CfiFlashTest, ADriveThatIsOnlyReadCannotBeChanged) {
  drive_ = FakeDrive::make(block::Access::kReadOnly);
  add(as_backend(drive_));
  program(0, 0);
  EXPECT_EQ(at(0), kProgramFailed);
  tell(0, 0x50);
  erase(0);
  EXPECT_EQ(at(0), kEraseFailed);
  EXPECT_EQ(array(0), ~0U);
}

TEST_F(CfiFlashTest, WithoutADriveItKeepsItsBytesOverAReset) {
  auto& flash = add({});
  EXPECT_EQ(at(0), 0U);
  erase(0);
  program(0, 7);
  tell(0, 0xe8);
  bench_.reset(flash);
  EXPECT_TRUE(is_direct(0));
  EXPECT_EQ(at(0), 7U);
  program(4, 8);  // the reset has ended the sequence
  EXPECT_EQ(array(4), 8U);
}

TEST_F(CfiFlashTest, OtherCommandsLeadToArrayMode) {
  add(as_backend(drive_));
  tell(0, 0x70);
  tell(0, 0xf0);
  EXPECT_TRUE(is_direct(0));
  tell(0, 0x70);
  tell(0, 0x33);
  EXPECT_TRUE(is_direct(0));
}

TEST_F(CfiFlashTest, AFileIsUpdatedAndUnlocked) {
  const TempFile file{kSize};
  const auto open = [&] {
    return block::File::open({.name = "drive 'flash0'", .path = file.path()});
  };
  auto& flash = add(open().value());
  erase(0);
  program(0x10, 0x0403'0201);
  EXPECT_EQ(file.bytes(0xf, 6), (std::vector<unsigned char>{0xff, 1, 2, 3, 4, 0xff}));
  EXPECT_FALSE(open());
  bench_.remove(flash);
  EXPECT_TRUE(open());
}

TEST_F(CfiFlashTest, AFileOfTheWrongSizeIsRefused) {
  const TempFile file{kSize - 1};
  const auto message = refused(
      {kSize, kBlock, block::File::open({.name = "drive 'flash0'", .path = file.path()}).value()});
  EXPECT_EQ(message, "drive 'flash0': '" + file.path() + "' has " + std::to_string(kSize - 1) +
                         " bytes; this flash takes a file of exactly " + std::to_string(kSize) +
                         " bytes (1 MiB)");
}

TEST_F(CfiFlashTest, AConfigurationThatCannotBeIsAnErrorOfPrepare) {
  EXPECT_NE(refused({.size = 0}), "");
  EXPECT_NE(refused({.block_size = 0}), "");
  EXPECT_NE(refused({.size = 3U << 20U}), "");
  EXPECT_NE(refused({.size = 128U << 10U}), "");
  EXPECT_NE(refused({.block_size = 4096}), "");
}

TEST_F(CfiFlashTest, TwoFlashesDoNotShareADrive) {
  add(as_backend(drive_));
  EXPECT_EQ(refused({kSize, kBlock, as_backend(drive_)}),
            "drive 'fake': is in use by /machine/flash0:drive; a drive has one user");
}

}  // namespace
}  // namespace holdfast::devices
