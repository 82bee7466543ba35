// SPDX-License-Identifier: Apache-2.0
#include "holdfast/control/qmp/block_nodes.hpp"

#include <fcntl.h>
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "holdfast/block/file.hpp"

namespace holdfast::control::qmp {
namespace {

using Json = BlockNodes::Json;

constexpr std::uint64_t kNullSize = std::uint64_t{1} << 30;  // of a node that is nothing
constexpr unsigned kMostLayers = 64;
constexpr std::size_t kMostRules = std::size_t{1} << 20;     // bytes of a configuration

/// What any driver takes, and what one takes besides.
Result<void> check_keys(const Json& options, std::string_view driver) {
  constexpr std::array<std::string_view, 9> kCommon{"driver",    "node-name", "read-only",
                                                    "auto-read-only", "cache",   "discard",
                                                    "detect-zeroes",  "force-share", "locking"};
  constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kOwn{
      {{"file", "filename"}, {"file", "aio"}, {"null-co", "size"}, {"null-co", "latency-ns"},
       {"null-co", "read-zeroes"}, {"raw", "file"}, {"raw", "size"}, {"blkdebug", "image"},
       {"blkdebug", "config"}}};
  for (const auto& [key, value] : options.items()) {
    const bool own = std::ranges::find(kOwn, std::pair{driver, std::string_view{key}}) != kOwn.end();
    if (!own && std::ranges::find(kCommon, key) == kCommon.end())
      return fail("driver '{}' does not take '{}'", driver, key);
  }
  return {};
}

Result<std::string> text_of(const Json& options, const char* key, std::string_view shape) {
  const auto found = options.find(key);
  if (found == options.end() || !found->is_string() || found->get<std::string>().empty())
    return fail("'{}' takes {}", key, shape);
  return found->get<std::string>();
}

Result<bool> flag_of(const Json& options, const char* key) {
  const auto found = options.find(key);
  if (found == options.end()) return false;
  if (!found->is_boolean()) return fail("'{}' takes true or false", key);
  return found->get<bool>();
}

Result<std::uint64_t> size_of(const Json& options) {
  const auto found = options.find("size");
  if (found == options.end()) return kNullSize;
  if (!found->is_number_unsigned()) return fail("'size' takes a number of bytes");
  return found->get<std::uint64_t>();
}

bool is_name(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return !name.empty() && letter(name.front()) && name.size() < 32 &&
         std::ranges::all_of(name, [&](char c) {
           return letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
         });
}

/// A rule would be about what a device does with the node, which none does.
Result<void> check_rules(std::string_view text) {
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    line.remove_prefix(std::min(line.find_first_not_of(" \t\r"), line.size()));
    if (!line.empty() && line.front() != '#')
      return fail("config: nothing here reads or writes by a node, so there may be no rules");
  }
  return {};
}

}  // namespace

void BlockNodes::add(EventLoop& loop, const Json& options, Done done) {
  const auto name = options.find("node-name");
  if (name == options.end()) return done(fail("'node-name' is missing"));
  const auto config = options.find("config");
  if (config == options.end() || options.at("driver") != "blkdebug") {
    Made made;
    if (const auto top = make(options, made); !top) return done(std::unexpected{top.error()});
    for (auto& node : made) nodes_[node->name] = std::move(node);
    return done({});
  }
  if (!config->is_string()) return done(fail("'config' takes the path of a file"));
  read_rules(loop, config->get<std::string>(),
             [this, &loop, rest = options, done = std::move(done)](const Result<void>& read) mutable {
               if (!read) return done(read);
               rest.erase("config");
               add(loop, rest, std::move(done));
             });
}

Result<std::shared_ptr<BlockNodes::Node>> BlockNodes::make(const Json& options, Made& made) {
  if (!options.is_object()) return fail("a node is an object, or the name of one");
  const std::string driver = TRY(text_of(options, "driver", "the name of a driver"));
  std::string name;
  if (options.contains("node-name")) {
    name = TRY(text_of(options, "node-name", "a name"));
    if (!is_name(name)) return fail("node-name '{}': letters, digits, - . and _ make one, a letter first", name);
    if (nodes_.contains(name)) return fail("node '{}' is there already", name);
  }
  TRY(check_keys(options, driver));
  std::shared_ptr<Node> node;
  if (driver == "null-co") {
    const std::uint64_t size = TRY(size_of(options));
    node = std::make_shared<Node>(Node{.name = name, .driver = driver, .filename = "null-co://", .size = size});
  } else if (driver == "file") {
    node = TRY(make_file(options, name));
  } else if (driver == "raw") {
    node = TRY(make_layer(options, name, "file", made));
  } else if (driver == "blkdebug") {
    node = TRY(make_layer(options, name, "image", made));
  } else {
    return fail("driver '{}': there are file, null-co, raw and blkdebug", driver);
  }
  node->read_only = TRY(flag_of(options, "read-only")) || node->read_only;
  if (name.empty()) return node;
  if (std::ranges::find(made, name, &Node::name) != made.end())
    return fail("two nodes are called '{}'", name);
  made.push_back(node);
  return node;
}

