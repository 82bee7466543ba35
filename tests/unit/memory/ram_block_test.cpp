// SPDX-License-Identifier: Apache-2.0
#include "holdfast/memory/ram_block.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "holdfast/memory/hold.hpp"

namespace holdfast::memory {
namespace {

constexpr std::uint64_t kMiB = 1U << 20U;

Ref<RamBlock> made(gate::Realm& realm, std::uint64_t size, RamBacking backing = {}) {
  auto block = RamBlock::make(realm, "ram", size, backing);
  EXPECT_TRUE(block) << block.error().message;
  return *block;
}

TEST(RamBlock, StartsAsZeroes) {
  gate::Realm realm{"test"};
  auto block = made(realm, kMiB);
  EXPECT_EQ(block->host()[0], std::byte{0});
  EXPECT_EQ(block->host()[kMiB - 1], std::byte{0});
}

TEST(RamBlock, MemfdHasADescriptor) {
  gate::Realm realm{"test"};
  auto block = made(realm, kMiB, {.kind = RamBacking::Kind::kMemfd});
  ASSERT_GE(block->fd(), 0);
  block->host()[5] = std::byte{42};
  std::byte read{};
  ASSERT_EQ(pread(block->fd(), &read, 1, 5), 1);
  EXPECT_EQ(read, std::byte{42});
}

// What the host has of them is its business: it has enough, and each can be written to, or says so now.
void expect_huge_pages_or_a_reason(const Result<Ref<RamBlock>>& block) {
  if (!block) {
    EXPECT_EQ(block.error().message,
              "RAM 'ram': the host has no 2 huge pages of 2048 KiB to spare: Cannot allocate memory; it "
              "takes as many as are reserved and free (vm.nr_hugepages), or memory without huge pages");
    return;
  }
  for (std::uint64_t at = 0; at < (*block)->size(); at += kMiB / 2) (*block)->host()[at] = std::byte{1};
}

TEST(RamBlock, OfHugePagesThatAreThereOrAreRefusedAndNotFoundMissingLater) {
  gate::Realm realm{"test"};
  for (const bool prealloc : {false, true})
    for (const std::uint64_t size : {4 * kMiB, 3 * kMiB})
      expect_huge_pages_or_a_reason(RamBlock::make(
          realm, "ram", size,
          {.kind = RamBacking::Kind::kMemfd, .huge_pages = true, .prealloc = prealloc}));
  EXPECT_EQ(realm.census().take().to_string(), "nothing");
}

TEST(RamBlock, OfMoreHugePagesThanAnyHostHasIsAnError) {
  gate::Realm realm{"test"};
  const auto block = RamBlock::make(realm, "ram", std::uint64_t{16} << 40U,
                                    {.kind = RamBacking::Kind::kMemfd, .huge_pages = true});
  ASSERT_FALSE(block);
  EXPECT_NE(block.error().message.find("'ram': the host has no 8388608 huge pages of 2048 KiB"),
            std::string::npos)
      << block.error().message;
  EXPECT_EQ(realm.census().take().to_string(), "nothing");
}

class RamFile : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = ::testing::TempDir() + "holdfast-ram-" + std::to_string(getpid());
    std::ofstream{path_} << std::string(8192, 'x');
  }
  void TearDown() override { unlink(path_.c_str()); }
  std::string path_;
  gate::Realm realm_{"test"};
};

TEST_F(RamFile, SharedWritesReachTheFileAndPrivateOnesDoNot) {
  for (const bool shared : {false, true}) {
    {
      auto block = made(realm_, 4096,
                        {.kind = RamBacking::Kind::kFile, .path = path_, .shared = shared});
      EXPECT_EQ(block->host()[0], std::byte{'x'});
      block->host()[0] = std::byte{'y'};
    }
    EXPECT_EQ(std::ifstream{path_}.get(), shared ? 'y' : 'x');
  }
}

TEST_F(RamFile, IsMadeOrMadeLongerIfThatIsWanted) {
  const RamBacking shorter{
      .kind = RamBacking::Kind::kFile, .path = path_, .offset = 4096, .shared = true, .create = true};
  made(realm_, 16384, shorter)->host()[16383] = std::byte{'z'};
  EXPECT_EQ(std::filesystem::file_size(path_), 20480U);
  EXPECT_EQ(std::ifstream{path_}.get(), 'x');
  ASSERT_EQ(unlink(path_.c_str()), 0);
  made(realm_, 4096, {.kind = RamBacking::Kind::kFile, .path = path_, .create = true});
  EXPECT_EQ(std::filesystem::file_size(path_), 4096U);
}

TEST_F(RamFile, IsWhatItWasIfTheMemoryIsNotMadeAfterAll) {
  const auto refused = [&](const std::string& path, std::uint64_t offset, std::uint64_t size) {
    return !RamBlock::make(
        realm_, "ram", size,
        {.kind = RamBacking::Kind::kFile, .path = path, .offset = offset, .create = true});
  };
  EXPECT_TRUE(refused(path_ + "-new", 5, 4096));
  EXPECT_FALSE(std::filesystem::exists(path_ + "-new"));
  constexpr std::uint64_t kMoreThanCanBeMapped = std::uint64_t{1} << 48U;
  EXPECT_TRUE(refused(path_ + "-new", 0, kMoreThanCanBeMapped));
  EXPECT_FALSE(std::filesystem::exists(path_ + "-new"));
  EXPECT_TRUE(refused(path_, 0, kMoreThanCanBeMapped));
  EXPECT_EQ(std::filesystem::file_size(path_), 8192U);
}

