// SPDX-License-Identifier: Apache-2.0
// The host-target interface of Berkeley's test programs: two 64-bit words in memory, `tohost` and
// `fromhost`, by which a program writes characters, reads them and ends with an exit status. A board
// places the two over the RAM where an ELF file has symbols of these names.
//
// SPEC: there is none; riscv-tests' environments, riscv-pk and OpenSBI's driver are what is followed.
// A command is device (8 bits), command (8) and payload (48). Modelled: device 0 (payload odd: the
// end, with the rest as exit status; even: the address of a system call's eight words, of which write
// and exit are done), device 1 (0 reads a character, 1 writes one). `tohost` reads 0 once its command
// is done. A 64-bit store is one command; of two 32-bit stores the upper one gives it, and a lower one
// with nothing behind it counts after a millisecond, since programs end that way.
#pragma once

#include <cstdint>
#include <vector>

#include "holdfast/chardev/char_port.hpp"
#include "holdfast/hw/mmio.hpp"
#include "holdfast/hw/space.hpp"
#include "holdfast/hw/state.hpp"
#include "holdfast/hw/timer.hpp"
#include "holdfast/memory/port.hpp"

namespace holdfast::devices {

class Htif final : public hw::Device {
 public:
  static const object::Type kType;
  struct Config {
    chardev::Chardev* console = nullptr;  // outlives the device, may be another's; none: output is swallowed
  };
  Htif(const hw::DeviceInit& init, const Config& config);

 private:
  // Registers, in halves: the lower one first.
  std::uint32_t tohost(unsigned half) { return half == 0 ? low_.get() : 0; }
  void set_tohost(unsigned half, std::uint32_t value);
  std::uint32_t fromhost(unsigned half);
  void set_fromhost(unsigned half, std::uint32_t value);

  void waited() { perform(low_); }
  void perform(std::uint64_t command);
  void system_call(std::uint64_t words_at);
  std::uint64_t write_out(std::uint64_t from, std::uint64_t length);
  void quit(std::uint64_t status);
  void put(std::span<const std::uint8_t> bytes);
  void send();
  void on_reset(hw::ResetPhase phase) override;

  // Guest-visible state.
  hw::State<std::uint32_t> low_{*this, "tohost-low"};  // half a command
  hw::State<bool> pending_{*this, "tohost-pending"};
  hw::State<std::uint64_t> fromhost_{*this, "answer"};
  // What the console did not take yet.
  static constexpr std::size_t kMostUnsent = 1 << 20;  // bytes; what is more is lost
  std::vector<std::uint8_t> unsent_;
  // Wiring.
  chardev::CharPort console_;
  hw::RegionLink memory_{*this, "memory"};
  hw::Space space_{*this, "space", memory_};
  memory::Port port_{*space_};
  hw::Timer half_a_command_{*this, "half-a-command", &Htif::waited};
  hw::Mmio to_{*this, "tohost",
               hw::register_map<Htif>(8, {{.at = 0, .name = "tohost", .read = &Htif::tohost,
                                           .write = &Htif::set_tohost, .count = 2}})};
  hw::Mmio from_{*this, "fromhost",
                 hw::register_map<Htif>(8, {{.at = 0, .name = "fromhost", .read = &Htif::fromhost,
                                             .write = &Htif::set_fromhost, .count = 2}})};
};

}  // namespace holdfast::devices
