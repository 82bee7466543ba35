// SPDX-License-Identifier: Apache-2.0
// Every registered type on every registered board that can take it: the paths of a device's life on a
// whole machine, with the census of it as it was at each end. Cells of a board share a machine, which the
// comparison shows to be as it was; a cell that failed leaves none behind.
// HOLDFAST_LONG=1 plugs and unplugs each a thousand times.
#include <algorithm>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/lifecycle/board_cells.hpp"
#include "tests/lifecycle/docs_table.hpp"
#include "tests/lifecycle/properties.hpp"
#include "tests/support/footprint.hpp"
#include "tests/support/schedule.hpp"

namespace holdfast::test {
namespace {

using Stage = hw::Ticket::Stage;

class OnBoard : public ::testing::TestWithParam<Cell> {
 protected:
  OnBoard() {
    if (!kept()) kept() = GetParam().board->make();
    whole_ = census();
    whole_tree_ = tree();
    whole_places_ = kept()->free_places();
    // The board's own device is out of it at the beginning of each path; what sits on it goes with it.
    if (GetParam().way == Way::kOwn) {
      EXPECT_TRUE(GetParam().unplug(*kept())->wait());
    }
    before = census();
    tree_before = tree();
  }
  ~OnBoard() override {
    if (GetParam().way == Way::kOwn) {
      EXPECT_TRUE(GetParam().plug(*kept()));
      kept()->furnish();
    }
    EXPECT_EQ(census(), whole_);
    EXPECT_EQ(kept()->free_places(), whole_places_);
    auto tree_now = tree();
    std::ranges::sort(tree_now);  // what was put back stands behind the others
    std::ranges::sort(whole_tree_);
    EXPECT_EQ(tree_now, whole_tree_);
    if (HasFailure()) kept().reset();
  }
  /// Tests of one board come one after another only within a path, so the machines are all kept.
  static void TearDownTestSuite() { machines().clear(); }

  BoardMachine& board() { return *kept(); }
  machine::Machine& machine() { return *kept()->machine(); }
  const Cell& cell() { return GetParam(); }
  Census::Snapshot census() { return kept()->machine().census(); }
  std::vector<std::string> tree() {
    std::vector<std::string> paths;
    const auto all = (*kept())->tree().walk("/").value();
    for (const auto& entry : all) paths.push_back(entry.path);
    return paths;
  }

  void plug() {
    const auto plugged = cell().plug(board());
    ASSERT_TRUE(plugged) << plugged.error().message;
  }
  /// Every property of everything that is there can be read.
  void look_at_all() {
    const auto all = machine().tree().walk("/").value();
    for (const auto& entry : all) {
      const object::Object* object = entry.object.get();
      if (object == nullptr) continue;
      look_at(*object, property_names(*object));
    }
  }
  static void look_at(const object::Object& object, const std::set<std::string>& names) {
    for (const std::string& name : names) {
      const auto value = object.get_property(name);
      EXPECT_TRUE(value) << object.path() << ": " << name << ": " << (value ? "" : value.error().message);
    }
  }
  /// Says why, if nobody is ever inside of it.
  bool is_never_inside() {
    const std::string reason = cell().never_inside(board());
    if (!reason.empty()) std::cout << cell().subject.type->name << ": does not apply: " << reason << "\n";
    return !reason.empty();
  }
  /// A thread that stands inside the device.
  class Insider {
   public:
    Insider(const Cell& cell, BoardMachine& board)
        : inside_{schedule_.stop_at("gate.entered", "cpu")},
          cpu_{"cpu", [&cell, &board, at = *cell.where(board)] { cell.enter(board.machine(), at); }} {
      inside_.wait_reached();
    }
    void leave() {
      inside_.release();
      cpu_.join();
    }

   private:
    testing::Schedule schedule_;
    testing::Stop& inside_;
    testing::Thread cpu_;
  };

  Census::Snapshot before;
  std::vector<std::string> tree_before;

 private:
  static std::map<const Board*, std::unique_ptr<BoardMachine>>& machines() {
    static std::map<const Board*, std::unique_ptr<BoardMachine>> all;
    return all;
  }
  static std::unique_ptr<BoardMachine>& kept() { return machines()[GetParam().board]; }

