// SPDX-License-Identifier: Apache-2.0
#include "holdfast/memory/ram_block.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "holdfast/base/check.hpp"
#include "holdfast/base/log.hpp"
#include "holdfast/base/schedule_point.hpp"

namespace holdfast::memory {
namespace {

constexpr std::uint64_t kHugePage = 2U << 20U;

std::uint64_t page_size() {
  static const auto size = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  return size;
}

const char* reason() { return std::strerror(errno); }

/// What a file is mapped by: larger than the host's own pages if it is on hugetlbfs.
std::uint64_t page_size_of(int fd) {
  struct statfs system{};
  const bool huge =
      fstatfs(fd, &system) == 0 && static_cast<std::uint32_t>(system.f_type) == HUGETLBFS_MAGIC;
  return huge ? static_cast<std::uint64_t>(system.f_bsize) : page_size();
}

std::unexpected<Error> no_huge_pages(const std::string& name, std::uint64_t bytes,
                                     std::uint64_t page) {
  return fail("RAM '{}': the host has no {} huge pages of {} KiB to spare: {}; it takes as many as are "
              "reserved and free (vm.nr_hugepages), or memory without huge pages",
              name, bytes / page, page >> 10U, reason());
}

/// What making the memory may change of a file, to be put back if that fails.
class FileBefore {
 public:
  explicit FileBefore(const RamBacking& backing) {
    if (backing.kind != RamBacking::Kind::kFile || !backing.create) return;
    path_ = backing.path;
    struct stat status{};
    if (stat(path_.c_str(), &status) != 0)
      missing_ = errno == ENOENT;
    else if (S_ISREG(status.st_mode))
      length_ = status.st_size;
  }
  void put_back() const {
    struct stat now{};
    if (stat(path_.c_str(), &now) != 0) return;
    if (missing_)
      unlink(path_.c_str());
    else if (length_ && now.st_size > *length_ && truncate(path_.c_str(), *length_) != 0)
      log::warn("'{}' stays {} bytes long: {}", path_, now.st_size, reason());
  }

