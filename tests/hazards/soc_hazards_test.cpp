// SPDX-License-Identifier: Apache-2.0
// The system-on-chip whose introspection leaked elsewhere: containers, regions, register blocks, spaces,
// lines and clocks of dozens of children, built to be looked at and never brought to life.
#include <gtest/gtest.h>

#include "holdfast/boards/b_l475e_iot01a/stm32l4x5_soc.hpp"
#include "holdfast/hw/clock_tree.hpp"
#include "tests/support/footprint.hpp"
#include "tests/support/test_machine.hpp"

namespace holdfast::test {
namespace {

using boards::Stm32l4x5Soc;

class SocHazard : public ::testing::Test {
 protected:
  hw::Owned<Stm32l4x5Soc> build() {
    return hw::make_device<Stm32l4x5Soc>(machine->context(), "soc", Stm32l4x5Soc::Config{});
  }
  /// Every property of every object; returns how many.
  static std::size_t look_at(Stm32l4x5Soc& soc) {
    std::size_t seen = 0;
    for (hw::Device* device : soc.subtree()) {
      seen += device->properties().size();
      for (const auto& part : device->part_infos())
        if (const auto* clock = device->find_part<hw::Clock>(part.name))
          seen += clock->object().properties().size();
    }
    return seen;
  }

  TestMachine machine;
  const Census::Snapshot before = machine.census();
};

TEST_F(SocHazard, H1_TheSocIsBuiltLookedAtAndDropped) {
  const auto tree = machine->tree().walk().value();
  for (int i = 0; i < 3; ++i) EXPECT_GT(look_at(*build()), 300U);
  EXPECT_EQ(machine.census(), before);
  EXPECT_EQ(machine->tree().walk().value(), tree);
}

TEST_F(SocHazard, H32_RegisterBlocksOfASocThatIsOnlyLookedAtLeaveTheHeapAsItWas) {
  constexpr int kRounds = 100;
  const std::size_t descriptors = Footprint::now().descriptors;
  // A pointer kept in each round would be as much.
  EXPECT_LT(least_growth([&] {
              for (int i = 0; i < kRounds; ++i) look_at(*build());
              EXPECT_EQ(machine.census(), before);  // which frees what is retired
            }),
            kRounds * static_cast<std::ptrdiff_t>(sizeof(void*)));
  EXPECT_EQ(Footprint::now().descriptors, descriptors);
}

TEST_F(SocHazard, H36_AStringThatAPropertyGivesGoesWithWhoAskedForIt) {
  const auto soc = build();
  std::size_t strings = 0;
  const auto get_all = [&] {
    for (hw::Device* device : soc->subtree())
      for (const object::PropertyInfo& property : device->properties())
        if (const auto value = device->get_property(property.name);
            value && std::holds_alternative<std::string>(*value))
          ++strings;
  };
  constexpr int kRounds = 20;
  EXPECT_LT(least_growth([&] {
              for (int i = 0; i < kRounds; ++i) get_all();
            }),
            kRounds * static_cast<std::ptrdiff_t>(sizeof(void*)));
  EXPECT_GE(strings, 20U) << "some properties are strings";
}

TEST_F(SocHazard, H2_TheCpusSpaceSeesRegionsOfItsOwnChipAndGoesWithThem) {
  for (int i = 0; i < 3; ++i) {
    boards::BoardPlan plan{"soc"};
    const auto soc = plan.add<Stm32l4x5Soc>("soc");
    plan.map({{0, soc.region("memory")}});
    plan.link({{soc.link("armv7m/memory"), boards::BoardPlan::memory()}});
    plan.leave_loose(soc);
    ASSERT_TRUE(machine->realize(plan));
    look_at(static_cast<Stm32l4x5Soc&>(*machine->find("soc").get()));
    EXPECT_EQ(machine.read32(0x4800'0000), 0xabff'ffffU);
    EXPECT_TRUE(machine->unplug("soc")->wait());
    EXPECT_FALSE(machine.read32(0x4800'0000));
    EXPECT_EQ(machine.census(), before);
  }
}

}  // namespace
}  // namespace holdfast::test
