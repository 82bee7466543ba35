// SPDX-License-Identifier: Apache-2.0
#include "holdfast/boards/loader/device_tree.hpp"

#include <gtest/gtest.h>
#include <libfdt.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <iterator>

namespace holdfast::boards {
namespace {

using Builder = DeviceTreeBuilder;
using Blob = std::vector<std::byte>;

std::vector<std::uint32_t> cells_of(const Blob& blob, const char* path, const char* property) {
  int length = 0;
  const int node = fdt_path_offset(blob.data(), path);
  const auto* data = static_cast<const fdt32_t*>(fdt_getprop(blob.data(), node, property, &length));
  std::vector<std::uint32_t> cells;
  for (int i = 0; data != nullptr && i < length / 4; ++i) cells.push_back(fdt32_to_cpu(data[i]));
  return cells;
}

std::string text_of(const Blob& blob, const char* path, const char* property) {
  int length = 0;
  const int node = fdt_path_offset(blob.data(), path);
  const auto* data = static_cast<const char*>(fdt_getprop(blob.data(), node, property, &length));
  return data == nullptr ? "missing" : std::string(data, static_cast<std::size_t>(length));
}

using Cells = std::vector<std::uint32_t>;

Result<Blob> build(const std::function<void(Builder&, Builder::Node&)>& fill) {
  Builder tree;
  {
    auto root = tree.root();
    fill(tree, root);
  }
  return std::move(tree).finish();
}

std::string refusal_of(const std::function<void(Builder&, Builder::Node&)>& fill) {
  const auto blob = build(fill);
  return blob ? "accepted" : blob.error().message;
}

TEST(DeviceTreeBuilder, NodesAndPropertiesOfEveryKind) {
  const auto blob = build([](Builder& tree, Builder::Node& root) {
    const auto plic = tree.new_phandle();
    root.u32("#address-cells", 2).u32("#size-cells", 2).strings("compatible", {"a,b", "c"});
    auto soc = root.node("soc");
    soc.u32("#address-cells", 1).u32("#size-cells", 0).flag("ranges");
    {
      auto uart = soc.node("uart@10000000");
      uart.string("compatible", "ns16550a").reg({{0x1000'0000, 0}});
      uart.cells("interrupts-extended", {plic, 10}).u64("big", 0x1'0000'0002);
    }
    auto controller = soc.node("plic@c000000");
    controller.phandle(plic).bytes("raw", std::array{std::byte{1}, std::byte{0xfe}});
  });
  ASSERT_TRUE(blob) << blob.error().message;
  EXPECT_EQ(check_device_tree(*blob).value_or(0), blob->size());
  EXPECT_EQ(text_of(*blob, "/", "compatible"), (std::string{"a,b\0c\0", 6}));
  EXPECT_EQ(text_of(*blob, "/soc", "ranges"), "");
  EXPECT_EQ(cells_of(*blob, "/soc/uart@10000000", "reg"), (Cells{0x1000'0000}));
  EXPECT_EQ(cells_of(*blob, "/soc/uart@10000000", "interrupts-extended"), (Cells{1, 10}));
  EXPECT_EQ(cells_of(*blob, "/soc/uart@10000000", "big"), (Cells{1, 2}));
  EXPECT_EQ(text_of(*blob, "/soc/plic@c000000", "raw"), "\x01\xfe");
  EXPECT_EQ(fdt_node_offset_by_phandle(blob->data(), 1),
            fdt_path_offset(blob->data(), "/soc/plic@c000000"));
}

TEST(DeviceTreeBuilder, RegHasTheCellsThatTheParentSays) {
  const auto blob = build([](Builder&, Builder::Node& root) {
    {
      auto plain = root.node("plain");
      plain.u32("#address-cells", 4);  // for its children, not for itself
      plain.reg({{0x1'0000'0002, 3}, {4, 5}});
    }
    auto wide = root.node("wide");
    wide.u32("#address-cells", 4).u32("#size-cells", 3);
    auto inner = wide.node("inner");
    inner.reg({{0x1'0000'0002, 3}});
  });
  ASSERT_TRUE(blob) << blob.error().message;
  EXPECT_EQ(cells_of(*blob, "/plain", "reg"), (Cells{1, 2, 3, 0, 4, 5}));
  EXPECT_EQ(cells_of(*blob, "/wide/inner", "reg"), (Cells{0, 0, 1, 2, 0, 0, 3}));
}

TEST(DeviceTreeBuilder, GrowsAsNeeded) {
  const auto blob = build([](Builder&, Builder::Node& root) {
    for (int i = 0; i < 2000; ++i) {
      auto cpu = root.node("cpu@" + std::to_string(i));
      cpu.string("device_type", "cpu").u32("reg", static_cast<std::uint32_t>(i));
    }
  });
  ASSERT_TRUE(blob) << blob.error().message;
  EXPECT_GT(blob->size(), 64U << 10);
  EXPECT_EQ(cells_of(*blob, "/cpu@1999", "reg"), (Cells{1999}));
  EXPECT_TRUE(check_device_tree(*blob));
}

TEST(DeviceTreeBuilder, ReservesMemory) {
  const std::vector<Builder::Range> reserved{{0x8000'0000, 0x2'0000}};
  Builder tree{reserved};
  { auto root = tree.root(); }
  const auto blob = std::move(tree).finish();
  ASSERT_TRUE(blob) << blob.error().message;
  std::uint64_t address = 0, size = 0;
  ASSERT_EQ(fdt_num_mem_rsv(blob->data()), 1);
  ASSERT_EQ(fdt_get_mem_rsv(blob->data(), 0, &address, &size), 0);
  EXPECT_EQ(address, 0x8000'0000U);
  EXPECT_EQ(size, 0x2'0000U);
}

TEST(DeviceTreeBuilder, NamesTheFirstMistake) {
  EXPECT_EQ(refusal_of([](Builder&, Builder::Node& root) {
              auto soc = root.node("soc");
              { auto uart = soc.node("uart"); }
              soc.flag("ranges");
              auto bad = root.node("9");
            }),
            "/soc: property 'ranges' comes after a child; properties come first");
}

TEST(DeviceTreeBuilder, Mistakes) {
  EXPECT_EQ(refusal_of([](Builder&, Builder::Node& root) {
              auto soc = root.node("soc");
              root.flag("late");
            }),
            "/: property 'late' comes after a child; properties come first");
  EXPECT_EQ(refusal_of([](Builder&, Builder::Node& root) { root.u32("a", 1).u32("a", 2); }),
            "/: it has a property 'a' already");
  EXPECT_EQ(refusal_of([](Builder&, Builder::Node& root) { root.flag("two words"); }),
            "/: 'two words' is no name for a property");
  EXPECT_EQ(refusal_of([](Builder&, Builder::Node& root) {
              auto soc = root.node("soc");
              { auto a = soc.node("a@1"); }
              auto b = soc.node("a@1");
            }),
            "/soc: it has a node 'a@1' already");
  EXPECT_EQ(refusal_of([](Builder&, Builder::Node& root) {
              auto a = root.node("a");
              auto b = root.node("b");
            }),
            "/a: 'b' is opened while this is open");
  EXPECT_EQ(refusal_of([](Builder&, Builder::Node& root) {
              auto a = root.node("a");
              a.u32("#address-cells", 1);
              auto b = a.node("b");
              b.reg({{0x1'0000'0000, 1}});
            }),
            "/a/b: reg 0x100000000 with 0x1 bytes does not fit in 1 and 1 cells");
  EXPECT_EQ(refusal_of([](Builder&, Builder::Node& root) { root.reg({{0, 1}}); }),
            "/: the root has no reg: it has no parent that gives it cells");
  EXPECT_EQ(refusal_of([](Builder&, Builder::Node& root) { root.u32("#size-cells", 5); }),
            "/: #size-cells is 5, not 0 to 4");
  EXPECT_EQ(refusal_of([](Builder&, Builder::Node& root) {
              root.string("s", std::string_view{"a\0b", 3});
            }),
            "s: a string in a device tree cannot hold a zero byte");
}

TEST(DeviceTreeBuilder, NamesOfNodes) {
  for (const auto* bad : {"", "9a", "a b", "a/b", "a@", "a@b@c", "@1", "abcdefghijklmnopqrstuvwxyz123456"})
    EXPECT_EQ(refusal_of([&](Builder&, Builder::Node& root) { auto node = root.node(bad); }),
              "/: '" + std::string{bad} + "' is no name for a node");
  for (const auto* good : {"a", "cpu-map", "a@0", "pci@30000000", "l2-cache@1,0"})
    EXPECT_EQ(refusal_of([&](Builder&, Builder::Node& root) { auto node = root.node(good); }), "accepted");
}

TEST(DeviceTreeBuilder, HandlesArePlacedOnce) {
  EXPECT_EQ(refusal_of([](Builder& tree, Builder::Node&) { tree.new_phandle(); }),
            "device tree: no node has the handle 1");
  EXPECT_EQ(refusal_of([](Builder& tree, Builder::Node& root) {
              const auto handle = tree.new_phandle();
              root.phandle(handle);
              auto a = root.node("a");
              a.phandle(handle);
            }),
            "device tree: two nodes have the handle 1");
  EXPECT_EQ(refusal_of([](Builder&, Builder::Node& root) { root.phandle(7); }),
            "device tree: 7 is no handle that was given out");
}

TEST(DeviceTreeBuilder, TheRootIsThereOnceAndClosed) {
  EXPECT_EQ(Builder{}.finish().error().message, "device tree: it has no root");
  Builder tree;
  { auto root = tree.root(); }
  { auto again = tree.root(); }
  EXPECT_EQ(std::move(tree).finish().error().message, "/: the root is opened twice");
  Builder open;
  auto root = open.root();
  EXPECT_EQ(std::move(open).finish().error().message, "/: it is still open");
}

TEST(DeviceTreeBuilder, TooLarge) {
  const std::vector<std::byte> megabyte(1 << 20);
  EXPECT_EQ(refusal_of([&](Builder&, Builder::Node& root) {
              root.bytes("a", megabyte).bytes("b", megabyte).bytes("c", megabyte);
            }),
            "device tree: it is larger than 2097152 bytes");
}

Blob small() {
  return build([](Builder&, Builder::Node& root) {
           root.string("compatible", "x");
           auto chosen = root.node("chosen");
           chosen.string("stdout-path", "/uart").string("bootargs", "old");
         })
      .value();
}

TEST(DeviceTree, ChosenIsCompleted) {
  const auto blob = with_chosen(
      small(), {.bootargs = "console=ttyS0", .initrd = Builder::Range{0x8800'0000, 0x1234}});
  ASSERT_TRUE(blob) << blob.error().message;
  EXPECT_TRUE(check_device_tree(*blob));
  EXPECT_EQ(text_of(*blob, "/chosen", "bootargs"), (std::string{"console=ttyS0\0", 14}));
  EXPECT_EQ(text_of(*blob, "/chosen", "stdout-path"), (std::string{"/uart\0", 6}));
  EXPECT_EQ(cells_of(*blob, "/chosen", "linux,initrd-start"), (Cells{0x8800'0000}));
  EXPECT_EQ(cells_of(*blob, "/chosen", "linux,initrd-end"), (Cells{0x8800'1234}));
}

TEST(DeviceTree, ARamDiskAboveFourGiBHasLongerAddresses) {
  const auto initrd_of = [](std::uint64_t address, std::uint64_t size) {
    const auto blob = with_chosen(small(), {.initrd = Builder::Range{address, size}});
    Cells cells = cells_of(*blob, "/chosen", "linux,initrd-start");
    std::ranges::copy(cells_of(*blob, "/chosen", "linux,initrd-end"), std::back_inserter(cells));
    return cells;
  };
  EXPECT_EQ(initrd_of(0xffff'0000, 0xffff), (Cells{0xffff'0000, 0xffff'ffff}));
  EXPECT_EQ(initrd_of(0xffff'0000, 0x1'0000), (Cells{0, 0xffff'0000, 1, 0}));
  EXPECT_EQ(initrd_of(0x1'2345'6000, 3), (Cells{1, 0x2345'6000, 1, 0x2345'6003}));
}

TEST(DeviceTree, ChosenIsMadeWhereThereIsNone) {
  const auto bare = build([](Builder&, Builder::Node&) {});
  const auto blob = with_chosen(*bare, {.bootargs = "quiet"});
  ASSERT_TRUE(blob) << blob.error().message;
  EXPECT_EQ(text_of(*blob, "/chosen", "bootargs"), (std::string{"quiet\0", 6}));
  EXPECT_EQ(text_of(*with_chosen(small(), {}), "/chosen", "bootargs"), (std::string{"old\0", 4}));
  EXPECT_FALSE(with_chosen(small(), {.bootargs = std::string(3 << 20, 'x')}));
}

TEST(DeviceTree, EveryTruncationIsRefused) {
  const auto whole = small();
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(check_device_tree(std::span{whole}.first(size))) << size;
}

TEST(DeviceTree, SaysWhatIsWrong) {
  auto blob = small();
  EXPECT_EQ(check_device_tree(std::span{blob}.first(10)).error().message,
            "truncated inside the header of a device tree");
  EXPECT_EQ(check_device_tree(std::span{blob}.first(60)).error().message,
            "a device tree of " + std::to_string(blob.size()) + " bytes, of which 60 are there; it is "
            "truncated");
  auto old = blob;
  old[23] = std::byte{16};
  EXPECT_EQ(check_device_tree(old).error().message,
            "a device tree of version 16, compatible with 16; it takes version 17");
  auto later = blob;
  later[27] = std::byte{18};
  EXPECT_EQ(check_device_tree(later).error().message,
            "a device tree of version 17, compatible with 18; it takes version 17");
  blob[0] = std::byte{0};
  EXPECT_EQ(check_device_tree(blob).error().message,
            "no device tree: it does not begin with d0 0d fe ed");
}

TEST(DeviceTree, FilesThatAreNone) {
  EXPECT_EQ(load_device_tree("/nowhere/a.dtb").error().message,
            "/nowhere/a.dtb: not found; it takes the path of a readable file");
  const std::string firmware = "/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin";
  EXPECT_EQ(load_device_tree(firmware).error().message,
            firmware + ": no device tree: it does not begin with d0 0d fe ed");
}

}  // namespace
}  // namespace holdfast::boards
