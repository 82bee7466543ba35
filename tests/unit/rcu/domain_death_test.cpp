// SPDX-License-Identifier: Apache-2.0
// What ends the process, and says why: waiting inside something, exiting inside a section, reading
// what is freed.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <thread>

#include "holdfast/base/mutex.hpp"
#include "tests/unit/rcu/domain_fixture.hpp"

namespace holdfast::rcu {
namespace {

using DomainDeathTest = DomainTest;
INSTANTIATE_TEST_SUITE_P(Barriers, DomainDeathTest, testing::ValuesIn(kinds()), kind_name);

#ifdef HOLDFAST_DEBUG
struct Numbers {
  unsigned values[16] = {};
};

TEST_P(DomainDeathTest, StorageIsLegibleUntilTheGracePeriodIsOver) {
  Domain domain{nullptr, options()};
  const ParkedReader reader{domain};
  auto* numbers = new Numbers{{1, 2, 3}};
  domain.retire(numbers);
  domain.poll();
  EXPECT_EQ(numbers->values[2], 3U);
}

// Ends the process where a sanitizer watches, or says that it read the pattern.
[[maybe_unused]] void read_too_late(const Options& options) {
  Domain domain{nullptr, options};
  const auto* numbers = new Numbers{};
  domain.retire(const_cast<Numbers*>(numbers));
  domain.poll();
  const unsigned seen = *static_cast<const volatile unsigned*>(&numbers->values[8]);
  if (seen == 0xdbdbdbdb) {
    std::fputs("read poison\n", stderr);
    std::abort();
  }
}

TEST_P(DomainDeathTest, AReadAfterTheGracePeriodIsSeen) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(read_too_late(options()), "read poison|use-after-poison");
}

[[maybe_unused]] void write_too_late(const Options& options) {
  Domain domain{nullptr, options};
  auto* numbers = new Numbers{};
  domain.retire(numbers);
  domain.poll();
  *static_cast<volatile unsigned*>(&numbers->values[8]) = 7;
  flush_quarantine();
}

TEST_P(DomainDeathTest, AWriteAfterTheGracePeriodIsSeen) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(write_too_late(options()), "written to at offset 32|use-after-poison");
}

TEST_P(DomainDeathTest, WaitingInsideASectionOfAnyDomainNamesThreadAndDomain) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  Domain domain{nullptr, options()};
  Domain other{nullptr, options()};
  const Section section{domain};
  EXPECT_DEATH(domain.synchronize(), "synchronize by thread .* section of domain 'm0'");
  EXPECT_DEATH(other.synchronize(), "synchronize by thread .* section of domain 'm0'");
  EXPECT_DEATH(other.wait(Token{}), "wait by thread .* section of domain 'm0'");
  EXPECT_DEATH(other.barrier(), "barrier by thread .* section of domain 'm0'");
}

TEST_P(DomainDeathTest, WaitingWithALockHeldNamesTheLock) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  Domain domain{nullptr, options()};
  holdfast::Mutex mutex{LockRank::kWriter, "writer"};
  const LockGuard guard{mutex};
  EXPECT_DEATH(domain.synchronize(), "synchronize by thread .* with lock 'writer' held");
}

TEST_P(DomainDeathTest, PacingInsideASectionEndsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  Options none = options();
  none.budget_objects = 0;
  Domain domain{nullptr, none};
  domain.retire([] {});
  const Section section{domain};
  EXPECT_DEATH(domain.pace(), "pace by thread .* section of domain 'm0'");
}

TEST_P(DomainDeathTest, WaitingInACallbackEndsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  Domain domain{nullptr, options()};
  EXPECT_DEATH(
      {
        domain.retire([&] { domain.barrier(); });
        domain.poll();
      },
      "barrier by thread .* in a callback of reclamation");
}

thread_local const char* t_gate = nullptr;
const char* inside_a_gate() { return t_gate; }

TEST_P(DomainDeathTest, ALockInACallbackEndsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  Domain domain{nullptr, options()};
  Mutex mutex{LockRank::kLeaf, "leaf of the test"};
  EXPECT_DEATH(
      {
        domain.retire([&] { const LockGuard guard{mutex}; });
        domain.poll();
      },
      "'leaf of the test' is wanted in a callback of reclamation");
}

TEST_P(DomainDeathTest, ALayerAboveCanObject) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  add_waiting_veto(&inside_a_gate);
  add_waiting_veto(&inside_a_gate);
  Domain domain{nullptr, options()};
  domain.synchronize();
  EXPECT_DEATH(
      {
        t_gate = "gate 'uart0'";
        domain.synchronize();
      },
      "synchronize by thread .* inside gate 'uart0'");
}

TEST_P(DomainDeathTest, LeavingWhatOneIsNotInEndsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  Domain domain{nullptr, options()};
  EXPECT_DEATH(domain.unlock(), "leaves a read section of domain 'm0' that it is not in");
}

void leave_a_section_open_under_a_suspension(Domain& domain) {
  const Section section{domain};
  const Suspension suspension{domain};
  domain.lock();
}

TEST_P(DomainDeathTest, ASliceEndOutsideASectionEndsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  Domain domain{nullptr, options()};
  EXPECT_DEATH(domain.slice_end(), "renews a read section of domain 'm0' that it is not in");
}

TEST_P(DomainDeathTest, ASectionLeftOpenUnderASuspensionEndsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  Domain domain{nullptr, options()};
  EXPECT_DEATH(leave_a_section_open_under_a_suspension(domain),
               "ends a suspension inside a read section of domain 'm0' entered under it");
}

TEST_P(DomainDeathTest, ASliceEndInANestedSectionEndsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  Domain domain{nullptr, options()};
  const Section outer{domain};
  const Section inner{domain};
  EXPECT_DEATH(domain.slice_end(), "renews a nested read section of domain 'm0'");
}
#endif

void exit_inside_a_section(const Options& options) {
  Domain domain{nullptr, options};
  std::thread{[&] { domain.lock(); }}.join();
}

TEST_P(DomainDeathTest, ExitingInsideASectionNamesThreadAndDomain) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(exit_inside_a_section(options()),
               "thread .* exits inside a read section of domain 'm0'");
}

void destroy_with_a_reader_inside(const Options& options) {
  auto domain = std::make_unique<Domain>(nullptr, options);
  const ParkedReader reader{*domain};
  domain.reset();
}

TEST_P(DomainDeathTest, ADomainThatDiesWithAReaderInsideEndsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(destroy_with_a_reader_inside(options()),
               "domain 'm0' dies with a reader inside: thread");
}

void drop_a_batch() {
  int deaths = 0;
  Probe probe{deaths};
  Batch batch;
  batch.add(&probe);
}

TEST_P(DomainDeathTest, ABatchThatIsDroppedEndsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(drop_a_batch(), "a batch of 1 objects was neither retired nor kept");
}

}  // namespace
}  // namespace holdfast::rcu
