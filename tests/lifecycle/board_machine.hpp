// SPDX-License-Identifier: Apache-2.0
// Boards as users get them: every registered machine, in each variant of its properties that changes what
// its devices see, with room for what can be added. A new machine, or a new value of one's property, is
// there by being registered.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "holdfast/app/backends.hpp"
#include "holdfast/app/images.hpp"
#include "holdfast/app/machines.hpp"
#include "holdfast/app/memory_objects.hpp"
#include "holdfast/app/options.hpp"
#include "holdfast/boards/device_types.hpp"
#include "holdfast/boards/expansion.hpp"
#include "holdfast/devices/pci/bus.hpp"
#include "holdfast/devices/pci/registers.hpp"
#include "holdfast/machine/device_adder.hpp"
#include "holdfast/machine/machine.hpp"
#include "tests/support/test_machine.hpp"

namespace holdfast::test {

using machine::DeviceAdder;
using machine::DeviceWish;

inline const object::TypeRegistry& registered_types() {
  static const object::TypeRegistry kTypes = [] {
    object::TypeRegistry types;
    EXPECT_TRUE(boards::register_device_types(types));
    return types;
  }();
  return kTypes;
}

inline app::Options options_of(const std::vector<std::string>& words) {
  std::vector<const char*> arguments;
  for (const std::string& word : words) arguments.push_back(word.c_str());
  auto options = app::parse_options(arguments);
  EXPECT_TRUE(options) << (options ? "" : options.error().message);
  return options.value();
}

/// A machine with the devices of its board, which no CPU executes on, and a port onto its bus. It has a
/// drive "disk" and memory "mem" for devices; where there is a PCI bus, root ports and an NVMe controller.
class BoardMachine {
 public:
  /// How many root ports there are, so that as many devices can be in slots.
  static constexpr unsigned kPorts = 8;

  BoardMachine(const app::MachineType& type, const app::Options& options)
      : plan_{plan_of(type, options)} {
    const auto realized = machine_->realize(plan_);
    EXPECT_TRUE(realized) << (realized ? "" : realized.error().message);
    const app::Options others = options_of({"-blockdev", "driver=null-co,node-name=disk,size=1M", "-object",
                                            "memory-backend-ram,id=mem,size=2M"});
    EXPECT_TRUE(app::make_drives(others, machine_->drives()));
    EXPECT_TRUE(app::make_memory(*machine_, others, {}));
    furnish();
  }

  TestMachine& machine() { return machine_; }
  machine::Machine* operator->() { return &*machine_; }
  const boards::BoardPlan& plan() const { return plan_; }
  const boards::Expansion* room() const { return plan_.expansion().get(); }

  /// The places for CPUs and for modules of RAM that nobody has: a census counts them nowhere.
  std::vector<std::uint32_t> free_places() const {
    std::vector<std::uint32_t> all;
    if (room() == nullptr) return all;
    if (const auto places = room()->cpu_places()) all = places->free();
    if (const auto memory = room()->memory_room()) {
      const auto slots = memory->slots->free();
      all.insert(all.end(), slots.begin(), slots.end());
    }
    return all;
  }
  Result<std::string> add(const DeviceWish& wish, DeviceAdder::Time time = DeviceAdder::Time::kRunning) {
    return DeviceAdder{*machine_, registered_types(), plan_.expansion(), {}, time}.add(wish);
  }

  /// Puts root ports and the controller onto the PCI bus, if there is one and they are not there.
  void furnish() {
    const std::string bus = root_bus();
    if (bus.empty() || machine_->tree().has("/machine/peripheral/controller")) return;
    const auto put = [&](DeviceWish wish, unsigned device) {
      wish.values.push_back({"bus", bus});
      wish.values.push_back({"addr", fmt::format("{:x}", device)});
      const auto added = add(wish, DeviceAdder::Time::kStart);
      EXPECT_TRUE(added) << (added ? "" : added.error().message);
    };
    for (unsigned port = 0; port < kPorts; ++port)
      put({.driver = "pcie-root-port", .id = port_name(port)}, kFirstPort + port);
    put({.driver = "nvme", .id = "controller", .values = {{"serial", "1"}}}, kFirstPort + kPorts);
  }
  static std::string port_name(unsigned port) { return fmt::format("port{}", port); }
  /// Behind a root port.
  static unsigned bus_behind(unsigned port) { return port + 1; }

