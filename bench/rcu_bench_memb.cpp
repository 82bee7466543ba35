// SPDX-License-Identifier: Apache-2.0
// liburcu, membarrier flavour, inlined (its macro for that is named after the licence it asks of
// the program, which this one, built for measuring alone, meets).
#define _LGPL_SOURCE
#include <urcu/urcu-memb.h>

#include "bench/rcu_bench.hpp"

namespace holdfast::bench {
namespace {

struct Urcu {
  struct Head {
    rcu_head head{};
    Node* node = nullptr;
  };
  static void attach() { urcu_memb_register_thread(); }
  static void detach() { urcu_memb_unregister_thread(); }
  static void lock() { urcu_memb_read_lock(); }
  static void unlock() { urcu_memb_read_unlock(); }
  static void retire(Node* node) {
    auto* const head = new Head{{}, node};
    urcu_memb_call_rcu(&head->head, [](rcu_head* first) {
      auto* const whole = reinterpret_cast<Head*>(first);
      delete whole->node;
      delete whole;
    });
  }
  static void synchronize() { urcu_memb_synchronize_rcu(); }
  static void barrier() { urcu_memb_barrier(); }
};

HF_RECLAMATION_BENCHMARKS("liburcu_memb", Urcu);

}  // namespace
}  // namespace holdfast::bench
