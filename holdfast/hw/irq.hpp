// SPDX-License-Identifier: Apache-2.0
// Interrupt lines, and other pins, as parts of a device. A board wires an output to an input; see
// wire.hpp for what then happens.
//
//   hw::IrqOut irq_{*this, "irq"};                             irq_.set(pending);
//   hw::IrqOutArray lines_{*this, "context", 4};               lines_.set(2, true);
//   hw::IrqIn cts_{*this, "cts", &Uart::set_cts};              void set_cts(bool level);
//   hw::IrqInArray sources_{*this, "in", 96, &Plic::set_source};  void set_source(unsigned n, bool level);
//
// The input that other boards' files call simply "the interrupt input n" has the name "in".
#pragma once

#include <concepts>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "holdfast/hw/device.hpp"
#include "holdfast/hw/wire.hpp"

namespace holdfast::hw {

/// Output lines under one name. In reset they are low unless the device says otherwise.
class IrqOutArray : public Part {
 public:
  IrqOutArray(Device& device, std::string name, unsigned count);
  ~IrqOutArray() override;

  unsigned count() const { return static_cast<unsigned>(pins_.size()); }
  /// Inside the device's gate. The same level again costs nothing.
  void set(unsigned line, bool level) { pins_[line]->set(level); }
  bool level(unsigned line) const { return pins_[line]->level(); }
  const Ref<OutPin>& pin(unsigned line) const { return pins_[line]; }

 private:
  void sever_pins();
  void severed() override { sever_pins(); }
  void drop() override { sever_pins(); }
  void reset(ResetPhase phase) override;

  std::vector<Ref<OutPin>> pins_;
};

class IrqOut final : public IrqOutArray {
 public:
  IrqOut(Device& device, std::string name) : IrqOutArray{device, std::move(name), 1} {}
  void set(bool level) { IrqOutArray::set(0, level); }
  bool level() const { return IrqOutArray::level(0); }
};

/// Input lines under one name. The function is called with the number of the line, from 0, inside the
/// device's gate.
class IrqInArray : public Part {
 public:
  using Handler = std::function<void(unsigned line, bool level)>;
  template <std::derived_from<Device> D>
  IrqInArray(D& device, std::string name, unsigned count, void (D::*changed)(unsigned, bool))
      : IrqInArray{device, std::move(name), count,
                   [&device, changed](unsigned line, bool level) {
                     (device.*changed)(line, level);
                   }} {}
  IrqInArray(Device& device, std::string name, unsigned count, const Handler& changed);
  /// Lines that pass no gate: line i is the sink's line `first_line` + i.
  IrqInArray(Device& device, std::string name, unsigned count, PinSink& sink, unsigned first_line);
  ~IrqInArray() override;

  unsigned count() const { return static_cast<unsigned>(pins_.size()); }
  bool level(unsigned line) const { return pins_[line]->level(); }
  const Ref<InPin>& pin(unsigned line) const { return pins_[line]; }

 private:
  void published() override;
  void severed() override;
  void drop() override;

  std::vector<Ref<InPin>> pins_;
};

class IrqIn final : public IrqInArray {
 public:
  template <std::derived_from<Device> D>
  IrqIn(D& device, std::string name, void (D::*changed)(bool))
      : IrqInArray{device, std::move(name), 1,
                   [&device, changed](unsigned, bool level) { (device.*changed)(level); }} {}
  IrqIn(Device& device, std::string name, PinSink& sink, unsigned line)
      : IrqInArray{device, std::move(name), 1, sink, line} {}
  bool level() const { return IrqInArray::level(0); }
};

/// Wires two lines; see connect() in wire.hpp. The numbers are checked.
Result<void> connect(IrqOutArray& from, unsigned out_line, IrqInArray& to, unsigned in_line);

}  // namespace holdfast::hw
