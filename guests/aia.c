// SPDX-License-Identifier: Apache-2.0
// Tries out the advanced interrupt architecture of `virt` with two harts in M mode, a line for each
// thing seen, then switches the machine off. With -DIMSICS interrupts are messages (aia=aplic-imsic),
// else lines (aia=aplic). The clock's alarm is what interrupts from outside.
#include "aia.h"

#define RTC 0x101000
#define RTC_SOURCE 11

__asm__(
    "    .section .text.init, \"ax\"\n"
    "    .globl _start\n"
    "_start:\n"
    "    csrr  a0, mhartid\n"
    "    la    sp, stack_end\n"
    "    slli  t0, a0, 12\n"
    "    sub   sp, sp, t0\n"
    "    la    t0, trap\n"
    "    csrw  mtvec, t0\n"
    "    call  start\n");

static volatile u64 traps[2], cause[2], claimed[2];

/// Counts, and takes the interrupt.
__attribute__((used, aligned(4), interrupt("machine"))) void trap(void) {
  const u64 hart = GET(mhartid);
  cause[hart] = GET(mcause);
#ifdef IMSICS
  claimed[hart] = SWAP(0x35c);
#else
  claimed[hart] = REG(u32, APLIC_M + CLAIM(hart));
#endif
  REG(u32, RTC + 0x1c) = 1;  // or its line would stay up
  __asm__ volatile("fence" ::: "memory");
  ++traps[hart];
}

static void wait_for_trap(u64 hart, u64 count) {
  while (traps[hart] < count) {
    __asm__ volatile("csrci mstatus, 8");
    if (traps[hart] < count) __asm__ volatile("wfi");
    __asm__ volatile("csrsi mstatus, 8");
  }
}

static void alarm(void) {
  const u64 low = REG(u32, RTC);
  const u64 due = ((u64)REG(u32, RTC + 4) << 32 | low) + 1000000;
  REG(u32, RTC + 0x10) = 1;
  REG(u32, RTC + 0x0c) = (u32)(due >> 32);
  REG(u32, RTC + 0x08) = (u32)due;
}

static void hand_on_to_supervisor(void) {
  REG(u32, APLIC_M + SOURCE(RTC_SOURCE)) = DELEGATE;
  say("root has", REG(u32, APLIC_M + SOURCE(RTC_SOURCE)));
  REG(u32, APLIC_S + SOURCE(RTC_SOURCE)) = LEVEL_HIGH;
  say("child has", REG(u32, APLIC_S + SOURCE(RTC_SOURCE)));
}

static void wait_pending(u64 bit) {
  while (!(GET(mip) & 1 << bit)) {
  }
}

#ifdef IMSICS

static void registers(void) {
  SET(0x350, 0xc0);
  say("enabled", GET(0x351));
  SET(0x350, 0x72);
  SET(0x351, 9);
  say("threshold", GET(0x351));
  SET(0x351, 0);
  SET(0x350, 0x70);
  say("delivery", GET(0x351));
  REG(u32, IMSIC_M) = 7;
  REG(u32, IMSIC_M) = 5;
  REG(u32, IMSIC_M) = 16;  // not enabled
  __asm__ volatile("fence" ::: "memory");
  say("external pending", GET(mip) >> 11 & 1);
  say("top", GET(0xfb0));
  say("first", SWAP(0x35c));
  say("second", SWAP(0x35c));
  say("third", GET(0x35c));
  SET(0x350, 0x80);
  say("left", GET(0x351));
  __asm__ volatile("csrw 0x351, x0");
}

