// SPDX-License-Identifier: Apache-2.0
// What the tests of Domain share. Each runs with the membarrier and with the exchange (under
// ThreadSanitizer there is only the exchange).
#pragma once

#include <gtest/gtest.h>

#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include "holdfast/rcu/domain.hpp"

namespace holdfast::rcu {

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

inline std::vector<Barrier> kinds() {
  if (Domain::membarrier_available()) return {Barrier::kMembarrier, Barrier::kExchange};
  return {Barrier::kExchange};
}

class DomainTest : public testing::TestWithParam<Barrier> {
 protected:
  Options options() const { return {.barrier = GetParam(), .name = "m0", .poll_every = 0}; }
};

inline std::string kind_name(const testing::TestParamInfo<Barrier>& kind) {
  return kind.param == Barrier::kMembarrier ? "Membarrier" : "Exchange";
}

}  // namespace holdfast::rcu
