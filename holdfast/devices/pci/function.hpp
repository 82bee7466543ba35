// SPDX-License-Identifier: Apache-2.0
// A PCI function: a device with configuration space, BARs, capabilities and an address space of its own.
//
//   class Disk final : public pci::Function {
//    public:
//     static const object::Type kType;                       // .parent = &pci::Function::kType
//     explicit Disk(const hw::DeviceInit& init)
//         : Function{init, {.vendor = 0x1b36, .device = 0x10, .class_code = 0x01'08'02,
//                           .intx = Intx::kA}} {}
//    private:
//     hw::Container bar0_{*this, "bar0.content", 0x4000};
//     hw::Mmio regs_{*this, "regs", hw::register_map<Disk>(0x2000, {…})};   // bar0_.add(0, regs_)
//     pci::Bar bar_{*this, 0, bar0_, {.kind = pci::Bar::Kind::kMemory64}};
//     pci::PowerManagement power_{*this};
//     pci::Express express_{*this};
//     pci::Msix msix_{*this, {.vectors = 65, .bar = bar_, .content = bar0_, .table = 0x2000, .pending = 0x3000}};
//   };
//
// Modelled: type 0 and type 1 headers; an expansion ROM that a user gives it; command register (I/O, memory, bus master, INTx disable); status
// (INTx, capabilities; error bits stay clear); BARs mapped, moved and unmapped at any time; INTx; the
// capabilities of the sister files. Bus-master enable switches what `dma()` sees: all functions that see
// the same memory share one view, all others share the view of nothing.
// Not modelled: error reporting, latency timer, built-in self test.
// SPEC: PCI Local Bus Specification 3.0, chapter 6; PCI Express Base Specification 4.0, chapter 7.
//
// LOCK: the gate, as in any device. A guest's write to configuration space is a callback like any other; what
// it does to the map is in force when the guest's store returns, in the order of the writes (EditQueue).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/devices/pci/address.hpp"
#include "holdfast/devices/pci/bus.hpp"
#include "holdfast/devices/pci/config_space.hpp"
#include "holdfast/hw/bus.hpp"
#include "holdfast/hw/edit_queue.hpp"
#include "holdfast/hw/mmio.hpp"
#include "holdfast/hw/space.hpp"
#include "holdfast/hw/wire.hpp"
#include "holdfast/memory/port.hpp"

namespace holdfast::devices::pci {

class Bar;
class Capability;
class ExpansionRom;

/// The interrupt pin a function uses, as its register says.
enum class Intx : std::uint8_t { kNone, kA, kB, kC, kD };

class Function : public hw::Device {
 public:
  static const object::Type kType;  // abstract; every function's kType descends from it

  enum class Header : std::uint8_t { kEndpoint, kBridge };
  struct Identity {
    std::uint16_t vendor = 0;
    std::uint16_t device = 0;
    std::uint32_t class_code = 0;  // 24 bits: class, subclass, programming interface
    std::uint8_t revision = 0;
    std::uint16_t subsystem_vendor = 0x1af4;  // type 0 only
    std::uint16_t subsystem = 0x1100;         // the same
    Header header = Header::kEndpoint;
    Intx intx = Intx::kNone;
  };
  Function(const hw::DeviceInit& init, const Identity& identity,
           gate::Locking locking = gate::Locking::kExclusive);
  ~Function() override;

  Header header() const { return header_; }
  Intx intx_pin() const { return intx_pin_; }
  bool is_multifunction() const { return multifunction_; }

  /// Where it sits. From prepare on.
  Address address() const { return address_; }
  /// Its bus, which may be gone meanwhile. From prepare on.
  const Ref<BusControl>& bus() const { return bus_; }
  hw::BusLink& bus_link() { return bus_link_; }

  // --- for itself and its parts, inside the gate --------------------------------------------------

  ConfigSpace& config() { return config_; }
  const ConfigSpace& config() const { return config_; }
  std::uint16_t command() const { return config_.get16(reg::kCommand); }

  /// By which it reaches memory; sees nothing while it may not be a bus master.
  memory::AddressSpace& dma() { return dma_.get(); }
  /// One for the callbacks of this function.
  memory::Port& port() { return port_; }
  /// With its requester id, which follows the number of its bus.
  memory::MemTxAttrs attrs() const;
  bool is_bus_master() const { return master_; }
  /// What it sees while it is a bus master: for a bridge, also what those behind it may see.
  hw::RegionPart& bus_master_region() { return bus_master_; }

