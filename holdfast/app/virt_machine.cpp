// SPDX-License-Identifier: Apache-2.0
// `-M virt`: from options to the board's own.
#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "holdfast/app/loader_devices.hpp"
#include "holdfast/app/machines.hpp"
#include "holdfast/app/rtc.hpp"
#include "holdfast/boards/loader/firmware.hpp"
#include "holdfast/boards/virt/virt.hpp"

namespace holdfast::app {
namespace {

namespace virt = boards::virt;

constexpr std::uint64_t kDefaultRam = 128U << 20U;

/// A property that -M sets. `set` says what the value may be if it is not that.
struct Row {
  MachineProperty info;
  Result<void> (*set)(virt::Options& board, std::string_view value);
};
const std::vector<Row>& rows() {
  static const std::vector<Row> kRows{};
  return kRows;
}

std::vector<MachineProperty> properties() {
  std::vector<MachineProperty> infos;
  for (const Row& row : rows()) infos.push_back(row.info);
  return infos;
}

Result<void> set_property(virt::Options& board, const KeyValue& item) {
  for (const Row& row : rows()) {
    if (row.info.name != item.key) continue;
    const auto done = row.set(board, item.value);
    if (done) return {};
    return fail("-M virt,{}={}: {}", item.key, item.value, done.error().message);
  }
  std::vector<std::string_view> names;
  for (const Row& row : rows()) names.push_back(row.info.name);
  if (names.empty()) return fail("-M virt: no property '{}'; it has none", item.key);
  return fail("-M virt: no property '{}'; there are {}", item.key, fmt::join(names, ", "));
}

/// What the machine has no place for.
Result<void> refuse(std::span<const OptionGroup> groups, std::string_view why) {
  if (groups.empty()) return {};
  return std::unexpected{about(groups.front(), {fmt::format("machine 'virt' {}", why)})};
}

Result<void> check(const Options& options) {
  TRY(cpu_model(options));
  if (options.serials.size() > 1) return fail("-serial: machine 'virt' has one serial port");
  TRY(refuse(options.drives, "has no place for a drive"));
  TRY(refuse(options.blockdevs, "has no place for a drive"));
  TRY(refuse(options.numa, "has one node of memory"));
  TRY(refuse(options.fw_cfg, "has no firmware configuration device"));
  virt::Options board;
  for (const KeyValue& item : options.machine_properties) TRY(set_property(board, item));
  return {};
}

Result<chardev::Chardev*> semihosting_console(const Options& options, Host& host) {
  const std::string& id = options.semihosting.chardev;
  if (host.semihosting == nullptr || id.empty()) return nullptr;
  if (chardev::Chardev* console = host.backends.find(id)) return console;
  return fail("-semihosting-config chardev={}: there is no -chardev of that id", id);
}

Result<boards::BoardPlan> plan(const Options& options, Host& host) {
  chardev::Chardev* serial = nullptr;
  if (!options.serials.empty()) serial = host.backends.find(options.serials.front());
  if (serial == nullptr) serial = &host.backends.nowhere("serial0");
  virt::Options board{.harts = options.topology.cpus,
                      .cpu = TRY(cpu_model(options)),
                      .ram_size = options.memory.value_or(kDefaultRam),
                      .bios = TRY(boards::find_firmware(options.bios, options.data_folders)),
                      .kernel = options.kernel,
                      .initrd = options.initrd,
                      .append = options.append.value_or(""),
                      .dtb = options.dtb,
                      .loads = TRY(loads(options)),
                      .rtc = rtc_config(options),
                      .serial = serial,
                      .gang = host.gang,
                      .semihosting = host.semihosting,
                      .semihosting_console = TRY(semihosting_console(options, host))};
  for (const KeyValue& item : options.machine_properties) TRY(set_property(board, item));
  return virt::plan(board);
}

}  // namespace

const MachineType& virt_machine() {
  static constexpr MachineType kVirt{
      .name = "virt",
      .architecture = "riscv64",
      .help = "RISC-V board for firmware and Linux, up to 64 CPUs",
      .properties = properties,
      .check = check,
      .plan = plan,
      .interrupt = [](unsigned number) { return boards::DeviceRef{"plic"}.in(number); },
  };
  static_assert(virt::kMostHarts == 64);
  return kVirt;
}

}  // namespace holdfast::app
