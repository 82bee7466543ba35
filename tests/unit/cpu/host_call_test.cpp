// SPDX-License-Identifier: Apache-2.0
// Semihosting calls as the hart sees them, and what a hart tells the log.
#include <gtest/gtest.h>

#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "bench.hpp"
#include "holdfast/base/log.hpp"

namespace holdfast::test::riscv {
namespace {

using cpu::riscv::HostCalls;

constexpr Word kBefore = 0x01f01013;  // slli x0, x0, 0x1f
constexpr Word kBreak = 0x00100073;
constexpr Word kBehind = 0x40705013;  // srai x0, x0, 7

TEST(HostCall, StopsTheHartBehindIt) {
  Bench bench{HartConfig{.host_calls = HostCalls::kPrivileged}};
  EXPECT_EQ(bench.run({li(kA0, 4), kBefore, kBreak, kBehind, li(kA1, 1)}), Stop::kHostCall);
  EXPECT_EQ(bench.hart.pc(), kProgram + 12);
  EXPECT_EQ(bench.x(kA1), 0u);
  EXPECT_EQ(bench.hart.run(1000), Stop::kHostCall) << "until it is answered";
  bench.hart.answer_host_call(77);
  EXPECT_EQ(bench.hart.run(1000), Stop::kWaiting);
  EXPECT_EQ(bench.x(kA0), 77u);
  EXPECT_EQ(bench.x(kA1), 1u);
}

TEST(HostCall, IsABreakpointUnlessItIsWanted) {
  Bench bench;
  EXPECT_EQ(bench.run({kBefore, kBreak, kBehind}), Stop::kWaiting);
  EXPECT_TRUE(bench.trapped());
  EXPECT_EQ(bench.cause(), Cause::kBreakpoint);
}

TEST(HostCall, IsABreakpointWithoutBothMarks) {
  for (const auto& words : {std::array{kBreak, kBreak, kBehind}, std::array{kBefore, kBreak, kBreak}}) {
    Bench bench{HartConfig{.host_calls = HostCalls::kPrivileged}};
    bench.memory->write_code(kProgram, words);
    bench.hart.set_pc(words[0] == kBreak ? kProgram + 4 : kProgram);
    EXPECT_EQ(bench.go(), Stop::kWaiting);
    EXPECT_TRUE(bench.trapped());
    EXPECT_EQ(bench.cause(), Cause::kBreakpoint);
  }
}

TEST(HostCall, FromUserModeOnlyIfThatIsWanted) {
  for (const auto calls : {HostCalls::kPrivileged, HostCalls::kFromUserToo}) {
    Bench bench{HartConfig{.host_calls = calls}};
    bench.memory->write_code(kProgram, {kBefore, kBreak, kBehind});
    bench.hart.set_pc(kProgram);
    bench.hart.set_privilege(Privilege::kUser);
    EXPECT_EQ(bench.go(), calls == HostCalls::kFromUserToo ? Stop::kHostCall : Stop::kWaiting);
    EXPECT_EQ(bench.trapped(), calls == HostCalls::kPrivileged);
  }
}

TEST(HostCall, MemoryIsReadAndWrittenAsTheHartSeesIt) {
  Bench bench;
  const std::array<std::byte, 3> out{std::byte{1}, std::byte{2}, std::byte{3}};
  EXPECT_TRUE(bench.hart.write_memory(kData + 5, out));
  std::array<std::byte, 3> in{};
  EXPECT_TRUE(bench.hart.read_memory(kData + 5, in));
  EXPECT_EQ(in, out);
  EXPECT_FALSE(bench.hart.read_memory(0x10, in));
  EXPECT_FALSE(bench.hart.write_memory(0x10, out));
}

/// What a program leaves in the log: a new file each time. A topic stays on for later tests, too.
std::string logged(log::Topic topic, std::initializer_list<Word> program) {
  const auto path = std::filesystem::temp_directory_path() /
                    ("holdfast-trace-" + std::to_string(::getpid()));
  EXPECT_TRUE(log::write_to(path));
  log::enable(static_cast<std::uint32_t>(topic));
  Bench bench;
  bench.run(program);
  std::ifstream file{path};
  const std::string text{std::istreambuf_iterator<char>{file}, {}};
  std::filesystem::remove(path);
  return text;
}

TEST(Trace, TrapsSayWhereAndWhy) {
  const auto text = logged(log::Topic::kInterrupts, {li(kA0, 1), 0});
  EXPECT_NE(text.find("riscv_cpu_do_interrupt: hart:0, async:0, cause:0000000000000002, "
                      "epc:0x0000000080000004, tval:0x0000000000000000, desc=illegal_instruction"),
            std::string::npos)
      << text;
}

TEST(Trace, BlocksAreNamedAndListedOnce) {
  const auto text = logged(log::Topic::kInstructions, {jal(0, 4), jal(0, 4)});
  EXPECT_NE(text.find("in_asm: hart:0, mode:M\n0x0000000080000000:  0040006f      jal"), std::string::npos) << text;
  const auto run = logged(log::Topic::kExecution, {jal(0, 4), jal(0, 4)});
  EXPECT_NE(run.find("exec: hart:0, mode:M, pc:0x0000000080000004, retired:1"), std::string::npos)
      << run;
}

TEST(Trace, RegistersBeforeEachBlock) {
  const auto text = logged(log::Topic::kRegisters, {li(kA0, 0x55), jal(0, 4)});
  EXPECT_NE(text.find("a0 0000000000000055"), std::string::npos) << text;
}

}  // namespace
}  // namespace holdfast::test::riscv
