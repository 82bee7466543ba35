// SPDX-License-Identifier: Apache-2.0
// What a small teaching kernel does on `virt`, started by `-bios none -kernel`: all harts enter in M
// mode at the beginning of RAM, delegate everything, go to S mode, arm their timers, print under a
// lock, take timer and console interrupts, run a program in U mode behind page tables that asks for
// something by ecall, and power the machine off when the last hart is done.
#include <stdint.h>

typedef uint64_t u64;
typedef volatile uint8_t* port8;

#ifndef HARTS
#define HARTS 1 /* how many the machine has */
#endif

enum { kMostHarts = 8, kTicks = 3 };

#define UART ((port8)0x10000000)
#define SYSCON (*(volatile uint32_t*)0x100000)
#define PLIC 0x0c000000UL
#define UART_IRQ 10

#define read_csr(name) ({ u64 v_; __asm__ volatile("csrr %0, " #name : "=r"(v_)); v_; })
#define write_csr(name, value) __asm__ volatile("csrw " #name ", %0" ::"r"((u64)(value)))
#define set_csr(name, value) __asm__ volatile("csrs " #name ", %0" ::"r"((u64)(value)))
#define clear_csr(name, value) __asm__ volatile("csrc " #name ", %0" ::"r"((u64)(value)))

__attribute__((aligned(16))) uint8_t stacks[kMostHarts][4096];
static volatile int lock_word;
static volatile u64 ready, finished;
static volatile u64 ticks[kMostHarts];
static volatile int received = -1;

/* --- printing, under a lock of atomics --- */

static void lock(void) {
  while (__atomic_exchange_n(&lock_word, 1, __ATOMIC_ACQUIRE))
    while (lock_word) {
    }
}
static void unlock(void) { __atomic_store_n(&lock_word, 0, __ATOMIC_RELEASE); }

static void put(char c) {
  while ((UART[5] & 0x20) == 0) {
  }
  UART[0] = (uint8_t)c;
}
static void print(const char* text) {
  for (; *text; ++text) put(*text);
}
static void print_hart(const char* before, u64 hart, const char* after) {
  lock();
  print(before);
  put((char)('0' + hart));
  print(after);
  unlock();
}

#ifdef COUNTS
static void print_number(u64 number) {
  char digits[21];
  int n = 0;
  do digits[n++] = (char)('0' + number % 10);
  while ((number /= 10) != 0);
  while (n > 0) put(digits[--n]);
}
static void print_counts(u64 hart) {
  lock();
  print("hart ");
  put((char)('0' + hart));
  print(" has run ");
  print_number(read_csr(instret));
  print(" instructions at ");
  print_number(read_csr(time));
  print("\n");
  unlock();
}
#endif

/* --- page tables: RAM and devices as they are, and one user page at 0 --- */

__attribute__((aligned(4096))) static u64 root[512], low[512], lowest[512];
__attribute__((aligned(4096))) uint8_t user_page[4096];
extern const char user_begin[], user_end[];

static void make_tables(void) {
  u64 gigabyte = 1UL << 30;
  root[2] = (2 * gigabyte >> 12) << 10 | 0xcf; /* RAM */
  root[0] = ((u64)low >> 12) << 10 | 1;
  for (u64 i = 1; i < 512; ++i) low[i] = (i << 21 >> 12) << 10 | 0xc7; /* devices */
  low[0] = ((u64)lowest >> 12) << 10 | 1;
  for (u64 i = 1; i < 512; ++i) lowest[i] = (i << 12 >> 12) << 10 | 0xc7;
  lowest[0] = ((u64)user_page >> 12) << 10 | 0xdf; /* the program, for U mode */
  for (u64 i = 0; i < (u64)(user_end - user_begin); ++i) user_page[i] = (uint8_t)user_begin[i];
}

/* --- traps --- */

void trap(u64 hart) {
  u64 cause = read_csr(scause);
  if (cause == (1UL << 63 | 5)) {
    ++ticks[hart];
    write_csr(0x14d, ticks[hart] >= kTicks ? ~0UL : read_csr(time) + 1000);
  } else if (cause == (1UL << 63 | 9)) {
    volatile uint32_t* claim = (volatile uint32_t*)(PLIC + 0x201004 + 0x2000 * hart);
    uint32_t source = *claim;
    if (source == UART_IRQ) received = UART[0];
    *claim = source;
  } else {
    print_hart("hart ", hart, ": a trap it does not know\n");
    SYSCON = 0x3333 | 1 << 16;
  }
}

void user_run(u64 argument); /* returns when the program asks for it */
u64 user_result[kMostHarts];

