// SPDX-License-Identifier: Apache-2.0
#include "holdfast/hw/memory_backend.hpp"

#include <utility>

#include "holdfast/base/check.hpp"
#include "holdfast/object/base_types.hpp"

namespace holdfast::hw {
namespace {

constexpr std::array<const object::Type*, 1> kBackendAbilities{&object::kUserCreatable};

}  // namespace

constinit const object::Property MemoryBackend::kProperties[] = {
    object::computed<&MemoryBackend::size>("size", "bytes"),
    object::computed<&MemoryBackend::share>("share", "whether others who map it see what the guest writes"),
    object::computed<&MemoryBackend::prealloc>("prealloc", "whether all of it was taken from the host at once"),
    object::computed<&MemoryBackend::user>("in-use-by", "the path of the device that shows it, if one does"),
};

constinit const object::Type MemoryBackend::kType{.name = "memory-backend",
                                                  .interfaces = kBackendAbilities,
                                                  .kind = object::Type::Kind::kAbstract,
                                                  .docs = "Memory of the host with a name.",
                                                  .properties = kProperties};
constinit const object::Type MemoryBackend::kRamType{
    .name = "memory-backend-ram", .parent = &kType, .docs = "memory of the process"};
constinit const object::Type MemoryBackend::kMemfdType{
    .name = "memory-backend-memfd", .parent = &kType, .docs = "memory that has a descriptor and no name"};
constinit const object::Type MemoryBackend::kFileType{
    .name = "memory-backend-file", .parent = &kType, .docs = "memory in a file"};

Result<std::unique_ptr<MemoryBackend>> MemoryBackend::make(Context& context, const Init& init,
                                                           FindDescriptor find) {
  std::unique_ptr<MemoryBackend> made{new MemoryBackend{context, init}};
  memory::RamBacking backing = init.backing;
  backing.find = std::move(find);
  made->block_.take(TRY(memory::RamBlock::make(context.realm, "/objects/" + init.id, init.size, backing)));
  return made;
}

std::unique_ptr<MemoryBackend> MemoryBackend::of_board(Context& context, const Init& init,
                                                       std::string who) {
  std::unique_ptr<MemoryBackend> made{new MemoryBackend{context, init}};
  made->user_ = std::move(who);
  return made;
}

MemoryBackend::MemoryBackend(Context& context, const Init& init)
    : Object{init.type, context.tree},
      id_{init.id},
      size_{init.size},
      backing_{init.backing},
      block_{context.control} {}

Result<Claim> MemoryBackend::take(std::string who) {
  if (!user_.empty()) return fail("memory '{}' is in use by {}", id_, user_);
  user_ = std::move(who);
  return Claim{"memory '" + id_ + "'", [this] { user_.clear(); }};
}

}  // namespace holdfast::hw
