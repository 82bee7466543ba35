// SPDX-License-Identifier: Apache-2.0
// `-M none`: a system bus with nothing on it. For programs that only want to ask what there is.
#include "holdfast/app/machines.hpp"

namespace holdfast::app {
namespace {

Result<void> check_none(const Options& options) {
  if (!options.machine_properties.empty())
    return fail("-M none: no property '{}'; it has none", options.machine_properties.front().key);
  if (options.bios && *options.bios != "none" && *options.bios != "default")
    return fail("-bios {}: machine 'none' has no memory", *options.bios);
  if (options.kernel) return fail("-kernel {}: machine 'none' has no memory", *options.kernel);
  return {};
}

Result<boards::BoardPlan> plan_none(const Options&, Host&) { return boards::BoardPlan{"none"}; }

}  // namespace

const MachineType& none_machine() {
  static constexpr MachineType kNone{
      .name = "none",
      .architecture = "",
      .help = "nothing but a bus, for those who ask what there is",
      .properties = [] { return std::vector<MachineProperty>{}; },
      .check = check_none,
      .plan = plan_none,
      .dump = [](const Options&) -> Result<std::string> { return std::string{}; },
  };
  return kNone;
}

}  // namespace holdfast::app