  /// The level of its interrupt pin. A guest that disabled INTx does not see it.
  void set_intx(bool level);

  /// False: it answers nothing but configuration accesses, is no bus master and asserts no pin (power states).
  void set_awake(bool awake);
  bool is_awake() const { return awake_; }

  /// The map follows the registers: BARs, bus-master enable. After a change that no guest made.
  void follow();
  /// Edits of the map of this function's own, in the order of the calls.
  void post(memory::Transaction map) { edits_->post(std::move(map)); }

  const std::vector<Bar*>& bars() const { return bars_; }

 protected:
  /// A guest wrote configuration space; parts have been told. What has to be edited goes into `map`.
  virtual void config_written(unsigned /*at*/, unsigned /*bytes*/, memory::Transaction& /*map*/) {}
  /// It has a place on a bus, which is `bus`. In prepare.
  virtual Result<void> seated(Bus& /*bus*/) { return {}; }

 private:
  friend class Bar;
  friend class Capability;

  /// What it has of its bus: a place, wires, the memory it sees.
  class Seat final : public hw::Part {
   public:
    explicit Seat(Function& function);
    ~Seat() override;
    void set_intx(bool level) { intx_->set(level); }

   private:
    Result<void> prepare() override;
    void unprepare() override;
    void publish(memory::Transaction& map) override;
    void published() override;
    void severed() override;
    void reset(hw::ResetPhase phase) override;
    Result<void> connect(Bus& bus);
    void sever_pins();

    Function& function_;  // contains this
    hw::Claim claim_;
    const Ref<hw::OutPin> intx_;
    const Ref<hw::OutPin> presence_;
  };

  /// What a guest's accesses to configuration space come to.
  class Registers final : public memory::MmioHandler {
   public:
    explicit Registers(Function& function) : function_{function} {}
    memory::MemTxResult read(std::uint64_t offset, unsigned size, std::uint64_t& value,
                             memory::MemTxAttrs attrs) override;
    memory::MemTxResult write(std::uint64_t offset, unsigned size, std::uint64_t value,
                              memory::MemTxAttrs attrs) override;

   private:
    Function& function_;  // contains this
  };

  static const object::Property kProperties[];
  std::string addr() const;
  Result<void> set_addr(const std::string& text);
  Result<void> add_rom();
  void define_header(const Identity& identity);
  unsigned shown(unsigned at, unsigned bytes) const;
  void written(unsigned at, unsigned bytes);
  void follow(memory::Transaction& map);
  void update_intx();
  void reset_registers();

  const Header header_;
  const Intx intx_pin_;
  std::optional<Address> wanted_;  // none: any
  bool multifunction_ = false;
  std::string rom_file_;  // none: no ROM
  std::uint32_t rom_bar_ = 1;  // 0: none either
  std::uint32_t rom_size_;     // bytes; all ones: those of the image
  Address address_;
  Ref<BusControl> bus_;

  ConfigSpace config_;
  std::vector<Bar*> bars_;                // members of what derives from this
  std::vector<Capability*> capabilities_;  // the same
  unsigned next_capability_ = 0x40;           // where the next one goes
  unsigned capability_link_ = reg::kCapabilities;  // what will point to it
  unsigned extended_end_ = 0;                 // 0: no extended ones
  unsigned extended_last_ = 0;
  unsigned shown_bytes_ = kConfigSize;  // of configuration space; beyond, everything reads as ones
  bool awake_ = true;
  bool master_ = false;
  bool wants_intx_ = false;

  const Ref<hw::EditQueue> edits_;
  hw::BusLink bus_link_{*this, "bus", Bus::kFamily};
  hw::RegionLink memory_{*this, "memory", hw::RegionLink::Need::kOptional};  // the bus says what
  Seat seat_{*this};
  Registers registers_{*this};
  hw::Mmio config_region_{*this, "config", kExtendedConfigSize, registers_,
                          {.valid = {.min = 1, .max = 8, .unaligned = true}, .impl = {.min = 1, .max = 4}}};
  hw::Alias bus_master_{*this, "bus-master", memory::kWholeSpace, memory_};
  hw::Space dma_{*this, "dma"};
  memory::Port port_{*dma_};
  std::unique_ptr<ExpansionRom> rom_;  // from prepare on; null: it has none
};

}  // namespace holdfast::devices::pci