  Census::Snapshot whole_;
  std::vector<std::string> whole_tree_;
  std::vector<std::uint32_t> whole_places_;
};

INSTANTIATE_TEST_SUITE_P(Registered, OnBoard, ::testing::ValuesIn(BoardMatrix::get().cells), name_of_cell);

TEST_P(OnBoard, BuiltLookedAtAndDropped) {
  {
    const auto device = cell().build(machine());
    EXPECT_FALSE(device->realized());
    for (hw::Device* one : device->subtree())
      for (const std::string& name : property_names(*one)) EXPECT_TRUE(one->get_property(name)) << name;
  }
  EXPECT_EQ(census(), before);
  EXPECT_EQ(tree(), tree_before);
}

TEST_P(OnBoard, LookedAtWhileItLivesAndAsItGoes) {
  plug();
  const auto with_it = census();
  std::map<hw::Device*, std::set<std::string>> known;
  for (hw::Device* one : machine().find(cell().name()).get()->subtree()) known[one] = property_names(*one);
  for (const auto& [device, names] : known) look_at(*device, names);
  EXPECT_EQ(census(), with_it);
  {
    testing::Schedule schedule;
    schedule.run_at("hw.sever.committed", "main", [&] {
      for (const auto& [device, names] : known)
        for (const std::string& name : names) {
          const auto value = device->get_property(name);
          ASSERT_FALSE(value) << name;
          EXPECT_EQ(value.error().message, device->full_path() + ": is being removed");
        }
    });
    EXPECT_TRUE(cell().unplug(board())->wait());
  }
  if (cell().way == Way::kOwn) look_at_all();  // the others, without it
  EXPECT_EQ(census(), before);
  EXPECT_EQ(tree(), tree_before);
}

TEST_P(OnBoard, PluggedAndUnpluggedSeveralTimes) {
  const auto cycle = [this](int times) {
    for (int i = 0; i < times && !HasFailure(); ++i) {
      plug();
      cell().let_in(board());
      EXPECT_TRUE(cell().answers(board()) || !cell().never_inside(board()).empty());
      EXPECT_TRUE(cell().unplug(board())->wait());
      EXPECT_FALSE(cell().answers(board()));
      EXPECT_EQ(census(), before);
    }
  };
  const char* value = std::getenv("HOLDFAST_LONG");
  if (value == nullptr || *value != '1') return cycle(3);
  cycle(100);  // what is kept for good is there by now
  const auto was = Footprint::now();
  cycle(1000);
  const auto is = Footprint::now();
  constexpr std::size_t kNoise = 16 * 1024;  // containers that had to grow once more
  EXPECT_LE(is.heap, was.heap + kNoise);
  EXPECT_LE(is.mappings, was.mappings + 4);
  EXPECT_EQ(is.descriptors, was.descriptors);
}

TEST_P(OnBoard, PrepareFailingAtEachPart) {
  hw::FaultPlan never{.fail_at = ~std::size_t{0}};
  machine().context().faults = &never;
  plug();
  machine().context().faults = nullptr;
  EXPECT_TRUE(cell().unplug(board())->wait());
  ASSERT_GT(never.seen, 0U);
  // Each of them on a bare board is the affair of lifecycle_devices_test; of a whole chip's, so many here.
  constexpr std::size_t kMost = 32;
  const std::size_t step = (never.seen + kMost - 1) / kMost;
  for (std::size_t k = 0; k < never.seen; k += step) {
    hw::FaultPlan fault{.fail_at = k};
    machine().context().faults = &fault;
    EXPECT_FALSE(cell().plug(board())) << "part " << k << " of " << never.seen;
    machine().context().faults = nullptr;
    EXPECT_EQ(census(), before) << "part " << k << " of " << never.seen;
  }
  EXPECT_EQ(tree(), tree_before);
}

TEST_P(OnBoard, PluggedWithAnIdInUse) {
  plug();
  const auto with_one = census();
  const auto second = cell().plug(board());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message,
            cell().way == Way::kOwn
                ? cell().own + ": there is a device of that name"
                : "id '" + cell().id() + "' is taken; it takes one that no device has");
  EXPECT_EQ(census(), with_one);
  EXPECT_TRUE(cell().unplug(board())->wait());
  EXPECT_EQ(census(), before);
}

TEST_P(OnBoard, UnpluggedTwice) {
  plug();
  const auto first = cell().unplug(board());
  const auto second = cell().unplug(board());
  EXPECT_TRUE(first->wait());
  EXPECT_EQ(second->wait().error().message, "device '" + cell().name() + "': not found");
  EXPECT_EQ(census(), before);
}

TEST_P(OnBoard, UnpluggedInAnAccess) {
  if (is_never_inside()) return;
  plug();
  cell().let_in(board());
  Insider insider{cell(), board()};
  const auto ticket = cell().unplug(board());
  machine().control().run_pending();
  EXPECT_NE(ticket->stage(), Stage::kRequested);
  EXPECT_FALSE(cell().answers(board())) << "new accesses miss";
  EXPECT_FALSE(ticket->done()) << ticket->report().to_string();
  insider.leave();
  EXPECT_TRUE(ticket->wait());
  EXPECT_EQ(census(), before);
}

TEST_P(OnBoard, UnpluggedFromItsOwnCallback) {
  if (is_never_inside()) return;
  plug();
  cell().let_in(board());
  Ref<hw::Ticket> ticket;
  {
    testing::Schedule schedule;
    schedule.run_at("gate.entered", "cpu", [&] { ticket = cell().unplug(board()); });
    testing::Thread cpu{"cpu", [&, at = *cell().where(board())] { cell().enter(board().machine(), at); }};
  }
  ASSERT_TRUE(ticket);
  EXPECT_TRUE(ticket->wait());
  EXPECT_EQ(census(), before);
}

TEST_P(OnBoard, ResetInEachPhase) {
  machine().reset();  // not there
  {  // asked for between two parts' prepares
    testing::Schedule schedule;
    schedule.run_at("hw.prepare.part", "main", [&] { machine().request_reset(); });
    plug();
  }
  machine().reset();  // live
  machine().request_reset();
  auto ticket = cell().unplug(board());  // its end is queued between two resets
  machine().request_reset();
  EXPECT_TRUE(ticket->wait());
  EXPECT_EQ(census(), before);
  if (is_never_inside()) return;
  plug();
  cell().let_in(board());
  {  // severed, not drained
    Insider insider{cell(), board()};
    ticket = cell().unplug(board());
    machine().request_reset();
    machine().control().run_pending();
    EXPECT_FALSE(ticket->done());
    insider.leave();
    EXPECT_TRUE(ticket->wait());
  }
  machine().reset();  // gone
  EXPECT_EQ(census(), before);
}

// --- a machine's end -------------------------------------------------------------------------------

/// All that a board can take is there at once, whichever way it came.
class FullBoard : public ::testing::TestWithParam<const Board*> {
 protected:
  FullBoard() : board{GetParam()->make()} {
    for (const Cell& cell : BoardMatrix::get().cells)
      if (cell.board == GetParam()) cells.push_back(&cell);
  }
  void plug_all() {
    for (const Cell* cell : cells) {
      if (cell->way == Way::kOwn) continue;
      const auto plugged = cell->plug(*board);
      EXPECT_TRUE(plugged) << cell->name() << ": " << (plugged ? "" : plugged.error().message);
    }
    for (const Cell* cell : cells) cell->let_in(*board);
  }
  /// First what may sit on something else.
  void unplug_all() {
    for (auto cell = cells.rbegin(); cell != cells.rend(); ++cell)
      if ((*cell)->way != Way::kOwn) tickets.push_back((*cell)->unplug(*board));
    for (auto cell = cells.rbegin(); cell != cells.rend(); ++cell)
      if ((*cell)->way == Way::kOwn) tickets.push_back((*cell)->unplug(*board));
  }
  /// A thread inside each that one can be inside of; they leave when the machine has taken away all.
  void end_with_insiders(const std::function<void()>& meanwhile) {
    testing::Schedule schedule;
    std::list<std::string> roles;
    std::list<testing::Thread> cpus;
    std::vector<testing::Stop*> inside;
    for (const Cell* cell : cells) {
      if (!cell->never_inside(*board).empty()) continue;
      const std::string& role = roles.emplace_back(fmt::format("cpu{}", roles.size()));
      inside.push_back(&schedule.stop_at("gate.entered", role));
      cpus.emplace_back(role.c_str(), [this, cell, at = *cell->where(*board)] {
        cell->enter(board->machine(), at);
      });
      inside.back()->wait_reached();
    }
    meanwhile();
    schedule.run_at("machine.end.before_settling", "main", [&] {
      for (testing::Stop* one : inside) one->release();
      for (testing::Thread& cpu : cpus) cpu.join();  // they end before their machine's memory does
    });
    end();
  }
  void end() {
    board->machine().end();
    for (const auto& ticket : tickets) EXPECT_TRUE(ticket->done()) << ticket->report().to_string();
  }

