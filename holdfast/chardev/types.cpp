// SPDX-License-Identifier: Apache-2.0
#include "holdfast/chardev/types.hpp"

namespace holdfast::chardev {
namespace {

using object::Type;

constinit const Type kChardev{
    .name = "chardev", .kind = Type::Kind::kAbstract, .docs = "Where bytes lead on the host."};
constinit const Type kDescriptors{.name = "chardev-fd",
                                  .parent = &kChardev,
                                  .kind = Type::Kind::kAbstract,
                                  .docs = "Leads to descriptors of the host's."};
constinit const Type kRing{.name = "chardev-ringbuf", .parent = &kChardev, .docs = "Keeps what came last."};

constinit const Type kConcrete[] = {
    {.name = "chardev-file", .parent = &kDescriptors, .docs = "A file."},
    {.name = "chardev-memory", .parent = &kRing, .docs = "The same as a ringbuf."},
    {.name = "chardev-null", .parent = &kChardev, .docs = "Nowhere."},
    {.name = "chardev-pipe", .parent = &kDescriptors, .docs = "Two named pipes."},
    {.name = "chardev-pty", .parent = &kChardev, .docs = "A pseudo-terminal."},
    {.name = "chardev-serial", .parent = &kDescriptors, .docs = "A terminal or serial line of the host."},
    {.name = "chardev-socket", .parent = &kChardev, .docs = "A socket."},
    {.name = "chardev-stdio", .parent = &kDescriptors, .docs = "Standard input and output."},
};

}  // namespace

Result<void> add_types(object::TypeRegistry& registry) {
  for (const Type* type : {&kChardev, &kDescriptors, &kRing}) TRY(registry.add(*type));
  for (const Type& type : kConcrete) TRY(registry.add(type));
  return {};
}

}  // namespace holdfast::chardev
