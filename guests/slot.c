// SPDX-License-Identifier: Apache-2.0
// Drives the first hot-plug slot of `virt` by its native registers and its interrupt: powers up what is put
// in, lets go of what is asked for, and counts the interrupts it got. Runs in M mode on hart 0, is told by
// keys what to make of requests, and says a line for each thing that happens:
//
//   c  consents to requests from now on (as it does at first)   b  begins to consent and stays at that
//   r  refuses them                                             d  reads the device in the slot
//   s  sleeps through them                                      e  ends, with the number of interrupts
//   u  does not power up what is put in
//
// How it is interrupted, interrupts.h says. Built with MSIX the port's interrupt is a message of its own: to the
// hart's IMSIC, or, with MAILBOX, to a word of RAM that the program looks at between keys.
//
// Built with TICKS the other harts, which are busy with nothing, are interrupted by their timers 250 times a second,
// as those of an operating system are.
#include "interrupts.h"
#include "pci.h"

#define UART_LINE 10
#define PORT_MESSAGE 41
#define WINDOW 0x40000000  // for memory; the port's own BAR is in its first page
#define BEHIND 0x40100000  // what the port passes on
#define WINDOW_SIZE 0x00200000

__asm__(
    "    .section .text.init, \"ax\"\n"
    "    .globl _start\n"
    "_start:\n"
    "    csrr  t0, mhartid\n"
    "    beqz  t0, first\n"
#ifdef TICKS
    "    la    t1, tick\n"
    "    csrw  mtvec, t1\n"
    "    slli  t1, t0, 3\n"
    "    li    t2, 0x2004000\n"  // mtimecmp of hart 0
    "    add   t2, t2, t1\n"
    "    li    t3, 0x200bff8\n"  // mtime
    "    li    t4, 40000\n"
    "    li    t1, 1 << 7\n"
    "    csrw  mie, t1\n"
    "    csrsi mstatus, 1 << 3\n"
    "park:\n"
    "    j     park\n"
    "    .balign 4\n"
    "tick:\n"
    "    ld    t1, 0(t3)\n"
    "    add   t1, t1, t4\n"
    "    sd    t1, 0(t2)\n"
    "    mret\n"
#else
    "park:\n"
    "    j     park\n"
#endif
    "first:\n"
    "    la    sp, stack_end\n"
    "    call  start\n");

// --- words ---------------------------------------------------------------------------------------

static void print_hex(u64 value, int digits) {
  for (; digits; --digits) put("0123456789abcdef"[value >> 4 * (digits - 1) & 15]);
}

static void fail(const char *why) {
  print(why);
  print("\n");
  end(0x3333 | 1 << 16);
}

// --- configuration space -------------------------------------------------------------------------

enum {
  kCommand = 0x04, kClass = 0x0a, kHeader = 0x0e, kBar0 = 0x10, kBuses = 0x18, kMemory = 0x20,
  kPrefetchable = 0x24, kPin = 0x3d,
};
enum { kDecode = 2, kMaster = 4 };

static u64 function(u32 bus, u32 device) { return ECAM + (u64)(bus << 20 | device << 15); }

/// Size of a 32-bit memory BAR; 0 if there is none.
static u32 bar_size(u64 bar) {
  REG(u32, bar) = ~0u;
  return -(REG(u32, bar) & ~15u);
}

// --- the port ------------------------------------------------------------------------------------

enum { kSlotCaps = 0x14, kSlotControl = 0x18, kSlotStatus = 0x1a };
enum { kButton = 1, kPresence = 8, kCompleted = 16, kPresent = 0x40, kLink = 0x100 };
enum {  // of the control register
  kEnableAll = 1 | 8 | 16 | 0x20 | 0x1000, kAttentionOff = 0xc0, kIndicator = 0x300, kOn = 0x100,
  kBlink = 0x200, kOff = 0x300, kPowerOff = 0x400,
};

static u64 port, slot;  // its function, and its PCI Express capability
static u32 port_source;
static u64 interrupts, keys, completed, buttons;

static void command(u32 indicator_and_power) {
  REG(u16, slot + kSlotControl) = (u16)(kEnableAll | kAttentionOff | indicator_and_power);
}
static int is_powered(void) { return !(REG(u16, slot + kSlotControl) & kPowerOff); }

static void find_port(void) {
  for (u32 device = 0; device < 32 && !slot; ++device) {
    const u64 at = function(0, device);
    if (REG(u32, at) == ~0u || (REG(u8, at + kHeader) & 0x7f) != 1) continue;
    const u32 cap = find_capability(at, 0x10);
    if (!cap || !(REG(u16, at + cap + 2) & 0x100) || !(REG(u32, at + cap + kSlotCaps) & 0x40)) continue;
    port = at;
    slot = at + cap;
    port_source = pci_line(device, REG(u8, at + kPin));
  }
  if (!slot) fail("no slot");
  REG(u32, port + kBuses) = 0x00ff0100;  // primary 0, secondary 1, all the others behind
  REG(u32, port + kMemory) = ((BEHIND + WINDOW_SIZE - 1) & 0xfff00000) | BEHIND >> 16;
  REG(u32, port + kPrefetchable) = 0x0000fff0;  // none
  REG(u32, port + kBar0) = WINDOW;
  REG(u16, port + kCommand) = kDecode | kMaster;
}

