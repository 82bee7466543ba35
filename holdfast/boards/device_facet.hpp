// SPDX-License-Identifier: Apache-2.0
// What a registry keeps with a device type: how one is built, what of it a user may say, and how it is
// put onto a board.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "holdfast/base/result.hpp"
#include "holdfast/boards/device_configuration.hpp"
#include "holdfast/boards/device_setting.hpp"
#include "holdfast/boards/plan.hpp"
#include "holdfast/object/type.hpp"

namespace holdfast::boards {

/// What comes with a device type in a registry: how one is built and put onto a board.
struct DeviceFacet {
  BoardPlan::Make make{};          // with the defaults of its configuration
  BoardPlan::Config config{};      // those defaults; none if the type takes none
  BoardPlan::Make (*make_with)(BoardPlan::Config) = nullptr;  // with others
  std::span<const DeviceSetting> settings{};  // what of the configuration has a name; static storage
  std::string_view interrupt{};    // the output that a board's interrupt controller gets; empty: none
  std::string_view only_built_in{};  // why users cannot ask for one, if they cannot
  std::string_view region{};       // what a board places at an address; empty: nothing
  std::string_view memory_link{};  // the link that leads to physical memory; empty: none
  std::string_view bus{};          // the family of buses it sits on, by its link "bus"; empty: none
  std::string_view required{};     // a setting that users have to say; empty: none
  std::string_view never_inside{};  // why no access is ever inside of it, if that is so
  enum class Entered : unsigned char { kByRead, kByWrite } entered = Entered::kByRead;
};

/// Adds a device of a type to a plan: linked to the machine's memory, placed at `address`.
DeviceRef add_device(BoardPlan& board, const object::Type& type, const DeviceFacet& facet,
                     std::string name, std::uint64_t address);

/// Registers `T` with a facet that builds it with `config`.
template <class T>
Result<void> register_device(object::TypeRegistry& registry, DeviceFacet facet,
                             typename T::Config config = {}) {
  facet.config = BoardPlan::share<T>(std::move(config));
  facet.make_with = &BoardPlan::make_with<T>;
  facet.make = showing(facet.make_with(facet.config),
                       configured_values(T::kType, facet.settings, *facet.config, {}));
  return registry.add(T::kType, std::move(facet));
}
template <class T>
  requires(!requires { typename T::Config; })
Result<void> register_device(object::TypeRegistry& registry, DeviceFacet facet) {
  facet.make = &BoardPlan::make_plain<T>;
  return registry.add(T::kType, std::move(facet));
}

}  // namespace holdfast::boards
