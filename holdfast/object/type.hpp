// SPDX-License-Identifier: Apache-2.0
// What kinds of object there are: names, ancestry, interfaces, documentation, properties.
//
// A Type is constant data with static storage, written next to the class that it describes. A
// TypeRegistry is a value owned by whoever builds a machine; nothing gets into it unless somebody
// adds it by name, so two machines in one process can know different types.
#pragma once

#include <any>
#include <map>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "holdfast/base/result.hpp"
#include "holdfast/object/property.hpp"

namespace holdfast::object {

/// `constinit const Type Plic::kType{.name = "riscv.sifive.plic", .parent = &hw::Device::kType, …}`
struct Type {
  enum class Kind {
    kConcrete,   // objects of it can be made
    kAbstract,   // a common ancestor
    kInterface,  // an ability; has no objects and no properties
  };

  std::string_view name;
  const Type* parent = nullptr;
  std::span<const Type* const> interfaces{};
  Kind kind = Kind::kConcrete;
  std::string_view docs{};  // one sentence, shown by `help`
  std::span<const Property> properties{};

  bool is_a(const Type& other) const;
  bool is_a(std::string_view name_of_other) const;
  /// A property of this type or of an ancestor; nullptr if there is none.
  const Property* find_property(std::string_view property) const;
  /// The ancestors' properties first.
  std::vector<const Property*> all_properties() const;
};

/// Which types a listing contains.
enum class Abstract { kExcluded, kIncluded };

/// The types one machine knows. Filled, then only read; not locked.
class TypeRegistry {
 public:
  /// Adds a type, whose parent and interfaces have been added before. Errors: a malformed name, a
  /// name that is taken, a type that descends from itself, an unknown parent or interface, an
  /// interface among the parents or the other way round, a property declared twice. `facet` is for
  /// the layer that adds the type (how to build one, say) and comes back from `facet<F>()`.
  Result<void> add(const Type& type, std::any facet = {});

  const Type* find(std::string_view name) const;
  /// The type, or an error that suggests the name that may have been meant.
  Result<const Type*> require(std::string_view name) const;
  /// Whether both are known and the first is, descends from or implements the second.
  bool is_a(std::string_view name, std::string_view ancestor) const;

  /// In name order.
  std::vector<const Type*> types() const;
  /// Those that are, descend from or implement `ancestor`, in name order.
  std::vector<const Type*> descendants(std::string_view ancestor, Abstract abstract) const;

  /// What was added with the type, if it is an F.
  template <class F>
  const F* facet(const Type& type) const {
    const auto found = entries_.find(type.name);
    return found == entries_.end() ? nullptr : std::any_cast<F>(&found->second.facet);
  }

 private:
  struct Entry {
    const Type* type;  // static storage
    std::any facet;
  };
  Result<void> check(const Type& type) const;
  Result<void> check_ancestry(const Type& type) const;
  bool knows(const Type& type) const { return find(type.name) == &type; }

  std::map<std::string_view, Entry> entries_;
};

}  // namespace holdfast::object
