// SPDX-License-Identifier: Apache-2.0
#include "holdfast/app/nodes.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <utility>

#include "holdfast/app/memory_objects.hpp"
#include "holdfast/object/text.hpp"

namespace holdfast::app {
namespace {

namespace virt = boards::virt;

constexpr std::uint64_t kPage = 4096;
constexpr std::uint32_t kMostNodes = virt::kMostNodes;

struct NodeWish {
  const OptionGroup* group;
  std::uint32_t number;
  std::optional<std::uint64_t> size;  // bytes; of `memory`, if that is there
  const MemoryObject* memory = nullptr;
};

/// Which node each CPU is in.
using CpuNodes = std::vector<std::optional<std::uint32_t>>;

class Reader {
 public:
  explicit Reader(const Options& options) : options_{options}, cpus_(options.topology.max_cpus) {}

  Result<void> read() {
    objects_ = TRY(memory_objects(options_));
    for (const OptionGroup& group : options_.numa) {
      const auto done = read_group(group, [this](Fields& fields) { return read_one(fields); });
      if (!done) return std::unexpected{done.error()};
    }
    return {};
  }

  Result<void> give_to(virt::Options& board);
  const CpuNodes& cpus() const { return cpus_; }

 private:
  Result<void> read_one(Fields& fields) {
    const auto type = fields.text("type");
    if (type == "node") return read_node(fields);
    if (type == "cpu") return read_cpu(fields);
    if (type == "dist") return read_distance(fields);
    return fail("machine 'virt' has no place for that; it takes node, cpu and dist");
  }
  Result<void> read_node(Fields& fields);
  Result<void> read_cpus(Fields& fields, std::uint32_t node);
  Result<void> read_cpu(Fields& fields);
  Result<void> read_distance(Fields& fields);
  Result<void> put(std::uint64_t cpu, std::uint32_t node);
  Result<void> share_cpus();
  Result<void> add_nodes(virt::Options& board);
  bool has_node(std::uint64_t number) const {
    return std::ranges::any_of(nodes_, [&](const NodeWish& node) { return node.number == number; });
  }

