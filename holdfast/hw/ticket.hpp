// SPDX-License-Identifier: Apache-2.0
// A ticket follows one device from the request to take it away to the moment when its storage, its
// name and its back-ends are free again:
//
//   requested → severed → drained → reclaimed
//
// or requested → refused, if there is no such device or the guest does not agree. Whoever has the
// ticket can wait, and can ask who is in the way: which threads' uses are inside which gates, who holds
// the device's RAM, and which of its requests are still with the host, since when and from which line.
// A ticket that is done may outlive the machine; every ticket is done before the machine is gone.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/census.hpp"
#include "holdfast/base/mutex.hpp"
#include "holdfast/base/ref.hpp"
#include "holdfast/base/result.hpp"
#include "holdfast/gate/gate.hpp"
#include "holdfast/hw/errand.hpp"
#include "holdfast/memory/ram_block.hpp"

namespace holdfast::hw {

class ControlQueue;

/// What may stay of a device for a while after it has gone.
struct Remains {
  std::vector<Ref<gate::Gate>> gates;
  std::vector<Ref<memory::RamBlock>> blocks;
  std::vector<Ref<Errands>> errands{};  // which the device's claims wait for
};

class Ticket final : public RefCounted<Ticket> {
 public:
  enum class Stage : std::uint8_t { kRequested, kSevered, kDrained, kReclaimed, kRefused };
  using Clock = std::chrono::steady_clock;

  static Ref<Ticket> make(ControlQueue& control, Census& census, std::string path);

  /// Of the device.
  const std::string& path() const { return path_; }
  Stage stage() const { return stage_.load(std::memory_order_acquire); }
  bool done() const { return stage() == Stage::kReclaimed || stage() == Stage::kRefused; }

  /// Waits until reclaimed; an error if it was refused. On the control thread jobs run meanwhile.
  /// Never in a job, gate or section.
  Result<void> wait();
  /// Waits until the stage is reached or passed, or the ticket is refused, or the time is up.
  bool wait_for(Stage stage, std::chrono::milliseconds limit);

  struct Insider {
    std::string device;
    const char* what;
    std::source_location where;
  };
  struct Held {
    std::string block;
    std::string by;
    std::source_location where;
    std::uint64_t since_ns;  // CLOCK_MONOTONIC
  };
  struct Report {
    Stage stage;
    Clock::time_point since;  // when the stage was reached
    std::vector<Insider> insiders;
    std::vector<Held> held;
    std::vector<Errand> errands;
    std::string reason;  // refused: why; requested: whose consent is awaited, if anybody's

    /// "severed for 12 ms; inside /machine/rtc1: mmio read (dispatch.cpp:88)"
    std::string to_string() const;
  };
  Report report() const;

  /// Runs once the ticket is done, on the control thread, or at once if it is. In the order of asking.
  void when_done(std::move_only_function<void()> action);

  // --- for those who take the device away ---------------------------------------------------------
  /// While it is requested: who has to agree.
  void await(std::string whose_consent);
  void note_remains(Remains remains);
  void reach(Stage stage);
  /// The device is destroyed: reclaimed, now or when its errands are over. On the control thread.
  void device_gone();
  /// The machine ends and waits for no errand: reclaimed. On the control thread; nothing if it is done.
  void abandon_errands();
  void refuse(std::string reason);

 private:
  friend class RefCounted<Ticket>;
  Ticket(ControlQueue& control, Census& census, std::string path);
  ~Ticket() = default;
  void last_reference_gone() noexcept { delete this; }
  void enter(Stage stage, std::string reason);
  void errands_over();

  ControlQueue& control_;  // the machine's; not touched once the ticket is done
  const std::string path_;
  std::atomic<Stage> stage_{Stage::kRequested};
  mutable Mutex mutex_{LockRank::kRam, "ticket"};  // read with, never inside, a block's lock
  Clock::time_point since_ HF_GUARDED_BY(mutex_);
  std::string reason_ HF_GUARDED_BY(mutex_);
  Remains remains_ HF_GUARDED_BY(mutex_);
  std::size_t errands_left_ = 0;  // control thread
  std::vector<std::move_only_function<void()>> when_done_ HF_GUARDED_BY(mutex_);
  std::optional<Counted> counted_ HF_GUARDED_BY(mutex_);  // until it is done
};

std::string_view to_string(Ticket::Stage stage);

}  // namespace holdfast::hw
