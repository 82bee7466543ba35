// SPDX-License-Identifier: Apache-2.0
#include "holdfast/object/type.hpp"

#include <gtest/gtest.h>

#include <string>

#include "holdfast/object/object.hpp"

namespace holdfast::object {
namespace {

using Kind = Type::Kind;
using Types = std::vector<const Type*>;

struct Plic : Object {
  std::uint32_t sources = 96;
};

constinit const Type kDevice{.name = "device", .kind = Kind::kAbstract};
constinit const Type kPluggable{.name = "pluggable", .kind = Kind::kInterface};
constinit const Type kNamed{.name = "named", .kind = Kind::kInterface};
constinit const Type kPluggableNamed{
    .name = "pluggable-named", .parent = &kPluggable, .kind = Kind::kInterface};
constinit const Type* const kAbilities[] = {&kPluggableNamed};
constinit const Property kPlicProperties[] = {
    property<&Plic::sources>("num-sources", "interrupt sources", {.fallback = 96U})};
constinit const Type kPlic{.name = "riscv.sifive.plic",
                           .parent = &kDevice,
                           .interfaces = kAbilities,
                           .docs = "Platform-level interrupt controller.",
                           .properties = kPlicProperties};
constinit const Type kBigPlic{.name = "big-plic", .parent = &kPlic};

extern const Type kEgg;
constinit const Type kHen{.name = "hen", .parent = &kEgg};
constinit const Type kEgg{.name = "egg", .parent = &kHen};

TypeRegistry standard() {
  TypeRegistry registry;
  for (const Type* type : {&kDevice, &kPluggable, &kNamed, &kPluggableNamed, &kPlic, &kBigPlic})
    EXPECT_TRUE(registry.add(*type));
  return registry;
}

std::string error_of(TypeRegistry& registry, const Type& type) {
  const auto result = registry.add(type);
  return result ? "" : result.error().message;
}

TEST(TypeRegistry, ListsInNameOrder) {
  const auto registry = standard();
  EXPECT_EQ(registry.types(),
            (Types{&kBigPlic, &kDevice, &kNamed, &kPluggable, &kPluggableNamed, &kPlic}));
}

TEST(TypeRegistry, KnowsAncestorsAndInterfaces) {
  const auto registry = standard();
  EXPECT_TRUE(registry.is_a("big-plic", "riscv.sifive.plic"));
  EXPECT_TRUE(registry.is_a("big-plic", "device"));
  EXPECT_TRUE(registry.is_a("big-plic", "pluggable-named"));
  EXPECT_TRUE(registry.is_a("big-plic", "pluggable"));
  EXPECT_TRUE(registry.is_a("device", "device"));
  EXPECT_FALSE(registry.is_a("device", "big-plic"));
  EXPECT_FALSE(registry.is_a("big-plic", "named"));
  EXPECT_FALSE(registry.is_a("big-plic", "nobody"));
  EXPECT_FALSE(registry.is_a("nobody", "device"));
}

TEST(TypeRegistry, ListsDescendantsWithAndWithoutAbstractOnes) {
  const auto registry = standard();
  EXPECT_EQ(registry.descendants("device", Abstract::kExcluded), (Types{&kBigPlic, &kPlic}));
  EXPECT_EQ(registry.descendants("device", Abstract::kIncluded),
            (Types{&kBigPlic, &kDevice, &kPlic}));
  EXPECT_EQ(registry.descendants("pluggable", Abstract::kExcluded), (Types{&kBigPlic, &kPlic}));
}

TEST(TypeRegistry, RefusesAnUnknownParent) {
  TypeRegistry registry;
  EXPECT_EQ(error_of(registry, kPlic),
            "type 'riscv.sifive.plic': its parent 'device' is not registered; add it first");
}

TEST(TypeRegistry, RefusesADuplicate) {
  auto registry = standard();
  constexpr static Type kImpostor{.name = "device"};
  EXPECT_EQ(error_of(registry, kImpostor), "type 'device' is registered already; names are unique");
  EXPECT_EQ(error_of(registry, kDevice), "type 'device' is registered already; names are unique");
  EXPECT_EQ(error_of(registry, {.name = "child", .parent = &kImpostor}),
            "type 'child': its parent 'device' is not registered; add it first");
}

TEST(TypeRegistry, RefusesACycle) {
  TypeRegistry registry;
  EXPECT_EQ(error_of(registry, kHen),
            "type 'hen': its ancestry comes back to 'hen'; a parent must not descend from its child");
}

TEST(TypeRegistry, RefusesUnknownAndFalseInterfaces) {
  auto registry = standard();
  constexpr static Type kStranger{.name = "stranger", .kind = Kind::kInterface};
  const Type* const unknown[] = {&kStranger};
  const Type* const no_interface[] = {&kDevice};
  EXPECT_EQ(error_of(registry, {.name = "a", .interfaces = unknown}),
            "type 'a': its interface 'stranger' is not registered; add it first");
  EXPECT_EQ(error_of(registry, {.name = "b", .interfaces = no_interface}),
            "type 'b': 'device' is no interface");
  EXPECT_EQ(error_of(registry, {.name = "c", .parent = &kPluggable}),
            "type 'c': its parent 'pluggable' is an interface; interfaces descend from interfaces, "
            "and only they do");
  EXPECT_EQ(error_of(registry, {.name = "d", .parent = &kDevice, .kind = Kind::kInterface}),
            "type 'd': its parent 'device' is no interface; interfaces descend from interfaces, "
            "and only they do");
}

TEST(TypeRegistry, RefusesMalformedNames) {
  TypeRegistry registry;
  for (const auto* name : {"", "two words", "a/b", "link<x>"})
    EXPECT_FALSE(registry.add({.name = name})) << name;
}

TEST(TypeRegistry, RefusesAPropertyDeclaredTwice) {
  auto registry = standard();
  EXPECT_EQ(error_of(registry, {.name = "e", .parent = &kBigPlic, .properties = kPlicProperties}),
            "type 'e': property 'num-sources' is declared twice, by it or an ancestor");
}

TEST(TypeRegistry, ARefusedTypeLeavesTheRegistryAsItWas) {
  auto registry = standard();
  const auto before = registry.types();
  EXPECT_FALSE(registry.add(kHen));
  EXPECT_EQ(registry.types(), before);
}

TEST(TypeRegistry, SuggestsTheNameThatWasMeant) {
  const auto registry = standard();
  EXPECT_EQ(*registry.require("big-plic"), &kBigPlic);
  EXPECT_EQ(registry.require("bigplic").error().message,
            "type 'bigplic' is unknown; did you mean 'big-plic'?");
  EXPECT_EQ(registry.require("zzz").error().message, "type 'zzz' is unknown");
}

TEST(TypeRegistry, KeepsAFacetForTheLayerThatAddedTheType) {
  struct Factory {
    int cost;
  };
  TypeRegistry registry;
  ASSERT_TRUE(registry.add(kDevice, Factory{.cost = 3}));
  ASSERT_NE(registry.facet<Factory>(kDevice), nullptr);
  EXPECT_EQ(registry.facet<Factory>(kDevice)->cost, 3);
  EXPECT_EQ(registry.facet<int>(kDevice), nullptr);
  EXPECT_EQ(registry.facet<Factory>(kPlic), nullptr);
}

TEST(TypeRegistry, TwoRegistriesKnowDifferentTypes) {
  const auto full = standard();
  const TypeRegistry empty;
  EXPECT_NE(full.find("device"), nullptr);
  EXPECT_EQ(empty.find("device"), nullptr);
}

TEST(Type, FindsInheritedProperties) {
  EXPECT_EQ(kBigPlic.find_property("num-sources"), &kPlicProperties[0]);
  EXPECT_EQ(kBigPlic.all_properties().size(), 1U);
  EXPECT_EQ(kDevice.find_property("num-sources"), nullptr);
}

}  // namespace
}  // namespace holdfast::object
