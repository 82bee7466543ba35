// SPDX-License-Identifier: Apache-2.0
#include "holdfast/block/nbd.hpp"

#include <fmt/core.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <map>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "holdfast/base/descriptor.hpp"
#include "holdfast/base/mutex.hpp"
#include "holdfast/base/schedule_point.hpp"
#include "holdfast/block/engine.hpp"
#include "holdfast/block/libnbd.hpp"
#include "holdfast/memory/guest_bytes.hpp"

namespace holdfast::block {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMostFlights = 64;
constexpr std::uint64_t kStretch = 1U << 20U;  // a server need not take longer commands
constexpr std::chrono::milliseconds kBetweenAttempts{100};

struct Close {
  const LibNbd* library = nullptr;
  void operator()(nbd_handle* handle) const { library->close(handle); }
};
using Handle = std::unique_ptr<nbd_handle, Close>;

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

/// The thread and the connection.
class Nbd::Link : public std::enable_shared_from_this<Link> {
 public:
  struct Facts {
    std::uint64_t size = 0;
    bool read_only = false;
  };

  Link(Options options, const LibNbd& library) : options_{std::move(options)}, library_{library} {}

  Result<void> open();
  /// Starts the thread, and waits until it is connected or cannot be.
  Result<Facts> connect() HF_EXCLUDES(mutex_);
  void start(Ref<Request> request) HF_EXCLUDES(mutex_);
  void drop_cancelled() HF_EXCLUDES(mutex_);
  /// By the back-end, at its end.
  void end() HF_EXCLUDES(mutex_);

 private:
  /// A request, from when the thread took it until it is completed.
  struct Job {
    Ref<Request> request{};
    Clock::time_point give_up;      // if there is no connection by then, and
    bool tried = false;             // an attempt to make one has failed meanwhile
    bool lost = false;              // with a connection, before
    std::uint64_t done = 0;         // bytes that need not be asked for again
    bool flushing = false;          // done, and being made stable
  };
  /// A command that is with the server.
  struct Flight {
    std::optional<Job> job{};  // none: nobody wants it any more
    std::vector<std::byte> buffer{};
    std::uint64_t length = 0;
  };
  struct Landing {
    std::uint64_t number;
    int error;
  };

  void run();
  bool take() HF_EXCLUDES(mutex_);
  void attend();
  void wait_for_something();
  int patience_ms() const;
  void handle_events(short events);
  void look_after_connection();

  void begin_connecting();
  void connected();
  void lost(const std::string& why);
  void ask_again(Job job);
  void report(Result<Facts> result) HF_EXCLUDES(mutex_);

  void issue();
  bool issue(Job job);
  void land();
  void land(Flight flight, int error);
  void finish(Job job, const IoResult& result);
  void drop_cancelled_jobs();
  void give_up_late_jobs();
  std::optional<IoResult> without_server(const Order& order) const;
  bool is_to_last(const Order& order) const;
  unsigned flags_of(const Order& order) const;
  IoError error(int number, const Order& order) const;

  const Options options_;
  const LibNbd& library_;
  Descriptor wake_;

  Mutex mutex_{LockRank::kLeaf, "nbd"};
  ConditionVariable connected_;
  std::deque<Ref<Request>> waiting_ HF_GUARDED_BY(mutex_);
  std::optional<Result<Facts>> first_ HF_GUARDED_BY(mutex_);  // how the first attempt ended
  bool some_cancelled_ HF_GUARDED_BY(mutex_) = false;
  bool over_ HF_GUARDED_BY(mutex_) = false;
  std::thread thread_ HF_GUARDED_BY(mutex_);

