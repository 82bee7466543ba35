// SPDX-License-Identifier: Apache-2.0
#include "holdfast/object/base_types.hpp"

namespace holdfast::object {

constinit const Type kInterface{
    .name = "interface", .kind = Type::Kind::kInterface, .docs = "An ability that types have."};
constinit const Type kUserCreatable{.name = "user-creatable",
                                    .parent = &kInterface,
                                    .kind = Type::Kind::kInterface,
                                    .docs = "Can be made by name, by -object and object-add."};
constinit const Type kContainer{.name = "container", .docs = "Holds others in the tree."};

Result<void> add_base_types(TypeRegistry& registry) {
  for (const Type* type : {&kInterface, &kUserCreatable, &kContainer}) TRY(registry.add(*type));
  return {};
}

}  // namespace holdfast::object
