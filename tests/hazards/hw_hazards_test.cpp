// SPDX-License-Identifier: Apache-2.0
// Lifetime bugs that shipped elsewhere, by their numbers (docs/lifetimes.md): those of devices and
// machines. Each ends with the census it began with.
#include <gtest/gtest.h>

#include "holdfast/gate/realm.hpp"
#include "tests/support/probe.hpp"
#include "tests/support/schedule.hpp"

namespace holdfast::test {
namespace {

using memory::MemTxResult;
using testing::Schedule;
using testing::Stop;
using testing::Thread;
using Stage = hw::Ticket::Stage;

class Hazard : public ::testing::Test {
 protected:
  ~Hazard() override { EXPECT_EQ(machine.census(), before); }
  void unplug(const char* name) { EXPECT_TRUE(machine->unplug(name)->wait()); }

  TestMachine machine;
  const Census::Snapshot before = machine.census();
};

/// RAM of its own at "regs", and a hold on whatever its guest names: a DMA that takes its time.
class Mapper final : public hw::Device {
 public:
  static constexpr object::Type kType{
      .name = "test-mapper", .parent = &hw::Device::kType, .docs = "Maps what the guest names."};
  explicit Mapper(const hw::DeviceInit& init) : Device{init} {
    regs_.add(0x000, control_);
    regs_.add(0x800, bar_);
  }
  std::optional<memory::Hold> take() { return std::exchange(hold_, std::nullopt); }

 private:
  void map(std::uint32_t address) {
    hold_ = dma_.hold(address, 0x100, memory::Port::HoldFor::kWriting, "its DMA",
                      std::source_location::current());
  }
  std::uint32_t is_mapped() const { return hold_ ? 1 : 0; }

