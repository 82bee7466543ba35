// SPDX-License-Identifier: Apache-2.0
// A member of a device type's Config that has a name and may be said by a user: `-device`, `-global`.
//
//   constexpr std::array kPlicSettings{
//       setting<&SifivePlic::Config::sources>("num-sources", "interrupt sources", {.max = 1024}),
//   };
//
// Unlike a property, it is settled before the object is built. Values are checked and converted as
// those of properties are.
#pragma once

#include <any>
#include <functional>
#include <string_view>

#include "holdfast/base/result.hpp"
#include "holdfast/block/backend.hpp"
#include "holdfast/chardev/chardev.hpp"
#include "holdfast/hw/memory_backend.hpp"
#include "holdfast/object/property.hpp"

namespace holdfast::boards {

/// What a value may name.
struct SettingTargets {
  std::function<chardev::Chardev*(std::string_view id)> chardev{};  // null if there is none
  std::function<hw::MemoryBackend*(std::string_view id)> memory{};  // the same
  std::function<Result<Ref<block::Backend>>(std::string_view name)> drive{};
};

/// What back-ends are called, for those who ask what a device was given.
struct SettingNames {
  std::function<std::string(const block::Backend&)> drive{};
};

struct DeviceSetting {
  object::Property info;  // without accessors
  object::PropertyValue (*get)(const std::any& config);
  /// The value is of the property's kind and range.
  Result<void> (*set)(std::any& config, object::PropertyValue value, const SettingTargets& targets);
  /// As a user says it, where that is not what `get` gives.
  object::PropertyValue (*show)(const std::any& config, const SettingNames& names) = nullptr;

  object::PropertyValue shown(const std::any& config, const SettingNames& names) const {
    return show == nullptr ? get(config) : show(config, names);
  }

  /// Checks, converts and sets; an error says what is accepted.
  Result<void> apply(std::any& config, const object::PropertyValue& value,
                     const SettingTargets& targets) const {
    auto converted = info.convert(value);
    if (!converted)
      return fail("{} is '{}'; it takes {}", info.name, object::to_text(value), info.accepts());
    return set(config, std::move(*converted), targets);
  }
};

/// A member that is a bool, an integer or a string.
template <auto Member>
constexpr DeviceSetting setting(
    std::string_view name, std::string_view description,
    object::PropertyOptions<object::detail::TypeOf<Member>> options = {}) {
  using T = object::detail::TypeOf<Member>;
  return {.info = object::detail::describe<T>(name, description, options),
          .get = [](const std::any& config) -> object::PropertyValue {
            return object::detail::wrap<T>(
                std::any_cast<const object::detail::ClassOf<Member>&>(config).*Member);
          },
          .set = [](std::any& config, object::PropertyValue value,
                    const SettingTargets&) -> Result<void> {
            std::any_cast<object::detail::ClassOf<Member>&>(config).*Member =
                object::detail::unwrap<T>(std::move(value));
            return {};
          }};
}

/// An unsigned member in bytes.
template <auto Member>
constexpr DeviceSetting size_setting(std::string_view name, std::string_view description,
                                     object::PropertyOptions<object::detail::TypeOf<Member>> options = {}) {
  DeviceSetting result = setting<Member>(name, description, options);
  result.info.type = "size";
  result.info.kind = object::Property::Kind::kSize;
  return result;
}

/// A chardev::Chardev* member, set by the back-end's id.
template <auto Member>
constexpr DeviceSetting chardev_setting(std::string_view name, std::string_view description) {
  object::Property info = object::detail::describe<std::string>(name, description, {});
  return {.info = info,
          .get = [](const std::any& config) -> object::PropertyValue {
            const chardev::Chardev* backend =
                std::any_cast<const object::detail::ClassOf<Member>&>(config).*Member;
            return backend == nullptr ? std::string{} : backend->id();
          },
          .set = [](std::any& config, object::PropertyValue value,
                    const SettingTargets& targets) -> Result<void> {
            const auto& id = std::get<std::string>(value);
            chardev::Chardev* backend = targets.chardev ? targets.chardev(id) : nullptr;
            if (backend == nullptr) return fail("there is no character back-end '{}'", id);
            std::any_cast<object::detail::ClassOf<Member>&>(config).*Member = backend;
            return {};
          }};
}

/// A Ref<block::Backend> member, set by the id of a drive or the name of a node.
template <auto Member>
constexpr DeviceSetting drive_setting(std::string_view name, std::string_view description) {
  object::Property info = object::detail::describe<std::string>(name, description, {});
  return {.info = info,
          .get = [](const std::any& config) -> object::PropertyValue {
            const auto& drive =
                std::any_cast<const object::detail::ClassOf<Member>&>(config).*Member;
            return drive ? drive->location() : std::string{};
          },
          .set = [](std::any& config, object::PropertyValue value,
                    const SettingTargets& targets) -> Result<void> {
            const auto& given = std::get<std::string>(value);
            if (!targets.drive) return fail("there is no drive '{}'", given);
            std::any_cast<object::detail::ClassOf<Member>&>(config).*Member =
                TRY(targets.drive(given));
            return {};
          },
          .show = [](const std::any& config, const SettingNames& names) -> object::PropertyValue {
            const auto& drive =
                std::any_cast<const object::detail::ClassOf<Member>&>(config).*Member;
            return drive && names.drive ? names.drive(*drive) : std::string{};
          }};
}

/// A hw::MemoryBackend* member, set by the object's id or path.
template <auto Member>
constexpr DeviceSetting memory_setting(std::string_view name, std::string_view description) {
  object::Property info = object::detail::describe<std::string>(name, description, {});
  info.type = "link<memory-backend>";
  return {.info = info,
          .get = [](const std::any& config) -> object::PropertyValue {
            const hw::MemoryBackend* memory =
                std::any_cast<const object::detail::ClassOf<Member>&>(config).*Member;
            return memory == nullptr ? std::string{} : memory->path();
          },
          .set = [](std::any& config, object::PropertyValue value,
                    const SettingTargets& targets) -> Result<void> {
            constexpr std::string_view kFolder = "/objects/";
            const auto given = std::get<std::string>(std::move(value));
            std::string_view id = given;
            if (id.starts_with(kFolder)) id.remove_prefix(kFolder.size());
            hw::MemoryBackend* memory = targets.memory ? targets.memory(id) : nullptr;
            if (memory == nullptr)
              return fail("there is no memory '{}'; it takes the id of a memory object", id);
            std::any_cast<object::detail::ClassOf<Member>&>(config).*Member = memory;
            return {};
          }};
}

}  // namespace holdfast::boards
