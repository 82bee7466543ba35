// SPDX-License-Identifier: Apache-2.0
// The machines there are, and how the options of one become a plan of its board. Each has a file of
// its own (virt_machine.cpp), with a table of the properties that -M sets.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/accel/hart_gang.hpp"
#include "holdfast/accel/semihosting.hpp"
#include "holdfast/app/backends.hpp"
#include "holdfast/app/images.hpp"
#include "holdfast/app/options.hpp"
#include "holdfast/base/result.hpp"
#include "holdfast/boards/plan.hpp"
#include "holdfast/control/qmp/server.hpp"
#include "holdfast/cpu/riscv/cpu_model.hpp"
#include "holdfast/object/object.hpp"

namespace holdfast::app {

/// What a board uses that the process has.
struct Host {
  Backends& backends;
  accel::HartGang* gang;  // outlives the machine; null: the harts do not run
  accel::Semihosting* semihosting;  // the same; none: the guest may not
  const block::Nodes& drives;
  const FlashDrives& flash;
};

/// As help shows it.
struct MachineProperty {
  std::string_view name;
  std::string_view argument;
  std::string_view help;
};

struct CpuModelInfo {
  std::string_view name;
  std::string_view help;
};

struct MachineType {
  std::string_view name;
  std::string_view architecture;  // "": any
  std::string_view help;
  std::vector<MachineProperty> (*properties)();
  /// The same as the machine shows them, of options that were checked; null if it has none.
  Result<std::vector<object::PropertyInfo>> (*values)(const Options& options) = nullptr;
  /// Says what in the options the machine has not. Nothing has been made yet.
  Result<void> (*check)(const Options& options);
  Result<boards::BoardPlan> (*plan)(const Options& options, Host& host);
  /// Writes the device tree that the machine would have, if the options ask for that instead of a
  /// machine; returns where to, or "".
  Result<std::string> (*dump)(const Options& options);
  // What monitors tell of it.
  std::uint32_t most_cpus = 1;
  std::string_view default_cpu{};  // a type, of all its models
  std::string_view default_ram{};  // an id
  bool hotpluggable_cpus = false;
  /// What -cpu takes, and what help says of such a model; null if the machine has no CPUs.
  std::vector<CpuModelInfo> (*cpu_models)() = nullptr;
  Result<std::string> (*cpu_properties)(std::string_view model) = nullptr;
  bool has_nodes = false;          // memory and CPUs can be in nodes
  /// Which CPUs and which memory are near to each other, of options that were checked; null if the
  /// machine has no nodes.
  Result<std::vector<control::NodeInfo>> (*nodes)(const Options& options) = nullptr;
};

const MachineType& virt_machine();
const MachineType& b_l475e_iot01a_machine();
const MachineType& none_machine();

/// All of them, or those of an architecture.
std::vector<const MachineType*> machines(std::string_view architecture = {});

/// As `values`; nothing of a machine that has none.
Result<std::vector<object::PropertyInfo>> property_values(const MachineType& type, const Options& options);

/// The one that the options name.
Result<const MachineType*> find_machine(const Options& options);

/// What `-M help` prints.
std::string machines_text(std::string_view architecture);
/// What `-cpu help` prints, or, for a model that is the options' subject, `-cpu MODEL,help`.
Result<std::string> cpus_text(const Options& options);
/// The same as monitors tell it.
std::vector<control::CpuModelInfo> cpu_models(const Options& options);
/// The model that the options name, with what -global says of it, known to make a hart. What -cpu says
/// of a property counts more.
Result<cpu::riscv::CpuModel> cpu_model(const Options& options);
/// Whether that -global is part of the model: all harts of the machine have it from there.
bool is_of_cpu_model(const OptionGroup& global);
/// What `-M TYPE,help` prints.
Result<std::string> machine_properties_text(const Options& options);

}  // namespace holdfast::app
