// SPDX-License-Identifier: Apache-2.0
#include "holdfast/app/options/topology.hpp"

#include "holdfast/object/text.hpp"

namespace holdfast::app {
namespace {

/// How many CPUs it has is for the machine to say; of so many a product of three stays within 64 bits.
constexpr std::uint64_t kMost = 1U << 20U;

Result<std::uint32_t> parse_count(const KeyValue& item) {
  const auto count = object::parse_unsigned(item.value);
  if (!count || *count == 0) return fail("{} is '{}'; it takes a whole number from 1 on", item.key, item.value);
  if (*count > kMost) return fail("{} is '{}'; no machine has so many", item.key, item.value);
  return static_cast<std::uint32_t>(*count);
}

std::optional<std::uint32_t>* field(TopologyRequest& request, std::string_view key) {
  if (key == "cpus") return &request.cpus;
  if (key == "sockets") return &request.sockets;
  if (key == "cores") return &request.cores;
  if (key == "threads") return &request.threads;
  if (key == "maxcpus") return &request.max_cpus;
  return nullptr;
}

/// What is left of `total` when it is shared among `others`; at least 1, so that the product tells.
std::uint64_t share(std::uint64_t total, std::uint64_t others) {
  return total < others ? 1 : total / others;
}

/// Levels that other machines of this field have: here there is one of each.
bool is_single(std::string_view key) {
  return key == "dies" || key == "clusters" || key == "modules" || key == "books" || key == "drawers";
}

}  // namespace

Result<void> add_topology(TopologyRequest& request, std::span<const KeyValue> items) {
  for (const KeyValue& item : items) {
    if (is_single(item.key)) {
      if (object::parse_unsigned(item.value) == 1U) continue;
      return fail("{} is '{}'; CPUs are in sockets, cores and threads alone, so it takes 1", item.key,
                  item.value);
    }
    auto* target = field(request, item.key);
    if (target == nullptr)
      return fail("there is no '{}'; there are cpus, sockets, cores, threads and maxcpus", item.key);
    *target = TRY(parse_count(item));
  }
  return {};
}

Result<Topology> complete(const TopologyRequest& request) {
  const auto or_one = [](std::optional<std::uint32_t> n) { return std::uint64_t{n.value_or(1)}; };
  const bool open = !request.cpus && !request.max_cpus;
  const std::uint64_t most = or_one(request.max_cpus ? request.max_cpus : request.cpus);
  std::uint64_t sockets = or_one(request.sockets);
  std::uint64_t cores = or_one(request.cores);
  std::uint64_t threads = or_one(request.threads);
  if (!open && !request.cores)
    cores = share(most, sockets * threads);
  else if (!open && !request.sockets)
    sockets = share(most, cores * threads);
  else if (!open && !request.threads)
    threads = share(most, sockets * cores);

  const std::uint64_t product = sockets * cores * threads;
  const std::uint64_t limit = open ? product : most;
  if (product != limit)
    return fail("{} sockets × {} cores × {} threads is {}, not {}; the product must be the number of "
                "CPUs (maxcpus, if that is given)",
                sockets, cores, threads, product, limit);
  if (limit > kMost) return fail("{} CPUs: no machine has so many", limit);
  const std::uint64_t cpus = request.cpus.value_or(static_cast<std::uint32_t>(limit));
  if (cpus > limit)
    return fail("{} CPUs are more than maxcpus={}; it takes at least as many as there are CPUs", cpus,
                limit);
  return Topology{static_cast<std::uint32_t>(cpus), static_cast<std::uint32_t>(sockets),
                  static_cast<std::uint32_t>(cores), static_cast<std::uint32_t>(threads),
                  static_cast<std::uint32_t>(limit)};
}

}  // namespace holdfast::app
