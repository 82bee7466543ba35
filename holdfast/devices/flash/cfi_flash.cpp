// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/flash/cfi_flash.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "holdfast/base/log.hpp"
#include "holdfast/hw/base_types.hpp"
#include "holdfast/memory/guest_bytes.hpp"

namespace holdfast::devices {
namespace {

constexpr unsigned kChips = 2;
constexpr unsigned kWordBytes = 4;  // of the bus
constexpr std::uint32_t kChipBuffer = 2048;
constexpr std::uint32_t kBufferWords = kChips * kChipBuffer / kWordBytes;
constexpr std::uint64_t kPage = 4096;

// SPEC: J3 9.2, the status register.
constexpr std::uint8_t kReady = 0x80;
constexpr std::uint8_t kEraseError = 0x20;
constexpr std::uint8_t kProgramError = 0x10;
constexpr std::uint8_t kBlockLocked = 0x02;

// SPEC: J3 9.1 and P30 table 14, the commands.
constexpr std::uint8_t kReadArray = 0xff;
constexpr std::uint8_t kReadIdentifiers = 0x90;
constexpr std::uint8_t kReadQuery = 0x98;
constexpr std::uint8_t kReadStatus = 0x70;
constexpr std::uint8_t kClearStatus = 0x50;
constexpr std::uint8_t kProgram = 0x40;
constexpr std::uint8_t kProgramToo = 0x10;
constexpr std::uint8_t kBuffer = 0xe8;
constexpr std::uint8_t kErase = 0x20;
constexpr std::uint8_t kConfirm = 0xd0;  // and resume
constexpr std::uint8_t kSuspend = 0xb0;
constexpr std::uint8_t kLockSetup = 0x60;
constexpr std::uint8_t kLock = 0x01;
constexpr std::uint8_t kUnlock = kConfirm;
constexpr std::uint8_t kLockDown = 0x2f;

constexpr std::uint8_t kManufacturer = 0x89;  // Intel
constexpr std::uint8_t kDevice = 0x18;        // 28F128J3

// A callback sees at most one word of the bus; wider accesses are several.
constexpr memory::AccessRules kRules{.valid = {.min = 1, .max = 8, .unaligned = false},
                                     .impl = {.min = 1, .max = 4, .unaligned = false}};

constexpr std::uint8_t low_byte(std::uint64_t value) { return static_cast<std::uint8_t>(value); }

bool is_zero(std::span<const std::byte> bytes) {
  return std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{0}; });
}

constexpr std::uint64_t kMostBlocks = 65536;

// A bad configuration is refused by check(), before it is used; what is made before is bounded.
std::size_t blocks_of(const CfiFlash::Config& config) {
  if (config.block_size == 0) return 0;
  return static_cast<std::size_t>(std::min(config.size / config.block_size, kMostBlocks));
}

CfiTable table_of(const CfiFlash::Config& config) {
  if (blocks_of(config) == 0) return {};
  return cfi_table({.size = config.size / kChips,
                    .block_size = config.block_size / kChips,
                    .buffer_size = kChipBuffer});
}

}  // namespace

constinit const object::Type CfiFlash::kType{
    .name = "cfi.pflash01",
    .parent = &hw::kSysBusDevice,
    .docs = "Bank of parallel NOR flash with the Intel command set."};

CfiFlash::CfiFlash(const hw::DeviceInit& init, Config config)
    : Device{init},
      config_{std::move(config)},
      query_{table_of(config_)},
      locks_{*this, "locks", std::vector<Lock>(blocks_of(config_), Lock::kOpen)},
      flash_{*this, "regs", config_.size, *this, kRules} {}

Result<void> CfiFlash::check() {
  const auto& [size, block_size, drive] = config_;
  if (!std::has_single_bit(size) || !std::has_single_bit(block_size) || block_size < 64U << 10U ||
      size < block_size || size / block_size > kMostBlocks)
    return fail("{}: a flash of {} bytes in blocks of {}; both are powers of two, a block has at least "
                "64 KiB and there are at most {}",
                full_path(), size, block_size, kMostBlocks);
  if (drive && drive->size() != size)
    return fail("{}: {} has {} bytes; this flash takes a file of exactly {} bytes ({} MiB)",
                drive->name(), drive->location(), drive->size(), size, size >> 20U);
  return {};
}

