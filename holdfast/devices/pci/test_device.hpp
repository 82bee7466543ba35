// SPDX-License-Identifier: Apache-2.0
// A function by which software tries out its accesses: a memory BAR (0) and an I/O BAR (1) that begin with the
// same header, and, if asked for, a large 64-bit BAR (2) to be mapped.
//
//   0   TEST    written: begins the test of that number
//   1   WIDTH   of the access that the test takes, 1 here; 0: there is no such test
//   4   OFFSET  in this BAR, where the test takes it
//   8   DATA    that it takes
//   12  COUNT   of such accesses since the test began
//   16  NAME    of the test, ending with a zero
//
// Tests of each BAR: 0 "no-eventfd" and 2 "datamatch-eventfd" count writes of DATA, 1 "wildcard-eventfd" all writes.
// Modelled after the reference system's device of that name. Not modelled: eventfds, so that all three are the
// same to the host.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

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
  /// One of the two BARs with a header.
  class Face final : public memory::MmioHandler {
   public:
    Face(TestDevice& device, const char* type, std::uint64_t bytes);
    memory::MemTxResult read(std::uint64_t offset, unsigned size, std::uint64_t& value,
                             memory::MemTxAttrs attrs) override;
    memory::MemTxResult write(std::uint64_t offset, unsigned size, std::uint64_t value,
                              memory::MemTxAttrs attrs) override;
    hw::Mmio& region() { return region_; }

   private:
    std::uint8_t header_byte(std::uint64_t offset) const;
    void begin(std::uint8_t test);

    const std::string type_;   // "mmio", "portio"
    const std::uint64_t bytes_;
    hw::State<std::uint8_t> test_;  // kNone: none is going on
    hw::State<std::uint32_t> count_;
    hw::Mmio region_;
  };

  Result<void> check() override;

  const Config config_;
  Face memory_;
  Face io_;
  Bar memory_bar_{*this, 0, memory_.region()};
  Bar io_bar_{*this, 1, io_.region(), {.kind = Bar::Kind::kIo}};
  std::unique_ptr<hw::RegionPart> large_;
  std::optional<Bar> large_bar_;
};

}  // namespace holdfast::devices::pci
