// SPDX-License-Identifier: Apache-2.0
#include "holdfast/memory/node_pool.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <thread>
#include <vector>

namespace holdfast::memory {
namespace {

TEST(NodePool, NodesAreWholeCacheLinesAndDistinct) {
  NodePool pool{100};
  EXPECT_EQ(pool.node_bytes(), 128U);
  std::set<void*> nodes;
  for (int i = 0; i < 1000; ++i) {
    void* node = pool.allocate();
    std::memset(node, 0xa5, pool.node_bytes());
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(node) % NodePool::kAlignment, 0U);
    nodes.insert(node);
  }
  EXPECT_EQ(nodes.size(), 1000U);
  EXPECT_EQ(pool.in_use(), 1000);
  EXPECT_EQ(pool.bytes_in_use(), 128'000U);
  for (void* node : nodes) pool.recycle(node);
  EXPECT_EQ(pool.in_use(), 0);
}

TEST(NodePool, WhatCameBackIsHandedOutBeforeMoreIsReserved) {
  NodePool pool{64};
  std::vector<void*> nodes;
  for (int i = 0; i < 100; ++i) nodes.push_back(pool.allocate());
  const std::size_t reserved = pool.bytes_reserved();
  for (void* node : nodes) pool.release(node);
  EXPECT_EQ(pool.in_use(), 0);
  std::set<void*> before(nodes.begin(), nodes.end());
  for (void*& node : nodes) {
    node = pool.allocate();
    EXPECT_EQ(before.erase(node), 1U);
  }
  EXPECT_EQ(pool.bytes_reserved(), reserved);
  for (void* node : nodes) pool.recycle(node);
}

TEST(NodePool, AChainGivesItsNodesBackAtItsEnd) {
  NodePool pool{64};
  void* a = pool.allocate();
  void* b = pool.allocate();
  {
    NodePool::Chain chain{pool};
    chain.add(a);
    chain.add(b);
    EXPECT_EQ(pool.in_use(), 2);
  }
  EXPECT_EQ(pool.in_use(), 0);
}

TEST(NodePool, ThreadsGiveBackWhileTheWriterTakes) {
  constexpr int kRounds = 2000;
  NodePool pool{64};
  std::atomic<void*> mailbox[2] = {nullptr, nullptr};
  const auto give_back = [&](std::atomic<void*>& box) {
    for (int i = 0; i < kRounds;) {
      if (void* node = box.exchange(nullptr)) {
        pool.release(node);
        ++i;
      }
      std::this_thread::yield();
    }
  };
  std::thread first{give_back, std::ref(mailbox[0])};
  std::thread second{give_back, std::ref(mailbox[1])};
  for (int sent[2] = {0, 0}; sent[0] + sent[1] < 2 * kRounds;) {
    for (int t : {0, 1}) {
      if (sent[t] == kRounds || mailbox[t].load() != nullptr) continue;
      void* node = pool.allocate();
      std::memset(node, 0xff, pool.node_bytes());
      mailbox[t].store(node);
      ++sent[t];
    }
    std::this_thread::yield();
  }
  first.join();
  second.join();
  EXPECT_EQ(pool.in_use(), 0);
}

}  // namespace
}  // namespace holdfast::memory
