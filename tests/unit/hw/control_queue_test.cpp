// SPDX-License-Identifier: Apache-2.0
#include "holdfast/hw/control_queue.hpp"

#include <gtest/gtest.h>

#include <latch>
#include <string>
#include <thread>
#include <vector>

#include "holdfast/gate/gate.hpp"
#include "holdfast/hw/holdback.hpp"
#include "holdfast/hw/ticket.hpp"
#include "tests/support/schedule.hpp"

namespace holdfast::hw {
namespace {

constexpr gate::Use kUse{.what = "test"};

class ControlQueueTest : public ::testing::Test {
 protected:
  ControlQueueTest() { control.bind_here(); }

  gate::Realm realm{"test"};
  std::unique_ptr<EventLoop> loop = EventLoop::make().value();
  ControlQueue control{realm.domain(), *loop};
};

TEST_F(ControlQueueTest, RunsJobsInOrderOnTheControlThread) {
  std::vector<int> order;
  std::thread poster{[&] {
    control.post("first", [&] { order.push_back(1); });
    control.post("second", [&] { order.push_back(2); });
  }};
  poster.join();
  EXPECT_TRUE(order.empty());
  EXPECT_EQ(control.run_pending(), 2U);
  EXPECT_EQ(order, (std::vector{1, 2}));
}

TEST_F(ControlQueueTest, RunsJobsFromItsLoop) {
  bool ran = false;
  control.post("job", [&] { ran = true; });
  loop->run_ready();
  EXPECT_TRUE(ran);
}

// Whoever waits for tickets may never come to run the loop.
TEST_F(ControlQueueTest, ALoopThatNobodyRunsIsAskedOnce) {
  for (int i = 0; i < 3; ++i) {
    control.post("job", [] {});
    EXPECT_EQ(control.run_pending(), 1U);
  }
  EXPECT_EQ(loop->run_ready(), 1U);
  bool ran = false;
  control.post("job", [&] { ran = true; });
  EXPECT_EQ(loop->run_ready(), 1U) << "and asked anew when it has come";
  EXPECT_TRUE(ran);
}

TEST_F(ControlQueueTest, QueuesWhatAJobPostsBehindIt) {
  std::string order;
  control.post("outer", [&] {
    control.post("inner", [&] { order += "inner"; });
    EXPECT_EQ(control.run_pending(), 0U) << "one at a time";
    order += "outer ";
  });
  EXPECT_EQ(control.run_pending(), 2U);
  EXPECT_EQ(order, "outer inner");
}

TEST_F(ControlQueueTest, LeavesWhatComesBehindWhatItWaitsForToTheLoop) {
  std::string order;
  bool done = false;
  control.post("waited for", [&] {
    control.post("behind", [&] { order += "behind"; });
    done = true;
  });
  control.wait_until([&] { return done; });
  order += "waited ";
  loop->run_ready();
  EXPECT_EQ(order, "waited behind");
}

TEST_F(ControlQueueTest, TakesWhatACallbackPostsWhenItHasLeftItsDevice) {
  const auto gate = gate::Gate::make(realm, "device");
  gate->open();
  {
    const gate::Pass pass{*gate, kUse};
    control.post("job", [] {});
    EXPECT_EQ(control.size(), 0U);
  }
  EXPECT_EQ(control.run_pending(), 1U);
  gate->close();
}

TEST_F(ControlQueueTest, RunsAJobBehindAGracePeriodOnlyWhenReadersHaveLeft) {
  bool ran = false;
  testing::Schedule schedule;
  auto& inside = schedule.stop_at("test.inside", "reader");
  testing::Thread reader{"reader", [&] {
    const rcu::Section section{realm.domain()};
    HF_SCHEDULE_POINT("test.inside");
  }};
  inside.wait_reached();
  control.post_after_grace("later", [&] { ran = true; });
  control.run_pending();
  EXPECT_FALSE(ran);
  inside.release();
  reader.join();
  control.wait_until([&] { return ran; });
}

TEST_F(ControlQueueTest, WaitsForAnotherThreadToRunTheJobs) {
  std::latch bound{1};
  std::thread loop_thread{[&] {
    control.bind_here();
    bound.count_down();
    loop->run();
  }};
  std::atomic<bool> ran{false};
  bound.wait();
  control.post("job", [&] { ran = true; });
  control.wait_until([&] { return ran.load(); });
  loop->stop();
  loop_thread.join();
}

using ControlQueueDeathTest = ControlQueueTest;

TEST_F(ControlQueueDeathTest, EndsTheProcessIfAJobWaits) {
  EXPECT_DEATH(
      {
        control.post("waiter", [&] { realm.domain().synchronize(); });
        control.run_pending();
      },
      "inside the control job 'waiter'");
}

// --- tickets ---------------------------------------------------------------------------------------

TEST_F(ControlQueueTest, ATicketTellsItsStagesAndRunsWhatFollows) {
  const auto ticket = Ticket::make(control, realm.census(), "/machine/rtc");
  bool followed = false;
  ticket->when_done([&] { followed = true; });
  EXPECT_FALSE(ticket->wait_for(Ticket::Stage::kSevered, std::chrono::milliseconds{1}));
  ticket->reach(Ticket::Stage::kSevered);
  EXPECT_TRUE(ticket->wait_for(Ticket::Stage::kSevered, std::chrono::milliseconds{1}));
  ticket->reach(Ticket::Stage::kDrained);
  ticket->reach(Ticket::Stage::kReclaimed);
  EXPECT_TRUE(ticket->wait().has_value());
  control.run_pending();
  EXPECT_TRUE(followed);
  EXPECT_EQ(realm.census().take()[Census::Kind::kTicket], 0);
}

TEST_F(ControlQueueTest, ARefusedTicketSaysWhy) {
  const auto ticket = Ticket::make(control, realm.census(), "/machine/rtc");
  ticket->refuse("device 'rtc': not found");
  EXPECT_EQ(ticket->wait().error().message, "device 'rtc': not found");
}

TEST_F(ControlQueueTest, ATicketNamesWhoIsInsideAndFromWhichLine) {
  const auto ticket = Ticket::make(control, realm.census(), "/machine/rtc");
  const auto gate = gate::Gate::make(realm, "/machine/rtc", gate::Locking::kCounted);
  gate->open();
  ticket->note_remains({.gates = {gate}, .blocks = {}});
  {
    const gate::Pass pass{*gate, kUse};
    gate->close();
    ticket->reach(Ticket::Stage::kSevered);
    const auto report = ticket->report();
    ASSERT_EQ(report.insiders.size(), 1U);
    EXPECT_EQ(report.insiders[0].device, "/machine/rtc");
    EXPECT_NE(report.to_string().find("inside /machine/rtc: test (control_queue_test.cpp:"),
              std::string::npos)
        << report.to_string();
  }
  EXPECT_TRUE(ticket->report().insiders.empty());
  ticket->refuse("end of test");
}

// --- holdback --------------------------------------------------------------------------------------

TEST_F(ControlQueueTest, WhatComesFromOutsideWaitsForTheEndOfAReset) {
  const auto gate = gate::Gate::make(realm, "device");
  gate->open();
  Holdback holdback;
  std::atomic<bool> inside{false};
  testing::Schedule schedule;
  auto& at_gate = schedule.stop_at("gate.entered", "event");
  testing::Thread event{"event", [&] {
    const OutsidePass pass{*gate, kUse, holdback};
    inside = true;
  }};
  at_gate.wait_reached();  // it is inside, and has not looked whether a reset goes on
  {
    const Holdback::Scope reset{holdback};
    auto& held = schedule.stop_at("hw.holdback.held_back", "event");
    at_gate.release();
    held.wait_reached();
    EXPECT_FALSE(inside);
    held.release();
    const gate::Pass phase{*gate, kUse};  // the event is outside
    EXPECT_TRUE(phase);
    EXPECT_FALSE(inside);
  }
  event.join();
  EXPECT_TRUE(inside);
  gate->close();
}

}  // namespace
}  // namespace holdfast::hw