  std::unique_ptr<BoardMachine> board;
  std::vector<const Cell*> cells;
  std::vector<Ref<hw::Ticket>> tickets;
};

std::vector<const Board*> each_board() {
  std::vector<const Board*> all;
  for (const Board& one : BoardMatrix::get().boards) all.push_back(&one);
  return all;
}

INSTANTIATE_TEST_SUITE_P(Registered, FullBoard, ::testing::ValuesIn(each_board()), name_of_board);

TEST_P(FullBoard, TheMachineEndsWhileAllAreLive) {
  plug_all();
  end();
}

TEST_P(FullBoard, TheMachineEndsWhileAllAreAskedToGo) {
  plug_all();
  unplug_all();
  end();
}

TEST_P(FullBoard, TheMachineEndsWhileAllAreSeveredAndSomebodyIsInsideEach) {
  plug_all();
  end_with_insiders([this] {
    unplug_all();
    (*board)->control().run_pending();
  });
}

TEST_P(FullBoard, TheMachineEndsWithSomebodyInsideEach) {
  plug_all();
  end_with_insiders([] {});
}

TEST_P(FullBoard, WhatTheBoardHasGoesWithAllThatSitsOnIt) {
  plug_all();
  for (const Cell* cell : cells)
    if (cell->way == Way::kOwn) tickets.push_back(cell->unplug(*board));
  for (const auto& ticket : tickets) EXPECT_TRUE(ticket->wait());
  for (const Cell* cell : cells) {
    const bool goes = cell->way == Way::kOwn || cell->subject.sits();
    EXPECT_EQ(!(*board)->find(cell->name()), goes) << cell->name();
  }
  end();
}

TEST_P(FullBoard, AllComeAndGoAndTheBoardIsAsItWas) {
  const auto before = board->machine().census();
  plug_all();
  (*board)->reset();
  for (auto cell = cells.rbegin(); cell != cells.rend(); ++cell)
    if ((*cell)->way != Way::kOwn) tickets.push_back((*cell)->unplug(*board));
  for (const auto& ticket : tickets) EXPECT_TRUE(ticket->wait());
  auto after = board->machine().census();
  // A tree that was edited back may hold the same ranges in nodes that are less full.
  EXPECT_LE(after[Census::Kind::kFlatNode], 2 * before[Census::Kind::kFlatNode]);
  constexpr auto kNodes = static_cast<std::size_t>(Census::Kind::kFlatNode);
  after.counts[kNodes] = before.counts[kNodes];
  EXPECT_EQ(after, before);
}

// --- what does not go -------------------------------------------------------------------------------

/// One machine for each board, as nothing comes of it.
class NotOnBoard : public ::testing::TestWithParam<Refusal> {
 protected:
  NotOnBoard() {
    if (!kept()) kept() = GetParam().board->make();
  }
  static void TearDownTestSuite() { machines().clear(); }
  static std::map<const Board*, std::unique_ptr<BoardMachine>>& machines() {
    static std::map<const Board*, std::unique_ptr<BoardMachine>> all;
    return all;
  }
  static std::unique_ptr<BoardMachine>& kept() { return machines()[GetParam().board]; }
};

INSTANTIATE_TEST_SUITE_P(Registered, NotOnBoard, ::testing::ValuesIn(BoardMatrix::get().refusals),
                         name_of_refusal);

TEST_P(NotOnBoard, IsRefusedForItsReasonAndChangesNothing) {
  const Refusal& refusal = GetParam();
  BoardMachine& board = *kept();
  const auto before = board.machine().census();
  const Cell cell{.board = refusal.board, .subject = refusal.subject, .way = Way::kAdded};
  const auto plugged = cell.plug(board);
  ASSERT_FALSE(plugged);
  EXPECT_NE(plugged.error().message.find(refusal.expected), std::string::npos) << plugged.error().message;
  EXPECT_EQ(board.machine().census(), before);
}

TEST(BoardMatrix, IsTheOneOfTheDocs) {
  expect_in_docs(board_table(BoardMatrix::get()));
}

}  // namespace
}  // namespace holdfast::test
