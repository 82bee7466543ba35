// SPDX-License-Identifier: Apache-2.0
// The serial port beside the one of Debian's QEMU: the same random accesses to both, the same answers,
// interrupts, output and appetite. What differs on purpose is not asked; docs/limits.md has it.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <random>

#include "holdfast/chardev/ring_buffer.hpp"
#include "holdfast/devices/serial/ns16550a.hpp"
#include "tests/property/devices/qemu_process.hpp"
#include "tests/support/device_bench.hpp"

namespace holdfast::devices {
namespace {

constexpr std::uint64_t kBase = 0x1000'0000;
constexpr const char* kPlic = "/machine/unattached/device[2]";
constexpr std::uint64_t kScratchpad = 0x8000'0000;  // RAM
constexpr unsigned kUartInterrupt = 10;
enum Register : unsigned { kData, kIer, kFcr, kLcr, kMcr, kLsr, kMsr, kScr };

/// QEMU's port, with its back-end's ends in our hands.
class Theirs {
 public:
  Theirs() {
    read_end_ = Descriptor{::open((path_ + ".in").c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC)};
    output_ = Descriptor{::open((path_ + ".out").c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC)};
    EXPECT_TRUE(read_end_);
    EXPECT_TRUE(output_);
    qemu_.watch_inputs(kPlic);
  }
  ~Theirs() { std::filesystem::remove_all(folder_); }

