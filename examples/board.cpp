// SPDX-License-Identifier: Apache-2.0
#include "board.hpp"

#include <utility>

#include "adder.hpp"

namespace example {

holdfast::Result<holdfast::boards::BoardPlan> plan_board(const BoardOptions& options) {
  holdfast::boards::BoardPlan board{"adder-board"};
  const auto ram = board.ram("ram", options.ram_size);
  const auto adder = board.add<Adder>("adder");

  board.map({
      {kAdderBase, adder.region("regs")},
      {kRamBase, ram},
  });
  board.link({{adder.link("memory"), holdfast::boards::BoardPlan::memory()}});
  return std::move(board).validated();
}

holdfast::boards::BoardPlan plan_plug(const std::string& name, std::uint64_t address) {
  holdfast::boards::BoardPlan plan{"plug of " + name};
  const auto memory = plan.existing("bus").region("memory");
  const auto adder = plan.add<Adder>(name);
  plan.map_into(memory, {{address, adder.region("regs")}});
  plan.link({{adder.link("memory"), memory}});
  return plan;
}

}  // namespace example
