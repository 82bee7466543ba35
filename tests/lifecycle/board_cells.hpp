// SPDX-License-Identifier: Apache-2.0
// The matrix of types and boards: each registered type on each board, in every way it can get there, or
// the reason why it cannot. Both follow from the type's registration and from what the board has.
#pragma once

#include <algorithm>
#include <cctype>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "tests/lifecycle/board_machine.hpp"
#include "tests/lifecycle/matrix.hpp"

namespace holdfast::test {

/// How a device gets onto a board.
enum class Way : std::uint8_t {
  kAdded,    // a user plugs it while the machine runs; into a slot, if it sits on a PCI bus
  kAtStart,  // it is put onto the board's own PCI bus, where nothing comes or goes later
  kOwn,      // it is the board's, taken out and put back
};

constexpr std::string_view to_string(Way way) {
  switch (way) {
    case Way::kAdded: return "added";
    case Way::kAtStart: return "at start";
    default: return "own";
  }
}

struct Cell {
  const Board* board;
  Subject subject;
  Way way;
  unsigned number = 0;   // of those that are added to its board: where it goes follows from it
  std::string own = {};  // the board's name for it
  unsigned port = 0;     // that has its slot, if it is a function

  bool is_function() const { return subject.is_function() && way != Way::kOwn; }
  bool is_in_slot() const { return is_function() && way == Way::kAdded; }
  std::string id() const { return fmt::format("it{}", number); }
  /// In the machine.
  std::string name() const { return way == Way::kOwn ? own : "peripheral/" + id(); }

  /// The board's device again, as its plan has it.
  boards::BoardPlan fragment(const boards::BoardPlan& whole) const;
  DeviceWish wish(BoardMachine& board_machine) const;
  Result<void> plug(BoardMachine& board_machine) const;
  Ref<hw::Ticket> unplug(BoardMachine& board_machine) const {
    // What the guest has to say to it is another matter.
    return board_machine->unplug(name(), is_in_slot() ? machine::Machine::Consent::kSurprise
                                                      : machine::Machine::Consent::kAsk);
  }
  hw::Owned<hw::Device> build(machine::Machine& machine) const {
    return subject.facet.make({.context = machine.context(), .type = *subject.type, .name = id()});
  }