  std::uint64_t read(std::uint64_t offset, unsigned size) { return qemu_.read(kBase + offset, size); }
  void write(std::uint64_t offset, unsigned size, std::uint64_t value) {
    qemu_.write(kBase + offset, size, value);
  }
  bool irq() { return qemu_.level(kUartInterrupt); }
  void feed(std::string_view text) const {
    EXPECT_EQ(::write(read_end_.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  /// Waits until QEMU has left exactly so many bytes where they are; false if it does not.
  bool settles_at(std::size_t left) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds{5};
    while (std::chrono::steady_clock::now() < limit) {
      int waiting = 0;
      ::ioctl(read_end_.get(), FIONREAD, &waiting);
      // Its loop has gone round once the answer is there, so what was read has been delivered.
      qemu_.read(kScratchpad, 4);
      if (static_cast<std::size_t>(waiting) == left) return true;
    }
    return false;
  }
  std::string output() const {
    std::array<char, 65536> text{};
    const auto count = ::read(output_.get(), text.data(), text.size());
    return {text.data(), count > 0 ? static_cast<std::size_t>(count) : 0U};
  }

 private:
  static std::string make_folder() {
    std::string name = std::filesystem::temp_directory_path() / "holdfast-XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    return name;
  }
  static std::string make_fifos(const std::string& folder) {
    const std::string path = folder + "/line";
    EXPECT_EQ(::mkfifo((path + ".in").c_str(), 0600), 0);
    EXPECT_EQ(::mkfifo((path + ".out").c_str(), 0600), 0);
    return path;
  }

  const std::string folder_ = make_folder();
  const std::string path_ = make_fifos(folder_);
  Descriptor read_end_;
  Descriptor output_;
  test::QemuProcess qemu_{{"-serial", "pipe:" + path_}};
};

class Ours {
 public:
  std::uint64_t read(std::uint64_t offset, unsigned size) { return bench_.read(kBase + offset, size); }
  void write(std::uint64_t offset, unsigned size, std::uint64_t value) {
    bench_.write(kBase + offset, size, value);
  }
  bool irq() { return testing::DeviceBench::level(uart_, "irq"); }
  void feed(std::string_view text) { line_.feed(text); }
  /// Takes what it can; returns what it leaves.
  std::size_t settle() {
    for (std::size_t left = line_.input_left();; left = line_.input_left()) {
      line_.pump();
      if (line_.input_left() == left) return left;
    }
  }
  std::string output() { return line_.take(); }

 private:
  chardev::RingBuffer line_{"serial0"};
  testing::DeviceBench bench_;
  Ns16550a& uart_ = bench_.add<Ns16550a>("uart0", kBase, Ns16550a::Config{.chardev = &line_});
};

class Pair : public ::testing::Test {
 protected:
  void read(unsigned reg, unsigned size) {
    note_ = fmt::format("read{} {}", 8 * size, reg);
    // Changes of the modem's lines are only there on the chip, not on theirs.
    const std::uint64_t asked = reg == kMsr ? 0xf0 : ~std::uint64_t{0};
    const auto theirs = theirs_.read(reg, size) & asked;
    const auto ours = ours_.read(reg, size) & asked;
    log_ += fmt::format("{} -> {:#x}\n", note_, theirs);
    ASSERT_EQ(fmt::format("{:#x}", ours), fmt::format("{:#x}", theirs)) << log_;
    compare();
  }
  void write(unsigned reg, unsigned size, std::uint64_t value) {
    log_ += fmt::format("write{} {} {:#x}\n", 8 * size, reg, value);
    theirs_.write(reg, size, value);
    ours_.write(reg, size, value);
    compare();
  }
  void feed(std::string_view text) {
    log_ += fmt::format("feed {}\n", text.size());
    theirs_.feed(text);
    ours_.feed(text);
    compare();
  }
  void compare() {
    ++steps_;
    left_ = ours_.settle();
    const std::size_t left = left_;
    ASSERT_TRUE(theirs_.settles_at(left)) << "we leave " << left << " bytes of input\n" << log_;
    ASSERT_EQ(ours_.irq(), theirs_.irq()) << "interrupt\n" << log_;
    ASSERT_EQ(ours_.output(), theirs_.output()) << log_;
  }

  Theirs theirs_;
  Ours ours_;
  std::string note_;
  std::string log_;
  int steps_ = 0;
  std::size_t left_ = 0;  // input that is waiting
};

class UartAgainstQemu : public Pair {
 protected:
  void SetUp() override {
    ASSERT_TRUE(test::QemuProcess::is_installed()) << test::QemuProcess::kProgram << " is not installed";
  }
  unsigned below(unsigned n) { return std::uniform_int_distribution<unsigned>{0, n - 1}(random_); }
  unsigned size() { return below(8) != 0 ? 1 : 1U << below(4); }
  void step() {
    switch (below(16)) {
      case 0: return write(kIer, 1, below(256) & ~8U);  // no modem interrupts
      case 1: return write(kFcr, 1, below(256));
      case 2: return write(kFcr, 1, (below(4) << 6) | 1);
      case 3: return write(kLcr, 1, below(8) == 0 ? below(256) : 3);
      case 4: return set_modem_control(below(3) == 0 ? below(256) : 0);
      case 5: return below(2) != 0 ? write(kScr, 1, below(256)) : write(kData, 4, random_());
      case 6:
      case 7: return write(kData, 1, below(256));
      case 8:
      case 9:
        if (loopback_) return read_any();
        return feed(std::string(1 + below(5), static_cast<char>('a' + below(26))));
      default: return read_any();
    }
  }
  /// In loopback theirs goes on taking input, the chip does not: there must be none.
  void set_modem_control(unsigned value) {
    if (left_ != 0) value &= ~kLoopback;
    loopback_ = (value & kLoopback) != 0;
    write(kMcr, 1, value);
  }
  void read_any() {
    const unsigned bytes = size();
    read(below(8) / bytes * bytes, bytes);
  }

  static constexpr unsigned kLoopback = 0x10;
  std::mt19937 random_{16550};
  bool loopback_ = false;
};

TEST_F(UartAgainstQemu, RandomAccesses) {
  const char* asked = std::getenv("HOLDFAST_UART_STEPS");
  const int wanted = asked == nullptr ? 20'000 : std::atoi(asked);
  while (steps_ < wanted && !HasFatalFailure()) {
    step();
    if (log_.size() > 3000) log_.erase(0, log_.find('\n', 1000) + 1);
  }
  fmt::print("{} steps compared\n", steps_);
}

}  // namespace
}  // namespace holdfast::devices
