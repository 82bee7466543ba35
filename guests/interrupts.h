// SPDX-License-Identifier: Apache-2.0
// How programs for `virt` with one busy hart are interrupted, through one of
//   (nothing)  the PLIC, which takes lines
//   APLIC      an APLIC that drives the hart's line (aia=aplic)
//   IMSIC      the hart's file of messages, which those of lines are, too (aia=aplic-imsic)
// as machine, or with SUPERVISOR as supervisor. The program has interrupted(), which is told of each
// interrupt that is taken, while no other is: the number of a line, or the identity of a message.
//
// interrupted() makes a line's level fall, or it would interrupt again.
#pragma once

#include "aia.h"

#ifdef SUPERVISOR
enum { EXTERNAL = 9, ON = 1 << 1, PLIC_CONTEXT = 1 };
#define MODE "supervisor"
#define STATUS(how, bits) __asm__ volatile("csr" #how "i sstatus, %0" ::"i"(bits) : "memory")
#define SET_MODES(csr, value) SET(s##csr, value)
#define CAUSE GET(scause)
#define APLIC_DOMAIN APLIC_S
#define IMSIC_FILE IMSIC_S
#define CLAIM_MESSAGE SWAP(0x15c)
#else
enum { EXTERNAL = 11, ON = 1 << 3, PLIC_CONTEXT = 0 };
#define MODE "machine"
#define STATUS(how, bits) __asm__ volatile("csr" #how "i mstatus, %0" ::"i"(bits) : "memory")
#define SET_MODES(csr, value) SET(m##csr, value)
#define CAUSE GET(mcause)
#define APLIC_DOMAIN APLIC_M
#define IMSIC_FILE IMSIC_M
#define CLAIM_MESSAGE SWAP(0x35c)
#endif

#define PLIC 0x0c000000
#define PLIC_CLAIM (PLIC + 0x200004 + 0x1000 * PLIC_CONTEXT)

static void interrupted(u32 what);

static volatile u64 taken;  // interrupts
static u64 lines;           // that are heard, a bit each

static inline u32 claim(void) {
#if defined IMSIC
  return (u32)(CLAIM_MESSAGE >> 16);
#elif defined APLIC
  return REG(u32, APLIC_DOMAIN + CLAIM(0)) >> 16;
#else
  return REG(u32, PLIC_CLAIM);
#endif
}

/// If its level has not fallen, it interrupts again.
static inline void complete(u32 what) {
#if defined IMSIC
  if (lines >> what & 1) REG(u32, APLIC_DOMAIN + SET_PENDING) = what;
#elif !defined APLIC
  REG(u32, PLIC_CLAIM) = what;
#endif
  (void)what;
}

__attribute__((used, aligned(4), interrupt(MODE))) static void trap(void) {
  if (CAUSE != (1UL << 63 | EXTERNAL)) {
    print("another trap\n");
    leave(1);
  }
  const u32 what = claim();
  if (!what) return;
  ++taken;
  interrupted(what);
  __asm__ volatile("fence" ::: "memory");
  complete(what);
}

static inline void hear_line(u32 source) {
  lines |= 1UL << source;
#if defined APLIC || defined IMSIC
#ifdef SUPERVISOR
  REG(u32, APLIC_M + SOURCE(source)) = DELEGATE;
#endif
  REG(u32, APLIC_DOMAIN + SOURCE(source)) = LEVEL_HIGH;
#ifdef IMSIC
  REG(u32, APLIC_DOMAIN + TARGET(source)) = source;  // its identity
#else
  REG(u32, APLIC_DOMAIN + TARGET(source)) = 1;  // its priority
#endif
  REG(u32, APLIC_DOMAIN + ENABLE) = source;
#else
  REG(u32, PLIC + 4 * source) = 1;
  REG(u32, PLIC + 0x2000 + 0x80 * PLIC_CONTEXT + 4 * (source / 32)) |= 1u << source % 32;
#endif
}

/// To be called first: takes the hart to its mode, with all of memory.
static inline void come_to_mode(void) {
#ifdef SUPERVISOR
  SET(pmpaddr0, ~0UL);
  SET(pmpcfg0, 0x1f);
  SET(mideleg, 1 << EXTERNAL);
  u64 scratch = 3 << 11;  // mstatus.MPP
  __asm__ volatile(
      "csrc mstatus, %0\n"
      "csrs mstatus, %1\n"
      "la   %0, 1f\n"
      "csrw mepc, %0\n"
      "mret\n"
      "1:\n"
      : "+r"(scratch)
      : "r"(1 << 11)
      : "memory");
#endif
}

/// From now on it is interrupted by the lines that are heard, and by messages that have a bit here.
static inline void be_interrupted(u64 messages) {
#if defined IMSIC
  say_where_files_are();
#ifdef SUPERVISOR
  open_supervisor_file(lines | messages);
#else
  open_machine_file(lines | messages);
#endif
#elif defined APLIC
  REG(u32, APLIC_DOMAIN + DELIVERS(0)) = 1;
#else
  REG(u32, PLIC + 0x200000 + 0x1000 * PLIC_CONTEXT) = 0;
#endif
#if defined APLIC || defined IMSIC
  REG(u32, APLIC_DOMAIN + DOMAIN) = DOMAIN_ENABLE;
#endif
  (void)messages;
  SET_MODES(tvec, trap);
  SET_MODES(ie, 1 << EXTERNAL);
  STATUS(s, ON);
}

/// Sleeps until one more is taken than there were.
static inline void sleep_if_taken(u64 there_were) {
  STATUS(c, ON);
  if (taken == there_were) __asm__ volatile("wfi");
  STATUS(s, ON);
}
