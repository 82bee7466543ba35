// SPDX-License-Identifier: Apache-2.0
#include "holdfast/app/options/table.hpp"

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

std::vector<OptionRow> option_table() {
  std::vector<OptionRow> table;
  for (const auto& rows : {machine_options(), cpu_options(), firmware_options(), device_options(),
                           console_options(), running_options(), debugging_options(),
                           testing_options(), information_options()})
    table.insert(table.end(), rows.begin(), rows.end());
  return table;
}

}  // namespace holdfast::app
