// SPDX-License-Identifier: Apache-2.0
// A person's lines, keys and all, to a whole machine: what they type reaches every command, devices come
// and go, and Tab is pressed anywhere. At the end nothing may be left.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "holdfast/accel/riscv_cpu.hpp"
#include "holdfast/base/check.hpp"
#include "holdfast/boards/device_types.hpp"
#include "holdfast/chardev/ring_buffer.hpp"
#include "holdfast/control/hmp/server.hpp"
#include "holdfast/devices/serial/ns16550a.hpp"
#include "holdfast/machine/machine.hpp"

namespace {

using namespace holdfast;

constexpr std::uint64_t kRam = 0x8000'0000;

const object::TypeRegistry& registry() {
  static const object::TypeRegistry all = [] {
    object::TypeRegistry types;
    const auto done = boards::register_device_types(types);
    HF_CHECK(done.has_value(), "{}", done.error().message);
    return types;
  }();
  return all;
}

boards::BoardPlan board() {
  boards::BoardPlan plan{"fuzz"};
  const auto ram = plan.add<boards::MemoryBank>("ram", {.size = 1U << 20U});
  const auto uart = plan.add<devices::Ns16550a>("uart0", {});
  const auto cpu = plan.add<accel::RiscvCpu>("cpu0", {});
  plan.existing(boards::BoardPlan::memory().device);
  plan.map({{0x1000'0000, uart.region("regs")}, {kRam, ram.region("ram")}});
  plan.link({{cpu.link("memory"), boards::BoardPlan::memory()}});
  plan.leave_loose(uart);
  return plan;
}

/// What would reach beyond the process: the host's files and sockets.
bool reaches_out(std::string_view text) {
  for (const std::string_view word : {"save", "dump", "chardev", "log"})
    if (text.find(word) != text.npos) return true;
  return false;
}

void settle(machine::Machine& machine, chardev::RingBuffer& terminal) {
  while (machine.loop().run_ready() != 0) {
    terminal.pump();
    terminal.take();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kMost = 4096;
  const std::string text{reinterpret_cast<const char*>(data), std::min(size, kMost)};
  if (reaches_out(text)) return 0;
  auto made = machine::Machine::make({.on_shutdown = machine::Machine::OnShutdown::kStay});
  machine::Machine& machine = **made;
  const auto realized = machine.realize(board());
  HF_CHECK(realized.has_value(), "{}", realized.error().message);
  {
    chardev::RingBuffer terminal{"terminal", std::size_t{1} << 20, chardev::RingBuffer::Full::kForgetOldest};
    control::QmpServer programs{machine, registry(), {}};
    control::HmpServer server{machine, registry(), {}, programs};
    HF_CHECK(server.serve(terminal).has_value(), "the terminal is taken");
    terminal.feed(text + "\r");
    settle(machine, terminal);
  }
  machine.control().wait_until([&] { return machine.tickets_now().empty(); });
  const auto left = machine.end();
  HF_CHECK(left == Census::Snapshot{}, "left: {}", left.to_string());
  return 0;
}
