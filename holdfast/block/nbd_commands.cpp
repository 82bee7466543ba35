// SPDX-License-Identifier: Apache-2.0
#include "holdfast/block/nbd_link.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>

#include "holdfast/base/schedule_point.hpp"
#include "holdfast/block/engine.hpp"
#include "holdfast/memory/guest_bytes.hpp"

namespace holdfast::block {
namespace {

constexpr std::size_t kMostNbdFlights = 64;
constexpr std::uint64_t kStretch = 1U << 20U;  // a server need not take longer commands

/// The bytes of a write, from `skip` on.
void gather(const Order& order, std::uint64_t skip, std::span<std::byte> into) {
  for (std::span<std::byte> piece : order.bytes) {
    const auto skipped = std::min<std::uint64_t>(skip, piece.size());
    piece = piece.subspan(skipped);
    skip -= skipped;
    piece = piece.first(std::min(piece.size(), into.size()));
    memory::copy_guest_bytes(into.data(), piece.data(), piece.size());
    into = into.subspan(piece.size());
  }
}

/// What was read, to where it is wanted, from `skip` on.
void scatter(const Order& order, std::uint64_t skip, std::span<const std::byte> from) {
  for (std::span<std::byte> piece : order.bytes) {
    const auto skipped = std::min<std::uint64_t>(skip, piece.size());
    piece = piece.subspan(skipped);
    skip -= skipped;
    piece = piece.first(std::min(piece.size(), from.size()));
    memory::copy_guest_bytes(piece.data(), from.data(), piece.size());
    from = from.subspan(piece.size());
  }
}

}  // namespace

void NbdLink::issue() {
  while (!jobs_.empty() && flights_.size() < kMostNbdFlights) {
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    HF_SCHEDULE_POINT("block.nbd.before_request");
    if (const auto early = settled(*job.request))
      finish(std::move(job), *early);
    else if (const auto here = without_server(job.request->order()); here && !job.flushing)
      finish(std::move(job), *here);
    else if (!issue(std::move(job)))
      return;
  }
}

/// What the server has nothing to do for.
std::optional<IoResult> NbdLink::without_server(const Order& order) const {
  switch (order.kind) {
    case Order::Kind::kFlush:
      if (options_.cache == Cache::kUnsafe || !can_flush_) return IoResult{};
      break;
    case Order::Kind::kDiscard:
      if (options_.discard == Discard::kIgnore || !can_trim_) return IoResult{};
      break;
    default: break;
  }
  return std::nullopt;
}

/// Whether it is a write that lasts when it is completed.
bool NbdLink::is_to_last(const Order& order) const {
  if (order.kind != Order::Kind::kWrite && order.kind != Order::Kind::kWriteZeroes) return false;
  if (options_.cache == Cache::kUnsafe) return false;
  return order.durability == Order::Durability::kStable ||
         options_.cache == Cache::kWriteThrough || options_.cache == Cache::kDirectSync;
}

unsigned NbdLink::flags_of(const Order& order) const {
  unsigned flags = 0;
  if (is_to_last(order) && can_fua_) flags |= LIBNBD_CMD_FLAG_FUA;
  if (order.kind == Order::Kind::kWriteZeroes &&
      (order.zeroing == Order::Zeroing::kAllocate || options_.discard == Discard::kIgnore))
    flags |= LIBNBD_CMD_FLAG_NO_HOLE;
  return flags;
}

/// False if the connection is dead.
bool NbdLink::issue(Job job) {
  const Order& order = job.request->order();
  const std::uint64_t number = next_number_++;
  const std::uint64_t at = order.offset + job.done;
  const std::uint64_t length = std::min(order.length - job.done, kStretch);
  const auto kind = job.flushing ? Order::Kind::kFlush : order.kind;
  const bool has_bytes = kind == Order::Kind::kRead || kind == Order::Kind::kWrite ||
                         (kind == Order::Kind::kWriteZeroes && !can_zero_);
  Flight flight{.job = std::move(job), .length = kind == Order::Kind::kFlush ? 0 : length};
  if (has_bytes) flight.buffer.resize(length);
  if (kind == Order::Kind::kWrite) gather(order, flight.job.done, flight.buffer);
  const auto [place, fresh] = flights_.emplace(number, std::move(flight));
  std::byte* const bytes = place->second.buffer.data();

  struct Landed {
    NbdLink* link;  // whose handle the command belongs to, and ends with
    std::uint64_t number;
  };
  const nbd_completion_callback callback{
      .callback =
          [](void* data, int* error) {
            const auto& landed = *static_cast<Landed*>(data);
            landed.link->landings_.push_back({landed.number, *error});
            return 1;  // it need not be asked about
          },
      .user_data = new Landed{this, number},
      .free = [](void* data) { delete static_cast<Landed*>(data); }};
  nbd_handle* const handle = handle_.get();
  const unsigned flags = flags_of(order);
  std::int64_t cookie = 0;
  switch (kind) {
    case Order::Kind::kRead: cookie = library_.aio_pread(handle, bytes, length, at, callback, 0); break;
    case Order::Kind::kWrite: cookie = library_.aio_pwrite(handle, bytes, length, at, callback, flags); break;
    case Order::Kind::kWriteZeroes:
      cookie = can_zero_ ? library_.aio_zero(handle, length, at, callback, flags)
                         : library_.aio_pwrite(handle, bytes, length, at, callback,
                                               flags & LIBNBD_CMD_FLAG_FUA);
      break;
    case Order::Kind::kDiscard: cookie = library_.aio_trim(handle, length, at, callback, 0); break;
    case Order::Kind::kFlush: cookie = library_.aio_flush(handle, callback, 0); break;
  }
  if (cookie >= 0) return true;
  const char* const why = library_.get_error();
  if (library_.aio_is_dead(handle) != 0) return false;
  Job refused = std::move(place->second.job);
  flights_.erase(place);
  const IoError error{Failure::kInputOutput,
                      fmt::format("{}: {}", options_.name, why == nullptr ? "a command was refused" : why)};
  finish(std::move(refused), std::unexpected{error});
  return true;
}

void NbdLink::land() {
  const auto landings = std::exchange(landings_, {});
  for (const auto& [number, error] : landings) {
    const auto found = flights_.find(number);
    if (found == flights_.end()) continue;
    Flight flight = std::move(found->second);
    flights_.erase(found);
    if (flight.job.request) land(std::move(flight), error);
  }
  if (std::exchange(shutting_down_, false) && state_ == State::kReady) lost("it is shutting down");
}

void NbdLink::land(Flight flight, int number) {
  HF_SCHEDULE_POINT("block.nbd.landed");
  Job job = std::move(flight.job);
  const Order& order = job.request->order();
  // The library's word for a connection that was lost, and the server's for one that soon will be.
  if (number == ENOTCONN || number == ESHUTDOWN) {
    shutting_down_ = shutting_down_ || number == ESHUTDOWN;
    return ask_again(std::move(job));
  }
  if (number != 0) {
    IoError why = error(number, order);
    return finish(std::move(job), std::unexpected{why});
  }
  if (order.kind == Order::Kind::kRead) scatter(order, job.done, flight.buffer);
  job.done += flight.length;
  const bool all = job.flushing || order.kind == Order::Kind::kFlush || job.done >= order.length;
  if (all && is_to_last(order) && !job.flushing && !can_fua_ && can_flush_) {
    job.flushing = true;
    jobs_.push_front(std::move(job));
  } else if (all) {
    finish(std::move(job), {});
  } else {
    jobs_.push_front(std::move(job));
  }
}

void NbdLink::finish(Job job, const IoResult& result) { job.request->finish(result); }

/// A command of theirs stays with the server, and its buffer with it.
void NbdLink::drop_cancelled_jobs() {
  std::vector<Ref<Request>> gone;
  for (auto& [number, flight] : flights_)
    if (flight.job.request && flight.job.request->is_cancelled())
      gone.push_back(std::exchange(flight.job.request, {}));
  std::erase_if(jobs_, [&](const Job& job) {
    if (job.request->is_cancelled()) gone.push_back(job.request);
    return job.request->is_cancelled();
  });
  for (const auto& request : gone) request->finish(cancelled());
}

void NbdLink::give_up_late_jobs() {
  const auto now = Clock::now();
  std::deque<Job> late;
  for (auto it = jobs_.begin(); it != jobs_.end();) {
    if (!it->tried || it->give_up > now) {
      ++it;
    } else {
      late.push_back(std::move(*it));
      it = jobs_.erase(it);
    }
  }
  for (Job& job : late) {
    const IoError why{Failure::kInputOutput,
                      fmt::format("{}: the server is not there: {}", options_.name, last_error_)};
    finish(std::move(job), std::unexpected{why});
  }
}

IoError NbdLink::error(int number, const Order& order) const {
  const Failure failure = number == ENOSPC   ? Failure::kNoSpace
                          : number == EPERM || number == EROFS ? Failure::kReadOnly
                          : number == EOPNOTSUPP ? Failure::kUnsupported
                                                 : Failure::kInputOutput;
  return {failure, fmt::format("{}: the server cannot {} {} bytes at {}: {}", options_.name,
                               to_string(order.kind), order.length, order.offset,
                               std::strerror(number))};
}

}  // namespace holdfast::block
