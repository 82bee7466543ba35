// SPDX-License-Identifier: Apache-2.0
// The block back-ends of a machine by name: nodes (-blockdev, blockdev-add) and drives (-drive), which a
// device, or a node above, takes by name.
//
// A node keeps what is below it. Removing one forgets its name; whoever has it keeps it. THREADS: the
// control thread's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/block/backend.hpp"
#include "holdfast/block/host_file.hpp"
#include "holdfast/block/settings.hpp"

namespace holdfast::block {

class Nodes {
 public:
  /// Makes a node, and those that are described inside it; all or none. Errors say which key is wrong.
  Result<void> add(Settings settings);
  /// Makes a drive, as -drive says it: file, format, cache, …; `what` it is called in messages. An
  /// anonymous one ("") is the caller's alone.
  Result<Ref<Backend>> add_drive(const std::string& id, const std::string& what, Settings settings);
  /// Error if there is none of that name, or if it is in use.
  Result<void> remove(std::string_view name);
  Result<void> remove_drive(std::string_view id);
  Result<void> resize(std::string_view name, std::uint64_t size);

  /// Null if there is none of that name.
  Ref<Backend> find(std::string_view name) const;
  /// The same, with an error that says which there are.
  Result<Ref<Backend>> get(std::string_view name) const;

  struct Info {
    std::string name;      // node-name, or the drive's id
    bool is_drive = false;
    std::string driver;    // "file", "raw", …
    std::string filename;  // as clients show it
    Cache cache = Cache::kWriteBack;
    Ref<Backend> backend{};
  };
  /// By name.
  std::vector<Info> list() const;

 private:
  struct Node {
    Info info;
    std::shared_ptr<const Node> below{};
    unsigned layers = 0;  // below
  };
  using Made = std::vector<std::shared_ptr<const Node>>;  // with a name, and not to be found yet
  /// What a node has that is not said of it: what the one above has.
  struct Inherited {
    bool read_only = false;
    bool direct = false;
    bool no_flush = false;
    bool unmap = false;
  };

  Result<std::shared_ptr<const Node>> make(Settings& settings, const Inherited& inherited, Made& made);
  Result<Ref<Backend>> make_backend(Node& node, Settings& settings, const std::string& what,
                                    const Inherited& own, Made& made);
  Result<Ref<Backend>> make_layer(Node& node, Settings& settings, const std::string& what,
                                  const Inherited& own, Made& made);
  const Node* named(std::string_view name) const;

  std::vector<std::shared_ptr<const Node>> nodes_;
};

}  // namespace holdfast::block
