// SPDX-License-Identifier: Apache-2.0
#include "holdfast/hw/device.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "holdfast/hw/claim.hpp"
#include "holdfast/hw/configuration.hpp"
#include "holdfast/hw/irq.hpp"
#include "holdfast/hw/memory_backend.hpp"
#include "holdfast/hw/reset.hpp"
#include "holdfast/hw/services.hpp"
#include "holdfast/hw/ticket.hpp"
#include "tests/support/schedule.hpp"
#include "tests/support/test_devices.hpp"

namespace holdfast::hw {
namespace {

using test::Leaf;
using test::Nest;
using test::Scratch;

constexpr gate::Use kUse{.what = "test"};

/// A part that writes down what happens to it.
class Witness final : public Part {
 public:
  Witness(Device& device, std::string name, std::vector<std::string>& log, bool fails = false)
      : Part{device, "witness", std::move(name)}, log_{log}, fails_{fails} {}
  ~Witness() override { note("gone"); }

 private:
  Result<void> prepare() override {
    note("prepare");
    if (fails_) return fail("{}: does not like it here", path());
    return {};
  }
  void unprepare() override { note("unprepare"); }
  void publish(memory::Transaction&) override { note("publish"); }
  void published() override { note("published"); }
  void sever(memory::Transaction&) override { note("sever"); }
  void severed() override { note("severed"); }
  void note(const char* what) { log_.push_back(name() + " " + what); }

  std::vector<std::string>& log_;
  const bool fails_;
};

struct Log {
  std::vector<std::string> lines;
};

class Inner final : public Device {
 public:
  static constexpr object::Type kType{.name = "test-inner", .parent = &Device::kType, .docs = "-"};
  Inner(const DeviceInit& init, Log& log) : Device{init}, part_{*this, "inner", log.lines} {}

 private:
  Witness part_;
};

class Outer final : public Device {
 public:
  static constexpr object::Type kType{.name = "test-outer", .parent = &Device::kType, .docs = "-"};
  Outer(const DeviceInit& init, Log& log, bool last_fails = false)
      : Device{init},
        a_{*this, "a", log.lines},
        child_{*this, "child", log},
        b_{*this, "b", log.lines, last_fails} {}

 private:
  Witness a_;
  Child<Inner> child_;
  Witness b_;
};

class Master final : public Device {
 public:
  static constexpr object::Type kType{.name = "test-master", .parent = &Device::kType, .docs = "-"};
  explicit Master(const DeviceInit& init) : Device{init} {}
  RegionLink memory{*this, "memory"};
  Space dma{*this, "dma", memory, 5};
};

using Lines = std::vector<std::string>;

class DeviceTest : public ::testing::Test {
 protected:
  object::Node& root() { return services->tree().root(); }
  Census::Snapshot census() { return services->census(); }

