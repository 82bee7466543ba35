// SPDX-License-Identifier: Apache-2.0
// Drives an NVM Express controller of `virt` by its registers: writes COMMANDS pieces of 4 KiB with a
// pattern, DEPTH at a time, reads them back and compares every word. Runs in M mode on hart 0, and ends
// with 0 if all is as it should be, else with the number of the line that found it is not.
//   DEPTH     commands under way at a time; 1 if nothing is said
//   COMMANDS  4 KiB each; 256
//   INTX      sleeps until the controller's pin interrupts, which interrupts.h says how; else it polls
//   MSIX      the same with messages, one identity for each of the two queues
//   ENDLESS   goes on reading until the controller is gone: its registers read as ones then
//   ERRORS    commands may fail, with READ_STATUS or WRITE_STATUS; they are counted and given again
//   TIMED     says how many writes and how many reads a second were done
//   BLIND     data are neither made nor compared: what is timed is the controller
// One that sleeps and gives one command at a time looks for a completion only when it was interrupted: there
// is one interrupt for each. The bus it looks for the controller on is 0, or, if a bridge is found first, the one behind that.
#include "interrupts.h"
#include "pci.h"

#ifndef DEPTH
#define DEPTH 1
#endif
#ifndef COMMANDS
#define COMMANDS 256
#endif
#ifndef READ_STATUS
#define READ_STATUS 0x281
#endif
#ifndef WRITE_STATUS
#define WRITE_STATUS 0x281
#endif

#define MTIME 0x200bff8
#define BAR0 0x40000000
#if defined INTX || defined MSIX
#define SLEEPS
#endif

enum { page = 4096, entries = 64, queue = 1 };
enum { ADMIN_MESSAGE = 40, IO_MESSAGE = 41 };
#ifdef SLEEPS
enum { LOOKS = 1 };
#else
enum { LOOKS = 256 };  // at the queue, for each at whether the controller is there
#endif
_Static_assert(DEPTH < entries, "the queue has room for all");

START_ON_HART_0;

// --- what cannot be --------------------------------------------------------------------------------

#define CHECK(condition)                  \
  do {                                    \
    if (!(condition)) fail_at(__LINE__);  \
  } while (0)
__attribute__((noreturn)) static void fail_at(u32 where) {
  say("wrong at line", where);
  leave(where & 0xff ? where & 0xff : 1);
}

// --- the controller ------------------------------------------------------------------------------

struct submission {
  u32 dw0, id, reserved[2];
  u64 metadata, prp1, prp2;
  u32 dw10, dw11, dw12, dw13, dw14, dw15;
};
struct completion {
  u32 result, reserved;
  u16 head, queue, command;
  volatile u16 status;
};
struct pair {
  struct submission submissions[entries] __attribute__((aligned(4096)));
  struct completion completions[entries] __attribute__((aligned(4096)));
  u32 tail, head, phase;
};

static struct pair admin_queue, io_queue;
static u64 data[DEPTH][page / 8] __attribute__((aligned(4096)));
static u64 identity[page / 8] __attribute__((aligned(4096)));
static __attribute__((unused)) u32 errors, line;
static __attribute__((unused)) volatile u32 interrupts, messages_of_admin, is_up;

static u32 csts(void) { return REG(u32, BAR0 + 0x1c); }
static int is_gone(void) { return csts() == 0xffffffff; }

static void ring(u32 number, u32 is_head, u32 value) {
  __asm__ volatile("fence" ::: "memory");
  REG(u32, BAR0 + 0x1000 + 8 * number + 4 * is_head) = value;
}

static struct submission *next(struct pair *q, u32 opcode, u16 command) {
  struct submission *s = &q->submissions[q->tail];
  q->tail = (q->tail + 1) % entries;
  *s = (struct submission){.dw0 = opcode | (u32)command << 16};
  return s;
}

/* The next completion, or nothing. */
static struct completion *seen(struct pair *q) {
  struct completion *c = &q->completions[q->head];
  if ((c->status & 1) != q->phase) return 0;
  __asm__ volatile("fence" ::: "memory");
  q->head = (q->head + 1) % entries;
  if (q->head == 0) q->phase ^= 1;
  return c;
}

/* Its number on the bus; a bridge in front of it gets bus 1, and a window. */
static u64 find(void) {
  for (u64 device = 0; device < 32; ++device) {
    u64 at = ECAM | device << 15;
    u32 class = REG(u32, at + 8) >> 8;
    if (class == 0x010802) {
      line = pci_line((u32)device, 1);
      return at;
    }
    if (class == 0x060400) {
      REG(u32, at + 0x18) = 0x00010100;
      REG(u32, at + 0x20) = 0x40f04000;
      REG(u16, at + 4) = 6;
      if (REG(u32, ECAM + (1 << 20) + 8) >> 8 != 0x010802) continue;
      line = pci_line((u32)device, 1);
      return ECAM + (1 << 20);
    }
  }
  return 0;
}

