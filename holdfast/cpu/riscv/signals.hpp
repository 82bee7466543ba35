// SPDX-License-Identifier: Apache-2.0
// The part of a hart that other threads touch: interrupt pins and the wish that it look up.
#pragma once

#include <atomic>
#include <cstdint>

#include "holdfast/cpu/riscv/isa.hpp"

namespace holdfast::cpu::riscv {

/// Lock-free. The hart reads `attention` between blocks and nothing else while it is clear.
class Signals {
 public:
  /// Any thread.
  void set_pin(Interrupt interrupt, bool level) {
    if (interrupt == Interrupt::kSupervisorSoftware) {
      if (level) send_edge(interrupt);
      return;
    }
    // Sequentially consistent: a hart that goes to sleep announces that and then reads the pins,
    // whoever kicks it sets a pin and then reads the announcement; one of them sees the other.
    if (level)
      pins_.fetch_or(bit_of(interrupt), std::memory_order_seq_cst);
    else
      pins_.fetch_and(~bit_of(interrupt), std::memory_order_seq_cst);
    attention_.store(true, std::memory_order_release);
  }
  /// mip.SSIP belongs to software, which clears it; its pin can only set it.
  void send_edge(Interrupt interrupt) {
    edges_.fetch_or(bit_of(interrupt), std::memory_order_seq_cst);  // as in set_pin
    attention_.store(true, std::memory_order_release);
  }
  /// Something is to be looked at that no pin tells of.
  void notice() { attention_.store(true, std::memory_order_release); }
  void request_stop() {
    stop_.store(true, std::memory_order_seq_cst);  // as in set_pin
    attention_.store(true, std::memory_order_release);
  }

  /// The hart's thread.
  std::uint64_t pins() const { return pins_.load(std::memory_order_seq_cst); }
  /// Edges that have come and are not in mip yet.
  std::uint64_t edges() const { return edges_.load(std::memory_order_seq_cst); }
  std::uint64_t take_edges() { return edges_.exchange(0, std::memory_order_acquire); }
  void look_again() { attention_.store(true, std::memory_order_relaxed); }
  bool attention() const { return attention_.load(std::memory_order_relaxed); }
  /// Clears the wish. Acquire: pairs with the stores above, made after what they announce.
  void take_attention() { attention_.exchange(false, std::memory_order_acquire); }
  bool take_stop() { return stop_.exchange(false, std::memory_order_acquire); }
  bool stop_requested() const { return stop_.load(std::memory_order_seq_cst); }

 private:
  std::atomic<std::uint64_t> pins_{0};
  std::atomic<std::uint64_t> edges_{0};
  std::atomic<bool> attention_{true};
  std::atomic<bool> stop_{false};
};

}  // namespace holdfast::cpu::riscv
