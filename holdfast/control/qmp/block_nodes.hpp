// SPDX-License-Identifier: Apache-2.0
// Block back-ends as programs ask for them: JSON becomes the keys and values that a command line has, and
// a configuration of "blkdebug" is read first, be it from a FIFO that nobody writes to yet.
//
// THREADS: the control thread's.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "holdfast/base/descriptor.hpp"
#include "holdfast/base/event_loop.hpp"
#include "holdfast/base/result.hpp"
#include "holdfast/machine/machine.hpp"

namespace holdfast::control::qmp {

/// {"a": {"b": true}} as a.b=on; an error for nothing ("null").
Result<block::Settings> settings_of(const nlohmann::json& object);

class BlockNodes {
 public:
  BlockNodes() = default;
  ~BlockNodes();  // waits for servers that are being connected to
  BlockNodes(const BlockNodes&) = delete;
  BlockNodes& operator=(const BlockNodes&) = delete;

  using Json = nlohmann::json;
  /// Called on the control thread, perhaps at once.
  using Done = std::function<void(const Result<void>&)>;

  /// Makes a node, or says why not. A configuration that comes by a FIFO is waited for, and so is a
  /// server, by a thread of its own.
  void add(machine::Machine& machine, const Json& options, Done done);

 private:
  /// A configuration on its way.
  struct Reading {
    Descriptor file;
    EventLoop::Watch watch{};
    std::string text{};
    std::function<void(const Result<void>&)> done{};
  };

  /// A node that a thread makes.
  struct Making {
    explicit Making(block::Nodes::Draft there) : draft{std::move(there)} {}
    block::Nodes::Draft draft;
    Result<void> made{};
    std::thread thread{};
  };

  void make_elsewhere(machine::Machine& machine, block::Settings settings, Done done);
  void read_rules(EventLoop& loop, const std::string& path, Done done);
  void read_more(Reading& reading);

  std::vector<std::unique_ptr<Reading>> readings_;
  std::list<Making> makings_;
  const std::shared_ptr<int> alive_ = std::make_shared<int>();  // whoever posts looks whether it is
};

}  // namespace holdfast::control::qmp
