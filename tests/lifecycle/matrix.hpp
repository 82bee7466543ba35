// SPDX-License-Identifier: Apache-2.0
// The matrix of life cycles: every registered type, every path. Which paths do not apply to a type
// follows from its registration or its parts, so the reason can be checked.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/boards/device_types.hpp"
#include "holdfast/devices/storage/nvme.hpp"
#include "holdfast/machine/machine.hpp"
#include "tests/support/pci_world.hpp"
#include "tests/support/test_machine.hpp"

namespace holdfast::test {

/// A type and how to put one onto a board.
struct Subject {
  const object::Type* type;
  boards::DeviceFacet facet;

  /// What has to be there before: a bus, if the type sits on one.
  boards::BoardPlan world() const {
    if (!sits()) return boards::BoardPlan{"bare"};
    boards::BoardPlan plan = pci_plan();
    if (!is_function()) plan.link({{plan.add<devices::Nvme>("nvme0", {}).link("bus"), kBus}});
    return plan;
  }
  bool sits() const { return !facet.bus.empty(); }
  /// Or something on the bus of a controller.
  bool is_function() const { return facet.bus == devices::pci::Bus::kFamily; }
  /// A plan fragment with one device of the type, at kHole if it has a region to place, or on the bus.
  boards::BoardPlan plan() const { return plan_with(facet); }
  /// The same with a configuration of its own.
  boards::BoardPlan plan(boards::BoardPlan::Config config) const {
    boards::DeviceFacet other = facet;
    other.make = facet.make_with(config);
    other.config = std::move(config);
    return plan_with(other);
  }
  /// What of its configuration is a number of bytes; what names a character back-end or a drive.
  std::vector<const boards::DeviceSetting*> sizes() const {
    return settings([](const auto& info) { return info.kind == object::Property::Kind::kSize; });
  }
  std::vector<const boards::DeviceSetting*> backends() const {
    return settings([](const auto& info) { return info.name == "chardev" || info.name == "drive"; });
  }
  /// Where it answers: what was placed, or the configuration space of the first free function.
  std::uint64_t where() const {
    if (!sits()) return kHole;
    return is_function() ? PciWorld::config_at(1, 0, 0) : kNowhere;
  }
  const boards::PartRef& bus() const { return is_function() ? kBus : kNamespaces; }
  bool answers(TestMachine& machine) const {
    const auto value = machine.read32(where());
    return value && (!sits() || *value != 0xffff'ffff);
  }
  inline static const boards::PartRef kBus{"host", "pcie.0"};
  inline static const boards::PartRef kNamespaces{"nvme0", "namespaces"};
  static constexpr std::uint64_t kNowhere = 0x1000;
  hw::Owned<hw::Device> build(machine::Machine& machine) const {
    return facet.make({.context = machine.context(), .type = *type, .name = "it"});
  }

 private:
  boards::BoardPlan plan_with(const boards::DeviceFacet& how) const {
    boards::BoardPlan plan{"sample"};
    const auto device = boards::add_device(plan, *type, how, "it", kHole);
    if (sits()) plan.link({{device.link("bus"), bus()}});
    return plan;
  }
  std::vector<const boards::DeviceSetting*> settings(bool (*wanted)(const object::Property&)) const {
    std::vector<const boards::DeviceSetting*> found;
    for (const auto& setting : facet.settings)
      if (wanted(setting.info)) found.push_back(&setting);
    return found;
  }
};

inline void PrintTo(const Subject& subject, std::ostream* out) { *out << subject.type->name; }

/// All concrete types of a registry.
inline std::vector<Subject> subjects(Result<void> (*fill)(object::TypeRegistry&)) {
  object::TypeRegistry registry;
  EXPECT_TRUE(fill(registry));
  std::vector<Subject> all;
  for (const object::Type* type : registry.descendants("device", object::Abstract::kExcluded))
    all.push_back({type, *registry.facet<boards::DeviceFacet>(*type)});
  return all;
}

inline std::string name_of(const ::testing::TestParamInfo<Subject>& info) {
  std::string name{info.param.type->name};
  for (char& c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  return name;
}

/// The timers among the parts of a device.
inline std::vector<std::string> timers_of(const hw::Device& device) {
  std::vector<std::string> names;
  for (const auto& part : device.part_infos())
    if (part.kind == "timer") names.push_back(part.name);
  return names;
}

enum class Path : std::uint8_t {
  kBuilt,
  kPrepared,
  kFailing,
  kOversized,
  kManyTimes,
  kIdInUse,
  kTwice,
  kInAccess,
  kFromItself,
  kTimerDue,
  kBackendGone,
  kWhilePreparing,
  kReset,
  kMachineGone,
};

struct PathRow {
  Path path;
  std::string_view title;
  /// Why it does not apply; empty: it does.
  std::string (*why_not)(const Subject& subject);
};

namespace detail {
inline std::string applies(const Subject&) { return {}; }
inline std::string nobody_inside(const Subject& subject) { return std::string{subject.facet.never_inside}; }
inline std::string no_size(const Subject& subject) {
  return subject.sizes().empty() ? "it takes no size from outside" : "";
}
inline std::string no_timer(const Subject& subject) {
  TestMachine machine{subject.world()};
  return timers_of(*subject.build(*machine)).empty() ? "it has no timer" : "";
}
inline std::string no_backend(const Subject& subject) {
  return subject.backends().empty() ? "it has no back-end" : "";
}
}  // namespace detail

inline constexpr std::array kPaths{
    PathRow{Path::kBuilt, "built and dropped", &detail::applies},
    PathRow{Path::kPrepared, "prepared and dropped", &detail::applies},
    PathRow{Path::kFailing, "prepare failing at each part", &detail::applies},
    PathRow{Path::kOversized, "a size there is no memory for", &detail::no_size},
    PathRow{Path::kManyTimes, "plugged and unplugged 300 times", &detail::applies},
    PathRow{Path::kIdInUse, "plugged with an id in use", &detail::applies},
    PathRow{Path::kTwice, "unplugged twice", &detail::applies},
    PathRow{Path::kInAccess, "unplugged in an access", &detail::nobody_inside},
    PathRow{Path::kFromItself, "unplugged from its own callback", &detail::nobody_inside},
    PathRow{Path::kTimerDue, "unplugged as a timer is due", &detail::no_timer},
    PathRow{Path::kBackendGone, "its back-end gone first", &detail::no_backend},
    PathRow{Path::kWhilePreparing, "unplugged while it is prepared", &detail::applies},
    PathRow{Path::kReset, "reset in each phase", &detail::applies},
    PathRow{Path::kMachineGone, "machine destroyed in each phase", &detail::applies},
};

/// As it stands in docs/lifetimes.md: a row for each type, a column for each path.
inline std::string table(const std::vector<Subject>& subjects) {
  std::string text = "| type |";
  for (const PathRow& path : kPaths) text.append(" ").append(path.title).append(" |");
  text.append("\n| --- |");
  for (std::size_t i = 0; i < kPaths.size(); ++i) text.append(" --- |");
  std::vector<std::string> reasons;
  for (const Subject& subject : subjects) {
    text.append("\n| `").append(subject.type->name).append("` |");
    for (const PathRow& path : kPaths) {
      const std::string reason = path.why_not(subject);
      if (reason.empty()) {
        text.append(" yes |");
        continue;
      }
      auto known = std::ranges::find(reasons, reason);
      if (known == reasons.end()) known = reasons.insert(reasons.end(), reason);
      text.append(" ").append(std::to_string(known - reasons.begin() + 1)).append(" |");
    }
  }
  text.append("\n\n");
  for (std::size_t i = 0; i < reasons.size(); ++i)
    text.append(std::to_string(i + 1)).append(". ").append(reasons[i]).append("\n");
  return text;
}

}  // namespace holdfast::test
