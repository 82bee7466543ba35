// SPDX-License-Identifier: Apache-2.0
// What requests know of the port that sent them. It outlives the device for as long as one of them is
// with the host, has the claim on the back-end meanwhile, and brings completions through the gate: of
// those that the back-end is done with together, many on one way.
//
// Once dropped it touches neither device nor machine: a request that the host never gives back delays
// the end of neither.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <source_location>
#include <span>
#include <string>
#include <vector>

#include "holdfast/base/census.hpp"
#include "holdfast/base/mutex.hpp"
#include "holdfast/base/ref.hpp"
#include "holdfast/block/backend.hpp"
#include "holdfast/gate/gate.hpp"
#include "holdfast/hw/claim.hpp"
#include "holdfast/hw/errand.hpp"
#include "holdfast/hw/holdback.hpp"

namespace holdfast::block {

/// Of one port; never reused. 0: of nothing, which was asked for too late.
enum class RequestId : std::uint64_t {};

class PortControl final : public Asker {
 public:
  using AllTold = std::move_only_function<void()>;
  /// `all_told`, if it is anything, is called inside the gate behind the completions that were brought
  /// together; never once the port was dropped.
  static Ref<PortControl> make(Ref<Backend> backend, Ref<gate::Gate> gate, hw::Holdback& holdback,
                               std::string path, AllTold all_told);

  Result<void> claim() HF_EXCLUDES(mutex_);
  /// The device did not come to be.
  void release_claim() HF_EXCLUDES(mutex_);

  /// Posts the submission to the thread's outbox.
  RequestId submit(Order order, Request::Completion completion, std::source_location where)
      HF_EXCLUDES(mutex_);
  /// Posts a write that the thread waits for.
  void write(std::uint64_t offset, std::vector<std::byte> bytes,
             std::move_only_function<void(const Result<void>&)> done) HF_EXCLUDES(mutex_);
  bool cancel(RequestId id) HF_EXCLUDES(mutex_);
  void cancel_all() HF_EXCLUDES(mutex_);
  std::size_t in_flight() const HF_EXCLUDES(mutex_);
  /// On return no completion runs or will, unless this thread is inside the gate.
  void drop() HF_EXCLUDES(mutex_);

  // --- for back-ends --------------------------------------------------------------------------------
  /// The host is done: brings the results through the gate, if there still is one.
  void finish(std::span<Finished> done) override HF_EXCLUDES(mutex_);

  // --- for tickets ----------------------------------------------------------------------------------
  std::vector<hw::Errand> errands() const override HF_EXCLUDES(mutex_);
  void when_over(std::move_only_function<void()> action) override HF_EXCLUDES(mutex_);
  void forget() override HF_EXCLUDES(mutex_);

 private:
  PortControl(Ref<Backend> backend, Ref<gate::Gate> gate, hw::Holdback& holdback, std::string path,
              AllTold all_told);
  ~PortControl() override = default;

  /// Gives it a number and notes it as submitted; false if nothing may begin any more.
  bool note(Request& request) HF_EXCLUDES(mutex_);
  /// Inside the gate.
  void tell(const gate::Gate& gate, std::span<Finished> done) HF_EXCLUDES(mutex_);
  /// The gate to pass, with a visit of the machine begun; nothing if the device has gone.
  Ref<gate::Gate> begin_visit(std::optional<hw::Holdback::Visit>& visit) HF_EXCLUDES(mutex_);
  /// Inside the gate: whether the device is to be told of those. It may ask for more then.
  bool begin(std::span<const Finished> done) HF_EXCLUDES(mutex_);
  void told() HF_EXCLUDES(mutex_);
  void ending(RequestId id) HF_REQUIRES(mutex_);
  using Requests = std::deque<Ref<Request>>;
  Requests::iterator find(RequestId id) HF_REQUIRES(mutex_);
  /// All that they owned has gone.
  void end(std::span<const Finished> done) HF_EXCLUDES(mutex_);
  void ended(RequestId id) HF_REQUIRES(mutex_);
  void settle_if_over() HF_REQUIRES(mutex_);
  std::string describe(const Request& request) const;
  bool is_over() const HF_REQUIRES(mutex_) {
    return !gate_ && requests_.empty() && ending_ == 0;
  }

  const Ref<Backend> backend_;
  hw::Holdback& holdback_;  // the machine's: until dropped
  const std::string path_;
  AllTold all_told_;  // the device's
  // The rank of what else brings events from outside; no thread has two of those.
  mutable Mutex mutex_{LockRank::kEventFd, "block port"};
  ConditionVariable told_;
  Ref<gate::Gate> gate_ HF_GUARDED_BY(mutex_);  // until dropped
  hw::Claim claim_ HF_GUARDED_BY(mutex_);
  Requests requests_ HF_GUARDED_BY(mutex_);  // submitted, nobody is being told; by their numbers
  std::size_t ending_ HF_GUARDED_BY(mutex_) = 0;  // of those that are in requests_ no more
  std::uint64_t next_ HF_GUARDED_BY(mutex_) = 1;
  int telling_ HF_GUARDED_BY(mutex_) = 0;  // threads
  std::atomic<std::size_t> untold_{0};     // of those that they have
  std::atomic<bool> dropped_{false};       // for them, who may do it themselves
  bool somebody_waits_ HF_GUARDED_BY(mutex_) = false;  // for that to be none
  std::move_only_function<void()> when_over_ HF_GUARDED_BY(mutex_);
};

}  // namespace holdfast::block
