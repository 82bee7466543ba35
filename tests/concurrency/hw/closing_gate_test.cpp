// SPDX-License-Identifier: Apache-2.0
// What comes from outside (timer, bottom half, eventfd, pin, wire, character input) and arrives as the
// gate of its device closes: just before, it is served and the end waits for it; just after, it is
// dropped.
#include <gtest/gtest.h>

#include <chrono>
#include <semaphore>

#include "tests/support/probe.hpp"
#include "tests/support/schedule.hpp"

namespace holdfast::test {
namespace {

using testing::Schedule;
using testing::Stop;
using testing::Thread;
using Stage = hw::Ticket::Stage;

class ClosingGate : public ::testing::Test {
 protected:
  explicit ClosingGate(gate::Locking locking = gate::Locking::kExclusive) : locking_{locking} {}
  void SetUp() override {
    plug_probe(machine, "it", kHole,
               {.chardev = &line,
                .on_timer = [&](Probe&) { ++calls; },
                .on_half = [&](Probe&) { ++calls; },
                .on_kick = [&](Probe&, std::uint64_t) { ++calls; },
                .on_pin = [&](Probe&, bool) { ++calls; },
                .on_input = [&](Probe&, chardev::Bytes) { ++calls; },
                .locking = locking_});
  }
  template <class Event>
  void arrives_too_late(Event event) {
    {
      Schedule schedule;
      Stop& before_gate = schedule.stop_at("gate.before_enter", "event");
      Thread thread{"event", std::move(event)};
      before_gate.wait_reached();
      EXPECT_TRUE(machine->unplug("it")->wait());
      before_gate.release();
    }
    EXPECT_EQ(calls, 0);
    EXPECT_EQ(machine.census(), before);
  }
  template <class Event>
  void is_inside(const char* point, const char* use, Event event) {
    {
      Schedule schedule;
      Stop& inside = schedule.stop_at(point, "event");
      Thread thread{"event", std::move(event)};
      inside.wait_reached();
      const auto ticket = machine->unplug("it");
      machine->control().run_pending();
      EXPECT_EQ(ticket->stage(), Stage::kSevered);
      EXPECT_NE(ticket->report().to_string().find(use), std::string::npos)
          << ticket->report().to_string();
      inside.release();
      thread.join();
      EXPECT_TRUE(ticket->wait());
    }
    EXPECT_EQ(calls, 1) << "what had begun was finished";
    EXPECT_EQ(machine.census(), before);
  }
  // It waits for the device's lock, which a CPU has, when the gate closes.
  template <class Event>
  void waits_for_the_lock(Event event) {
    {
      Schedule schedule;
      Stop& inside = schedule.stop_at("test.in_callback", "cpu");
      Stop& arrived = schedule.stop_at("gate.before_enter", "event");
      Thread cpu{"cpu", [&] { machine.read32(kHole + Probe::kCall); }};
      inside.wait_reached();
      Thread thread{"event", std::move(event)};
      arrived.wait_reached();
      arrived.release();
      const auto ticket = machine->unplug("it");
      machine->control().run_pending();
      thread.join();  // let go by the closing, not by the CPU
      EXPECT_EQ(ticket->stage(), Stage::kSevered);
      inside.release();
      cpu.join();
      EXPECT_TRUE(ticket->wait());
    }
    EXPECT_EQ(machine.census(), before);
  }

  /// Lets go of the pin, too.
  auto drive(Probe& it) {
    return [this, pin = it.in.pin(0)]() mutable {
      pin->drive(true, machine->context().holdback);
      pin = {};
    };
  }

  /// Signals the eventfd; the loop, on whichever thread runs it, finds that, and perhaps that there are
  /// jobs, which are the control thread's.
  auto signalled() {
    Probe& it = probe(machine, "it");  // found by a job
    while (machine->loop().run_ready() != 0) {
    }
    it.kick.signal();
    return [this] { EXPECT_GE(machine->loop().run_ready(), 1U); };
  }