/// Where hugetlbfs is mounted and this user may write.
std::optional<std::string> huge_page_folder() {
  std::ifstream mounts{"/proc/self/mounts"};
  for (std::string from, to, type, rest; mounts >> from >> to >> type && std::getline(mounts, rest);)
    if (type == "hugetlbfs" && rest.find("pagesize=2M") != std::string::npos &&
        access(to.c_str(), W_OK) == 0)
      return to;
  return std::nullopt;
}

TEST(RamFileOfHugePages, IsThereOrIsRefusedAndNotFoundMissingLater) {
  const auto folder = huge_page_folder();
  if (!folder) GTEST_SKIP() << "no hugetlbfs with pages of 2 MiB is mounted that this user may write to";
  gate::Realm realm{"test"};
  const std::string path = *folder + "/holdfast-ram-" + std::to_string(getpid());
  for (const std::string& where : {*folder, path})
    for (const bool shared : {false, true})
      for (const std::uint64_t size : {4 * kMiB, 3 * kMiB}) {
        const bool is_file = where == path;
        const auto block = RamBlock::make(
            realm, "ram", size,
            {.kind = RamBacking::Kind::kFile, .path = where, .shared = shared, .create = true});
        expect_huge_pages_or_a_reason(block);
        EXPECT_EQ(std::filesystem::exists(path), block.has_value() && is_file);
        unlink(path.c_str());
      }
  EXPECT_EQ(realm.census().take().to_string(), "nothing");
  const auto beside = RamBlock::make(
      realm, "ram", 2 * kMiB,
      {.kind = RamBacking::Kind::kFile, .path = path, .offset = 4096, .create = true});
  ASSERT_FALSE(beside);
  EXPECT_NE(beside.error().message.find("is no multiple of 2097152"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(RamFile, InAFolderHasNoName) {
  const std::string folder = path_ + "-folder";
  ASSERT_TRUE(std::filesystem::create_directory(folder));
  auto block = made(realm_, 4096,
                    {.kind = RamBacking::Kind::kFile, .path = folder, .shared = true, .create = true});
  block->host()[0] = std::byte{1};
  EXPECT_TRUE(std::filesystem::is_empty(folder));
  std::filesystem::remove(folder);
}

TEST_F(RamFile, ThatIsOnlyReadCanBeWrittenToInPrivate) {
  ASSERT_EQ(chmod(path_.c_str(), 0400), 0);
  auto block =
      made(realm_, 4096, {.kind = RamBacking::Kind::kFile, .path = path_, .read_only_file = true});
  block->host()[0] = std::byte{'y'};
  EXPECT_EQ(std::ifstream{path_}.get(), 'x');
}

TEST_F(RamFile, ErrorsNameTheBlockAndWhatIsMissing) {
  const auto message = [&](std::uint64_t size, RamBacking backing) {
    backing.kind = RamBacking::Kind::kFile;
    auto block = RamBlock::make(realm_, "flash", size, backing);
    return block ? std::string{} : block.error().message;
  };
  EXPECT_NE(message(16384, {.path = path_}).find("'flash'"), std::string::npos);
  EXPECT_NE(message(16384, {.path = path_}).find("has 8192 bytes, 16384 are needed"),
            std::string::npos);
  EXPECT_NE(message(4096, {.path = path_ + "-none"}).find("cannot open"), std::string::npos);
  EXPECT_NE(message(4096, {.path = path_, .offset = 5}).find("no multiple of"), std::string::npos);
  EXPECT_EQ(realm_.census().take().to_string(), "nothing");
}

TEST(RamBlock, TooLargeIsAnErrorAndZeroAsWell) {
  gate::Realm realm{"test"};
  EXPECT_FALSE(RamBlock::make(realm, "ram", 0));
  EXPECT_FALSE(RamBlock::make(realm, "ram", std::uint64_t{1} << 61U));
  EXPECT_FALSE(RamBlock::make(realm, "ram", ~std::uint64_t{0}));
}

TEST(Hold, IsNamedAndCountedUntilItEnds) {
  gate::Realm realm{"test"};
  auto block = made(realm, kMiB);
  {
    auto hold = Hold::take(*block, 4096, 512, "disk0 read");
    ASSERT_TRUE(hold);
    EXPECT_EQ(hold->bytes().size(), 512U);
    EXPECT_EQ(hold->bytes().data(), block->host() + 4096);
    ASSERT_EQ(block->holders().size(), 1U);
    EXPECT_EQ(block->holders()[0].who, "disk0 read");
    EXPECT_GT(block->holders()[0].since_ns, 0U);
    EXPECT_EQ(realm.census().take()[Census::Kind::kHold], 1);
  }
  EXPECT_EQ(block->hold_count(), 0U);
  EXPECT_TRUE(block->holders().empty());
}

TEST(Hold, AClosedBlockRefusesNewHoldsAndKeepsTheOldOnesBytes) {
  gate::Realm realm{"test"};
  auto block = made(realm, kMiB);
  auto hold = Hold::take(*block, 0, kMiB, "old");
  hold->bytes()[7] = std::byte{9};
  block->close();
  EXPECT_FALSE(Hold::take(*block, 0, 1, "new"));
  block = {};
  realm.domain().barrier();
  EXPECT_EQ(realm.census().take().to_string(), "nothing");
  EXPECT_EQ(hold->bytes()[7], std::byte{9});
}

TEST(Hold, OutlivesItsMachine) {
  std::optional<Hold> hold;
  {
    gate::Realm realm{"test"};
    auto block = made(realm, kMiB);
    hold = Hold::take(*block, 0, kMiB, "request");
    block->close();
  }
  hold->bytes()[kMiB - 1] = std::byte{1};
  EXPECT_EQ(hold->bytes()[kMiB - 1], std::byte{1});
}

}  // namespace
}  // namespace holdfast::memory