  hw::Container regs_{*this, "regs", kRegsSize};
  hw::Ram bar_{*this, "bar", {.size = 0x100}};
  hw::RegionLink memory_{*this, "memory"};
  hw::Space space_{*this, "space", memory_};
  memory::Port dma_{space_.get()};
  std::optional<memory::Hold> hold_;
  hw::Mmio control_{*this, "control", hw::register_map<Mapper>(0x100, {
      {.at = 0, .name = "MAP", .read = &Mapper::is_mapped, .write = &Mapper::map}})};
};

void plug_mapper(TestMachine& machine) {
  boards::BoardPlan plan{"mapper"};
  const auto bus = plan.existing("bus").region("memory");
  const auto mapper = plan.add<Mapper>("it");
  plan.map_into(bus, {{kHole, mapper.region("regs")}});
  plan.link({{mapper.link("memory"), bus}});
  ASSERT_TRUE(machine->realize(plan));
}

TEST_F(Hazard, H3_ADeviceThatMapsItsOwnBarIsUnpluggedAndItsOwnEndEndsTheHold) {
  plug_mapper(machine);
  machine.write32(kHole, kHole + 0x800);
  EXPECT_EQ(machine.read32(kHole), 1U) << "it holds its own memory";
  unplug("it");
  EXPECT_FALSE(machine.read32(kHole + 0x800));
}

TEST_F(Hazard, H3_ARequestThatHoldsTheBarDelaysTheMemoryAndNotTheDevice) {
  plug_mapper(machine);
  machine.write32(kHole, kHole + 0x800);
  auto request = dynamic_cast<Mapper&>(*machine->find("it").get()).take();
  ASSERT_TRUE(request);
  unplug("it");
  request->bytes()[0xff] = std::byte{1};
  EXPECT_EQ(machine.census()[Census::Kind::kDevice], before[Census::Kind::kDevice]);
  request.reset();
}

TEST_F(Hazard, H16_TheGuestEjectsTheDeviceFromInsideThatDevicesCallback) {
  Ref<hw::Ticket> ticket;
  plug_probe(machine, "it", kHole, {.on_write = [&](Probe& self, std::uint32_t) {
    ticket = machine->unplug("it");
    self.irq.set(true);
    self.timer.arm(1);
  }});
  EXPECT_TRUE(machine.write32(kHole + Probe::kCall, 1));
  machine->control().run_pending();
  EXPECT_FALSE(machine.read32(kHole)) << "severed at once";
  EXPECT_TRUE(ticket->wait());
}

// Realize failing at any step leaves the world as it was: the back-end, too.
TEST_F(Hazard, H20_APlugThatFailedAtAnyPartCanBeTriedAgain) {
  TestChardev line{"line"};
  std::size_t parts = 0;
  for (std::size_t k = 0;; ++k) {
    hw::FaultPlan fault{.fail_at = k};
    machine->context().faults = &fault;
    const auto plugged = machine->realize(probe_plan("it", kHole, {.chardev = &line}));
    machine->context().faults = nullptr;
    if (plugged) break;
    ++parts;
    EXPECT_FALSE(line.is_attached()) << "after part " << k;
    EXPECT_FALSE(machine.read32(kHole));
    EXPECT_EQ(machine.census(), before) << "after part " << k;
  }
  EXPECT_GE(parts, 6U);
  EXPECT_TRUE(line.is_attached());
  unplug("it");
  EXPECT_FALSE(line.is_attached());
}

// What was prepared before is given back by the failure itself, not by whoever drops the device.
TEST_F(Hazard, H20_AFailedPrepareGivesBackWhatItTook) {
  TestChardev line{"line"};
  const auto device = hw::make_device<Probe>(machine->context(), "it", Probe::Config{.chardev = &line});
  hw::FaultPlan never{.fail_at = ~std::size_t{0}};
  {
    const auto other = hw::make_device<Probe>(machine->context(), "counted", Probe::Config{});
    machine->context().faults = &never;
    EXPECT_TRUE(other->prepare());
  }
  hw::FaultPlan at_the_end{.fail_at = never.seen - 1};
  machine->context().faults = &at_the_end;
  EXPECT_FALSE(device->prepare());
  machine->context().faults = nullptr;
  EXPECT_FALSE(line.is_attached());
}

// A plan that fails in its second device takes back the first, which was whole.
TEST_F(Hazard, H20_APlanThatFailsInItsLastDeviceTakesBackTheFirst) {
  TestChardev line{"line"};
  auto plan = probe_plan("one", kHole, {.chardev = &line});
  plan.add<Probe>("two", {.chardev = &line});
  const auto realized = machine->realize(plan);
  EXPECT_EQ(realized ? "realized" : realized.error().message,
            "chardev 'line' is in use by /machine/one:chardev");
  EXPECT_EQ(machine.census(), before);
  EXPECT_TRUE(machine->realize(probe_plan("one", kHole, {.chardev = &line})));
  unplug("one");
}

// A wire that cannot be laid fails the plan, and cuts what was laid before it.
TEST_F(Hazard, H20_APlanWhoseWireIsTakenLeavesTheOtherWires) {
  auto plan = probe_plan("a", kHole);
  const auto b = plan.add<Probe>("b");
  plan.wire({{boards::DeviceRef{"a"}.out("irq"), b.in("in")}});
  ASSERT_TRUE(machine->realize(plan));
  const auto two = machine.census();
  boards::BoardPlan thief{"thief"};
  const auto c = thief.add<Probe>("c");
  thief.wire({{thief.existing("a").out("irq"), c.in("in")}});
  EXPECT_FALSE(machine->realize(thief));
  EXPECT_EQ(machine.census(), two);
  machine.write32(kHole + Probe::kIrq, 1);
  EXPECT_TRUE(probe(machine, "b").in.level());
  unplug("a");
  unplug("b");
}

// Published last: whoever finds a device finds it whole.
TEST_F(Hazard, H23_ADeviceIsVisibleOnlyWhenAllOfItsPartsAreReady) {
  {
    Schedule schedule;
    std::vector<std::string> seen;
    const auto look = [&] {
      Thread{"cpu", [&] {
        seen.push_back(machine.read32(kHole) ? "mapped" : "-");
        seen.push_back(machine->tree().resolve("/machine/it") ? "named" : "-");
      }}.join();
    };
    schedule.run_at("hw.prepare.part", "main", look);
    schedule.run_at("memory.commit.before_publish", "main", look);
    schedule.run_at("hw.publish.before_name", "main", look);
    plug_probe(machine, "it", kHole);
    look();
    EXPECT_EQ(seen, (std::vector<std::string>{"-", "-", "-", "-", "mapped", "-", "mapped", "named"}));
  }
  {
    Schedule schedule;
    std::vector<std::string> seen;
    schedule.run_at("hw.sever.before_commit", "main", [&] {
      Thread{"cpu", [&] {
        seen.push_back(machine.read32(kHole) ? "mapped" : "-");
        seen.push_back(machine->tree().resolve("/machine/it") ? "named" : "-");
      }}.join();
    });
    unplug("it");
    EXPECT_EQ(seen, (std::vector<std::string>{"mapped", "-"})) << "revoked first";
  }
}

// No lock is held across calls out: two devices that interrupt each other from two threads.
TEST_F(Hazard, H23_DevicesThatRaiseEachOthersPinsFromTwoThreadsDoNotLockEachOther) {
  const auto answer = [](Probe& self, bool level) { self.irq.set(level); };
  boards::BoardPlan plan{"two"};
  const auto bus = plan.existing("bus").region("memory");
  const auto a = plan.add<Probe>("a", {});
  const auto b = plan.add<Probe>("b", {.on_pin = answer});
  plan.map_into(bus, {{kHole, a.region("regs")}, {kHole + 0x1000, b.region("regs")}});
  plan.wire({{a.out("irq"), b.in("in")}, {b.out("irq"), a.in("in")}});
  ASSERT_TRUE(machine->realize(plan));
  {
    Thread one{"one", [&] { for (std::uint32_t i = 0; i < 200; ++i) machine.write32(kHole + Probe::kIrq, i & 1); }};
    Thread two{"two", [&] { for (std::uint32_t i = 0; i < 200; ++i) machine.write32(kHole + 0x1000 + Probe::kIrq, i & 1); }};
  }
  unplug("a");
  unplug("b");
}

/// Notes what its destructor finds: a hook could do no harm even if there were one.
class LastWords final : public hw::Device {
 public:
  static constexpr object::Type kType{
      .name = "test-last-words", .parent = &hw::Device::kType, .docs = "Looks at its end."};
  struct Config {
    std::string* words;
  };
  LastWords(const hw::DeviceInit& init, Config config) : Device{init}, words_{config.words} {}
  ~LastWords() override {
    *words_ = std::string{to_string(life())} + (regs_.exists() ? ", parts whole" : ", parts gone") +
              (regs_.may_act() ? ", may act" : ", may not act");
    regs_.set_enabled(false);  // as the hook elsewhere did: here it is nothing
    timer_.arm(1);
    line_.set(true);
  }

