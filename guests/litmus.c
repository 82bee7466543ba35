// SPDX-License-Identifier: Apache-2.0
// Litmus tests for the RISC-V memory model (RVWMO, unprivileged ISA, chapter 17 and appendix A), on
// HARTS harts (2 or 4), ROUNDS rounds each. Harts go through BATCH rounds side by side, each round
// on memory of its own, and the outcomes are looked at when all are through. With four harts two pairs
// run the tests for two. For each test a line: its rounds, how often the outcome appeared that only
// a weak memory shows, and how often one that is forbidden; the status is 0 if none was.
typedef unsigned long u64;

#ifndef HARTS
#define HARTS 2
#endif
#ifndef ROUNDS
#define ROUNDS 100000UL
#endif
#ifndef BATCH
#define BATCH 4096
#endif

enum { kBatch = BATCH, kMostHarts = 4 };

struct slot {
  u64 x, before[7], y, behind[7];
};
static volatile struct slot slots[kMostHarts / 2][kBatch];
static volatile u64 results[kMostHarts][kBatch][2];
static volatile u64 shared[8], locked_sum[8], lock_word[8];

/* --- what each hart does in a round: s is the slot, r0 and r1 what it saw --- */

#define ROLE(name, text)                                                        \
  static void name(volatile struct slot* s, volatile u64 (*out)[2]) {           \
    for (u64 i = 0; i < kBatch; ++i, ++s) {                                     \
      u64 r0 = 0, r1 = 0;                                                       \
      __asm__ volatile(text : "+&r"(r0), "+&r"(r1) : "r"(s), "r"(1UL) : "t0", "memory"); \
      out[i][0] = r0;                                                           \
      out[i][1] = r1;                                                           \
    }                                                                           \
  }
#define X "0(%2)"
#define Y "64(%2)"

ROLE(mp_writes, "sd %3, " X "; fence w, w; sd %3, " Y)
ROLE(mp_reads, "ld %0, " Y "; fence r, r; ld %1, " X)
ROLE(mp_address, "ld %0, " Y "; xor t0, %0, %0; add t0, t0, %2; ld %1, 0(t0)")
ROLE(mp_releases, "sd %3, " X "; addi t0, %2, 64; amoswap.d.rl zero, %3, (t0)")
ROLE(mp_acquires, "addi t0, %2, 64; lr.d.aq %0, (t0); ld %1, " X)
ROLE(sb_x, "sd %3, " X "; ld %0, " Y)
ROLE(sb_y, "sd %3, " Y "; ld %0, " X)
ROLE(sb_fence_x, "sd %3, " X "; fence rw, rw; ld %0, " Y)
ROLE(sb_fence_y, "sd %3, " Y "; fence rw, rw; ld %0, " X)
ROLE(sb_amo_x, "amoswap.d.aqrl zero, %3, (%2); addi t0, %2, 64; lr.d.aqrl %0, (t0)")
ROLE(sb_amo_y, "addi t0, %2, 64; amoswap.d.aqrl zero, %3, (t0); lr.d.aqrl %0, (%2)")
ROLE(lb_x, "ld %0, " X "; xor t0, %0, %0; addi t0, t0, 1; sd t0, " Y)
ROLE(lb_y, "ld %0, " Y "; xor t0, %0, %0; addi t0, t0, 1; sd t0, " X)
ROLE(lb_fence_x, "ld %0, " X "; fence r, w; sd %3, " Y)
ROLE(lb_fence_y, "ld %0, " Y "; fence r, w; sd %3, " X)
ROLE(writes_x, "sd %3, " X)
ROLE(writes_y, "sd %3, " Y)
ROLE(reads_xy, "ld %0, " X "; fence r, r; ld %1, " Y)
ROLE(reads_yx, "ld %0, " Y "; fence r, r; ld %1, " X)
ROLE(reads_xx, "ld %0, " X "; ld %1, " X)
ROLE(wrc_passes, "ld %0, " X "; fence r, w; sd %0, " Y)

static void adds(volatile struct slot* s, volatile u64 (*out)[2]) {
  (void)s, (void)out;
  for (u64 i = 0; i < kBatch; ++i)
    __asm__ volatile("amoadd.d zero, %0, (%1)" ::"r"(1UL), "r"(shared) : "memory");
}
static void reserves(volatile struct slot* s, volatile u64 (*out)[2]) {
  (void)s, (void)out;
  for (u64 i = 0; i < kBatch; ++i) {
    u64 old, failed;
    __asm__ volatile("1: lr.d %0, (%2); addi %0, %0, 1; sc.d %1, %0, (%2); bnez %1, 1b"
                     : "=&r"(old), "=&r"(failed)
                     : "r"(shared)
                     : "memory");
  }
}
static void locks(volatile struct slot* s, volatile u64 (*out)[2]) {
  (void)s, (void)out;
  for (u64 i = 0; i < kBatch / 16; ++i)
    for (;;) {
      u64 held;
      __asm__ volatile("amoswap.w.aq %0, %1, (%2)" : "=r"(held) : "r"(1UL), "r"(lock_word) : "memory");
      if (held) continue;
      locked_sum[0] += 16;
      __asm__ volatile("amoswap.w.rl zero, zero, (%0)" ::"r"(lock_word) : "memory");
      break;
    }
}

/* --- the tests --- */

enum verdict { kPlain, kWeak, kForbidden };

