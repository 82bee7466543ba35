// SPDX-License-Identifier: Apache-2.0
// A bridge between two PCI buses: the function on its primary bus, and its secondary bus.
//
// What it passes on downwards are windows: configuration space of the bus numbers from its secondary to its
// subordinate one, and the ranges of I/O, memory and prefetchable memory in its registers. They are aliases
// in the containers of the primary bus, and follow the registers. Upwards, those behind it see what it sees
// as a bus master; their interrupt pins are swizzled onto the primary bus.
//
// A bridge that is *dark* passes nothing on: its slot has no power, or it resets its secondary bus.
//
// Modelled: type 1 header, windows (I/O of 16 bits, prefetchable memory of 64), bus numbers, master enable,
// secondary bus reset. Not modelled: VGA and ISA forwarding (those bits cannot be set), errors, the
// secondary status register (reads as 0).
// SPEC: PCI-to-PCI Bridge Architecture Specification 1.2, 3.2; PCI Express Base Specification, 7.5.1.3.
//
// LOCK: the gate. What is behind it is severed with it, and stays what it is when the registers change.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

#include "holdfast/base/extent.hpp"
#include "holdfast/devices/pci/bus.hpp"
#include "holdfast/devices/pci/function.hpp"
#include "holdfast/hw/region_part.hpp"
#include "holdfast/hw/wire.hpp"

namespace holdfast::devices::pci {

class Bridge : public Function {
 public:
  static const object::Type kType;  // abstract

  /// The bus behind it, called as the bridge is.
  class Secondary : public Bus {
   public:
    Secondary(Bridge& bridge, Kind kind, std::uint8_t last_device);

    bool is_root() const override { return false; }
    hw::RegionPart* dma_root() const override { return &bridge_.behind_; }
    Ref<hw::InPin> intx_input(Address address, unsigned pin) override;
    Ref<hw::InPin> presence_input(Address address) override { return bridge_.presence_input(address); }
    hw::Slot* slot_of(const hw::Device& device) override { return bridge_.slot_of(device); }
    Result<void> hot_pluggable() const override { return bridge_.hot_pluggable(); }
    Result<void> takes_more() const override { return bridge_.takes_more(); }

   private:
    friend class Bridge;
    Bridge& bridge_;  // contains this
  };

  Secondary& secondary() { return secondary_; }
  const Secondary& secondary() const { return secondary_; }

 protected:
  struct Behind {
    Bus::Kind kind = Bus::Kind::kExpress;
    std::uint8_t last_device = kDevices - 1;
  };
  Bridge(const hw::DeviceInit& init, const Identity& identity, Behind behind);

  /// Whether those behind it have power. Inside the gate; the map follows with config_written() or relight().
  void set_power(bool power) { power_.store(power, std::memory_order_relaxed); }
  /// The map follows.
  void relight();
  /// High while a function sits there; empty if nobody wants to know.
  virtual Ref<hw::InPin> presence_input(Address /*address*/) { return {}; }
  /// The slot that a device behind it is in, if it is in one. Control thread.
  virtual hw::Slot* slot_of(const hw::Device& /*device*/) { return nullptr; }
  /// Whether devices may come and go behind it: nobody tells the guest, so as long as the guest cannot
  /// see them. Control thread.
  virtual Result<void> hot_pluggable() const;
  /// Whether one more would be noticed by the guest. Control thread.
  virtual Result<void> takes_more() const { return {}; }
  /// Those behind it are to lose their state: power or a reset line went. Inside the gate.
  void reset_behind();

  void config_written(unsigned at, unsigned bytes, memory::Transaction& map) override;
  Result<void> seated(Bus& bus) override;
  void on_reset(hw::ResetPhase phase) override;

 private:
  /// An alias onto something of the secondary bus, in the same thing of the primary one.
  class Window {
   public:
    Window(Bridge& bridge, std::string name, hw::RegionPart& behind)
        : alias_{bridge, std::move(name), 1, behind} {}
    void set_place(Ref<memory::RegionControl> place) { place_ = std::move(place); }
    void follow(std::optional<Extent> wanted, memory::Transaction& map);

   private:
    hw::Alias alias_;
    Ref<memory::RegionControl> place_;  // the primary bus's
    std::optional<Extent> shown_;
  };

  /// Four lines, each of any number of pins behind, to the primary bus.
  class Junction final : public hw::Part {
   public:
    explicit Junction(Bridge& bridge);
    ~Junction() override;
    /// A pin of its own.
    Ref<hw::InPin> input(unsigned line);
    Result<void> connect(Bus& primary, Address address);
    void cut();

   private:
    void change(unsigned line, bool level);
    void severed() override { cut(); }
    void unprepare() override { cut(); }

    std::array<Ref<hw::OutPin>, kIntxPins> lines_;
    std::array<unsigned, kIntxPins> raised_{};  // how many pins are high
  };

  bool has_power() const { return power_.load(std::memory_order_relaxed); }
  std::optional<Extent> buses() const;
  std::optional<Extent> window(std::uint16_t enabled_by, std::uint64_t base, std::uint64_t limit) const;
  std::optional<Extent> memory_window() const;
  std::optional<Extent> prefetchable_window() const;
  std::optional<Extent> io_window() const;
  void define_header();
  void pass_on(memory::Transaction& map);

  object::Handle<hw::Bus> primary_;  // from prepare on
  Secondary secondary_;
  hw::Alias behind_{*this, "behind", memory::kWholeSpace, bus_master_region()};
  Window config_window_{*this, "config-window", secondary_.config()};
  Window memory_window_{*this, "memory-window", secondary_.memory()};
  Window prefetchable_window_{*this, "prefetchable-window", secondary_.memory()};
  Window io_window_{*this, "io-window", secondary_.io()};
  Junction junction_{*this};
  std::uint8_t shown_number_ = 0;  // by which its secondary bus is found; 0: not at all
  /// Whether what is behind it has no power, for its own sake or for that of a bridge above. A reset is not the
  /// same: it ends when the guest wants it to, who knows what was there.
  bool is_out_of_sight() const;

  std::atomic<bool> power_ = true;  // changed inside the gate; relaxed: who looks from outside is late anyway
  bool dark_ = false;
  bool in_reset_ = false;  // the secondary bus, by the guest
};

}  // namespace holdfast::devices::pci