 private:
  std::uint32_t zero() const { return 0; }
  void expired() { *words_ = "expired"; }

  std::string* const words_;
  hw::Mmio regs_{*this, "regs", hw::register_map<LastWords>(kRegsSize, {
      {.at = 0, .name = "ZERO", .read = &LastWords::zero}})};
  hw::Timer timer_{*this, "timer", &LastWords::expired};
  hw::IrqOut line_{*this, "irq"};
};

TEST_F(Hazard, H24_WorkOnItsOwnPartsInADestructorFindsThemWholeAndDoesNothing) {
  std::string words;
  ASSERT_TRUE(machine->plug<LastWords>("it", kHole, LastWords::Config{&words}));
  unplug("it");
  EXPECT_EQ(words, "drained, parts whole, may not act");
  machine->clock().step_to(10);
  EXPECT_EQ(words, "drained, parts whole, may not act");
  hw::make_device<LastWords>(machine->context(), "looked at", LastWords::Config{&words}).reset();
  EXPECT_NE(words.find("parts whole, may not act"), std::string::npos) << words;
}

// The guard against a device that reaches itself follows what it began: a timer, a bottom half, input.
class SelfDma : public Hazard {
 protected:
  static constexpr std::uint64_t kSelf = kHole + Probe::kCall;
  void plug(Probe::Config config) {
    config.on_read = [&](Probe&) { return ++calls, 1U; };
    config.on_write = [&](Probe&, std::uint32_t) { ++calls; };
    plug_probe(machine, "it", kHole, std::move(config));
  }
  void reach_myself(Probe& self) {
    EXPECT_FALSE(self.dma_read(kSelf));
    EXPECT_EQ(self.last_dma, MemTxResult::kAccessError);
    EXPECT_EQ(self.dma_write(kSelf, 1), MemTxResult::kAccessError);
    ++tried;
  }
  void expect_refused() {
    EXPECT_EQ(tried, 1);
    EXPECT_EQ(calls, 0);
    EXPECT_GE(machine->context().realm.reentries_refused(), 2U);
    unplug("it");
  }
  int calls = 0;
  int tried = 0;
};

TEST_F(SelfDma, H28_ThroughATimer) {
  plug({.on_timer = [&](Probe& self) { reach_myself(self); }});
  machine.write32(kHole + Probe::kArm, 1);
  machine->clock().step_to(1);
  expect_refused();
}

TEST_F(SelfDma, H28_ThroughABottomHalf) {
  plug({.on_half = [&](Probe& self) { reach_myself(self); }});
  probe(machine, "it").half.schedule();
  machine->loop().run_ready();
  expect_refused();
}

TEST_F(SelfDma, H28_ThroughAnEventFd) {
  plug({.on_kick = [&](Probe& self, std::uint64_t) { reach_myself(self); }});
  probe(machine, "it").kick.signal();
  machine->loop().run_ready();
  expect_refused();
}

TEST_F(SelfDma, H28_ThroughAPin) {
  plug({.on_pin = [&](Probe& self, bool) { reach_myself(self); }});
  probe(machine, "it").in.pin(0)->drive(true, machine->context().holdback);
  expect_refused();
}

TEST_F(SelfDma, H28_ThroughACompletionOfABackEnd) {
  TestChardev line{"line"};
  plug({.chardev = &line, .on_input = [&](Probe& self, chardev::Bytes) { reach_myself(self); }});
  line.offer({1});
  expect_refused();
}

TEST_F(SelfDma, H28_ThroughAnotherDeviceThatATimerOfItWroteTo) {
  plug({.on_timer = [&](Probe& self) {
    ++tried;
    self.dma_write(kHole + 0x1000 + Probe::kCall, 1);
  }});
  plug_probe(machine, "other", kHole + 0x1000, {.on_write = [](Probe& self, std::uint32_t) {
    self.dma_write(kSelf, 1);
  }});
  machine.write32(kHole + Probe::kArm, 1);
  machine->clock().step_to(1);
  EXPECT_EQ(machine->context().realm.reentries_refused(), 1U);
  EXPECT_EQ(tried, 1);
  EXPECT_EQ(calls, 0);
  unplug("other");
  unplug("it");
}

/// Lines made by hand, and a queue of its own, both at construction.
class HandMade final : public hw::Device {
 public:
  static constexpr object::Type kType{
      .name = "test-hand-made", .parent = &hw::Device::kType, .docs = "Lines and a FIFO."};
  explicit HandMade(const hw::DeviceInit& init)
      : Device{init},
        out_{hw::OutPin::make(Ref<gate::Gate>::share(&gate()), full_path() + ":out")},
        fifo_(256) {
    for (unsigned i = 0; i < 8; ++i)
      ins_.push_back(hw::InPin::make(Ref<gate::Gate>::share(&gate()), full_path() + ":in",
                                     [this](bool) { fifo_.push_back(0); }));
    for (unsigned i = 0; i < 4; ++i)
      lines_.push_back(hw::make_part<hw::IrqOutArray>(*this, "line", 2U).value());
  }

 private:
  std::uint32_t zero() const { return 0; }

  hw::Mmio regs_{*this, "regs", hw::register_map<HandMade>(kRegsSize, {
      {.at = 0, .name = "ZERO", .read = &HandMade::zero}})};
  Ref<hw::OutPin> out_;
  std::vector<Ref<hw::InPin>> ins_;
  std::vector<hw::OwnedPart<hw::IrqOutArray>> lines_;
  std::vector<std::uint8_t> fifo_;
};

TEST_F(Hazard, H34_InterruptLinesMadeByHandAreGoneWithTheirDevice) {
  hw::make_device<HandMade>(machine->context(), "looked at").reset();
  EXPECT_EQ(machine.census(), before) << "never realized";
  ASSERT_TRUE(machine->plug<HandMade>("it", kHole));
  unplug("it");
}

TEST_F(Hazard, H35_AFifoMadeAtConstructionIsGoneWithItsDevice) {
  for (int i = 0; i < 10; ++i)  // the leak checker counts
    hw::make_device<HandMade>(machine->context(), "looked at").reset();
  ASSERT_TRUE(machine->plug<HandMade>("it", kHole));
  unplug("it");
}

}  // namespace
}  // namespace holdfast::test
