// SPDX-License-Identifier: Apache-2.0
// A whole machine that a fuzz target talks to, by a back-end in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "holdfast/base/check.hpp"
#include "holdfast/boards/device_types.hpp"
#include "holdfast/boards/virt/virt.hpp"
#include "holdfast/chardev/ring_buffer.hpp"
#include "holdfast/machine/machine.hpp"

namespace holdfast::fuzz {

inline const object::TypeRegistry& registry() {
  static const object::TypeRegistry all = [] {
    object::TypeRegistry types;
    const auto done = boards::register_device_types(types);
    HF_CHECK(done.has_value(), "{}", done.error().message);
    return types;
  }();
  return all;
}

/// A small virt board whose time is the client's, and what it has room for.
struct World {
  World() {
    boards::virt::Options options;
    options.ram_size = 4U << 20U;
    boards::BoardPlan plan = boards::virt::plan(options).value();
    machine::Machine::Options with;
    with.services.pace = hw::VirtualClock::Pace::kStepped;
    with.on_shutdown = machine::Machine::OnShutdown::kStay;
    machine = machine::Machine::make(plan, std::move(with)).value();
    board = plan.expansion();
  }

  std::unique_ptr<machine::Machine> machine;
  std::shared_ptr<const boards::Expansion> board;
  chardev::RingBuffer client{"client", std::size_t{1} << 20};
};

/// The client says it in pieces and hears what comes back; the machine does what is due.
inline void say(World& world, std::string_view text) {
  constexpr std::size_t kPiece = 4096;
  const auto work = [&world] {
    // A machine that is told to end by a client has its loop stopped, not its work.
    for (int turns = 0; turns < 1000 && world.machine->loop().run_ready() != 0; ++turns)
      world.client.pump();
    world.client.take();
  };
  work();
  while (!text.empty()) {
    world.client.feed(text.substr(0, kPiece));
    text.remove_prefix(text.size() < kPiece ? text.size() : kPiece);
    work();
  }
  work();
}

inline void end(World& world) {
  const auto left = world.machine->end();
  HF_CHECK(left == Census::Snapshot{}, "left: {}", left.to_string());
}

}  // namespace holdfast::fuzz
