// SPDX-License-Identifier: Apache-2.0
#include "holdfast/block/file.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace holdfast::block {
namespace {

const char* reason() { return std::strerror(errno); }

}  // namespace

Result<Ref<Backend>> File::open(Options options) {
  const auto file = Ref<File>::adopt(new File{std::move(options)});
  TRY(file->open_file());
  TRY(file->lock());
  return Ref<Backend>::share(file.get());
}

File::File(Options options) : Backend{options.name}, options_{std::move(options)} {}

File::~File() {
  if (fd_ >= 0) close(fd_);
}

std::string File::location() const { return fmt::format("'{}'", options_.path); }

Result<void> File::open_file() {
  const bool writes = options_.access == Access::kReadWrite;
  // Non-blocking, so that a pipe without a writer is an error and no wait; it means nothing to files.
  fd_ = ::open(options_.path.c_str(), (writes ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK);
  if (fd_ < 0 && writes && (errno == EACCES || errno == EROFS || errno == EPERM))
    return fail("{}: cannot open '{}' for writing: {}; with readonly=on it is only read", name(),
                options_.path, reason());
  if (fd_ < 0) return fail("{}: cannot open '{}': {}", name(), options_.path, reason());
  struct stat status {};
  if (fstat(fd_, &status) != 0)
    return fail("{}: cannot look at '{}': {}", name(), options_.path, reason());
  if (!S_ISREG(status.st_mode))
    return fail("{}: '{}' is no regular file; it takes the path of one", name(), options_.path);
  size_ = static_cast<std::uint64_t>(status.st_size);
  return {};
}

// A length of 0 means all of it, however long it may become.
Result<void> File::lock() {
  struct flock whole {};
  whole.l_type = options_.access == Access::kReadWrite ? F_WRLCK : F_RDLCK;
  whole.l_whence = SEEK_SET;
  if (fcntl(fd_, F_OFD_SETLK, &whole) == 0) return {};
  if (errno == EAGAIN || errno == EACCES)
    return fail("{}: '{}' is in use by another process or drive; a file has one writer, or several "
                "readers with readonly=on",
                name(), options_.path);
  return fail("{}: cannot lock '{}': {}", name(), options_.path, reason());
}

Result<void> File::read(std::uint64_t offset, std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    const auto got = pread(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0)
      return fail("{}: cannot read {} bytes of '{}' at {}: {}", name(), bytes.size(), options_.path,
                  offset, reason());
    if (got == 0)
      return fail("{}: '{}' ends at {}; it had {} bytes when it was opened", name(), options_.path,
                  offset, size_);
    bytes = bytes.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
  return {};
}

Result<void> File::write(std::uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto put = pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0)
      return fail("{}: cannot write {} bytes of '{}' at {}: {}", name(), bytes.size(),
                  options_.path, offset, put == 0 ? "nothing was taken" : reason());
    bytes = bytes.subspan(static_cast<std::size_t>(put));
    offset += static_cast<std::uint64_t>(put);
  }
  return {};
}

}  // namespace holdfast::block
