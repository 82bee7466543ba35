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

namespace {

/// Those that have CPUs of the architecture that the program's name says, or else the machine that is named.
std::vector<const MachineType*> machines_with_cpus(const Options& options) {
  const auto type = find_machine(options);
  const bool by_machine = options.architecture.empty() && type;
  auto found = machines(by_machine ? (*type)->architecture : options.architecture);
  std::erase_if(found, [](const MachineType* one) { return one->cpu_models == nullptr; });
  return found;
}

}  // namespace

Result<std::string> cpus_text(const Options& options) {
  const std::string& wanted = options.subject;
  std::string text = "CPU models:\n";
  for (const MachineType* type : machines_with_cpus(options))
    for (const CpuModelInfo& model : type->cpu_models()) {
      if (model.name == wanted) return type->cpu_properties(wanted);
      text += fmt::format("  {:<12} {}\n", model.name, model.help);
    }
  if (!wanted.empty()) return fail("-cpu {}: unknown model; '-cpu help' lists those there are", wanted);
  return text + "Properties of a model: -cpu MODEL,help\n";
}

std::vector<control::CpuModelInfo> cpu_models(const Options& options) {
  std::vector<control::CpuModelInfo> infos;
  for (const MachineType* type : machines_with_cpus(options))
    for (const CpuModelInfo& model : type->cpu_models())
      infos.push_back({.name = std::string{model.name}, .type = std::string{type->default_cpu}});
  return infos;
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
