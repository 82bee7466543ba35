// SPDX-License-Identifier: Apache-2.0
// A ticket waits for errands that end on a thread of the host, which tells the control queue so. Whoever waits
// for the ticket may destroy the machine next, the queue included: that thread has to be through with it.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "holdfast/hw/ticket.hpp"
#include "tests/support/schedule.hpp"
#include "tests/support/test_machine.hpp"

namespace holdfast::test {
namespace {

using testing::Schedule;
using testing::Stop;
using testing::Thread;
using Stage = hw::Ticket::Stage;

/// One errand, which a thread of the host ends.
class OneErrand final : public hw::Errands {
 public:
  std::vector<hw::Errand> errands() const override { return {}; }
  void when_over(std::move_only_function<void()> action) override {
    const std::lock_guard guard{mutex_};
    action_ = std::move(action);
  }
  void forget() override {
    HF_SCHEDULE_POINT("test.errand.forget");
    const std::lock_guard guard{mutex_};
    action_ = nullptr;
  }
  void end() {
    const std::lock_guard guard{mutex_};
    if (auto action = std::exchange(action_, {})) action();
    is_through_ = true;
  }
  bool is_through() const { return is_through_; }

 private:
  std::mutex mutex_;
  std::move_only_function<void()> action_;
  std::atomic<bool> is_through_{false};
};

class TicketRace : public ::testing::Test {
 protected:
  void SetUp() override {
    ticket->note_remains({.gates = {}, .blocks = {}, .errands = {Ref<hw::Errands>::share(errand.get())}});
    ticket->reach(Stage::kSevered);
    ticket->device_gone();
    ASSERT_EQ(ticket->stage(), Stage::kDrained) << "the errand is with the host";
  }

  TestMachine machine;
  Ref<OneErrand> errand = Ref<OneErrand>::adopt(new OneErrand);
  Ref<hw::Ticket> ticket =
      hw::Ticket::make(machine->control(), machine->services().realm().census(), "/machine/it");
};

TEST_F(TicketRace, IsNotDoneWhileWhoeverEndsTheErrandIsInTheControlQueue) {
  {
    Schedule schedule;
    Stop& queued = schedule.stop_at("hw.control.queued", "host");
    schedule.run_at("test.errand.forget", "main", [&] {
      EXPECT_EQ(ticket->stage(), Stage::kDrained);
      queued.release();
    });
    Thread host{"host", [&] { errand->end(); }};
    queued.wait_reached();
    EXPECT_TRUE(ticket->wait());
    EXPECT_TRUE(errand->is_through()) << "the machine may go next";
    queued.release();
  }
  machine.end();
}

// The machine ends first and waits for no errand; the host's thread comes too late to tell anybody.
TEST_F(TicketRace, AnErrandThatEndsAfterTheMachineTellsNobody) {
  ticket->abandon_errands();
  EXPECT_EQ(ticket->stage(), Stage::kReclaimed);
  machine.end();
  Thread{"host", [&] { errand->end(); }}.join();
  EXPECT_TRUE(errand->is_through());
}

// It comes just in time: what it has queued is done by the end of the machine, or not at all.
TEST_F(TicketRace, AnErrandThatEndsWhileTheMachineForgetsItIsNotToldTwice) {
  Schedule schedule;
  Stop& over = schedule.stop_at("hw.ticket.errands_over", "host");
  schedule.run_at("test.errand.forget", "main", [&] { over.release(); });
  Thread host{"host", [&] { errand->end(); }};
  over.wait_reached();
  ticket->abandon_errands();
  EXPECT_TRUE(errand->is_through());
  EXPECT_EQ(ticket->stage(), Stage::kReclaimed);
  host.join();
  machine.end();
}

}  // namespace
}  // namespace holdfast::test
