// SPDX-License-Identifier: Apache-2.0
// Switches the memory decoding of one PCI function off and on, TOGGLES times in all, on a machine that has
// FUNCTIONS of them behind as many bridges as it takes; each time it looks whether the function's memory is
// there or not. Runs in M mode on hart 0. All the functions have their first BAR mapped, decode memory and may
// be bus masters; bridges get a bus number and a window each, one below another is not looked for.
// Says how many functions it found, "begin" and "end" around the toggles, and the nanoseconds of each.
#include "guest.h"

#ifndef FUNCTIONS
#define FUNCTIONS 1
#endif
#ifndef TOGGLES
#define TOGGLES 1000
#endif

#define MTIME 0x200bff8
#define ECAM 0x30000000UL
#define WINDOW 0x40000000UL
#define WINDOW_UNIT 0x100000UL

enum { kCommand = 0x04, kClass = 0x08, kHeader = 0x0e, kBar0 = 0x10, kBuses = 0x18, kMemory = 0x20, kPrefetchable = 0x24 };
enum { kDecode = 2, kMaster = 4 };

START_ON_HART_0;

#define CHECK(condition)             \
  do {                               \
    if (!(condition)) {              \
      say("wrong at line", __LINE__); \
      leave(1);                      \
    }                                \
  } while (0)

static u64 next_address = WINDOW;  // for memory
static u32 next_bus = 1;
static u64 functions, the_function, its_memory;

static u64 at(u32 bus, u32 device, u32 number) { return ECAM | bus << 20 | device << 15 | number << 12; }

static void map(u64 function) {
  const u64 bar = function + kBar0;
  if (REG(u32, bar) & 1) return;
  REG(u32, bar) = ~0u;
  const u64 size = -(REG(u32, bar) & ~15u);
  next_address = (next_address + size - 1) & -size;
  REG(u32, bar) = (u32)next_address;
  if ((REG(u32, bar) & 6) == 4) REG(u32, bar + 4) = 0;
  if (!the_function) {
    the_function = function;
    its_memory = next_address;
  }
  next_address += size;
  REG(u16, function + kCommand) = kDecode | kMaster;
  ++functions;
}

static void scan(u32 bus);

static void open_bridge(u64 bridge) {
  const u32 bus = next_bus++;
  REG(u32, bridge + kBuses) = 0x00000000 | bus << 16 | bus << 8;
  REG(u16, bridge + kCommand) = kDecode | kMaster;
  next_address = (next_address + WINDOW_UNIT - 1) & -WINDOW_UNIT;
  const u64 first = next_address;
  scan(bus);
  next_address = (next_address + WINDOW_UNIT - 1) & -WINDOW_UNIT;
  REG(u32, bridge + kMemory) = (u32)(((next_address - 1) & 0xfff00000) | first >> 16);
  REG(u32, bridge + kPrefetchable) = 0x0000fff0;  // none
}

/* The functions of a bus first: bridges have their windows behind those. */
static void scan(u32 bus) {
  for (int bridges = 0; bridges < (bus ? 1 : 2); ++bridges)
    for (u32 device = 0; device < 32; ++device)
      for (u32 number = 0; number < 8; ++number) {
        const u64 function = at(bus, device, number);
        const u32 class = REG(u32, function + kClass);
        if (class == ~0u || class >> 16 == 0x0600) continue;
        const int is_bridge = (REG(u8, function + kHeader) & 0x7f) == 1;
        if (is_bridge != bridges) continue;
        if (is_bridge)
          open_bridge(function);
        else
          map(function);
      }
}

__attribute__((used)) void start(void) {
  scan(0);
  say("functions", functions);
  CHECK(functions == FUNCTIONS);
  CHECK(REG(u32, its_memory) != ~0u);
  print("begin\n");
  const u64 began = REG(u64, MTIME);
  for (u32 i = 0; i < TOGGLES; ++i) {
    const int decodes = i & 1;
    REG(u16, the_function + kCommand) = (u16)(kMaster | (decodes ? kDecode : 0));
    CHECK((REG(u32, its_memory) != ~0u) == decodes);
  }
  const u64 took = REG(u64, MTIME) - began;
  print("end\n");
  say("ns each", took * 100 / TOGGLES);
  leave(0);
}
