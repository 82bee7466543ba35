// SPDX-License-Identifier: Apache-2.0
// The requests of a test client, line by line, on the virt board. Its hart does not run.
#include <fmt/core.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>
#include <string>

#include "holdfast/boards/virt/virt.hpp"
#include "holdfast/chardev/socket.hpp"
#include "holdfast/control/line_splitter.hpp"
#include "holdfast/control/qtest/server.hpp"
#include "holdfast/control/text_coding.hpp"
#include "tests/support/test_devices.hpp"
#include "tests/unit/control/client.hpp"

namespace holdfast::control {
namespace {

using hw::VirtualClock;

std::unique_ptr<machine::Machine> small_virt(VirtualClock::Pace pace) {
  boards::virt::Options options;
  options.ram_size = 16U << 20U;
  machine::Machine::Options machine;
  machine.services.pace = pace;
  return machine::Machine::make(boards::virt::plan(options).value(), std::move(machine)).value();
}

class QtestTest : public ::testing::Test {
 protected:
  using Time = QtestCommands::Time;
  explicit QtestTest(Time time = Time::kTheClients)
      : time_{time},
        machine_{small_virt(time == Time::kTheClients ? VirtualClock::Pace::kStepped
                                                      : VirtualClock::Pace::kHost)} {
    machine_->run();
    client_.emplace(*machine_);
    server_ = QtestServer::make(*machine_, {.backend = client_->backend(), .time = time_, .log = "none"}).value();
  }
  std::string ask(std::string_view line) { return client_->ask(line); }
  void end_server() { server_.reset(); }

