// SPDX-License-Identifier: Apache-2.0
// The thread that talks to a server of network block devices, and its connection: the inside of Nbd.
//
// nbd_link.cpp makes and keeps the connection; nbd_commands.cpp is what is asked over it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "holdfast/base/descriptor.hpp"
#include "holdfast/base/mutex.hpp"
#include "holdfast/block/libnbd.hpp"
#include "holdfast/block/nbd.hpp"

namespace holdfast::block {

struct CloseNbd {
  const LibNbd* library = nullptr;
  void operator()(nbd_handle* handle) const { library->close(handle); }
};
using NbdHandle = std::unique_ptr<nbd_handle, CloseNbd>;

class NbdLink : public std::enable_shared_from_this<NbdLink> {
 public:
  struct Facts {
    std::uint64_t size = 0;
    bool read_only = false;
  };

  NbdLink(Nbd::Options options, const LibNbd& library) : options_{std::move(options)}, library_{library} {}

  Result<void> open();
  /// Starts the thread, and waits until it is connected or cannot be.
  Result<Facts> connect() HF_EXCLUDES(mutex_);
  void start(Ref<Request> request) HF_EXCLUDES(mutex_);
  void drop_cancelled() HF_EXCLUDES(mutex_);
  /// By the back-end, at its end.
  void end() HF_EXCLUDES(mutex_);

 private:
  using Clock = std::chrono::steady_clock;
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
    Job job{};  // without a request: nobody wants it any more
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

  const Nbd::Options options_;
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
  NbdHandle handle_{};
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

}  // namespace holdfast::block
