// SPDX-License-Identifier: Apache-2.0
// Tries out the devices of `virt` that firmware uses beside the console, one after the other, a line
// each, then switches the machine off. Runs in M mode on hart 0.
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;

#define REG(type, at) (*(volatile type *)(u64)(at))
#define UART 0x10000000
#define SYSCON 0x100000
#define RTC 0x101000
#define RTC_IRQ 11
#define PLIC 0x0c000000
#define FW_CFG 0x10100000
#define VIRTIO 0x10001000
#define FLASH1 0x22000000
#define SSWI 0x2f00000

__asm__(
    "    .section .text.init, \"ax\"\n"
    "    .globl _start\n"
    "_start:\n"
    "    csrr  t0, mhartid\n"
    "park:\n"
    "    bnez  t0, park\n"
    "    la    sp, stack_end\n"
    "    call  start\n");

static __attribute__((used, aligned(16))) char stack[8192];
__asm__(".set stack_end, stack + 8192");

static void print(const char *text) {
  for (; *text; ++text) REG(u8, UART) = (u8)*text;
}

static void print_number(u64 value) {
  char digits[21];
  int at = 20;
  digits[at] = 0;
  do digits[--at] = (char)('0' + value % 10);
  while (value /= 10);
  print(digits + at);
}

static void line(const char *name, u64 value) {
  print(name);
  print(" ");
  print_number(value);
  print("\n");
}

static void end(u32 command) {
  REG(u32, SYSCON) = command;
  for (;;) __asm__ volatile("wfi");
}

// --- real-time clock -----------------------------------------------------------------------------

static u64 rtc_ns(void) {
  const u64 low = REG(u32, RTC);  // latches the upper half
  return (u64)REG(u32, RTC + 4) << 32 | low;
}

static void rtc(void) {
  const u64 begin = rtc_ns();
  line("rtc seconds", begin / 1000000000);
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
  line("rtc claim", REG(u32, PLIC + 0x200004));
  line("rtc in time", rtc_ns() >= due && rtc_ns() < due + 10000000000);
  REG(u32, RTC + 0x1c) = 1;
  REG(u32, PLIC + 0x200004) = RTC_IRQ;
  __asm__ volatile("csrr %0, mip" : "=r"(pending));
  line("rtc pending", pending >> 11 & 1);
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
  line("fw_cfg signature", REG(u32, FW_CFG));
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
    line("fw_cfg error", transfer(key << 16 | 8 | 2, swap32(entry.size), text));
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
  line("virtio empty", empty);
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
  line("flash erase", flash_wait());
  REG(u32, block + 4) = 0x00e800e8;
  REG(u32, block + 4) = 0x00010001;
  REG(u32, block + 4) = 0x64636261;
  REG(u32, block + 8) = 0x68676665;
  REG(u32, block + 4) = 0x00d000d0;
  line("flash program", flash_wait());
  REG(u32, FLASH1) = 0x00ff00ff;
  line("flash reads", REG(u64, block) == 0x64636261ffffffff && REG(u32, block + 8) == 0x68676665);
}

static void sswi(void) {
  u64 pending, after;
  REG(u32, SSWI) = 1;
  __asm__ volatile("fence iorw, iorw\n csrr %0, mip\n csrc mip, %2\n csrr %1, mip"
                   : "=r"(pending), "=r"(after)
                   : "r"(2));
  line("sswi pending", pending >> 1 & 1);
  line("sswi cleared", after >> 1 & 1);
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