void supervisor(u64 hart) {
  if (hart == 0) {
    make_tables();
    UART[1] = 1; /* interrupt for what is received */
    *(volatile uint32_t*)(PLIC + 4 * UART_IRQ) = 1;
    *(volatile uint32_t*)(PLIC + 0x2080) = 1 << UART_IRQ;
    *(volatile uint32_t*)(PLIC + 0x201000) = 0;
    print("kernel is booting\n");
    __atomic_store_n(&ready, 1, __ATOMIC_RELEASE);
  } else {
    while (__atomic_load_n(&ready, __ATOMIC_ACQUIRE) == 0) {
    }
    print_hart("hart ", hart, " starting\n");
  }
  write_csr(satp, 8UL << 60 | (u64)root >> 12);
  __asm__ volatile("sfence.vma");
  write_csr(0x14d, read_csr(time) + 1000);
  set_csr(sie, 1 << 5 | 1 << 9);
  set_csr(sstatus, 1 << 1);
  while (ticks[hart] < kTicks) __asm__ volatile("wfi");
  user_run(41);
  print_hart("hart ", hart, user_result[hart] == 42 ? " is back from user mode\n" : " lost\n");

#ifdef COUNTS
  print_counts(hart);
#endif
  __atomic_fetch_add(&finished, 1, __ATOMIC_SEQ_CST);
  if (hart != 0)
    for (;;) __asm__ volatile("wfi");
  while (__atomic_load_n(&finished, __ATOMIC_SEQ_CST) < HARTS) {
  }
#ifdef ECHO
  print("type a key\n");
  set_csr(sie, 1 << 9);
  while (received < 0) { /* interrupts are let in behind the wait, so that none is slept through */
    __asm__ volatile("wfi");
    set_csr(sstatus, 1 << 1);
    clear_csr(sstatus, 1 << 1);
  }
  put((char)received);
  put('\n');
#endif
  SYSCON = 0x5555;
  for (;;) {
  }
}

void machine(void) {
  write_csr(medeleg, 0xffff);
  write_csr(mideleg, 0xffff);
  write_csr(pmpaddr0, ~0UL);
  write_csr(pmpcfg0, 0xf);
  write_csr(mcounteren, 7);
  set_csr(0x30a, 1UL << 63); /* menvcfg.STCE */
  clear_csr(mstatus, 3 << 11);
  set_csr(mstatus, 1 << 11);
}

__asm__(
    ".section .text.init\n"
    ".globl _start\n"
    "_start: csrr a0, mhartid\n"
    "  li t0, 8\n"
    "  bgeu a0, t0, 1f\n"
    "  la sp, stacks\n"
    "  addi t0, a0, 1\n"
    "  slli t0, t0, 12\n"
    "  add sp, sp, t0\n"
    "  mv tp, a0\n"
    "  call machine\n"
    "  la t0, vector\n"
    "  csrw stvec, t0\n"
    "  la t0, supervisor\n"
    "  csrw mepc, t0\n"
    "  mv a0, tp\n"
    "  mret\n"
    "1: wfi\n"
    "  j 1b\n"
    ".text\n"
    /* Traps: from S on the kernel's stack, from U with sp in sscratch. */
    ".balign 4\n"
    "vector: csrrw sp, sscratch, sp\n"
    "  bnez sp, 1f\n"
    "  csrrw sp, sscratch, sp\n"
    "1: addi sp, sp, -272\n"
    "  sd x1, 8(sp)\n  sd x3, 24(sp)\n  sd x4, 32(sp)\n  sd x5, 40(sp)\n"
    "  sd x6, 48(sp)\n  sd x7, 56(sp)\n  sd x10, 80(sp)\n  sd x11, 88(sp)\n  sd x12, 96(sp)\n"
    "  sd x13, 104(sp)\n  sd x14, 112(sp)\n  sd x15, 120(sp)\n  sd x16, 128(sp)\n"
    "  sd x17, 136(sp)\n  sd x28, 224(sp)\n  sd x29, 232(sp)\n  sd x30, 240(sp)\n"
    "  sd x31, 248(sp)\n"
    "  csrr t0, sepc\n"
    "  sd t0, 256(sp)\n"
    "  csrr t1, sscratch\n" /* not 0: from U mode */
    "  bnez t1, 2f\n"
    "  mv a0, tp\n"
    "  call trap\n"
    "  ld t0, 256(sp)\n  csrw sepc, t0\n"
    "  ld x1, 8(sp)\n  ld x5, 40(sp)\n  ld x6, 48(sp)\n  ld x7, 56(sp)\n  ld x10, 80(sp)\n"
    "  ld x11, 88(sp)\n  ld x12, 96(sp)\n  ld x13, 104(sp)\n  ld x14, 112(sp)\n"
    "  ld x15, 120(sp)\n  ld x16, 128(sp)\n  ld x17, 136(sp)\n  ld x28, 224(sp)\n"
    "  ld x29, 232(sp)\n  ld x30, 240(sp)\n  ld x31, 248(sp)\n"
    "  addi sp, sp, 272\n"
    "  sret\n"
    /* The program's call: its result is taken, and user_run returns. */
    "2: csrr t0, scause\n"
    "  li t1, 8\n"
    "  bne t0, t1, 3f\n"
    "  la t0, user_result\n"
    "  addi sp, sp, 272\n"
    "  ld tp, 8(sp)\n"
    "  slli t1, tp, 3\n"
    "  add t0, t0, t1\n"
    "  sd a0, 0(t0)\n"
    "  csrw sscratch, zero\n"
    "  ld ra, 0(sp)\n"
    "  addi sp, sp, 16\n"
    "  ret\n"
    "3: li t0, 0x100000\n"
    "  li t1, 0x23333\n"
    "  sw t1, 0(t0)\n"
    "  j 3b\n"
    ".globl user_run\n"
    "user_run: addi sp, sp, -16\n"
    "  sd ra, 0(sp)\n"
    "  sd tp, 8(sp)\n"
    "  li t0, 0x122\n" /* SIE, SPIE, SPP: no interrupts on the way, none in U mode */
    "  csrc sstatus, t0\n"
    "  li t0, 0x220\n"
    "  csrc sie, t0\n"
    "  csrw sscratch, sp\n"
    "  csrw sepc, zero\n"
    "  sret\n"
    ".globl user_begin\n"
    ".globl user_end\n"
    "user_begin: addi a0, a0, 1\n"
    "  ecall\n"
    "user_end: nop\n");