  /// The PCI bus that the board itself has; "" if it has none.
  std::string root_bus() {
    for (const hw::Bus* bus : machine::buses(*machine_))
      if (bus->family() == devices::pci::Bus::kFamily) return bus->bus_name();
    return {};
  }
  /// Where configuration space has the registers of a function 0.
  std::uint64_t config_at(unsigned bus, unsigned device) {
    const std::string region = root_bus() + ".config";
    const auto row = std::ranges::find(plan_.placements(), region,
                                       [](const auto& placement) { return placement.row.region.part; });
    EXPECT_NE(row, plan_.placements().end()) << region;
    return row->row.at + (std::uint64_t{bus} << 20U) + (device << 15U);
  }
  /// What a guest does that finds something in the slot of a port: it numbers the bus and gives it power.
  void power_slot(unsigned port) {
    namespace reg = devices::pci::reg;
    constexpr std::uint32_t kSlotControl = 0x18, kPowerOnAndShining = 0x0100;
    const std::uint64_t at = config_at(0, kFirstPort + port);
    machine_.write32(at + reg::kPrimaryBus, bus_behind(port) << 16U | bus_behind(port) << 8U);
    std::uint32_t offset = *machine_.read32(at + reg::kCapabilities) & 0xffU;
    std::uint32_t header = 0;
    while (header = *machine_.read32(at + offset), (header & 0xffU) != devices::pci::capability::kExpress)
      offset = header >> 8U & 0xffU;
    machine_.write32(at + offset + kSlotControl, kPowerOnAndShining);
  }

 private:
  static constexpr unsigned kFirstPort = 1;

  boards::BoardPlan plan_of(const app::MachineType& type, const app::Options& options) {
    app::Backends backends{*machine_, {}};
    auto flash = app::make_drives(options, machine_->drives()).value();
    app::Host host{.backends = backends,
                   .gang = nullptr,
                   .semihosting = nullptr,
                   .drives = machine_->drives(),
                   .flash = flash};
    auto plan = type.plan(options, host);
    EXPECT_TRUE(plan) << (plan ? "" : plan.error().message);
    return std::move(plan).value();
  }

  TestMachine machine_;
  const boards::BoardPlan plan_;
};

/// A registered machine and how it is asked for.
struct Board {
  std::string name;  // "virt,aia=aplic"
  const app::MachineType* type;
  app::Options options;

  std::unique_ptr<BoardMachine> make() const { return std::make_unique<BoardMachine>(*type, options); }
};

namespace detail {

/// What a device of the plan could see of it: devices, where they show, how they are wired.
inline std::string shape(const boards::BoardPlan& plan) {
  std::string text;
  for (const auto& row : plan.devices()) text += fmt::format("{} {}\n", row.name, row.type->name);
  for (const auto& [container, row] : plan.placements())
    text += fmt::format("{:x} {}\n", row.at, row.region.to_string());
  for (const auto& [from, to] : plan.wires())
    text += fmt::format("{} {}\n", from.to_string(), to.to_string());
  return text;
}

/// With room for CPUs and modules of RAM, if the machine has such.
inline std::vector<std::string> words_for(const app::MachineType& type, const std::string& properties) {
  std::vector<std::string> words{"-accel", "qtest", "-M", std::string{type.name} + properties};
  const auto add = [&](const char* option, const char* value) { words.insert(words.end(), {option, value}); };
  if (!type.default_ram.empty()) {
    add("-bios", "none");
    add("-m", "64M,slots=2,maxmem=1G");
  }
  if (type.hotpluggable_cpus) add("-smp", "2,maxcpus=4");
  return words;
}

/// The values that a property lists: "on|off".
inline std::vector<std::string> alternatives(std::string_view argument) {
  std::vector<std::string> all;
  if (argument.find('|') == argument.npos) return all;
  for (std::size_t begin = 0; begin <= argument.size();) {
    const auto end = std::min(argument.find('|', begin), argument.size());
    all.emplace_back(argument.substr(begin, end - begin));
    begin = end + 1;
  }
  return all;
}

}  // namespace detail

/// All boards. A variant whose plan is that of one before it is left out.
inline std::vector<Board> all_boards() {
  std::vector<Board> all;
  for (const app::MachineType* type : app::machines()) {
    std::vector<std::string> shapes;
    const auto offer = [&](const std::string& name, const std::vector<std::string>& words) {
      Board board{.name = name, .type = type, .options = options_of(words)};
      const auto checked = type->check(board.options);
      EXPECT_TRUE(checked) << (checked ? "" : checked.error().message);
      std::string shape = detail::shape(board.make()->plan());
      if (std::ranges::find(shapes, shape) != shapes.end()) return;
      shapes.push_back(std::move(shape));
      all.push_back(std::move(board));
    };
    const std::string name{type->name};
    offer(name, detail::words_for(*type, ""));
    for (const app::MachineProperty& property : type->properties())
      for (const std::string& value : detail::alternatives(property.argument)) {
        const std::string said = fmt::format(",{}={}", property.name, value);
        offer(name + said, detail::words_for(*type, said));
      }
    if (!type->has_nodes) continue;
    auto words = detail::words_for(*type, "");
    words.insert(words.end(), {"-numa", "node,cpus=0", "-numa", "node,cpus=1-3"});
    offer(name + " with two nodes", words);
  }
  return all;
}

}  // namespace holdfast::test
