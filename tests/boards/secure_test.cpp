// SPDX-License-Identifier: Apache-2.0
// A bus master with two address spaces, which chooses one for each access by its secure attribute.
#include <gtest/gtest.h>

#include "tests/support/probe.hpp"

namespace holdfast::test {
namespace {

using memory::MemTxAttrs;
using memory::MemTxResult;

/// Passes what is done to its window on to the same offset of one of its two memories.
class Bridge final : public hw::Device, private memory::MmioHandler {
 public:
  static constexpr object::Type kType{
      .name = "test-bridge", .parent = &hw::Device::kType, .docs = "Secure and normal."};
  explicit Bridge(const hw::DeviceInit& init) : Device{init} {}

 private:
  memory::MemTxResult read(std::uint64_t offset, unsigned size, std::uint64_t& value,
                           MemTxAttrs attrs) override {
    return port(attrs).load(offset, size, value, attrs);
  }
  memory::MemTxResult write(std::uint64_t offset, unsigned size, std::uint64_t value,
                            MemTxAttrs attrs) override {
    return port(attrs).store(offset, size, value, attrs);
  }
  memory::Port& port(MemTxAttrs attrs) { return attrs.secure ? secure_port_ : normal_port_; }

  hw::RegionLink secure_link_{*this, "secure-memory"};
  hw::RegionLink normal_link_{*this, "normal-memory"};
  hw::Space secure_{*this, "secure", secure_link_, 1};
  hw::Space normal_{*this, "normal", normal_link_, 2};
  memory::Port secure_port_{secure_.get()};
  memory::Port normal_port_{normal_.get()};
  hw::Mmio regs_{*this, "regs", kRegsSize, static_cast<memory::MmioHandler&>(*this)};
};

class SecureTest : public ::testing::Test {
 protected:
  void SetUp() override {
    boards::BoardPlan plan{"secure"};
    const auto bus = plan.existing("bus").region("memory");
    const auto bridge = plan.add<Bridge>("bridge");
    const auto secure = plan.add<boards::SystemBus>("secure");
    const auto normal = plan.add<boards::SystemBus>("normal");
    plan.map_into(bus, {{kHole, bridge.region("regs")}});
    plan.map_into(secure.region("memory"), {{0x000, plan.ram("secure-ram", 0x100)}});
    plan.map_into(normal.region("memory"), {{0x000, plan.ram("normal-ram", 0x100)}});
    const auto vault = plan.add<Leaf>("vault");
    plan.map_into(secure.region("memory"), {{0x800, vault.region("regs")}});
    plan.link({{bridge.link("secure-memory"), secure.region("memory")},
               {bridge.link("normal-memory"), normal.region("memory")}});
    const auto realized = machine->realize(plan);
    ASSERT_TRUE(realized) << realized.error().message;
    space.emplace(machine->fabric(), machine->bus().memory().region(),
                  memory::AddressSpace::Init{.name = "cpu"});
  }
  void TearDown() override { space.reset(); }
  std::optional<std::uint64_t> load(std::uint64_t offset, bool secure) {
    memory::Port port{*space};
    std::uint64_t value = 0;
    if (port.load(kHole + offset, 4, value, {.secure = secure}) != MemTxResult::kOk) return {};
    return value;
  }
  bool store(std::uint64_t offset, std::uint64_t value, bool secure) {
    memory::Port port{*space};
    return port.store(kHole + offset, 4, value, {.secure = secure}) == MemTxResult::kOk;
  }

  TestMachine machine;
  std::optional<memory::AddressSpace> space;
};

TEST_F(SecureTest, TheAttributeChoosesTheSpaceForEachAccess) {
  EXPECT_TRUE(store(0x10, 1, true));
  EXPECT_TRUE(store(0x10, 2, false));
  EXPECT_EQ(load(0x10, true), 1U);
  EXPECT_EQ(load(0x10, false), 2U);
  EXPECT_EQ(load(0x800, true), 0x1eafU);
  EXPECT_FALSE(load(0x800, false)) << "what is secure is not there for the others";
}

TEST_F(SecureTest, EitherSideMayGoAlone) {
  const auto before = machine.census()[Census::Kind::kDevice];
  EXPECT_TRUE(machine->unplug("secure")->wait());
  EXPECT_FALSE(load(0x10, true));
  EXPECT_TRUE(store(0x10, 3, false));
  EXPECT_EQ(load(0x10, false), 3U);
  EXPECT_TRUE(machine->unplug("vault")->wait());
  EXPECT_TRUE(machine->unplug("bridge")->wait());
  EXPECT_EQ(machine.census()[Census::Kind::kDevice], before - 3);
}

}  // namespace
}  // namespace holdfast::test
