// SPDX-License-Identifier: Apache-2.0
#include "holdfast/app/machines.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace holdfast::app {
std::vector<const MachineType*> machines(std::string_view architecture) {
  std::vector<const MachineType*> all{&virt_machine(), &b_l475e_iot01a_machine(), &none_machine()};
  std::erase_if(all, [&](const MachineType* type) {
    return !architecture.empty() && !type->architecture.empty() && type->architecture != architecture;
  });
  return all;
}

Result<const MachineType*> find_machine(const Options& options) {
  if (!options.machine)
    return fail("-M: no machine is named; '-M {}' is there ('-M help' lists all)",
                machines().front()->name);
  for (const MachineType* type : machines(options.architecture))
    if (type->name == *options.machine) return type;
  return fail("-M {}: unknown machine; '-M help' lists those there are", *options.machine);
}

std::string machines_text() {
  std::string text = "Machines:\n";
  for (const MachineType* type : machines()) text += fmt::format("  {:<16}{}\n", type->name, type->help);
  return text;
}

Result<std::string> cpus_text(const std::string& model) {
  if (model.empty()) return cpu::riscv::models_text();
  const auto text = cpu::riscv::properties_text(model);
  if (!text) return fail("-cpu {}: {}", model, text.error().message);
  return text;
}

Result<cpu::riscv::CpuModel> cpu_model(const Options& options) {
  using cpu::riscv::CpuModel;
  const std::string name = options.cpu.value_or("rv64");
  const auto model = [&]() -> Result<CpuModel> {
    auto named = TRY(CpuModel::named(name));
    for (const KeyValue& item : options.cpu_properties) TRY(named.set(item.key, item.value));
    TRY(named.hart());
    return named;
  }();
  if (!model) return fail("-cpu {}: {}", name, model.error().message);
  return model;
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
