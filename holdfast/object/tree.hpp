// SPDX-License-Identifier: Apache-2.0
// The composition tree: the names under which the things of a machine are found.
//
// The tree owns nothing. A Node is a member of what it names; parent and child know of each other,
// and whichever goes first severs the link from both ends: a child that dies leaves its parent, a
// parent that dies leaves its children standing without a parent, with their subtrees whole.
//
// LOCK: one leaf mutex a tree guards all links and names of its nodes. Nothing is called with it
// held. So queries return copies, and the objects in them are handles (see handle.hpp for where
// those may be looked into).
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/mutex.hpp"
#include "holdfast/base/result.hpp"
#include "holdfast/object/handle.hpp"

namespace holdfast::object {

class Object;
class Tree;

/// A place in a tree, attached or not. A member of what it names.
class Node {
 public:
  /// `type` is a literal, shown in listings. `object` is what lookups give, if there is one.
  Node(Tree& tree, std::string_view type, Object* object = nullptr);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  /// Becomes a child of `parent`, which must be of the same tree and may itself be unattached.
  /// A name that ends in `[*]` gets the lowest free number: "uart[*]" becomes "uart[0]". Errors: the
  /// name is empty, contains a slash or is taken; this has a parent already; `parent` is in this.
  Result<void> attach(Node& parent, std::string_view name);
  /// Leaves the parent, if there is one. The subtree stays together.
  void detach() noexcept;

  /// "" for the root and for what has no parent.
  std::string name() const;
  /// "/machine/soc/uart0"; what does not hang on the root gets "(type)" for the part that is missing.
  std::string path() const;
  bool attached() const;
  std::string_view type() const { return type_; }
  Tree& tree() const { return tree_; }

 private:
  friend class Tree;
  struct Children;

  Tree& tree_;  // outlives its nodes: the machine owns it before all else
  const std::string_view type_;
  Object* const object_;  // contains this
  // LOCK: tree_.mutex_ for all below.
  Node* parent_ = nullptr;
  std::string name_;
  std::unique_ptr<Children> children_;  // made with the first child
};

/// All the nodes of one machine, and the root.
class Tree {
 public:
  struct Entry {
    std::string path;
    std::string name;
    std::string_view type;
    std::size_t depth;      // below where the listing began
    Handle<Object> object;  // empty if the node names something that is no object

    friend bool operator==(const Entry&, const Entry&) = default;
  };

  Tree();
  /// All nodes but the root are gone by now.
  ~Tree();
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;

  Node& root() { return *root_; }

  /// The node at an absolute path ("/machine/soc/uart0"; "/" is the root), or the only one whose
  /// path ends in the components of a partial one ("uart0", "soc/uart0"). Errors: not found, saying
  /// where the path breaks off; ambiguous, naming candidates.
  Result<Entry> resolve(std::string_view path) const;
  /// Whether there is such a path from the root; without the search for what may have been meant.
  bool has(std::string_view absolute_path) const;

  /// The node at `path`, then everything below it, parents before children, siblings in name order.
  Result<std::vector<Entry>> walk(std::string_view path = "/") const;
  Result<std::vector<Entry>> children(std::string_view path) const;

 private:
  friend class Node;

  Result<void> attach(Node& child, Node& parent, std::string_view name) HF_EXCLUDES(mutex_);
  void detach(Node& child) HF_EXCLUDES(mutex_);
  void enter(Node& node) HF_EXCLUDES(mutex_);
  void leave(Node& node) HF_EXCLUDES(mutex_);

  void detach_locked(Node& child) HF_REQUIRES(mutex_);
  std::string path_of(const Node& node) const HF_REQUIRES(mutex_);
  Entry entry_of(const Node& node, std::string path, std::size_t depth) const HF_REQUIRES(mutex_);
  Result<const Node*> find(std::string_view path) const HF_REQUIRES(mutex_);
  Result<const Node*> find_absolute(std::string_view path) const HF_REQUIRES(mutex_);
  Result<const Node*> find_partial(std::string_view path) const HF_REQUIRES(mutex_);
  void list(const Node& node, std::string path, std::size_t depth, std::size_t deepest,
            std::vector<Entry>& out) const HF_REQUIRES(mutex_);

  mutable Mutex mutex_{LockRank::kLeaf, "composition tree"};
  std::size_t nodes_ HF_GUARDED_BY(mutex_) = 0;
  std::unique_ptr<Node> root_;
};

}  // namespace holdfast::object
