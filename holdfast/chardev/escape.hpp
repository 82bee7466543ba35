// SPDX-License-Identifier: Apache-2.0
// The escape key of a console: Ctrl-a and a letter speak to the emulator, not to the guest.
#pragma once

#include <cstdint>
#include <optional>

namespace holdfast::chardev {

enum class Command : std::uint8_t { kHelp, kQuit, kBreak, kToggleMonitor };

/// Takes a console's input apart, byte by byte.
class EscapeParser {
 public:
  static constexpr std::uint8_t kEscape = 0x01;  // Ctrl-a

  struct Parsed {
    std::optional<std::uint8_t> byte{};  // for the guest
    std::optional<Command> command{};
  };
  /// Ctrl-a twice gives one Ctrl-a. Ctrl-a and a letter without a meaning gives nothing.
  Parsed parse(std::uint8_t byte) {
    if (!escaped_) {
      if (byte != kEscape) return {.byte = byte};
      escaped_ = true;
      return {};
    }
    escaped_ = false;
    switch (byte) {
      case kEscape:
        return {.byte = kEscape};
      case 'h':
      case '?':
        return {.command = Command::kHelp};
      case 'x':
        return {.command = Command::kQuit};
      case 'b':
        return {.command = Command::kBreak};
      case 'c':
        return {.command = Command::kToggleMonitor};
      default:
        return {};
    }
  }

 private:
  bool escaped_ = false;
};

}  // namespace holdfast::chardev
