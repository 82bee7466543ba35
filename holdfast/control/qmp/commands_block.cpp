// SPDX-License-Identifier: Apache-2.0
// Nodes of block back-ends.
#include <array>
#include <memory>
#include <optional>

#include "holdfast/control/qmp/command.hpp"

namespace holdfast::control::qmp {
namespace {

Answer answer_of(const Result<void>& result) {
  if (!result) return std::unexpected{QmpError{result.error()}};
  return Json::object();
}

Answer add(Call& call) {
  struct State {
    std::optional<Result<void>> now{};
    std::function<void(Answer)> later{};
  };
  const auto state = std::make_shared<State>();
  call.shared.nodes.add(call.machine.loop(), call.arguments, [state](const Result<void>& result) {
    if (state->later)
      state->later(answer_of(result));
    else
      state->now = result;
  });
  if (state->now) return answer_of(*state->now);
  state->later = call.answer_later();
  return Json();
}

Answer remove(Call& call) { return answer_of(call.shared.nodes.remove(call.text("node-name"))); }

Answer list(Call& call) { return call.shared.nodes.list(); }

constexpr auto kRows = std::to_array<CommandRow>({
    {"blockdev-add", add},
    {"blockdev-del", remove},
    {"query-named-block-nodes", list},
});

}  // namespace

std::span<const CommandRow> block_commands() { return kRows; }

}  // namespace holdfast::control::qmp
