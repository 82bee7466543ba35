// SPDX-License-Identifier: Apache-2.0
#include "holdfast/app/options/table.hpp"

#include <algorithm>
#include <utility>

namespace holdfast::app {

std::string_view title(Section section) {
  switch (section) {
    case Section::kMachine: return "Machine";
    case Section::kFirmware: return "Firmware and kernel";
    case Section::kDevices: return "Devices";
    case Section::kConsoles: return "Consoles";
    case Section::kRunning: return "Running";
    case Section::kDebugging: return "Debugging";
    case Section::kInformation: return "Information";
  }
  return "";
}

std::vector<std::string> keys_of(const OptionRow& row) {
  std::vector<std::string> keys;
  const auto add = [&keys](std::string key) {
    if (!key.empty() && std::ranges::find(keys, key) == keys.end()) keys.push_back(std::move(key));
  };
  add(std::string{row.implied});
  std::string word;
  for (const char c : row.argument) {
    const bool goes_on = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
    if (c == '=') add(word);
    word = goes_on ? word + c : std::string{};
  }
  return keys;
}

std::vector<OptionRow> option_table() {
  std::vector<OptionRow> table;
  for (const auto& rows : {machine_options(), cpu_options(), firmware_options(), device_options(),
                           console_options(), running_options(), debugging_options(),
                           testing_options(), information_options()})
    table.insert(table.end(), rows.begin(), rows.end());
  return table;
}

}  // namespace holdfast::app
