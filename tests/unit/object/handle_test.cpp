// SPDX-License-Identifier: Apache-2.0
#include "holdfast/object/handle.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <thread>
#include <vector>

namespace holdfast::object {
namespace {

struct Base : Expires {
  virtual ~Base() = default;
};
struct Device final : Base {
  int value = 7;
};
struct Other final : Base {};
struct Skill {
  virtual ~Skill() = default;
};
struct Able final : Base, Skill {};

TEST(Handle, GivesItsTargetWhileThatLives) {
  Device device;
  const Handle<Device> handle{device};
  ASSERT_EQ(handle.get(), &device);
  EXPECT_EQ(handle.get()->value, 7);
  EXPECT_TRUE(handle);
}

TEST(Handle, GivesNullOnceTheTargetIsDestroyed) {
  std::optional<Device> device{std::in_place};
  const Handle<Device> handle{*device};
  const Handle<Device> copy = handle;
  device.reset();
  EXPECT_EQ(handle.get(), nullptr);
  EXPECT_EQ(copy.get(), nullptr);
  EXPECT_TRUE(handle.expired());
}

TEST(Handle, OutlivesItsTargetAndIsOutlivedByIt) {
  std::optional<Device> device{std::in_place};
  std::optional<Handle<Device>> first{std::in_place, *device};
  const Handle<Device> second{*device};
  first.reset();
  EXPECT_EQ(second.get(), &*device);
  device.reset();
  EXPECT_EQ(second.get(), nullptr);
}

TEST(Handle, ExpiresOnDemandAndForGood) {
  Device device;
  const Handle<Device> before{device};
  device.expire_handles();
  const Handle<Device> after{device};
  EXPECT_TRUE(before.expired());
  EXPECT_TRUE(after.expired());
}

TEST(Handle, ExpiresOnDemandBeforeAnyWasMade) {
  Device device;
  device.expire_handles();
  EXPECT_TRUE(Handle<Device>{device}.expired());
}

TEST(Handle, DoesNotComeBackWithANewObjectAtTheSamePlace) {
  alignas(Device) unsigned char place[sizeof(Device)];
  auto* first = std::construct_at(reinterpret_cast<Device*>(place));
  const Handle<Device> handle{*first};
  std::destroy_at(first);
  auto* second = std::construct_at(reinterpret_cast<Device*>(place));
  EXPECT_TRUE(handle.expired());
  EXPECT_FALSE(handle == Handle<Device>{*second});
  std::destroy_at(second);
}

TEST(Handle, WidensAndNarrows) {
  Device device;
  const Handle<Base> wide = Handle<Device>{device};
  EXPECT_EQ(wide.get(), &device);
  EXPECT_EQ(wide.as<Device>().get(), &device);
  EXPECT_TRUE(wide.as<Other>().expired());
}

TEST(Handle, FindsAnAbilityThatIsNoAncestor) {
  Able able;
  const auto ability = Handle<Base>{able}.as<Skill>();
  EXPECT_EQ(ability.get(), &able);
  able.expire_handles();
  EXPECT_TRUE(ability.expired());
}

TEST(Handle, EqualityIsIdentityOfTheTarget) {
  Device a, b;
  EXPECT_TRUE(Handle<Device>{a} == Handle<Device>{a});
  EXPECT_FALSE(Handle<Device>{a} == Handle<Device>{b});
  EXPECT_TRUE(Handle<Device>{} == Handle<Device>{});
}

TEST(Handle, MovedFromIsEmpty) {
  Device device;
  Handle<Device> from{device};
  const Handle<Device> to = std::move(from);
  EXPECT_EQ(to.get(), &device);
  EXPECT_FALSE(from);  // NOLINT(bugprone-use-after-move)
}

TEST(Handle, MadeCopiedAndDroppedByManyThreadsWhileTheTargetExpires) {
  for (int round = 0; round < 200; ++round) {
    auto device = std::make_unique<Device>();
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t)
      threads.emplace_back([&device] {
        Handle<Device> mine{*device};
        for (int i = 0; i < 20; ++i) mine = Handle<Device>{mine};
      });
    device->expire_handles();
    for (auto& thread : threads) thread.join();
    EXPECT_TRUE(Handle<Device>{*device}.expired());
  }
}

}  // namespace
}  // namespace holdfast::object
