// SPDX-License-Identifier: Apache-2.0
// A root port, a bridge in its slot and functions behind that, under any sequence of what a guest writes to them
// and a user does with them: what is found, in configuration space and in memory, is what the registers say.
// At the end nothing is left.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "holdfast/base/extent.hpp"
#include "holdfast/devices/pci/pci_bridges.hpp"
#include "tests/support/pci_slot.hpp"

namespace holdfast::test {
namespace {

namespace reg = pci::reg;
using pci::PciePciBridge;
using machine::Machine;

constexpr std::uint32_t kNobody = 0xffff'ffff;
constexpr unsigned kBuses = 5;   // numbers that are tried: 0 to 4
constexpr unsigned kInner = 3;   // the probe's device number behind the bridge
constexpr unsigned kReset = 0x40;
constexpr std::uint64_t kMegabyte = 0x10'0000;
constexpr std::uint64_t kBase = pci_map::kLow + kMegabyte;
constexpr unsigned kPlaces = 4;  // megabytes that BARs and windows are put to

/// A function as the guest reaches it: by its registers alone.
struct Node {
  unsigned bus;
  unsigned device;
};

class PciTree {
 public:
  PciTree() { slot.settle(); }

  // --- what is done --------------------------------------------------------------------------------
  void insert_probe() { static_cast<void>(slot.insert("probe")); }
  void insert_bridge() {
    if (slot.insert<PciePciBridge>("bridge"))
      RC_ASSERT(slot.plug_on<PciProbe>({"bridge", "secondary"}, "inner", "3"));
  }
  void unplug(const char* name, Machine::Consent consent) {
    slot->unplug(name, consent);
    slot.settle();
  }
  void command(unsigned which) {
    constexpr std::array<std::uint16_t, 6> kCommands{0x100, 0x200, 0x300, 0x700, 0x600, 0x500};
    slot.command(kCommands[which % kCommands.size()]);
  }
  void number(Node node, unsigned secondary, unsigned subordinate) {
    write(node, reg::kSecondaryBus, 1, secondary);
    write(node, reg::kSubordinateBus, 1, subordinate);
  }
  void window(Node node, unsigned first, unsigned last) {
    write(node, reg::kMemoryBase, 2, upper(first));
    write(node, reg::kMemoryLimit, 2, upper(last));
  }
  void bar(Node node, unsigned place) {
    write(node, reg::kBar0, 4, static_cast<std::uint32_t>(kBase + place * kMegabyte));
    write(node, reg::kBar0 + 4, 4, 0);
  }
  void write(Node node, unsigned at, unsigned size, std::uint32_t value) {
    slot.store(PciWorld::config_at(node.device, 0, at, node.bus), size, value);
    slot.settle();
  }

  /// As firmware leaves it: all of it found, and the probe's BAR shown.
  void open_all() {
    slot->reset();
    number(kPort, 1, kBuses - 1);
    enable(kPort);
    if (is_there("bridge")) {
      number(*outer(), 2, 2);
      enable(*outer());
    }
    const Node probe = *(is_there("bridge") ? inner() : outer());
    bar(probe, 0);
    write(probe, reg::kCommand, 2, 7);
  }
  void enable(Node bridge) {
    window(bridge, 0, kPlaces - 1);
    write(bridge, reg::kCommand, 2, 7);
  }

  // --- what follows --------------------------------------------------------------------------------
  std::uint32_t read(Node node, unsigned at, unsigned size) {
    return static_cast<std::uint32_t>(slot.load(PciWorld::config_at(node.device, 0, at, node.bus), size));
  }
  /// The bus numbers that a bridge passes on.
  std::optional<Extent> numbers(Node node) {
    const std::uint64_t first = read(node, reg::kSecondaryBus, 1);
    const std::uint64_t last = read(node, reg::kSubordinateBus, 1);
    if (is_in_reset(node) || first == 0 || last < first) return std::nullopt;
    return Extent{first, last};
  }
  bool passes(Node node, std::uint64_t address) {
    const std::uint64_t first = std::uint64_t{read(node, reg::kMemoryBase, 2)} << 16U;
    const std::uint64_t last = std::uint64_t{read(node, reg::kMemoryLimit, 2)} << 16U | 0xf'ffff;
    return decodes(node) && !is_in_reset(node) && address >= first && address <= last;
  }
  bool is_in_reset(Node node) { return (read(node, reg::kBridgeControl, 2) & kReset) != 0; }
  bool decodes(Node node) { return (read(node, reg::kCommand, 2) & 2) != 0; }