  const Options& options_;
  std::vector<MemoryObject> objects_;
  std::vector<NodeWish> nodes_;
  CpuNodes cpus_;
  std::vector<virt::NodeDistance> distances_;
};

Result<void> Reader::put(std::uint64_t cpu, std::uint32_t node) {
  if (cpu >= cpus_.size())
    return fail("CPU {} is not there; there are {}, from 0", cpu, cpus_.size());
  if (const auto there = cpus_[cpu]) return fail("CPU {} is in node {} already", cpu, *there);
  cpus_[cpu] = node;
  return {};
}

// `cpus=` may be there several times, each a number or a range of them; in JSON it may be a list.
Result<void> Reader::read_cpus(Fields& fields, std::uint32_t node) {
  for (const KeyValue& item : fields.with_prefix("cpus.")) {
    const auto cpu = object::parse_unsigned(item.value);
    if (!cpu) return fail("cpus has '{}'; it takes numbers", item.value);
    TRY(put(*cpu, node));
  }
  fields.text("cpus");
  for (const KeyValue& item : fields.group().items) {
    if (item.key != "cpus") continue;
    const auto dash = item.value.find('-');
    const auto first = object::parse_unsigned(item.value.substr(0, dash));
    const auto last = dash == std::string::npos
                          ? first
                          : object::parse_unsigned(std::string_view{item.value}.substr(dash + 1));
    if (!first || !last || *last < *first || *last - *first >= 65536)
      return fail("cpus is '{}'; it takes a number, or two with a dash between them", item.value);
    for (std::uint64_t cpu = *first; cpu <= *last; ++cpu) TRY(put(cpu, node));
  }
  return {};
}

Result<void> Reader::read_node(Fields& fields) {
  const auto given = TRY(fields.number("nodeid", 0, kMostNodes - 1));
  NodeWish node{.group = &fields.group(),
                .number = static_cast<std::uint32_t>(given.value_or(nodes_.size())),
                .size = std::nullopt};
  if (node.number >= kMostNodes) return fail("machine 'virt' has at most {} nodes", kMostNodes);
  if (has_node(node.number))
    return fail("node {} is there already; it takes another nodeid", node.number);
  TRY(read_cpus(fields, node.number));
  node.size = TRY(fields.size("mem", 1U << 20U));
  if (const auto id = fields.text("memdev")) {
    if (node.size) return fail("it has mem and memdev; give one");
    node.memory = TRY(find_memory(objects_, *id));
    node.size = node.memory->size;
    for (const NodeWish& other : nodes_)
      if (other.memory == node.memory)
        return fail("memdev is '{}', which node {} has", *id, other.number);
  }
  nodes_.push_back(node);
  return {};
}

Result<void> Reader::read_cpu(Fields& fields) {
  const auto node = TRY(fields.number("node-id", 0, kMostNodes - 1));
  if (!node) return fail("node-id is missing; it takes the number of a node");
  if (!has_node(*node)) return fail("node-id is {}; a -numa node has to be there before it", *node);
  const auto core = TRY(fields.number("core-id", 0, 65535));
  if (!core) return fail("core-id is missing; it takes the number of a CPU");
  return put(*core, static_cast<std::uint32_t>(*node));
}

Result<void> Reader::read_distance(Fields& fields) {
  const auto from = TRY(fields.number("src", 0, kMostNodes - 1));
  const auto to = TRY(fields.number("dst", 0, kMostNodes - 1));
  const auto value = TRY(fields.number("val", 10, 255));
  if (!from || !to || !value) return fail("it takes src and dst, numbers of nodes, and val");
  distances_.push_back({static_cast<std::uint32_t>(*from), static_cast<std::uint32_t>(*to),
                        static_cast<std::uint32_t>(*value)});
  return {};
}

/// Where no CPU was put into a node, each node gets about as many.
Result<void> Reader::share_cpus() {
  if (std::ranges::none_of(cpus_, [](const auto& node) { return node.has_value(); })) {
    const std::size_t each = std::max<std::size_t>(cpus_.size() / nodes_.size(), 1);
    for (std::size_t cpu = 0; cpu < cpus_.size(); ++cpu)
      cpus_[cpu] = static_cast<std::uint32_t>(std::min(cpu / each, nodes_.size() - 1));
  }
  std::uint32_t before = 0;  // the node of the CPU before
  for (std::size_t cpu = 0; cpu < cpus_.size(); ++cpu) {
    const auto node = cpus_[cpu];
    if (!node) return fail("-numa: CPU {} is in no node; put all into one, or none", cpu);
    if (*node < before)
      return fail("-numa: CPU {} is in node {} and CPU {} in node {}; CPUs are numbered on from node to "
                  "node",
                  cpu - 1, before, cpu, *node);
    before = *node;
  }
  return {};
}

/// Where no node has memory of its own, each gets about as much.
Result<void> Reader::add_nodes(virt::Options& board) {
  const bool none = std::ranges::none_of(nodes_, [](const NodeWish& n) { return n.size.has_value(); });
  const std::uint64_t each = board.ram_size / nodes_.size() / kPage * kPage;
  std::uint64_t sum = 0;
  for (const NodeWish& node : nodes_) {
    auto size = node.size;
    if (none) size = &node == &nodes_.back() ? board.ram_size - sum : each;
    if (!size)
      return std::unexpected{about(*node.group, {"it has no mem or memdev and others have; give each one"})};
    sum += *size;
    board.nodes.push_back(
        {.harts = static_cast<std::uint32_t>(std::ranges::count(cpus_, std::optional{node.number})),
         .ram_size = *size,
         .backing = node.memory == nullptr ? memory::RamBacking{} : node.memory->backing});
  }
  if (!options_.memory) board.ram_size = sum;
  return {};
}

Result<void> Reader::give_to(virt::Options& board) {
  std::ranges::sort(nodes_, {}, &NodeWish::number);
  if (nodes_.empty()) {
    if (!options_.numa.empty())
      return std::unexpected{about(options_.numa.front(), {"there is no node; it takes a -numa node"})};
    return {};
  }
  for (std::uint32_t i = 0; i < nodes_.size(); ++i)
    if (nodes_[i].number != i)
      return fail("-numa: there is a node {} and no node {}; they are numbered from 0",
                  nodes_[i].number, i);
  TRY(share_cpus());
  TRY(add_nodes(board));
  board.distances = std::move(distances_);
  return {};
}

}  // namespace

Result<void> set_memory(const Options& options, const std::string& backend, virt::Options& board) {
  Reader reader{options};
  TRY(reader.read());
  TRY(reader.give_to(board));
  if (backend.empty()) return {};
  if (!board.nodes.empty())
    return fail("-M virt,memory-backend={}: there are nodes, and each has its memory by memdev", backend);
  const auto objects = TRY(memory_objects(options));
  const auto found = find_memory(objects, backend);
  if (!found) return fail("-M virt,memory-backend={}: {}", backend, found.error().message);
  if (options.memory && *options.memory != (*found)->size)
    return fail("-M virt,memory-backend={}: it has {} and -m says {}; they have to be the same", backend,
                object::format_size((*found)->size), object::format_size(*options.memory));
  board.ram_size = (*found)->size;
  board.ram_backing = (*found)->backing;
  return {};
}

Result<void> check_nodes(const Options& options) { return Reader{options}.read(); }

Result<std::vector<std::optional<std::uint32_t>>> cpu_nodes(const Options& options) {
  Reader reader{options};
  TRY(reader.read());
  return reader.cpus();
}

BoardMemory board_memory(const Options& options) {
  BoardMemory memory;
  for (const KeyValue& item : options.machine_properties)
    if (item.key == "memory-backend") memory[item.value] = "/machine/ram";
  std::uint64_t next = 0;
  for (const OptionGroup& group : options.numa) {
    const std::string* type = group.find("type");
    if (type == nullptr || *type != "node") continue;
    const std::string* number = group.find("nodeid");
    const auto node = number == nullptr ? next : object::parse_unsigned(*number).value_or(next);
    ++next;
    if (const std::string* id = group.find("memdev"))
      memory[*id] = node == 0 ? "/machine/ram" : fmt::format("/machine/ram{}", node);
  }
  return memory;
}

}  // namespace holdfast::app
