// SPDX-License-Identifier: Apache-2.0
// `-M virt`: from options to the board's own.
#include <fmt/core.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <ranges>

#include "holdfast/app/images.hpp"
#include "holdfast/app/loader_devices.hpp"
#include "holdfast/app/machines.hpp"
#include "holdfast/app/nodes.hpp"
#include "holdfast/app/rtc.hpp"
#include "holdfast/base/log.hpp"
#include "holdfast/boards/loader/firmware.hpp"
#include "holdfast/boards/loader/image.hpp"
#include "holdfast/boards/virt/virt.hpp"
#include "holdfast/object/text.hpp"

namespace holdfast::app {
namespace {

namespace virt = boards::virt;

constexpr std::uint64_t kDefaultRam = 128U << 20U;

/// What -M says.
struct Properties {
  virt::Interruptor interruptor = virt::Interruptor::kClint;
  virt::Interrupts interrupts = virt::Interrupts::kPlic;
  std::uint32_t guests = 0;
  FlashNames flash;
  std::string memory_backend;
  std::string dump;
  bool graphics = true;
};

Result<bool> flag(std::string_view value) {
  const auto flag = object::parse_bool(value);
  if (!flag) return fail("it takes on or off");
  return *flag;
}
Result<std::string> name(std::string_view value, std::string_view shape) {
  if (value.empty()) return fail("it takes {}", shape);
  return std::string{value};
}

template <std::size_t Bank>
Result<void> set_flash(Properties& properties, std::string_view value) {
  properties.flash[Bank] = TRY(name(value, "the id of a drive"));
  return {};
}
Result<void> set_aclint(Properties& properties, std::string_view value) {
  properties.interruptor =
      TRY(flag(value)) ? virt::Interruptor::kAclint : virt::Interruptor::kClint;
  return {};
}
Result<void> set_interrupts(Properties& properties, std::string_view value) {
  if (value == "none")
    properties.interrupts = virt::Interrupts::kPlic;
  else if (value == "aplic")
    properties.interrupts = virt::Interrupts::kAplic;
  else if (value == "aplic-imsic")
    properties.interrupts = virt::Interrupts::kAplicAndImsics;
  else
    return fail("it takes none, aplic or aplic-imsic");
  return {};
}
Result<void> set_guests(Properties& properties, std::string_view value) {
  const auto guests = object::parse_unsigned(value);
  if (!guests || *guests > virt::kMostGuests) return fail("it takes 0 to {}", virt::kMostGuests);
  properties.guests = static_cast<std::uint32_t>(*guests);
  return {};
}
Result<void> set_memory_backend(Properties& properties, std::string_view value) {
  properties.memory_backend = TRY(name(value, "the id of an -object memory-backend-…"));
  return {};
}
Result<void> set_dump(Properties& properties, std::string_view value) {
  properties.dump = TRY(name(value, "the path of a file to write"));
  return {};
}
Result<void> set_graphics(Properties& properties, std::string_view value) {
  properties.graphics = TRY(flag(value));
  return {};
}
Result<void> set_absent(Properties&, std::string_view value) {
  if (value != "off" && value != "none") return fail("there is none; it takes off");
  return {};
}

object::PropertyValue shown_interrupts(const Properties& properties) {
  switch (properties.interrupts) {
    case virt::Interrupts::kPlic: return std::string{"none"};
    case virt::Interrupts::kAplic: return std::string{"aplic"};
    case virt::Interrupts::kAplicAndImsics: return std::string{"aplic-imsic"};
  }
  return std::string{};
}
object::PropertyValue shown_aclint(const Properties& properties) {
  return properties.interruptor == virt::Interruptor::kAclint;
}
object::PropertyValue shown_guests(const Properties& properties) {
  return std::to_string(properties.guests);
}
object::PropertyValue shown_memory(const Properties& properties) {
  const std::string& id = properties.memory_backend;
  return id.empty() ? id : "/objects/" + id;
}
template <auto Member>
object::PropertyValue shown(const Properties& properties) {
  return properties.*Member;
}
template <std::size_t Bank>
object::PropertyValue shown_flash(const Properties& properties) {
  return properties.flash[Bank];
}
object::PropertyValue shown_absent(const Properties&) { return false; }

/// A property that -M sets. `set` says what the value may be if it is not that.
struct Row {
  MachineProperty info;
  Result<void> (*set)(Properties& properties, std::string_view value);
  /// As the machine shows it, with the type that QEMU lists.
  std::string_view type;
  object::PropertyValue (*get)(const Properties& properties);
};
const std::vector<Row>& rows() {
  static const std::vector<Row> kRows{
      {{"aclint", "on|off", "the CLINT as the devices of an ACLINT, with one for S-mode"},
       set_aclint, "bool", shown_aclint},
      {{"aia", "none|aplic|aplic-imsic", "what interrupts harts: a PLIC, an APLIC, messages"},
       set_interrupts, "string", shown_interrupts},
      {{"aia-guests", "0-7", "guests that each hart's IMSIC has room for"},
       set_guests, "string", shown_guests},
      {{"dumpdtb", "FILE", "writes the device tree into a file, and no more"},
       set_dump, "string", shown<&Properties::dump>},
      {{"graphics", "on|off", "what firmware is told: whether there is a screen"},
       set_graphics, "bool", shown<&Properties::graphics>},
      {{"memory-backend", "ID", "the -object that is the machine's RAM"},
       set_memory_backend, "link<memory-backend>", shown_memory},
      {{"pflash0", "ID", "what the first bank of flash has: a -drive or -blockdev"},
       set_flash<0>, "str", shown_flash<0>},
      {{"pflash1", "ID", "what the second bank of flash has"},
       set_flash<1>, "str", shown_flash<1>},
      {{"usb", "off", "accepted for others' sake"}, set_absent, "bool", shown_absent},
  };
  return kRows;
}

std::vector<MachineProperty> properties() {
  std::vector<MachineProperty> infos;
  for (const Row& row : rows()) infos.push_back(row.info);
  return infos;
}

Result<void> set_property(Properties& properties, const KeyValue& item) {
  for (const Row& row : rows()) {
    if (row.info.name != item.key) continue;
    const auto done = row.set(properties, item.value);
    if (done) return {};
    return fail("-M virt,{}={}: {}", item.key, item.value, done.error().message);
  }
  std::vector<std::string_view> names;
  for (const Row& row : rows()) names.push_back(row.info.name);
  return fail("-M virt: no property '{}'; there are {}", item.key, fmt::join(names, ", "));
}

Result<Properties> read_properties(const Options& options) {
  Properties properties;
  properties.graphics = !options.nographic;
  for (const KeyValue& item : options.machine_properties) TRY(set_property(properties, item));
  return properties;
}

Result<std::vector<object::PropertyInfo>> values(const Options& options) {
  const auto properties = TRY(read_properties(options));
  std::vector<object::PropertyInfo> all;
  for (const Row& row : rows())
    all.push_back({.name = std::string{row.info.name},
                   .type = std::string{row.type},
                   .description = std::string{row.info.help},
                   .value = row.get(properties)});
  return all;
}

Result<devices::FwCfg::File> read_fw_cfg(Fields& fields) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
  devices::FwCfg::File file{.name = fields.text("name").value_or(""), .bytes = {}};
  if (!file.name.starts_with("opt/"))
    log::warn("-fw_cfg {}: names that begin with opt/ are the user's; others may be taken", file.name);
  const auto path = fields.text("file");
  const auto string = fields.text("string");
  file.bytes = path ? devices::FwCfg::bytes_of(TRY(boards::read_file(*path, kMost)))
                    : devices::FwCfg::bytes_of(string.value_or(""));
  return file;
}

/// Randomness for the kernel; none where the same input is to give the same run.
std::optional<std::array<std::byte, 32>> rng_seed(const Options& options) {
  std::array<std::byte, 32> seed{};
  if (options.threading == Threading::kSingle || getentropy(seed.data(), seed.size()) != 0)
    return std::nullopt;
  return seed;
}

/// For memory that is added.
void set_room(const Options& options, virt::Options& board) {
  board.most_ram = options.memory_max.value_or(0);
  board.memory_slots = static_cast<std::uint32_t>(options.memory_slots);
}

/// Of a port that the board does not have, that may be said.
bool leads_nowhere(const Options& options, const std::string& id) {
  const auto group = std::ranges::find(options.chardevs, id, &OptionGroup::id);
  return id.empty() || (group != options.chardevs.end() && *group->find("backend") == "null");
}

Result<void> check_virt(const Options& options) {
  TRY(cpu_model(options));
  for (const std::string& id : options.serials | std::views::drop(1))
    if (!leads_nowhere(options, id)) return fail("-serial: machine 'virt' has one serial port");
  const auto properties = TRY(read_properties(options));
  virt::Options board;
  board.harts = options.topology.cpus;
  board.most_harts = options.topology.max_cpus;
  board.ram_size = options.memory.value_or(kDefaultRam);
  set_room(options, board);
  return set_memory(options, properties.memory_backend, board);
}

Result<chardev::Chardev*> semihosting_console(const Options& options, Host& host) {
  const std::string& id = options.semihosting.chardev;
  if (host.semihosting == nullptr || id.empty()) return nullptr;
  if (chardev::Chardev* console = host.backends.find(id)) return console;
  return fail("-semihosting-config chardev={}: there is no -chardev of that id", id);
}

/// All but what the process has.
Result<virt::Options> board_options(const Options& options, const Properties& properties,
                                    const FlashDrives& made, const block::Nodes& drives) {
  // What may fail comes first: g++ forgets the members it has made when TRY leaves an initializer.
  const auto cpu = TRY(cpu_model(options));
  auto bios = TRY(boards::find_firmware(options.bios, options.data_folders));
  auto flash = TRY(flash_of(properties.flash, made, drives));
  auto put_there = TRY(loads(options));
  virt::Options board{.harts = options.topology.cpus,
                      .most_harts = options.topology.max_cpus,
                      .cpu = cpu,
                      .ram_size = options.memory.value_or(kDefaultRam),
                      .interruptor = properties.interruptor,
                      .interrupts = properties.interrupts,
                      .guests = properties.guests,
                      .graphics = properties.graphics,
                      .rng_seed = rng_seed(options),
                      .bios = std::move(bios),
                      .kernel = options.kernel,
                      .initrd = options.initrd,
                      .append = options.append.value_or(""),
                      .dtb = options.dtb,
                      .flash = std::move(flash),
                      .loads = std::move(put_there),
                      .rtc = rtc_config(options)};
  set_room(options, board);
  TRY(set_memory(options, properties.memory_backend, board));
  for (const OptionGroup& group : options.fw_cfg)
    board.fw_cfg.push_back(TRY(read_group(group, read_fw_cfg)));
  return board;
}

Result<boards::BoardPlan> plan_virt(const Options& options, Host& host) {
  const auto properties = TRY(read_properties(options));
  auto board = TRY(board_options(options, properties, host.flash, host.drives));
  if (!options.serials.empty()) board.serial = host.backends.find(options.serials.front());
  if (board.serial == nullptr) board.serial = &host.backends.nowhere("serial0");
  board.gang = host.gang;
  board.semihosting = host.semihosting;
  board.semihosting_console = TRY(semihosting_console(options, host));
  return virt::plan(board);
}

Result<std::vector<control::NodeInfo>> nodes(const Options& options) {
  const auto properties = TRY(read_properties(options));
  virt::Options board;
  board.harts = options.topology.cpus;
  board.ram_size = options.memory.value_or(kDefaultRam);
  TRY(set_memory(options, properties.memory_backend, board));
  std::vector<control::NodeInfo> infos;
  std::uint32_t hart = 0;
  for (const virt::MemoryNode& node : board.nodes) {
    control::NodeInfo info{.cpus = {}, .memory = node.ram_size};
    for (std::uint32_t i = 0; i < node.harts; ++i) info.cpus.push_back(hart++);
    infos.push_back(std::move(info));
  }
  return infos;
}

Result<std::string> dump(const Options& options) {
  const auto properties = TRY(read_properties(options));
  if (properties.dump.empty()) return std::string{};
  block::Nodes drives;
  const auto made = TRY(make_drives(options, drives));
  const auto board = TRY(board_options(options, properties, made, drives));
  const auto tree = TRY(virt::device_tree(board));
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file{std::fopen(properties.dump.c_str(), "we"),
                                                             std::fclose};
  if (!file || std::fwrite(tree.data(), 1, tree.size(), file.get()) != tree.size() ||
      std::fflush(file.get()) != 0)
    return fail("-M virt,dumpdtb={}: {}", properties.dump, std::strerror(errno));
  return properties.dump;
}

}  // namespace

const MachineType& virt_machine() {
  static constexpr MachineType kVirt{
      .name = "virt",
      .architecture = "riscv64",
      .help = "RISC-V board for firmware and Linux, up to 64 CPUs",
      .properties = properties,
      .values = values,
      .check = check_virt,
      .plan = plan_virt,
      .dump = dump,
      .most_cpus = virt::kMostHarts,
      .default_cpu = "rv64-riscv-cpu",
      .default_ram = "ram",
      .hotpluggable_cpus = true,
      .cpu_models =
          [] {
            std::vector<CpuModelInfo> models;
            for (const auto& model : cpu::riscv::CpuModel::all()) models.push_back({model.name, model.help});
            return models;
          },
      .cpu_properties = cpu::riscv::properties_text,
      .has_nodes = true,
      .nodes = nodes,
  };
  static_assert(virt::kMostHarts == 64);
  return kVirt;
}

}  // namespace holdfast::app