 private:
  std::string path_;
  bool missing_ = false;
  std::optional<off_t> length_;  // of a regular file
};

}  // namespace

Result<Ref<RamBlock>> RamBlock::make(gate::Realm& realm, std::string name, std::uint64_t size,
                                     const RamBacking& backing) {
  if (size == 0) return fail("RAM '{}': a size of 0 bytes is not possible", name);
  auto block = Ref<RamBlock>::adopt(new RamBlock{realm, std::move(name), size});
  const FileBefore file{backing};
  if (auto mapped = block->map(backing); !mapped) {
    file.put_back();
    return std::unexpected{std::move(mapped).error()};
  }
  return block;
}

RamBlock::RamBlock(gate::Realm& realm, std::string name, std::uint64_t size)
    : name_{std::move(name)}, size_{size}, realm_{&realm} {
  realm.census().add(Census::Kind::kRamBlock);
}

// In a callback of reclamation, perhaps, or wherever the last hold ends: nobody else is here.
RamBlock::~RamBlock() HF_NO_THREAD_SAFETY_ANALYSIS {
  if (realm_ != nullptr) realm_->census().remove(Census::Kind::kRamBlock);  // it was never closed
  if (host_ != nullptr) munmap(host_, mapped_);
  if (fd_ >= 0) ::close(fd_);
}

Result<void> RamBlock::map(const RamBacking& backing) {
  if (size_ > (std::uint64_t{1} << 62U))
    return fail("RAM '{}': {} bytes are more than this host can map", name_, size_);
  std::uint64_t page = page_size();
  if (backing.kind == RamBacking::Kind::kFile) {
    TRY(open_file(backing));
    page = page_size_of(fd_);
  } else if (backing.kind == RamBacking::Kind::kMemfd && backing.huge_pages) {
    page = kHugePage;
  }
  const bool huge = page > page_size();
  mapped_ = (size_ + page - 1) / page * page;
  // Ordinary pages are there as long as the host has any memory. Huge ones are few, and one that is
  // missing at an access ends the process: they are reserved now, or it fails now.
  int flags = huge ? 0 : MAP_NORESERVE;
  if (backing.kind == RamBacking::Kind::kAnonymous)
    flags |= MAP_PRIVATE | MAP_ANONYMOUS;
  else
    TRY(map_descriptor(backing, page));
  if (fd_ >= 0)
    flags |= backing.shared || backing.kind == RamBacking::Kind::kMemfd ? MAP_SHARED : MAP_PRIVATE;
  read_only_ = backing.read_only;
  const int protection = backing.read_only ? PROT_READ : PROT_READ | PROT_WRITE;
  void* host = mmap(nullptr, mapped_, protection, flags, fd_, static_cast<off_t>(backing.offset));
  if (host == MAP_FAILED) {
    if (huge) return no_huge_pages(name_, mapped_, page);
    return fail("RAM '{}': cannot map {} bytes: {}", name_, size_, reason());
  }
  host_ = static_cast<std::byte*>(host);
  if (!marks_.map(host_, mapped_))
    return fail("RAM '{}': cannot map what is kept of {} bytes: {}", name_, size_, reason());
  // A child that forks may only exec: guest RAM stays out of it. Advice; a kernel without it copies.
  madvise(host_, mapped_, MADV_DONTFORK);
  if (backing.huge_pages) madvise(host_, mapped_, MADV_HUGEPAGE);
  if (backing.prealloc && madvise(host_, mapped_, MADV_POPULATE_WRITE) != 0)
    return fail("RAM '{}': cannot preallocate {} bytes: {}", name_, size_,
                errno == EFAULT ? "what they come from has no room for them" : reason());
  return {};
}

Result<void> RamBlock::map_descriptor(const RamBacking& backing, std::uint64_t page) {
  if (backing.kind == RamBacking::Kind::kMemfd) {
    const bool huge = page == kHugePage;
    fd_ = memfd_create(name_.c_str(), MFD_CLOEXEC | (huge ? MFD_HUGETLB | MFD_HUGE_2MB : 0U));
    if (fd_ < 0 && huge) return no_huge_pages(name_, mapped_, page);
    if (fd_ < 0) return fail("RAM '{}': cannot make a memory file: {}", name_, reason());
    if (ftruncate(fd_, static_cast<off_t>(mapped_)) != 0)
      return fail("RAM '{}': cannot get {} bytes: {}", name_, size_, reason());
    return {};
  }
  if (backing.offset % page != 0)
    return fail("RAM '{}': offset {} into '{}' is no multiple of {}", name_, backing.offset,
                backing.path, page);
  // Beyond the end of a file there is nothing, but for the rest of its last page, if that is small.
  const std::uint64_t needed = page > page_size() ? mapped_ : size_;
  struct stat status{};
  if (fstat(fd_, &status) != 0)
    return fail("RAM '{}': cannot look at '{}': {}", name_, backing.path, reason());
  auto length = static_cast<std::uint64_t>(status.st_size);
  if (backing.create && S_ISREG(status.st_mode) && length < backing.offset + needed) {
    length = backing.offset + needed;
    if (ftruncate(fd_, static_cast<off_t>(length)) != 0)
      return fail("RAM '{}': cannot make '{}' {} bytes long: {}", name_, backing.path, length,
                  reason());
  }
  if (length < backing.offset || length - backing.offset < needed)
    return fail("RAM '{}': '{}' has {} bytes, {} are needed from offset {}", name_, backing.path,
                length, needed, backing.offset);
  return {};
}

Result<void> RamBlock::open_file(const RamBacking& backing) {
  const int access = backing.read_only || backing.read_only_file ? O_RDONLY : O_RDWR;
  if (backing.find) {
    auto found = backing.find(backing.path, access);
    if (!found) return fail("RAM '{}': {}", name_, found.error().message);
    fd_ = found->release();
    if (fd_ >= 0) return {};
  }
  struct stat status{};
  const bool folder = stat(backing.path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
  const int made = !backing.create ? 0 : folder ? O_TMPFILE : O_CREAT;
  fd_ = open(backing.path.c_str(), access | made | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (fd_ < 0) return fail("RAM '{}': cannot open '{}': {}", name_, backing.path, reason());
  return {};
}

void RamBlock::close() {
  HF_SCHEDULE_POINT("memory.ram.before_close");
  const auto before = holds_.fetch_or(kClosed, std::memory_order_acq_rel);
  HF_CHECK((before & kClosed) == 0, "RAM '{}': closed twice", name_);
  gate::Realm* realm = nullptr;
  {
    LockGuard guard{mutex_};
    realm = std::exchange(realm_, nullptr);
    realm->census().remove(Census::Kind::kHold, static_cast<std::int64_t>(holders_.size()));
  }
  // Readers may be at the bytes until a grace period has passed.
  realm->domain().retire([self = Ref<RamBlock>::share(this)]() mutable { self = {}; });
  realm->census().remove(Census::Kind::kRamBlock);
}

// The one decision between a closing block and a new hold: whoever changes the word first.
bool RamBlock::try_hold() {
  auto state = holds_.load(std::memory_order_relaxed);
  do {
    if (state & kClosed) return false;
    HF_SCHEDULE_POINT("memory.hold.before_count");
  } while (!holds_.compare_exchange_weak(state, state + kOneHold, std::memory_order_acq_rel,
                                         std::memory_order_relaxed));
  return true;
}

void RamBlock::begin_hold(HoldInfo& info) {
  LockGuard guard{mutex_};
  holders_.push_back(&info);
  if (realm_ != nullptr) realm_->census().add(Census::Kind::kHold);
}

void RamBlock::end_hold(const HoldInfo& info) {
  {
    LockGuard guard{mutex_};
    holders_.erase(std::find(holders_.begin(), holders_.end(), &info));
    if (realm_ != nullptr) realm_->census().remove(Census::Kind::kHold);
  }
  holds_.fetch_sub(kOneHold, std::memory_order_acq_rel);
}

std::vector<RamBlock::HoldInfo> RamBlock::holders() const {
  LockGuard guard{mutex_};
  std::vector<HoldInfo> infos;
  for (const HoldInfo* info : holders_) infos.push_back(*info);
  return infos;
}

}  // namespace holdfast::memory
