// SPDX-License-Identifier: Apache-2.0
// Reset against everything: plug, unplug, timers, pins and input that come while it goes on.
#include <gtest/gtest.h>

#include <array>
#include <list>
#include <mutex>
#include <string>

#include "tests/support/probe.hpp"
#include "tests/support/schedule.hpp"

namespace holdfast::test {
namespace {

using testing::Schedule;
using testing::Stop;
using testing::Thread;
using Stage = hw::Ticket::Stage;

/// Starts its timer when it comes out of reset, as many devices do.
class Runner final : public hw::Device {
 public:
  static constexpr object::Type kType{
      .name = "test-runner", .parent = &hw::Device::kType, .docs = "Runs by itself."};
  struct Config {
    std::function<void(const char*)> note;
  };
  Runner(const hw::DeviceInit& init, Config config) : Device{init}, config_{std::move(config)} {}

  hw::IrqIn in{*this, "in", &Runner::changed};

 private:
  void on_reset(hw::ResetPhase phase) override {
    if (phase != hw::ResetPhase::kExit) return;
    timer_.arm(timer_.now_ns());
    HF_SCHEDULE_POINT("test.out_of_reset");
    config_.note("out");
  }
  void expired() { config_.note("timer"); }
  void changed(bool) { config_.note("pin"); }

  const Config config_;
  hw::Mmio regs_{*this, "regs", hw::register_map<Runner>(kRegsSize, {
      {.at = 0, .name = "ZERO", .read = &Runner::zero}})};
  std::uint32_t zero() const { return 0; }
  hw::Timer timer_{*this, "timer", &Runner::expired};
};

class ResetRace : public ::testing::Test {
 protected:
  void note(const char* what) {
    const std::lock_guard lock{mutex};
    log += std::string{what} + " ";
  }
  template <class T = Runner>
  void plug(const char* name, std::uint64_t address) {
    ASSERT_TRUE(machine->plug<T>(name, address, typename T::Config{
        .note = [this](const char* what) { note(what); }}));
  }

