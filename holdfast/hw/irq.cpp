// SPDX-License-Identifier: Apache-2.0
#include "holdfast/hw/irq.hpp"

#include <fmt/core.h>

#include "holdfast/hw/clock.hpp"

namespace holdfast::hw {
namespace {

std::string path_of(const Part& part, unsigned line, unsigned count) {
  return count == 1 ? part.path() : fmt::format("{}[{}]", part.path(), line);
}

}  // namespace

IrqOutArray::IrqOutArray(Device& device, std::string name, unsigned count)
    : Part{device, "irq out", std::move(name)} {
  for (unsigned line = 0; line < count; ++line)
    pins_.push_back(
        OutPin::make(Ref<gate::Gate>::share(&device.gate()), path_of(*this, line, count)));
}

IrqOutArray::~IrqOutArray() { sever_pins(); }

void IrqOutArray::sever_pins() {
  for (const auto& pin : pins_) pin->sever();
}

void IrqOutArray::reset(ResetPhase phase) {
  if (phase != ResetPhase::kHold) return;
  for (const auto& pin : pins_) pin->set(false);
}

IrqInArray::IrqInArray(Device& device, std::string name, unsigned count, const Handler& changed)
    : Part{device, "irq in", std::move(name)} {
  for (unsigned line = 0; line < count; ++line)
    pins_.push_back(InPin::make(Ref<gate::Gate>::share(&device.gate()),
                                path_of(*this, line, count),
                                [changed, line](bool level) { changed(line, level); }));
}

IrqInArray::IrqInArray(Device& device, std::string name, unsigned count, PinSink& sink,
                       unsigned first_line)
    : Part{device, "irq in", std::move(name)} {
  for (unsigned line = 0; line < count; ++line)
    pins_.push_back(InPin::make(Ref<gate::Gate>::share(&device.gate()),
                                path_of(*this, line, count), sink, first_line + line));
}

IrqInArray::~IrqInArray() { drop(); }

void IrqInArray::published() {
  for (const auto& pin : pins_) pin->opened();
}

void IrqInArray::severed() {
  for (const auto& pin : pins_) pin->sever();
}

void IrqInArray::drop() {
  for (const auto& pin : pins_) pin->drop();
}

Result<void> connect(IrqOutArray& from, unsigned out_line, IrqInArray& to, unsigned in_line) {
  if (out_line >= from.count())
    return fail("{}: line {} of {} lines", from.path(), out_line, from.count());
  if (in_line >= to.count()) return fail("{}: line {} of {} lines", to.path(), in_line, to.count());
  return connect(*from.pin(out_line), *to.pin(in_line), from.context().clock.loop());
}

}  // namespace holdfast::hw
