// SPDX-License-Identifier: Apache-2.0
// `-M b-l475e-iot01a`: from options to the board's own.
#include <fmt/core.h>

#include "holdfast/app/loader_devices.hpp"
#include "holdfast/app/machines.hpp"
#include "holdfast/boards/b_l475e_iot01a/b_l475e_iot01a.hpp"

namespace holdfast::app {
namespace {

constexpr std::string_view kName = "b-l475e-iot01a";
constexpr std::string_view kCpu = "cortex-m4";

/// What the board has no use for: option, whether it was given, and what is there instead.
struct Absent {
  std::string_view option;
  bool given;
  std::string_view instead;
};

Result<void> check_absent(const Options& options) {
  const Absent all[]{
      {"-bios", options.bios.has_value(), "-kernel puts a program into flash"},
      {"-initrd", options.initrd.has_value(), "-kernel puts a program into flash"},
      {"-append", options.append.has_value(), "a program in flash has no command line"},
      {"-dtb", options.dtb.has_value(), "it has no device tree"},
      {"-m", options.memory.has_value(), "it has the memory of its chip"},
      {"-drive", !options.drives.empty(), "it has no drives"},
      {"-blockdev", !options.blockdevs.empty(), "it has no drives"},
      {"-numa", !options.numa.empty(), "it has one CPU"},
      {"-fw_cfg", !options.fw_cfg.empty(), "its firmware asks for nothing"},
      {"-semihosting", options.semihosting.enabled, "its CPU executes nothing"},
      {"-device loader", !TRY(loads(options)).empty(), "-kernel puts a program into flash"},
  };
  for (const Absent& one : all)
    if (one.given) return fail("{}: machine '{}' takes none: {}", one.option, kName, one.instead);
  return {};
}

Result<void> check(const Options& options) {
  if (options.accelerator != Accelerator::kQtest)
    return fail("-M {}: its Cortex-M4 cannot be run yet; it takes -accel qtest, with which a test client "
                "does what a program would",
                kName);
  if (options.topology.cpus != 1 || options.topology.max_cpus != 1)
    return fail("-smp: machine '{}' has one CPU; it takes 1", kName);
  if (options.cpu && *options.cpu != kCpu)
    return fail("-cpu {}: machine '{}' takes {}", *options.cpu, kName, kCpu);
  for (const KeyValue& item : options.cpu_properties)
    return fail("-cpu {}: no property '{}'; there are none", kCpu, item.key);
  for (const KeyValue& item : options.machine_properties)
    return fail("-M {}: no property '{}'; there are none", kName, item.key);
  constexpr std::size_t kSerials = boards::Stm32l4x5Soc::kSerials;
  if (options.serials.size() > kSerials)
    return fail("-serial: machine '{}' has {} serial ports", kName, kSerials);
  return check_absent(options);
}

Result<boards::BoardPlan> plan(const Options& options, Host& host) {
  boards::b_l475e_iot01a::Options board{.kernel = options.kernel};
  for (std::size_t i = 0; i < options.serials.size(); ++i)
    board.serials[i] = host.backends.find(options.serials[i]);
  return boards::b_l475e_iot01a::plan(board);
}

}  // namespace

const MachineType& b_l475e_iot01a_machine() {
  static constexpr MachineType kMachine{
      .name = kName,
      .architecture = "arm",
      .help = "ST's B-L475E-IOT01A with an STM32L475VG, for test clients (-accel qtest)",
      .properties = [] { return std::vector<MachineProperty>{}; },
      .check = check,
      .plan = plan,
      .dump = [](const Options&) -> Result<std::string> { return std::string{}; },
      .default_cpu = "cortex-m4-arm-cpu",
      .cpu_models = [] { return std::vector<CpuModelInfo>{{kCpu, "an Arm Cortex-M4, which executes nothing yet"}}; },
      .cpu_properties = [](std::string_view model) -> Result<std::string> {
        return fmt::format("Properties of {}:\n  none\n", model);
      },
  };
  return kMachine;
}

}  // namespace holdfast::app