  const gate::Locking locking_;
  TestChardev line{"line"};
  TestMachine machine;
  const Census::Snapshot before = machine.census();
  std::atomic<int> calls = 0;
};

/// While it is there, nothing may wait for who stands at a stop: who does is let go, and the test fails.
class NobodyWaitsFor {
 public:
  explicit NobodyWaitsFor(Stop& stop)
      : watch_{"watch", [this, &stop] {
          if (over_.try_acquire_for(std::chrono::seconds{15})) return;
          ADD_FAILURE() << "somebody waits for who stands at the stop";
          stop.release();
        }} {}
  ~NobodyWaitsFor() { over_.release(); }

 private:
  std::binary_semaphore over_{0};
  Thread watch_;
};

// Nobody counts who is inside, so the gate is drained at once. What keeps the device is the read
// section of the caller, though it did not come in one.
class ClosingGateWithoutLock : public ClosingGate {
 protected:
  ClosingGateWithoutLock() : ClosingGate{gate::Locking::kGrace} {}
  template <class Event>
  void is_inside(const char* point, Event event) {
    {
      Schedule schedule;
      Stop& inside = schedule.stop_at(point, "event");
      Thread thread{"event", std::move(event)};
      inside.wait_reached();
      const auto ticket = machine->unplug("it");
      {
        const NobodyWaitsFor nobody{inside};
        for (int looks = 0; looks < 10; ++looks) machine->control().run_pending();
      }
      EXPECT_EQ(ticket->stage(), Stage::kDrained);
      EXPECT_EQ(machine->services().realm().census().take()[Census::Kind::kDevice],
                before[Census::Kind::kDevice] + 1)
          << "out of the map, and there as long as its callback runs";
      inside.release();
      thread.join();
      EXPECT_TRUE(ticket->wait());
    }
    EXPECT_EQ(calls, 1) << "what had begun was finished";
    EXPECT_EQ(machine.census(), before);
  }
};

TEST_F(ClosingGate, ATimerThatIsTooLate) {
  machine.write32(kHole + Probe::kArm, 10);
  arrives_too_late([&] { machine->clock().step_to(10); });
}
TEST_F(ClosingGate, ATimerThatIsInside) {
  machine.write32(kHole + Probe::kArm, 10);
  is_inside("test.in_timer", "timer", [&] { machine->clock().step_to(10); });
}
TEST_F(ClosingGate, ATimerThatWaitsForTheLock) {
  machine.write32(kHole + Probe::kArm, 10);
  waits_for_the_lock([&] { machine->clock().step_to(10); });
}

TEST_F(ClosingGateWithoutLock, ATimerThatIsInside) {
  machine.write32(kHole + Probe::kArm, 10);
  is_inside("test.in_timer", [&] { machine->clock().step_to(10); });
}
TEST_F(ClosingGateWithoutLock, ATimerThatIsTooLate) {
  machine.write32(kHole + Probe::kArm, 10);
  {
    Schedule schedule;
    Stop& before_gate = schedule.stop_at("gate.before_enter", "event");
    Thread thread{"event", [&] { machine->clock().step_to(10); }};
    before_gate.wait_reached();
    const auto ticket = machine->unplug("it");
    machine->control().run_pending();
    before_gate.release();
    EXPECT_TRUE(ticket->wait());
  }
  EXPECT_EQ(calls, 0);
  EXPECT_EQ(machine.census(), before);
}
TEST_F(ClosingGateWithoutLock, APinThatIsInside) {
  is_inside("test.in_pin", drive(probe(machine, "it")));
}
TEST_F(ClosingGateWithoutLock, InputThatIsInside) {
  is_inside("test.in_input", [&] { EXPECT_EQ(line.offer({1}), 1U); });
}
TEST_F(ClosingGateWithoutLock, AnEventFdThatIsInside) { is_inside("test.in_kick", signalled()); }

TEST_F(ClosingGate, APinThatIsTooLate) {
  arrives_too_late(drive(probe(machine, "it")));
}
TEST_F(ClosingGate, APinThatIsInside) {
  is_inside("test.in_pin", "input pin",
            drive(probe(machine, "it")));
}
TEST_F(ClosingGate, APinThatWaitsForTheLock) {
  waits_for_the_lock(drive(probe(machine, "it")));
}

TEST_F(ClosingGate, InputThatIsTooLate) {
  arrives_too_late([&] { EXPECT_EQ(line.offer({1}), 0U); });
  EXPECT_FALSE(line.is_attached());
}
TEST_F(ClosingGate, InputThatIsInside) {
  is_inside("test.in_input", "character input", [&] { EXPECT_EQ(line.offer({1}), 1U); });
}
TEST_F(ClosingGate, InputThatWaitsForTheLock) {
  waits_for_the_lock([&] { line.offer({1}); });
}

TEST_F(ClosingGate, AnEventFdThatIsTooLate) { arrives_too_late(signalled()); }
TEST_F(ClosingGate, AnEventFdThatIsInside) {
  is_inside("test.in_kick", "eventfd", signalled());
}
TEST_F(ClosingGate, AnEventFdThatWaitsForTheLock) { waits_for_the_lock(signalled()); }

// The gate is passed, and closes before anybody looked whether the eventfd is still armed.
TEST_F(ClosingGate, AnEventFdThatIsInsideAndNotLookedAtAgainYet) {
  {
    Schedule schedule;
    Stop& inside = schedule.stop_at("hw.event_fd.inside", "event");
    Thread thread{"event", signalled()};
    inside.wait_reached();
    const auto ticket = machine->unplug("it");
    machine->control().run_pending();
    EXPECT_EQ(ticket->stage(), Stage::kSevered);
    inside.release();
    thread.join();
    EXPECT_TRUE(ticket->wait());
  }
  EXPECT_EQ(calls, 0);
  EXPECT_EQ(machine.census(), before);
}

// Bottom halves and jobs share a thread, so the end comes from within the loop, or from elsewhere.
TEST_F(ClosingGate, ABottomHalfThatIsTooLate) {
  probe(machine, "it").half.schedule();
  {
    Schedule schedule;
    schedule.run_at("hw.bottom_half.popped", "main",
                    [&] { EXPECT_TRUE(machine->unplug("it")->wait()); });
    machine->loop().run_ready();
  }
  EXPECT_EQ(calls, 0);
  EXPECT_EQ(machine.census(), before);
}

TEST_F(ClosingGate, ABottomHalfThatIsInsideAsAnotherThreadTakesItsDeviceAway) {
  auto device = hw::make_device<Probe>(machine->context(), "loose",
                                       Probe::Config{.on_half = [&](Probe&) { ++calls; }});
  ASSERT_TRUE(device->realize(machine->node()));
  EXPECT_TRUE(machine->unplug("it")->wait());
  device->half.schedule();
  {
    Schedule schedule;
    schedule.run_at("test.in_half", "main", [&] {
      Thread{"other", [&] { device.reset(); }}.join();
      EXPECT_EQ(machine->services().realm().census().take()[Census::Kind::kDevice], 2)
          << "severed, and there as long as its callback runs";
    });
    machine->loop().run_ready();
  }
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(machine.census(), before);
}

TEST_F(ClosingGate, ALevelOnItsWayToAReceiverThatHasGone) {
  auto plan = probe_plan("sender", kHole + 0x1000);
  plan.wire({{boards::DeviceRef{"sender"}.out("irq"), plan.existing("it").in("in")}});
  ASSERT_TRUE(machine->realize(plan));
  {
    Schedule schedule;
    Stop& on_its_way = schedule.stop_at("hw.wire.delivering", "cpu");
    Thread cpu{"cpu", [&] { machine.write32(kHole + 0x1000 + Probe::kIrq, 1); }};
    on_its_way.wait_reached();
    const auto ticket = machine->unplug("it");
    Thread releaser{"releaser", [&] {
      EXPECT_TRUE(ticket->wait_for(Stage::kSevered, std::chrono::minutes{1}));
      on_its_way.release();
    }};
    EXPECT_TRUE(ticket->wait());
  }
  EXPECT_EQ(calls, 0);
  EXPECT_TRUE(machine.write32(kHole + 0x1000 + Probe::kIrq, 0)) << "into the air";
  EXPECT_TRUE(machine->unplug("sender")->wait());
  EXPECT_EQ(machine.census(), before);
}

// --- refused at its source once the gate is closed --------------------------------------------------

TEST_F(ClosingGate, NothingStartsBehindIt) {
  {
    Schedule schedule;
    Stop& inside = schedule.stop_at("test.in_callback", "cpu");
    Probe* it = &probe(machine, "it");
    Thread cpu{"cpu", [&] { machine.read32(kHole + Probe::kCall); }};
    inside.wait_reached();
    const auto ticket = machine->unplug("it");
    machine->control().run_pending();
    it->timer.arm(1);
    it->half.schedule();
    it->irq.set(true);
    it->kick.arm();
    EXPECT_FALSE(it->timer.armed());
    EXPECT_FALSE(it->half.is_scheduled());
    EXPECT_FALSE(it->irq.level());
    EXPECT_FALSE(it->kick.armed());
    machine->loop().run_ready();
    it->kick.signal();
    EXPECT_EQ(machine->loop().run_ready(), 0U) << "nobody looks at its eventfd any more";
    EXPECT_FALSE(it->find_part("regs")->may_act());
    inside.release();
    cpu.join();
    EXPECT_TRUE(ticket->wait());
  }
  EXPECT_EQ(calls, 0);
  EXPECT_EQ(machine.census(), before);
}

// All that could call the device was waiting, and the severing has cancelled it. A CPU is still inside
// and starts all of it anew before it leaves.
TEST_F(ClosingGate, AnInsiderStartsNothingThatTheSeveringHasCancelled) {
  const auto start_all = [](Probe& self) {
    self.timer.arm(10);
    self.half.schedule();
    self.kick.arm();
    self.irq.set(true);
    return 1U;
  };
  plug_probe(machine, "busy", kHole + 0x1000,
             {.on_read = start_all,
              .on_timer = [&](Probe&) { ++calls; },
              .on_half = [&](Probe&) { ++calls; },
              .on_kick = [&](Probe&, std::uint64_t) { ++calls; }});
  Probe& busy = probe(machine, "busy");
  busy.timer.arm(5);
  busy.half.schedule();
  busy.kick.signal();
  const auto nothing_is_started = [&](const char* when) {
    EXPECT_FALSE(busy.timer.armed()) << when;
    EXPECT_EQ(machine->clock().next_deadline_ns(), std::nullopt) << when;
    EXPECT_FALSE(busy.half.is_scheduled()) << when;
    EXPECT_FALSE(busy.kick.armed()) << when;
    EXPECT_FALSE(busy.irq.level()) << when;
  };
  {
    Schedule schedule;
    Stop& inside = schedule.stop_at("test.in_callback", "cpu");
    std::optional<std::uint32_t> answer;
    Thread cpu{"cpu", [&] { answer = machine.read32(kHole + 0x1000 + Probe::kCall); }};
    inside.wait_reached();
    const auto ticket = machine->unplug("busy");
    machine->control().run_pending();
    EXPECT_EQ(ticket->stage(), Stage::kSevered);
    nothing_is_started("cancelled");
    inside.release();
    cpu.join();
    EXPECT_EQ(answer, 1U) << "what had begun was finished";
    EXPECT_EQ(ticket->stage(), Stage::kDrained);
    nothing_is_started("by whom the severing found inside");  // it is destroyed by a job, not yet
    EXPECT_TRUE(ticket->wait());
  }
  machine->clock().step_to(20);
  machine->loop().run_ready();
  EXPECT_EQ(calls, 0);
  EXPECT_TRUE(machine->unplug("it")->wait());
  EXPECT_EQ(machine.census(), before);
}

}  // namespace
}  // namespace holdfast::test
