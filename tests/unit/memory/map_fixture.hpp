// SPDX-License-Identifier: Apache-2.0
// A fabric to try things in, and what its spaces show as text.
#pragma once

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "holdfast/memory/address_space.hpp"
#include "holdfast/memory/fabric.hpp"
#include "holdfast/memory/link_range.hpp"

namespace holdfast::memory::test {

class NullHandler final : public MmioHandler {
 public:
  MemTxResult read(std::uint64_t, unsigned, std::uint64_t&, MemTxAttrs) override {
    return MemTxResult::kOk;
  }
  MemTxResult write(std::uint64_t, unsigned, std::uint64_t, MemTxAttrs) override {
    return MemTxResult::kOk;
  }
};

class MapTest : public ::testing::Test {
 protected:
  MapTest() { gate_->open(); }
  ~MapTest() override {
    realm_.domain().barrier();
    block_->close();
  }

  MemoryRegion container(std::string name, std::uint64_t size = kWholeSpace) {
    return MemoryRegion::container(fabric_, {.name = std::move(name), .size = size});
  }
  MemoryRegion ram(std::string name, std::uint64_t size) {
    return MemoryRegion::ram(fabric_, {.name = std::move(name), .size = size}, block_);
  }
  MemoryRegion mmio(std::string name, std::uint64_t size) {
    return MemoryRegion::mmio(fabric_, {.name = std::move(name), .size = size, .gate = gate_},
                              {.handler = handler_});
  }
  MemoryRegion rom_device(std::string name, std::uint64_t size) {
    return MemoryRegion::rom_device(fabric_, {.name = std::move(name), .size = size, .gate = gate_},
                                    {.handler = handler_}, block_);
  }
  MemoryRegion reservation(std::string name, std::uint64_t size) {
    return MemoryRegion::reservation(fabric_, {.name = std::move(name), .size = size});
  }
  MemoryRegion alias(std::string name, const MemoryRegion& target, std::uint64_t offset,
                     std::uint64_t size = kWholeSpace) {
    return MemoryRegion::alias(fabric_, {.name = std::move(name), .size = size}, target, offset);
  }

  // A chain of edits is an lvalue.
  Fabric::Published commit(Transaction& transaction) { return commit(std::move(transaction)); }
  Fabric::Published commit(Transaction&& transaction) {
    auto done = fabric_.commit(std::move(transaction));
    EXPECT_TRUE(done.has_value()) << (done ? "" : done.error().message);
    return done.value_or(Fabric::Published{});
  }
  std::string error_of(Transaction& transaction) {
    const auto done = fabric_.commit(std::move(transaction));
    return done ? "accepted" : done.error().message;
  }

  static std::string text_of(const FlatRange& range) {
    std::string text = fmt::format("{:x}-{:x} {}", range.first, range.last, range.control()->name());
    if (range.offset != 0) text += fmt::format("@{:x}", range.offset);
    if (any(range.flags & RangeFlags::kReadOnly)) text += " ro";
    if (any(range.flags & RangeFlags::kRomdDirect)) text += " direct";
    if (any(range.flags & RangeFlags::kNonVolatile)) text += " nv";
    return text;
  }
  /// "0-fff ram, 1000-1fff uart@100 ro": what the space shows, links followed.
  static std::string shown(const AddressSpace& space) {
    std::string all;
    const auto note = [&](const FlatRange& range) {
      all += (all.empty() ? "" : ", ") + text_of(range);
    };
    FlatTree::for_each(space.view().root(), Extent::everything(), [&](const FlatRange& range) {
      if (!range.is_link()) return note(range);
      FlatTree::for_each(range.view()->root(), seen_through(range),
                         [&](const FlatRange& there) { note(through_link(range, there)); });
    });
    return all;
  }

  gate::Realm realm_{"test"};
  NullHandler handler_;
  Ref<gate::Gate> gate_ = gate::Gate::make(realm_, "owner");
  Ref<RamBlock> block_ = RamBlock::make(realm_, "block", 0x100000).value();
  Fabric fabric_{realm_};
};

}  // namespace holdfast::memory::test