  TestMachine machine;
  std::mutex mutex;
  std::string log;
};

// The first device is out of reset and its timer due; the second is not. The timer has to wait.
TEST_F(ResetRace, TimersWaitUntilEveryDeviceIsOutOfReset) {
  plug("one", kHole);
  plug("two", kHole + 0x1000);
  machine->clock().step_to(1);
  log.clear();
  {
    Schedule schedule;
    Stop& held = schedule.stop_at("hw.holdback.waiting", "clock");
    std::optional<Thread> clock;
    schedule.run_at("test.out_of_reset", "main", [&] {  // of the first
      clock.emplace("clock", [&] { machine->clock().step_to(1); });
      held.wait_reached();
      held.release();
    });
    machine->reset();
    clock->join();
  }
  EXPECT_EQ(log, "out out timer timer ");
}

TEST_F(ResetRace, PinsThatClientsDriveWaitToo) {
  plug("one", kHole);
  plug("two", kHole + 0x1000);
  const auto pin = dynamic_cast<Runner&>(*machine->find("one").get()).in.pin(0);
  log.clear();
  {
    Schedule schedule;
    Stop& held = schedule.stop_at("hw.holdback.waiting", "client");
    std::optional<Thread> client;
    schedule.run_at("hw.reset.phase", "main", [&] {
      client.emplace("client", [&] { pin->drive(true, machine->context().holdback); });
      held.wait_reached();
      held.release();
    });
    machine->reset();
    client->join();
  }
  EXPECT_EQ(log, "out out pin ");
}

TEST_F(ResetRace, InputWaitsToo) {
  TestChardev line{"line"};
  plug("one", kHole);
  plug_probe(machine, "it", kHole + 0x1000, {.chardev = &line, .on_input = [&](Probe&, auto) {
    note("input");
  }});
  log.clear();
  {
    Schedule schedule;
    Stop& held = schedule.stop_at("hw.holdback.waiting", "client");
    std::optional<Thread> client;
    schedule.run_at("hw.reset.phase", "main", [&] {
      client.emplace("client", [&] { line.offer({1}); });
      held.wait_reached();
      held.release();
    });
    machine->reset();
    client->join();
  }
  EXPECT_EQ(log, "out input ");
  EXPECT_TRUE(machine->unplug("it")->wait());
}

TEST_F(ResetRace, EventFdsWaitToo) {
  plug("one", kHole);
  plug_probe(machine, "it", kHole + 0x1000, {.on_kick = [&](Probe&, auto) { note("kick"); }});
  Probe& it = probe(machine, "it");
  log.clear();
  {
    Schedule schedule;
    Stop& held = schedule.stop_at("hw.holdback.waiting", "loop");
    std::optional<Thread> loop;
    schedule.run_at("hw.reset.phase", "main", [&] {
      machine->loop().run_ready();  // what wakes the control thread is none of the other's business
      it.kick.signal();
      loop.emplace("loop", [&] { machine->loop().run_ready(); });
      held.wait_reached();
      held.release();
    });
    machine->reset();
    loop->join();
  }
  EXPECT_EQ(log, "out kick ");
}

// A plug that is asked for during a reset joins behind it, and is reset once, by its own plug.
TEST_F(ResetRace, APlugAskedForDuringAResetJoinsBehindIt) {
  TestMachine busy{boards::BoardPlan{"busy"}, {.control = machine::Machine::Control::kOwnThread}};
  ASSERT_TRUE(busy->plug<Scratch>("first", kHole));
  {
    Schedule schedule;
    Stop& in_reset = schedule.stop_at("hw.reset.phase", "main");  // the control thread
    Thread resetter{"resetter", [&] { busy->reset(); }};
    in_reset.wait_reached();
    Thread plugger{"plugger", [&] {
      EXPECT_TRUE(busy->plug<Scratch>("second", kHole + 0x1000));
    }};
    const auto ticket = busy->unplug("first");
    EXPECT_EQ(ticket->stage(), Stage::kRequested);
    EXPECT_EQ(busy.read32(kHole + Scratch::kResets), 1U) << "there, and not out of reset yet";
    in_reset.release();
    plugger.join();
    EXPECT_TRUE(ticket->wait());
    EXPECT_EQ(busy.read32(kHole + 0x1000 + Scratch::kResets), 1U);
    EXPECT_FALSE(busy.read32(kHole));
  }
}

// Asked for from a callback inside the reset: the reset, then the end, then the reset again.
TEST_F(ResetRace, ADeviceThatEjectsItselfAsItIsReset) {
  Ref<hw::Ticket> ticket;
  const auto before = machine.census();
  int phases = 0;
  ASSERT_TRUE(machine->plug<Scratch>("it", kHole, Scratch::Config{.on_reset = [&](auto phase) {
    ++phases;
    if (phase != hw::ResetPhase::kHold || phases <= 3) return;
    ticket = machine->unplug("it");
    machine->request_reset();
  }}));
  machine->reset();
  EXPECT_TRUE(ticket->wait());
  EXPECT_EQ(phases, 6) << "by its plug and by the reset, not by the one behind its end";
  EXPECT_EQ(machine.census(), before);
}

// A CPU stands in a device when the reset comes; the reset waits for the device's lock and no more.
TEST_F(ResetRace, AResetWaitsForWhoeverIsInADevice) {
  plug_probe(machine, "it", kHole);
  {
    Schedule schedule;
    Stop& inside = schedule.stop_at("test.in_callback", "cpu");
    Thread cpu{"cpu", [&] { machine.read32(kHole + Probe::kCall); }};
    inside.wait_reached();
    schedule.run_at("hw.reset.phase", "main", [&] { inside.release(); });
    machine->reset();
  }
}

// --- reset against unplug against plug --------------------------------------------------------------

/// All three at once: the control thread stands in the middle of one when the other two are asked for.
class ResetUnplugPlug : public ::testing::Test {
 protected:
  static constexpr std::uint64_t kStays = kHole, kGoes = kHole + 0x1000, kComes = kHole + 0x2000;

  void SetUp() override {
    EXPECT_TRUE(plug("stays", kStays));
    EXPECT_TRUE(plug("goes", kGoes));
    log.clear();
  }
  void TearDown() override {
    for (const char* name : {"stays", "comes"}) EXPECT_TRUE(machine->unplug(name)->wait());
    EXPECT_EQ(machine.census(), before);
  }
  Result<void> plug(const char* name, std::uint64_t address) {
    return machine->plug<Scratch>(name, address, Scratch::Config{.on_reset = [this, name](auto phase) {
      constexpr std::array kPhases{" enters, ", " is held, ", " leaves, "};
      const std::lock_guard lock{mutex};
      log += name + std::string{kPhases[static_cast<std::size_t>(phase)]};
    }});
  }
  std::optional<std::uint32_t> resets_at(std::uint64_t address) {
    return machine.read32(address + Scratch::kResets);
  }
  std::string noted() {
    const std::lock_guard lock{mutex};
    return log;
  }
  /// Asks on a thread of that role; it waits for the answer, and the job is queued on return.
  template <class Ask>
  void asks(const char* role, Ask ask) {
    Stop& queued = schedule.stop_at("hw.control.queued", role);
    clients.emplace_back(role, std::move(ask));
    queued.wait_reached();
    queued.release();
  }

