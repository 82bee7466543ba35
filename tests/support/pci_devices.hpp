// SPDX-License-Identifier: Apache-2.0
// PCI functions for tests: one that does on command what functions do, and one for each shape of BAR that
// went wrong elsewhere. All of them show at "bar0", registers of 32 bits at its start.
#pragma once

#include <array>
#include <cstdint>

#include "holdfast/devices/pci/bar.hpp"
#include "holdfast/devices/pci/capability.hpp"
#include "holdfast/devices/pci/function.hpp"
#include "holdfast/devices/pci/msi.hpp"
#include "holdfast/devices/pci/msix.hpp"
#include "holdfast/hw/mmio.hpp"
#include "tests/support/test_devices.hpp"

namespace holdfast::test {

namespace pci = devices::pci;

inline constexpr std::uint16_t kTestVendor = 0x1b36;
inline constexpr pci::Function::Identity test_identity(std::uint16_t device,
                                                       pci::Intx intx = pci::Intx::kNone) {
  return {.vendor = kTestVendor, .device = device, .class_code = 0x00'ff'00, .intx = intx};
}

/// Reads and writes memory, interrupts by pin, MSI and MSI-X, as its registers are written. Has all
/// capabilities, a 64-bit BAR and an I/O BAR.
class PciProbe final : public pci::Function {
 public:
  static constexpr object::Type kType{
      .name = "test-pci-probe", .parent = &pci::Function::kType, .docs = "Does what functions do."};
  explicit PciProbe(const hw::DeviceInit& init)
      : Function{init, test_identity(0xf001, pci::Intx::kA)} {
    bar0_.add(0, regs_);
  }

  // BAR 0.
  static constexpr std::uint64_t kAddress = 0x00;
  static constexpr std::uint64_t kAddressUpper = 0x04;
  static constexpr std::uint64_t kData = 0x08;
  static constexpr std::uint64_t kLoad = 0x0c;    // DATA = what is at ADDRESS
  static constexpr std::uint64_t kStore = 0x10;   // ADDRESS gets DATA, then vector written is sent, if not all ones
  static constexpr std::uint64_t kResult = 0x14;  // of the last of these
  static constexpr std::uint64_t kIntx = 0x18;    // the level of the pin
  static constexpr std::uint64_t kMsi = 0x1c;     // a vector
  static constexpr std::uint64_t kMsix = 0x20;    // a vector
  static constexpr std::uint64_t kHits = 0x24;    // how often HIT was written
  static constexpr std::uint64_t kHit = 0x28;
  static constexpr std::uint64_t kTable = 0x1000;
  static constexpr std::uint64_t kPending = 0x1800;
  static constexpr std::uint64_t kBytes = 0x2000;
  static constexpr unsigned kVectors = 8;

 private:
  std::uint64_t where() const { return address_ | std::uint64_t{upper_} << 32; }
  std::uint32_t address() const { return address_; }
  std::uint32_t upper() const { return upper_; }
  std::uint32_t data() const { return data_; }
  void set_address(std::uint32_t value) { address_ = value; }
  void set_upper(std::uint32_t value) { upper_ = value; }
  void set_data(std::uint32_t value) { data_ = value; }
  void load(std::uint32_t) {
    std::uint64_t value = 0;
    result_ = static_cast<std::uint32_t>(port().load(where(), 4, value, attrs()));
    data_ = static_cast<std::uint32_t>(value);
  }
  void store(std::uint32_t vector) {
    result_ = static_cast<std::uint32_t>(port().store(where(), 4, data_, attrs()));
    if (vector < kVectors) msix_.notify(vector);
  }
  std::uint32_t result() const { return result_; }
  void intx(std::uint32_t level) { set_intx((level & 1) != 0); }
  void msi(std::uint32_t vector) { msi_.notify(vector); }
  void msix(std::uint32_t vector) { msix_.notify(vector % kVectors); }
  std::uint32_t hits() const { return hits_; }
  void hit(std::uint32_t) { hits_ += 1U; }

  hw::State<std::uint32_t> address_{*this, "address"};
  hw::State<std::uint32_t> upper_{*this, "address-upper"};
  hw::State<std::uint32_t> data_{*this, "data"};
  hw::State<std::uint32_t> result_{*this, "result"};
  hw::State<std::uint32_t> hits_{*this, "hits"};
  hw::Container bar0_{*this, "bar0.content", kBytes};
  hw::Mmio regs_{*this, "regs", hw::register_map<PciProbe>(0x1000, {
      {.at = kAddress, .name = "ADDRESS", .read = &PciProbe::address, .write = &PciProbe::set_address},
      {.at = kAddressUpper, .name = "UPPER", .read = &PciProbe::upper, .write = &PciProbe::set_upper},
      {.at = kData, .name = "DATA", .read = &PciProbe::data, .write = &PciProbe::set_data},
      {.at = kLoad, .name = "LOAD", .write = &PciProbe::load},
      {.at = kStore, .name = "STORE", .write = &PciProbe::store},
      {.at = kResult, .name = "RESULT", .read = &PciProbe::result},
      {.at = kIntx, .name = "INTX", .write = &PciProbe::intx},
      {.at = kMsi, .name = "MSI", .write = &PciProbe::msi},
      {.at = kMsix, .name = "MSIX", .write = &PciProbe::msix},
      {.at = kHits, .name = "HITS", .read = &PciProbe::hits},
      {.at = kHit, .name = "HIT", .write = &PciProbe::hit}})};
  hw::Mmio io_{*this, "io", hw::register_map<PciProbe>(0x10, {
      {.at = 0, .name = "HITS", .read = &PciProbe::hits, .write = &PciProbe::hit}})};
  pci::Bar memory_bar_{*this, 0, bar0_, {.kind = pci::Bar::Kind::kMemory64,
                                         .prefetch = pci::Bar::Prefetch::kYes}};
  pci::Bar io_bar_{*this, 2, io_, {.kind = pci::Bar::Kind::kIo}};
  pci::PowerManagement power_{*this};
  pci::Express express_{*this};
  pci::Msi msi_{*this, {.vectors = 4}};
  pci::Msix msix_{*this, {.vectors = kVectors,
                          .bar = memory_bar_,
                          .content = bar0_,
                          .table = kTable,
                          .pending = kPending}};
};

/// A BAR of the function's RAM.
class PciRam final : public pci::Function {
 public:
  static constexpr object::Type kType{
      .name = "test-pci-ram", .parent = &pci::Function::kType, .docs = "RAM behind a BAR."};
  explicit PciRam(const hw::DeviceInit& init) : Function{init, test_identity(0xf002)} {}

