// SPDX-License-Identifier: Apache-2.0
#include "holdfast/app/machines.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "holdfast/accel/riscv_cpu.hpp"

namespace holdfast::app {
std::vector<const MachineType*> machines(std::string_view architecture) {
  std::vector<const MachineType*> all{&virt_machine(), &b_l475e_iot01a_machine(), &none_machine()};
  std::erase_if(all, [&](const MachineType* type) {
    return !architecture.empty() && !type->architecture.empty() && type->architecture != architecture;
  });
  return all;
}

Result<std::vector<object::PropertyInfo>> property_values(const MachineType& type,
                                                          const Options& options) {
  if (type.values == nullptr) return std::vector<object::PropertyInfo>{};
  return type.values(options);
}

Result<const MachineType*> find_machine(const Options& options) {
  if (!options.machine)
    return fail("-M: no machine is named; '-M {}' is there ('-M help' lists all)",
                machines(options.architecture).front()->name);
  for (const MachineType* type : machines(options.architecture))
    if (type->name == *options.machine) return type;
  return fail("-M {}: unknown machine; '-M help' lists those there are", *options.machine);
}

std::string machines_text(std::string_view architecture) {
  std::string text = "Machines:\n";
  for (const MachineType* type : machines(architecture)) text += fmt::format("  {:<16}{}\n", type->name, type->help);
  return text;
}

Result<std::string> cpus_text(const std::string& model) {
  if (model.empty()) return cpu::riscv::models_text();
  const auto text = cpu::riscv::properties_text(model);
  if (!text) return fail("-cpu {}: {}", model, text.error().message);
  return text;
}

bool is_of_cpu_model(const OptionGroup& global) {
  if (*global.find("driver") != accel::RiscvCpu::kType.name) return false;
  const std::string& name = *global.find("property");
  return name == "priv_spec" || std::ranges::any_of(cpu::riscv::kCpuProperties, [&](const cpu::riscv::CpuProperty& property) {
    return property.name == name || property.other == name;
  });
}

Result<cpu::riscv::CpuModel> cpu_model(const Options& options) {
  using cpu::riscv::CpuModel;
  const std::string name = options.cpu.value_or("rv64");
  const auto about_cpu = [&](const Error& error) {
    return std::unexpected{Error{fmt::format("-cpu {}: {}", name, error.message)}};
  };
  auto model = CpuModel::named(name);
  if (!model) return about_cpu(model.error());
  for (const OptionGroup& global : options.globals) {
    if (!is_of_cpu_model(global)) continue;
    if (const auto set = model->set(*global.find("property"), *global.find("value")); !set)
      return std::unexpected{about(global, set.error())};
  }
  for (const KeyValue& item : options.cpu_properties)
    if (const auto set = model->set(item.key, item.value); !set) return about_cpu(set.error());
  if (const auto hart = model->hart(); !hart) return about_cpu(hart.error());
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
