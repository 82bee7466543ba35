// SPDX-License-Identifier: Apache-2.0
// A front end behind a gate that takes as much input as it is told to.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "holdfast/chardev/chardev.hpp"

namespace holdfast::chardev {

inline Bytes bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

struct FakeDevice {
  enum class Kind { kReceives, kOnlyWrites };
  explicit FakeDevice(gate::Realm& realm, bool open = true, Kind kind = Kind::kReceives)
      : gate{gate::Gate::make(realm, "uart0")},
        front{FrontEnd::make(gate, holdback, "uart0:chardev", handlers(kind))} {
    if (open) gate->open();
  }
  FrontEnd::Handlers handlers(Kind kind) {
    FrontEnd::Handlers handlers{.room = [this] { ++rooms; },
                                .line_break = [this] { ++breaks; },
                                .event = [this](Event event) { note(event); }};
    if (kind == Kind::kReceives)
      handlers.receive = [this](Bytes bytes) { return receive(bytes); };
    return handlers;
  }
  ~FakeDevice() {
    front->drop();
    if (!gate->is_closed()) gate->close();
  }
  std::size_t receive(Bytes bytes) {
    EXPECT_TRUE(gate->entered_by_me());
    const std::size_t count = std::min(appetite, bytes.size());
    got.append(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count));
    appetite -= count;
    return count;
  }

  void note(Event event) {
    EXPECT_TRUE(gate->entered_by_me());
    events += "OC+-"[static_cast<std::size_t>(event)];
  }

  std::size_t appetite = 1000;
  std::string got;
  int rooms = 0;
  int breaks = 0;
  std::string events;  // O opened, C closed, + focus gained, - lost
  hw::Holdback holdback;
  Ref<gate::Gate> gate;
  Ref<FrontEnd> front;
};

}  // namespace holdfast::chardev
