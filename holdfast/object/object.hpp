// SPDX-License-Identifier: Apache-2.0
// Base of what has a type, a name and properties: devices, buses, back-ends, the machine.
//
// An object is owned like any other value, by member or unique_ptr; its Node gives it a name and a
// path for as long as it is attached.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/result.hpp"
#include "holdfast/object/handle.hpp"
#include "holdfast/object/property.hpp"
#include "holdfast/object/tree.hpp"
#include "holdfast/object/type.hpp"

namespace holdfast::object {

/// A property as one object shows it.
struct PropertyInfo {
  std::string name;
  std::string type;
  std::string description;
  PropertyValue value;
};

class Object : public Expires {
 public:
  Object(const Type& type, Tree& tree);
  virtual ~Object();

  const Type& type() const { return type_; }
  bool is_a(std::string_view name) const { return type_.is_a(name); }
  Node& node() { return node_; }
  const Node& node() const { return node_; }
  std::string name() const { return node_.name(); }
  std::string path() const { return node_.path(); }
  Handle<Object> handle() { return Handle<Object>{*this}; }

  /// Text ("on", "16M") is parsed, numbers are converted, ranges checked. Errors name the object,
  /// the property and what would be accepted: an unknown name, a value that does not fit, a
  /// property that is read-only or can only be set before the object is realized.
  Result<void> set_property(std::string_view name, const PropertyValue& value);
  Result<PropertyValue> get_property(std::string_view name) const;
  /// The type's, ancestors' first, then this object's own.
  std::vector<PropertyInfo> properties() const;

  bool realized() const { return realized_.load(std::memory_order_acquire); }

 protected:
  /// From now on only what is `Settable::kAlways` can be set. There is no way back.
  void mark_realized() { realized_.store(true, std::memory_order_release); }  // pairs with realized()

  /// Runs an accessor: where a layer above takes its lock, or refuses. Called once for each access.
  virtual Result<void> access(const std::function<Result<void>()>& body) const { return body(); }
  /// Read-only properties that this object has besides its type's: the state of its parts, say.
  virtual std::vector<PropertyInfo> own_properties() const { return {}; }

 private:
  Result<const Property*> require_property(std::string_view name) const;
  Result<PropertyValue> read(const Property& property) const;

  const Type& type_;  // static storage
  Node node_;
  std::atomic<bool> realized_{false};
};

/// Whether a fresh object has the values that its type's table gives as fallbacks. For tests that go
/// through all types; the error names the first that differs.
Result<void> check_fallbacks(const Object& fresh);

namespace detail {

Result<Handle<Object>> resolve_link(Object& from, const std::string& path);
std::unexpected<Error> not_a_target(const std::string& path);

template <class T>
struct TargetOf;
template <class T>
struct TargetOf<Handle<T>> {
  using Type = T;
};

}  // namespace detail

template <auto Member>
constexpr Property link(std::string_view name, std::string_view target,
                        std::string_view description, Settable settable) {
  using C = detail::ClassOf<Member>;
  using T = typename detail::TargetOf<detail::TypeOf<Member>>::Type;
  return {.name = detail::checked_name(name),
          .type = target,
          .description = description,
          .kind = Property::Kind::kLink,
          .settable = settable,
          .get = [](const Object& object) -> PropertyValue {
            const auto* to = dynamic_cast<const Object*>((detail::self<C>(object).*Member).get());
            return to == nullptr ? std::string{} : to->path();
          },
          .set = [](Object& object, PropertyValue value) -> Result<void> {
            const auto& path = std::get<std::string>(value);
            if (path.empty()) {
              detail::self<C>(object).*Member = {};
              return {};
            }
            auto to = TRY(detail::resolve_link(object, path)).template as<T>();
            if (!to) return detail::not_a_target(path);
            detail::self<C>(object).*Member = std::move(to);
            return {};
          }};
}

}  // namespace holdfast::object
