// SPDX-License-Identifier: Apache-2.0
#include "holdfast/boards/plan.hpp"

#include <fmt/core.h>

#include "holdfast/boards/plan_check.hpp"
#include "holdfast/boards/system_bus.hpp"

namespace holdfast::boards {

std::string PinRef::to_string() const { return fmt::format("{}[{}]", pin.to_string(), line); }

RamRef BoardPlan::ram(std::string name, std::uint64_t size, memory::RamBacking backing) {
  return RamRef{add<MemoryBank>(std::move(name), {.size = size, .backing = std::move(backing)})
                    .name()};
}

RamRef BoardPlan::rom(std::string name, std::uint64_t size, memory::RamBacking backing) {
  return RamRef{add<MemoryBank>(std::move(name), {.size = size,
                                                  .backing = std::move(backing),
                                                  .writable = hw::Ram::Init::Writable::kNo})
                    .name()};
}

DeviceRef BoardPlan::add(DeviceRow row) {
  devices_.push_back(std::move(row));
  return DeviceRef{devices_.back().name};
}

DeviceRef BoardPlan::existing(std::string name) {
  existing_.push_back(name);
  return DeviceRef{std::move(name)};
}

void BoardPlan::map_into(const PartRef& container, std::initializer_list<MapRow> rows) {
  for (const MapRow& row : rows) placements_.push_back({container, row});
}

void BoardPlan::wire(std::initializer_list<WireRow> rows) {
  wires_.insert(wires_.end(), rows.begin(), rows.end());
}

void BoardPlan::link(std::initializer_list<LinkRow> rows) {
  links_.insert(links_.end(), rows.begin(), rows.end());
}

Result<std::vector<std::string>> BoardPlan::findings() const { return check_plan(*this); }

Result<BoardPlan> BoardPlan::validated() && {
  const auto found = TRY(findings());
  if (found.empty()) return std::move(*this);
  std::string all;
  for (const std::string& finding : found) all += (all.empty() ? "" : "; ") + finding;
  return fail("board '{}': {}", name_, all);
}

}  // namespace holdfast::boards
