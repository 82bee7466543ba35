// SPDX-License-Identifier: Apache-2.0
#include "holdfast/accel/semihosting_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <limits>

namespace holdfast::accel {
namespace {

/// SPEC: Semihosting for AArch32 and AArch64, 4.4: a magic number and a byte of bits. Both extensions
/// are there: exit with a status, and standard error apart from standard output.
constexpr std::array<char, 5> kFeatures{'S', 'H', 'F', 'B', 3};

/// By the place of the mode in r, rb, r+, r+b, w, wb, w+, w+b, a, ab, a+, a+b.
int flags_of(std::uint64_t mode) {
  constexpr std::array kFlags{O_RDONLY, O_RDWR, O_WRONLY | O_CREAT | O_TRUNC, O_RDWR | O_CREAT | O_TRUNC,
                              O_WRONLY | O_CREAT | O_APPEND, O_RDWR | O_CREAT | O_APPEND};
  // What is no regular file may keep nobody waiting.
  return kFlags[mode / 2] | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
}

}  // namespace

SemihostingFiles::~SemihostingFiles() {
  const LockGuard lock{mutex_};
  for (const File& file : files_)
    if (file.descriptor >= 0) ::close(file.descriptor);
}

std::nullopt_t SemihostingFiles::failed(int error) {
  error_ = error;
  return std::nullopt;
}

SemihostingFiles::File* SemihostingFiles::find(std::uint64_t handle) {
  if (handle == 0 || handle > files_.size() || files_[handle - 1].kind == Kind::kNone) {
    error_ = EBADF;
    return nullptr;
  }
  return &files_[handle - 1];
}

SemihostingFiles::Kind SemihostingFiles::kind(std::uint64_t handle) const {
  const LockGuard lock{mutex_};
  return handle == 0 || handle > files_.size() ? Kind::kNone : files_[handle - 1].kind;
}

std::optional<std::uint64_t> SemihostingFiles::add(File file) {
  const auto free = std::ranges::find(files_, Kind::kNone, &File::kind);
  if (free == files_.end()) {
    if (files_.size() >= kMostFiles) return failed(EMFILE);
    files_.push_back(file);
    return files_.size();
  }
  *free = file;
  return static_cast<std::uint64_t>(free - files_.begin()) + 1;
}

std::optional<std::uint64_t> SemihostingFiles::open(const std::string& name, std::uint64_t mode) {
  constexpr std::uint64_t kModes = 12, kFirstWriting = 4;
  const LockGuard lock{mutex_};
  if (mode >= kModes) return failed(EINVAL);
  if (name == ":tt") return add({.kind = mode < kFirstWriting ? Kind::kInput : Kind::kOutput});
  if (name == ":semihosting-features") {
    if (mode >= kFirstWriting) return failed(EACCES);
    return add({.kind = Kind::kFeatures});
  }
  const int descriptor = ::open(name.c_str(), flags_of(mode), 0644);
  if (descriptor < 0) return failed(errno);
  const auto handle = add({.kind = Kind::kFile, .descriptor = descriptor});
  if (!handle) ::close(descriptor);
  return handle;
}

bool SemihostingFiles::close(std::uint64_t handle) {
  const LockGuard lock{mutex_};
  File* file = find(handle);
  if (file == nullptr) return false;
  if (file->descriptor >= 0) ::close(file->descriptor);
  *file = {};
  return true;
}

std::optional<std::size_t> SemihostingFiles::read(std::uint64_t handle, std::span<std::byte> bytes) {
  const LockGuard lock{mutex_};
  File* file = find(handle);
  if (file == nullptr) return std::nullopt;
  if (file->kind == Kind::kFeatures) {
    const std::size_t count = std::min(bytes.size(), kFeatures.size() - file->position);
    std::memcpy(bytes.data(), kFeatures.data() + file->position, count);
    file->position += count;
    return count;
  }
  const ssize_t count = ::read(file->descriptor, bytes.data(), bytes.size());
  if (count < 0) return failed(errno);
  return static_cast<std::size_t>(count);
}

std::optional<std::size_t> SemihostingFiles::write(std::uint64_t handle,
                                                   std::span<const std::byte> bytes) {
  const LockGuard lock{mutex_};
  const File* file = find(handle);
  if (file == nullptr) return std::nullopt;
  if (file->kind != Kind::kFile) return failed(EBADF);
  const ssize_t count = ::write(file->descriptor, bytes.data(), bytes.size());
  if (count < 0) return failed(errno);
  return static_cast<std::size_t>(count);
}

bool SemihostingFiles::seek(std::uint64_t handle, std::uint64_t position) {
  const LockGuard lock{mutex_};
  File* file = find(handle);
  if (file == nullptr) return false;
  error_ = ESPIPE;
  if (file->kind == Kind::kFeatures && position <= kFeatures.size()) {
    file->position = position;
    return true;
  }
  if (file->kind != Kind::kFile || position > std::numeric_limits<off_t>::max()) return false;
  if (::lseek(file->descriptor, static_cast<off_t>(position), SEEK_SET) >= 0) return true;
  error_ = errno;
  return false;
}

std::optional<std::uint64_t> SemihostingFiles::length(std::uint64_t handle) {
  const LockGuard lock{mutex_};
  const File* file = find(handle);
  if (file == nullptr) return std::nullopt;
  if (file->kind == Kind::kFeatures) return kFeatures.size();
  struct stat about {};
  if (file->kind != Kind::kFile) return failed(EINVAL);
  if (::fstat(file->descriptor, &about) != 0) return failed(errno);
  return static_cast<std::uint64_t>(about.st_size);
}

bool SemihostingFiles::is_terminal(std::uint64_t handle) {
  const LockGuard lock{mutex_};
  const File* file = find(handle);
  if (file == nullptr) return false;
  return file->kind == Kind::kInput || file->kind == Kind::kOutput ||
         (file->kind == Kind::kFile && ::isatty(file->descriptor) != 0);
}

bool SemihostingFiles::remove(const std::string& name) {
  const LockGuard lock{mutex_};
  if (::unlink(name.c_str()) == 0) return true;
  error_ = errno;
  return false;
}

bool SemihostingFiles::rename(const std::string& from, const std::string& to) {
  const LockGuard lock{mutex_};
  if (::rename(from.c_str(), to.c_str()) == 0) return true;
  error_ = errno;
  return false;
}

int SemihostingFiles::last_error() const {
  const LockGuard lock{mutex_};
  return error_;
}

void SemihostingFiles::set_error(int error) {
  const LockGuard lock{mutex_};
  error_ = error;
}

}  // namespace holdfast::accel
