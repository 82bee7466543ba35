// SPDX-License-Identifier: Apache-2.0
#include "holdfast/block/file.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include "holdfast/block/thread_pool.hpp"
#include "holdfast/block/uring.hpp"

namespace holdfast::block {
namespace {

const char* reason() { return std::strerror(errno); }

/// What direct transfers have to be multiples of.
HostFile::Size direct_alignment(int fd) {
  HostFile::Size alignment{.offset = 4096, .memory = 4096};
#ifdef STATX_DIOALIGN
  struct statx status {};
  if (::statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &status) == 0 &&
      (status.stx_mask & STATX_DIOALIGN) != 0 && status.stx_dio_offset_align != 0)
    alignment = {.offset = status.stx_dio_offset_align, .memory = status.stx_dio_mem_align};
#else
  static_cast<void>(fd);
#endif
  return alignment;
}

}  // namespace

Result<Ref<Backend>> File::open(Options options) {
  const auto file = Ref<File>::adopt(new File{std::move(options)});
  TRY(file->open_file());
  TRY(file->make_engine());
  return Ref<Backend>::share(file.get());
}

File::File(Options options)
    : Backend{options.name},
      options_{std::move(options)},
      file_{std::make_shared<HostFile>(
          options_.name, options_.path,
          HostFile::Ways{.cache = options_.cache, .discard = options_.discard})} {}

std::string File::location() const { return fmt::format("'{}'", options_.path); }

Result<Descriptor> File::open_descriptor() const {
  const bool writes = options_.access == Access::kReadWrite;
  const int access = writes ? O_RDWR : O_RDONLY;
  if (options_.find) {
    auto found = options_.find(options_.path, access);
    if (!found) return fail("{}: {}", name(), found.error().message);
    if (*found && (fcntl(found->get(), F_GETFL) & O_APPEND) != 0)
      return fail("{}: '{}' was opened to append, so nothing can be written where it belongs", name(),
                  options_.path);
    if (*found) return found;
  }
  // Non-blocking until it is known to be a file, so that a pipe without a writer is an error and no wait.
  Descriptor file{::open(options_.path.c_str(), access | O_CLOEXEC | O_NONBLOCK)};
  if (!file && writes && (errno == EACCES || errno == EROFS || errno == EPERM))
    return fail("{}: cannot open '{}' for writing: {}; with readonly=on it is only read", name(),
                options_.path, reason());
  if (!file) return fail("{}: cannot open '{}': {}", name(), options_.path, reason());
  return file;
}

Result<void> File::open_file() {
  Descriptor file = TRY(open_descriptor());
  struct stat status {};
  if (fstat(file.get(), &status) != 0)
    return fail("{}: cannot look at '{}': {}", name(), options_.path, reason());
  if (!S_ISREG(status.st_mode))
    return fail("{}: '{}' is no regular file; it takes the path of one", name(), options_.path);
  // A ring takes back what cannot be done at once, of some file systems, if it is told not to block.
  if (fcntl(file.get(), F_SETFL, fcntl(file.get(), F_GETFL) & ~O_NONBLOCK) != 0)
    return fail("{}: cannot set the flags of '{}': {}", name(), options_.path, reason());
  TRY(lock(file.get()));
  size_.store(static_cast<std::uint64_t>(status.st_size), std::memory_order_relaxed);
  HostFile::Size alignment;
  auto direct = TRY(open_direct(file.get(), alignment));
  file_->adopt(std::move(file), std::move(direct), alignment);
  return {};
}

Result<Descriptor> File::open_direct(int fd, HostFile::Size& alignment) const {
  if (options_.cache != Cache::kNone && options_.cache != Cache::kDirectSync) return Descriptor{};
  // The same file, whatever its name shows by now.
  const std::string same = fmt::format("/proc/self/fd/{}", fd);
  const bool writes = options_.access == Access::kReadWrite;
  Descriptor direct{::open(same.c_str(), (writes ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_DIRECT)};
  if (!direct)
    return fail("{}: '{}' cannot be read around the host's cache: {}; cache=writeback goes through it",
                name(), options_.path, reason());
  alignment = direct_alignment(direct.get());
  return direct;
}

// A length of 0 means all of it, however long it may become.
Result<void> File::lock(int fd) const {
  if (options_.lock == FileLock::kOff) return {};
  struct flock whole {};
  whole.l_type = options_.access == Access::kReadWrite ? F_WRLCK : F_RDLCK;
  whole.l_whence = SEEK_SET;
  if (fcntl(fd, F_OFD_SETLK, &whole) == 0) return {};
  if (errno == EAGAIN || errno == EACCES)
    return fail("{}: '{}' is in use by another process or drive; a file has one writer, or several "
                "readers with readonly=on",
                name(), options_.path);
  if (options_.lock == FileLock::kIfPossible) return {};
  return fail("{}: cannot lock '{}': {}", name(), options_.path, reason());
}

// Whoever gave it to the process keeps a file open that would stay locked.
void File::unlock() const {
  struct flock whole {};
  whole.l_type = F_UNLCK;
  whole.l_whence = SEEK_SET;
  if (file_->fd() >= 0) fcntl(file_->fd(), F_OFD_SETLK, &whole);
}

Result<void> File::make_engine() {
  if (options_.engine != EngineChoice::kThreads) {
    auto uring = Uring::make(file_, options_.make_ring);
    if (uring) {
      engine_ = std::move(*uring);
      return {};
    }
    if (options_.engine == EngineChoice::kUring)
      return fail("{}: {}; aio=threads does without", name(), uring.error().message);
  }
  engine_ = std::make_unique<ThreadPool>(
      [file = file_](const Order& order) { return file->perform(order); });
  return {};
}

Result<void> File::resize(std::uint64_t size) {
  if (options_.access == Access::kReadOnly) return fail("{}: is only read", name());
  if (size > static_cast<std::uint64_t>(std::numeric_limits<off_t>::max()) ||
      ::ftruncate(file_->fd(), static_cast<off_t>(size)) != 0)
    return fail("{}: cannot make '{}' {} bytes long: {}", name(), options_.path, size, reason());
  size_.store(size, std::memory_order_relaxed);
  return {};
}

Result<void> File::read(std::uint64_t offset, std::span<std::byte> bytes) {
  return plain(file_->perform(
      {.kind = Order::Kind::kRead, .offset = offset, .length = bytes.size(), .bytes = {bytes}}));
}

Result<void> File::write(std::uint64_t offset, std::span<const std::byte> bytes) {
  return plain(file_->perform({.kind = Order::Kind::kWrite,
                               .offset = offset,
                               .length = bytes.size(),
                               .bytes = {as_written(bytes)}}));
}

}  // namespace holdfast::block
