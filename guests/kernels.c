// SPDX-License-Identifier: Apache-2.0
// Six small kernels of the kind that processors are measured by, chosen by KERNEL, and accesses to
// devices; each is run ROUNDS times, then the machine is switched off. The result is checked, so that
// a wrong one is no figure: status 1.
typedef unsigned long u64;
typedef unsigned int u32;
typedef unsigned char u8;

#define PASTE2(a, b) a##b
#define PASTE(a, b) PASTE2(a, b)

static u8 bytes[1 << 16];
static u32 words[1 << 14];
static u64 longs[64 * 64 * 3];

static u32 next_random(u32* state) {
  *state ^= *state << 13;
  *state ^= *state >> 17;
  return *state ^= *state << 5;
}

/* How many primes lie below 65536. */
static u64 sieve(void) {
  u64 count = 0;
  for (u64 i = 0; i < sizeof bytes; ++i) bytes[i] = 1;
  for (u64 i = 2; i < sizeof bytes; ++i) {
    if (!bytes[i]) continue;
    ++count;
    for (u64 j = i * i; j < sizeof bytes; j += i) bytes[j] = 0;
  }
  return count;
}
enum { sieve_result = 6542 };

/* CRC-32 of 64 KiB of zeroes, by a table. */
static u64 crc(void) {
  static u32 table[256];
  if (table[1] == 0)
    for (u32 i = 0; i < 256; ++i) {
      u32 c = i;
      for (int k = 0; k < 8; ++k) c = c & 1 ? 0xedb88320 ^ c >> 1 : c >> 1;
      table[i] = c;
    }
  u32 c = ~0U;
  for (u64 i = 0; i < sizeof bytes; ++i) c = table[(c ^ bytes[i]) & 0xff] ^ c >> 8;
  return ~c;
}
#define crc_result 0xd7978eeb

/* 64 KiB, eight bytes at a time. */
static u64 copy(void) {
  const u64* from = (const u64*)bytes;
  u64* to = (u64*)words;
  for (u64 round = 0; round < 8; ++round)
    for (u64 i = 0; i < sizeof words / 8; ++i) to[i] = from[i] + round;
  return to[5];
}
enum { copy_result = 7 };

/* A product of two matrices of 64 times 64. */
static u64 matrix(void) {
  u64 *a = longs, *b = longs + 4096, *c = longs + 8192;
  for (u64 i = 0; i < 4096; ++i) a[i] = i & 7, b[i] = i >> 6;
  for (u64 i = 0; i < 64; ++i)
    for (u64 j = 0; j < 64; ++j) {
      u64 sum = 0;
      for (u64 k = 0; k < 64; ++k) sum += a[i * 64 + k] * b[k * 64 + j];
      c[i * 64 + j] = sum;
    }
  return c[4095];
}
enum { matrix_result = 7392 };

/* Heap sort of 16384 numbers. */
static void sink(u32* heap, u64 root, u64 size) {
  u32 value = heap[root];
  for (;;) {
    u64 child = 2 * root + 1;
    if (child >= size) break;
    if (child + 1 < size && heap[child + 1] > heap[child]) ++child;
    if (heap[child] <= value) break;
    heap[root] = heap[child];
    root = child;
  }
  heap[root] = value;
}
static u64 sort(void) {
  u64 n = sizeof words / sizeof words[0];
  u32 state = 1;
  for (u64 i = 0; i < n; ++i) words[i] = next_random(&state);
  for (u64 i = n / 2; i-- > 0;) sink(words, i, n);
  for (u64 i = n; --i > 0;) {
    u32 last = words[i];
    words[i] = words[0];
    words[0] = last;
    sink(words, 0, i);
  }
  for (u64 i = 1; i < n; ++i)
    if (words[i - 1] > words[i]) return 0;
  return 1;
}
enum { sort_result = 1 };

/* A hash table with open addressing: 8192 keys, each looked for twice. */
static u64 hash(void) {
  u64 size = sizeof words / sizeof words[0], found = 0;
  for (u64 i = 0; i < size; ++i) words[i] = 0;
  u32 state = 7;
  for (u64 i = 0; i < size / 2; ++i) {
    u32 key = next_random(&state);
    u64 at = key * 2654435761U >> 18;
    while (words[at] != 0 && words[at] != key) at = (at + 1) % size;
    words[at] = key;
  }
  for (int twice = 0; twice < 2; ++twice) {
    state = 7;
    for (u64 i = 0; i < size / 2; ++i) {
      u32 key = next_random(&state);
      u64 at = key * 2654435761U >> 18;
      while (words[at] != 0 && words[at] != key) at = (at + 1) % size;
      found += words[at] == key;
    }
  }
  return found;
}
enum { hash_result = 16384 };

/* 4096 accesses to a device. */
#define LOADS(name, type, address)                              \
  static u64 name(void) {                                       \
    for (int i = 0; i < 4096; ++i) (void)*(volatile type*)(address); \
    return 1;                                                   \
  }                                                             \
  enum { PASTE(name, _result) = 1 };
LOADS(uart, u8, 0x10000005)
LOADS(clint, u64, 0x200bff8)
LOADS(plic, u32, 0xc000028)

/* Loads over 32 MiB, a cache line apart. */
static u64 ram(void) {
  u64 sum = 0;
  for (u64 at = 0x81000000; at < 0x83000000; at += 64) sum += *(volatile u64*)at;
  return sum == 0;
}
enum { ram_result = 1 };

static u64 nothing(void) { return 1; }
enum { nothing_result = 1 };

/* With COUNTS: how many instructions a round takes. */
static void report(u64 instructions) {
  char digits[20];
  int n = 0;
  do digits[n++] = (char)('0' + instructions % 10);
  while ((instructions /= 10) != 0);
  while (n > 0) *(volatile u8*)0x10000000 = (u8)digits[--n];
  *(volatile u8*)0x10000000 = '\n';
}

void program(void) {
  u32 status = 0x5555;
  u64 before, behind;
  __asm__ volatile("csrr %0, minstret" : "=r"(before));
  for (u64 i = 0; i < ROUNDS; ++i)
    if (KERNEL() != PASTE(KERNEL, _result)) status = 0x13333;
  __asm__ volatile("csrr %0, minstret" : "=r"(behind));
#ifdef COUNTS
  report((behind - before) / ROUNDS);
#else
  (void)report, (void)before, (void)behind;
#endif
  *(volatile u32*)0x100000 = status;
  for (;;) {
  }
}

__attribute__((aligned(16))) u8 stack[8192];
__asm__(
    ".section .text.init\n"
    ".globl _start\n"
    "_start: csrr t0, mhartid\n"
    "1: bnez t0, 1b\n"
    "  la sp, stack + 8192\n"
    "  j program\n");