  // The thread's.
  enum class State : std::uint8_t { kNone, kConnecting, kReady };
  State state_ = State::kNone;
  Handle handle_{};
  bool reported_ = false;
  std::optional<std::uint64_t> size_;  // of the export when it was opened
  bool can_flush_ = false, can_fua_ = false, can_trim_ = false, can_zero_ = false;
  Clock::time_point next_attempt_ = Clock::now();
  Clock::time_point attempt_ends_{};
  std::string last_error_ = "not connected";
  std::deque<Job> jobs_;  // not with the server
  std::map<std::uint64_t, Flight> flights_;
  std::uint64_t next_number_ = 0;
  std::vector<Landing> landings_;
  bool shutting_down_ = false;  // the server said so
};

// --- the back-end ----------------------------------------------------------------------------------

Result<Ref<Backend>> Nbd::open(Options options) {
  const LibNbd* const library = TRY(LibNbd::get());
  auto link = std::make_shared<Link>(options, *library);
  const auto nbd = Ref<Nbd>::adopt(new Nbd{std::move(options), std::move(link)});
  TRY(nbd->link_->open());
  const auto facts = nbd->link_->connect();
  if (!facts)
    return fail("{}: cannot connect to {}: {}", nbd->name(), nbd->location(), facts.error().message);
  if (facts->read_only && nbd->access() == Access::kReadWrite)
    return fail("{}: the server at {} only lets it be read; it takes read-only=on", nbd->name(),
                nbd->location());
  nbd->size_ = facts->size;
  return Ref<Backend>::share(nbd.get());
}

Nbd::Nbd(Options options, std::shared_ptr<Link> link)
    : Backend{options.name}, options_{std::move(options)}, link_{std::move(link)} {}

Nbd::~Nbd() { link_->end(); }

std::string Nbd::location() const {
  const std::string server = options_.path.empty()
                                 ? fmt::format("{}:{}", options_.host, options_.port)
                                 : options_.path;
  return fmt::format("'nbd:{}/{}'", server, options_.export_name);
}

void Nbd::start(Ref<Request> request) { link_->start(std::move(request)); }

void Nbd::drop_cancelled() { link_->drop_cancelled(); }

// --- from other threads ----------------------------------------------------------------------------

Result<void> Nbd::Link::open() {
  wake_ = Descriptor{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  if (!wake_) return fail("eventfd: {}", std::strerror(errno));
  return {};
}

Result<Nbd::Link::Facts> Nbd::Link::connect() {
  LockGuard guard{mutex_};
  thread_ = std::thread{[self = shared_from_this()] { self->run(); }};
  const auto until = Clock::now() + options_.open_timeout;
  while (!first_ && Clock::now() < until) connected_.wait_for(mutex_, until - Clock::now());
  if (!first_) return fail("nobody answers within {} ms", options_.open_timeout.count());
  return *first_;
}

namespace {
void kick(const Descriptor& wake) {
  constexpr std::uint64_t kOne = 1;
  [[maybe_unused]] const auto written = ::write(wake.get(), &kOne, sizeof kOne);
}
}  // namespace

void Nbd::Link::start(Ref<Request> request) {
  {
    LockGuard guard{mutex_};
    waiting_.push_back(std::move(request));
  }
  kick(wake_);
}

void Nbd::Link::drop_cancelled() {
  {
    LockGuard guard{mutex_};
    some_cancelled_ = true;
  }
  kick(wake_);
}

void Nbd::Link::end() {
  std::thread thread;
  {
    LockGuard guard{mutex_};
    over_ = true;
    thread = std::move(thread_);
  }
  if (!thread.joinable()) return;
  kick(wake_);
  if (thread.get_id() == std::this_thread::get_id())
    thread.detach();
  else
    thread.join();
}

// --- the thread ------------------------------------------------------------------------------------

void Nbd::Link::run() {
  begin_connecting();
  while (take()) {
    attend();
    wait_for_something();
    land();
  }
  // Nobody waits for what is still with the server.
  if (state_ == State::kReady) library_.aio_disconnect(handle_.get(), 0);
  handle_.reset();
}

/// False at the end.
bool Nbd::Link::take() {
  std::deque<Ref<Request>> fresh;
  bool cancelled = false;
  {
    LockGuard guard{mutex_};
    if (over_) return false;
    fresh = std::exchange(waiting_, {});
    cancelled = std::exchange(some_cancelled_, false);
  }
  for (auto& request : fresh) {
    // Decided, or cancelled on its way here: that is said at once, be there a server or not.
    if (const auto early = settled(*request))
      request->finish(*early);
    else
      jobs_.push_back(
          {.request = std::move(request), .give_up = Clock::now() + options_.reconnect_delay});
  }
  if (cancelled) drop_cancelled_jobs();
  return true;
}

void Nbd::Link::attend() {
  if (state_ == State::kNone) give_up_late_jobs();
  if (state_ == State::kNone && !jobs_.empty() && Clock::now() >= next_attempt_) begin_connecting();
  if (state_ == State::kConnecting && Clock::now() >= attempt_ends_) lost("nobody answers");
  if (state_ == State::kNone) give_up_late_jobs();
  if (state_ == State::kReady) issue();
  look_after_connection();
}

void Nbd::Link::wait_for_something() {
  std::array<pollfd, 2> watched{pollfd{.fd = wake_.get(), .events = POLLIN, .revents = 0},
                                pollfd{.fd = -1, .events = 0, .revents = 0}};
  if (state_ != State::kNone) {
    const unsigned direction = library_.aio_get_direction(handle_.get());
    watched[1].fd = library_.aio_get_fd(handle_.get());
    if ((direction & LIBNBD_AIO_DIRECTION_READ) != 0) watched[1].events |= POLLIN;
    if ((direction & LIBNBD_AIO_DIRECTION_WRITE) != 0) watched[1].events |= POLLOUT;
  }
  ::poll(watched.data(), watched.size(), patience_ms());
  if ((watched[0].revents & POLLIN) != 0) {
    std::uint64_t times = 0;
    [[maybe_unused]] const auto got = ::read(wake_.get(), &times, sizeof times);
  }
  if (state_ != State::kNone && watched[1].revents != 0) handle_events(watched[1].revents);
}

/// How long there is nothing to do but for what comes; -1: for ever.
int Nbd::Link::patience_ms() const {
  if (!landings_.empty()) return 0;
  if (state_ == State::kReady || (state_ == State::kNone && jobs_.empty())) return -1;
  const auto until = state_ == State::kNone ? next_attempt_ : attempt_ends_;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
  return static_cast<int>(std::max<std::int64_t>(left.count(), 0));
}

void Nbd::Link::handle_events(short events) {
  const unsigned direction = library_.aio_get_direction(handle_.get());
  if ((events & (POLLIN | POLLHUP | POLLERR)) != 0 && (direction & LIBNBD_AIO_DIRECTION_READ) != 0)
    library_.aio_notify_read(handle_.get());
  else if ((events & (POLLOUT | POLLHUP | POLLERR)) != 0 &&
           (direction & LIBNBD_AIO_DIRECTION_WRITE) != 0)
    library_.aio_notify_write(handle_.get());
  look_after_connection();
}

void Nbd::Link::look_after_connection() {
  if (state_ == State::kNone) return;
  nbd_handle* const handle = handle_.get();
  if (library_.aio_is_dead(handle) != 0 || library_.aio_is_closed(handle) != 0) {
    const char* const why = library_.get_error();
    lost(why == nullptr ? "the connection was closed" : why);
  } else if (state_ == State::kConnecting && library_.aio_is_ready(handle) != 0) {
    connected();
  }
}

// --- the connection --------------------------------------------------------------------------------

void Nbd::Link::begin_connecting() {
  next_attempt_ = Clock::now() + kBetweenAttempts;
  attempt_ends_ = Clock::now() + options_.open_timeout;
  state_ = State::kConnecting;
  handle_ = Handle{library_.create(), Close{&library_}};
  const auto begun = [&] {
    if (!handle_) return -1;
    if (library_.set_export_name(handle_.get(), options_.export_name.c_str()) != 0) return -1;
    return options_.path.empty()
               ? library_.aio_connect_tcp(handle_.get(), options_.host.c_str(), options_.port.c_str())
               : library_.aio_connect_unix(handle_.get(), options_.path.c_str());
  };
  if (begun() != 0) {
    const char* const why = library_.get_error();
    lost(why == nullptr ? "it cannot begin" : why);
  }
}

void Nbd::Link::connected() {
  nbd_handle* const handle = handle_.get();
  const auto size = library_.get_size(handle);
  if (size < 0) return lost("the export has no size");
  if (size_ && *size_ != static_cast<std::uint64_t>(size))
    return lost(fmt::format("the export has {} bytes now; it had {}", size, *size_));
  size_ = static_cast<std::uint64_t>(size);
  can_flush_ = library_.can_flush(handle) > 0;
  can_fua_ = library_.can_fua(handle) > 0;
  can_trim_ = library_.can_trim(handle) > 0;
  can_zero_ = library_.can_zero(handle) > 0;
  state_ = State::kReady;
  report(Facts{.size = *size_, .read_only = library_.is_read_only(handle) > 0});
}

/// What was with the server is asked again, from where it was, if a connection comes in time. What it had
/// answered before is answered.
void Nbd::Link::lost(const std::string& why) {
  HF_SCHEDULE_POINT("block.nbd.lost");
  last_error_ = why;
  if (std::exchange(state_, State::kNone) == State::kConnecting)
    for (Job& job : jobs_) job.tried = true;
  land();
  handle_.reset();  // which touches the buffers no more
  landings_.clear();
  for (auto it = flights_.rbegin(); it != flights_.rend(); ++it)
    if (it->second.job) ask_again(*std::move(it->second.job));
  flights_.clear();
  report(fail("{}", why));
}

/// One that was lost before may be what the server dies of: its time does not begin anew.
void Nbd::Link::ask_again(Job job) {
  job.tried = std::exchange(job.lost, true);
  if (!job.tried) job.give_up = Clock::now() + options_.reconnect_delay;
  jobs_.push_front(std::move(job));
}

void Nbd::Link::report(Result<Facts> result) {
  if (std::exchange(reported_, true)) return;
  LockGuard guard{mutex_};
  first_ = std::move(result);
  connected_.notify_all();
}

// --- commands --------------------------------------------------------------------------------------

void Nbd::Link::issue() {
  while (!jobs_.empty() && flights_.size() < kMostFlights) {
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
std::optional<IoResult> Nbd::Link::without_server(const Order& order) const {
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
bool Nbd::Link::is_to_last(const Order& order) const {
  if (order.kind != Order::Kind::kWrite && order.kind != Order::Kind::kWriteZeroes) return false;
  if (options_.cache == Cache::kUnsafe) return false;
  return order.durability == Order::Durability::kStable ||
         options_.cache == Cache::kWriteThrough || options_.cache == Cache::kDirectSync;
}

unsigned Nbd::Link::flags_of(const Order& order) const {
  unsigned flags = 0;
  if (is_to_last(order) && can_fua_) flags |= LIBNBD_CMD_FLAG_FUA;
  if (order.kind == Order::Kind::kWriteZeroes &&
      (order.zeroing == Order::Zeroing::kAllocate || options_.discard == Discard::kIgnore))
    flags |= LIBNBD_CMD_FLAG_NO_HOLE;
  return flags;
}

/// False if the connection is dead.
bool Nbd::Link::issue(Job job) {
  const Order& order = job.request->order();
  const std::uint64_t number = next_number_++;
  const std::uint64_t at = order.offset + job.done;
  const std::uint64_t length = std::min(order.length - job.done, kStretch);
  const auto kind = job.flushing ? Order::Kind::kFlush : order.kind;
  const bool has_bytes = kind == Order::Kind::kRead || kind == Order::Kind::kWrite ||
                         (kind == Order::Kind::kWriteZeroes && !can_zero_);
  Flight flight{.job = std::move(job), .length = kind == Order::Kind::kFlush ? 0 : length};
  if (has_bytes) flight.buffer.resize(length);
  if (kind == Order::Kind::kWrite) gather(order, flight.job->done, flight.buffer);
  const auto [place, fresh] = flights_.emplace(number, std::move(flight));
  std::byte* const bytes = place->second.buffer.data();

  struct Landed {
    Link* link;  // whose handle the command belongs to, and ends with
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
  Job refused = *std::move(place->second.job);
  flights_.erase(place);
  const IoError error{Failure::kInputOutput,
                      fmt::format("{}: {}", options_.name, why == nullptr ? "a command was refused" : why)};
  finish(std::move(refused), std::unexpected{error});
  return true;
}

void Nbd::Link::land() {
  const auto landings = std::exchange(landings_, {});
  for (const auto& [number, error] : landings) {
    const auto found = flights_.find(number);
    if (found == flights_.end()) continue;
    Flight flight = std::move(found->second);
    flights_.erase(found);
    if (flight.job) land(std::move(flight), error);
  }
  if (std::exchange(shutting_down_, false) && state_ == State::kReady) lost("it is shutting down");
}

void Nbd::Link::land(Flight flight, int number) {
  HF_SCHEDULE_POINT("block.nbd.landed");
  Job job = *std::move(flight.job);
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

void Nbd::Link::finish(Job job, const IoResult& result) { job.request->finish(result); }

/// A command of theirs stays with the server, and its buffer with it.
void Nbd::Link::drop_cancelled_jobs() {
  std::vector<Ref<Request>> gone;
  for (auto& [number, flight] : flights_)
    if (flight.job && flight.job->request->is_cancelled()) {
      gone.push_back(flight.job->request);
      flight.job.reset();
    }
  std::erase_if(jobs_, [&](const Job& job) {
    if (job.request->is_cancelled()) gone.push_back(job.request);
    return job.request->is_cancelled();
  });
  for (const auto& request : gone) request->finish(*settled(*request));
}

void Nbd::Link::give_up_late_jobs() {
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

IoError Nbd::Link::error(int number, const Order& order) const {
  const Failure failure = number == ENOSPC   ? Failure::kNoSpace
                          : number == EPERM || number == EROFS ? Failure::kReadOnly
                          : number == EOPNOTSUPP ? Failure::kUnsupported
                                                 : Failure::kInputOutput;
  return {failure, fmt::format("{}: the server cannot {} {} bytes at {}: {}", options_.name,
                               to_string(order.kind), order.length, order.offset,
                               std::strerror(number))};
}

}  // namespace holdfast::block