  std::unique_ptr<Services> services = Services::make({.name = "test"}).value();
  Context& context = services->context();
  const Census::Snapshot before = census();
  Log log;
};

TEST_F(DeviceTest, BuiltAndDroppedLeavesNothing) {
  { const auto device = make_device<Nest>(context, "nest"); }
  EXPECT_EQ(census(), before);
}

TEST_F(DeviceTest, GoesThroughItsLifePartByPart) {
  auto device = make_device<Outer>(context, "outer", log);
  ASSERT_TRUE(device->realize(root()));
  EXPECT_EQ(log.lines, (Lines{"a prepare", "inner prepare", "b prepare", "a publish",
                              "inner publish", "b publish", "a published", "b published",
                              "inner published"}));
  EXPECT_EQ(device->life(), Life::kLive);
  EXPECT_EQ(device->path(), "/outer");
  log.lines.clear();
  device.reset();
  EXPECT_EQ(log.lines, (Lines{"a sever", "b sever", "inner sever", "a severed", "b severed",
                              "inner severed"}));
  EXPECT_FALSE(services->tree().resolve("/outer")) << "severed is nameless";
  services->settle();
  EXPECT_EQ(log.lines.back(), "a gone");
  EXPECT_EQ(census(), before);
}

TEST_F(DeviceTest, UnwindsInReverseWhenAPartFailsItsPrepare) {
  auto device = make_device<Outer>(context, "outer", log, true);
  const auto realized = device->realize(root());
  ASSERT_FALSE(realized);
  EXPECT_EQ(realized.error().message, "/machine/outer:b: does not like it here");
  EXPECT_EQ(log.lines, (Lines{"a prepare", "inner prepare", "b prepare", "inner unprepare",
                              "a unprepare"}));
  EXPECT_EQ(device->life(), Life::kSpent);
  device.reset();
  EXPECT_EQ(census(), before);
}

TEST_F(DeviceTest, RefusesANameThatIsTaken) {
  auto one = make_device<Leaf>(context, "leaf");
  auto other = make_device<Leaf>(context, "leaf");
  ASSERT_TRUE(one->realize(root()));
  EXPECT_EQ(other->realize(root()).error().message, "/leaf: the name is taken");
}

TEST_F(DeviceTest, FindsPartsByNameAndThoseOfChildren) {
  const auto device = make_device<Nest>(context, "nest");
  EXPECT_EQ(device->find_part<Container>("regs")->path(), "/machine/nest:regs");
  EXPECT_EQ(device->find_part<Mmio>("second/regs")->path(), "/machine/nest/second:regs");
  EXPECT_EQ(device->find_part("third/regs"), nullptr);
  EXPECT_EQ(device->find_part<Mmio>("regs"), nullptr) << "another kind";
}

TEST_F(DeviceTest, IsDestroyedOnlyWhenTheLastInsiderHasLeft) {
  auto device = make_device<Leaf>(context, "leaf");
  ASSERT_TRUE(device->realize(root()));
  const auto gate = Ref<gate::Gate>::share(&device->gate());
  const auto ticket = Ticket::make(context.control, context.realm.census(), "/leaf");

  testing::Schedule schedule;
  auto& inside = schedule.stop_at("gate.entered", "cpu");
  testing::Thread cpu{"cpu", [&] { const gate::Pass pass{*gate, kUse}; }};
  inside.wait_reached();

  Device::dispose(device.release(), ticket);
  context.control.run_pending();
  EXPECT_EQ(ticket->stage(), Ticket::Stage::kSevered);
  EXPECT_EQ(ticket->report().insiders.size(), 1U);
  EXPECT_FALSE((gate::Pass{*gate, kUse})) << "nobody comes in any more";
  inside.release();
  EXPECT_TRUE(ticket->wait());
}

TEST_F(DeviceTest, MayBeDroppedInItsOwnCallback) {
  auto device = make_device<Leaf>(context, "leaf");
  ASSERT_TRUE(device->realize(root()));
  const auto gate = Ref<gate::Gate>::share(&device->gate());
  {
    const gate::Pass pass{*gate, kUse};
    Leaf* const mine = device.get();
    device.reset();
    EXPECT_EQ(mine->life(), Life::kLive) << "it goes when the callback has left";
  }
  EXPECT_TRUE(gate && gate->is_closed());
}

TEST_F(DeviceTest, ShowsItsStateAndResetsIt) {
  auto device = make_device<Scratch>(context, "scratch", Scratch::Config{.at_reset = 7});
  ASSERT_TRUE(device->realize(root()));
  EXPECT_EQ(device->get_property("data").value(), object::PropertyValue{std::uint64_t{7}});
  dynamic_cast<State<std::uint32_t>*>(device->find_part("data"))->get() = 9;
  EXPECT_EQ(device->get_property("data").value(), object::PropertyValue{std::uint64_t{9}});
  Device* const all[] = {device.get()};
  reset_devices(all, context.holdback, nullptr);
  EXPECT_EQ(device->get_property("data").value(), object::PropertyValue{std::uint64_t{7}});
}

constexpr object::Property kLines{
    .name = "num-lines", .type = "uint32", .description = "lines", .kind = object::Property::Kind::kUnsigned};

// Before it is published, live, and once it is severed; whoever destroys the device destroys that, too.
TEST_F(DeviceTest, ShowsWhatItWasConfiguredWithAsLongAsItIsThere) {
  auto device = make_device<Leaf>(context, "leaf");
  Configuration::give(*device, {{.info = &kLines, .value = std::uint64_t{7}}}, Configuration::Came::kLater);
  const auto expect_shown = [&] {
    EXPECT_EQ(device->get_property("num-lines"), object::PropertyValue{std::uint64_t{7}});
    const auto all = device->properties();
    const auto found = std::ranges::find(all, "num-lines", &object::PropertyInfo::name);
    ASSERT_NE(found, all.end());
    EXPECT_EQ(found->type, "uint32");
    EXPECT_EQ(found->description, "lines");
    EXPECT_EQ(found->value, object::PropertyValue{std::uint64_t{7}});
    EXPECT_EQ(device->set_property("num-lines", std::uint64_t{8}).error().message,
              device->path() + ": property 'num-lines' is read-only");
  };
  EXPECT_TRUE(Configuration::is_hot_plugged(*device));
  expect_shown();
  ASSERT_TRUE(device->realize(root()));
  expect_shown();
  {
    testing::Schedule schedule;
    schedule.run_at("hw.sever.committed", "main", [leaf = device.get()] {
      EXPECT_EQ(leaf->get_property("num-lines").error().message, "/machine/leaf: is being removed");
      EXPECT_EQ(leaf->set_property("num-lines", std::uint64_t{8}).error().message,
                "/machine/leaf: is being removed");
      EXPECT_TRUE(leaf->properties().empty());
    });
    device.reset();
  }
  context.control.run_pending();
  EXPECT_EQ(census(), before);
}

TEST_F(DeviceTest, WhatIsConfiguredAndNeverPublishedLeavesNothing) {
  {
    const auto device = make_device<Nest>(context, "nest");
    Configuration::give(*device, {{.info = &kLines, .value = std::uint64_t{7}}},
                        Configuration::Came::kWithTheMachine);
    EXPECT_FALSE(Configuration::is_hot_plugged(*device));
    for (Device* one : device->subtree())
      EXPECT_EQ(Configuration::of(*one) != nullptr, one == device.get()) << one->full_path();
  }
  EXPECT_EQ(census(), before);
}

TEST_F(DeviceTest, ResetsAllDevicesPhaseByPhase) {
  std::string order;
  const auto config = [&](char name) {
    return Scratch::Config{.on_reset = [&order, name](ResetPhase phase) {
      order += name;
      order += std::to_string(static_cast<int>(phase));
      order += ' ';
    }};
  };
  auto a = make_device<Scratch>(context, "a", config('a'));
  auto b = make_device<Scratch>(context, "b", config('b'));
  Device* const all[] = {a.get(), b.get()};
  reset_fresh(all);
  EXPECT_EQ(order, "a0 b0 a1 b1 a2 b2 ");
}

/// Raises its line in the last phase of a reset, and says what it sees.
class Riser final : public Device {
 public:
  static constexpr object::Type kType{.name = "test-riser", .parent = &Device::kType, .docs = "-"};
  Riser(const DeviceInit& init, std::string& seen) : Device{init}, seen_{seen} {}
  IrqOut out{*this, "out"};
  IrqIn in{*this, "in", &Riser::changed};

