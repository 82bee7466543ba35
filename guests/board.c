// SPDX-License-Identifier: Apache-2.0
// Tries out the devices of `virt` that firmware uses beside the console, one after the other, a line
// each, then switches the machine off. Runs in M mode on hart 0.
#include "guest.h"

#define RTC 0x101000
#define RTC_IRQ 11
#define PLIC 0x0c000000
#define FW_CFG 0x10100000
#define VIRTIO 0x10001000
#define FLASH1 0x22000000
#define SSWI 0x2f00000

START_ON_HART_0;

// --- real-time clock -----------------------------------------------------------------------------

static u64 rtc_ns(void) {
  const u64 low = REG(u32, RTC);  // latches the upper half
  return (u64)REG(u32, RTC + 4) << 32 | low;
}

static void rtc(void) {
  const u64 begin = rtc_ns();
  say("rtc seconds", begin / 1000000000);
  // Context 0, machine mode of hart 0, hears of the clock only.
  REG(u32, PLIC + 4 * RTC_IRQ) = 1;
  REG(u32, PLIC + 0x2000) = 1u << RTC_IRQ;
  const u64 due = begin + 20000000;
  REG(u32, RTC + 0x10) = 1;
  REG(u32, RTC + 0x0c) = (u32)(due >> 32);
  REG(u32, RTC + 0x08) = (u32)due;
  __asm__ volatile("csrw mie, %0" ::"r"(1 << 11));
  u64 pending;
  do {
    __asm__ volatile("wfi");
    __asm__ volatile("csrr %0, mip" : "=r"(pending));
  } while (!(pending & 1 << 11));
  say("rtc claim", REG(u32, PLIC + 0x200004));
  say("rtc in time", rtc_ns() >= due && rtc_ns() < due + 10000000000);
  REG(u32, RTC + 0x1c) = 1;
  REG(u32, PLIC + 0x200004) = RTC_IRQ;
  __asm__ volatile("csrr %0, mip" : "=r"(pending));
  say("rtc pending", pending >> 11 & 1);
}

// --- firmware configuration ----------------------------------------------------------------------

/// The last so many bytes, the other way round.
static u64 swapped(u64 value, int bytes) {
  u64 result = 0;
  for (; bytes; --bytes, value >>= 8) result = result << 8 | (value & 255);
  return result;
}
static u32 swap32(u32 value) { return (u32)swapped(value, 4); }

static struct {
  u32 control, length;
  u64 address;
} volatile request __attribute__((aligned(16)));

static u32 transfer(u32 control, u32 length, void *to) {
  request.control = swap32(control);
  request.length = swap32(length);
  request.address = swapped((u64)to, 8);
  __asm__ volatile("fence" ::: "memory");
  REG(u64, FW_CFG + 16) = swapped((u64)&request, 8);
  __asm__ volatile("fence" ::: "memory");
  return swap32(request.control);
}

static int same(const char *one, const char *other) {
  while (*one && *one == *other) ++one, ++other;
  return *one == *other;
}

static void fw_cfg(void) {
  REG(u16, FW_CFG + 8) = 0;
  say("fw_cfg signature", REG(u32, FW_CFG));
  static struct {
    u32 size;
    u16 key, reserved;
    char name[56];
  } entry;
  u32 count;
  transfer(0x19 << 16 | 8 | 2, 4, &count);
  for (count = swap32(count); count; --count) {
    transfer(2, sizeof entry, &entry);
    if (!same(entry.name, "opt/greeting")) continue;
    static char text[64];
    const u32 key = (u32)swapped(entry.key, 2);
    say("fw_cfg error", transfer(key << 16 | 8 | 2, swap32(entry.size), text));
    print("fw_cfg greeting ");
    print(text);
    print("\n");
  }
}

// --- slots, flash, software interrupts of S mode -------------------------------------------------

static void virtio(void) {
  u32 empty = 0;
  for (u32 slot = 0; slot < 8; ++slot)
    empty += REG(u32, VIRTIO + 0x1000 * slot) == 0x74726976 && REG(u32, VIRTIO + 0x1000 * slot + 8) == 0;
  say("virtio empty", empty);
}

static u32 flash_wait(void) {
  u32 status;
  do status = REG(u32, FLASH1);
  while (!(status & 0x80));
  return status & 0xff;
}

static void flash(void) {
  const u64 block = FLASH1 + 0x40000;
  REG(u32, block) = 0x00200020;
  REG(u32, block) = 0x00d000d0;
  say("flash erase", flash_wait());
  REG(u32, block + 4) = 0x00e800e8;
  REG(u32, block + 4) = 0x00010001;
  REG(u32, block + 4) = 0x64636261;
  REG(u32, block + 8) = 0x68676665;
  REG(u32, block + 4) = 0x00d000d0;
  say("flash program", flash_wait());
  REG(u32, FLASH1) = 0x00ff00ff;
  say("flash reads", REG(u64, block) == 0x64636261ffffffff && REG(u32, block + 8) == 0x68676665);
}

static void sswi(void) {
  u64 pending, after;
  REG(u32, SSWI) = 1;
  __asm__ volatile("fence iorw, iorw\n csrr %0, mip\n csrc mip, %2\n csrr %1, mip"
                   : "=r"(pending), "=r"(after)
                   : "r"(2));
  say("sswi pending", pending >> 1 & 1);
  say("sswi cleared", after >> 1 & 1);
}

__attribute__((used, noreturn)) void start(void) {
  rtc();
  fw_cfg();
  virtio();
  flash();
#ifdef ACLINT
  sswi();
#else
  (void)sswi;
#endif
  end(0x5555);
  for (;;);
}