Result<std::shared_ptr<BlockNodes::Node>> BlockNodes::make_file(const Json& options, std::string name) {
  const std::string path = TRY(text_of(options, "filename", "the path of a file"));
  const bool read_only = TRY(flag_of(options, "read-only"));
  auto file = TRY(block::File::open(
      {.name = fmt::format("node '{}'", name),
       .path = path,
       .access = read_only ? block::Access::kReadOnly : block::Access::kReadWrite}));
  const std::uint64_t size = file->size();
  return std::make_shared<Node>(Node{.name = std::move(name),
                                     .driver = "file",
                                     .filename = path,
                                     .size = size,
                                     .read_only = read_only,
                                     .file = std::move(file)});
}

Result<std::shared_ptr<BlockNodes::Node>> BlockNodes::make_layer(const Json& options, std::string name,
                                                                 const char* below, Made& made) {
  const auto found = options.find(below);
  if (found == options.end()) return fail("'{}' is missing", below);
  std::shared_ptr<Node> under;
  if (found->is_string()) {
    const auto named = nodes_.find(found->get<std::string>());
    if (named == nodes_.end()) return fail("there is no node '{}'", found->get<std::string>());
    under = named->second;
  } else {
    under = TRY(make(*found, made));
  }
  if (under->layers >= kMostLayers) return fail("there are {} layers below already", kMostLayers);
  const unsigned layers = under->layers + 1;
  return std::make_shared<Node>(Node{.name = std::move(name),
                                     .driver = options.at("driver").get<std::string>(),
                                     .filename = under->filename,
                                     .size = under->size,
                                     .read_only = under->read_only,
                                     .below = std::move(under),
                                     .layers = layers});
}

Result<void> BlockNodes::remove(const std::string& name) {
  const auto found = nodes_.find(name);
  if (found == nodes_.end()) return fail("there is no node '{}'", name);
  for (const auto& [other, node] : nodes_)
    if (node->below == found->second) return fail("node '{}' is in use by node '{}'", name, other);
  nodes_.erase(found);
  return {};
}

BlockNodes::Json BlockNodes::list() const {
  Json all = Json::array();
  for (const auto& [name, node] : nodes_) {
    Json info{{"file", node->filename},
              {"node-name", name},
              {"ro", node->read_only},
              {"drv", node->driver},
              {"backing_file_depth", 0},
              {"encrypted", false},
              {"detect_zeroes", "off"},
              {"write_threshold", 0},
              {"image", {{"filename", node->filename}, {"format", node->driver}, {"virtual-size", node->size}}},
              {"cache", {{"writeback", true}, {"direct", false}, {"no-flush", false}}}};
    for (const char* limit : {"bps", "bps_rd", "bps_wr", "iops", "iops_rd", "iops_wr"}) info[limit] = 0;
    all.push_back(std::move(info));
  }
  return all;
}

// --- a configuration -------------------------------------------------------------------------------

// Not waited for: whoever writes to a FIFO comes when he comes.
void BlockNodes::read_rules(EventLoop& loop, const std::string& path, Done done) {
  auto reading = std::make_unique<Reading>();
  reading->file = Descriptor{::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)};
  if (!reading->file) return done(fail("config '{}': {}", path, std::strerror(errno)));
  reading->done = std::move(done);
  auto watch = loop.watch(reading->file.get(), EventLoop::kReadable,
                          [this, it = reading.get()](unsigned) { read_more(*it); });
  if (!watch) return reading->done(std::unexpected{watch.error()});
  reading->watch = std::move(*watch);
  readings_.push_back(std::move(reading));
}

void BlockNodes::read_more(Reading& reading) {
  std::array<char, 4096> chunk;
  const auto count = ::read(reading.file.get(), chunk.data(), chunk.size());
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  Result<void> result;
  if (count < 0) {
    result = fail("config: {}", std::strerror(errno));
  } else if (count == 0) {
    result = check_rules(reading.text);
  } else {
    reading.text.append(chunk.data(), static_cast<std::size_t>(count));
    if (reading.text.size() <= kMostRules) return;
    result = fail("config: there are more than {} bytes", kMostRules);
  }
  const auto done = std::move(reading.done);
  std::erase_if(readings_, [&](const auto& it) { return it.get() == &reading; });
  done(result);
}

}  // namespace holdfast::control::qmp
