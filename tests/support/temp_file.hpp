// SPDX-License-Identifier: Apache-2.0
// A file of a given size that is gone when the test is.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

namespace holdfast::testing {

class TempFile {
 public:
  /// All zeroes; the folder ends with a slash.
  explicit TempFile(std::uint64_t size, const std::string& folder = ::testing::TempDir()) {
    path_ = folder + "holdfast-XXXXXX";
    const int fd = mkstemp(path_.data());
    EXPECT_GE(fd, 0) << path_;
    EXPECT_EQ(ftruncate(fd, static_cast<off_t>(size)), 0) << path_;
    close(fd);
  }
  ~TempFile() { unlink(path_.c_str()); }
  TempFile(const TempFile&) = delete;
  TempFile& operator=(const TempFile&) = delete;

  const std::string& path() const { return path_; }
  std::vector<unsigned char> bytes(std::uint64_t offset, std::size_t length) const {
    std::vector<unsigned char> bytes(length);
    std::ifstream file{path_, std::ios::binary};
    file.seekg(static_cast<std::streamoff>(offset));
    file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(length));
    EXPECT_TRUE(file) << path_ << " at " << offset;
    return bytes;
  }
  void put(std::uint64_t offset, const std::vector<unsigned char>& bytes) const {
    std::fstream file{path_, std::ios::binary | std::ios::in | std::ios::out};
    file.seekp(static_cast<std::streamoff>(offset));
    file.write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    EXPECT_TRUE(file) << path_ << " at " << offset;
  }

 private:
  std::string path_;
};

}  // namespace holdfast::testing
