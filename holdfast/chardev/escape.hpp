// SPDX-License-Identifier: Apache-2.0
// The escape key of a shared console: Ctrl-a and a letter speak to the emulator, not to the guest.
#pragma once

#include <cstdint>
#include <optional>

namespace holdfast::chardev {

enum class Command : std::uint8_t {
  kHelp,
  kQuit,
  kSave,        // write what is held back for disks
  kBreak,       // a line break for whoever has the focus
  kNextFocus,   // the next front end gets the input
  kTimestamps,  // the time at the beginning of each line, or no longer
};

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
    if (byte == kEscape) return {.byte = kEscape};
    return {.command = command_of(byte)};
  }

 private:
  static constexpr std::optional<Command> command_of(std::uint8_t key) {
    switch (key) {
      case 'h':
      case '?': return Command::kHelp;
      case 'x': return Command::kQuit;
      case 's': return Command::kSave;
      case 'b': return Command::kBreak;
      case 'c': return Command::kNextFocus;
      case 't': return Command::kTimestamps;
      default: return std::nullopt;
    }
  }

  bool escaped_ = false;
};

}  // namespace holdfast::chardev
