// SPDX-License-Identifier: Apache-2.0
// Memory of the host with a name: what a user makes with `-object memory-backend-…` or `object-add`, for
// a module of RAM to show to the guest. It has the bytes; a device that shows them claims it for as long
// as it is there. Taken away while somebody still has a hold on its bytes, it leaves those bytes to him.
//
// Owned by the machine, which destroys it behind its devices. Control thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "holdfast/base/find_descriptor.hpp"
#include "holdfast/base/result.hpp"
#include "holdfast/hw/claim.hpp"
#include "holdfast/hw/context.hpp"
#include "holdfast/hw/own_block.hpp"
#include "holdfast/memory/ram_block.hpp"
#include "holdfast/object/object.hpp"

namespace holdfast::hw {

class MemoryBackend final : public object::Object {
 public:
  // Where the bytes come from is the type.
  static const object::Type kType;      // abstract
  static const object::Type kRamType;   // memory of the process
  static const object::Type kMemfdType; // has a descriptor and no name
  static const object::Type kFileType;  // a file
  static constexpr std::array<const object::Type*, 3> kTypes{&kFileType, &kMemfdType, &kRamType};

  struct Init {
    const object::Type& type;  // one of kTypes
    std::string id;
    std::uint64_t size;  // bytes
    memory::RamBacking backing{};
  };
  /// Takes the memory from the host, or from what `find` has for a file of that name.
  static Result<std::unique_ptr<MemoryBackend>> make(Context& context, const Init& init,
                                                     FindDescriptor find = {});
  /// One whose bytes are RAM of a board already, which shows them itself; `who` is a path.
  static std::unique_ptr<MemoryBackend> of_board(Context& context, const Init& init, std::string who);

  const std::string& id() const { return id_; }
  std::uint64_t size() const { return size_; }
  const memory::RamBacking& backing() const { return backing_; }
  /// None if it is the board's.
  const Ref<memory::RamBlock>& block() const { return block_.get(); }

  /// For one device at a time; the error says who has it.
  Result<Claim> take(std::string who);
  /// "" if nobody has it.
  const std::string& user() const { return user_; }

 private:
  MemoryBackend(Context& context, const Init& init);

  bool share() const { return backing_.shared; }
  bool prealloc() const { return backing_.prealloc; }

  static const object::Property kProperties[];

  const std::string id_;
  const std::uint64_t size_;
  const memory::RamBacking backing_;
  OwnBlock block_;
  std::string user_;  // a path
};

}  // namespace holdfast::hw
