// SPDX-License-Identifier: Apache-2.0
// What travels with an access and what comes back.
#pragma once

#include <cstdint>

namespace holdfast::memory {

/// Attributes of one access, as the bus master sets them.
struct MemTxAttrs {
  bool secure : 1 = false;
  bool user : 1 = false;
  bool memory : 1 = false;  // only RAM may answer
  bool debug : 1 = false;   // a tool: may write ROM, has no side effects to fear
  std::uint8_t space : 2 = 0;
  std::uint16_t requester_id = 0;
  std::uint32_t pid = 0;  // PASID
};

/// How an access ended; bits, OR-ed over the pieces of an access.
enum class MemTxResult : unsigned {
  kOk = 0,
  kError = 1,        // the device reports failure
  kDecodeError = 2,  // nobody there, or the device does not accept this access
  kAccessError = 4,  // refused: not RAM though it must be, or a device that reaches itself
};
constexpr MemTxResult operator|(MemTxResult a, MemTxResult b) {
  return static_cast<MemTxResult>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr MemTxResult& operator|=(MemTxResult& a, MemTxResult b) { return a = a | b; }
constexpr bool operator&(MemTxResult a, MemTxResult b) {
  return (static_cast<unsigned>(a) & static_cast<unsigned>(b)) != 0;
}

}  // namespace holdfast::memory