  const Time time_;
  std::unique_ptr<machine::Machine> machine_;
  std::optional<Client> client_;
  std::unique_ptr<QtestServer> server_;
};

class QtestBesideAHostClock : public QtestTest {
 protected:
  QtestBesideAHostClock() : QtestTest{Time::kTheMachines} {}
};

TEST_F(QtestTest, SaysNothingFirstAndAnswersEachRequestOnce) {
  EXPECT_EQ(client_->hear(), "");
  EXPECT_EQ(client_->say("endianness\nendianness\n"), "OK little\nOK little\n");
}

TEST_F(QtestTest, ALineMayComeInPieces) {
  EXPECT_EQ(client_->say("endi"), "");
  EXPECT_EQ(client_->say("anness"), "");
  EXPECT_EQ(client_->say("\n"), "OK little\n");
}

TEST_F(QtestTest, BlankLinesAndExtraSpacesAreLookedPast) {
  EXPECT_EQ(client_->say("\n  \n\nendianness  \r\n"), "OK little\n");
}

TEST_F(QtestTest, PortsAnswerOnAMachineWithoutPorts) {
  EXPECT_EQ(ask("inb 0x0"), "OK 0x00ff");
  EXPECT_EQ(ask("inw 0x0"), "OK 0xffff");
  EXPECT_EQ(ask("inl 0x3f8"), "OK 0xffffffff");
  EXPECT_EQ(ask("outb 0x80 0x1"), "OK");
}

TEST_F(QtestTest, ReadsAndWritesMemoryInEachWidth) {
  EXPECT_EQ(ask("writeq 0x80000000 0x1122334455667788"), "OK");
  EXPECT_EQ(ask("readb 0x80000000"), "OK 0x0000000000000088");
  EXPECT_EQ(ask("readw 0x80000000"), "OK 0x0000000000007788");
  EXPECT_EQ(ask("readl 0x80000001"), "OK 0x0000000044556677");
  EXPECT_EQ(ask("readq 0x80000000"), "OK 0x1122334455667788");
  EXPECT_EQ(ask("read 0x80000000 0x8"), "OK 0x8877665544332211");
  EXPECT_EQ(ask("writeb 0x80000000 0xabcd"), "OK");
  EXPECT_EQ(ask("readq 2147483648"), "OK 0x11223344556677cd");
  EXPECT_EQ(ask("writel 0x80000004 0x1"), "OK");
  EXPECT_EQ(ask("writew 0x80000006 0x2"), "OK");
  EXPECT_EQ(ask("readq 0x80000000"), "OK 0x00020001556677cd");
}

TEST_F(QtestTest, WritesBlocksInHexadecimalAndBase64) {
  EXPECT_EQ(ask("write 0x80000000 0x4 0xdeadBEEF"), "OK");
  EXPECT_EQ(ask("read 0x80000000 0x5"), "OK 0xdeadbeef00");
  EXPECT_EQ(ask("write 0x80000000 0x4 0xff"), "OK") << "short data are filled up";
  EXPECT_EQ(ask("read 0x80000000 0x4"), "OK 0xff000000");
  EXPECT_EQ(ask("b64write 0x80000000 0x5 aGVsbG8="), "OK");
  EXPECT_EQ(ask("b64read 0x80000000 0x5"), "OK aGVsbG8=");
  EXPECT_EQ(ask("memset 0x80000000 0x2 0x1ab"), "OK");
  EXPECT_EQ(ask("memset 0x80000002 0x0 0xcc"), "OK");
  EXPECT_EQ(ask("read 0x80000000 0x4"), "OK 0xabab6c6c");
}

TEST_F(QtestTest, WhereNothingIsReadsGiveZeroAndWritesVanish) {
  EXPECT_EQ(ask("readl 0x1f000000"), "OK 0x0000000000000000");
  EXPECT_EQ(ask("writel 0x1f000000 0x1"), "OK");
  EXPECT_EQ(ask("read 0xfffffffffffffffe 0x4"), "OK 0x00000000");
}

TEST_F(QtestTest, DevicesAreAccessedAsByACpu) {
  EXPECT_EQ(ask("readb 0x10000005"), "OK 0x0000000000000060") << "the UART's line status: empty";
  EXPECT_EQ(ask("read 0x10000002 0x4"), "OK 0x01000800") << "two aligned pieces";
  EXPECT_EQ(ask("writel 0x0c000028 0x7"), "OK");
  EXPECT_EQ(ask("readl 0x0c000028"), "OK 0x0000000000000007") << "a priority of the PLIC";
}

// A CPU's access would be refused; a client gets and sends so many bytes.
TEST_F(QtestTest, WordsOfADeviceThatAreNotAlignedAreBytes) {
  EXPECT_EQ(ask("writeb 0x10000007 0x56"), "OK") << "the UART's scratch register";
  EXPECT_EQ(ask("readw 0x10000003"), "OK 0x0000000000000800");
  EXPECT_EQ(ask("readl 0x10000001"), "OK 0x0000000008000100");
  EXPECT_EQ(ask("readl 0x10000005"), "OK 0x000000000000b060") << "a byte, two that are none, a byte";
  EXPECT_EQ(ask("writew 0x10000007 0xab"), "OK");
  EXPECT_EQ(ask("readb 0x10000007"), "OK 0x00000000000000ab");
  EXPECT_EQ(ask("readw 0x3000002b"), "OK 0x000000000000f400") << "the host bridge's subsystem";
}

TEST_F(QtestTest, MegabytesInOneLine) {
  const std::string digits(std::size_t{2} << 20U, '5');
  EXPECT_EQ(ask("write 0x80000000 0x100000 0x" + digits), "OK");
  EXPECT_EQ(ask("read 0x80000000 0x100000"), "OK 0x" + digits);
}

TEST_F(QtestTest, UnknownRequestsFail) {
  EXPECT_EQ(ask("foo 1 2"), "FAIL Unknown command 'foo'");
  EXPECT_EQ(ask("module_load a b"), "FAIL everything is built in; there are no modules");
  EXPECT_EQ(ask("\x01\x7f\xff"), "FAIL Unknown command '?\?\?'");
  EXPECT_EQ(ask(std::string(1000, 'x')), "FAIL Unknown command '" + std::string(64, 'x') + "...'");
}

TEST_F(QtestTest, NonsenseIsAnErrorAndChangesNothing) {
  for (const char* line :
       {"readb", "readb x", "readb 0x", "readb -", "readb --1", "readb 08", "readb 1x", "readb 1 2", "readb 0x10000000000000000",
        "writeb 0x80000000", "writeb 0x80000000 q", "inb", "outb 1", "outb 1 z", "read 0x80000000 0",
        "read 0x80000000 0x4000001", "read 0x80000000 -1", "write 0x80000000 4 ff",
        "write 0x80000000 4 0xf", "write 0x80000000 4 0xzz", "write 0x80000000 0 0x",
        "memset 0x80000000 0x100000001 0", "memset 0x80000000 4", "memset 0x80000000 4 g",
        "b64write 0x80000000 4 aGVsbG8", "b64write 0x80000000 4 !!!!", "b64read 0x80000000 0",
        "clock_step -1", "clock_step x", "clock_step 9223372036854775808", "clock_set",
        "clock_step 0x8000000000000000", "clock_set -9223372036854775809", "clock_step 0x", "readb -18446744073709551616",
        "set_irq_in plic unnamed-gpio-in x 1", "set_irq_in plic unnamed-gpio-in 1 x",
        "endianness little"})
    EXPECT_TRUE(ask(line).starts_with("ERR ")) << line << ": " << ask(line);
  EXPECT_EQ(ask("readq 0x80000000"), "OK 0x0000000000000000");
}

TEST_F(QtestTest, NumbersAreInAnyBaseAndHaveSigns) {
  EXPECT_EQ(ask("writel 020000000004 -2"), "OK") << "modulo 2^64, then as many bytes as the word has";
  EXPECT_EQ(ask("readl +0X80000004"), "OK 0x00000000fffffffe");
  EXPECT_EQ(ask("readl -0xffffffff7ffffffc"), "OK 0x00000000fffffffe");
  EXPECT_EQ(ask("readq -1"), "OK 0x0000000000000000") << "nothing is there, nor behind it";
  EXPECT_EQ(ask("memset -1 0x2 -1"), "OK");
  EXPECT_EQ(ask("clock_step 0x10"), "OK 16");
  EXPECT_EQ(ask("clock_set 021"), "OK 17");
  EXPECT_EQ(ask("clock_set -0x8000000000000000"), "OK 17");
  EXPECT_EQ(ask("set_irq_in plic unnamed-gpio-in 0xa 0x1"), "OK");
}

// --- time ------------------------------------------------------------------------------------------

TEST_F(QtestTest, TimeBeginsAtZeroAndMovesOnlyWhenStepped) {
  EXPECT_EQ(ask("clock_step"), "OK 0") << "nothing is due";
  EXPECT_EQ(ask("clock_step 100"), "OK 100");
  EXPECT_EQ(ask("clock_step 0"), "OK 100");
  EXPECT_EQ(ask("clock_set 50"), "OK 100") << "never back";
  EXPECT_EQ(ask("clock_set -5"), "OK 100");
  EXPECT_EQ(ask("clock_set 1000"), "OK 1000");
  EXPECT_EQ(ask("readl 0x0200bff8"), "OK 0x000000000000000a") << "mtime, in ticks of 100 ns";
  EXPECT_EQ(ask("clock_step 9223372036854774807"), "OK 9223372036854775807");
  EXPECT_EQ(ask("clock_step 1").substr(0, 3), "ERR");
}

TEST_F(QtestTest, AStepRunsEachTimerAtItsOwnInstant) {
  EXPECT_EQ(ask("irq_intercept_in /machine/cpu0"), "OK");
  EXPECT_EQ(ask("writeq 0x02004000 0x64"), "OK") << "mtimecmp: 100 ticks, 10 us";
  EXPECT_EQ(ask("clock_step 9999"), "OK 9999");
  EXPECT_EQ(ask("clock_step"), "IRQ raise 7\nOK 10000") << "the machine timer, on its deadline";
  EXPECT_EQ(ask("writeq 0x02004000 0xc8"), "IRQ lower 7\nOK");
  EXPECT_EQ(ask("clock_set 1000000"), "IRQ raise 7\nOK 1000000");
}

TEST_F(QtestBesideAHostClock, TimeCannotBeStepped) {
  EXPECT_EQ(ask("clock_step"), "FAIL Unknown command 'clock_step'");
  EXPECT_EQ(ask("clock_set 1"), "FAIL Unknown command 'clock_set'");
  EXPECT_EQ(ask("readl 0x80000000"), "OK 0x0000000000000000");
}

// --- interrupts ------------------------------------------------------------------------------------

TEST_F(QtestTest, InterceptedInputsAreReportedBeforeTheReply) {
  EXPECT_EQ(ask("irq_intercept_in plic"), "OK");
  EXPECT_EQ(ask("irq_intercept_in /machine/plic"), "OK") << "the same one again";
  EXPECT_EQ(ask("writeb 0x10000001 0x2"), "IRQ raise 10\nOK") << "the UART: room to transmit";
  EXPECT_EQ(ask("writeb 0x10000001 0x2"), "OK") << "no change";
  EXPECT_EQ(ask("readl 0x0c001000"), "OK 0x0000000000000400") << "the PLIC was told, too";
  EXPECT_EQ(ask("writeb 0x10000001 0x0"), "IRQ lower 10\nOK");
}

TEST_F(QtestTest, OneDeviceIsInterceptedAtATime) {
  EXPECT_EQ(ask("irq_intercept_in /machine/nobody").substr(0, 5), "FAIL ");
  EXPECT_EQ(ask("irq_intercept_in /machine").substr(0, 5), "FAIL ");
  EXPECT_EQ(ask("irq_intercept_out /machine/plic"), "FAIL /machine/plic has no output 'out'");
  EXPECT_EQ(ask("irq_intercept_in /machine/plic"), "OK");
  EXPECT_EQ(ask("irq_intercept_in /machine/cpu0"), "FAIL IRQ intercept already enabled");
  EXPECT_EQ(ask("irq_intercept_out /machine/rtc"), "FAIL IRQ intercept already enabled");
}

TEST_F(QtestTest, InterceptedOutputs) {
  EXPECT_EQ(ask("irq_intercept_out serial0 sysbus-irq"), "OK");
  EXPECT_EQ(ask("writeb 0x10000001 0x2"), "IRQ raise 0\nOK");
}

// As QEMU has it, where each device says again what it says: not with the interception, but when a client
// drives the line once more.
TEST_F(QtestTest, ALineThatIsHighWhenItIsInterceptedIsToldWhenItIsDrivenAgain) {
  EXPECT_EQ(ask("writeb 0x10000001 0x2"), "OK") << "line 10: the UART's";
  EXPECT_EQ(ask("set_irq_in plic unnamed-gpio-in 5 1"), "OK");
  EXPECT_EQ(ask("set_irq_in plic unnamed-gpio-in 7 1"), "OK");
  EXPECT_EQ(ask("irq_intercept_in plic"), "OK");
  EXPECT_EQ(ask("set_irq_in plic unnamed-gpio-in 6 0"), "OK") << "low, and stays it";
  EXPECT_EQ(ask("set_irq_in plic unnamed-gpio-in 5 1"), "IRQ raise 5\nOK");
  EXPECT_EQ(ask("set_irq_in plic unnamed-gpio-in 5 1"), "OK") << "once";
  EXPECT_EQ(ask("set_irq_in plic unnamed-gpio-in 7 0"), "OK") << "nobody was told that it is high";
  EXPECT_EQ(ask("set_irq_in plic unnamed-gpio-in 7 1"), "IRQ raise 7\nOK");
  EXPECT_EQ(ask("set_irq_in serial0 unnamed-gpio-in 10 1").substr(0, 5), "FAIL ");
  EXPECT_EQ(ask("writeb 0x10000001 0x0"), "OK");
  EXPECT_EQ(ask("writeb 0x10000001 0x2"), "IRQ raise 10\nOK");
}

TEST_F(QtestTest, AnInputIsDrivenByHand) {
  EXPECT_EQ(ask("set_irq_in /machine/plic unnamed-gpio-in 5 1"), "OK");
  EXPECT_EQ(ask("readl 0x0c001000"), "OK 0x0000000000000020");
  EXPECT_EQ(ask("set_irq_in /machine/plic unnamed-gpio-in 96 1"),
            "FAIL /machine/plic: input 'unnamed-gpio-in' has 96 lines");
  EXPECT_EQ(ask("set_irq_in /machine/plic reset 0 1"), "FAIL /machine/plic: has no input 'reset'");
  EXPECT_EQ(ask("set_irq_in /machine/nobody unnamed-gpio-in 0 1").substr(0, 5), "FAIL ");
}

TEST_F(QtestTest, H33_AnInterceptedDeviceGoesAndNothingOfItStays) {
  ASSERT_TRUE(machine_->plug<test::Repeater>("repeater", 0x1a00'0000));
  EXPECT_EQ(ask("readl 0x1a000000"), "OK 0x0000000000000000");
  const auto before = machine_->census();
  ASSERT_TRUE(machine_->plug<test::Repeater>("other", 0x1a00'1000));
  EXPECT_EQ(ask("irq_intercept_in other"), "OK");
  EXPECT_EQ(ask("set_irq_in other unnamed-gpio-in 1 1"), "IRQ raise 1\nOK");
  EXPECT_TRUE(machine_->unplug("other")->wait());
  client_->hear();
  EXPECT_EQ(ask("readl 0x1a000000"), "OK 0x0000000000000000") << "looks for the CPU again";
  EXPECT_EQ(machine_->census(), before);
  EXPECT_EQ(ask("irq_intercept_in repeater"), "OK") << "another may be watched now";
  EXPECT_EQ(ask("set_irq_in repeater unnamed-gpio-in 1 1"), "IRQ raise 1\nOK") << "with levels of its own";
}

TEST_F(QtestTest, TheFirstCpuGoesAndTheBusIsSeen) {
  EXPECT_EQ(ask("writel 0x80000000 0x77"), "OK");
  EXPECT_TRUE(machine_->unplug("cpu0")->wait());
  EXPECT_EQ(ask("readl 0x80000000"), "OK 0x0000000000000077");
  EXPECT_EQ(ask("endianness"), "OK little");
}

TEST_F(QtestTest, TheServerGoesInMidRequestAndLeavesNothing) {
  end_server();
  const auto before = machine_->census();
  server_ = QtestServer::make(*machine_, {.backend = client_->backend(), .time = time_, .log = "none"}).value();
  EXPECT_EQ(ask("irq_intercept_in plic"), "OK");
  EXPECT_EQ(ask("readl 0x80000000"), "OK 0x0000000000000000");
  client_->backend().feed("readl 0x8000");
  end_server();
  client_->hear();
  EXPECT_EQ(machine_->census(), before);
}

TEST_F(QtestTest, ABackEndServesOneServer) {
  const auto second = QtestServer::make(*machine_, {.backend = client_->backend(), .time = time_, .log = "none"});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message, "chardev 'client' is in use by qtest");
}

TEST_F(QtestTest, AClientThatDoesNotReadIsNotReadFromAndNothingIsLost) {
  end_server();
  Client slow{*machine_, 1000};
  auto server = QtestServer::make(*machine_, {.backend = slow.backend(), .time = time_, .log = "none"}).value();
  std::string requests;
  std::string expected;
  for (int i = 0; i < 20; ++i) {
    requests += "read 0x80000000 0x80000\n";
    expected += "OK 0x" + std::string(0x100000, '0') + "\n";
  }
  EXPECT_TRUE(slow.say(requests) == expected);
}

// --- clients that ask and do not read ----------------------------------------------------------------

/// Each writes its number, so that one can see how far it has come, and has 128 KiB sent back.
std::string numbered_reads(int count) {
  std::string requests;
  for (int i = 1; i <= count; ++i)
    requests += fmt::format("writel 0x80000000 {:#x}\nread 0x80010000 0x10000\n", i);
  return requests;
}

constexpr int kMany = 100;
constexpr int kAFew = 30;  // more than 1 MiB of answers, and those to 512 bytes of requests

class QtestUnreadTest : public QtestTest {
 protected:
  void work() {
    while (machine_->loop().run_ready() != 0) {
    }
  }
  int performed() { return std::stoi(ask("readl 0x80000000").substr(3), nullptr, 16); }
};

TEST_F(QtestUnreadTest, AClientThatDoesNotReadIsAnsweredNoFurther) {
  Client deaf{*machine_, chardev::RingBuffer::kDefaultSize};
  const auto server = QtestServer::make(*machine_, {.backend = deaf.backend(), .log = "none"}).value();
  deaf.backend().feed(numbered_reads(kMany));
  work();
  EXPECT_GT(performed(), 0);
  EXPECT_LT(performed(), kAFew);
  deaf.hear();
  EXPECT_EQ(performed(), kMany) << "now that it has read";
}

/// Clients of a socket, one after the other.
class QtestSocketTest : public QtestUnreadTest {
 protected:
  Descriptor connect() { return chardev::connect_to(address_, 10'000).value(); }
  static void put(const Descriptor& client, std::string_view text) {
    ASSERT_EQ(::send(client.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }

  const chardev::SocketAddress address_{.kind = chardev::SocketAddress::Kind::kUnix,
                                        .path = fmt::format("holdfast-qtest-{}", ::getpid()),
                                        .abstract = true};
  const std::unique_ptr<chardev::Socket> backend_ =
      chardev::Socket::make(machine_->loop(), {.id = "s"}, {.address = address_, .server = true}).value();
  const std::unique_ptr<QtestServer> other_ =
      QtestServer::make(*machine_, {.backend = *backend_, .log = "none"}).value();
};

TEST_F(QtestSocketTest, WhatWasAskedBeforeLeavingIsDone) {
  Descriptor client = connect();
  std::string requests;
  for (int i = 1; i <= kMany; ++i) requests += fmt::format("writel 0x80000000 {:#x}\n", i);
  put(client, requests);
  client.close();
  work();
  EXPECT_EQ(performed(), kMany);
}

TEST_F(QtestSocketTest, WhoLeavesTooMuchUnreadAndGoesIsAnsweredNoFurther) {
  for (const bool known : {false, true}) {
    Descriptor client = connect();
    put(client, numbered_reads(kMany));
    if (known) work();  // it is behind
    client.close();
    work();
    EXPECT_GT(performed(), 0);
    EXPECT_LT(performed(), kAFew);
    client = connect();
    put(client, fmt::format("writel 0x80000000 {:#x}\n", kMany));
    client.close();
    work();
    EXPECT_EQ(performed(), kMany) << "nothing of that is laid to the next client";
    ask("writel 0x80000000 0x0");
  }
}

// --- framing ---------------------------------------------------------------------------------------

TEST(LineSplitter, ReportsLinesThatAreTooLongAndKeepsNothingOfThem) {
  LineSplitter splitter{4};
  std::string seen;
  const auto feed = [&](std::string_view bytes) {
    splitter.split(
        bytes, [&](std::string_view line) { seen += std::string{line} + "|"; },
        [&](std::size_t length) { seen += std::to_string(length) + "!"; });
  };
  feed("abcd\nabcde\n\nx");
  feed("yz\n12345");
  EXPECT_EQ(splitter.held(), 0U);
  feed("678");
  feed("\nok\n");
  EXPECT_EQ(seen, "abcd|5!|xyz|8!ok|");
}

TEST(TextCoding, Base64OfEveryLength) {
  for (const auto& [plain, coded] : {std::pair{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="},
                                     {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}}) {
    const std::string_view text{plain};
    std::string out;
    append_base64(out, std::as_bytes(std::span{text}));
    EXPECT_EQ(out, coded);
    const auto back = from_base64(coded).value();
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(back.data()), back.size()), plain);
  }
  EXPECT_FALSE(from_base64("Zg="));
  EXPECT_FALSE(from_base64("Z==="));
  EXPECT_FALSE(from_hex("0"));
  EXPECT_FALSE(from_hex("0g"));
}

}  // namespace
}  // namespace holdfast::control
