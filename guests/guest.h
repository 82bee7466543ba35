// SPDX-License-Identifier: Apache-2.0
// What the programs for `virt` share: the names of things, words on the UART, the way out.
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;

#define REG(type, at) (*(volatile type *)(u64)(at))
#define UART 0x10000000
#define SYSCON 0x100000

static __attribute__((used, aligned(16))) char stack[8192];
__asm__(".set stack_end, stack + 8192");

// Hart 0 calls start(); the others stay where they are.
#define START_ON_HART_0                     \
  __asm__(                                  \
      "    .section .text.init, \"ax\"\n"   \
      "    .globl _start\n"                 \
      "_start:\n"                           \
      "    csrr  t0, mhartid\n"             \
      "park:\n"                             \
      "    bnez  t0, park\n"                \
      "    la    sp, stack_end\n"           \
      "    call  start\n")

static inline void put(char c) {
  while (!(REG(u8, UART + 5) & 0x20));
  REG(u8, UART) = (u8)c;
}

static inline void print(const char *text) {
  for (; *text; ++text) put(*text);
}

static inline void print_number(u64 value) {
  char digits[21];
  int at = 20;
  digits[at] = 0;
  do digits[--at] = (char)('0' + value % 10);
  while (value /= 10);
  print(digits + at);
}

static inline void say(const char *name, u64 value) {
  print(name);
  print(" ");
  print_number(value);
  print("\n");
}

// Of the system controller: 0x5555 switches off, 0x7777 resets, 0x3333 switches off with a status above it.
__attribute__((noreturn)) static inline void end(u32 command) {
  REG(u32, SYSCON) = command;
  for (;;) __asm__ volatile("wfi");
}

__attribute__((noreturn)) static inline void leave(u32 status) {
  end(status == 0 ? 0x5555 : status << 16 | 0x3333);
}
