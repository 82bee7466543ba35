// SPDX-License-Identifier: Apache-2.0
// The connector of a device for a character back-end, as a part.
//
//   chardev::CharPort port_{*this, "chardev", config.chardev,
//                           {.receive = &Uart::receive, .room = &Uart::transmit_more}};
//
// The back-end is claimed from prepare until the device is destroyed. Without one, output vanishes
// and there is no input.
#pragma once

#include <concepts>
#include <string>
#include <utility>

#include "holdfast/chardev/chardev.hpp"
#include "holdfast/hw/device.hpp"

namespace holdfast::chardev {

/// Functions of the device, called inside its gate.
template <class D>
struct CharHandlers {
  std::size_t (D::*receive)(Bytes) = nullptr;  // returns how many bytes it took; none: only writes
  void (D::*room)() = nullptr;                 // output that was refused may be tried again
  void (D::*line_break)() = nullptr;           // the other end sends a break
  void (D::*event)(Event) = nullptr;
};

class CharPort final : public hw::Part {
 public:
  template <std::derived_from<hw::Device> D>
  CharPort(D& device, std::string name, Chardev* backend, CharHandlers<D> handlers)
      : CharPort{static_cast<hw::Device&>(device), std::move(name), backend,
                 bind(device, handlers)} {}
  CharPort(hw::Device& device, std::string name, Chardev* backend, FrontEnd::Handlers handlers);
  ~CharPort() override;

  /// Returns how many bytes the back-end took; for the rest, wait for `room`.
  std::size_t write(Bytes bytes) {
    return backend_ == nullptr ? bytes.size() : backend_->write(bytes);
  }
  /// The device can take input again. Costs next to nothing if none waits.
  void accept_input() {
    if (backend_ != nullptr && front_->take_waiting()) backend_->accept_input();
  }
  bool has_backend() const { return backend_ != nullptr; }
  /// Whether somebody is at the other end.
  bool is_open() const { return backend_ != nullptr && backend_->is_open(); }

 private:
  template <class D>
  static FrontEnd::Handlers bind(D& device, CharHandlers<D> handlers) {
    FrontEnd::Handlers bound;
    if (handlers.receive != nullptr)
      bound.receive = [&device, f = handlers.receive](Bytes bytes) { return (device.*f)(bytes); };
    if (handlers.room != nullptr) bound.room = [&device, f = handlers.room] { (device.*f)(); };
    if (handlers.line_break != nullptr)
      bound.line_break = [&device, f = handlers.line_break] { (device.*f)(); };
    if (handlers.event != nullptr)
      bound.event = [&device, f = handlers.event](Event event) { (device.*f)(event); };
    return bound;
  }

  Result<void> prepare() override;
  void unprepare() override { claim_.release(); }
  void published() override;
  void drop() override { front_->drop(); }

  Chardev* const backend_;  // outlives the claim on it
  const Ref<FrontEnd> front_;
  hw::Claim claim_;
};

}  // namespace holdfast::chardev
