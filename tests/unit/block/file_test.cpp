// SPDX-License-Identifier: Apache-2.0
#include "holdfast/block/file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "tests/support/temp_file.hpp"

namespace holdfast::block {
namespace {

using ::holdfast::testing::TempFile;

Result<Ref<Backend>> open(const std::string& path, Access access = Access::kReadWrite) {
  return File::open({.name = "drive 'd0'", .path = path, .access = access});
}
std::string message(const Result<Ref<Backend>>& result) {
  return result ? std::string{} : result.error().message;
}
bool has(const std::string& text, const std::string& word) {
  return text.find(word) != std::string::npos;
}

/// What the host says of the descriptors of a file: their flags, in octal.
std::vector<std::string> flags_of(const std::string& path) {
  std::vector<std::string> all;
  for (const auto& one : std::filesystem::directory_iterator{"/proc/self/fd"}) {
    std::error_code gone;
    if (std::filesystem::read_symlink(one.path(), gone) != path) continue;
    std::ifstream info{"/proc/self/fdinfo/" + one.path().filename().string()};
    std::string word;
    while (info >> word && word != "flags:") {
    }
    info >> word;
    all.push_back(word);
  }
  return all;
}

// Of a file that says that it is not to be waited for, a ring takes back what it cannot do at once.
TEST(File, MayBeWaitedFor) {
  const TempFile file{8192};
  const auto drive =
      File::open({.name = "drive 'd0'", .path = file.path(), .cache = Cache::kNone}).value();
  const auto all = flags_of(std::filesystem::canonical(file.path()));
  EXPECT_EQ(all.size(), 2U) << "through the host's cache, and around it";
  for (const std::string& flags : all) EXPECT_EQ(std::stoul(flags, nullptr, 8) & O_NONBLOCK, 0U) << flags;
}

TEST(File, ReadsAndWritesItsBytes) {
  const TempFile file{8192};
  file.put(4096, {1, 2, 3, 4});
  const auto drive = open(file.path()).value();
  EXPECT_EQ(drive->size(), 8192U);
  EXPECT_EQ(drive->access(), Access::kReadWrite);
  std::array<std::byte, 4> four{};
  ASSERT_TRUE(drive->read(4096, four));
  EXPECT_EQ(four[3], std::byte{4});
  four[0] = std::byte{9};
  ASSERT_TRUE(drive->write(8188, four));
  EXPECT_EQ(file.bytes(8188, 4), (std::vector<unsigned char>{9, 2, 3, 4}));
}

TEST(File, IsLockedAgainstASecondWriter) {
  const TempFile file{4096};
  auto first = open(file.path());
  ASSERT_TRUE(first);
  const auto second = message(open(file.path()));
  EXPECT_TRUE(has(second, "drive 'd0': '" + file.path() + "' is in use")) << second;
  EXPECT_TRUE(has(message(open(file.path(), Access::kReadOnly)), "is in use"));
  *first = {};
  EXPECT_TRUE(open(file.path()));
}

TEST(File, HasSeveralReaders) {
  const TempFile file{4096};
  const auto one = open(file.path(), Access::kReadOnly);
  const auto two = open(file.path(), Access::kReadOnly);
  EXPECT_TRUE(one && two);
  EXPECT_TRUE(has(message(open(file.path())), "is in use"));
}

TEST(File, MustExistAndBeRegular) {
  EXPECT_TRUE(has(message(open("/nonexistent/file")), "cannot open '/nonexistent/file'"));
  EXPECT_TRUE(has(message(open(::testing::TempDir(), Access::kReadOnly)), "is no regular file"));
  const std::string pipe = ::testing::TempDir() + "holdfast-pipe-" + std::to_string(getpid());
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_TRUE(has(message(open(pipe, Access::kReadOnly)), "is no regular file"));
  unlink(pipe.c_str());
}

TEST(File, ThatShrankReadsZeroesBehindItsEnd) {
  const TempFile file{4096};
  file.put(98, {1, 2, 3});
  const auto drive = open(file.path()).value();
  ASSERT_EQ(truncate(file.path().c_str(), 100), 0);
  std::array<std::byte, 200> bytes{};
  bytes.fill(std::byte{9});
  ASSERT_TRUE(drive->read(0, bytes));
  EXPECT_EQ(bytes[99], std::byte{2});
  EXPECT_EQ(bytes[100], std::byte{0});
  EXPECT_EQ(bytes[199], std::byte{0});
}

TEST(File, ThatCannotBeWrittenToSaysSo) {
  const TempFile file{4096};
  const auto drive = open(file.path(), Access::kReadOnly).value();
  const auto done = drive->write(16, std::array{std::byte{1}});
  ASSERT_FALSE(done);
  EXPECT_TRUE(has(done.error().message, "cannot write 1 bytes of '" + file.path() + "' at 16"));
}

TEST(Backend, HasOneUser) {
  const TempFile file{4096};
  const auto drive = open(file.path()).value();
  {
    const auto first = drive->claim("/machine/flash0:drive");
    ASSERT_TRUE(first);
    const auto second = drive->claim("/machine/flash1:drive");
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().message,
              "drive 'd0': is in use by /machine/flash0:drive; a drive has one user");
  }
  EXPECT_TRUE(drive->claim("/machine/flash1:drive"));
}

}  // namespace
}  // namespace holdfast::block
