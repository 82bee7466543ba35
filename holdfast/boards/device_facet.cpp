// SPDX-License-Identifier: Apache-2.0
#include "holdfast/boards/device_facet.hpp"

namespace holdfast::boards {

DeviceRef add_device(BoardPlan& board, const object::Type& type, const DeviceFacet& facet,
                     std::string name, std::uint64_t address) {
  const auto device = board.add({.name = std::move(name),
                                 .type = &type,
                                 .make = facet.make,
                                 .config = facet.config,
                                 .make_with = facet.make_with});
  board.existing(BoardPlan::memory().device);
  if (!facet.region.empty())
    board.map({{address, device.region(std::string{facet.region})}});
  if (!facet.memory_link.empty())
    board.link({{device.link(std::string{facet.memory_link}), BoardPlan::memory()}});
  return device;
}

}  // namespace holdfast::boards
