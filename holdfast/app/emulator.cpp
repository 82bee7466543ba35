// SPDX-License-Identifier: Apache-2.0
#include "holdfast/app/emulator.hpp"

#include <fmt/format.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <optional>
#include <utility>

#include "holdfast/accel/hart_gang.hpp"
#include "holdfast/base/log.hpp"
#include "holdfast/boards/virt/virt.hpp"
#include "holdfast/chardev/stream.hpp"
#include "holdfast/machine/machine.hpp"

namespace holdfast::app {
namespace {

constexpr std::string_view kVirt = "virt";
constexpr std::uint64_t kDefaultRam = 128U << 20U;

/// SIGINT, SIGTERM and SIGHUP as events of the loop: the machine ends in order.
class Signals {
 public:
  ~Signals() {
    forget();
    if (fd_ >= 0) close(fd_);
  }
  /// Before any other thread exists: threads inherit what is blocked.
  Result<void> block() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, signal);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    fd_ = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd_ < 0) return fail("cannot watch for signals");
    return {};
  }
  void forget() { watch_.end(); }
  Result<void> watch(EventLoop& loop, std::function<void()> arrived) {
    watch_ = TRY(loop.watch(fd_, EventLoop::kReadable, [this, arrived](unsigned) {
      signalfd_siginfo info{};
      if (read(fd_, &info, sizeof info) == sizeof info) arrived();
    }));
    return {};
  }

 private:
  int fd_ = -1;
  EventLoop::Watch watch_;
};

Result<void> check(const Options& options) {
  if (!options.machine)
    return fail("-M: no machine is named; '-M {}' is there ('-M help' lists all)", kVirt);
  if (*options.machine != kVirt)
    return fail("-M {}: unknown machine; '-M help' lists those there are", *options.machine);
  if (!options.machine_properties.empty())
    return fail("-M {}: no property '{}'; it has none", kVirt,
                options.machine_properties.front().key);
  if (options.cpu && *options.cpu != "rv64" && *options.cpu != "max")
    return fail("-cpu {}: unknown model; '-cpu help' lists those there are", *options.cpu);
  if (!options.cpu_properties.empty())
    return fail("-cpu: no property '{}'; there are none", options.cpu_properties.front().key);
  if (options.serials.size() > 1) return fail("-serial: machine '{}' has one serial port", kVirt);
  return {};
}

class Emulator {
 public:
  explicit Emulator(const Options& options) : options_{options} {}

  Result<int> run() {
    TRY(signals_.block());
    machine_ = TRY(machine::Machine::make(
        {.services = {.name = options_.name.value_or("machine"),
                      .pace = hw::VirtualClock::Pace::kHost}}));
    TRY(signals_.watch(machine_->loop(), [this] { machine_->request_quit(0); }));
    TRY(open_serial());
    const auto plan = TRY(boards::virt::plan(board_options()));
    TRY(machine_->realize(plan));
    machine_->set_cpus(&gang_);
    machine_->run();
    machine_->loop().run();
    serial_->drain();
    const int status = machine_->exit_status();
    if (log::enabled(log::Topic::kCensus)) TRY(take_census());
    return status;
  }

 private:
  boards::virt::Options board_options() {
    return {.harts = options_.topology.cpus,
            .ram_size = options_.memory.value_or(kDefaultRam),
            .bios = file(options_.bios),
            .kernel = options_.kernel,
            .initrd = options_.initrd,
            .append = options_.append.value_or(""),
            .dtb = options_.dtb,
            .serial = serial_,
            .gang = &gang_};
  }

  static std::optional<std::string> file(const std::optional<std::string>& bios) {
    return bios == "none" ? std::nullopt : bios;
  }

  Result<void> open_serial() {
    const Serial where = options_.serials.empty() ? (options_.display == Display::kNone
                                                         ? Serial::kNone
                                                         : Serial::kMonitorStdio)
                                                  : options_.serials.front();
    switch (where) {
      case Serial::kNone:
      case Serial::kNull:
        serial_ = &machine_->keep(std::make_unique<chardev::NullChardev>("serial0"));
        return {};
      case Serial::kStdio:
      case Serial::kMonitorStdio:
        auto console = TRY(chardev::make_stdio(
            machine_->loop(), "serial0", [this](chardev::Command command) { obey(command); }));
        serial_ = &machine_->keep(std::move(console));
        return {};
    }
    return {};
  }

  /// Ends the machine and says what is left of it: an error if that is anything.
  Result<void> take_census() {
    signals_.forget();
    const Census::Snapshot left = machine_->end();
    log::write(log::Topic::kCensus, fmt::format("census: {} left", left.to_string()));
    if (left == Census::Snapshot{}) return {};
    std::string paths;
    for (const auto& entry : TRY(machine_->tree().walk("/"))) paths += " " + entry.path;
    return fail("census: {} left; in the tree:{}", left.to_string(), paths);
  }

  void obey(chardev::Command command) {
    if (command == chardev::Command::kQuit) machine_->request_quit(0);
  }

  const Options& options_;
  accel::HartGang gang_;  // outlives the harts
  std::unique_ptr<machine::Machine> machine_;
  chardev::Chardev* serial_ = nullptr;  // the machine's
  Signals signals_;                     // watched by the machine's loop
};

}  // namespace

Result<int> run_machine(const Options& options) {
  TRY(check(options));
  Emulator emulator{options};
  return emulator.run();
}

std::string machines_text() {
  return fmt::format("Machines:\n  {:<12} RISC-V board for firmware and Linux, up to {} CPUs\n", kVirt,
                     boards::virt::kMostHarts);
}

std::string cpus_text() {
  return "CPU models:\n  rv64         RV64GC with Zba, Zbb, Zbc, Zbs, Sstc, Svinval\n"
         "  max          the same\n";
}

}  // namespace holdfast::app
