// SPDX-License-Identifier: Apache-2.0
// Commands for I/O: each is checked in full, then begun, then waits for what the back-end says.
// SPEC: NVM Express 1.4, chapter 6.
#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "holdfast/devices/storage/nvme/controller.hpp"
#include "holdfast/devices/storage/nvme/errand.hpp"
#include "holdfast/memory/guest_bytes.hpp"

namespace holdfast::devices::nvme {
namespace {

using Kind = block::Order::Kind;

// Host memory for transfers that cannot go straight to RAM; a single one may have more, alone.
constexpr std::uint64_t kBounceBytes = 1U << 20U;

// What this many bytes take to be looked at, page by page, is counted as a command of its own.
constexpr std::uint64_t kBytesLikeACommand = 1U << 19U;

constexpr std::uint32_t kForceUnitAccess = 1U << 30U;  // dword 12
constexpr std::uint32_t kMayDeallocate = 1U << 25U;    // the same, of write zeroes
constexpr std::uint32_t kDeallocate = 1U << 2U;        // dword 11, of dataset management

std::uint64_t first_block(const Submission& entry) { return entry.pair(10); }
std::uint64_t block_count(const Submission& entry) { return (entry.dw[12] & 0xffffU) + 1; }

Status status_of(Kind kind, const block::IoResult& result) {
  if (result) return Status::kSuccess;
  switch (result.error().failure) {
    case block::Failure::kReadOnly: return Status::kWriteProtected;
    case block::Failure::kOutOfRange: return Status::kLbaOutOfRange;
    case block::Failure::kCancelled: return Status::kAbortRequested;
    case block::Failure::kUnsupported:
      // To discard is a hint, which may be ignored.
      return kind == Kind::kDiscard ? Status::kSuccess : Status::kInternalError;
    case block::Failure::kNoSpace:
    case block::Failure::kInputOutput: break;
  }
  return kind == Kind::kRead ? Status::kUnrecoveredReadError
         : kind == Kind::kFlush ? Status::kInternalError
                                : Status::kWriteFault;
}

bool is_same(std::span<const std::byte> read, const Transfer& transfer) {
  std::array<std::byte, 4096> given;  // guest memory, which may change meanwhile
  for (std::span<const std::byte> piece : transfer.bytes()) {
    while (!piece.empty()) {
      const std::size_t length = std::min(piece.size(), given.size());
      memory::copy_guest_bytes(given.data(), piece.data(), length);
      if (std::memcmp(read.data(), given.data(), length) != 0) return false;
      read = read.subspan(length);
      piece = piece.subspan(length);
    }
  }
  return true;
}

}  // namespace

Controller::Answer Controller::io(std::uint16_t queue, const Submission& entry) {
  Command command{.entry = entry, .queue = queue};
  const Status status = check_io(command);
  if (status != Status::kSuccess) return Completion{.status = status};
  if (config_.injection.error_every != 0 && --until_error_ == 0) {
    until_error_ = config_.injection.error_every;
    return Completion{.status = static_cast<Status>(config_.injection.error_status)};
  }
  const CommandId id = next_++;
  commands_.emplace(id, std::move(command));
  if (config_.injection.delay_ns == 0) {
    launch(id);
  } else {
    const std::uint64_t due = wiring_.now_ns() + config_.injection.delay_ns;
    delayed_.emplace(due, id);
    wiring_.wake_at(delayed_.begin()->first);
  }
  return std::nullopt;
}

void Controller::time_passed() {
  const std::uint64_t now = wiring_.now_ns();
  while (!delayed_.empty() && delayed_.begin()->first <= now) {
    const CommandId id = delayed_.begin()->second;
    delayed_.erase(delayed_.begin());
    launch(id);
  }
  if (!delayed_.empty()) wiring_.wake_at(delayed_.begin()->first);
  tell_host();
}

// --- checks ----------------------------------------------------------------------------------------

Status Controller::check_io(Command& command) {
  const Submission& entry = command.entry;
  const auto opcode = static_cast<IoOpcode>(entry.opcode());
  switch (opcode) {
    case IoOpcode::kFlush:
    case IoOpcode::kWrite:
    case IoOpcode::kRead:
    case IoOpcode::kCompare:
    case IoOpcode::kWriteZeroes:
    case IoOpcode::kDatasetManagement: break;
    default: return Status::kInvalidOpcode;
  }
  const std::uint32_t id = entry.namespace_id();
  const bool is_for_all = opcode == IoOpcode::kFlush && id == kAllNamespaces;
  if (is_for_all) return check_flush(command);
  if (id == 0 || id > kMaxNamespaces) return Status::kInvalidNamespace;
  auto target = namespaces_->find(id);
  if (!target) return Status::kInvalidField;  // SPEC: 6.1.4: one that could be there and is not
  command.targets.push_back(std::move(target));
  switch (opcode) {
    case IoOpcode::kFlush: return check_flush(command);
    case IoOpcode::kWriteZeroes: return check_zeroes(command);
    case IoOpcode::kDatasetManagement: return check_ranges(command);
    default: return check_transfer(command);
  }
}

Status Controller::check_flush(Command& command) {
  if (command.targets.empty()) command.targets = namespaces_->all();
  command.order.kind = Kind::kFlush;
  return Status::kSuccess;
}

Status Controller::check_blocks(const Namespace& target, std::uint64_t first,
                                std::uint64_t count) const {
  return target.geometry().has(first, count) ? Status::kSuccess : Status::kLbaOutOfRange;
}

Status Controller::check_transfer(Command& command) {
  const Submission& entry = command.entry;
  const Geometry& geometry = command.targets.front()->geometry();
  const auto opcode = static_cast<IoOpcode>(entry.opcode());
  const std::uint64_t length = block_count(entry) << geometry.block_bits;
  const unsigned limit = config_.identity.transfer_limit;
  if (limit != 0 && length > std::uint64_t{4096} << limit) return Status::kInvalidField;
  if (const Status status = check_blocks(*command.targets.front(), first_block(entry), block_count(entry));
      status != Status::kSuccess)
    return status;
  if (opcode == IoOpcode::kWrite && geometry.read_only) return Status::kWriteProtected;
  command.direction = opcode == IoOpcode::kRead ? Direction::kToHost : Direction::kFromHost;
  charge(length / kBytesLikeACommand);
  auto scatter = walk(reach_, entry, wanted(length, *command.direction, Pointers::kAny));
  if (!scatter) return scatter.error();
  command.scatter = *std::move(scatter);
  const bool is_stable = (entry.dw[12] & kForceUnitAccess) != 0 || !features_.write_cache();
  command.order = {.kind = opcode == IoOpcode::kWrite ? Kind::kWrite : Kind::kRead,
                   .offset = first_block(entry) << geometry.block_bits,
                   .length = length,
                   .durability = is_stable ? block::Order::Durability::kStable
                                           : block::Order::Durability::kCached};
  return Status::kSuccess;
}

Status Controller::check_zeroes(Command& command) {
  const Submission& entry = command.entry;
  const Geometry& geometry = command.targets.front()->geometry();
  if (const Status status = check_blocks(*command.targets.front(), first_block(entry), block_count(entry));
      status != Status::kSuccess)
    return status;
  if (geometry.read_only) return Status::kWriteProtected;
  const bool is_stable = (entry.dw[12] & kForceUnitAccess) != 0 || !features_.write_cache();
  command.order = {.kind = Kind::kWriteZeroes,
                   .offset = first_block(entry) << geometry.block_bits,
                   .length = block_count(entry) << geometry.block_bits,
                   .durability = is_stable ? block::Order::Durability::kStable
                                           : block::Order::Durability::kCached,
                   .zeroing = (entry.dw[12] & kMayDeallocate) != 0
                                  ? block::Order::Zeroing::kMayDiscard
                                  : block::Order::Zeroing::kAllocate};
  return Status::kSuccess;
}

// Dataset management: all ranges are looked at before anything is done.
Status Controller::check_ranges(Command& command) {
  constexpr std::size_t kRangeBytes = 16;
  const Submission& entry = command.entry;
  const Geometry& geometry = command.targets.front()->geometry();
  std::array<std::byte, 256 * kRangeBytes> bytes{};
  const std::size_t count = (entry.dw[10] & 0xffU) + 1;
  const auto list = std::span{bytes}.first(count * kRangeBytes);
  const auto scatter =
      walk(reach_, entry, wanted(list.size(), Direction::kFromHost, Pointers::kAny));
  if (!scatter) return scatter.error();
  if (const Status status = copy_from_host(reach_, *scatter, list); status != Status::kSuccess)
    return status;
  const bool deallocates = (entry.dw[11] & kDeallocate) != 0;
  if (deallocates && geometry.read_only) return Status::kWriteProtected;
  for (std::size_t i = 0; i < count; ++i) {
    const auto range = list.subspan(i * kRangeBytes, kRangeBytes);
    const std::uint64_t length = number_at<std::uint32_t>(range, 4);
    const auto first = number_at<std::uint64_t>(range, 8);
    if (!geometry.has(first, length)) return Status::kLbaOutOfRange;
    const auto extent =
        Extent::of_size(first << geometry.block_bits, length << geometry.block_bits);
    if (deallocates && extent) command.ranges.push_back(*extent);
  }
  command.order.kind = Kind::kDiscard;
  return Status::kSuccess;
}

// --- begun -----------------------------------------------------------------------------------------

void Controller::launch(CommandId id) {
  Command& command = commands_.at(id);
  if (const auto direction = command.direction)
    launch_data(id, command, *direction);
  else
    launch_parts(id, command);
}

/// If the drive is going, the errand itself says so.
void Controller::submit(const Namespace& target, block::Order order, Errand::Luggage luggage) {
  target.submit(std::move(order), [errand = Errand{*this, home_, std::move(luggage)}](
                                      const block::IoResult& result) mutable { errand.done(result); });
}

bool Controller::has_room_to_bounce(std::uint64_t bytes) const {
  return bytes == 0 || bouncing_ == 0 || bouncing_ + bytes <= kBounceBytes;
}

void Controller::launch_data(CommandId id, Command& command, Direction direction) {
  const bool compares = static_cast<IoOpcode>(command.entry.opcode()) == IoOpcode::kCompare;
  Transfer transfer{reach_, command.scatter, direction, who(command)};
  const std::uint64_t buffers = transfer.bounced() + (compares ? command.order.length : 0);
  const bool is_next = !starved_.empty() && starved_.front() == id;
  if (!has_room_to_bounce(buffers) || (buffers != 0 && !starved_.empty() && !is_next)) {
    if (!is_next) starved_.push_back(id);  // launched for the first time
    return;
  }
  if (is_next) starved_.pop_front();
  command.stage = Command::Stage::kBegun;
  command.bounced = buffers;
  bouncing_ += command.bounced;
  command.parts = 1;
  if (const Status status = transfer.begin(reach_); status != Status::kSuccess)
    return returned(id, status);
  Errand::Luggage luggage{.command = id};
  if (compares) luggage.read.resize(static_cast<std::size_t>(command.order.length));
  block::Order order = command.order;
  order.bytes = compares ? std::vector{std::span{luggage.read}} : transfer.bytes();
  luggage.transfer = std::move(transfer);
  submit(*command.targets.front(), std::move(order), std::move(luggage));
}

void Controller::launch_parts(CommandId id, Command& command) {
  command.stage = Command::Stage::kBegun;
  const bool has_ranges = command.order.kind == Kind::kDiscard;
  command.parts = 1;  // itself, so that it does not end before all are on their way
  for (const auto& target : std::vector{command.targets}) {
    if (!has_ranges) {
      ++command.parts;
      submit(*target, command.order, {.command = id});
      continue;
    }
    for (const Extent& range : std::vector{command.ranges}) {
      ++command.parts;
      submit(*target, {.kind = Kind::kDiscard, .offset = range.first, .length = range.span() + 1},
             {.command = id});
    }
  }
  returned(id, Status::kSuccess);
}

// One that fails at once is the end of a command, too, and comes here again: the loop above goes on.
void Controller::launch_starved() {
  if (std::exchange(launching_, true)) return;
  while (!starved_.empty()) {
    const CommandId id = starved_.front();
    launch(id);
    if (!starved_.empty() && starved_.front() == id) break;  // still no room
  }
  launching_ = false;
}

// --- come back -------------------------------------------------------------------------------------

Status Controller::judge(const Command& command, Errand::Luggage& luggage,
                         const block::IoResult& result) {
  const Status status = status_of(command.order.kind, result);
  if (static_cast<IoOpcode>(command.entry.opcode()) == IoOpcode::kCompare && command.direction &&
      status == Status::kSuccess && !is_same(luggage.read, luggage.transfer))
    return Status::kCompareFailure;
  // Nobody wants what comes for a queue that is gone.
  const bool is_wanted = status == Status::kSuccess && command.stage != Command::Stage::kOrphan;
  const Status moved = luggage.transfer.end(
      reach_, is_wanted ? Transfer::Outcome::kFilled : Transfer::Outcome::kNothing);
  return status == Status::kSuccess ? moved : status;
}

void Controller::returned(Errand::Luggage luggage, const block::IoResult& result) {
  const CommandId id = luggage.command;
  const Command& command = commands_.at(id);
  const Status status = judge(command, luggage, result);
  const bool is_posted = command.bounced != 0 && command.direction == Direction::kToHost;
  if (!is_posted) return returned(id, status);
  // Data on their way to another device arrive before the completion does.
  Home::go(home_, [this, id, status] {
    returned(id, status);
    tell_host();
  });
}

void Controller::returned(CommandId id, Status status) {
  Command& command = commands_.at(id);
  if (command.outcome == Status::kSuccess) command.outcome = status;
  if (--command.parts != 0) return;
  complete(id);
}

void Controller::complete(CommandId id) {
  const auto found = commands_.find(id);
  const Command command = std::move(found->second);
  commands_.erase(found);
  bouncing_ -= command.bounced;
  if (command.shutdown != 0) {
    if (command.shutdown == shutdown_) --flushing_;
    shut_down_if_flushed();
  } else if (command.stage != Command::Stage::kOrphan) {
    if (command.outcome == Status::kSuccess)
      count(command);
    else
      note_mishap(command.queue, command.entry, command.outcome);
    post(command.queue, command.entry.id(), {.status = command.outcome});
  }
  if (command.bounced != 0) launch_starved();
  stopped_if_idle();
}

void Controller::count(const Command& command) {
  switch (command.order.kind) {
    case Kind::kRead:
      ++counts_.reads;
      counts_.bytes_read += command.order.length;
      break;
    case Kind::kWrite:
      ++counts_.writes;
      counts_.bytes_written += command.order.length;
      break;
    default: break;
  }
}

}  // namespace holdfast::devices::nvme
