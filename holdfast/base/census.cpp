// SPDX-License-Identifier: Apache-2.0
#include "holdfast/base/census.hpp"

#include <fmt/core.h>

#include <ostream>

namespace holdfast {
namespace {
constexpr std::array kNames{"devices", "parts", "regions", "region controls", "gates", "RAM blocks",
                            "holds", "views", "spaces", "listeners", "wires", "timers",
                            "descriptors", "tickets", "requests", "flat nodes", "retired"};
static_assert(kNames.size() == static_cast<std::size_t>(Census::Kind::kCount));
}  // namespace

std::string Census::Snapshot::to_string() const {
  std::string text;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", kNames[i], counts[i]);
  }
  return text.empty() ? "nothing" : text;
}

Census::Snapshot Census::take() const {
  Snapshot snapshot;
  for (std::size_t i = 0; i < counts_.size(); ++i)
    snapshot.counts[i] = counts_[i].load(std::memory_order_relaxed);
  return snapshot;
}

void PrintTo(const Census::Snapshot& snapshot, std::ostream* out) { *out << snapshot.to_string(); }

}  // namespace holdfast
