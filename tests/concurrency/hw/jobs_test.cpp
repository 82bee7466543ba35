// SPDX-License-Identifier: Apache-2.0
// Nobody waits where others would have to wait for him: the process ends and says who it was.
#include <gtest/gtest.h>

#include "tests/support/probe.hpp"
#include "tests/support/schedule.hpp"

namespace holdfast::test {
namespace {

class WaitingDeathTest : public ::testing::Test {
 protected:
  WaitingDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
  TestMachine machine;
};

TEST_F(WaitingDeathTest, AJobThatWaitsForATicketIsNamed) {
  plug_probe(machine, "it", kHole);
  EXPECT_DEATH(machine->run_job("impatient", [&] { machine->unplug("it")->wait().value(); }),
               "waiting for the control queue by .* inside the control job 'impatient'");
}

TEST_F(WaitingDeathTest, AJobThatWaitsForAGracePeriodIsNamed) {
  EXPECT_DEATH(machine->run_job("impatient", [&] { machine->context().realm.domain().synchronize(); }),
               "control job 'impatient'");
}

TEST_F(WaitingDeathTest, AJobThatWaitsForAnotherJobOnAnotherMachineIsNamed) {
  TestMachine other{boards::BoardPlan{"other"}, {.control = machine::Machine::Control::kOwnThread}};
  EXPECT_DEATH(machine->run_job("impatient", [&] { other->reset(); }), "control job 'impatient'");
}

TEST_F(WaitingDeathTest, ACallbackThatWaitsForATicketNamesItsDevice) {
  EXPECT_DEATH(
      {
        plug_probe(machine, "stubborn", kHole, {.on_read = [&](Probe&) {
          machine->unplug("stubborn")->wait().value();
          return 0U;
        }});
        machine.read32(kHole + Probe::kCall);
      },
      "inside the gate of '/machine/stubborn'");
}

TEST_F(WaitingDeathTest, ACallbackThatEndsAMachineNamesItsDevice) {
  EXPECT_DEATH(
      {
        auto other = machine::Machine::make({}).value();
        plug_probe(machine, "stubborn", kHole, {.on_read = [&](Probe&) {
          other.reset();
          return 0U;
        }});
        machine.read32(kHole + Probe::kCall);
      },
      "destroying a machine by .* inside the gate of '/machine/stubborn'");
}

TEST_F(WaitingDeathTest, AReadSectionThatPlugsADeviceNamesItsDomain) {
  EXPECT_DEATH(
      {
        const rcu::Section section{machine->context().realm.domain()};
        static_cast<void>(machine->plug<Leaf>("leaf", kHole));
      },
      "inside a read section of domain");
}

// What jobs drop beyond the budget is for others to wait for, who may.
TEST(Jobs, OneThatDropsMoreThanTheBudgetWaitsForNobody) {
  machine::Machine::Options options;
  options.services.reclamation.budget_objects = 0;
  TestMachine machine{boards::BoardPlan{"bare"}, std::move(options)};
  testing::Schedule schedule;
  testing::Stop& inside = schedule.stop_at("test.inside", "reader");
  testing::Thread reader{"reader", [&] {
    const rcu::Section section{machine->context().realm.domain()};
    HF_SCHEDULE_POINT("test.inside");
  }};
  inside.wait_reached();
  plug_probe(machine, "it", kHole);
  EXPECT_TRUE(machine->unplug("it")->wait());
  EXPECT_GT(machine->context().realm.domain().garbage().objects, 0U);
  inside.release();
}

}  // namespace
}  // namespace holdfast::test
