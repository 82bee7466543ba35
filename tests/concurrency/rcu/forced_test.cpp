// SPDX-License-Identifier: Apache-2.0
// Interleavings of Domain with real threads, forced at schedule points.
#include <gtest/gtest.h>

#include <atomic>
#include <vector>

#include "holdfast/rcu/domain.hpp"
#include "tests/support/schedule.hpp"

namespace holdfast::rcu {
namespace {

using holdfast::testing::Schedule;
using holdfast::testing::Stop;
using holdfast::testing::Thread;

std::vector<Barrier> kinds() {
  if (Domain::membarrier_available()) return {Barrier::kMembarrier, Barrier::kExchange};
  return {Barrier::kExchange};
}

class RcuForced : public ::testing::TestWithParam<Barrier> {
 protected:
  Schedule schedule_;
  Domain domain_{nullptr, {.barrier = GetParam(), .poll_every = 0}};
};
INSTANTIATE_TEST_SUITE_P(Barriers, RcuForced, ::testing::ValuesIn(kinds()),
                         [](const ::testing::TestParamInfo<Barrier>& kind) {
                           return kind.param == Barrier::kMembarrier ? "Membarrier" : "Exchange";
                         });

TEST_P(RcuForced, SynchronizeWaitsForTheReaderThatWasInside) {
  Stop& blocked = schedule_.stop_at("rcu.wait.blocked", "writer");
  std::atomic<bool> returned{false};
  domain_.lock();
  Thread writer{"writer", [&] {
                  domain_.synchronize();
                  returned.store(true);
                }};
  blocked.wait_reached();
  EXPECT_FALSE(returned.load());
  domain_.unlock();
  blocked.release();
  writer.join();
  EXPECT_TRUE(returned.load());
}

TEST_P(RcuForced, ASliceEndReleasesAWriterThatWaits) {
  Stop& blocked = schedule_.stop_at("rcu.wait.blocked", "writer");
  domain_.lock();
  Thread writer{"writer", [&] { domain_.synchronize(); }};
  blocked.wait_reached();
  domain_.slice_end();
  blocked.release();
  writer.join();  // though this thread is inside
  domain_.unlock();
}

TEST_P(RcuForced, AReaderThatComesBetweenStampAndQueueDelaysNothing) {
  Stop& stamped = schedule_.stop_at("rcu.retire.stamped", "writer");
  bool freed = false;
  Thread writer{"writer", [&] {
                  domain_.retire([&freed] { freed = true; });
                  domain_.poll();
                }};
  stamped.wait_reached();
  domain_.lock();
  stamped.release();
  writer.join();
  EXPECT_TRUE(freed);
  domain_.unlock();
}

TEST_P(RcuForced, AReaderFromBeforeTheStampDelaysItHoweverLateItIsQueued) {
  Stop& stamped = schedule_.stop_at("rcu.retire.stamped", "writer");
  bool freed = false;
  domain_.lock();
  Thread writer{"writer", [&] {
                  domain_.retire([&freed] { freed = true; });
                  domain_.poll();
                }};
  stamped.wait_reached();
  stamped.release();
  writer.join();
  EXPECT_FALSE(freed);
  domain_.unlock();
  domain_.poll();
  EXPECT_TRUE(freed);
}

TEST_P(RcuForced, APollBesideAnotherReturnsAtOnceAndRetireGoesOn) {
  Stop& looking = schedule_.stop_at("rcu.reclaim.look", "other");
  domain_.retire([] {});
  Thread other{"other", [&] { domain_.poll(); }};
  looking.wait_reached();
  domain_.retire([] {});
  domain_.poll();  // would never return if it waited for the other
  EXPECT_EQ(domain_.garbage().objects, 2U);
  looking.release();
  other.join();
  domain_.barrier();
  EXPECT_EQ(domain_.garbage().objects, 0U);
}

}  // namespace
}  // namespace holdfast::rcu
