// SPDX-License-Identifier: Apache-2.0
#include "holdfast/accel/hart_gang.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "holdfast/base/check.hpp"

namespace holdfast::accel {

HartGang::HartGang(Threads threads, Names names) : names_{names} {
  if (threads == Threads::kOneEach) return;
  HartRota::Options options;
  if (names == Names::kShown) options.name = "ALL CPUs/TCG";
  rota_.emplace(std::move(options));
  join(*rota_);
}

// As others of this field name them, whose users look for that. At most 15 characters are shown.
std::string HartGang::thread_name(std::uint64_t hart) const {
  return names_ == Names::kShown ? fmt::format("CPU {}/TCG", hart) : std::string{};
}

void HartGang::hold() {
  const LockGuard guard{mutex_};
  ++pauses_;
  for (HartRunner* runner : runners_) runner->request_pause();
}

// The harts are asked all at once and then waited for, so that a slice is waited for once.
void HartGang::pause() {
  hold();
  std::vector<HartRunner*> runners;
  {
    const LockGuard guard{mutex_};
    runners = runners_;
  }
  for (HartRunner* runner : runners) runner->wait_paused();
}

void HartGang::resume() {
  const LockGuard guard{mutex_};
  HF_CHECK(pauses_ > 0, "the harts are resumed, but not paused");
  --pauses_;
  for (HartRunner* runner : runners_) runner->resume();
}

void HartGang::join(HartRunner& runner) {
  const LockGuard guard{mutex_};
  for (unsigned i = 0; i < pauses_; ++i) runner.request_pause();
  runners_.push_back(&runner);
}

void HartGang::leave(HartRunner& runner) {
  const LockGuard guard{mutex_};
  std::erase(runners_, &runner);
}

}  // namespace holdfast::accel