// Memory starts as zeroes: what is zero in the drive stays untouched and costs nothing.
Result<void> CfiFlash::fill() {
  if (!config_.drive) return {};
  std::vector<std::byte> piece(std::min<std::uint64_t>(config_.size, 1U << 20U));
  for (std::uint64_t offset = 0; offset < config_.size; offset += piece.size()) {
    TRY(config_.drive->read(offset, piece));
    for (std::uint64_t page = 0; page < piece.size(); page += kPage) {
      const auto bytes = std::span{piece}.subspan(page, kPage);
      if (!is_zero(bytes)) std::memcpy(at(offset + page), bytes.data(), bytes.size());
    }
  }
  return {};
}

// --- reading ---------------------------------------------------------------------------------------

/// What each chip shows at a word address outside of array mode.
std::uint8_t CfiFlash::shown(std::uint64_t word) const {
  const std::uint64_t low = word % 256;
  switch (mode_.get()) {
    case Mode::kQuery:
      return low < query_.size() ? query_[low] : 0;
    case Mode::kIdentifiers: {
      const std::uint64_t in_block = word % (config_.block_size / kWordBytes);
      if (in_block == 0) return kManufacturer;
      if (in_block == 1) return kDevice;
      // SPEC: P30 11.1.3: bit 0 locked, bit 1 locked down.
      if (in_block == 2) {
        const Lock lock = lock_of(word * kWordBytes);
        return lock == Lock::kDown ? 3 : lock == Lock::kLocked ? 1 : 0;
      }
      return 0;
    }
    default:
      return status_;
  }
}

memory::MemTxResult CfiFlash::read(std::uint64_t offset, unsigned size, std::uint64_t& value,
                                   memory::MemTxAttrs) {
  if (mode_ == Mode::kArray) {
    value = memory::load_guest(at(offset), size);
  } else {
    const std::uint64_t chip = shown(offset / kWordBytes);
    value = (chip << 16U | chip) >> (8 * (offset % kWordBytes));
  }
  return memory::MemTxResult::kOk;
}

// --- commands --------------------------------------------------------------------------------------

memory::MemTxResult CfiFlash::write(std::uint64_t offset, unsigned size, std::uint64_t value,
                                    memory::MemTxAttrs) {
  const std::uint8_t code = low_byte(value);
  // Busy: only what changes nothing is heard.
  if ((status_ & kReady) == 0) return memory::MemTxResult::kOk;
  switch (next_.get()) {
    case Next::kCommand:
      command(code);
      break;
    case Next::kWord:
      program_word({offset, size, value});
      break;
    case Next::kEraseConfirm:
      erase(offset, code);
      break;
    case Next::kLockAction:
      lock(offset, code);
      break;
    case Next::kBufferCount:
      take_count(value);
      break;
    case Next::kBufferData:
      take_data({offset, size, value});
      break;
    case Next::kBufferConfirm:
      program_buffer(code);
      break;
  }
  return memory::MemTxResult::kOk;
}

void CfiFlash::command(std::uint8_t code) {
  switch (code) {
    case kReadIdentifiers:
      return show(Mode::kIdentifiers);
    case kReadQuery:
      return show(Mode::kQuery);
    case kReadStatus:
    case kSuspend:
    case kConfirm:
      return show_status();
    case kProgram:
    case kProgramToo:
      return begin(Next::kWord);
    case kErase:
      return begin(Next::kEraseConfirm);
    case kBuffer:
      return begin(Next::kBufferCount);
    case kLockSetup:
      return begin(Next::kLockAction);
    case kClearStatus:
      status_ = kReady;
      return show(Mode::kArray);
    default:
      log::guest_error("{}: {:#04x} is no command", full_path(), code);
      [[fallthrough]];
    case kReadArray:
    case 0xf0:  // other makers' read array: drivers try it when they look for a chip
      return show(Mode::kArray);
  }
}

void CfiFlash::begin(Next next) {
  next_ = next;
  show_status();
}

