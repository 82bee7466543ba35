// SPDX-License-Identifier: Apache-2.0
// All harts of a machine: stopped and let go together. Harts join and leave while it works.
// Owned by whoever made the machine; outlives its harts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/accel/hart_rota.hpp"
#include "holdfast/accel/hart_runner.hpp"
#include "holdfast/base/mutex.hpp"
#include "holdfast/hw/cpu_set.hpp"

namespace holdfast::accel {

class HartGang final : public hw::CpuSet {
 public:
  enum class Threads : std::uint8_t {
    kOneEach,    // harts run at the same time
    kOneForAll,  // in turn, always in the same order; the machine's clock is stepped by that thread
  };
  enum class Names : std::uint8_t {
    kNone,
    kShown,  // the host shows which thread is which hart's
  };
  /// Paused, once, until the machine runs.
  explicit HartGang(Threads threads = Threads::kOneEach, Names names = Names::kNone);

  /// What the host shows of the thread that runs a hart; "": nothing of its own.
  std::string thread_name(std::uint64_t hart) const;

  void hold() override;
  void pause() override;
  void resume() override;

  /// The thread that harts share, if they do.
  HartRota* rota() { return rota_ ? &*rota_ : nullptr; }
  /// From here on the runner is paused and resumed with the others; it starts as they are now.
  void join(HartRunner& runner);
  void leave(HartRunner& runner);

 private:
  const Names names_;
  Mutex mutex_{LockRank::kControl, "harts"};
  std::vector<HartRunner*> runners_ HF_GUARDED_BY(mutex_);
  unsigned pauses_ HF_GUARDED_BY(mutex_) = 1;
  std::optional<HartRota> rota_;
};

}  // namespace holdfast::accel
