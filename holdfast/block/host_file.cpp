// SPDX-License-Identifier: Apache-2.0
#include "holdfast/block/host_file.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>

namespace holdfast::block {
namespace {

// SAFETY: the bytes may be guest RAM, which harts race for by design; see memory/guest_bytes.hpp. The
// host's kernel is the one that copies. The calls are made by their numbers because the library's
// functions of that name are where ThreadSanitizer would take the copy for an access of this program's.
ssize_t host_read(int fd, std::span<const iovec> to, std::uint64_t offset) {
  return ::syscall(SYS_preadv2, fd, to.data(), to.size(), offset, std::uint64_t{0}, 0);
}
ssize_t host_write(int fd, std::span<const iovec> from, std::uint64_t offset, int flags) {
  return ::syscall(SYS_pwritev2, fd, from.data(), from.size(), offset, std::uint64_t{0}, flags);
}

}  // namespace

void HostFile::adopt(Descriptor file, Descriptor direct, Size alignment) {
  file_ = std::move(file);
  direct_ = std::move(direct);
  alignment_ = alignment;
}

int HostFile::descriptor_for(const Transfer& transfer) const {
  if (!direct_) return file_.get();
  if (transfer.at() % alignment_.offset != 0) return file_.get();
  for (const iovec& piece : transfer.left())
    if (reinterpret_cast<std::uintptr_t>(piece.iov_base) % alignment_.memory != 0 ||
        piece.iov_len % alignment_.offset != 0)
      return file_.get();
  return direct_.get();
}

int HostFile::write_flags(const Order& order) const {
  if (ways_.cache == Cache::kUnsafe) return 0;
  const bool stable = order.durability == Order::Durability::kStable ||
                      ways_.cache == Cache::kWriteThrough || ways_.cache == Cache::kDirectSync;
  return stable ? RWF_DSYNC : 0;
}

bool HostFile::needs_nothing(const Order& order) const {
  return (order.kind == Order::Kind::kFlush && ways_.cache == Cache::kUnsafe) ||
         (order.kind == Order::Kind::kDiscard && ways_.discard == Discard::kIgnore);
}

IoError HostFile::error(int number, const Order& order) const {
  const Failure failure = number == ENOSPC || number == EDQUOT ? Failure::kNoSpace
                          : number == EROFS || number == EBADF ? Failure::kReadOnly
                          : number == EOPNOTSUPP               ? Failure::kUnsupported
                                                               : Failure::kInputOutput;
  if (order.kind == Order::Kind::kFlush)
    return {failure, fmt::format("{}: cannot flush '{}': {}", name_, path_, std::strerror(number))};
  return {failure, fmt::format("{}: cannot {} {} bytes of '{}' at {}: {}", name_,
                               to_string(order.kind), order.length, path_, order.offset,
                               std::strerror(number))};
}

IoResult HostFile::perform(const Order& order) const {
  if (needs_nothing(order)) return {};
  switch (order.kind) {
    case Order::Kind::kRead:
    case Order::Kind::kWrite: return transfer(order);
    case Order::Kind::kWriteZeroes: return write_zeroes(order);
    case Order::Kind::kFlush: return flush(order);
    case Order::Kind::kDiscard: {
      IoResult result;
      allocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, order, result);
      return result;  // a host that cannot has kept the bytes, which is as good
    }
  }
  return {};
}

IoResult HostFile::transfer(const Order& order) const {
  Transfer transfer{order};
  while (!transfer.is_over()) {
    const int fd = descriptor_for(transfer);
    const auto next = transfer.left().first(std::min<std::size_t>(transfer.left().size(), IOV_MAX));
    const ssize_t done = order.kind == Order::Kind::kRead
                             ? host_read(fd, next, transfer.at())
                             : host_write(fd, next, transfer.at(), write_flags(order));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return std::unexpected{error(errno, order)};
    if (done == 0) return end(order, transfer);
    transfer.advance(static_cast<std::size_t>(done));
  }
  return {};
}

IoResult HostFile::end(const Order& order, Transfer& transfer) const {
  if (order.kind != Order::Kind::kRead) return std::unexpected{error(ENOSPC, order)};
  transfer.end_with_zeroes();
  return {};
}

IoResult HostFile::flush(const Order& order) const {
  while (::fdatasync(file_.get()) != 0)
    if (errno != EINTR) return std::unexpected{error(errno, order)};
  return {};
}

/// False if the host cannot do it that way.
bool HostFile::allocate(int mode, const Order& order, IoResult& result) const {
  while (::fallocate(file_.get(), mode, static_cast<off_t>(order.offset),
                     static_cast<off_t>(order.length)) != 0) {
    if (errno == EINTR) continue;
    if (errno == EOPNOTSUPP || errno == ENOSYS) return false;
    result = std::unexpected{error(errno, order)};
    return true;
  }
  return true;
}

IoResult HostFile::write_zeroes(const Order& order) const {
  const bool may_unmap = order.zeroing == Order::Zeroing::kMayDiscard && ways_.discard == Discard::kUnmap;
  IoResult result;
  if (!(may_unmap && allocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, order, result)) &&
      !allocate(FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, order, result))
    return fill_with_zeroes(order);
  if (!result || write_flags(order) == 0) return result;
  return flush(order);
}

IoResult HostFile::fill_with_zeroes(const Order& order) const {
  constexpr std::uint64_t kStretch = 64U << 10U;
  std::vector<std::byte> zeroes(std::min(order.length, kStretch));
  for (std::uint64_t done = 0; done < order.length;) {
    const std::uint64_t length = std::min(order.length - done, kStretch);
    const auto written = transfer({.kind = Order::Kind::kWrite,
                                   .offset = order.offset + done,
                                   .length = length,
                                   .bytes = {std::span{zeroes}.first(length)},
                                   .durability = order.durability});
    if (!written) return written;
    done += length;
  }
  return {};
}

}  // namespace holdfast::block