 private:
  void changed(bool level) { seen_ += id() + (level ? "^ " : "v "); }
  void on_reset(ResetPhase phase) override {
    seen_ += id() + std::to_string(static_cast<int>(phase)) + " ";
    if (phase == ResetPhase::kExit) out.set(true);
  }
  std::string& seen_;
};

TEST_F(DeviceTest, LevelsThatChangeInAResetArriveAtThePhasesEnd) {
  std::string seen;
  auto a = make_device<Riser>(context, "a", seen);
  auto b = make_device<Riser>(context, "b", seen);
  ASSERT_TRUE(connect(*a->out.pin(0), *b->in.pin(0), context.loop));
  ASSERT_TRUE(a->realize(root()));
  ASSERT_TRUE(b->realize(root()));
  Device* const all[] = {a.get(), b.get()};
  seen.clear();
  reset_fresh(all);
  EXPECT_EQ(seen, "a0 b0 a1 b1 a2 b2 b^ ");
}

// Nothing else is retired that would bring reclamation on.
TEST_F(DeviceTest, MemoryThatIsDroppedGoesBackToTheHostAtOnce) {
  const auto mapped = [] {
    std::ifstream maps{"/proc/self/maps"};
    const std::string text{std::istreambuf_iterator<char>{maps}, {}};
    return text.find("/memfd:") != std::string::npos;
  };
  ASSERT_FALSE(mapped());
  auto backend = MemoryBackend::make(context, {.type = MemoryBackend::kMemfdType,
                                               .id = "m",
                                               .size = 1U << 20U,
                                               .backing = {.kind = memory::RamBacking::Kind::kMemfd}});
  ASSERT_TRUE(backend);
  EXPECT_TRUE(mapped());
  *backend = nullptr;
  context.control.wait_until([&] { return context.control.size() == 0; });
  EXPECT_FALSE(mapped());
}

TEST_F(DeviceTest, LinksAreSetBeforeRealizeAndMissedIfTheyAreRequired) {
  auto leaf = make_device<Leaf>(context, "leaf");
  auto without = make_device<Master>(context, "master");
  EXPECT_EQ(without->realize(root()).error().message,
            "/machine/master:memory: is not set; it takes a region, such as a container or RAM");
  auto master = make_device<Master>(context, "master");
  ASSERT_TRUE(master->memory.set(leaf->regs()));
  ASSERT_TRUE(master->realize(root()));
  EXPECT_EQ(master->dma->requester_id(), 5);
  EXPECT_FALSE(master->memory.set(leaf->regs())) << "too late";
  leaf.reset();
  EXPECT_EQ(master->memory.get(), nullptr) << "its device is gone, and so is the link";
}

TEST(Claim, ReturnsWhatItClaimedOnceWhateverItsWay) {
  int returned = 0;
  {
    Claim claim{"interrupt 3", [&] { ++returned; }};
    Claim other = std::move(claim);
    EXPECT_FALSE(claim);  // NOLINT(bugprone-use-after-move)
    EXPECT_EQ(returned, 0);
    other = Claim{"interrupt 4", [&] { returned += 10; }};
    EXPECT_EQ(returned, 1);
  }
  EXPECT_EQ(returned, 11);
}

}  // namespace
}  // namespace holdfast::hw
