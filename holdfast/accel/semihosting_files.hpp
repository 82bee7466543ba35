// SPDX-License-Identifier: Apache-2.0
// The files of the host that a guest has open by semihosting, by handle.
// LOCK: a table of its own, and the number of the last error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "holdfast/base/mutex.hpp"

namespace holdfast::accel {

/// Any thread. What fails gives nothing, and `last_error` says why, as errno does.
class SemihostingFiles {
 public:
  SemihostingFiles() = default;
  ~SemihostingFiles();
  SemihostingFiles(const SemihostingFiles&) = delete;
  SemihostingFiles& operator=(const SemihostingFiles&) = delete;

  enum class Kind : std::uint8_t { kNone, kFile, kInput, kOutput, kFeatures };
  Kind kind(std::uint64_t handle) const;

  /// `mode` is fopen's, by its place in r, rb, r+, r+b, w, … Never 0.
  std::optional<std::uint64_t> open(const std::string& name, std::uint64_t mode);
  bool close(std::uint64_t handle);
  /// For files, and for what is to be read of the features.
  std::optional<std::size_t> read(std::uint64_t handle, std::span<std::byte> bytes);
  std::optional<std::size_t> write(std::uint64_t handle, std::span<const std::byte> bytes);
  bool seek(std::uint64_t handle, std::uint64_t position);
  std::optional<std::uint64_t> length(std::uint64_t handle);
  bool is_terminal(std::uint64_t handle);
  bool remove(const std::string& name);
  bool rename(const std::string& from, const std::string& to);

  int last_error() const;
  void set_error(int error);

 private:
  struct File {
    Kind kind = Kind::kNone;
    int descriptor = -1;
    std::size_t position = 0;  // in the features
  };
  static constexpr std::size_t kMostFiles = 256;

  std::optional<std::uint64_t> add(File file) HF_REQUIRES(mutex_);
  File* find(std::uint64_t handle) HF_REQUIRES(mutex_);
  std::nullopt_t failed(int error) HF_REQUIRES(mutex_);

  mutable Mutex mutex_{LockRank::kLeaf, "semihosting files"};
  std::vector<File> files_ HF_GUARDED_BY(mutex_);
  int error_ HF_GUARDED_BY(mutex_) = 0;
};

}  // namespace holdfast::accel
