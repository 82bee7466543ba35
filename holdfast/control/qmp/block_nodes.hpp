// SPDX-License-Identifier: Apache-2.0
// Nodes of block back-ends that a monitor makes: a file, nothing ("null-co"), and layers above those.
// Devices take what the command line gave them; a node is there to be checked, locked and listed.
//
// A node keeps what is below it. THREADS: the control thread's.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/descriptor.hpp"
#include "holdfast/base/event_loop.hpp"
#include "holdfast/base/result.hpp"
#include "holdfast/block/backend.hpp"

namespace holdfast::control::qmp {

class BlockNodes {
 public:
  using Json = nlohmann::json;
  /// Called on the control thread, perhaps at once.
  using Done = std::function<void(const Result<void>&)>;

  /// Makes one, or says why not. A configuration that comes by a FIFO is waited for.
  void add(EventLoop& loop, const Json& options, Done done);
  /// Error if there is none of that name, or if another is above it.
  Result<void> remove(const std::string& name);
  /// All that have a name, as clients list them.
  Json list() const;

 private:
  struct Node {
    std::string name;
    std::string driver;
    std::string filename;
    std::uint64_t size = 0;
    bool read_only = false;
    Ref<block::Backend> file{};     // of "file"
    std::shared_ptr<Node> below{};  // of a layer
    unsigned layers = 0;            // below
  };
  /// A configuration on its way.
  struct Reading {
    Descriptor file;
    EventLoop::Watch watch{};
    std::string text{};
    std::function<void(const Result<void>&)> done{};
  };

  using Made = std::vector<std::shared_ptr<Node>>;  // with a name, and not to be found yet
  Result<std::shared_ptr<Node>> make(const Json& options, Made& made);
  Result<std::shared_ptr<Node>> make_file(const Json& options, std::string name);
  Result<std::shared_ptr<Node>> make_layer(const Json& options, std::string name, const char* below,
                                           Made& made);
  void read_rules(EventLoop& loop, const std::string& path, Done done);
  void read_more(Reading& reading);

  std::map<std::string, std::shared_ptr<Node>> nodes_;
  std::vector<std::unique_ptr<Reading>> readings_;
};

}  // namespace holdfast::control::qmp