// --- what is in the slot -------------------------------------------------------------------------

static enum { kConsent, kBegin, kRefuse, kSleep } manners = kConsent;
static int powers_up = 1;

/// Function 0, and a bridge's first device behind it.
static void look_at_device(void) {
  const u64 at = function(1, 0);
  const u32 id = REG(u32, at);
  if (id == ~0u) {
    print("device none\n");
    return;
  }
  print("device ");
  print_hex(id & 0xffff, 4);
  print(":");
  print_hex(id >> 16, 4);
  if ((REG(u8, at + kHeader) & 0x7f) == 0 && !(REG(u32, at + kBar0) & 1) && bar_size(at + kBar0)) {
    REG(u32, at + kBar0) = BEHIND;
    if ((REG(u32, at + kBar0) & 6) == 4) REG(u32, at + kBar0 + 4) = 0;
    REG(u16, at + kCommand) = kDecode | kMaster;
    print(" says ");
    print_hex(REG(u32, BEHIND), 8);
  }
  print("\n");
}

static void power_up(void) {
  command(kBlink);
  command(kOn);
  print("powered\n");
}

static void asked(void) {
  ++buttons;
  switch (manners) {
    case kSleep:
      return;
    case kBegin:
      command(kBlink);
      print("blinks\n");
      return;
    case kRefuse:
      command(kBlink);
      command(kOn);
      print("kept\n");
      return;
    case kConsent:
      command(kBlink);
      command(kBlink | kPowerOff);
      command(kOff | kPowerOff);
      print("let go\n");
      return;
  }
}

static void look_at_slot(void) {
  for (;;) {
    const u16 status = REG(u16, slot + kSlotStatus);
    const u16 events = status & (kButton | kPresence | kCompleted | kLink);
    if (!events) return;
    REG(u16, slot + kSlotStatus) = events;
    if (events & kCompleted) ++completed;
    const int present = !!(status & kPresent);
    if (events & kPresence) say("present", (u64)present);
    if (events & kLink) say("link", REG(u16, slot + 0x12) >> 13 & 1);
    if (events & (kButton | kPresence) && present && !is_powered()) {
      if (powers_up) power_up();
    } else if (events & kPresence && !present && is_powered()) {
      command(kOff | kPowerOff);  // it was torn out
    } else if (events & kButton && present) {
      asked();
    }
  }
}

static void obey(char key) {
  switch (key) {
    case 'c': manners = kConsent; break;
    case 'b': manners = kBegin; break;
    case 'r': manners = kRefuse; break;
    case 's': manners = kSleep; break;
    case 'u': powers_up = 0; break;
    case 'd': look_at_device(); return;
    case 'e':
      say("buttons", buttons);
      say("completed", !!completed);
      say("interrupts", interrupts);
      say("keys", keys);
      end(0x5555);
      break;
    default: return;
  }
  print("so be it\n");
}

// --- interrupts ----------------------------------------------------------------------------------

static void got_key(void) {
  ++keys;
  obey((char)REG(u8, UART));
}
static void port_spoke(void) {
  ++interrupts;
  look_at_slot();
}

static void interrupted(u32 what) {
  if (what == UART_LINE)
    got_key();
  else if (what == port_source)
    port_spoke();
  else
    fail("another interrupt");
}

#ifdef MAILBOX
static volatile u32 mailbox;
#define MESSAGES_GO_TO &mailbox
#else
#define MESSAGES_GO_TO IMSIC_FILE
#endif

/// The port's pin, too, when it has messages: it is to stay as it is then.
static void hear(void) {
  hear_line(port_source);
#ifdef MSIX
  port_source = PORT_MESSAGE;
  if (!set_message(port, WINDOW, 0, (u64)MESSAGES_GO_TO, PORT_MESSAGE)) fail("no messages");
#endif
#ifndef MAILBOX
  hear_line(UART_LINE);
  REG(u8, UART + 1) = 1;
  be_interrupted(1UL << PORT_MESSAGE);
#endif
}

/// What interrupts does the rest.
static void rest(void) {
#ifdef MAILBOX
  if (mailbox) {
    const u32 message = mailbox;
    mailbox = 0;
    interrupted(message);
  }
  if (REG(u8, UART + 5) & 1) got_key();
#else
  __asm__ volatile("wfi");
#endif
}

__attribute__((used, noreturn)) void start(void) {
  come_to_mode();
  find_port();
  hear();
  command(REG(u16, slot + kSlotControl) & (kIndicator | kPowerOff));
  say("slot holds", !!(REG(u16, slot + kSlotStatus) & kPresent));
  for (;;) rest();
}