 private:
  hw::Ram ram_{*this, "ram", {.size = 0x4000}};
  pci::Bar bar_{*this, 0, ram_, {.kind = pci::Bar::Kind::kMemory64}};
};

/// A BAR made of a container with regions of others in it: of two children, one of them RAM.
class PciShelf final : public pci::Function {
 public:
  static constexpr object::Type kType{.name = "test-pci-shelf",
                                      .parent = &pci::Function::kType,
                                      .docs = "A BAR of others' regions."};
  explicit PciShelf(const hw::DeviceInit& init) : Function{init, test_identity(0xf003)} {
    shelf_.add(0x000, one_->regs());
    shelf_.add(0x100, other_->regs());
  }

 private:
  hw::Container shelf_{*this, "shelf", 0x1000};
  hw::Child<Leaf> one_{*this, "one", 0x11U};
  hw::Child<Leaf> other_{*this, "other", 0x22U};
  pci::Bar bar_{*this, 0, shelf_};
};

/// A BAR that shows a child's region by an alias, from its middle on.
class PciWindow final : public pci::Function {
 public:
  static constexpr object::Type kType{.name = "test-pci-window",
                                      .parent = &pci::Function::kType,
                                      .docs = "A BAR that is an alias."};
  explicit PciWindow(const hw::DeviceInit& init) : Function{init, test_identity(0xf004)} {}

 private:
  hw::Child<Leaf> leaf_{*this, "leaf", 0x33U};
  hw::Alias alias_{*this, "window", 0x80, leaf_->regs(), 0};
  pci::Bar bar_{*this, 0, alias_};
};

/// A BAR whose size the guest chooses.
class PciResizer final : public pci::Function {
 public:
  static constexpr object::Type kType{.name = "test-pci-resizer",
                                      .parent = &pci::Function::kType,
                                      .docs = "A BAR that changes its size."};
  explicit PciResizer(const hw::DeviceInit& init) : Function{init, test_identity(0xf005)} {
    content_.add(0, regs_);
  }

  static constexpr std::uint64_t kSize = 0x0;    // log2 of the size, 12 to 20
  static constexpr std::uint64_t kFar = 0x1000;  // the same, beyond the end of the smallest

 private:
  std::uint32_t size() const { return bits_; }
  void set_size(std::uint32_t bits) {
    if (bits < 12 || bits > 20) return;
    bits_ = bits;
    bar_.resize(std::uint64_t{1} << bits);
  }
  void on_reset(hw::ResetPhase phase) override {
    if (phase == hw::ResetPhase::kEnter) set_size(12);
  }

  std::uint32_t bits_ = 12;
  hw::Container content_{*this, "content", 0x1000};
  hw::Mmio regs_{*this, "regs", hw::register_map<PciResizer>(0x2000, {
      {.at = kSize, .name = "SIZE", .read = &PciResizer::size, .write = &PciResizer::set_size},
      {.at = kFar, .name = "FAR", .read = &PciResizer::size}})};
  pci::Bar bar_{*this, 0, content_};
};

/// Moves its own BAR in the callback of a register behind that BAR.
class PciMover final : public pci::Function {
 public:
  static constexpr object::Type kType{.name = "test-pci-mover",
                                      .parent = &pci::Function::kType,
                                      .docs = "Moves its own BAR."};
  explicit PciMover(const hw::DeviceInit& init) : Function{init, test_identity(0xf006)} {}

  static constexpr std::uint64_t kMove = 0x0;  // where the BAR is to be
  static constexpr std::uint64_t kMoves = 0x4;

 private:
  void move(std::uint32_t to) {
    ++moves_;
    bar_.set_address(to);
    ++moves_;  // still inside, whatever shows where now
  }
  std::uint32_t moves() const { return moves_; }

  std::uint32_t moves_ = 0;
  hw::Mmio regs_{*this, "regs", hw::register_map<PciMover>(0x1000, {
      {.at = kMove, .name = "MOVE", .write = &PciMover::move},
      {.at = kMoves, .name = "MOVES", .read = &PciMover::moves}})};
  pci::Bar bar_{*this, 0, regs_};
};

}  // namespace holdfast::test
