// SPDX-License-Identifier: Apache-2.0
// Devices that reach each other through memory, from their callbacks: reads on the spot, writes
// posted, circles refused.
#include <latch>
#include <utility>
#include <vector>

#include "tests/support/memory_world.hpp"

namespace holdfast::testing {
namespace {

using gate::Locking;
using memory::MemTxResult;
using memory::Port;

constexpr std::uint64_t kA = 0x1000;
constexpr std::uint64_t kB = 0x2000;
constexpr std::uint64_t kC = 0x3000;

/// Does it the first time it is called.
std::function<void()> once(std::function<void()> what) {
  return [what = std::move(what), done = false]() mutable {
    if (!std::exchange(done, true)) what();
  };
}

class Dma : public World {
 protected:
  Dma() {
    put(kA, *a_);
    put(kB, *b_);
  }
  std::unique_ptr<Device> made(const char* name, std::uint64_t answer) {
    return std::make_unique<Device>(fabric_, name, answer);
  }
  /// Reads `address` on a thread of its own role, as a CPU would.
  auto cpu_read(std::uint64_t address, Answer& answer) {
    return [this, address, &answer] {
      Port port{space_};
      answer = read(port, address);
    };
  }

  std::unique_ptr<Device> a_ = made("a", 0xa);
  std::unique_ptr<Device> b_ = made("b", 0xb);
  Port dma_a_{space_};
  Port dma_b_{space_};
  Schedule schedule_;
};

TEST_F(Dma, AReadOfADeviceThatIsSeveredGetsTheMapAfter) {
  Ram below{fabric_, "below", 0x1000};
  *below.block->host() = std::byte{0x77};
  put(kB, below.region, -1);
  Stop& reading = schedule_.stop_at("memory.port.before_gate", "cpu", 1);  // the DMA's, not the CPU's
  Answer from_b{};
  a_->on_read = [&] { from_b = read(dma_a_, kB); };
  Answer from_a{};
  Thread cpu{"cpu", cpu_read(kA, from_a)};
  reading.wait_reached();
  b_.reset();
  reading.release();
  cpu.join();
  EXPECT_EQ(from_b, Answer{0x77});
  EXPECT_EQ(from_a, Answer{0xa});
}

TEST_F(Dma, AReadThatWaitsForADeviceThatIsSeveredGetsTheMapAfter) {
  Stop& b_inside = schedule_.stop_at("test.in_read", "cpu 1");
  Stop& a_waits = schedule_.stop_at("gate.waiting", "cpu 0");
  Stop& out = schedule_.stop_at("memory.region.out_of_map", "control");
  Answer from_b{};
  a_->on_read = [&] { from_b = read(dma_a_, kB); };
  Answer answer_0{};
  Answer answer_1{};
  Thread cpu_1{"cpu 1", cpu_read(kB, answer_1)};
  b_inside.wait_reached();
  Thread cpu_0{"cpu 0", cpu_read(kA, answer_0)};
  a_waits.wait_reached();
  a_waits.release();
  Thread control{"control", [&] { b_.reset(); }};
  out.wait_reached();
  out.release();
  b_inside.release();
  cpu_0.join();
  cpu_1.join();
  EXPECT_EQ(from_b, kNobody);
  EXPECT_EQ(answer_0, Answer{0xa});
  EXPECT_EQ(answer_1, Answer{0xb});
}

TEST_F(Dma, AWritePostedToADeviceThatIsSeveredMeanwhileReachesWhatIsThereThen) {
  Ram below{fabric_, "below", 0x1000};
  put(kB, below.region, -1);
  Stop& posted = schedule_.stop_at("gate.outbox.before_entry", "cpu");
  a_->on_read = [&] { EXPECT_EQ(write(dma_a_, kB, 0x55), MemTxResult::kOk); };
  Answer answer{};
  Thread cpu{"cpu", cpu_read(kA, answer)};
  posted.wait_reached();
  b_.reset();
  posted.release();
  cpu.join();
  EXPECT_EQ(*below.block->host(), std::byte{0x55});
}

TEST_F(Dma, AWriteArrivesThoughItsMakerIsSeveredMeanwhile) {
  Stop& posted = schedule_.stop_at("gate.outbox.before_entry", "cpu");
  a_->on_read = [&] { write(dma_a_, kB, 0x55); };
  Answer answer{};
  Thread cpu{"cpu", cpu_read(kA, answer)};
  posted.wait_reached();
  a_.reset();
  posted.release();
  cpu.join();
  EXPECT_EQ(b_->written, 0x55U);
}

// Both directions at once: each reads the other, and both are severed meanwhile.
TEST_F(Dma, TwoDevicesThatReadEachOtherAreSeveredBoth) {
  const auto before = settled_census(realm_);
  {
    Device a{fabric_, "c", 0xc};
    Device b{fabric_, "d", 0xd};
    put(0x5000, a);
    put(0x6000, b);
    Stop& a_reads = schedule_.stop_at("memory.port.before_gate", "cpu 0", 1);
    Stop& b_reads = schedule_.stop_at("memory.port.before_gate", "cpu 1", 1);
    Answer from_a{1};
    Answer from_b{1};
    a.on_read = [&] { from_b = read(dma_a_, 0x6000); };
    b.on_read = [&] { from_a = read(dma_b_, 0x5000); };
    Answer answer_0{};
    Answer answer_1{};
    Thread cpu_0{"cpu 0", cpu_read(0x5000, answer_0)};
    Thread cpu_1{"cpu 1", cpu_read(0x6000, answer_1)};
    a_reads.wait_reached();
    b_reads.wait_reached();
    Stop& a_out = schedule_.stop_at("memory.region.out_of_map", "control 0");
    Stop& b_out = schedule_.stop_at("memory.region.out_of_map", "control 1");
    Thread control_0{"control 0", [&] { a.region = {}; }};
    Thread control_1{"control 1", [&] { b.region = {}; }};
    a_out.wait_reached();
    b_out.wait_reached();
    a_out.release();
    b_out.release();
    // The first waits for the other's device; the other's wait would close the circle, if what it
    // asks for were still there.
    Stop& a_waits = schedule_.stop_at("gate.waiting", "cpu 0");
    a_reads.release();
    a_waits.wait_reached();
    a_waits.release();
    b_reads.release();
    cpu_0.join();
    cpu_1.join();
    EXPECT_EQ(answer_0, Answer{0xc});
    EXPECT_EQ(answer_1, Answer{0xd});
    EXPECT_EQ(from_a, kNobody);
    EXPECT_EQ(from_b, kNobody);
  }
  EXPECT_EQ(settled_census(realm_), before);
}

TEST_F(Dma, AReadThatWouldCloseACircleTimesOut) {
  Stop& b_inside = schedule_.stop_at("test.in_read", "cpu 1");
  Stop& a_waits = schedule_.stop_at("gate.waiting", "cpu 0");
  Answer from_a{};
  Answer from_b{};
  a_->on_read = once([&] { from_b = read(dma_a_, kB); });
  b_->on_read = once([&] { from_a = read(dma_b_, kA); });
  Answer answer_0{};
  Answer answer_1{};
  Thread cpu_1{"cpu 1", cpu_read(kB, answer_1)};
  b_inside.wait_reached();
  Thread cpu_0{"cpu 0", cpu_read(kA, answer_0)};
  a_waits.wait_reached();
  a_waits.release();
  b_inside.release();
  cpu_0.join();
  cpu_1.join();
  EXPECT_EQ(from_a, kTimedOut);
  EXPECT_EQ(from_b, Answer{0xb});
  EXPECT_EQ(answer_0, Answer{0xa});
  EXPECT_EQ(answer_1, Answer{0xb});
  EXPECT_EQ(realm_.circles_refused(), 1U);
}

TEST_F(Dma, InARingOfThreeOneReadTimesOutAndAllFinish) {
  Device c{fabric_, "c", 0xc};
  put(kC, c);
  Port dma_c{space_};
  std::latch inside{3};
  Answer answers[3];
  Answer results[3];
  const auto read_next = [&](Port& port, std::uint64_t next, Answer& result) {
    return once([&, next] {
      inside.arrive_and_wait();
      result = read(port, next);
    });
  };
  a_->on_read = read_next(dma_a_, kB, results[0]);
  b_->on_read = read_next(dma_b_, kC, results[1]);
  c.on_read = read_next(dma_c, kA, results[2]);
  {
    Thread cpu_0{"cpu 0", cpu_read(kA, answers[0])};
    Thread cpu_1{"cpu 1", cpu_read(kB, answers[1])};
    Thread cpu_2{"cpu 2", cpu_read(kC, answers[2])};
  }
  EXPECT_EQ(answers[0], Answer{0xa});
  EXPECT_EQ(answers[1], Answer{0xb});
  EXPECT_EQ(answers[2], Answer{0xc});
  EXPECT_GE(realm_.circles_refused(), 1U);
  EXPECT_LE(realm_.circles_refused(), 2U);
  unsigned refused = 0;
  for (const Answer& result : results) refused += result == kTimedOut ? 1U : 0U;
  EXPECT_EQ(refused, realm_.circles_refused());
}

TEST_F(Dma, AWriteToItsMakerIsRefused) {
  MemTxResult written{};
  a_->on_read = [&] { written = write(dma_a_, kA, 1); };
  EXPECT_EQ(read(port_, kA), Answer{0xa});
  EXPECT_EQ(written, MemTxResult::kAccessError);
  EXPECT_EQ(a_->writes, 0U);
  EXPECT_EQ(realm_.reentries_refused(), 1U);
}

// The address shows another device when the write is posted, and its maker when it is performed.
TEST_F(Dma, AWriteThatCameToMeanItsMakerIsRefused) {
  Stop& posted = schedule_.stop_at("gate.outbox.before_entry", "cpu");
  a_->on_read = [&] { EXPECT_EQ(write(dma_a_, kB, 1), MemTxResult::kOk); };
  Answer answer{};
  Thread cpu{"cpu", cpu_read(kA, answer)};
  posted.wait_reached();
  commit(std::move(memory::Transaction{}.remove(b_->region).move(a_->region, kB)));
  posted.release();
  cpu.join();
  EXPECT_EQ(a_->writes, 0U);
  EXPECT_EQ(b_->writes, 0U);
  EXPECT_EQ(realm_.reentries_refused(), 1U);
}

TEST_F(Dma, ARingOfTwoPostedWritesEndsAtItsMaker) {
  a_->on_write = [&] {
    if (a_->writes < 10) write(dma_a_, kB, 1);  // would it go on for ever, it ends all the same
  };
  b_->on_write = [&] { write(dma_b_, kA, 1); };
  EXPECT_EQ(write(port_, kA, 1), MemTxResult::kOk);
  EXPECT_EQ(a_->writes, 1U);
  EXPECT_EQ(b_->writes, 1U);
  EXPECT_EQ(realm_.reentries_refused(), 1U);
}

TEST_F(Dma, APostedWriteIsPerformedWhenItsMakerHasLeft) {
  bool maker_inside = true;
  unsigned order = 0;
  a_->on_read = [&] {
    write(dma_a_, kB, 1);
    EXPECT_EQ(order++, 0U);
  };
  b_->on_write = [&] {
    maker_inside = a_->its_gate().entered_by_me();
    EXPECT_EQ(order++, 1U);
  };
  EXPECT_EQ(read(port_, kA), Answer{0xa});
  EXPECT_FALSE(maker_inside);
  EXPECT_EQ(order, 2U);  // before the access came back
}

// Another thread may come into the maker while its write waits for the target.
TEST_F(Dma, APostedWriteWaitsForItsTargetWithoutHoldingItsMaker) {
  Stop& b_inside = schedule_.stop_at("test.in_read", "cpu 1");
  Stop& write_waits = schedule_.stop_at("gate.waiting", "cpu 0");
  a_->on_write = [&] { write(dma_a_, kB, 0x55); };
  Answer answer{};
  Thread cpu_1{"cpu 1", cpu_read(kB, answer)};
  b_inside.wait_reached();
  Thread cpu_0{"cpu 0", [&] {
                 Port port{space_};
                 write(port, kA, 1);
               }};
  write_waits.wait_reached();
  write_waits.release();
  static constexpr gate::Use kVisit{"test"};
  const gate::Entry entry = a_->gate->try_enter(kVisit, gate::Reentry::kRefuse);
  EXPECT_EQ(entry, gate::Entry::kEntered);
  if (entry == gate::Entry::kEntered) a_->gate->leave();
  b_inside.release();
  cpu_0.join();
  EXPECT_EQ(b_->written, 0x55U);
}

// A writes to B twice. B's callback of the first write reads C: A's second write, which is not B's,
// is not performed inside B.
TEST_F(Dma, ASecondWriteIsNotLostBecauseItsTargetReadsDuringTheFirst) {
  Device c{fabric_, "c", 0xc};
  put(kC, c);
  std::vector<std::uint64_t> seen;
  a_->on_write = [&] {
    write(dma_a_, kB, 1);
    write(dma_a_, kB, 2);
  };
  b_->on_write = [&] {
    seen.push_back(b_->written);
    EXPECT_EQ(read(dma_b_, kC), Answer{0xc});
  };
  write(port_, kA, 1);
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{1, 2}));
  EXPECT_EQ(realm_.reentries_refused(), 0U);
}

