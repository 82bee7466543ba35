// SPDX-License-Identifier: Apache-2.0
// How many entries a node of the map's trees has. 32 won the measurements; tests build the map with
// small nodes too, so that few regions make deep trees.
#pragma once

#ifndef HOLDFAST_MAP_FANOUT
#define HOLDFAST_MAP_FANOUT 32
#endif

namespace holdfast::memory {

inline constexpr unsigned kMapFanout = HOLDFAST_MAP_FANOUT;

}  // namespace holdfast::memory