  /// Before an access: a guest finds what is in a slot when it has switched it on.
  void let_in(BoardMachine& board_machine) const {
    if (is_in_slot()) board_machine.power_slot(port);
  }
  /// Where it answers; none if nothing of it is placed anywhere.
  std::optional<std::uint64_t> where(BoardMachine& board_machine) const;
  /// Why nobody is ever inside of it; empty if somebody can be.
  std::string never_inside(BoardMachine& board_machine) const {
    if (!subject.facet.never_inside.empty()) return std::string{subject.facet.never_inside};
    return where(board_machine) ? "" : "nothing of it is placed anywhere";
  }
  bool answers(BoardMachine& board_machine) const {
    const auto at = where(board_machine);
    const auto value = at ? board_machine.machine().read32(*at) : std::nullopt;
    return value && (!is_function() || *value != 0xffff'ffff);
  }
  /// An access that comes to its gate. From any thread.
  void enter(TestMachine& machine, std::uint64_t at) const {
    if (subject.facet.entered == boards::DeviceFacet::Entered::kByWrite)
      machine.write32(at, 0);
    else
      machine.read32(at);
  }

 private:
  static constexpr unsigned kFirstDevice = 0x10;  // on the PCI bus
  static constexpr std::uint64_t kFirstAddress = std::uint64_t{1} << 40U;
  static constexpr std::uint64_t kStride = std::uint64_t{1} << 32U;
  static constexpr unsigned kFirstInterrupt = 40;

  std::uint64_t address() const { return kFirstAddress + number * kStride; }
};

inline void PrintTo(const Cell& cell, std::ostream* out) {
  *out << cell.subject.type->name << " on " << cell.board->name << ", " << to_string(cell.way);
}

inline boards::BoardPlan Cell::fragment(const boards::BoardPlan& whole) const {
  boards::BoardPlan plan{"put back " + own};
  std::set<std::string> others;
  plan.add(*std::ranges::find(whole.devices(), own, &boards::BoardPlan::DeviceRow::name));
  for (const auto& [container, row] : whole.placements())
    if (row.region.device == own) {
      plan.map_into(container, {row});
      others.insert(container.device);
    }
  for (const auto& row : whole.wires())
    if (row.from.pin.device == own || row.to.pin.device == own) {
      plan.wire({row});
      others.insert({row.from.pin.device, row.to.pin.device});
    }
  for (const auto& row : whole.links())
    if (row.link.device == own) {
      plan.link({row});
      others.insert(row.region.device);
    }
  for (const std::string& other : others)
    if (other != own) plan.existing(other);
  return plan;
}

inline DeviceWish Cell::wish(BoardMachine& board_machine) const {
  DeviceWish wish{.driver = std::string{subject.type->name}, .id = id()};
  const boards::DeviceFacet& facet = subject.facet;
  const auto say = [&](std::string_view key, std::string value) {
    wish.values.push_back({std::string{key}, std::move(value)});
  };
  const machine::DeviceKind kind{subject.type, &facet};
  if (!facet.required.empty()) say(facet.required, "disk");
  const boards::Expansion* room = board_machine.room();
  if (kind.is_memory_module()) {
    say("memdev", "mem");
  } else if (kind.is_cpu()) {
    if (room != nullptr && room->cpu_places() && !room->cpu_places()->free().empty())
      say("core-id", std::to_string(room->cpu_places()->free().back()));
  } else if (is_function()) {
    const std::string bus = board_machine.root_bus();  // none: what a user hears who does not name one
    if (!bus.empty()) say("bus", is_in_slot() ? BoardMachine::port_name(port) : bus);
    if (!is_in_slot()) say("addr", fmt::format("{:x}", kFirstDevice + port));
  } else if (facet.bus.empty() && !facet.region.empty()) {
    say("addr", fmt::format("{:#x}", address()));
  }
  if (!facet.interrupt.empty() && room != nullptr && room->interrupt(0))
    say("irq", std::to_string(kFirstInterrupt + number));
  return wish;
}

inline Result<void> Cell::plug(BoardMachine& board_machine) const {
  if (way == Way::kOwn) return board_machine->realize(fragment(board_machine.plan()));
  using Time = DeviceAdder::Time;
  const auto added =
      board_machine.add(wish(board_machine), way == Way::kAtStart ? Time::kStart : Time::kRunning);
  if (!added) return std::unexpected{added.error()};
  EXPECT_EQ(*added, name());
  return {};
}

inline std::optional<std::uint64_t> Cell::where(BoardMachine& board_machine) const {
  if (is_in_slot()) return board_machine.config_at(BoardMachine::bus_behind(port), 0);
  if (is_function()) return board_machine.config_at(0, kFirstDevice + port);
  if (way == Way::kAdded)
    return subject.facet.region.empty() ? std::nullopt : std::optional{address()};
  for (const auto& [container, row] : board_machine.plan().placements())
    if (row.region.device == own && container == boards::BoardPlan::memory()) return row.at;
  return std::nullopt;
}

/// A type that a board cannot take.
struct Refusal {
  const Board* board;
  Subject subject;
  std::string reason;
  std::string expected;  // what a user who asks for it is told, among others
};
inline void PrintTo(const Refusal& refusal, std::ostream* out) {
  *out << refusal.subject.type->name << " on " << refusal.board->name;
}

struct BoardMatrix {
  std::vector<Board> boards;
  std::vector<Subject> subjects;
  std::vector<Cell> cells;
  std::vector<Refusal> refusals;

  static const BoardMatrix& get() {
    static const BoardMatrix kMatrix;
    return kMatrix;
  }

