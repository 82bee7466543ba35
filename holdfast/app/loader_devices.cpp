// SPDX-License-Identifier: Apache-2.0
#include "holdfast/app/loader_devices.hpp"

#include <fmt/core.h>

#include <array>
#include <limits>
#include <optional>

#include "holdfast/object/text.hpp"

namespace holdfast::app {
namespace {

constexpr std::uint64_t kAnyNumber = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t kMostCpu = std::numeric_limits<std::uint32_t>::max();

struct Key {
  std::string_view name, type, help;
};
constexpr std::array kKeys{
    Key{"addr", "uint64", "where it goes, or where the CPU starts"},
    Key{"cpu-num", "uint32", "the CPU that starts there, or at the entry of the file"},
    Key{"data", "uint64", "a number that goes there"},
    Key{"data-be", "bool", "the number has its highest byte first"},
    Key{"data-len", "uint8", "how many bytes the number has, 1 to 8"},
    Key{"file", "str", "an image that goes there, or where it says itself"},
    Key{"force-raw", "bool", "the file goes there as it is, whatever it may be"},
};

/// A number of 64 bits; below zero it is what it is in two's complement.
Result<std::optional<std::uint64_t>> data_of(Fields& fields) {
  const auto text = fields.text("data");
  if (text && text->starts_with('-')) {
    const auto number = object::parse_unsigned(std::string_view{*text}.substr(1));
    constexpr std::uint64_t kLowest = std::uint64_t{1} << 63U;
    if (number && *number <= kLowest) return std::uint64_t{0} - *number;
  }
  return fields.number("data", 0, kAnyNumber);
}

Result<boards::GenericLoad> load(Fields& fields) {
  boards::GenericLoad load;
  fields.text("driver");
  fields.text("id");
  load.address = TRY(fields.number("addr", 0, kAnyNumber)).value_or(0);
  load.data = TRY(data_of(fields));
  load.data_length = TRY(fields.number("data-len", 0, kAnyNumber)).value_or(0);
  if (TRY(fields.flag("data-be")).value_or(false)) load.data_order = boards::DataOrder::kBig;
  load.file = fields.text("file");
  if (TRY(fields.flag("force-raw")).value_or(false)) load.format = boards::LoadFormat::kRaw;
  if (const auto cpu = TRY(fields.number("cpu-num", 0, kMostCpu)))
    load.hart = static_cast<std::uint32_t>(*cpu);
  return load;
}

}  // namespace

std::string loader_text() {
  std::string text = fmt::format("{} options:\n", kLoaderDriver);
  for (const Key& key : kKeys)
    text += fmt::format("{:<28} - {}\n", fmt::format("  {}=<{}>", key.name, key.type), key.help);
  return text;
}

Result<std::vector<boards::GenericLoad>> loads(const Options& options) {
  std::vector<boards::GenericLoad> loads;
  for (const OptionGroup& group : options.devices) {
    const std::string* driver = group.find("driver");
    if (driver != nullptr && *driver == kLoaderDriver) loads.push_back(TRY(read_group(group, load)));
  }
  return loads;
}

}  // namespace holdfast::app
