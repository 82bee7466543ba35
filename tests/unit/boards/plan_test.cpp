// SPDX-License-Identifier: Apache-2.0
#include "holdfast/boards/plan.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/test_devices.hpp"

namespace holdfast::boards {
namespace {

using test::Leaf;
using test::Nest;
using test::Repeater;

using Findings = std::vector<std::string>;

TEST(BoardPlan, AGoodOneIsItself) {
  BoardPlan board{"good"};
  const auto ram = board.ram("ram", 0x1000);
  const auto leaf = board.add<Leaf>("leaf");
  board.map({{0x0, leaf.region("regs")}, {0x8000'0000, ram}});
  const auto plan = std::move(board).validated();
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->devices().size(), 2U);
}

TEST(BoardPlan, NamesBothRegionsOwnersAndRangesOfAnOverlap) {
  BoardPlan board{"crowded"};
  const auto ram = board.ram("ram", 0x1000);
  const auto leaf = board.add<Leaf>("leaf");
  board.map({{0x8000'0ff0, leaf.region("regs")}, {0x8000'0000, ram}});
  EXPECT_EQ(board.findings().value(),
            Findings{"leaf:regs [0x80000ff0, 0x800010ef] of 'test-leaf' overlaps ram:ram "
                     "[0x80000000, 0x80000fff] of 'memory-bank'"});
}

TEST(BoardPlan, AllowsAnOverlapWithAPriority) {
  BoardPlan board{"layered"};
  const auto ram = board.ram("ram", 0x1000);
  const auto leaf = board.add<Leaf>("leaf");
  board.map({{0x8000'0000, leaf.region("regs"), 1}, {0x8000'0000, ram}});
  EXPECT_EQ(board.findings().value(), Findings{});
}

TEST(BoardPlan, ReportsEverythingAtOnce) {
  BoardPlan board{"bad"};
  const auto leaf = board.add<Leaf>("leaf");
  const auto nest = board.add<Nest>("nest");
  board.add<Leaf>("leaf");
  board.map({{0x0, leaf.region("regs")},
             {0x1000, leaf.region("regs")},
             {0x2000, nest.region("registers")},
             {0x3000, DeviceRef{"uart"}.region("regs")},
             {0xffff'ffff'ffff'fff0, nest.region("second/regs")}});
  EXPECT_EQ(board.findings().value(),
            (Findings{"two devices are called 'leaf'",
                      "nest:registers: 'nest' (test-nest) has no part 'registers'; it has first "
                      "(child), regs (container), second (child)",
                      "uart:regs: there is no device 'uart'",
                      "nest:second/regs: 0x100 bytes at 0xfffffffffffffff0 do not fit into "
                      "bus:memory",
                      "leaf:regs is placed twice, at 0x0 and at 0x1000"}));
  EXPECT_FALSE(std::move(board).validated());
}

/// Needs memory.
class Master final : public hw::Device {
 public:
  static constexpr object::Type kType{
      .name = "test-master", .parent = &hw::Device::kType, .docs = "-"};
  explicit Master(const hw::DeviceInit& init) : Device{init} {}

 private:
  hw::RegionLink memory_{*this, "memory"};
};

TEST(BoardPlan, FindsLinksThatLeadNowhere) {
  BoardPlan board{"unlinked"};
  const auto good = board.add<Master>("good");
  board.add<Master>("bad");
  board.link({{good.link("memory"), BoardPlan::memory()}});
  EXPECT_EQ(board.findings().value(),
            Findings{"/machine/bad:memory: leads nowhere; it takes a region"});
}

TEST(BoardPlan, FindsLooseWiresAndPinsWiredTwice) {
  BoardPlan board{"loose"};
  const auto a = board.add<Repeater>("a");
  const auto b = board.add<Repeater>("b");
  const auto c = board.add<Repeater>("c");
  board.wire({{a.out("out"), b.in(0)}, {b.out("out"), b.in(0)}, {b.out("out"), b.in(7)}});
  EXPECT_EQ(board.findings().value(),
            (Findings{"b:in[0]: is wired twice", "b:out[0]: is wired twice",
                      "b:in[7]: 'b:in' has 2 lines", "/machine/c:out[0]: leads nowhere"}));
  BoardPlan good{"good"};
  good.leave_loose(good.add<Repeater>("c").out("out"));
  EXPECT_EQ(good.findings().value(), Findings{});
  EXPECT_EQ(c.name(), "c");
}

}  // namespace
}  // namespace holdfast::boards
