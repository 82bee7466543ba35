// SPDX-License-Identifier: Apache-2.0
// Domain, one behaviour at a time.
#include "holdfast/rcu/domain.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <semaphore>
#include <thread>

#include "holdfast/base/census.hpp"
#include "tests/unit/rcu/domain_fixture.hpp"

namespace holdfast::rcu {
namespace {

INSTANTIATE_TEST_SUITE_P(Barriers, DomainTest, testing::ValuesIn(kinds()), kind_name);

TEST_P(DomainTest, UsesTheBarrierThatWasAskedFor) {
  const Domain domain{nullptr, options()};
  EXPECT_EQ(domain.barrier_kind(), GetParam());
}

TEST_P(DomainTest, SectionsNest) {
  Domain domain{nullptr, options()};
  EXPECT_FALSE(domain.inside());
  domain.lock();
  {
    const Section inner{domain};
    EXPECT_TRUE(domain.inside());
  }
  EXPECT_TRUE(domain.inside());
  const Token token = domain.token();
  EXPECT_FALSE(domain.passed(token));
  domain.unlock();
  EXPECT_FALSE(domain.inside());
  EXPECT_TRUE(domain.passed(token));
}

TEST_P(DomainTest, NothingIsFreedWhileAReaderIsInside) {
  Domain domain{nullptr, options()};
  int deaths = 0;
  ParkedReader reader{domain};
  domain.retire(new Probe{deaths});
  domain.poll();
  EXPECT_EQ(deaths, 0);
  reader.leave();
  domain.poll();
  EXPECT_EQ(deaths, 1);
}

TEST_P(DomainTest, AReaderThatComesLaterDelaysNothing) {
  Domain domain{nullptr, options()};
  int deaths = 0;
  domain.retire(new Probe{deaths});
  const ParkedReader later{domain};
  domain.poll();
  EXPECT_EQ(deaths, 1);
}

TEST_P(DomainTest, AReaderFromBetweenTwoRetirementsDelaysTheSecondOnly) {
  Domain domain{nullptr, options()};
  int first = 0;
  int second = 0;
  domain.retire(new Probe{first});
  ParkedReader reader{domain};
  domain.retire(new Probe{second});
  domain.poll();
  EXPECT_EQ(first, 1);
  EXPECT_EQ(second, 0);
  reader.leave();
  domain.poll();
  EXPECT_EQ(second, 1);
}

TEST_P(DomainTest, RetireInsideAReaderDoesNotWait) {  // H12
  Options eager = options();
  eager.poll_every = 1;  // every retire would like to poll
  Domain domain{nullptr, eager};
  int deaths = 0;
  {
    const Section section{domain};
    for (int i = 0; i < 1000; ++i) domain.retire(new Probe{deaths});
    EXPECT_EQ(deaths, 0);
    EXPECT_TRUE(domain.poll_due());
  }
  domain.poll();
  EXPECT_EQ(deaths, 1000);
}

TEST_P(DomainTest, NothingIsFreedOnAThreadThatIsInsideAnotherDomain) {
  Domain domain{nullptr, options()};
  Domain other{nullptr, options()};
  int deaths = 0;
  domain.retire(new Probe{deaths});
  {
    const Section section{other};
    domain.poll();
    EXPECT_EQ(deaths, 0);
  }
  domain.poll();
  EXPECT_EQ(deaths, 1);
}

TEST_P(DomainTest, RetirePollsByItselfWhenEnoughHasGathered) {
  Options some = options();
  some.poll_every = 10;
  Domain domain{nullptr, some};
  int deaths = 0;
  for (int i = 0; i < 9; ++i) domain.retire(new Probe{deaths});
  EXPECT_EQ(deaths, 0);
  domain.retire(new Probe{deaths});
  EXPECT_EQ(deaths, 10);
  EXPECT_FALSE(domain.poll_due());
}

TEST_P(DomainTest, SliceEndLetsGoOfWhatWasRetiredBefore) {
  Domain domain{nullptr, options()};
  const Section section{domain};
  const Token before = domain.token();
  EXPECT_FALSE(domain.passed(before));
  domain.slice_end();
  EXPECT_TRUE(domain.passed(before));
  EXPECT_TRUE(domain.inside());
  EXPECT_FALSE(domain.passed(domain.token()));
}

TEST_P(DomainTest, SuspensionLeavesWhateverTheNestingAndRestoresIt) {
  Domain domain{nullptr, options()};
  domain.lock();
  domain.lock();
  {
    const Suspension suspension{domain};
    EXPECT_FALSE(domain.inside());
    domain.synchronize();  // would never return if this thread counted as a reader
    const Section under{domain};
    EXPECT_TRUE(domain.inside());
  }
  EXPECT_TRUE(domain.inside());
  const Token token = domain.token();
  domain.unlock();
  EXPECT_TRUE(domain.inside());
  EXPECT_FALSE(domain.passed(token));
  domain.unlock();
  EXPECT_TRUE(domain.passed(token));
}

TEST_P(DomainTest, SuspensionOutsideASectionDoesNothing) {
  Domain domain{nullptr, options()};
  { const Suspension suspension{domain}; }
  EXPECT_FALSE(domain.inside());
}

TEST_P(DomainTest, TokensPassInOrderAndOnlyAfterTheirReaders) {
  Domain domain{nullptr, options()};
  const Token first = domain.token();
  ParkedReader reader{domain};
  const Token second = domain.token();
  EXPECT_TRUE(domain.passed(first));
  EXPECT_FALSE(domain.passed(second));
  reader.leave();
  EXPECT_TRUE(domain.passed(second));
  domain.wait(second);
}

TEST_P(DomainTest, AStuckReaderInOneDomainDelaysNoOther) {
  Domain stuck{nullptr, options()};
  Domain other{nullptr, options()};
  int deaths = 0;
  const ParkedReader reader{stuck};
  other.retire(new Probe{deaths});
  other.synchronize();
  other.barrier();
  EXPECT_EQ(deaths, 1);
  EXPECT_FALSE(stuck.passed(stuck.token()));
}

TEST_P(DomainTest, BarrierRunsAllThatWasRetiredBefore) {
  Domain domain{nullptr, options()};
  constexpr int kThreads = 4;
  constexpr int kEach = 500;
  std::atomic<int> freed{0};
  std::vector<std::thread> writers;
  for (int t = 0; t < kThreads; ++t)
    writers.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) domain.retire([&freed] { freed.fetch_add(1); });
    });
  for (std::thread& writer : writers) writer.join();
  domain.barrier();
  EXPECT_EQ(freed.load(), kThreads * kEach);
  EXPECT_EQ(domain.garbage(), Garbage{});
}

