// SPDX-License-Identifier: Apache-2.0
// The composition tree against a model that knows nothing but a parent and a name for each node.
#include "holdfast/object/tree.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::object {
namespace {

constexpr std::size_t kNodes = 12;
constexpr std::size_t kRoot = kNodes;  // as a parent

class Model {
 public:
  bool attach(std::size_t node, std::size_t parent, const std::string& name) {
    const std::string full = number(parent, name);
    if (places_.contains(node) || below(parent, node) || taken(parent, full)) return false;
    places_.emplace(node, Place{parent, full});
    return true;
  }
  void detach(std::size_t node) { places_.erase(node); }
  void destroy(std::size_t node) {
    detach(node);
    std::erase_if(places_, [&](const auto& entry) { return entry.second.parent == node; });
  }
  std::optional<std::string> path(std::size_t node) const {
    std::string path;
    while (node != kRoot) {
      const auto place = places_.find(node);
      if (place == places_.end()) return std::nullopt;
      path = "/" + place->second.name + path;
      node = place->second.parent;
    }
    return path.empty() ? "/" : path;
  }
  std::vector<std::string> paths() const {
    std::vector<std::string> all{"/"};
    for (std::size_t n = 0; n < kNodes; ++n)
      if (const auto p = path(n)) all.push_back(*p);
    return all;
  }

 private:
  struct Place {
    std::size_t parent;
    std::string name;
  };

  bool below(std::size_t node, std::size_t top) const {
    while (node != top) {
      const auto place = places_.find(node);
      if (place == places_.end()) return false;
      node = place->second.parent;
    }
    return true;
  }
  bool taken(std::size_t parent, const std::string& name) const {
    return std::ranges::any_of(places_, [&](const auto& entry) {
      return entry.second.parent == parent && entry.second.name == name;
    });
  }
  std::string number(std::size_t parent, std::string name) const {
    if (!name.ends_with("[*]")) return name;
    name.resize(name.size() - 3);
    for (int n = 0;; ++n) {
      const std::string full = name + "[" + std::to_string(n) + "]";
      if (!taken(parent, full)) return full;
    }
  }

  std::map<std::size_t, Place> places_;  // attached nodes only
};

std::vector<std::string> components(const std::string& path) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; path.size() > 1 && at < path.size();) {
    const auto end = std::min(path.find('/', at + 1), path.size());
    parts.push_back(path.substr(at + 1, end - at - 1));
    at = end;
  }
  return parts;
}

class World {
 public:
  World() {
    for (auto& node : nodes_) node = std::make_unique<Node>(tree_, "thing");
  }

  void attach(std::size_t node, std::size_t parent, const std::string& name) {
    const bool expected = model_.attach(node, parent, name);
    Node& above = parent == kRoot ? tree_.root() : *nodes_[parent];
    RC_ASSERT(nodes_[node]->attach(above, name).has_value() == expected);
  }
  void detach(std::size_t node) {
    model_.detach(node);
    nodes_[node]->detach();
  }
  void rebuild(std::size_t node) {
    model_.destroy(node);
    nodes_[node] = std::make_unique<Node>(tree_, "thing");
  }

  void check_walk() const {
    auto expected = model_.paths();
    // Parents first and siblings in name order is the order of the lists of components.
    std::ranges::sort(expected, {}, components);
    std::vector<std::string> seen;
    const auto entries = tree_.walk();
    for (const auto& entry : *entries) seen.push_back(entry.path);
    RC_ASSERT(seen == expected);
  }

  void check_absolute() const {
    for (std::size_t n = 0; n < kNodes; ++n) {
      const auto path = model_.path(n);
      const std::string shown = nodes_[n]->path();
      RC_ASSERT((path ? shown == *path : shown.starts_with("(thing)")));
      if (path) RC_ASSERT(tree_.resolve(*path).value().path == *path);
    }
  }

  void check_partial(const std::string& partial) const {
    std::vector<std::string> matches;
    for (const auto& path : model_.paths())
      if (path.ends_with("/" + partial)) matches.push_back(path);
    const auto found = tree_.resolve(partial);
    RC_ASSERT(found.has_value() == (matches.size() == 1));
    if (found) RC_ASSERT(found->path == matches.front());
  }

  std::size_t attached() const { return model_.paths().size() - 1; }

 private:
  Tree tree_;
  std::array<std::unique_ptr<Node>, kNodes> nodes_;
  Model model_;
};

RC_GTEST_PROP(TreeProperty, AgreesWithTheModelUnderAnyProgram, ()) {
  static const std::vector<std::string> kGiven{"a",      "b",   "pin[*]", "pin[1]",
                                               "pin[7]", "a b", "pin[01]"};
  static const std::vector<std::string> kAsked{"a",      "b",      "pin[0]", "pin[1]",
                                               "pin[2]", "pin[7]", "a b"};
  World world;
  const auto steps = *rc::gen::inRange(1, 100);
  for (int step = 0; step < steps; ++step) {
    const auto node = *rc::gen::inRange<std::size_t>(0, kNodes);
    const auto kind = *rc::gen::inRange(0, 10);
    if (kind < 8)
      world.attach(node, *rc::gen::inRange<std::size_t>(0, kNodes + 1),
                   *rc::gen::elementOf(kGiven));
    else if (kind < 9)
      world.detach(node);
    else
      world.rebuild(node);
  }
  RC_CLASSIFY(world.attached() >= 4, "four or more attached");
  world.check_walk();
  world.check_absolute();
  for (const auto& last : kAsked) {
    world.check_partial(last);
    for (const auto& before : kAsked) world.check_partial(before + "/" + last);
  }
}

}  // namespace
}  // namespace holdfast::object
