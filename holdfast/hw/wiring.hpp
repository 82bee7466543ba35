// SPDX-License-Identifier: Apache-2.0
// The connections that a device made of devices has inside: wires and clocks between its children.
// Said in the constructor, laid in prepare; gone with the children.
//
//   hw::Child<Exti> exti_{*this, "exti"};
//   hw::Child<Nvic> nvic_{*this, "nvic"};
//   hw::Wiring wiring_{*this};
//   Soc(…) { wiring_.wire(exti_->irq(), 0, nvic_->inputs(), 6); }
//
// INVARIANT: declared behind the children that it connects, so that these are prepared before.
#pragma once

#include <utility>
#include <vector>

#include "holdfast/hw/clock_tree.hpp"
#include "holdfast/hw/irq.hpp"

namespace holdfast::hw {

class Wiring final : public Part {
 public:
  struct Line {
    IrqOutArray* from;
    unsigned from_line;
    IrqInArray* to;
    unsigned to_line;
  };

  explicit Wiring(Device& device) : Part{device, "wiring", "wiring"} {}

  void wire(IrqOutArray& from, unsigned from_line, IrqInArray& to, unsigned to_line) {
    lines_.push_back({&from, from_line, &to, to_line});
  }
  void clock(Clock& from, ClockIn& to) { clocks_.emplace_back(&from, &to); }

  /// For whoever checks that no output leads nowhere.
  const std::vector<Line>& lines() const { return lines_; }

 private:
  Result<void> prepare() override;

  std::vector<Line> lines_;                          // between parts of the device and its children
  std::vector<std::pair<Clock*, ClockIn*>> clocks_;  // the same
};

}  // namespace holdfast::hw