  TestMachine machine{boards::BoardPlan{"busy"},
                      {.control = machine::Machine::Control::kOwnThread}};
  const Census::Snapshot before = machine.census();
  std::mutex mutex;
  std::string log;
  std::list<Thread> clients;
  Schedule schedule;  // lets everybody go at its end; the control thread is "main", too
};

TEST_F(ResetUnplugPlug, TheLatterTwoAreAskedForInTheMiddleOfTheReset) {
  Stop& between = schedule.stop_at("hw.reset.phase", "main", 1);
  clients.emplace_back("resetter", [&] { machine->reset(); });
  between.wait_reached();
  const auto ticket = machine->unplug("goes");
  asks("plugger", [&] { EXPECT_TRUE(plug("comes", kComes)); });
  EXPECT_EQ(ticket->stage(), Stage::kRequested);
  EXPECT_EQ(resets_at(kGoes), 1U) << "there, and not out of reset yet";
  EXPECT_FALSE(resets_at(kComes));
  between.release();
  clients.clear();
  EXPECT_TRUE(ticket->wait());
  EXPECT_EQ(noted(),
            "stays enters, goes enters, stays is held, goes is held, stays leaves, goes leaves, "
            "comes enters, comes is held, comes leaves, ");
  EXPECT_FALSE(resets_at(kGoes));
  EXPECT_EQ(resets_at(kComes), 1U);
}

TEST_F(ResetUnplugPlug, TheFirstTwoAreAskedForInTheMiddleOfThePlug) {
  Stop& published = schedule.stop_at("hw.publish.part", "main");
  clients.emplace_back("plugger", [&] { EXPECT_TRUE(plug("comes", kComes)); });
  published.wait_reached();
  asks("resetter", [&] { machine->reset(); });
  const auto ticket = machine->unplug("goes");
  EXPECT_EQ(ticket->stage(), Stage::kRequested);
  EXPECT_EQ(resets_at(kGoes), 1U);
  EXPECT_EQ(resets_at(kComes), 1U) << "in the map, and reset by its plug before that";
  published.release();
  clients.clear();
  EXPECT_TRUE(ticket->wait());
  EXPECT_EQ(noted(),
            "comes enters, comes is held, comes leaves, "
            "stays enters, goes enters, comes enters, stays is held, goes is held, comes is held, "
            "stays leaves, goes leaves, comes leaves, ");
  EXPECT_FALSE(resets_at(kGoes));
  EXPECT_EQ(resets_at(kComes), 2U);
}

// What is severed is out of the other two's way, though a CPU stays inside it until they are over.
TEST_F(ResetUnplugPlug, TheOtherTwoAreAskedForInTheMiddleOfTheUnplugAndOvertakeItsDrain) {
  Stop& inside = schedule.stop_at("test.in_callback", "cpu");
  Stop& severed = schedule.stop_at("hw.sever.committed", "main");
  Thread cpu{"cpu", [&] { EXPECT_TRUE(machine.read32(kGoes + Scratch::kTrap)); }};
  inside.wait_reached();
  const auto ticket = machine->unplug("goes");
  severed.wait_reached();
  asks("plugger", [&] { EXPECT_TRUE(plug("comes", kGoes)); });
  asks("resetter", [&] { machine->reset(); });
  EXPECT_FALSE(resets_at(kGoes)) << "out of the map, and the next one not in it yet";
  severed.release();
  clients.clear();
  EXPECT_EQ(noted(),
            "comes enters, comes is held, comes leaves, "
            "stays enters, comes enters, stays is held, comes is held, stays leaves, comes leaves, ");
  EXPECT_EQ(resets_at(kGoes), 2U) << "of the one that is there now";
  EXPECT_EQ(ticket->stage(), Stage::kSevered);
  inside.release();
  cpu.join();
  EXPECT_TRUE(ticket->wait());
}

}  // namespace
}  // namespace holdfast::test