// --- interrupts ----------------------------------------------------------------------------------

static void interrupted(u32 what) {
#if defined MSIX
  CHECK(what == IO_MESSAGE || (what == ADMIN_MESSAGE && !is_up));
  if (what == IO_MESSAGE)
    ++interrupts;
  else
    ++messages_of_admin;
#elif defined INTX
  CHECK(what == line);
  ++interrupts;
  REG(u32, BAR0 + 0x0c) = 1;  // until somebody sleeps again
#else
  CHECK(!what);
#endif
}

#ifdef SLEEPS
static void hear(u64 function) {
  hear_line(line);
#ifdef MSIX
  CHECK(set_message(function, BAR0, 0, IMSIC_FILE, ADMIN_MESSAGE));
  CHECK(set_message(function, BAR0, 1, IMSIC_FILE, IO_MESSAGE));
#else
  (void)function;
#endif
  be_interrupted(1UL << ADMIN_MESSAGE | 1UL << IO_MESSAGE);
}
#endif

/* Sleeps if nothing was taken that was not before. */
static __attribute__((unused)) void sleep_on(u64 before) {
#ifdef INTX
  REG(u32, BAR0 + 0x10) = 1;
#endif
  sleep_if_taken(before);
}

/* More than there had been. */
static __attribute__((unused)) void await(volatile u32 *count, u32 there_had_been) {
  for (;;) {
    const u64 before = taken;
    if (*count != there_had_been) return;
    sleep_on(before);
  }
}

/* A completion; or nothing, having slept. */
static struct completion *seen_or_slept(struct pair *q) {
#if defined SLEEPS && DEPTH == 1
  static u32 looked;
  const u64 before = taken;
  if (interrupts == looked) {
    sleep_on(before);
    return 0;
  }
  struct completion *c = seen(q);
  CHECK(c && interrupts == ++looked);
  return c;
#elif defined SLEEPS
  const u64 before = taken;
  struct completion *c = seen(q);
  if (!c) sleep_on(before);
  return c;
#else
  return seen(q);
#endif
}

// --- the controller begins -----------------------------------------------------------------------

static u32 admin(struct submission *s) {
  (void)s;
  ring(0, 0, admin_queue.tail);
  struct completion *c;
  do c = seen(&admin_queue);
  while (!c);
#ifdef MSIX
  static u32 asked;
  await(&messages_of_admin, asked++);
#endif
  ring(0, 1, admin_queue.head);
  return c->status >> 1;
}

static void bring_up(void) {
  u64 function = find();
  CHECK(function);
  REG(u32, function + 0x10) = BAR0;
  REG(u32, function + 0x14) = 0;
  REG(u16, function + 4) = 6;
#ifdef SLEEPS
  hear(function);
#endif
  CHECK((REG(u32, BAR0) & 0xffff) + 1 >= entries);
  REG(u32, BAR0 + 0x14) = 0;
  while (csts() & 1) CHECK(!is_gone());
  admin_queue.phase = io_queue.phase = 1;
  REG(u32, BAR0 + 0x24) = (entries - 1) << 16 | (entries - 1);
  REG(u64, BAR0 + 0x28) = (u64)admin_queue.submissions;
  REG(u64, BAR0 + 0x30) = (u64)admin_queue.completions;
  REG(u32, BAR0 + 0x14) = 0x00460001;
  while (!(csts() & 1)) CHECK(!(csts() & 2));
#ifdef INTX
  REG(u32, BAR0 + 0x0c) = 1;
#endif

  struct submission *s = next(&admin_queue, 0x06, 1);
  s->id = 1;
  s->prp1 = (u64)identity;
  CHECK(admin(s) == 0);
  u64 block = 1UL << (identity[128 / 8] >> 16 & 0xff);
  CHECK(block == 512 && identity[0] * block >= (u64)COMMANDS * page);
  say("blocks", identity[0]);

  s = next(&admin_queue, 0x05, 2);
  s->prp1 = (u64)io_queue.completions;
  s->dw10 = (entries - 1) << 16 | queue;
#if defined MSIX
  s->dw11 = 1 << 16 | 3;
#elif defined INTX
  s->dw11 = 3;
#else
  s->dw11 = 1;
#endif
  CHECK(admin(s) == 0);
  s = next(&admin_queue, 0x01, 3);
  s->prp1 = (u64)io_queue.submissions;
  s->dw10 = (entries - 1) << 16 | queue;
  s->dw11 = queue << 16 | 1;
  CHECK(admin(s) == 0);
  is_up = 1;
}