  /// Where in configuration space the device in the slot is, and the one behind it.
  std::optional<Node> outer() {
    const auto behind = numbers(kPort);
    if (!behind || !slot.link()) return std::nullopt;
    return Node{static_cast<unsigned>(behind->first), 0};
  }
  std::optional<Node> inner() {
    const auto bridge = outer();
    if (!bridge || !is_there("bridge")) return std::nullopt;
    const auto behind = numbers(*bridge);
    if (!behind || behind->first <= bridge->bus || behind->first > numbers(kPort)->last) return std::nullopt;
    return Node{static_cast<unsigned>(behind->first), kInner};
  }
  /// The probe has no power, or its bus or one above is in reset.
  bool is_cut_off() {
    if (!slot.link() || is_in_reset(kPort)) return true;
    const auto bridge = outer();
    return bridge && is_there("bridge") && is_in_reset(*bridge);
  }
  /// The buses before and behind the bridge have the same number: what is found there is of no use to anybody.
  bool is_confused() {
    const auto bridge = outer();
    return bridge && is_there("bridge") && read(*bridge, reg::kSecondaryBus, 1) == bridge->bus;
  }
  bool is_there(const char* name) { return slot->find_now(name) != nullptr; }

  void check() {
    RC_ASSERT(!slot.link() || is_there("probe") || is_there("bridge"));
    if (is_confused()) return;
    const auto first = outer();
    const auto second = inner();
    for (unsigned bus = 1; bus < kBuses; ++bus) {
      const bool has_first = first && first->bus == bus;
      const bool has_second = second && second->bus == bus;
      const std::uint32_t id = is_there("bridge") ? 0x000e'1b36U : SlotWorld::kProbeId;
      RC_ASSERT(read({bus, 0}, 0, 4) == (has_first ? id : kNobody));
      RC_ASSERT(read({bus, kInner}, 0, 4) == (has_second ? SlotWorld::kProbeId : kNobody));
    }
    const auto probe = is_there("bridge") ? second : first;
    if (!probe && !is_cut_off()) return;  // what is not reached by its registers may show all the same
    for (unsigned place = 0; place < kPlaces; ++place) {
      const std::uint64_t at = kBase + place * kMegabyte;
      bool shows = probe && decodes(*probe) && (read(*probe, reg::kBar0, 4) & ~0xfU) == at && passes(kPort, at);
      if (shows && is_there("bridge")) shows = passes(*first, at);
      RC_ASSERT((slot.read32(at + PciProbe::kHits) != kNobody) == shows);
    }
  }

  static std::uint32_t upper(unsigned place) {
    return static_cast<std::uint32_t>(kBase + place * kMegabyte) >> 16U;
  }
  static constexpr Node kPort{0, SlotWorld::kPort};
  SlotWorld slot;
};

struct Step {
  unsigned what;
  unsigned which;
  unsigned more;
};

/// For rapidcheck, which finds it by its argument.
std::ostream& operator<<(std::ostream& out, const Step& step) {
  return out << step.what << '/' << step.which << '/' << step.more;
}

void perform(PciTree& tree, const Step& step) {
  const auto bridge = tree.is_there("bridge") ? tree.outer() : std::nullopt;
  const auto probe = tree.is_there("bridge") ? tree.inner() : tree.outer();
  const Node target = step.more % 2 == 0 && bridge ? *bridge : PciTree::kPort;
  const unsigned number = step.which % kBuses;
  const unsigned place = step.which % kPlaces;
  switch (step.what) {
    case 0: return tree.insert_probe();
    case 1: return tree.insert_bridge();
    case 2: return tree.unplug(step.which % 2 == 0 ? "probe" : "bridge", Machine::Consent::kAsk);
    case 3: return tree.unplug(step.which % 2 == 0 ? "probe" : "bridge", Machine::Consent::kSurprise);
    case 4: return tree.slot->reset();
    case 5: return tree.write(target, reg::kBridgeControl, 2, step.which % 3 == 0 ? kReset : 0);
    case 6: return tree.write(target, reg::kCommand, 2, step.which % 4 == 0 ? 0 : 7);
    case 7:
    case 8: return tree.number(target, number, number + step.more % 4);
    case 9:
    case 10: return tree.window(target, place, place + step.more / 2 % 3);
    case 11:
    case 12:
      if (probe) tree.bar(*probe, place);
      return;
    case 13:
      if (probe) tree.write(*probe, reg::kCommand, 2, step.which % 4 == 0 ? 0 : 7);
      return;
    default:
      tree.command(step.which);
      tree.slot.settle();
  }
}

RC_GTEST_PROP(PciTreeProperty, WhatIsFoundIsWhatTheRegistersSay, ()) {
  const auto steps = *rc::gen::container<std::vector<Step>>(
      rc::gen::construct<Step>(rc::gen::inRange(0U, 18U), rc::gen::inRange(0U, 60U), rc::gen::inRange(0U, 12U)));
  PciTree tree;
  const auto before = tree.slot->census();
  if (*rc::gen::arbitrary<bool>())
    tree.insert_probe();
  else
    tree.insert_bridge();
  tree.open_all();
  tree.check();
  for (const Step& step : steps) {
    perform(tree, step);
    tree.check();
  }
  for (const char* name : {"probe", "bridge"}) tree.unplug(name, Machine::Consent::kSurprise);
  RC_ASSERT(tree.slot->census() == before);
}

}  // namespace
}  // namespace holdfast::test
