// SPDX-License-Identifier: Apache-2.0
// A function by which software tries out its accesses: a memory BAR (0) and an I/O BAR (1), and, if asked for, a
// large 64-bit BAR (2) to be mapped. BARs 0 and 1 begin with a header, of the test that goes on:
//
//   0   TEST    written: begins a test of this BAR, the first being 0. Read: its number among all tests
//   1   WIDTH   of the access that the test takes, 1 here; 0: no test goes on, as all of the header
//   4   OFFSET  in the BAR, where the test takes it
//   8   DATA    that it takes
//   12  COUNT   of such accesses since the test began
//   16  NAME    of the test, ending with a zero
//
// One test goes on at a time; both headers show it, and both BARs take its accesses. Accesses are taken byte by
// byte. There are three tests a BAR: "no-eventfd" and "datamatch-eventfd" take DATA, "wildcard-eventfd" takes
// anything. The latter two have an event of the host's in their own BAR, for accesses of one byte: those are not
// counted, which is how software sees that they do not come as far as the device.
// Modelled after the reference system's device of that name, whose tests and numbers these are. Not modelled: that
// anything comes of the host's event.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "holdfast/devices/pci/bar.hpp"
#include "holdfast/devices/pci/function.hpp"
#include "holdfast/hw/mmio.hpp"
#include "holdfast/hw/region_part.hpp"
#include "holdfast/hw/state.hpp"

namespace holdfast::devices::pci {

class TestDevice final : public Function {
 public:
  static const object::Type kType;
  struct Config {
    std::uint64_t membar = 0;    // bytes of BAR 2, a power of two; 0: there is none
    bool membar_backed = false;  // whether it is RAM
  };
  TestDevice(const hw::DeviceInit& init, const Config& config);

 private:
  enum class Kind : std::uint8_t { kMemory, kIo };
  /// One of the two BARs with a header.
  class Face final : public memory::MmioHandler {
   public:
    Face(TestDevice& device, Kind kind);
    memory::MemTxResult read(std::uint64_t offset, unsigned size, std::uint64_t& value,
                             memory::MemTxAttrs attrs) override;
    memory::MemTxResult write(std::uint64_t offset, unsigned size, std::uint64_t value,
                              memory::MemTxAttrs attrs) override;
    hw::Mmio& region() { return region_; }

   private:
    TestDevice& device_;  // contains this
    const Kind kind_;
    hw::Mmio region_;
  };
  /// Whether a byte came as an access of its own.
  enum class Alone : std::uint8_t { kNo, kYes };

  std::uint8_t header_byte(std::uint64_t offset) const;
  void take(Kind kind, std::uint64_t offset, std::uint8_t byte, Alone alone);
  void begin(Kind kind, std::uint8_t test);

  Result<void> check() override;

  const Config config_;
  hw::State<std::uint8_t> test_;  // kNone: none goes on
  hw::State<std::uint32_t> count_;
  Face memory_{*this, Kind::kMemory};
  Face io_{*this, Kind::kIo};
  Bar memory_bar_{*this, 0, memory_.region()};
  Bar io_bar_{*this, 1, io_.region(), {.kind = Bar::Kind::kIo}};
  std::unique_ptr<hw::RegionPart> large_;
  std::optional<Bar> large_bar_;
};

}  // namespace holdfast::devices::pci
