// SPDX-License-Identifier: Apache-2.0
// Flattened device trees: built for the boards, checked and completed for a user's own.
// SPEC: Devicetree Specification 0.4.
//
//   DeviceTreeBuilder tree;
//   {
//     auto root = tree.root();
//     root.u32("#address-cells", 2).u32("#size-cells", 2).string("compatible", "riscv-virtio");
//     auto memory = root.node("memory@80000000");
//     memory.string("device_type", "memory").reg({{0x8000'0000, ram_size}});
//   }
//   const auto blob = TRY(std::move(tree).finish());
//
// A node is open for as long as its scope lives, scopes nest like the tree, and a node's properties
// come before its children. What is done wrong is remembered, the first mistake with its path, and
// `finish()` reports it; so a board needs no check at each line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/result.hpp"

namespace holdfast::boards {

class DeviceTreeBuilder {
 public:
  struct Range {
    std::uint64_t address = 0;
    std::uint64_t size = 0;
  };
  using Phandle = std::uint32_t;

  /// An open node; closes with its scope.
  class Node {
   public:
    ~Node();
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

    Node& u32(std::string_view name, std::uint32_t value);
    Node& u64(std::string_view name, std::uint64_t value);
    Node& cells(std::string_view name, std::span<const std::uint32_t> values);
    Node& cells(std::string_view name, std::initializer_list<std::uint32_t> values) {
      return cells(name, std::span{values.begin(), values.size()});
    }
    Node& string(std::string_view name, std::string_view value);
    Node& strings(std::string_view name, std::span<const std::string_view> values);
    Node& strings(std::string_view name, std::initializer_list<std::string_view> values) {
      return strings(name, std::span{values.begin(), values.size()});
    }
    Node& bytes(std::string_view name, std::span<const std::byte> value);
    /// A property without a value, which is true by being there.
    Node& flag(std::string_view name);
    /// In as many cells as the parent's #address-cells and #size-cells say (2 and 1 if it does not).
    Node& reg(std::span<const Range> ranges);
    Node& reg(std::initializer_list<Range> ranges) {
      return reg(std::span{ranges.begin(), ranges.size()});
    }
    /// Makes this node what `handle` refers to.
    Node& phandle(Phandle handle);

    /// Opens a child: "uart@10000000".
    [[nodiscard]] Node node(std::string_view name);

   private:
    friend class DeviceTreeBuilder;
    Node(DeviceTreeBuilder& builder, std::size_t depth) : builder_{builder}, depth_{depth} {}
    DeviceTreeBuilder& builder_;  // outlives its nodes, which are scopes
    std::size_t depth_;
  };

  /// `reserved`: memory that the guest must not use.
  explicit DeviceTreeBuilder(std::span<const Range> reserved = {});
  ~DeviceTreeBuilder();
  DeviceTreeBuilder(const DeviceTreeBuilder&) = delete;
  DeviceTreeBuilder& operator=(const DeviceTreeBuilder&) = delete;

  /// Opens the root; once.
  [[nodiscard]] Node root();
  /// A number to refer to a node by, before or after the node is made.
  Phandle new_phandle() { return ++last_phandle_; }

  /// The finished tree, or the first mistake: a node that is still open or was opened out of turn, a
  /// property after a child, a name that is malformed or given twice, a number too large for its cells,
  /// a handle given to two nodes or to none, more than 2 MiB.
  Result<std::vector<std::byte>> finish() &&;

 private:
  struct Open {
    std::string path;
    std::set<std::string, std::less<>> properties;
    std::set<std::string, std::less<>> children;
    std::uint32_t address_cells = 2;  // for the children's reg
    std::uint32_t size_cells = 1;
  };

  void open(std::size_t depth, std::string_view name);
  void close(std::size_t depth);
  bool may_write(std::size_t depth, std::string_view property);
  void property(std::size_t depth, std::string_view name, std::span<const std::byte> value);
  void reg(std::size_t depth, std::span<const Range> ranges);
  void note_cells(std::string_view name, std::uint32_t value);
  void mistake(std::string_view path, std::string message);
  /// Calls one of libfdt's writing functions, with more room for as long as it asks for some.
  template <class Call>
  void write(Call call);

  std::vector<std::byte> blob_;
  std::vector<Open> open_;  // from the root to the innermost
  std::optional<Error> first_mistake_;
  std::set<Phandle> placed_;
  Phandle last_phandle_ = 0;
  bool had_root_ = false;
};

/// Checks a tree that comes from outside: every offset in it, every name and length. Returns the bytes
/// it really takes. Errors say what is wrong with it.
Result<std::size_t> check_device_tree(std::span<const std::byte> blob);

/// The same from a file of at most 2 MiB.
Result<std::vector<std::byte>> load_device_tree(const std::string& path);

/// What a boot adds to a tree, under /chosen. What is empty is left as it is.
struct Chosen {
  std::optional<std::string> bootargs{};
  std::optional<DeviceTreeBuilder::Range> initrd{};
};
/// `blob` has been checked; the result is a copy.
Result<std::vector<std::byte>> with_chosen(std::span<const std::byte> blob, const Chosen& chosen);

}  // namespace holdfast::boards
