// SPDX-License-Identifier: Apache-2.0
#include "holdfast/block/uring.hpp"

#include <liburing.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstring>
#include <deque>
#include <thread>
#include <utility>
#include <vector>

#include "holdfast/base/mutex.hpp"
#include "holdfast/base/schedule_point.hpp"
#include "holdfast/block/patience.hpp"
#include "holdfast/block/thread_pool.hpp"

namespace holdfast::block {
namespace {

constexpr std::size_t kMostUringFlights = 128;  // requests with the host at a time
constexpr unsigned kEntries = 2 * kMostUringFlights;
// What a completion is about, where it is no flight.
constexpr std::uint64_t kWake = ~std::uint64_t{0};
constexpr std::uint64_t kCancel = kWake - 1;

// The host tells nobody when it has memory again.
constexpr std::chrono::milliseconds kUntilAskedAgain{10};

}  // namespace

/// What the thread has; its own as long as it runs.
struct Uring::Rig {
  /// A request that is with the host.
  struct Flight {
    Ref<Request> request{};
    Transfer transfer{};
    bool cancelling = false;
  };

  explicit Rig(std::shared_ptr<const HostFile> served)
      : file{std::move(served)},
        rest{[this_file = file](const Order& order) { return this_file->perform(order); }, 1} {}

  Result<void> open(const MakeRing& make_ring);
  void wake();
  /// Something has come; whether the thread has to be woken.
  bool note_news() HF_REQUIRES(mutex) {
    news.fetch_add(1, std::memory_order_relaxed);
    return std::exchange(asleep, false);  // for many that come at once it is woken once
  }
  void run();
  /// What has come, as far as there is room for it; nothing more at the end.
  bool take(std::vector<Ref<Request>>& batch) HF_EXCLUDES(mutex);
  void begin(Ref<Request> request);
  void prepare(io_uring_sqe& entry, std::size_t number);
  void watch_for_wake();
  void cancel_flights();
  void hand_over();
  void wait() HF_EXCLUDES(mutex);
  void land();
  void land(std::size_t number, int result);
  void finish(Flight flight, int result);

  const std::shared_ptr<const HostFile> file;
  Descriptor wake_fd{};

  Mutex mutex{LockRank::kLeaf, "io_uring"};
  std::deque<Ref<Request>> waiting HF_GUARDED_BY(mutex);
  std::atomic<std::uint64_t> news{0};  // changed with the lock held
  bool asleep HF_GUARDED_BY(mutex) = false;
  bool some_cancelled HF_GUARDED_BY(mutex) = false;
  bool over HF_GUARDED_BY(mutex) = false;
  bool begun HF_GUARDED_BY(mutex) = false;
  std::thread thread HF_GUARDED_BY(mutex);

  // The thread's.
  std::unique_ptr<Ring> ring;
  bool refused = false;  // not all was taken: the host is short of something
  std::vector<Flight> flights = std::vector<Flight>(kMostUringFlights);
  std::vector<std::size_t> free_flights;
  std::vector<Ring::Landing> landings;
  std::vector<Finished> done;  // and not told yet
  std::uint64_t seen = 0;      // of the news
  bool more = false;           // has come than there was room for
  // With the host at work, which needs a processor for it, and without.
  Patience patience_with_host;
  Patience patience;