// --- data ----------------------------------------------------------------------------------------

static __attribute__((unused)) u64 word_of(u64 piece, u64 word) {
  return (piece * (page / 8) + word) * 0x9e3779b97f4a7c15UL;
}

enum what { writing = 1, reading = 2 };
static u64 given[DEPTH];  // which piece each command is about
static __attribute__((unused)) u64 sum;

static void give(enum what what, u16 command, u64 piece) {
  given[command] = piece;
  u64 *words = data[command];
#ifndef BLIND
  for (u64 i = 0; i < page / 8; ++i) words[i] = what == writing ? word_of(piece, i) : ~0UL;
#endif
  struct submission *s = next(&io_queue, what, command);
  s->id = 1;
  s->prp1 = (u64)words;
  s->dw10 = (u32)(piece * (page / 512));
  s->dw12 = page / 512 - 1;
}

/* What came back is right; false if the command has to be given again. */
static int check(enum what what, const struct completion *c) {
  CHECK(c->queue == queue && c->command < DEPTH);
  if (c->status >> 1) {
#if defined ERRORS
    CHECK(c->status >> 1 == (what == writing ? WRITE_STATUS : READ_STATUS));
    if (errors++ == 0) print("a command failed\n");
    return 0;
#elif defined ENDLESS
    return 0;
#else
    CHECK(0);
#endif
  }
  if (what == writing) return 1;
#ifndef BLIND
  const u64 *words = data[c->command];
  for (u64 i = 0; i < page / 8; ++i) {
    CHECK(words[i] == word_of(given[c->command], i));
    sum += words[i];
  }
#endif
  return 1;
}

/* All pieces once, or, ENDLESS, over and over. How many were done; those on their way when the
   controller went are not. */
static u64 run(enum what what, u64 pieces, int endless) {
  u64 begun = 0, done = 0;
  u32 under_way = 0, looks = 0;
  const u64 began = REG(u64, MTIME);
  const u32 there_had_been = interrupts;
  while (under_way < DEPTH && begun < pieces) give(what, (u16)under_way++, begun++);
  ring(queue, 0, io_queue.tail);
#ifdef SLEEPS
  await(&interrupts, there_had_been);
#else
  (void)there_had_been;
#endif
  while (under_way != 0) {
    struct completion *c = seen_or_slept(&io_queue);
    if (!c) {
      if (looks++ % LOOKS == 0 && is_gone()) return done;
      continue;
    }
    int again = !check(what, c);
    if (!again) ++done;
    if (again)
      give(what, c->command, given[c->command]);
    else if (begun < pieces || endless)
      give(what, c->command, begun++ % pieces);
    else
      --under_way;
    ring(queue, 1, io_queue.head);
    ring(queue, 0, io_queue.tail);
  }
#ifdef TIMED
  const u64 took = REG(u64, MTIME) - began;
  say(what == writing ? "writes a second" : "reads a second", done * 10000000 / (took ? took : 1));
#else
  (void)began;
#endif
  return done;
}

__attribute__((used)) void start(void) {
  come_to_mode();
  bring_up();
  CHECK(run(writing, COMMANDS, 0) == COMMANDS);
  print("written\n");
  u64 had = run(reading, COMMANDS, 0);
#ifdef ENDLESS
  if (is_gone()) {
    print("gone\n");
    leave(0);
  }
#endif
  CHECK(had == COMMANDS);
#ifndef BLIND
  u64 expected = 0;
  for (u64 piece = 0; piece < COMMANDS; ++piece)
    for (u64 i = 0; i < page / 8; ++i) expected += word_of(piece, i);
  CHECK(sum == expected);
#endif
  say("checked", COMMANDS);
#ifdef SLEEPS
  say("interrupts", interrupts);
#endif
#ifdef MSIX
  say("of the admin queue", messages_of_admin);
#endif
#ifdef ERRORS
  say("errors", errors);
#endif
#ifdef ENDLESS
  print("going on\n");
  run(reading, COMMANDS, 1);
  CHECK(is_gone());
  print("gone\n");
#else
  REG(u32, BAR0 + 0x14) |= 1 << 14;
  while ((csts() >> 2 & 3) != 2) CHECK(!is_gone());
  print("shut down\n");
#endif
  leave(0);
}
