// SPDX-License-Identifier: Apache-2.0
// `-smp`: from what was said about CPUs to a complete topology.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "holdfast/app/options.hpp"

namespace holdfast::app {

/// The numbers that were given; later ones replace earlier ones.
struct TopologyRequest {
  std::optional<std::uint32_t> cpus, sockets, cores, threads, max_cpus;
};

/// Adds what `-smp` or `-machine smp.…` says. Errors: an unknown key, no number from 1 on.
Result<void> add_topology(TopologyRequest& request, std::span<const KeyValue> items);

/// Works out what was left open: first cores, then sockets, then threads. Errors: the product of the
/// three is not the number of CPUs, or less CPUs may be than are.
Result<Topology> complete(const TopologyRequest& request);

}  // namespace holdfast::app
