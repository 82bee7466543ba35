// SPDX-License-Identifier: Apache-2.0
// Goes through the operations of semihosting and ends with 0, or with the number of the first line
// that was not as it should be. Its command line is a path that it may write to, then a word.
// READS: reads a line from the console first and says it again. SPINS: ends by SYS_EXIT instead.
typedef unsigned long u64;

static u64 call(u64 operation, const volatile void* parameter) {
  register u64 a0 __asm__("a0") = operation;
  register const volatile void* a1 __asm__("a1") = parameter;
  __asm__ volatile(
      ".option push\n.option norvc\n"
      "slli x0, x0, 0x1f\nebreak\nsrai x0, x0, 7\n.option pop"
      : "+r"(a0)
      : "r"(a1)
      : "memory");
  return a0;
}

static u64 length(const char* text) {
  u64 n = 0;
  while (text[n] != 0) ++n;
  return n;
}
static int same(const char* a, const char* b, u64 n) {
  for (u64 i = 0; i < n; ++i)
    if (a[i] != b[i]) return 0;
  return 1;
}

__attribute__((noreturn)) static void leave(u64 status) {
  volatile u64 in[2] = {0x20026, status};
  call(0x20, in);
  for (;;) {
  }
}
#define CHECK(condition) \
  do {                   \
    if (!(condition)) leave(__LINE__); \
  } while (0)

static u64 open_file(const char* name, u64 mode) {
  volatile u64 in[3] = {(u64)name, mode, length(name)};
  return call(0x01, in);
}
static u64 with_handle(u64 operation, u64 handle, u64 argument) {
  volatile u64 in[2] = {handle, argument};
  return call(operation, in);
}
static u64 transfer(u64 operation, u64 handle, const void* bytes, u64 count) {
  volatile u64 in[3] = {handle, (u64)bytes, count};
  return call(operation, in);
}

static char line[256], other[300], buffer[5000];

void program(void) {
  volatile u64 in[4] = {(u64)line, sizeof line};
  CHECK(call(0x15, in) == 0 && in[1] == length(line));
  char* word = line;
  while (*word != ' ' && *word != 0) ++word;
  CHECK(*word == ' ');
  *word++ = 0;
  CHECK(same(word, "word", 5));
  in[1] = 3;
  CHECK(call(0x15, in) == ~0UL); /* too short a buffer */

#ifdef READS
  u64 keys = open_file(":tt", 0);
  CHECK(keys != 0 && keys != ~0UL);
  int typed = 0;
  do CHECK(transfer(0x06, keys, buffer + typed, 1) == 0);
  while (buffer[typed++] != '\n');
  u64 said = open_file(":tt", 4);
  CHECK(transfer(0x05, said, buffer, typed) == 0);
  char one = (char)call(0x07, 0);
  CHECK(one == '!');
#endif

  call(0x04, "text\n");
  call(0x03, "x");
  call(0x03, "\n");
  u64 out = open_file(":tt", 4);
  CHECK(out != 0 && out != ~0UL);
  CHECK(transfer(0x05, out, "console\n", 8) == 0);
  CHECK(with_handle(0x09, out, 0) == 1);
  CHECK(with_handle(0x0a, out, 0) == ~0UL);
  CHECK(with_handle(0x02, out, 0) == 0);
  CHECK(with_handle(0x02, out, 0) == ~0UL);

  u64 features = open_file(":semihosting-features", 0);
  CHECK(with_handle(0x0c, features, 0) == 5);
  CHECK(transfer(0x06, features, buffer, 5) == 0 && same(buffer, "SHFB\3", 5));
  CHECK(transfer(0x06, features, buffer, 5) == 5);
  CHECK(with_handle(0x02, features, 0) == 0);

  for (u64 i = 0; i < sizeof buffer; ++i) buffer[i] = (char)(i * 7);
  u64 file = open_file(line, 7); /* w+b */
  CHECK(file != ~0UL);
  CHECK(transfer(0x05, file, buffer, sizeof buffer) == 0);
  CHECK(with_handle(0x0c, file, 0) == sizeof buffer);
  CHECK(with_handle(0x09, file, 0) == 0);
  CHECK(with_handle(0x0a, file, 4990) == 0);
  CHECK(transfer(0x06, file, other, 20) == 10 && same(other, buffer + 4990, 10));
  CHECK(with_handle(0x02, file, 0) == 0);
  CHECK(open_file(line, 12) == ~0UL);
  CHECK(transfer(0x05, 99, buffer, 4) == 4);

  u64 n = length(line);
  for (u64 i = 0; i < n; ++i) other[i] = line[i];
  other[n] = '2';
  other[n + 1] = 0;
  volatile u64 names[4] = {(u64)line, n, (u64)other, n + 1};
  CHECK(call(0x0f, names) == 0);
  CHECK(open_file(line, 0) == ~0UL && call(0x13, 0) == 2); /* ENOENT */
  file = open_file(other, 8);                              /* a */
  CHECK(transfer(0x05, file, "end", 3) == 0);
  CHECK(with_handle(0x02, file, 0) == 0);
  CHECK(call(0x0f, (volatile u64[4]){(u64)other, n + 1, (u64)line, n}) == 0);

  volatile u64 wanted[3] = {(u64)other, 7, sizeof other};
  CHECK(call(0x0d, wanted) == 0 && other[0] == '/');
  wanted[1] = 256;
  CHECK(call(0x0d, wanted) == ~0UL);
  file = open_file(other, 4);
  CHECK(file != ~0UL && with_handle(0x02, file, 0) == 0);
  volatile u64 gone[2] = {(u64)other, length(other)};
  CHECK(call(0x0e, gone) == 0);
  CHECK(call(0x0e, gone) == ~0UL);

  CHECK(with_handle(0x08, (u64)-3, 0) != 0 && with_handle(0x08, 3, 0) == 0);
  CHECK(call(0x11, 0) > 1600000000);
  CHECK(call(0x31, 0) == 1000000000);
  volatile u64 before = 0, behind = 0;
  CHECK(call(0x30, &before) == 0);
  u64 hundredths = call(0x10, 0);
  CHECK(call(0x30, &behind) == 0 && behind >= before && behind / 10000000 >= hundredths);
  volatile u64 block[4] = {1, 1, 1, 1};
  volatile u64 address = (u64)block;
  CHECK(call(0x16, &address) == 0 && block[0] < block[1] && block[2] != 0);
  CHECK(call(0x12, (volatile u64[2]){(u64) "true", 4}) == ~0UL);
  CHECK(call(0x77, block) == ~0UL);
  CHECK(call(0x01, (void*)8) == ~0UL); /* no memory there */
#ifdef SPINS
  volatile u64 end[2] = {0x20026, 0};
  call(0x18, end);
  for (;;) {
  }
#endif
  leave(STATUS);
}

__attribute__((aligned(16))) unsigned char stack[8192];
__asm__(
    ".section .text.init\n"
    ".globl _start\n"
    "_start: csrr t0, mhartid\n"
    "1: bnez t0, 1b\n"
    "  la sp, stack + 8192\n"
    "  la t0, trapped\n"
    "  csrw mtvec, t0\n"
    "  call program\n"
    ".balign 4\n"
    "trapped: li t0, 0x100000\n"
    "  li t1, 0x4d3333\n" /* status 77 */
    "  sw t1, 0(t0)\n"
    "  j trapped\n");
