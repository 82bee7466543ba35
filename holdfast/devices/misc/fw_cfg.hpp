// SPDX-License-Identifier: Apache-2.0
// The firmware configuration device: numbered items, and files by name, that firmware reads from its
// machine. A selector, a data register and transfers by DMA.
//
// Modelled: the memory-mapped interface with a data register of 8 bytes and DMA. Items cannot be
// written to by the guest. DMA reaches RAM only.
// SPEC: QEMU, docs/specs/fw_cfg ("QEMU Firmware Configuration Device").
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "holdfast/hw/mmio.hpp"
#include "holdfast/hw/space.hpp"
#include "holdfast/hw/state.hpp"
#include "holdfast/memory/port.hpp"

namespace holdfast::devices {

class FwCfg final : public hw::Device, private memory::MmioHandler {
 public:
  static const object::Type kType;

  /// Never changed once it is here, and shared by all copies of a configuration: kernels are large.
  using Bytes = std::shared_ptr<const std::vector<std::byte>>;
  static Bytes bytes_of(std::span<const std::byte> bytes);
  static Bytes bytes_of(std::string_view text);
  template <std::unsigned_integral T>
  static Bytes number(T value) {  // little-endian
    return bytes_of(std::as_bytes(std::span{&value, 1}));
  }

  /// Items that have a number of their own. The rest are files.
  enum class Key : std::uint16_t {
    kSignature = 0x00,
    kId = 0x01,
    kUuid = 0x02,
    kRamSize = 0x03,
    kNoGraphics = 0x04,
    kCpus = 0x05,
    kKernelSize = 0x08,
    kInitrdSize = 0x0b,
    kMaxCpus = 0x0f,
    kKernelData = 0x11,
    kInitrdData = 0x12,
    kCommandLineSize = 0x14,
    kCommandLineData = 0x15,
    kDirectory = 0x19,
    kFirstFile = 0x20,
  };
  struct Item {
    Key key;
    Bytes bytes;
  };
  struct File {
    std::string name;  // 1 to 55 bytes
    Bytes bytes;
  };
  struct Config {
    std::vector<Item> items;  // besides signature, id and directory
    std::vector<File> files;  // in any order; the directory is sorted
  };
  static constexpr std::size_t kLongestName = 55;

  FwCfg(const hw::DeviceInit& init, Config config);

 private:
  struct Request;

  memory::MemTxResult read(std::uint64_t offset, unsigned size, std::uint64_t& value,
                           memory::MemTxAttrs attrs) override;
  memory::MemTxResult write(std::uint64_t offset, unsigned size, std::uint64_t value,
                            memory::MemTxAttrs attrs) override;
  bool accepts(std::uint64_t offset, unsigned size, bool is_write,
               memory::MemTxAttrs attrs) override;

  /// The item that is selected; null if there is none of that number.
  const std::vector<std::byte>* selected() const;
  std::uint64_t next_bytes(unsigned size);
  void select(std::uint16_t key);
  void transfer();
  bool perform(const Request& request);
  bool copy_out(std::uint64_t address, std::uint32_t length);
  Bytes directory() const;
  Result<void> check() override;

  // Configuration.
  Config config_;            // files sorted by name
  std::vector<Bytes> items_;  // by key
  // Guest-visible state.
  hw::State<std::uint16_t> key_{*this, "key"};
  hw::State<std::uint64_t> offset_{*this, "offset"};
  hw::State<std::uint64_t> request_{*this, "dma-address"};
  // Wiring.
  hw::RegionLink memory_{*this, "memory"};
  hw::Space space_{*this, "dma", memory_};
  memory::Port port_{*space_};
  hw::Mmio regs_;
};

}  // namespace holdfast::devices
