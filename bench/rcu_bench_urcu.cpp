// SPDX-License-Identifier: Apache-2.0
// liburcu, the membarrier flavour and the quiescent-state flavour, both inlined (the macro for that is
// named after the licence it asks of the program, which this one, built for measuring alone, meets).
#define _LGPL_SOURCE
#include <urcu/urcu-memb.h>
#include <urcu/urcu-qsbr.h>

#include "bench/rcu_bench.hpp"

// <urcu/call-rcu.h> declares these for the flavour that is included first, and only for that.
extern "C" {
void urcu_qsbr_call_rcu(rcu_head* head, void (*function)(rcu_head* head));
void urcu_qsbr_barrier(void);
}

namespace holdfast::bench {
namespace {

struct Memb {
  static void attach() { urcu_memb_register_thread(); }
  static void detach() { urcu_memb_unregister_thread(); }
  static void lock() { urcu_memb_read_lock(); }
  static void unlock() { urcu_memb_read_unlock(); }
  static void synchronize() { urcu_memb_synchronize_rcu(); }
  static void barrier() { urcu_memb_barrier(); }
  static constexpr auto kCall = &urcu_memb_call_rcu;
};

struct Qsbr {
  static void attach() { urcu_qsbr_register_thread(); }
  static void detach() { urcu_qsbr_unregister_thread(); }
  static void lock() { urcu_qsbr_read_lock(); }
  /// The quiescent state is what a section costs in this flavour.
  static void unlock() {
    urcu_qsbr_read_unlock();
    urcu_qsbr_quiescent_state();
  }
  static void synchronize() { urcu_qsbr_synchronize_rcu(); }
  static void barrier() { urcu_qsbr_barrier(); }
  static constexpr auto kCall = &urcu_qsbr_call_rcu;
};

/// What the two have in common.
template <class Flavour>
struct Urcu : Flavour {
  struct Head {
    rcu_head head{};
    Node* node = nullptr;
  };
  static void retire(Node* node) {
    auto* const head = new Head{{}, node};
    Flavour::kCall(&head->head, [](rcu_head* first) {
      auto* const whole = reinterpret_cast<Head*>(first);
      delete whole->node;
      delete whole;
    });
  }
};

HF_RECLAMATION_BENCHMARKS("liburcu_memb", Urcu<Memb>);
HF_RECLAMATION_BENCHMARKS("liburcu_qsbr", Urcu<Qsbr>);

}  // namespace
}  // namespace holdfast::bench
