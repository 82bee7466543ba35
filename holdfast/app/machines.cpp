// SPDX-License-Identifier: Apache-2.0
#include "holdfast/app/machines.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>

namespace holdfast::app {
namespace {

std::array<const MachineType*, 1> machines() { return {&virt_machine()}; }

}  // namespace

Result<const MachineType*> find_machine(const Options& options) {
  if (!options.machine)
    return fail("-M: no machine is named; '-M {}' is there ('-M help' lists all)",
                machines().front()->name);
  for (const MachineType* type : machines())
    if (type->name == *options.machine &&
        (options.architecture.empty() || options.architecture == type->architecture))
      return type;
  return fail("-M {}: unknown machine; '-M help' lists those there are", *options.machine);
}

std::string machines_text() {
  std::string text = "Machines:\n";
  for (const MachineType* type : machines()) text += fmt::format("  {:<14}{}\n", type->name, type->help);
  return text;
}

std::string cpus_text() {
  return "CPU models:\n  rv64          RV64GC with Zba, Zbb, Zbc, Zbs, Sstc, Svinval\n"
         "  max           the same\n";
}

Result<std::string> machine_properties_text(const Options& options) {
  const MachineType* type = TRY(find_machine(options));
  std::string text = fmt::format("Properties of machine {}:\n", type->name);
  const auto properties = type->properties();
  for (const MachineProperty& property : properties)
    text += fmt::format("  {}={}\n      {}\n", property.name, property.argument, property.help);
  if (properties.empty()) text += "  none\n";
  return text;
}

}  // namespace holdfast::app
