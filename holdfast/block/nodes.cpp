// SPDX-License-Identifier: Apache-2.0
#include "holdfast/block/nodes.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "holdfast/block/blkdebug.hpp"
#include "holdfast/block/file.hpp"
#include "holdfast/block/layer.hpp"
#include "holdfast/block/nbd.hpp"
#include "holdfast/block/nbd_settings.hpp"
#include "holdfast/block/null.hpp"

namespace holdfast::block {
namespace {

constexpr unsigned kMostLayers = 64;
constexpr std::array<std::string_view, 4> kDiscards{"ignore", "unmap", "off", "on"};
constexpr std::array<std::string_view, 3> kZeroes{"off", "on", "unmap"};
constexpr std::array<std::string_view, 3> kLockings{"on", "auto", "off"};
constexpr std::array<std::string_view, 3> kAio{"native", "io_uring", "threads"};
constexpr std::array<std::string_view, 5> kCaches{"writeback", "writethrough", "none", "directsync",
                                                  "unsafe"};
constexpr std::array<std::string_view, 2> kMedia{"disk", "cdrom"};
constexpr std::array<std::string_view, 4> kErrorPolicies{"report", "ignore", "stop", "enospc"};

bool is_name(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return !name.empty() && letter(name.front()) && name.size() < 32 &&
         std::ranges::all_of(name, [&](char c) {
           return letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
         });
}

Cache cache_of(bool direct, bool no_flush) {
  if (no_flush) return Cache::kUnsafe;
  return direct ? Cache::kNone : Cache::kWriteBack;
}

Access access_of(bool read_only) { return read_only ? Access::kReadOnly : Access::kReadWrite; }

Result<bool> read_only_of(Settings& settings, bool otherwise) {
  bool read_only = otherwise;
  for (const std::string_view key : {"readonly", "read-only"})
    if (const auto flag = TRY(settings.flag(key))) read_only = *flag;
  return read_only;
}

Result<Ref<Backend>> make_null(Settings& settings, const std::string& what, bool read_only) {
  Null::Options options{.name = what, .access = access_of(read_only)};
  options.size = TRY(settings.size("size")).value_or(options.size);
  constexpr std::uint64_t kHour = 3'600'000'000'000;
  options.latency = std::chrono::nanoseconds{TRY(settings.number("latency-ns", 0, kHour)).value_or(0)};
  options.read_zeroes = TRY(settings.flag("read-zeroes")).value_or(false);
  return Null::make(std::move(options));
}

Result<File::Options> file_options(Settings& settings, const std::string& what) {
  File::Options options{.name = what, .path = TRY(settings.required("filename", "the path of a file"))};
  constexpr std::array kEngines{EngineChoice::kBest, EngineChoice::kUring, EngineChoice::kThreads};
  if (const auto aio = TRY(settings.choice("aio", kAio))) options.engine = kEngines[*aio];
  constexpr std::array kLocks{FileLock::kOn, FileLock::kIfPossible, FileLock::kOff};
  if (const auto lock = TRY(settings.choice("locking", kLockings))) options.lock = kLocks[*lock];
  return options;
}

Result<Ref<Backend>> open_file(File::Options options, bool or_read_only) {
  auto opened = File::open(options);
  if (opened || !or_read_only || options.access == Access::kReadOnly) return opened;
  options.access = Access::kReadOnly;
  auto read_only = File::open(std::move(options));
  return read_only ? std::move(read_only) : std::move(opened);
}

std::unexpected<Error> no_medium(std::string_view drive) {
  return fail("drive '{}' has no medium; it takes one with a file", drive);
}

/// "file=" of a drive names a file, or what else there is, with `layers` above it.
Result<void> take_file_name(Settings& node, const std::string& text, unsigned layers = 0) {
  if (text.starts_with("nbd:") || text.starts_with("nbd+unix:")) return take_nbd_name(node, text);
  for (const std::string_view null : {"null-co://", "null-aio://"})
    if (text == null) {
      node.set("driver", std::string{null.substr(0, null.find(':'))});
      return {};
    }
  if (constexpr std::string_view kBlkdebug = "blkdebug:"; text.starts_with(kBlkdebug)) {
    const std::string rest = text.substr(kBlkdebug.size());
    const auto colon = rest.find(':');
    if (colon == rest.npos) return fail("file is '{}'; it takes blkdebug:CONFIGURATION:IMAGE", text);
    if (layers >= kMostLayers) return fail("file has more than {} layers", kMostLayers);
    node.set("driver", "blkdebug");
    if (colon != 0) node.set("config", rest.substr(0, colon));
    Settings image;
    TRY(take_file_name(image, rest.substr(colon + 1), layers + 1));
    node.put_below("image", image);
    return {};
  }
  constexpr std::string_view kFile = "file:";
  node.set("driver", "file");
  node.set("filename", text.starts_with(kFile) ? text.substr(kFile.size()) : text);
  return {};
}

Result<Cache> cache_of_drive(Settings& settings) {
  Cache cache = Cache::kWriteBack;
  constexpr std::array kModes{Cache::kWriteBack, Cache::kWriteThrough, Cache::kNone, Cache::kDirectSync,
                              Cache::kUnsafe};
  if (const auto mode = TRY(settings.choice("cache", kCaches))) cache = kModes[*mode];
  const bool direct = TRY(settings.flag("cache.direct")).value_or(false);
  const bool no_flush = TRY(settings.flag("cache.no-flush")).value_or(false);
  return direct || no_flush ? cache_of(direct, no_flush) : cache;
}

/// The node that a drive is; without a driver if the drive has no medium.
Result<Settings> medium_of_drive(Settings& settings) {
  Settings medium = settings.below("file");
  const auto driver = settings.text("driver");
  const auto file = settings.text("file").value_or("");
  if (driver && *driver != "raw" && !medium.has("driver")) medium.set("driver", *driver);
  if (!file.empty()) TRY(take_file_name(medium, file));
  if (!medium.has("driver") && (driver || settings.has("format") || !medium.is_empty()))
    return fail("file is missing; it takes the path of an image");
  std::string lowest;  // a prefix; what follows is for whoever has the bytes
  while (medium.text(lowest + "driver") == "blkdebug") lowest += "image.";
  for (const std::string_view key : {"aio", "auto-read-only", "locking", "size", "latency-ns", "read-zeroes"})
    if (const auto value = settings.text(key); value && !medium.has(lowest + std::string{key}))
      medium.set(lowest + std::string{key}, *value);
  return medium;
}

}  // namespace

// --- making ----------------------------------------------------------------------------------------

Result<void> Nodes::Draft::make(Settings settings) {
  if (!settings.has("node-name")) return fail("node-name is missing; it takes a name for the node");
  TRY(make(settings, Inherited{}));
  return {};
}

std::shared_ptr<const Nodes::Node> Nodes::Draft::find(std::string_view name) const {
  for (const List* list : {&there_, &made_})
    for (const auto& node : *list)
      if (node->info.name == name) return node;
  return nullptr;
}

Result<std::shared_ptr<const Nodes::Node>> Nodes::Draft::make(Settings& settings,
                                                              const Inherited& inherited) {
  const std::string driver = TRY(settings.required("driver", "the kind of node"));
  auto node = std::make_shared<Node>(Node{.info = {.name = {}, .driver = driver, .filename = {}}});
  if (const auto name = settings.text("node-name")) {
    if (!is_name(*name))
      return fail("node-name is '{}'; it takes letters, digits, - . and _, a letter first", *name);
    if (find(*name)) return fail("node-name '{}' is taken; it takes another one", *name);
    node->info.name = *name;
  }
  Inherited own{.read_only = TRY(read_only_of(settings, inherited.read_only)),
                .direct = TRY(settings.flag("cache.direct")).value_or(inherited.direct),
                .no_flush = TRY(settings.flag("cache.no-flush")).value_or(inherited.no_flush),
                .unmap = inherited.unmap};
  if (const auto discard = TRY(settings.choice("discard", kDiscards))) own.unmap = *discard % 2 != 0;
  TRY(settings.choice("detect-zeroes", kZeroes));
  TRY(settings.flag("force-share"));
  node->info.cache = cache_of(own.direct, own.no_flush);
  const std::string what = fmt::format("node '{}'", node->info.name);
  node->info.backend = TRY(make_backend(*node, settings, what, own));
  TRY(settings.finish(driver));
  if (!node->info.name.empty()) {
    if (find(node->info.name)) return fail("two nodes are called '{}'", node->info.name);
    made_.push_back(node);
  }
  return node;
}

Result<Ref<Backend>> Nodes::Draft::make_backend(Node& node, Settings& settings,
                                                const std::string& what, const Inherited& own) {
  const std::string& driver = node.info.driver;
  const bool or_read_only = TRY(settings.flag("auto-read-only")).value_or(false);
  if (driver == "null-co" || driver == "null-aio") {
    node.info.filename = driver + "://";
    return make_null(settings, what, own.read_only);
  }
  if (driver == "file") {
    auto options = TRY(file_options(settings, what));
    options.access = access_of(own.read_only);
    options.cache = node.info.cache;
    options.discard = own.unmap ? Discard::kUnmap : Discard::kIgnore;
    options.find = find_descriptor_;
    node.info.filename = options.path;
    return open_file(std::move(options), or_read_only);
  }
  if (driver == "nbd") {
    auto options = TRY(nbd_options(settings, what));
    options.access = access_of(own.read_only);
    options.cache = node.info.cache;
    options.discard = own.unmap ? Discard::kUnmap : Discard::kIgnore;
    TRY(settings.finish(driver));  // before anybody is waited for
    auto opened = TRY(Nbd::open(std::move(options)));
    node.info.filename = opened->location();
    std::erase(node.info.filename, '\'');
    return opened;
  }
  if (driver == "raw" || driver == "blkdebug") return make_layer(node, settings, what, own);
  return fail("driver is '{}'; there are file, null-co, null-aio, nbd, raw and blkdebug", driver);
}

Result<Ref<Backend>> Nodes::Draft::make_layer(Node& node, Settings& settings,
                                              const std::string& what, const Inherited& own) {
  const bool is_raw = node.info.driver == "raw";
  const std::string_view below = is_raw ? "file" : "image";
  const std::string shape = "the name of a node, or what it is";
  const bool by_name = settings.has(below);
  std::shared_ptr<const Node> under;
  if (by_name) {
    const std::string name = TRY(settings.required(below, shape));
    under = find(name);
    if (!under) return fail("there is no node '{}'", name);
    if (!under->info.backend) return no_medium(name);
  } else {
    Settings inner = settings.below(below);
    if (!inner.has("driver")) return fail("{} is missing; it takes {}", below, shape);
    under = TRY(make(inner, own));
  }
  if (under->layers >= kMostLayers) return fail("there are {} layers below already", kMostLayers);
  node.layers = under->layers + 1;
  node.info.filename = under->info.filename;
  Layer::Options options{.name = what, .below = under->info.backend, .access = access_of(own.read_only),
                         .discard = own.unmap ? Discard::kUnmap : Discard::kIgnore};
  if (is_raw) {
    options.offset = TRY(settings.size("offset")).value_or(0);
    options.size = TRY(settings.size("size"));
  } else if (const auto config = settings.text("config")) {
    TRY(read_rules(*config));
  }
  node.below = std::move(under);
  return Layer::make(std::move(options));
}

// A drive is one node: "raw" adds nothing to the file below it.
Result<Ref<Backend>> Nodes::Draft::make_drive(const std::string& id, const std::string& what,
                                              Settings settings) {
  if (!id.empty() && find(id)) return fail("id '{}' is taken; it takes another one", id);
  if (const auto format = settings.text("format"); format && *format != "raw")
    return fail("format is '{}'; it takes raw", *format);
  if (TRY(settings.flag("snapshot")).value_or(false))
    return fail("snapshot is on; images are written to, or not with readonly=on");
  TRY(settings.choice("media", kMedia));
  for (const std::string_view key : {"rerror", "werror"}) TRY(settings.choice(key, kErrorPolicies));
  Settings medium = TRY(medium_of_drive(settings));
  const Cache cache = TRY(cache_of_drive(settings));
  Node node{.info = {.name = id, .is_drive = true, .driver = medium.text("driver").value_or(""),
                     .filename = {}, .cache = cache}};
  Inherited own{.read_only = TRY(read_only_of(settings, false))};
  if (const auto discard = TRY(settings.choice("discard", kDiscards))) own.unmap = *discard % 2 != 0;
  TRY(settings.choice("detect-zeroes", kZeroes));
  if (medium.has("driver")) {
    node.info.backend = TRY(make_backend(node, medium, what, own));
    TRY(medium.finish(node.info.driver));
  } else if (id.empty()) {
    return fail("file is missing; it takes the path of an image");
  }
  TRY(settings.finish("drive"));
  node.info.driver = settings.text("driver").value_or("raw");
  Ref<Backend> backend = node.info.backend;
  if (!id.empty()) made_.push_back(std::make_shared<const Node>(std::move(node)));
  return backend;
}

// --- naming ----------------------------------------------------------------------------------------

Nodes::Draft Nodes::draft() const { return Draft{nodes_}; }

Nodes::Draft Nodes::draft_here() const {
  Draft made = draft();
  made.find_descriptor_ = find_descriptor_;
  return made;
}

Result<void> Nodes::add(Draft draft) {
  for (const auto& node : draft.made_)
    if (find_in(nodes_, node->info.name) != nullptr) return fail("'{}' is taken; it takes another name", node->info.name);
  for (auto& node : draft.made_) nodes_.push_back(std::move(node));
  return {};
}

Result<void> Nodes::add(Settings settings) {
  Draft made = draft_here();
  TRY(made.make(std::move(settings)));
  return add(std::move(made));
}

Result<Ref<Backend>> Nodes::add_drive(const std::string& id, const std::string& what, Settings settings) {
  Draft made = draft_here();
  auto drive = TRY(made.make_drive(id, what, std::move(settings)));
  TRY(add(std::move(made)));
  return drive;
}

const Nodes::Node* Nodes::find_in(const List& list, std::string_view name) {
  const auto found = std::ranges::find(list, name, [](const auto& one) -> std::string_view {
    return one->info.name;
  });
  return found == list.end() ? nullptr : found->get();
}

Ref<Backend> Nodes::find(std::string_view name) const {
  const Node* const node = find_in(nodes_, name);
  return node == nullptr ? Ref<Backend>{} : node->info.backend;
}

Result<Ref<Backend>> Nodes::get(std::string_view name) const {
  if (auto found = find(name)) return found;
  if (find_in(nodes_, name) != nullptr) return no_medium(name);
  std::string names;
  for (const Info& info : list()) names += (names.empty() ? "" : ", ") + info.name;
  if (names.empty())
    return fail("there is no drive '{}'; it takes the id of a -drive or the node-name of a -blockdev", name);
  return fail("there is no drive '{}'; there are {}", name, names);
}

Result<void> Nodes::remove(std::string_view name) {
  const auto found = std::ranges::find(nodes_, name, [](const auto& one) -> std::string_view {
    return one->info.name;
  });
  if (found == nodes_.end()) return fail("there is no node '{}'", name);
  const Ref<Backend>& backend = (*found)->info.backend;
  if (const std::string user = backend ? backend->user() : ""; !user.empty())
    return fail("node '{}' is in use by {}", name, user);
  nodes_.erase(found);
  return {};
}

Result<void> Nodes::resize(std::string_view name, std::uint64_t size) {
  const auto backend = TRY(get(name));
  if (const std::string user = backend->user(); !user.empty())
    return fail("'{}' is in use by {}; its size is changed while nobody uses it", name, user);
  return backend->resize(size);
}

std::vector<Nodes::Info> Nodes::list() const {
  std::vector<Info> all;
  for (const auto& node : nodes_) all.push_back(node->info);
  std::ranges::sort(all, {}, &Info::name);
  return all;
}

}  // namespace holdfast::block
