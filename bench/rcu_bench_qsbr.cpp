// SPDX-License-Identifier: Apache-2.0
// liburcu, quiescent-state flavour, inlined (its macro for that is named after the licence it asks of
// the program, which this one, built for measuring alone, meets).
#define _LGPL_SOURCE
#include <urcu/urcu-qsbr.h>

#include "bench/rcu_bench.hpp"

namespace holdfast::bench {
namespace {

struct Urcu {
  struct Head {
    rcu_head head{};
    Node* node = nullptr;
  };
  static void attach() { urcu_qsbr_register_thread(); }
  static void detach() { urcu_qsbr_unregister_thread(); }
  static void lock() { urcu_qsbr_read_lock(); }
  /// The quiescent state is what a section costs in this flavour.
  static void unlock() {
    urcu_qsbr_read_unlock();
    urcu_qsbr_quiescent_state();
  }
  static void retire(Node* node) {
    auto* const head = new Head{{}, node};
    urcu_qsbr_call_rcu(&head->head, [](rcu_head* first) {
      auto* const whole = reinterpret_cast<Head*>(first);
      delete whole->node;
      delete whole;
    });
  }
  static void synchronize() { urcu_qsbr_synchronize_rcu(); }
  static void barrier() { urcu_qsbr_barrier(); }
};

HF_RECLAMATION_BENCHMARKS("liburcu_qsbr", Urcu);

}  // namespace
}  // namespace holdfast::bench