TEST_P(DomainTest, ThingsAreFreedInTheOrderOfRetirement) {
  Domain domain{nullptr, options()};
  std::vector<int> order;
  for (int i = 0; i < 5; ++i) domain.retire([&order, i] { order.push_back(i); });
  domain.barrier();
  EXPECT_EQ(order, (std::vector{0, 1, 2, 3, 4}));
}

TEST_P(DomainTest, ACallbackMayRetireMore) {
  Options eager = options();
  eager.poll_every = 1;
  Domain domain{nullptr, eager};
  int deaths = 0;
  domain.retire([&] { domain.retire(new Probe{deaths}); });
  domain.barrier();
  domain.barrier();
  EXPECT_EQ(deaths, 1);
}

TEST_P(DomainTest, ItsDestructorRunsEverythingRetiredAndWhatThatRetires) {
  int deaths = 0;
  {
    Domain domain{nullptr, options()};
    domain.retire(new Probe{deaths});
    domain.retire([&] { domain.retire([&] { domain.retire(new Probe{deaths}); }); });
  }
  EXPECT_EQ(deaths, 2);
}

TEST_P(DomainTest, TakesDeletersUniquePointersAndCallbacks) {
  Domain domain{nullptr, options()};
  int deaths = 0;
  int deleted = 0;
  int object = 0;
  const auto count = [&deleted](int*) { ++deleted; };
  domain.retire(&object, count);
  domain.retire(std::unique_ptr<int, decltype(count)>{&object, count});
  domain.retire(std::make_unique<Probe>(deaths));
  domain.retire([owned = std::make_unique<Probe>(deaths)] {});
  domain.barrier();
  EXPECT_EQ(deleted, 2);
  EXPECT_EQ(deaths, 2);
}

TEST_P(DomainTest, ABatchIsFreedWholeAndCountsEachObject) {
  Census census;
  Domain domain{&census, options()};
  int deaths = 0;
  Batch batch;
  for (int i = 0; i < 100; ++i) batch.add(new Probe{deaths});
  EXPECT_EQ(batch.objects(), 100U);
  domain.retire(std::move(batch));
  EXPECT_EQ(domain.garbage(), (Garbage{100, 100 * sizeof(Probe)}));
  EXPECT_EQ(census.take()[Census::Kind::kRetired], 100);
  domain.poll();
  EXPECT_EQ(deaths, 100);
  EXPECT_EQ(census.take(), Census::Snapshot{});
}

TEST_P(DomainTest, AnEmptyBatchIsNothing) {
  Domain domain{nullptr, options()};
  domain.retire(Batch{});
  domain.retire(std::unique_ptr<Batch>{});
  EXPECT_EQ(domain.garbage(), Garbage{});
}

TEST_P(DomainTest, AKeptBatchFreesNothing) {
  int deaths = 0;
  Probe probe{deaths};
  Batch batch;
  batch.add(&probe);
  batch.keep();
  EXPECT_TRUE(batch.empty());
  EXPECT_EQ(deaths, 0);
}

