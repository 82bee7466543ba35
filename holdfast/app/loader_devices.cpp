// SPDX-License-Identifier: Apache-2.0
#include "holdfast/app/loader_devices.hpp"

#include <limits>

namespace holdfast::app {
namespace {

constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t kMostCpu = std::numeric_limits<std::uint32_t>::max();

Result<boards::GenericLoad> load(Fields& fields) {
  boards::GenericLoad load;
  fields.text("driver");
  fields.text("id");
  load.address = TRY(fields.number("addr", 0, kMost)).value_or(0);
  load.data = TRY(fields.number("data", 0, kMost));
  load.data_length = TRY(fields.number("data-len", 0, kMost)).value_or(0);
  if (TRY(fields.flag("data-be")).value_or(false)) load.data_order = boards::DataOrder::kBig;
  load.file = fields.text("file");
  if (TRY(fields.flag("force-raw")).value_or(false)) load.format = boards::LoadFormat::kRaw;
  if (const auto cpu = TRY(fields.number("cpu-num", 0, kMostCpu)))
    load.hart = static_cast<std::uint32_t>(*cpu);
  return load;
}

}  // namespace

Result<std::vector<boards::GenericLoad>> loads(const Options& options) {
  std::vector<boards::GenericLoad> loads;
  for (const OptionGroup& group : options.devices) {
    const std::string* driver = group.find("driver");
    if (driver != nullptr && *driver == kLoaderDriver) loads.push_back(TRY(read_group(group, load)));
  }
  return loads;
}

}  // namespace holdfast::app