 private:
  BoardMatrix() : boards{all_boards()}, subjects{test::subjects(&boards::register_device_types)} {
    for (const Board& board : boards) {
      const auto board_machine = board.make();
      unsigned number = 0;
      unsigned port = 0;
      for (const Subject& subject : subjects) add(board, *board_machine, subject, number, port);
    }
  }
  void add(const Board& board, BoardMachine& board_machine, const Subject& subject, unsigned& number,
           unsigned& port);
};

namespace detail {

/// Why a user cannot have one on a board; nothing: one can.
inline std::optional<std::pair<std::string, std::string>> why_not_added(BoardMachine& board_machine,
                                                                        const Subject& subject) {
  using Pair = std::pair<std::string, std::string>;
  const boards::DeviceFacet& facet = subject.facet;
  const machine::DeviceKind kind{subject.type, &facet};
  const boards::Expansion* room = board_machine.room();
  if (!facet.only_built_in.empty())
    return Pair{fmt::format("it comes with the machine; {}", facet.only_built_in),
                std::string{facet.only_built_in}};
  if (kind.is_cpu() && (room == nullptr || room->cpu_sockets().empty()))
    return Pair{"the board has no places for CPUs", "no places for CPUs"};
  if (kind.is_memory_module() && (room == nullptr || !room->memory_room()))
    return Pair{"the board has no slots for memory", "no slots for memory"};
  const auto buses = machine::buses(*board_machine.operator->());
  if (!facet.bus.empty() && std::ranges::find(buses, facet.bus, &hw::Bus::family) == buses.end())
    return Pair{fmt::format("the board has no {} bus", facet.bus), fmt::format("sits on a {} bus", facet.bus)};
  return std::nullopt;
}

/// The board's names for its devices of a type; of those that differ by a number, the first.
inline std::vector<std::string> own_devices(const boards::BoardPlan& plan, const object::Type& type) {
  std::vector<std::string> names;
  std::set<std::string> kinds;
  for (const auto& row : plan.devices()) {
    std::string kind = row.name;
    std::erase_if(kind, [](unsigned char c) { return std::isdigit(c) != 0; });
    if (row.type == &type && kinds.insert(kind).second) names.push_back(row.name);
  }
  return names;
}

inline bool is_part_of_another(BoardMachine& board_machine, const object::Type& type) {
  return std::ranges::any_of(board_machine->devices_now(), [&](hw::Device* device) {
    return std::ranges::any_of(device->subtree(),
                               [&](hw::Device* one) { return one != device && &one->type() == &type; });
  });
}

}  // namespace detail

inline void BoardMatrix::add(const Board& board, BoardMachine& board_machine, const Subject& subject,
                             unsigned& number, unsigned& port) {
  const auto own = detail::own_devices(board_machine.plan(), *subject.type);
  for (const std::string& name : own)
    cells.push_back({.board = &board, .subject = subject, .way = Way::kOwn, .own = name});
  auto why_not = detail::why_not_added(board_machine, subject);
  if (!why_not) {
    if (subject.is_function())
      cells.push_back({.board = &board, .subject = subject, .way = Way::kAtStart, .number = number++, .port = port});
    cells.push_back({.board = &board, .subject = subject, .way = Way::kAdded, .number = number++, .port = port});
    if (subject.is_function()) {
      EXPECT_LT(port, BoardMachine::kPorts) << "each needs a port of its own";
      ++port;
    }
    return;
  }
  if (!own.empty()) return;
  if (detail::is_part_of_another(board_machine, *subject.type)) why_not->first = "it goes with the device it is a part of";
  refusals.push_back({.board = &board, .subject = subject, .reason = why_not->first, .expected = why_not->second});
}

/// As it stands in docs/lifetimes.md: a row for each type, a column for each board.
inline std::string board_table(const BoardMatrix& matrix) {
  std::string text = "| type |";
  for (const Board& board : matrix.boards) text += fmt::format(" `{}` |", board.name);
  text += "\n| --- |";
  for (std::size_t i = 0; i < matrix.boards.size(); ++i) text += " --- |";
  std::vector<std::string> reasons;
  for (const Subject& subject : matrix.subjects) {
    text += fmt::format("\n| `{}` |", subject.type->name);
    for (const Board& board : matrix.boards) {
      const auto here = [&](const auto& one) {
        return one.board == &board && one.subject.type == subject.type;
      };
      if (const auto refusal = std::ranges::find_if(matrix.refusals, here); refusal != matrix.refusals.end()) {
        auto known = std::ranges::find(reasons, refusal->reason);
        if (known == reasons.end()) known = reasons.insert(reasons.end(), refusal->reason);
        text += fmt::format(" {} |", known - reasons.begin() + 1);
        continue;
      }
      std::vector<std::string_view> ways;
      for (const Cell& cell : matrix.cells)
        if (here(cell) && std::ranges::find(ways, to_string(cell.way)) == ways.end())
          ways.push_back(to_string(cell.way));
      text += " ";
      for (const std::string_view way : ways) text.append(way == ways.front() ? "" : ", ").append(way);
      text += " |";
    }
  }
  text += "\n\n";
  for (std::size_t i = 0; i < reasons.size(); ++i) text += fmt::format("{}. {}\n", i + 1, reasons[i]);
  const std::size_t pairs = matrix.boards.size() * matrix.subjects.size();
  text += fmt::format("\n{} types and {} boards are {} pairs: {} are walked, in {} ways; {} carry a reason.\n",
                      matrix.subjects.size(), matrix.boards.size(), pairs, pairs - matrix.refusals.size(),
                      matrix.cells.size(), matrix.refusals.size());
  return text;
}

inline std::string for_test_name(std::string_view text) {
  std::string name;
  for (const char c : text)
    if (std::isalnum(static_cast<unsigned char>(c)) != 0)
      name += c;
    else if (!name.ends_with('_'))
      name += '_';
  return name;
}
inline std::string name_of_cell(const ::testing::TestParamInfo<Cell>& info) {
  const Cell& cell = info.param;
  return for_test_name(fmt::format("{} {} {}", cell.board->name, cell.subject.type->name,
                                   cell.way == Way::kOwn ? cell.own : to_string(cell.way)));
}
inline std::string name_of_refusal(const ::testing::TestParamInfo<Refusal>& info) {
  return for_test_name(fmt::format("{} {}", info.param.board->name, info.param.subject.type->name));
}
inline std::string name_of_board(const ::testing::TestParamInfo<const Board*>& info) {
  return for_test_name(info.param->name);
}

}  // namespace holdfast::test
