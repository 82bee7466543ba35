// SPDX-License-Identifier: Apache-2.0
// The block back-ends of a machine by name: nodes (-blockdev, blockdev-add) and drives (-drive), which a
// device, or a node above, takes by name.
//
// A node keeps what is below it. Removing one forgets its name; whoever has it keeps it. THREADS: the
// control thread's, but for drafts.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "holdfast/base/find_descriptor.hpp"
#include "holdfast/block/backend.hpp"
#include "holdfast/block/host_file.hpp"
#include "holdfast/block/settings.hpp"

namespace holdfast::block {

class Nodes {
 public:
  struct Info {
    std::string name;      // node-name, or the drive's id
    bool is_drive = false;
    std::string driver;    // "file", "raw", …
    std::string filename;  // as clients show it
    Cache cache = Cache::kWriteBack;
    Ref<Backend> backend{};  // null: a drive without a medium
  };

 private:
  struct Node {
    Info info;
    std::shared_ptr<const Node> below{};
    unsigned layers = 0;  // below
  };
  using List = std::vector<std::shared_ptr<const Node>>;

 public:
  /// What stands for the files that nodes made from now on name, but for those of drafts.
  void find_descriptors_by(FindDescriptor find) { find_descriptor_ = std::move(find); }

  /// Nodes that are being made, with those that there are in view: on any thread, for opening a file and
  /// finding a server take as long as they take.
  class Draft;
  Draft draft() const;
  /// Error if a name was taken meanwhile.
  Result<void> add(Draft draft);

  /// Makes a node, and those that are described inside it; all or none. Errors say which key is wrong.
  Result<void> add(Settings settings);
  /// Makes a drive, as -drive says it: file, format, cache, …; `what` it is called in messages. An
  /// anonymous one ("") is the caller's alone. Null if it has a name and no medium.
  Result<Ref<Backend>> add_drive(const std::string& id, const std::string& what, Settings settings);
  /// Error if there is none of that name, or if it is in use.
  Result<void> remove(std::string_view name);
  Result<void> resize(std::string_view name, std::uint64_t size);

  /// Null if there is none of that name, or if it has no medium.
  Ref<Backend> find(std::string_view name) const;
  /// The same, with an error that says which there are.
  Result<Ref<Backend>> get(std::string_view name) const;

  /// By name.
  std::vector<Info> list() const;

 private:
  static const Node* find_in(const List& list, std::string_view name);
  Draft draft_here() const;

  List nodes_;
  FindDescriptor find_descriptor_;
};

class Nodes::Draft {
 public:
  Result<void> make(Settings settings);
  Result<Ref<Backend>> make_drive(const std::string& id, const std::string& what, Settings settings);

 private:
  friend class Nodes;
  explicit Draft(List there) : there_{std::move(there)} {}

  /// What a node has that is not said of it: what the one above has.
  struct Inherited {
    bool read_only = false;
    bool direct = false;
    bool no_flush = false;
    bool unmap = false;
  };
  Result<std::shared_ptr<const Node>> make(Settings& settings, const Inherited& inherited);
  Result<Ref<Backend>> make_backend(Node& node, Settings& settings, const std::string& what,
                                    const Inherited& own);
  Result<Ref<Backend>> make_layer(Node& node, Settings& settings, const std::string& what,
                                  const Inherited& own);
  std::shared_ptr<const Node> find(std::string_view name) const;

  List there_;
  List made_;  // with a name
  FindDescriptor find_descriptor_{};
};

}  // namespace holdfast::block
