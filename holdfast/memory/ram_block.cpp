// SPDX-License-Identifier: Apache-2.0
#include "holdfast/memory/ram_block.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "holdfast/base/check.hpp"
#include "holdfast/base/schedule_point.hpp"

namespace holdfast::memory {
namespace {

constexpr std::uint64_t kHugePage = 2U << 20U;

std::uint64_t page_size() {
  static const auto size = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  return size;
}

const char* reason() { return std::strerror(errno); }

}  // namespace

Result<Ref<RamBlock>> RamBlock::make(gate::Realm& realm, std::string name, std::uint64_t size,
                                     const RamBacking& backing) {
  if (size == 0) return fail("RAM '{}': a size of 0 bytes is not possible", name);
  auto block = Ref<RamBlock>::adopt(new RamBlock{realm, std::move(name), size});
  TRY(block->map(backing));
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
  const bool huge = backing.kind == RamBacking::Kind::kMemfd && backing.huge_pages;
  const std::uint64_t page = huge ? kHugePage : page_size();
  if (size_ > (std::uint64_t{1} << 62U))
    return fail("RAM '{}': {} bytes are more than this host can map", name_, size_);
  mapped_ = (size_ + page - 1) / page * page;
  int flags = MAP_NORESERVE;
  if (backing.kind == RamBacking::Kind::kAnonymous)
    flags |= MAP_PRIVATE | MAP_ANONYMOUS;
  else
    TRY(map_descriptor(backing, page));
  if (fd_ >= 0)
    flags |= backing.shared || backing.kind == RamBacking::Kind::kMemfd ? MAP_SHARED : MAP_PRIVATE;
  read_only_ = backing.read_only;
  const int protection = backing.read_only ? PROT_READ : PROT_READ | PROT_WRITE;
  void* host = mmap(nullptr, mapped_, protection, flags, fd_, static_cast<off_t>(backing.offset));
  if (host == MAP_FAILED)
    return fail("RAM '{}': cannot map {} bytes: {}", name_, size_, reason());
  host_ = static_cast<std::byte*>(host);
  if (!marks_.map(host_, mapped_))
    return fail("RAM '{}': cannot map what is kept of {} bytes: {}", name_, size_, reason());
  // A child that forks may only exec: guest RAM stays out of it. Advice; a kernel without it copies.
  madvise(host_, mapped_, MADV_DONTFORK);
  if (backing.huge_pages) madvise(host_, mapped_, MADV_HUGEPAGE);
  if (backing.prealloc && madvise(host_, mapped_, MADV_POPULATE_WRITE) != 0)
    return fail("RAM '{}': cannot preallocate {} bytes: {}", name_, size_, reason());
  return {};
}

Result<void> RamBlock::map_descriptor(const RamBacking& backing, std::uint64_t page) {
  if (backing.kind == RamBacking::Kind::kMemfd) {
    fd_ = memfd_create(name_.c_str(), MFD_CLOEXEC | (page == kHugePage ? MFD_HUGETLB : 0U));
    if (fd_ < 0) return fail("RAM '{}': cannot make a memory file: {}", name_, reason());
    if (ftruncate(fd_, static_cast<off_t>(mapped_)) != 0)
      return fail("RAM '{}': cannot get {} bytes: {}", name_, size_, reason());
    return {};
  }
  if (backing.offset % page_size() != 0)
    return fail("RAM '{}': offset {} into '{}' is no multiple of {}", name_, backing.offset,
                backing.path, page_size());
  TRY(open_file(backing));
  struct stat status{};
  if (fstat(fd_, &status) != 0)
    return fail("RAM '{}': cannot look at '{}': {}", name_, backing.path, reason());
  auto length = static_cast<std::uint64_t>(status.st_size);
  if (backing.create && S_ISREG(status.st_mode) && length < backing.offset + size_) {
    length = backing.offset + size_;
    if (ftruncate(fd_, static_cast<off_t>(length)) != 0)
      return fail("RAM '{}': cannot make '{}' {} bytes long: {}", name_, backing.path, length,
                  reason());
  }
  if (length < backing.offset || length - backing.offset < size_)
    return fail("RAM '{}': '{}' has {} bytes, {} are needed from offset {}", name_, backing.path,
                length, size_, backing.offset);
  return {};
}

Result<void> RamBlock::open_file(const RamBacking& backing) {
  const int access = backing.read_only || backing.read_only_file ? O_RDONLY : O_RDWR;
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