void CfiFlash::show(Mode mode) {
  mode_ = mode;
  const bool direct = mode == Mode::kArray;
  if (std::exchange(is_direct_, direct) != direct) flash_.set_direct(direct);
}

// SPEC: J3 9.2: both error bits, a wrong sequence of commands.
void CfiFlash::sequence_error() {
  status_ |= kProgramError | kEraseError;
  next_ = Next::kCommand;
  show_status();
}

// --- changing what is stored -----------------------------------------------------------------------

bool CfiFlash::may_change(std::uint64_t offset, std::uint8_t error) {
  const bool locked = lock_of(offset) != Lock::kOpen;
  if (!locked && !drive_.is_read_only()) return true;
  status_ |= static_cast<std::uint8_t>(locked ? error | kBlockLocked : error);
  return false;
}

void CfiFlash::apply(const Piece& piece) {
  const std::uint64_t was = memory::load_guest(at(piece.offset), piece.size);
  memory::store_guest(at(piece.offset), piece.size, was & piece.value);
}

void CfiFlash::keep(std::uint64_t first, std::uint64_t length, std::uint8_t error) {
  if (drive_.backend() == nullptr) return;
  std::vector<std::byte> bytes(length);
  memory::copy_guest_bytes(bytes.data(), at(first), length);
  status_ &= static_cast<std::uint8_t>(~kReady);
  drive_.write(first, std::move(bytes), [this, error](const Result<void>& result) {
    status_ |= kReady;
    if (result) return;
    log::warn("{}: {}", full_path(), result.error().message);
    status_ |= error;
  });
}

void CfiFlash::program_word(const Piece& piece) {
  next_ = Next::kCommand;
  if (!may_change(piece.offset, kProgramError)) return;
  apply(piece);
  keep(piece.offset, piece.size, kProgramError);
}

void CfiFlash::erase(std::uint64_t offset, std::uint8_t code) {
  if (code != kConfirm) return sequence_error();
  next_ = Next::kCommand;
  if (!may_change(offset, kEraseError)) return;
  const std::uint64_t first = offset - offset % config_.block_size;
  for (std::uint64_t done = 0; done < config_.block_size; done += 8)
    memory::store_guest_aligned(at(first + done), 8, ~std::uint64_t{0});
  keep(first, config_.block_size, kEraseError);
}

void CfiFlash::lock(std::uint64_t offset, std::uint8_t code) {
  next_ = Next::kCommand;
  Lock& now = lock_of(offset);
  switch (code) {
    case kLock:
      if (now == Lock::kOpen) now = Lock::kLocked;
      return;
    case kUnlock:
      if (now == Lock::kLocked) now = Lock::kOpen;
      return;
    case kLockDown:
      now = Lock::kDown;
      return;
    default:
      sequence_error();
  }
}

// SPEC: J3 11.1: the count is one less than the words of the bus that follow.
void CfiFlash::take_count(std::uint64_t value) {
  const std::uint32_t words = static_cast<std::uint16_t>(value) + 1U;
  if (words > kBufferWords) return sequence_error();
  buffer_.clear();
  words_left_ = words;
  next_ = Next::kBufferData;
}

void CfiFlash::take_data(const Piece& piece) {
  buffer_.push_back(piece);
  words_left_ -= 1;
  if (words_left_ == 0) next_ = Next::kBufferConfirm;
}

void CfiFlash::program_buffer(std::uint8_t code) {
  const auto pieces = std::exchange(buffer_, {});
  const auto [low, high] = std::ranges::minmax_element(pieces, {}, &Piece::offset);
  const bool one_block = low->offset / config_.block_size == high->offset / config_.block_size;
  if (code != kConfirm || !one_block) return sequence_error();
  next_ = Next::kCommand;
  if (!may_change(low->offset, kProgramError)) return;
  for (const Piece& piece : pieces) apply(piece);
  keep(low->offset, high->offset + high->size - low->offset, kProgramError);
}

void CfiFlash::on_reset(hw::ResetPhase phase) {
  if (phase != hw::ResetPhase::kEnter) return;
  buffer_.clear();
  show(Mode::kArray);
}

}  // namespace holdfast::devices
