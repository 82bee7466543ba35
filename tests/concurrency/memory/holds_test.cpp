// SPDX-License-Identifier: Apache-2.0
// Holds against the closing of their block: who comes first, and when the bytes go.
#include <fstream>
#include <optional>

#include "holdfast/memory/mapping.hpp"
#include "tests/support/memory_world.hpp"

namespace holdfast::testing {
namespace {

using memory::Hold;
using memory::Mapping;
using memory::Port;
using memory::RamBacking;
using memory::Transaction;

/// Whether a memory file of that name is mapped into this process.
bool is_mapped(const std::string& name) {
  std::ifstream maps{"/proc/self/maps"};
  for (std::string line; std::getline(maps, line);)
    if (line.find("/memfd:" + name + " ") != std::string::npos) return true;
  return false;
}

class Holds : public World {
 protected:
  Holds() { put(0x8000, ram_.region); }
  std::optional<Hold> hold(Port& port) {
    return port.hold(0x8000, 0x100, Port::HoldFor::kWriting, "request",
                     std::source_location::current());
  }
  Ram ram_{fabric_, "held-ram", 0x1000, {.kind = RamBacking::Kind::kMemfd}};
  Schedule schedule_;
};

TEST_F(Holds, TheBlockClosesFirst) {
  Stop& finding = schedule_.stop_at("memory.port.before_hold", "request");
  std::optional<Hold> held;
  Thread request{"request", [&] {
                   Port port{space_};
                   held = hold(port);
                 }};
  finding.wait_reached();
  ram_.close();
  EXPECT_TRUE(is_mapped("held-ram"));  // a reader that found it is still inside its section
  finding.release();
  request.join();
  EXPECT_FALSE(held);
  realm_.domain().barrier();
  EXPECT_FALSE(is_mapped("held-ram"));
}

TEST_F(Holds, TheBlockClosesFirstAndOtherMemoryIsHeldInstead) {
  Ram below{fabric_, "below", 0x1000};
  put(0x8000, below.region, -1);
  Stop& finding = schedule_.stop_at("memory.port.before_hold", "request");
  std::optional<Hold> held;
  Thread request{"request", [&] {
                   Port port{space_};
                   held = hold(port);
                 }};
  finding.wait_reached();
  ram_.close();
  finding.release();
  request.join();
  ASSERT_TRUE(held);
  EXPECT_EQ(&held->block(), below.block.get());
}

TEST_F(Holds, TheBlockClosesBetweenTheLookAndTheCount) {
  Stop& counting = schedule_.stop_at("memory.hold.before_count", "request");
  std::optional<Hold> held;
  Thread request{"request", [&] {
                   Port port{space_};
                   held = hold(port);
                 }};
  counting.wait_reached();
  ram_.close();
  counting.release();
  request.join();
  EXPECT_FALSE(held);
}

TEST_F(Holds, TheHoldComesFirstAndTheLastOneUnmaps) {
  const auto before = settled_census(realm_);
  Stop& closing = schedule_.stop_at("memory.ram.before_close", "control");
  Thread control{"control", [&] { ram_.close(); }};
  closing.wait_reached();
  // The region is gone, the block not closed yet: a request that found it before takes its hold.
  std::optional<Hold> first = Hold::take(*ram_.block, 0, 0x1000, "first");
  std::optional<Hold> second = Hold::take(*ram_.block, 0x100, 1, "second");
  closing.release();
  control.join();
  ASSERT_TRUE(first && second);
  auto now = settled_census(realm_);
  EXPECT_EQ(now[Census::Kind::kRamBlock], 0);  // the machine is done with it
  EXPECT_EQ(now[Census::Kind::kHold], 0);
  EXPECT_EQ(before[Census::Kind::kRamBlock], 1);
  first.reset();
  EXPECT_TRUE(is_mapped("held-ram"));
  second->bytes()[0] = std::byte{1};
  second.reset();
  EXPECT_FALSE(is_mapped("held-ram"));
}

TEST_F(Holds, TheLastHoldEndsBeforeTheLastReaderHasLeft) {
  Stop& reading = schedule_.stop_at("test.reading", "cpu");
  Thread cpu{"cpu", [&] {
               Port port{space_};
               const auto section = port.section();
               const auto direct = port.direct(0x8000);
               HF_SCHEDULE_POINT("test.reading");
               direct->host[0] = std::byte{1};
             }};
  reading.wait_reached();
  auto held = hold(port_);
  ASSERT_TRUE(held);
  ram_.close();
  held.reset();
  EXPECT_TRUE(is_mapped("held-ram"));
  reading.release();
  cpu.join();
  realm_.domain().barrier();
  EXPECT_FALSE(is_mapped("held-ram"));
}

TEST(Requests, OfRamOutliveTheirMachine) {
  std::optional<Mapping> request;
  {
    gate::Realm realm{"test"};
    memory::Fabric fabric{realm};
    auto root = memory::MemoryRegion::container(fabric, {.name = "system"});
    Ram ram{fabric, "late-ram", 0x1000, {.kind = RamBacking::Kind::kMemfd}};
    ASSERT_TRUE(fabric.commit(std::move(Transaction{}.add(root, 0, ram.region))));
    memory::AddressSpace space{fabric, root, {.name = "dma"}};
    auto made = Mapping::make(space.control(), std::make_shared<memory::BounceBudget>(),
                              {.address = 0,
                               .length = 0x1000,
                               .direction = Mapping::Direction::kToGuest,
                               .who = "request"});
    ASSERT_TRUE(made);
    request.emplace(std::move(*made));
  }
  ASSERT_TRUE(request);
  EXPECT_TRUE(is_mapped("late-ram"));
  request->bytes()[0xfff] = std::byte{1};
  EXPECT_EQ(request->finish(0x1000), memory::MemTxResult::kOk);
  EXPECT_FALSE(is_mapped("late-ram"));
}

}  // namespace
}  // namespace holdfast::testing
