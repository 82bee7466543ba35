// SPDX-License-Identifier: Apache-2.0
#include "holdfast/object/tree.hpp"

#include <fmt/core.h>

#include <charconv>
#include <cstdint>
#include <map>
#include <optional>
#include <ranges>

#include "holdfast/base/check.hpp"
#include "holdfast/object/numbering.hpp"
#include "holdfast/object/object.hpp"
#include "holdfast/object/text.hpp"

namespace holdfast::object {

struct Node::Children {
  std::map<std::string, Node*, std::less<>> by_name;
  std::map<std::string, Numbering, std::less<>> numbers;  // by stem: "uart" for "uart[3]"
};

namespace {

struct Numbered {
  std::string_view stem;
  std::uint32_t number;
};

/// "uart[3]" as stem and number; nothing if the name is no canonical array element.
std::optional<Numbered> numbered(std::string_view name) {
  const auto open = name.rfind('[');
  if (open == name.npos || !name.ends_with(']')) return std::nullopt;
  const auto digits = name.substr(open + 1, name.size() - open - 2);
  if (digits.empty() || (digits.size() > 1 && digits.front() == '0')) return std::nullopt;
  std::uint32_t number = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, number);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return Numbered{name.substr(0, open), number};
}

std::vector<std::string_view> components(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const auto slash = path.find('/');
    if (slash != 0) parts.push_back(path.substr(0, slash));
    path.remove_prefix(slash == path.npos ? path.size() : slash + 1);
  }
  return parts;
}

std::string join(std::string_view path, std::string_view name) {
  return path == "/" ? fmt::format("/{}", name) : fmt::format("{}/{}", path, name);
}

std::string hint(std::string_view text, std::span<const std::string_view> candidates) {
  const auto near = nearest(text, candidates);
  return near.empty() ? std::string{} : fmt::format("; did you mean '{}'?", near);
}

}  // namespace

Node::Node(Tree& tree, std::string_view type, Object* object)
    : tree_{tree}, type_{type}, object_{object} {
  tree_.enter(*this);
}

Node::~Node() { tree_.leave(*this); }

Result<void> Node::attach(Node& parent, std::string_view name) {
  return tree_.attach(*this, parent, name);
}

void Node::detach() noexcept { tree_.detach(*this); }

std::string Node::name() const {
  LockGuard lock{tree_.mutex_};
  return name_;
}

std::string Node::path() const {
  LockGuard lock{tree_.mutex_};
  return tree_.path_of(*this);
}

bool Node::attached() const {
  LockGuard lock{tree_.mutex_};
  return parent_ != nullptr;
}

Tree::Tree() : root_{std::make_unique<Node>(*this, "container")} {}

Tree::~Tree() {
  root_.reset();
  LockGuard lock{mutex_};
  HF_CHECK(nodes_ == 0, "composition tree: {} nodes outlive it", nodes_);
}

void Tree::enter(Node&) {
  LockGuard lock{mutex_};
  ++nodes_;
}

void Tree::leave(Node& node) {
  LockGuard lock{mutex_};
  detach_locked(node);
  --nodes_;
  if (node.children_ == nullptr) return;
  for (Node* child : std::views::values(node.children_->by_name)) {
    child->parent_ = nullptr;
    child->name_.clear();
  }
}

Result<void> Tree::attach(Node& child, Node& parent, std::string_view name) {
  HF_CHECK(&child.tree_ == this && &parent.tree_ == this, "node '{}': parent is of another tree",
           name);
  LockGuard lock{mutex_};
  if (child.parent_ != nullptr || &child == root_.get())
    return fail("'{}' is already in the tree", path_of(child));
  if (name.empty() || name.find('/') != name.npos)
    return fail("'{}' is no name for a child of '{}': a name is not empty and has no '/'", name,
                path_of(parent));
  for (const Node* above = &parent; above != nullptr; above = above->parent_)
    if (above == &child)
      return fail("'{}' cannot be put below itself, at '{}'", path_of(child), path_of(parent));

  if (parent.children_ == nullptr) parent.children_ = std::make_unique<Node::Children>();
  auto& siblings = *parent.children_;
  std::string full{name};
  if (name.ends_with("[*]")) {
    const auto stem = name.substr(0, name.size() - 3);
    const auto numbers = siblings.numbers.find(stem);
    full = fmt::format("{}[{}]", stem,
                       numbers == siblings.numbers.end() ? 0 : numbers->second.lowest_free());
  }
  if (!siblings.by_name.try_emplace(full, &child).second)
    return fail("'{}' has a child '{}' already", path_of(parent), full);
  if (const auto element = numbered(full))
    siblings.numbers[std::string{element->stem}].add(element->number);
  child.parent_ = &parent;
  child.name_ = std::move(full);
  return {};
}

