// SPDX-License-Identifier: Apache-2.0
#include "holdfast/boards/device_setting.hpp"

#include <gtest/gtest.h>

#include "holdfast/boards/device_types.hpp"

namespace holdfast::boards {
namespace {

struct Config {
  std::uint32_t lines = 4;
  std::uint64_t bytes = 1024;
  chardev::Chardev* console = nullptr;
};

constexpr auto kLines = setting<&Config::lines>("num-lines", "lines", {.fallback = 4U, .max = 8});
constexpr auto kBytes = size_setting<&Config::bytes>("size", "bytes");
constexpr auto kConsole = chardev_setting<&Config::console>("chardev", "console");

TEST(DeviceSetting, ConvertsAndChecks) {
  std::any config = Config{};
  EXPECT_TRUE(kLines.apply(config, std::string{"7"}, {}));
  EXPECT_TRUE(kBytes.apply(config, std::string{"2K"}, {}));
  EXPECT_EQ(std::any_cast<Config&>(config).lines, 7U);
  EXPECT_EQ(std::any_cast<Config&>(config).bytes, 2048U);
  EXPECT_EQ(kLines.get(config), object::PropertyValue{std::uint64_t{7}});
  EXPECT_EQ(kLines.apply(config, std::string{"9"}, {}).error().message,
            "num-lines is '9'; it takes a whole number from 0 to 8");
}

TEST(DeviceSetting, NamesBackEnds) {
  chardev::NullChardev backend{"c"};
  const SettingTargets targets{.chardev = [&](std::string_view id) -> chardev::Chardev* {
    return id == "c" ? &backend : nullptr;
  }};
  std::any config = Config{};
  EXPECT_TRUE(kConsole.apply(config, std::string{"c"}, targets));
  EXPECT_EQ(std::any_cast<Config&>(config).console, &backend);
  EXPECT_EQ(kConsole.apply(config, std::string{"d"}, targets).error().message,
            "there is no character back-end 'd'");
  EXPECT_FALSE(kConsole.apply(config, std::string{"c"}, {})) << "there are none";
}

TEST(DeviceSettings, FallbacksOfAllTypesAreWhatTheirConfigurationHas) {
  object::TypeRegistry registry;
  ASSERT_TRUE(register_device_types(registry));
  for (const object::Type* type : registry.descendants("device", object::Abstract::kExcluded)) {
    const auto& facet = *registry.facet<DeviceFacet>(*type);
    for (const DeviceSetting& setting : facet.settings) {
      const auto* fallback = std::get_if<std::uint64_t>(&setting.info.fallback);
      if (fallback != nullptr) {
        EXPECT_EQ(setting.get(*facet.config), object::PropertyValue{*fallback})
            << type->name << "." << setting.info.name;
      }
      // A property of the name shows what the setting became.
      const object::Property* shown = type->find_property(setting.info.name);
      EXPECT_TRUE(shown == nullptr || shown->settable == object::Settable::kNever)
          << type->name << "." << setting.info.name;
    }
  }
}

}  // namespace
}  // namespace holdfast::boards
