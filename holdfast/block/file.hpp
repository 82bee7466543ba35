// SPDX-License-Identifier: Apache-2.0
// A regular file as a block back-end: byte k of the file is byte k of the back-end ("raw").
//
// The file is locked for as long as it is open (an open file description lock over all of it): against
// everybody if it is written to, against writers if it is only read. What is written is in the file
// when write() returns.
#pragma once

#include <cstdint>
#include <string>

#include "holdfast/block/backend.hpp"

namespace holdfast::block {

class File final : public Backend {
 public:
  struct Options {
    std::string name;  // "drive 'flash0'", for messages
    std::string path;
    Access access = Access::kReadWrite;
  };
  /// Errors name the drive and the file and say what would be accepted: it does not exist, is no
  /// regular file, may not be written to, is in use by another process or another drive.
  static Result<Ref<Backend>> open(Options options);

  std::string location() const override;
  std::uint64_t size() const override { return size_; }
  Access access() const override { return options_.access; }
  Result<void> read(std::uint64_t offset, std::span<std::byte> bytes) override;
  Result<void> write(std::uint64_t offset, std::span<const std::byte> bytes) override;

 private:
  explicit File(Options options);
  ~File() override;
  Result<void> open_file();
  Result<void> lock();

  const Options options_;
  int fd_ = -1;
  std::uint64_t size_ = 0;
};

}  // namespace holdfast::block
