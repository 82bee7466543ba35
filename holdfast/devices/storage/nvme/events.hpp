// SPDX-License-Identifier: Apache-2.0
// Asynchronous events: what the controller has to tell, and the commands that wait to be told.
//
// An event of a kind that was told is masked until the host has read the log page that it names.
//
// LOCK: the controller's gate.
//
// SPEC: NVM Express 1.4, 5.2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <vector>

#include "holdfast/devices/storage/nvme/spec.hpp"

namespace holdfast::devices::nvme {

struct Event {
  enum class Kind : std::uint8_t { kError = 0, kHealth = 1, kNotice = 2 };
  Kind kind = Kind::kError;
  std::uint8_t information = 0;
  LogPage page = LogPage::kErrors;

  static constexpr Event invalid_doorbell_register() { return {Kind::kError, 0, LogPage::kErrors}; }
  static constexpr Event invalid_doorbell_value() { return {Kind::kError, 1, LogPage::kErrors}; }
  static constexpr Event temperature() { return {Kind::kHealth, 1, LogPage::kHealth}; }
  static constexpr Event namespaces_changed() {
    return {Kind::kNotice, 0, LogPage::kChangedNamespaces};
  }

  /// Dword 0 of the completion.
  std::uint32_t result() const {
    return static_cast<std::uint32_t>(kind) | std::uint32_t{information} << 8U |
           static_cast<std::uint32_t>(page) << 16U;
  }
};

class Events {
 public:
  /// Told to a command that waited.
  using Tell = std::function<void(std::uint16_t command, const Event& event)>;
  /// So many commands may wait.
  explicit Events(std::size_t commands) : commands_{commands} {}

  /// A command that waits for an event. False if too many do.
  bool wait(std::uint16_t command);
  /// It does so no more; false if it does not.
  bool give_up(std::uint16_t command);
  /// Something happened. What cannot be told now waits, up to a number.
  void raise(const Event& event);
  /// The host has read a log page.
  void unmask(LogPage page);
  /// Tells what can be told.
  void deliver(const Tell& tell);
  void reset();

 private:
  static constexpr std::size_t kMostEvents = 64;

  const std::size_t commands_;
  std::deque<std::uint16_t> waiting_;  // commands
  std::deque<Event> events_;
  std::uint8_t masked_ = 0;  // by kind
};

}  // namespace holdfast::devices::nvme
