// SPDX-License-Identifier: Apache-2.0
#include "holdfast/object/tree.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <thread>

#include "holdfast/object/object.hpp"

namespace holdfast::object {
namespace {

constinit const Type kThing{.name = "thing", .docs = "a thing"};

std::vector<std::string> paths(const std::vector<Tree::Entry>& entries) {
  std::vector<std::string> all;
  for (const auto& entry : entries) all.push_back(entry.path);
  return all;
}

class TreeTest : public ::testing::Test {
 protected:
  std::unique_ptr<Node> put(Node& parent, std::string_view name) {
    auto node = std::make_unique<Node>(tree_, "container");
    EXPECT_TRUE(node->attach(parent, name));
    return node;
  }

  Tree tree_;
  std::unique_ptr<Node> machine_ = put(tree_.root(), "machine");
  std::unique_ptr<Node> soc_ = put(*machine_, "soc");
};

using Paths = std::vector<std::string>;

TEST_F(TreeTest, NamesAndPaths) {
  EXPECT_EQ(tree_.root().path(), "/");
  EXPECT_EQ(soc_->path(), "/machine/soc");
  EXPECT_EQ(soc_->name(), "soc");
}

TEST_F(TreeTest, WalksInNameOrderParentsFirst) {
  const auto b = put(*soc_, "b");
  const auto a = put(*soc_, "a");
  const auto inner = put(*b, "inner");
  EXPECT_EQ(paths(*tree_.walk()), (Paths{"/", "/machine", "/machine/soc", "/machine/soc/a",
                                         "/machine/soc/b", "/machine/soc/b/inner"}));
  EXPECT_EQ(paths(*tree_.children("/machine/soc")), (Paths{"/machine/soc/a", "/machine/soc/b"}));
  EXPECT_EQ(tree_.walk("/machine")->back().depth, 3U);
}

TEST_F(TreeTest, ResolvesAbsoluteAndPartialPaths) {
  const auto uart = put(*soc_, "uart0");
  for (const auto* path : {"/machine/soc/uart0", "/machine/soc/uart0/", "uart0", "soc/uart0",
                           "machine/soc/uart0"})
    EXPECT_EQ(tree_.resolve(path).value_or(Tree::Entry{}).path, "/machine/soc/uart0") << path;
  EXPECT_EQ(tree_.resolve("/")->path, "/");
}

TEST_F(TreeTest, SaysWhereAPathBreaksOffAndWhatMayHaveBeenMeant) {
  const auto uart = put(*soc_, "uart0");
  EXPECT_EQ(tree_.resolve("/machine/soc/urat0").error().message,
            "'/machine/soc/urat0' not found: '/machine/soc' has no child 'urat0'; did you mean "
            "'uart0'?");
  EXPECT_EQ(tree_.resolve("uart7").error().message,
            "'uart7' not found: no path in the tree ends so");
  EXPECT_FALSE(tree_.resolve(""));
}

TEST_F(TreeTest, RefusesAnAmbiguousPartialPath) {
  const auto other = put(*machine_, "other");
  const auto a = put(*soc_, "fifo");
  const auto b = put(*other, "fifo");
  const auto result = tree_.resolve("fifo");
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message.find("/machine/soc/fifo"), std::string::npos);
  EXPECT_NE(result.error().message.find("/machine/other/fifo"), std::string::npos);
  EXPECT_TRUE(tree_.resolve("soc/fifo"));
}

TEST_F(TreeTest, NamesAreUniqueAmongSiblings) {
  Node second{tree_, "container"};
  EXPECT_EQ(second.attach(*machine_, "soc").error().message, "'/machine' has a child 'soc' already");
  EXPECT_FALSE(second.attached());
  EXPECT_TRUE(second.attach(*soc_, "soc"));
}

TEST_F(TreeTest, RefusesNamesThatWouldBreakPaths) {
  Node node{tree_, "container"};
  EXPECT_FALSE(node.attach(*soc_, ""));
  EXPECT_FALSE(node.attach(*soc_, "a/b"));
  EXPECT_TRUE(node.attach(*soc_, "a"));
  EXPECT_EQ(node.attach(*machine_, "b").error().message, "'/machine/soc/a' is already in the tree");
}

TEST_F(TreeTest, RefusesToPutANodeBelowItself) {
  Node top{tree_, "container"};
  const auto below = put(top, "below");
  EXPECT_EQ(top.attach(*below, "loop").error().message,
            "'(container)' cannot be put below itself, at '(container)/below'");
  EXPECT_FALSE(top.attach(top, "loop"));
  EXPECT_FALSE(tree_.root().attach(*soc_, "root"));
}

TEST_F(TreeTest, NumbersArrayElementsFromTheLowestHole) {
  std::vector<std::unique_ptr<Node>> pins;
  for (int i = 0; i < 4; ++i) pins.push_back(put(*soc_, "pin[*]"));
  EXPECT_EQ(pins[3]->name(), "pin[3]");
  pins[1].reset();
  EXPECT_EQ(put(*soc_, "pin[*]")->name(), "pin[1]");
  const auto fixed = put(*soc_, "pin[4]");
  const auto hole = put(*soc_, "pin[*]");
  EXPECT_EQ(put(*soc_, "pin[*]")->name(), "pin[5]");
  EXPECT_EQ(put(*soc_, "other[*]")->name(), "other[0]");
}

TEST_F(TreeTest, NumbersAreTakenOnlyByCanonicalNames) {
  const auto padded = put(*soc_, "pin[00]");
  const auto huge = put(*soc_, "pin[4294967296]");
  const auto word = put(*soc_, "pin[x]");
  EXPECT_EQ(put(*soc_, "pin[*]")->name(), "pin[0]");
}

TEST_F(TreeTest, AnArrayOfManyIsNumberedWithoutProbing) {
  std::vector<std::unique_ptr<Node>> pins;
  for (int i = 0; i < 20'000; ++i) pins.push_back(put(*soc_, "pin[*]"));
  EXPECT_EQ(pins.back()->name(), "pin[19999]");
}

TEST_F(TreeTest, AChildThatGoesLeavesItsParent) {
  {
    const auto uart = put(*soc_, "uart0");
    EXPECT_TRUE(tree_.resolve("uart0"));
  }
  EXPECT_FALSE(tree_.resolve("uart0"));
  const auto again = put(*soc_, "uart0");
}

TEST_F(TreeTest, AParentThatGoesLeavesItsChildrenWhole) {
  const auto uart = put(*soc_, "uart0");
  const auto fifo = put(*uart, "fifo");
  soc_.reset();
  EXPECT_FALSE(uart->attached());
  EXPECT_EQ(fifo->path(), "(container)/fifo");
  EXPECT_FALSE(tree_.resolve("fifo"));
  EXPECT_TRUE(uart->attach(*machine_, "uart9"));
  EXPECT_EQ(fifo->path(), "/machine/uart9/fifo");
}

TEST_F(TreeTest, ASubtreeIsBuiltUnseenAndAppearsAtOnce) {
  Object device{kThing, tree_};
  Node part{tree_, "part"};
  ASSERT_TRUE(part.attach(device.node(), "regs"));
  EXPECT_EQ(part.path(), "(thing)/regs");
  EXPECT_FALSE(tree_.resolve("regs"));
  ASSERT_TRUE(device.node().attach(*soc_, "dev"));
  EXPECT_EQ(tree_.resolve("regs")->path, "/machine/soc/dev/regs");
  EXPECT_EQ(tree_.resolve("regs")->type, "part");
  device.node().detach();
  device.node().detach();
  EXPECT_FALSE(tree_.resolve("dev"));
  EXPECT_EQ(part.path(), "(thing)/regs");
}

TEST_F(TreeTest, GivesHandlesToObjectsThatExpire) {
  std::optional<Object> device{std::in_place, kThing, tree_};
  ASSERT_TRUE(device->node().attach(*soc_, "dev"));
  const auto entry = *tree_.resolve("dev");
  EXPECT_EQ(entry.object.get(), &*device);
  EXPECT_EQ(entry.type, "thing");
  EXPECT_TRUE(tree_.resolve("soc")->object.expired());
  device.reset();
  EXPECT_EQ(entry.object.get(), nullptr);
  EXPECT_FALSE(tree_.resolve("dev"));
}

TEST_F(TreeTest, ThreadsComeAndGoWhileOthersLook) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t)
    threads.emplace_back([this] {
      for (int i = 0; i < 300; ++i) {
        Object device{kThing, tree_};
        Node part{tree_, "part"};
        EXPECT_TRUE(part.attach(device.node(), "regs"));
        EXPECT_TRUE(device.node().attach(*soc_, "dev[*]"));
        EXPECT_EQ(part.path(), device.path() + "/regs");
      }
    });
  std::size_t seen = 0;
  for (int i = 0; i < 300; ++i) {
    for (const auto& entry : tree_.children("/machine/soc").value_or(std::vector<Tree::Entry>{}))
      seen += entry.name.starts_with("dev[") ? 1U : 0U;
    if (const auto one = tree_.resolve("/machine/soc/dev[0]")) {
      EXPECT_EQ(one->type, "thing");
    }
  }
  for (auto& thread : threads) thread.join();
  EXPECT_LE(seen, 600U);
  EXPECT_EQ(tree_.walk()->size(), 3U);
}

void destroy_the_tree_before_its_node() {
  auto tree = std::make_unique<Tree>();
  Node node{*tree, "container"};
  tree.reset();
}

TEST(TreeDeathTest, NodesMustNotOutliveTheirTree) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(destroy_the_tree_before_its_node(), "1 nodes outlive it");
}

}  // namespace
}  // namespace holdfast::object