TEST_P(DomainTest, GarbageIsCountedAndWritersArePaced) {  // H13
  Options small = options();
  small.budget_objects = 10;
  Domain domain{nullptr, small};
  int deaths = 0;
  std::optional<ParkedReader> slow{std::in_place, domain};
  for (int i = 0; i < 11; ++i) domain.retire(new Probe{deaths});
  EXPECT_TRUE(domain.over_budget());
  ASSERT_EQ(domain.readers().size(), 1U);
  EXPECT_EQ(domain.readers().front().behind, 11U);
  EXPECT_NE(domain.readers().front().thread, thread_id());
  std::thread writer{[&] { domain.pace(); }};
  slow.reset();
  writer.join();
  EXPECT_EQ(deaths, 11);
  EXPECT_FALSE(domain.over_budget());
  EXPECT_TRUE(domain.readers().empty());
}

TEST_P(DomainTest, BytesCountAgainstTheBudgetToo) {
  Options small = options();
  small.budget_bytes = 100;
  Domain domain{nullptr, small};
  domain.retire([] {}, 1, 101);
  EXPECT_TRUE(domain.over_budget());
  domain.pace();
  EXPECT_FALSE(domain.over_budget());
}

TEST_P(DomainTest, AnExitingThreadHandsItsSlotBack) {
  Domain domain{nullptr, options()};
  for (int i = 0; i < 1000; ++i) std::thread{[&] { const Section section{domain}; }}.join();
  EXPECT_EQ(domain.slot_count(), 1U);
}

TEST_P(DomainTest, SlotsGrowWithTheThreadsThatAreThereAtOneTime) {
  Domain domain{nullptr, options()};
  {
    const ParkedReader a{domain};
    const ParkedReader b{domain};
    const ParkedReader c{domain};
  }
  const ParkedReader again{domain};
  EXPECT_EQ(domain.slot_count(), 3U);
}

TEST_P(DomainTest, IdsAreNeverUsedAgain) {
  const std::uint64_t first = Domain{nullptr, options()}.id();
  const std::uint64_t second = Domain{nullptr, options()}.id();
  EXPECT_LT(first, second);
}

TEST_P(DomainTest, AThreadFindsItsWayAmongManyDomains) {
  std::vector<std::unique_ptr<Domain>> domains;
  for (int i = 0; i < 20; ++i) domains.push_back(std::make_unique<Domain>(nullptr, options()));
  for (const auto& domain : domains) domain->lock();
  for (const auto& domain : domains) EXPECT_TRUE(domain->inside());
  for (const auto& domain : domains) domain->unlock();
  for (const auto& domain : domains) EXPECT_FALSE(domain->inside());
}

TEST_P(DomainTest, AThreadThatOutlivesADomainGoesOnWithTheNext) {
  auto domain = std::make_unique<Domain>(nullptr, options());
  std::binary_semaphore used{0};
  std::binary_semaphore replaced{0};
  std::thread survivor{[&] {
    { const Section section{*domain}; }
    used.release();
    replaced.acquire();
    EXPECT_FALSE(domain->inside());
    const Section section{*domain};
    EXPECT_TRUE(domain->inside());
  }};
  used.acquire();
  domain = std::make_unique<Domain>(nullptr, options());
  replaced.release();
  survivor.join();
}

TEST_P(DomainTest, AThreadMayExitAfterItsDomainDied) {
  auto domain = std::make_unique<Domain>(nullptr, options());
  std::binary_semaphore used{0};
  std::binary_semaphore dead{0};
  std::thread survivor{[&] {
    { const Section section{*domain}; }
    used.release();
    dead.acquire();
  }};
  used.acquire();
  domain.reset();
  dead.release();
  survivor.join();
}

TEST_P(DomainTest, TenThousandDomainsLeaveAThreadNothing) {
  for (int i = 0; i < 10'000; ++i) {
    Domain domain{nullptr, options()};
    const Section section{domain};
  }
  Domain last{nullptr, options()};
  const Section section{last};
  EXPECT_LE(detail::known_domains(), 2U);  // an earlier test's may linger until the next look
}

/// Enters a section from the destructor of a thread_local, when threads tidy up.
struct LateUser {
  Domain* domain = nullptr;
  ~LateUser() {
    if (domain) const Section section{*domain};
  }
};
thread_local LateUser t_late;

TEST_P(DomainTest, DestructorsOfThreadLocalsMayStillRead) {
  Domain domain{nullptr, options()};
  std::thread{[&] {
    t_late.domain = &domain;
    const Section section{domain};
  }}.join();
  std::thread{[&] { const Section section{domain}; }}.join();
  EXPECT_EQ(domain.slot_count(), 1U);
}

}  // namespace
}  // namespace holdfast::rcu
