// SPDX-License-Identifier: Apache-2.0
// PCI Express of `virt`.
#pragma once

#include "guest.h"

#define ECAM 0x30000000UL

/// The PLIC's or APLIC's source for a pin (1: INTA) of a device on bus 0, or of one behind it that is number 0.
static inline u32 pci_line(u32 device, u32 pin) { return 32 + (device + pin - 1) % 4; }

static inline u32 find_capability(u64 function, u32 id) {
  for (u32 cap = REG(u8, function + 0x34); cap; cap = REG(u8, function + cap + 1))
    if (REG(u8, function + cap) == id) return cap;
  return 0;
}

/// MSI-X: the function has a table in BAR 0, which is at `bar`; this is one of its messages.
static inline int set_message(u64 function, u64 bar, u32 vector, u64 address, u32 data) {
  const u32 cap = find_capability(function, 0x11);
  if (!cap || REG(u32, function + cap + 4) & 7) return 0;
  const u64 entry = bar + REG(u32, function + cap + 4) + 16 * vector;
  REG(u64, entry) = address;
  REG(u32, entry + 8) = data;
  REG(u32, entry + 12) = 0;
  REG(u16, function + cap + 2) = 0x8000;
  return 1;
}