// What a callback without a lock causes is performed outside of its caller's read section, where it
// may wait: here for the gate of a listener.
TEST_F(Dma, WhatALockFreeDeviceCausesIsPerformedOutsideOfTheSection) {
  Device free{fabric_, "free", 0xf, {.locking = Locking::kGrace}};
  put(kC, free);
  bool inside = true;
  free.on_write = [&] {
    gate::Activity::current().outbox().post(gate::Outbox::Kind::kOther,
                                            [&] { inside = realm_.domain().inside(); });
  };
  const auto section = port_.section();
  write(port_, kC, 1);
  EXPECT_FALSE(inside);
  EXPECT_TRUE(realm_.domain().inside());
}

// The write was accepted, so it is the read behind it that times out.
TEST_F(Dma, APostedWriteIsNotLostBecauseItsMakerReadsWhileTheTargetReadsTheMaker) {
  const auto c = made("c", 0xc);
  put(kC, *c);
  Stop& b_inside = schedule_.stop_at("test.in_read", "cpu 1");
  Stop& b_waits = schedule_.stop_at("gate.waiting", "cpu 1");
  Stop& a_inside = schedule_.stop_at("test.in_write", "cpu 0");
  Answer from_c{};
  a_->on_write = once([&] {
    EXPECT_EQ(write(dma_a_, kB, 0x55), MemTxResult::kOk);
    EXPECT_EQ(write(dma_a_, kC, 0x66), MemTxResult::kOk);
    from_c = read(dma_a_, kC);
    EXPECT_EQ(c->written, 0U) << "overtook the one before it";
  });
  b_->on_read = once([&] { read(dma_b_, kA); });
  Answer answer{};
  Thread cpu_1{"cpu 1", cpu_read(kB, answer)};
  b_inside.wait_reached();
  Thread cpu_0{"cpu 0", [&] {
    Port port{space_};
    write(port, kA, 1);
  }};
  a_inside.wait_reached();
  b_inside.release();
  b_waits.wait_reached();
  b_waits.release();
  a_inside.release();
  cpu_0.join();
  cpu_1.join();
  EXPECT_EQ(from_c, (Answer{0xffff'ffff, MemTxResult::kAccessError}));
  EXPECT_EQ(b_->written, 0x55U);
  EXPECT_EQ(c->written, 0x66U);
  EXPECT_EQ(realm_.circles_refused(), 1U);
}

// A piece that has begun is never repeated: what is put back goes on where it was.
TEST_F(Dma, APostedTransferThatIsPutBackGoesOnWhereItWas) {
  struct Handler final : memory::MmioHandler {
    MemTxResult read(std::uint64_t, unsigned, std::uint64_t&, memory::MemTxAttrs) override {
      on_read();
      return MemTxResult::kOk;
    }
    MemTxResult write(std::uint64_t offset, unsigned, std::uint64_t, memory::MemTxAttrs) override {
      written.push_back(offset);
      return MemTxResult::kOk;
    }
    std::function<void()> on_read;
    std::vector<std::uint64_t> written;
  } handler;
  const auto gate = gate::Gate::make(realm_, "target", Locking::kExclusive);
  gate->open();
  const auto region = memory::MemoryRegion::mmio(fabric_, {.name = "target", .size = 16, .gate = gate},
                                                 {.handler = handler});
  put(kC, region);
  a_->on_write = once([&] {
    EXPECT_EQ(dma_a_.write(kC, std::vector(16, std::byte{0x55})), MemTxResult::kOk);
    EXPECT_EQ(read(dma_a_, kB).result, MemTxResult::kAccessError);
  });
  handler.on_read = [&] { read(dma_b_, kA); };
  // Behind the CPU's own access and the first piece.
  Stop& second_piece = schedule_.stop_at("memory.port.before_gate", "cpu 0", 2);
  Stop& waits_for_a = schedule_.stop_at("gate.waiting", "cpu 1");
  Thread cpu_0{"cpu 0", [&] {
    Port port{space_};
    write(port, kA, 1);
  }};
  second_piece.wait_reached();
  Answer answer{};
  Thread cpu_1{"cpu 1", cpu_read(kC, answer)};
  waits_for_a.wait_reached();
  waits_for_a.release();
  second_piece.release();
  cpu_0.join();
  cpu_1.join();
  EXPECT_EQ(handler.written, (std::vector<std::uint64_t>{0, 4, 8, 12}));
}

}  // namespace
}  // namespace holdfast::testing