  ThreadPool rest;
};

Result<std::unique_ptr<Engine>> Uring::make(std::shared_ptr<const HostFile> file,
                                            const MakeRing& make_ring) {
  auto rig = std::make_shared<Rig>(std::move(file));
  TRY(rig->open(make_ring));
  return std::unique_ptr<Engine>{new Uring{std::move(rig)}};
}

Uring::Uring(std::shared_ptr<Rig> rig) : rig_{std::move(rig)} {}

Uring::~Uring() {
  std::thread thread;
  {
    LockGuard guard{rig_->mutex};
    rig_->over = true;
    rig_->note_news();
    thread = std::move(rig_->thread);
  }
  if (!thread.joinable()) return;
  rig_->wake();
  if (thread.get_id() == std::this_thread::get_id())
    thread.detach();
  else
    thread.join();
}

void Uring::start(Ref<Request> request) {
  Rig& rig = *rig_;
  {
    LockGuard guard{rig.mutex};
    rig.waiting.push_back(std::move(request));
    if (!std::exchange(rig.begun, true)) rig.thread = std::thread{[shared = rig_] { shared->run(); }};
    if (!rig.note_news()) return;
  }
  rig.wake();
}

void Uring::drop_cancelled() {
  Rig& rig = *rig_;
  {
    LockGuard guard{rig.mutex};
    rig.some_cancelled = true;
    if (!rig.note_news()) return;
  }
  rig.wake();
}

Result<void> Uring::Rig::open(const MakeRing& make_ring) {
  ring = TRY(make_ring(kEntries));
  wake_fd = Descriptor{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  if (!wake_fd) return fail("eventfd: {}", std::strerror(errno));
  for (std::size_t i = kMostUringFlights; i != 0; --i) free_flights.push_back(i - 1);
  return {};
}

void Uring::Rig::wake() {
  constexpr std::uint64_t kOne = 1;
  [[maybe_unused]] const auto written = ::write(wake_fd.get(), &kOne, sizeof kOne);
}

// --- the thread ------------------------------------------------------------------------------------

void Uring::Rig::run() {
  watch_for_wake();
  std::vector<Ref<Request>> batch;
  while (take(batch)) {
    for (auto& request : batch) begin(std::move(request));
    hand_over();
    land();
    block::finish(done);
  }
}

bool Uring::Rig::take(std::vector<Ref<Request>>& batch) {
  batch.clear();
  bool cancel = false;
  {
    LockGuard guard{mutex};
    const std::size_t room = refused ? 0 : free_flights.size();
    while (!waiting.empty() && batch.size() < room) {
      batch.push_back(std::move(waiting.front()));
      waiting.pop_front();
    }
    if (over && waiting.empty() && batch.empty() && free_flights.size() == kMostUringFlights) return false;
    more = !waiting.empty();
    seen = news.load(std::memory_order_relaxed);
    cancel = !refused && std::exchange(some_cancelled, false);
  }
  if (cancel) cancel_flights();
  return true;
}

void Uring::Rig::watch_for_wake() {
  io_uring_sqe& asked = ring->entry();
  io_uring_prep_poll_add(&asked, wake_fd.get(), POLLIN);
  asked.user_data = kWake;
}

void Uring::Rig::begin(Ref<Request> request) {
  HF_SCHEDULE_POINT("block.uring.before_request");
  const Order& order = request->order();
  if (const auto early = settled(*request)) return done.push_back({std::move(request), *early});
  if (file->needs_nothing(order)) return done.push_back({std::move(request)});
  const bool rings = order.kind == Order::Kind::kRead || order.kind == Order::Kind::kWrite ||
                     order.kind == Order::Kind::kFlush;
  if (!rings || order.bytes.size() > IOV_MAX) return rest.start(std::move(request));
  const std::size_t number = free_flights.back();
  free_flights.pop_back();
  flights[number] = {.request = std::move(request), .transfer = Transfer{order}};
  prepare(ring->entry(), number);
}

void Uring::Rig::prepare(io_uring_sqe& asked, std::size_t number) {
  const Flight& flight = flights[number];
  const Order& order = flight.request->order();
  const Transfer& transfer = flight.transfer;
  const auto count = static_cast<unsigned>(transfer.left().size());
  if (order.kind == Order::Kind::kFlush) {
    io_uring_prep_fsync(&asked, file->fd(), IORING_FSYNC_DATASYNC);
  } else if (order.kind == Order::Kind::kRead) {
    io_uring_prep_readv(&asked, file->descriptor_for(transfer), transfer.left().data(), count,
                        transfer.at());
  } else {
    io_uring_prep_writev(&asked, file->descriptor_for(transfer), transfer.left().data(), count,
                         transfer.at());
    asked.rw_flags = file->write_flags(order);
  }
  asked.user_data = number;
}

void Uring::Rig::cancel_flights() {
  for (std::size_t i = 0; i < flights.size(); ++i) {
    Flight& flight = flights[i];
    if (!flight.request || !flight.request->is_cancelled() || std::exchange(flight.cancelling, true))
      continue;
    io_uring_sqe& asked = ring->entry();
    io_uring_prep_cancel64(&asked, i, 0);
    asked.user_data = kCancel;
  }
}

/// Gives the host what is prepared, and sleeps until something is done or has come.
void Uring::Rig::hand_over() {
  const bool was_refused = refused;
  refused = !ring->submit(0);
  block::finish(done);
  if (refused)
    ring->wait(kUntilAskedAgain);
  else if (!was_refused && (!more || free_flights.empty()))  // else not all was looked at
    wait();
}

void Uring::Rig::wait() {
  const auto is_due = [this] {
    return ring->has_landings() || news.load(std::memory_order_relaxed) != seen;
  };
  const bool is_idle = free_flights.size() == kMostUringFlights;
  Patience& mine = is_idle ? patience : patience_with_host;
  if (mine.look_out(is_due)) return;
  {
    LockGuard guard{mutex};
    if (news.load(std::memory_order_relaxed) != seen) return;
    asleep = true;
  }
  const auto began = Patience::Clock::now();
  refused = !ring->submit(1);
  mine.slept(Patience::Clock::now() - began);
  LockGuard guard{mutex};
  asleep = false;
}

void Uring::Rig::land() {
  landings.clear();
  ring->take(landings);
  for (const auto& [what, result] : landings) {
    if (what == kCancel) continue;
    if (what == kWake) {
      std::uint64_t times = 0;
      [[maybe_unused]] const auto got = ::read(wake_fd.get(), &times, sizeof times);
      watch_for_wake();
    } else {
      land(static_cast<std::size_t>(what), result);
    }
  }
}

void Uring::Rig::land(std::size_t number, int result) {
  HF_SCHEDULE_POINT("block.uring.landed");
  Flight& flight = flights[number];
  if (result > 0) flight.transfer.advance(static_cast<std::size_t>(result));
  if (result > 0 && !flight.transfer.is_over() && !flight.request->is_cancelled())
    return prepare(ring->entry(), number);
  free_flights.push_back(number);
  finish(std::exchange(flight, {}), result);
}

void Uring::Rig::finish(Flight flight, int result) {
  auto& [request, transfer, cancelling] = flight;
  const Order& order = request->order();
  const bool is_done = result >= 0 && (order.kind == Order::Kind::kFlush || transfer.is_over());
  if (is_done) return done.push_back({std::move(request)});
  // Interrupted, or not to be done this way.
  const bool is_for_others = result == -EINTR || result == -EAGAIN || result == -ECANCELED ||
                             result == -EINVAL || result == -EOPNOTSUPP;
  if (!request->is_cancelled() && result != 0 && is_for_others)
    return rest.start(std::move(request));
  IoResult how = request->is_cancelled() ? cancelled()
                 : result == 0           ? file->end(order, transfer)
                                         : std::unexpected{file->error(-result, order)};
  done.push_back({std::move(request), std::move(how)});
}

}  // namespace holdfast::block