void Tree::detach(Node& child) {
  LockGuard lock{mutex_};
  detach_locked(child);
}

void Tree::detach_locked(Node& child) {
  if (child.parent_ == nullptr) return;
  auto& siblings = *child.parent_->children_;
  siblings.by_name.erase(child.name_);
  if (const auto element = numbered(child.name_)) {
    const auto numbers = siblings.numbers.find(element->stem);
    numbers->second.remove(element->number);
    if (numbers->second.empty()) siblings.numbers.erase(numbers);
  }
  child.parent_ = nullptr;
  child.name_.clear();
}

std::string Tree::path_of(const Node& node) const {
  std::vector<const Node*> chain;
  const Node* top = &node;
  for (; top->parent_ != nullptr; top = top->parent_) chain.push_back(top);
  std::string path = top == root_.get() ? "" : fmt::format("({})", top->type_);
  for (const Node* step : chain | std::views::reverse) path += "/" + step->name_;
  return path.empty() ? "/" : path;
}

Tree::Entry Tree::entry_of(const Node& node, std::string path, std::size_t depth) const {
  return {.path = std::move(path),
          .name = node.name_,
          .type = node.type_,
          .depth = depth,
          .object = node.object_ == nullptr ? Handle<Object>{} : Handle<Object>{*node.object_}};
}

Result<const Node*> Tree::find_absolute(std::string_view path) const {
  const Node* at = root_.get();
  for (const auto name : components(path)) {
    std::vector<std::string_view> names;
    if (at->children_ != nullptr) {
      const auto& children = at->children_->by_name;
      if (const auto found = children.find(name); found != children.end()) {
        at = found->second;
        continue;
      }
      for (const auto& known : std::views::keys(children)) names.push_back(known);
    }
    return fail("'{}' not found: '{}' has no child '{}'{}", path, path_of(*at), name,
                hint(name, names));
  }
  return at;
}

Result<const Node*> Tree::find_partial(std::string_view path) const {
  const auto parts = components(path);
  if (parts.empty()) return fail("'{}' is no path: give '/machine/…' or the end of a path", path);
  std::vector<const Node*> found;
  std::vector<const Node*> open{root_.get()};
  while (!open.empty()) {
    const Node* node = open.back();
    open.pop_back();
    const Node* at = node;
    bool matches = true;
    for (const auto part : parts | std::views::reverse) {
      matches = matches && at->parent_ != nullptr && at->name_ == part;
      if (!matches) break;
      at = at->parent_;
    }
    if (matches) found.push_back(node);
    if (node->children_ == nullptr) continue;
    for (const Node* child : std::views::values(node->children_->by_name)) open.push_back(child);
  }
  if (found.empty()) return fail("'{}' not found: no path in the tree ends so", path);
  if (found.size() > 1)
    return fail("'{}' is ambiguous: {} and {} ({} in all); give more of the path", path,
                path_of(*found[0]), path_of(*found[1]), found.size());
  return found.front();
}

Result<const Node*> Tree::find(std::string_view path) const {
  return path.starts_with('/') ? find_absolute(path) : find_partial(path);
}

Result<Tree::Entry> Tree::resolve(std::string_view path) const {
  LockGuard lock{mutex_};
  const Node* node = TRY(find(path));
  return entry_of(*node, path_of(*node), 0);
}

bool Tree::has(std::string_view absolute_path) const {
  LockGuard lock{mutex_};
  const Node* at = root_.get();
  for (const auto name : components(absolute_path)) {
    if (at->children_ == nullptr) return false;
    const auto found = at->children_->by_name.find(name);
    if (found == at->children_->by_name.end()) return false;
    at = found->second;
  }
  return true;
}

void Tree::list(const Node& node, std::string path, std::size_t depth, std::size_t deepest,
                std::vector<Entry>& out) const {
  out.push_back(entry_of(node, path, depth));
  if (depth == deepest || node.children_ == nullptr) return;
  for (const auto& [name, child] : node.children_->by_name)
    list(*child, join(path, name), depth + 1, deepest, out);
}

Result<std::vector<Tree::Entry>> Tree::walk(std::string_view path) const {
  LockGuard lock{mutex_};
  const Node* node = TRY(find(path));
  std::vector<Entry> entries;
  list(*node, path_of(*node), 0, SIZE_MAX, entries);
  return entries;
}

Result<std::vector<Tree::Entry>> Tree::children(std::string_view path) const {
  LockGuard lock{mutex_};
  const Node* node = TRY(find(path));
  std::vector<Entry> entries;
  list(*node, path_of(*node), 0, 1, entries);
  entries.erase(entries.begin());
  return entries;
}

}  // namespace holdfast::object
