// SPDX-License-Identifier: Apache-2.0
// A machine ends with all kinds of work in flight, and leaves nothing but what others hold.
#include <gtest/gtest.h>

#include <list>

#include "holdfast/memory/hold.hpp"
#include "tests/support/disk_device.hpp"
#include "tests/support/probe.hpp"
#include "tests/support/schedule.hpp"

namespace holdfast::test {
namespace {

using machine::Machine;
using testing::Schedule;
using testing::Stop;
using testing::Thread;
using Stage = hw::Ticket::Stage;

constexpr std::uint64_t kRam = 0x8000'0000;

boards::BoardPlan with_ram() {
  boards::BoardPlan plan{"with ram"};
  plan.map({{kRam, plan.ram("ram", 0x10000)}});
  return plan;
}

class End : public ::testing::TestWithParam<Machine::Control> {
 protected:
  std::unique_ptr<Machine> machine = Machine::make(with_ram(), {.control = GetParam()}).value();
};
INSTANTIATE_TEST_SUITE_P(, End,
                         ::testing::Values(Machine::Control::kCaller, Machine::Control::kOwnThread),
                         [](const auto& param) {
                           return param.param == Machine::Control::kCaller ? "CallersThread"
                                                                          : "OwnThread";
                         });

TEST_P(End, WithATimerDueABottomHalfPostedAnEventFdSignalledAndAJobQueued) {
  ASSERT_TRUE(machine->realize(probe_plan("it", kHole)));
  auto& it = dynamic_cast<Probe&>(*machine->find("it").get());
  it.timer.arm(0);
  it.half.schedule();
  it.kick.signal();
  bool job_done = false;
  machine->control().post("a job", [&] { job_done = true; });
  const auto left = machine->end();
  EXPECT_TRUE(job_done);
  EXPECT_EQ(left.to_string(), "nothing");
}

TEST_P(End, WithAnUndeliveredLevelAndACpuInside) {
  auto plan = probe_plan("sender", kHole);
  const auto receiver = plan.add<Probe>("receiver");
  plan.wire({{boards::DeviceRef{"sender"}.out("irq"), receiver.in("in")}});
  ASSERT_TRUE(machine->realize(plan));
  std::optional<memory::AddressSpace> space{std::in_place, machine->fabric(),
                                            machine->bus().memory().region(),
                                            memory::AddressSpace::Init{.name = "cpu"}};
  Schedule schedule;
  Stop& queued = schedule.stop_at("hw.wire.queued", "cpu");
  std::optional<Thread> cpu;
  cpu.emplace("cpu", [&] {
    memory::Port port{*space};
    port.store(kHole + Probe::kIrq, 4, 1, {});
  });
  queued.wait_reached();
  schedule.run_at("machine.end.before_settling", "main", [&] {
    queued.release();
    cpu.reset();
    space.reset();
  });
  EXPECT_EQ(machine->end().to_string(), "nothing");
}

TEST_P(End, WithHeldRamItsBlockStaysAndNothingElse) {
  std::optional<memory::Hold> hold;
  {
    memory::AddressSpace space{machine->fabric(), machine->bus().memory().region(), {}};
    memory::Port port{space};
    hold = port.hold(kRam, 16, memory::Port::HoldFor::kWriting, "request",
                     std::source_location::current());
  }
  ASSERT_TRUE(hold);
  EXPECT_EQ(machine->end().to_string(), "nothing") << "the block is its holder's now";
  machine.reset();
  hold->bytes()[15] = std::byte{1};
  hold.reset();
}

// All of it at once: a CPU in a device whose unplug is pending, another CPU that waits in that device's
// gate, a DMA write posted, a timer due, a level undelivered, an edit queued, a bottom half scheduled, an
// eventfd signalled, a pin driven from outside, a drive's answer on its way, RAM held, jobs behind.
TEST_P(End, WithEverythingInFlight) {
  const auto drive = SlowDrive::make();
  const auto outcome = std::make_shared<DiskDevice::Outcome>();
  auto plan = probe_plan("busy", kHole, {.on_read = [](Probe& self) {
    self.irq.set(true);
    self.dma_write(kHole + 0x1000 + Probe::kData, 7);
    self.timer.arm(0);
    return 1U;
  }});
  const auto receiver = plan.add<Probe>("receiver");
  const auto windows = plan.add<Windows>("windows");
  const auto disk = plan.add<DiskDevice>(
      "disk", DiskDevice::Config{.drive = SlowDrive::as_backend(drive), .outcome = outcome});
  plan.map_into({"bus", "memory"}, {{kHole + 0x1000, receiver.region("regs")},
                                    {kHole + 0x2000, windows.region("regs")},
                                    {kHole + 0x3000, disk.region("regs")}});
  plan.wire({{boards::DeviceRef{"busy"}.out("irq"), receiver.in("in")}});
  ASSERT_TRUE(machine->realize(plan));
  auto& idle = dynamic_cast<Probe&>(*machine->find("receiver").get());
  std::optional<memory::AddressSpace> space{std::in_place, machine->fabric(),
                                            machine->bus().memory().region(),
                                            memory::AddressSpace::Init{.name = "cpu"}};
  const auto read = [&] {
    memory::Port port{*space};
    std::uint64_t value = 0;
    port.load(kHole + Probe::kCall, 4, value, {});
  };
  const auto write = [&](std::uint64_t address, std::uint64_t value) {
    memory::Port port{*space};
    port.store(address, 4, value, {});
  };
  std::optional<memory::Hold> hold = memory::Port{*space}.hold(
      kRam, 16, memory::Port::HoldFor::kWriting, "request", std::source_location::current());
  ASSERT_TRUE(hold);
  write(kHole + 0x3000 + DiskDevice::kGo, 0);
  ASSERT_EQ(drive->waiting(), 1U);

  Schedule schedule;
  // A control thread of the machine's own does nothing of what follows before the end has begun.
  if (GetParam() == Machine::Control::kOwnThread) {
    Stop& busy = schedule.stop_at("test.in_job", "main");
    machine->control().post("a long job", [] { HF_SCHEDULE_POINT("test.in_job"); });
    busy.wait_reached();
    schedule.run_at("machine.end.loop_told", "main", [stop = &busy] { stop->release(); });
  }
  Stop& inside = schedule.stop_at("gate.before_leave", "cpu 0");
  Stop& wants_in = schedule.stop_at("gate.waiting", "cpu 1");
  Stop& edits = schedule.stop_at("gate.outbox.before_entry", "cpu 2");
  Stop& drives_pin = schedule.stop_at("gate.before_enter", "client");
  Stop& answers = schedule.stop_at("block.port.before_completion", "host");
  std::list<Thread> threads;
  threads.emplace_back("cpu 0", read);
  inside.wait_reached();
  threads.emplace_back("cpu 1", read);
  wants_in.wait_reached();
  wants_in.release();  // it stands there with a lock that the end takes, too
  threads.emplace_back("cpu 2", [&] { write(kHole + 0x2000 + Windows::kSwitch, 1); });
  edits.wait_reached();
  threads.emplace_back("client", [this, pin = idle.in.pin(0)]() mutable {
    pin->drive(true, machine->context().holdback);
    pin = {};
  });
  drives_pin.wait_reached();
  threads.emplace_back("host", [&] { drive->answer(); });
  answers.wait_reached();
  idle.half.schedule();
  idle.kick.signal();
  const auto ticket = machine->unplug("busy");
  const auto late = machine->unplug("receiver");
  machine->request_reset();
  schedule.run_at("machine.end.before_settling", "main", [&] {
    for (Stop* stop : {&inside, &edits, &drives_pin, &answers}) stop->release();
    threads.clear();
    space.reset();
  });
  EXPECT_EQ(machine->end().to_string(), "nothing");
  EXPECT_EQ(ticket->stage(), Stage::kReclaimed);
  EXPECT_EQ(late->stage(), Stage::kReclaimed);
  EXPECT_EQ(outcome->done, 0U) << "its device had gone";
  EXPECT_EQ(outcome->let_go, 1U);
  EXPECT_EQ(drive->user(), "");
  machine.reset();
  hold->bytes()[15] = std::byte{1};
}

// The job that ends the machine is asked for in a callback; the machine is destroyed right behind it.
TEST_P(End, WithAQuitAskedForInACallback) {
  ASSERT_TRUE(machine->realize(probe_plan("syscon", kHole, {.on_write = [&](Probe&, auto) {
    machine->request_quit(5);
    machine->request_reset();
  }})));
  {
    memory::AddressSpace space{machine->fabric(), machine->bus().memory().region(), {}};
    memory::Port port{space};
    port.store(kHole + Probe::kCall, 4, 1, {});
  }
  EXPECT_EQ(machine->end().to_string(), "nothing");
  EXPECT_EQ(machine->exit_status(), 5);
  EXPECT_EQ(machine->run_state(), machine::RunState::kShutdown);
}

}  // namespace
}  // namespace holdfast::test