static enum verdict mp(const u64 r[4][2]) { return r[1][0] && !r[1][1] ? kForbidden : kPlain; }
static enum verdict sb(const u64 r[4][2]) { return !r[0][0] && !r[1][0] ? kWeak : kPlain; }
static enum verdict sb_strong(const u64 r[4][2]) { return !r[0][0] && !r[1][0] ? kForbidden : kPlain; }
static enum verdict lb(const u64 r[4][2]) { return r[0][0] && r[1][0] ? kForbidden : kPlain; }
static enum verdict corr(const u64 r[4][2]) { return r[1][0] && !r[1][1] ? kForbidden : kPlain; }
static enum verdict iriw(const u64 r[4][2]) {
  return r[2][0] && !r[2][1] && r[3][0] && !r[3][1] ? kForbidden : kPlain;
}
static enum verdict wrc(const u64 r[4][2]) {
  return r[1][0] && r[2][0] && !r[2][1] ? kForbidden : kPlain;
}
static enum verdict counted(const u64 r[4][2]) { (void)r; return kPlain; }

typedef void (*role)(volatile struct slot*, volatile u64 (*)[2]);
struct test {
  const char* name;
  int roles;
  role role[4];
  enum verdict (*judge)(const u64 r[4][2]);
};
static const struct test tests[] = {
    {"MP+fence.w.w+fence.r.r", 2, {mp_writes, mp_reads}, mp},
    {"MP+fence.w.w+addr", 2, {mp_writes, mp_address}, mp},
    {"MP+rl+aq", 2, {mp_releases, mp_acquires}, mp},
    {"SB", 2, {sb_x, sb_y}, sb},
    {"SB+fence.rw.rw", 2, {sb_fence_x, sb_fence_y}, sb_strong},
    {"SB+amo.aqrl", 2, {sb_amo_x, sb_amo_y}, sb_strong},
    {"LB+data", 2, {lb_x, lb_y}, lb},
    {"LB+fence.r.w", 2, {lb_fence_x, lb_fence_y}, lb},
    {"CoRR", 2, {writes_x, reads_xx}, corr},
    {"AMO", 2, {adds, adds}, counted},
    {"LR/SC", 2, {reserves, reserves}, counted},
    {"lock", 2, {locks, locks}, counted},
    {"IRIW+fence.r.r", 4, {writes_x, writes_y, reads_xy, reads_yx}, iriw},
    {"WRC+fence.r.w+fence.r.r", 4, {writes_x, wrc_passes, reads_yx, writes_x}, wrc},
};

/* --- running them --- */

static volatile u64 arrived[8], phase[8];
static void meet(void) {
  u64 now = phase[0];
  if (__atomic_add_fetch(&arrived[0], 1, __ATOMIC_SEQ_CST) == HARTS) {
    arrived[0] = 0;
    __atomic_store_n(&phase[0], now + 1, __ATOMIC_SEQ_CST);
  } else {
    while (__atomic_load_n(&phase[0], __ATOMIC_SEQ_CST) == now) {
    }
  }
}

static void put(char c) { *(volatile unsigned char*)0x10000000 = (unsigned char)c; }
static void print(const char* text) {
  while (*text) put(*text++);
}
static void print_number(u64 n) {
  char digits[20];
  int count = 0;
  do digits[count++] = (char)('0' + n % 10);
  while ((n /= 10) != 0);
  while (count) put(digits[--count]);
}

static volatile u64 weak, forbidden, judged;

static void judge_batch(const struct test* test) {
  for (int group = 0; group < HARTS / test->roles; ++group)
    for (u64 i = 0; i < kBatch; ++i) {
      u64 r[4][2];
      for (int role = 0; role < test->roles; ++role) {
        r[role][0] = results[group * test->roles + role][i][0];
        r[role][1] = results[group * test->roles + role][i][1];
      }
      enum verdict verdict = test->judge(r);
      weak += verdict == kWeak;
      forbidden += verdict == kForbidden;
      slots[group][i].x = slots[group][i].y = 0;
    }
}

static void judge_sums(const struct test* test) {
  u64 wanted = judged * kBatch * HARTS;
  if (test->role[0] == locks ? locked_sum[0] != wanted
                             : test->judge == counted && shared[0] != wanted)
    ++forbidden;
  shared[0] = locked_sum[0] = 0;
}

static void run(const struct test* test, u64 hart) {
  u64 groups = (u64)(HARTS / test->roles);
  u64 batches = (ROUNDS + kBatch * groups - 1) / (kBatch * groups);
  int group = (int)hart / test->roles, place = (int)hart % test->roles;
  /* What must be seen is looked for longer, should the harts have run one after the other. */
  for (u64 batch = 0; batch < batches || (test->judge == sb && batch < 40 * batches && !weak); ++batch) {
    meet();
    test->role[place](slots[group], results[hart]);
    meet();
    if (hart == 0) judge_batch(test), ++judged;
    if (test->judge == sb) meet();
  }
  meet(); /* all have seen that it is over */
  if (hart != 0) return;
  judge_sums(test);
  print(test->name);
  print(": ");
  print_number(judged * kBatch * groups);
  print(" rounds, weak ");
  print_number(weak);
  print(", forbidden ");
  print_number(forbidden);
  put('\n');
}

void program(u64 hart) {
  static u64 bad;
  for (unsigned i = 0; i < sizeof tests / sizeof tests[0]; ++i) {
    if (tests[i].roles > HARTS) continue;
    run(&tests[i], hart);
    if (hart == 0) bad += forbidden, weak = forbidden = judged = 0;
  }
  if (hart == 0) *(volatile unsigned*)0x100000 = bad ? 0x3333 | 1 << 16 : 0x5555;
  for (;;) {
  }
}

__attribute__((aligned(16))) unsigned char stacks[kMostHarts][4096];
__asm__(
    ".section .text.init\n"
    ".globl _start\n"
    "_start: csrr a0, mhartid\n"
    "  la sp, stacks\n"
    "  addi t0, a0, 1\n"
    "  slli t0, t0, 12\n"
    "  add sp, sp, t0\n"
    "  j program\n");
