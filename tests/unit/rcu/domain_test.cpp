// SPDX-License-Identifier: Apache-2.0
// Domain, one behaviour at a time. Every test runs with the membarrier and with the exchange
// (under ThreadSanitizer there is only the exchange).
#include "holdfast/rcu/domain.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <semaphore>
#include <thread>

#include "holdfast/base/census.hpp"
#include "holdfast/base/mutex.hpp"

namespace holdfast::rcu {
namespace {

/// Says when it dies.
struct Probe {
  explicit Probe(int& count) : deaths{&count} {}
  ~Probe() { ++*deaths; }
  int* deaths;
};

/// A thread that enters a section of `domain` and stays until it is told to leave.
class ParkedReader {
 public:
  explicit ParkedReader(Domain& domain) : thread_{[this, &domain] { run(domain); }} {
    inside_.acquire();
  }
  ~ParkedReader() { leave(); }
  void leave() {
    if (!thread_.joinable()) return;
    go_.release();
    thread_.join();
  }

 private:
  void run(Domain& domain) {
    const Section section{domain};
    inside_.release();
    go_.acquire();
  }
  std::binary_semaphore inside_{0};
  std::binary_semaphore go_{0};
  std::thread thread_;
};

std::vector<Barrier> kinds() {
  if (Domain::membarrier_available()) return {Barrier::kMembarrier, Barrier::kExchange};
  return {Barrier::kExchange};
}

class DomainTest : public testing::TestWithParam<Barrier> {
 protected:
  Options options() const { return {.barrier = GetParam(), .name = "m0", .poll_every = 0}; }
};

std::string kind_name(const testing::TestParamInfo<Barrier>& info) {
  return info.param == Barrier::kMembarrier ? "Membarrier" : "Exchange";
}
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

TEST_P(DomainTest, SynchronizeWaitsForTheReaderThatWasInside) {
  Domain domain{nullptr, options()};
  std::atomic<bool> left{false};
  std::binary_semaphore inside{0};
  std::thread reader{[&] {
    domain.lock();
    inside.release();
    while (domain.passed(Token{2})) std::this_thread::yield();  // until synchronize has begun
    left.store(true);
    domain.unlock();
  }};
  inside.acquire();
  domain.synchronize();
  EXPECT_TRUE(left.load());
  reader.join();
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

#ifdef HOLDFAST_DEBUG
struct Numbers {
  unsigned values[16] = {};
};

TEST_P(DomainTest, StorageIsLegibleUntilTheGracePeriodIsOver) {
  Domain domain{nullptr, options()};
  const ParkedReader reader{domain};
  auto* numbers = new Numbers{{1, 2, 3}};
  domain.retire(numbers);
  domain.poll();
  EXPECT_EQ(numbers->values[2], 3U);
}

using DomainDeathTest = DomainTest;
INSTANTIATE_TEST_SUITE_P(Barriers, DomainDeathTest, testing::ValuesIn(kinds()), kind_name);

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

TEST_P(DomainDeathTest, ASliceEndInANestedSectionEndsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  Domain domain{nullptr, options()};
  const Section outer{domain};
  const Section inner{domain};
  EXPECT_DEATH(domain.slice_end(), "renews a nested read section of domain 'm0'");
}
#else
using DomainDeathTest = DomainTest;
INSTANTIATE_TEST_SUITE_P(Barriers, DomainDeathTest, testing::ValuesIn(kinds()), kind_name);
#endif

void exit_inside_a_section(const Options& options) {
  Domain domain{nullptr, options};
  std::thread{[&] { domain.lock(); }}.join();
}

TEST_P(DomainDeathTest, ExitingInsideASectionNamesThreadAndDomain) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(exit_inside_a_section(options()), "thread .* exits inside a read section of domain 'm0'");
}

void destroy_with_a_reader_inside(const Options& options) {
  auto domain = std::make_unique<Domain>(nullptr, options);
  const ParkedReader reader{*domain};
  domain.reset();
}

TEST_P(DomainDeathTest, ADomainThatDiesWithAReaderInsideEndsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(destroy_with_a_reader_inside(options()), "domain 'm0' dies with a reader inside: thread");
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
