// SPDX-License-Identifier: Apache-2.0
// What any back-end of reclamation must do, ours and liburcu alike: the same tests, typed. Nothing
// here says how fast, nor what only ours promises (domain_test.cpp).
#include <gtest/gtest.h>

#include <atomic>
#include <semaphore>
#include <thread>
#include <vector>

#include "holdfast/rcu/domain.hpp"
#ifdef HOLDFAST_WITH_URCU
#include "tests/support/urcu_domain.hpp"
#endif

namespace holdfast::rcu {
namespace {

struct Membarrier : Domain {
  Membarrier() : Domain{nullptr, {.barrier = Barrier::kMembarrier}} {}
};
struct Exchange : Domain {
  Exchange() : Domain{nullptr, {.barrier = Barrier::kExchange}} {}
};

// ThreadSanitizer can follow the exchange alone: neither membarrier nor liburcu.
#ifdef HF_THREAD_SANITIZER
using BackEnds = testing::Types<Exchange>;
#else
using BackEnds = testing::Types<Membarrier, Exchange, UrcuDomain>;
#endif

struct BackEndName {
  template <class T>
  static std::string GetName(int) {
    if (std::is_same_v<T, Membarrier>) return "Membarrier";
    return std::is_same_v<T, Exchange> ? "Exchange" : "Urcu";
  }
};

template <class BackEnd>
class RcuContract : public testing::Test {
 protected:
  BackEnd domain_;
};
TYPED_TEST_SUITE(RcuContract, BackEnds, BackEndName);

TYPED_TEST(RcuContract, SectionsNest) {
  EXPECT_FALSE(this->domain_.inside());
  this->domain_.lock();
  this->domain_.lock();
  this->domain_.unlock();
  EXPECT_TRUE(this->domain_.inside());
  this->domain_.unlock();
  EXPECT_FALSE(this->domain_.inside());
}

TYPED_TEST(RcuContract, BarrierRunsEverythingRetiredBefore) {
  std::atomic<int> freed{0};
  for (int i = 0; i < 100; ++i) this->domain_.retire([&freed] { freed.fetch_add(1); });
  this->domain_.barrier();
  EXPECT_EQ(freed.load(), 100);
}

TYPED_TEST(RcuContract, ObjectsAreDeleted) {
  static std::atomic<int> alive{0};
  struct Probe {
    Probe() { alive.fetch_add(1); }
    ~Probe() { alive.fetch_sub(1); }
  };
  for (int i = 0; i < 10; ++i) this->domain_.retire(new Probe);
  this->domain_.barrier();
  EXPECT_EQ(alive.load(), 0);
}

TYPED_TEST(RcuContract, RetireInsideASectionDoesNotWait) {
  std::atomic<bool> freed{false};
  this->domain_.lock();
  this->domain_.retire([&freed] { freed.store(true); });
  EXPECT_FALSE(freed.load());
  this->domain_.unlock();
  this->domain_.barrier();
  EXPECT_TRUE(freed.load());
}

TYPED_TEST(RcuContract, SynchronizeReturnsAfterTheReaderHasLeft) {
  std::binary_semaphore inside{0};
  std::atomic<bool> going{false};
  std::atomic<bool> left{false};
  std::thread reader{[&] {
    this->domain_.lock();
    inside.release();
    while (!going.load()) std::this_thread::yield();
    left.store(true);
    this->domain_.unlock();
  }};
  inside.acquire();
  std::thread writer{[&] {
    going.store(true);
    this->domain_.synchronize();
    EXPECT_TRUE(left.load());
  }};
  writer.join();
  reader.join();
}

TYPED_TEST(RcuContract, ATokenPassesOnceTheReadersHaveLeft) {
  std::binary_semaphore inside{0};
  std::binary_semaphore go{0};
  std::thread reader{[&] {
    this->domain_.lock();
    inside.release();
    go.acquire();
    this->domain_.unlock();
  }};
  inside.acquire();
  const auto token = this->domain_.token();
  EXPECT_FALSE(this->domain_.passed(token));
  go.release();
  reader.join();
  this->domain_.wait(token);
  EXPECT_TRUE(this->domain_.passed(token));
}

TYPED_TEST(RcuContract, ASliceEndLetsASynchronizeThrough) {
  std::binary_semaphore inside{0};
  std::atomic<bool> done{false};
  std::thread reader{[&] {
    this->domain_.lock();
    inside.release();
    while (!done.load()) this->domain_.slice_end();
    this->domain_.unlock();
  }};
  inside.acquire();
  this->domain_.synchronize();
  done.store(true);
  reader.join();
}

TYPED_TEST(RcuContract, WhatReadersSeeIsAliveWhileWritersReplaceIt) {
  struct Node {
    ~Node() { alive = false; }
    volatile bool alive = true;
  };
  std::atomic<Node*> root{new Node};
  std::atomic<bool> done{false};
  std::atomic<int> dead_seen{0};
  std::vector<std::thread> readers;
  for (int r = 0; r < 2; ++r)
    readers.emplace_back([&] {
      while (!done.load()) {
        this->domain_.lock();
        if (!root.load(std::memory_order_acquire)->alive) dead_seen.fetch_add(1);
        this->domain_.unlock();
      }
    });
  for (int i = 0; i < 2'000; ++i) {
    this->domain_.retire(root.exchange(new Node));
    this->domain_.poll();
  }
  done.store(true);
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(dead_seen.load(), 0);
  delete root.load();
}

}  // namespace
}  // namespace holdfast::rcu