static void outside(void) {
  say_where_files_are();
  REG(u32, APLIC_M + SOURCE(RTC_SOURCE)) = LEVEL_HIGH;
  REG(u32, APLIC_M + TARGET(RTC_SOURCE)) = 0 << 18 | 11;
  REG(u32, APLIC_M + ENABLE) = RTC_SOURCE;
  REG(u32, APLIC_M + DOMAIN) = DOMAIN_ENABLE;
  say("domain", REG(u32, APLIC_M + DOMAIN));
  const u64 before = traps[0];
  alarm();
  wait_for_trap(0, before + 1);
  say("alarm", claimed[0]);
  REG(u32, APLIC_M + MESSAGE) = 0 << 18 | 12;
  wait_for_trap(0, before + 2);
  say("sent by hand", claimed[0]);
}

static void supervisor(void) {
  hand_on_to_supervisor();
  open_supervisor_file(1 << 13);
  REG(u32, APLIC_S + TARGET(RTC_SOURCE)) = 0 << 18 | 13;
  REG(u32, APLIC_S + ENABLE) = RTC_SOURCE;
  REG(u32, APLIC_S + DOMAIN) = DOMAIN_ENABLE;
  alarm();
  wait_pending(9);
  say("supervisor's first", SWAP(0x15c));
  say("supervisor pending", GET(mip) >> 9 & 1);
}

static void call_other(void) {
  const u64 before = traps[0];  // the answer may come at once
  REG(u32, IMSIC_M + 0x1000) = 1;
  wait_for_trap(0, before + 1);
  say("answered", claimed[0]);
}

static void other(void) {
  open_machine_file(0xffff);
  SET(mie, 1 << 11);
  REG(u32, IMSIC_M) = 14;  // here
  wait_for_trap(1, 1);
  say("called", claimed[1]);
  REG(u32, IMSIC_M) = 2;
}

static void messages(void) {
  open_machine_file(0xffff);
  SET(mie, 1 << 11);
  wait_for_trap(0, 1);
  say("other hart is", claimed[0]);
  SET(mie, 0);
  registers();
  SET(mie, 1 << 11);
  call_other();
  outside();
  supervisor();
}

#else

static void outside(void) {
  REG(u32, APLIC_M + SOURCE(RTC_SOURCE)) = LEVEL_HIGH;
  say("target", REG(u32, APLIC_M + TARGET(RTC_SOURCE)));
  REG(u32, APLIC_M + TARGET(RTC_SOURCE)) = 0 << 18 | 3;
  REG(u32, APLIC_M + ENABLE) = RTC_SOURCE;
  REG(u32, APLIC_M + DELIVERS(0)) = 1;
  REG(u32, APLIC_M + DOMAIN) = DOMAIN_ENABLE;
  say("domain", REG(u32, APLIC_M + DOMAIN));
  SET(mie, 1 << 11);
  alarm();
  wait_for_trap(0, 1);
  say("alarm", claimed[0]);
  say("pending", REG(u32, APLIC_M + PENDING));
}

static void supervisor(void) {
  hand_on_to_supervisor();
  REG(u32, APLIC_S + TARGET(RTC_SOURCE)) = 0 << 18 | 2;
  REG(u32, APLIC_S + ENABLE) = RTC_SOURCE;
  REG(u32, APLIC_S + DELIVERS(0)) = 1;
  REG(u32, APLIC_S + DOMAIN) = DOMAIN_ENABLE;
  alarm();
  wait_pending(9);
  say("supervisor's claim", REG(u32, APLIC_S + CLAIM(0)));
  say("supervisor pending", GET(mip) >> 9 & 1);
  REG(u32, RTC + 0x1c) = 1;
  __asm__ volatile("fence" ::: "memory");
  say("after the alarm", GET(mip) >> 9 & 1);
}

static void messages(void) {}
static void other(void) {}

#endif

__attribute__((used, noreturn)) void start(u64 hart) {
  if (hart == 0) {
    messages();
#ifndef IMSICS
    outside();
    supervisor();
#endif
    say("traps", traps[0]);
    say("cause", cause[0] & 0xff);
    REG(u32, SYSCON) = 0x5555;
  } else {
    other();
  }
  SET(mie, 0);
  for (;;) __asm__ volatile("wfi");
}
