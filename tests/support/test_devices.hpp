// SPDX-License-Identifier: Apache-2.0
// Devices for tests: the plain one, and the shapes that went wrong elsewhere. Each has a region
// "regs" of 0x1000 bytes, which a test places.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "holdfast/base/schedule_point.hpp"
#include "holdfast/hw/device.hpp"
#include "holdfast/hw/event_fd.hpp"
#include "holdfast/hw/irq.hpp"
#include "holdfast/hw/mmio.hpp"
#include "holdfast/hw/region_part.hpp"
#include "holdfast/hw/space.hpp"
#include "holdfast/hw/state.hpp"

namespace holdfast::test {

inline constexpr std::uint64_t kRegsSize = 0x1000;

/// A register that keeps what is written, one that runs what a test put there, and one that says how
/// often the device was reset.
class Scratch final : public hw::Device {
 public:
  static constexpr object::Type kType{
      .name = "test-scratch", .parent = &hw::Device::kType, .docs = "Registers."};
  struct Config {
    gate::Locking locking = gate::Locking::kExclusive;
    std::uint32_t at_reset = 0;
    std::function<void()> on_trap{};
    std::function<void(hw::ResetPhase)> on_reset{};
  };
  Scratch(const hw::DeviceInit& init, Config config)
      : Device{init, config.locking},
        config_{std::move(config)},
        data_{*this, "data", config_.at_reset} {}

  static constexpr std::uint64_t kData = 0x0;
  static constexpr std::uint64_t kTrap = 0x4;
  static constexpr std::uint64_t kResets = 0x8;

 private:
  std::uint32_t data() const { return data_; }
  void set_data(std::uint32_t value) { data_ = value; }
  std::uint32_t trap() {
    HF_SCHEDULE_POINT("test.in_callback");
    if (config_.on_trap) config_.on_trap();
    return 1;
  }
  void set_trap(std::uint32_t) { trap(); }
  std::uint32_t resets() const { return resets_; }
  void on_reset(hw::ResetPhase phase) override {
    if (config_.on_reset) config_.on_reset(phase);
    if (phase == hw::ResetPhase::kExit) ++resets_;
  }

  const Config config_;
  hw::State<std::uint32_t> data_;
  std::uint32_t resets_ = 0;
  hw::Mmio regs_{*this, "regs", hw::register_map<Scratch>(kRegsSize, {
      {.at = kData, .name = "DATA", .read = &Scratch::data, .write = &Scratch::set_data},
      {.at = kTrap, .name = "TRAP", .read = &Scratch::trap, .write = &Scratch::set_trap},
      {.at = kResets, .name = "RESETS", .read = &Scratch::resets}})};
};

/// An input that is passed on to an output, and both shown.
class Repeater final : public hw::Device {
 public:
  static constexpr object::Type kType{
      .name = "test-repeater", .parent = &hw::Device::kType, .docs = "A pin through a device."};
  explicit Repeater(const hw::DeviceInit& init) : Device{init} {}

  static constexpr std::uint64_t kLevel = 0x0;  // read: of the input; write: of the output

 private:
  void changed(unsigned, bool level) {
    level_ = level;
    out_.set(level);
  }
  std::uint32_t level() const { return level_ ? 1 : 0; }
  void set_level(std::uint32_t level) { out_.set(level != 0); }

  hw::State<bool> level_{*this, "level"};
  hw::IrqInArray in_{*this, "in", 2, &Repeater::changed};
  hw::IrqOut out_{*this, "out"};
  hw::Mmio regs_{*this, "regs", hw::register_map<Repeater>(kRegsSize, {
      {.at = kLevel, .name = "LEVEL", .read = &Repeater::level, .write = &Repeater::set_level}})};
};

/// A leaf that others are made of: one register with a fixed value.
class Leaf final : public hw::Device {
 public:
  static constexpr object::Type kType{
      .name = "test-leaf", .parent = &hw::Device::kType, .docs = "One register."};
  explicit Leaf(const hw::DeviceInit& init, std::uint32_t value = 0x1eaf)
      : Device{init}, value_{value} {}
  hw::Mmio& regs() { return regs_; }

 private:
  std::uint32_t value() const { return value_; }

  const std::uint32_t value_;
  hw::Mmio regs_{*this, "regs", hw::register_map<Leaf>(0x100, {
      {.at = 0, .name = "VALUE", .read = &Leaf::value}})};
};

/// Container and subregion in one owner.
class Shelf final : public hw::Device {
 public:
  static constexpr object::Type kType{
      .name = "test-shelf", .parent = &hw::Device::kType, .docs = "Container and own subregions."};
  explicit Shelf(const hw::DeviceInit& init) : Device{init} {
    shelf_.add(0x000, low_);
    shelf_.add(0x800, ram_);
    shelf_.add(0x900, window_);
  }

 private:
  std::uint32_t read() const { return 0x5e1f; }

  hw::Container shelf_{*this, "regs", kRegsSize};
  hw::Mmio low_{*this, "low", hw::register_map<Shelf>(0x100, {
      {.at = 0, .name = "LOW", .read = &Shelf::read}})};
  hw::Ram ram_{*this, "ram", {.size = 0x100}};
  hw::Alias window_{*this, "window", 0x100, ram_};
};

/// Space and root in one owner, the space declared first.
class SelfSeeing final : public hw::Device {
 public:
  static constexpr object::Type kType{
      .name = "test-self-seeing", .parent = &hw::Device::kType, .docs = "Space and own root."};
  explicit SelfSeeing(const hw::DeviceInit& init) : Device{init} {
    regs_.add(0, inner_);
    before_.set_root(regs_);
    after_.set_root(regs_);
  }

 private:
  std::uint32_t read() const { return 0x5e15; }

  hw::Space before_{*this, "before"};
  hw::Container regs_{*this, "regs", kRegsSize};
  hw::Mmio inner_{*this, "inner", hw::register_map<SelfSeeing>(0x100, {
      {.at = 0, .name = "VALUE", .read = &SelfSeeing::read}})};
  hw::Space after_{*this, "after"};
};

/// Children whose regions sit in their parent's container.
class Nest final : public hw::Device {
 public:
  static constexpr object::Type kType{
      .name = "test-nest", .parent = &hw::Device::kType, .docs = "Children in one container."};
  explicit Nest(const hw::DeviceInit& init) : Device{init} {
    regs_.add(0x000, first_->regs());
    regs_.add(0x100, second_->regs());
  }

 private:
  hw::Child<Leaf> first_{*this, "first", 1U};
  hw::Container regs_{*this, "regs", kRegsSize};
  hw::Child<Leaf> second_{*this, "second", 2U};
};

/// What its parent shows as a BAR belongs to the child.
class BarOwner final : public hw::Device {
 public:
  static constexpr object::Type kType{
      .name = "test-bar-owner", .parent = &hw::Device::kType, .docs = "A BAR onto its child."};
  explicit BarOwner(const hw::DeviceInit& init) : Device{init} {}

 private:
  hw::Child<Leaf> function_{*this, "function", 0xbaU};
  hw::Alias bar_{*this, "regs", 0x100, function_->regs()};
};

/// Windows that the guest switches on, off and moves at run time.
class Windows final : public hw::Device {
 public:
  static constexpr object::Type kType{
      .name = "test-windows", .parent = &hw::Device::kType, .docs = "Windows switched by registers."};
  explicit Windows(const hw::DeviceInit& init) : Device{init} {
    regs_.add(0x000, control_);
    regs_.add(0x100, one_);
    regs_.add(0x100, other_, 1);
    other_.set_enabled(false);
  }

  static constexpr std::uint64_t kSwitch = 0x0;  // 1: the other window shows
  static constexpr std::uint64_t kMove = 0x4;    // where the first one shows
  static constexpr std::uint64_t kWindow = 0x100;

 private:
  void set_switch(std::uint32_t on) { other_.set_enabled((on & 1) != 0); }
  void set_move(std::uint32_t to) { regs_.move(one_, to); }
  std::uint32_t one() const { return 1; }
  std::uint32_t other() const { return 2; }

  hw::Container regs_{*this, "regs", kRegsSize};
  hw::Mmio control_{*this, "control", hw::register_map<Windows>(0x100, {
      {.at = kSwitch, .name = "SWITCH", .write = &Windows::set_switch},
      {.at = kMove, .name = "MOVE", .write = &Windows::set_move}})};
  hw::Mmio one_{*this, "one", hw::register_map<Windows>(0x100, {
      {.at = 0, .name = "VALUE", .read = &Windows::one}})};
  hw::Mmio other_{*this, "other", hw::register_map<Windows>(0x100, {
      {.at = 0, .name = "VALUE", .read = &Windows::other}})};
};

/// Overlays made on the heap while the device runs, and dropped in use: by another register, by
/// themselves, and by the device's end.
class Overlays final : public hw::Device {
 public:
  static constexpr object::Type kType{
      .name = "test-overlays", .parent = &hw::Device::kType, .docs = "Overlays made at run time."};
  explicit Overlays(const hw::DeviceInit& init) : Device{init} { regs_.add(0x000, control_); }

  static constexpr std::uint64_t kMake = 0x0;
  static constexpr std::uint64_t kDrop = 0x4;
  static constexpr std::uint64_t kOverlay = 0x800;
  static constexpr std::uint64_t kDropMyself = kOverlay + 4;

 private:
  void make(std::uint32_t) {
    auto made = hw::make_part<hw::Mmio>(*this, "overlay", *this, hw::register_map<Overlays>(0x100, {
        {.at = 0, .name = "VALUE", .read = &Overlays::value},
        {.at = 4, .name = "DROP", .write = &Overlays::drop}}));
    if (!made) return;
    overlay_ = *std::move(made);
    regs_.add(kOverlay, *overlay_, 1);
  }
  void drop(std::uint32_t) { overlay_.reset(); }
  std::uint32_t value() const { return 0x0e1a; }

  hw::Container regs_{*this, "regs", kRegsSize};
  hw::Mmio control_{*this, "control", hw::register_map<Overlays>(0x100, {
      {.at = kMake, .name = "MAKE", .write = &Overlays::make},
      {.at = kDrop, .name = "DROP", .write = &Overlays::drop}})};
  hw::OwnedPart<hw::Mmio> overlay_;
};

/// An eventfd that the guest rings itself, and one more that it makes and drops.
class Doorbell final : public hw::Device {
 public:
  static constexpr object::Type kType{
      .name = "test-doorbell", .parent = &hw::Device::kType, .docs = "Eventfds."};
  explicit Doorbell(const hw::DeviceInit& init) : Device{init} {}

  static constexpr std::uint64_t kRing = 0x0;   // write: so many times; read: how often it rang
  static constexpr std::uint64_t kArmed = 0x4;  // whether it is listened to
  static constexpr std::uint64_t kExtra = 0x8;  // 1: there is another one, which was rung; 0: not

  hw::EventFd& bell() { return bell_; }

 private:
  void rung(std::uint64_t count) { rung_ += static_cast<std::uint32_t>(count); }
  std::uint32_t ringings() const { return rung_; }
  void ring(std::uint32_t count) { bell_.signal(count); }
  void set_armed(std::uint32_t armed) { (armed & 1) != 0 ? bell_.arm() : bell_.disarm(); }
  void set_extra(std::uint32_t there) {
    extra_.reset();
    if ((there & 1) == 0) return;
    auto made = hw::make_part<hw::EventFd>(*this, "extra", [this](std::uint64_t n) { rung(n); });
    if (made) extra_ = *std::move(made);
    if (extra_) extra_->signal();
  }

  hw::State<std::uint32_t> rung_{*this, "rung"};
  hw::EventFd bell_{*this, "bell", &Doorbell::rung};
  hw::OwnedPart<hw::EventFd> extra_;
  hw::Mmio regs_{*this, "regs", hw::register_map<Doorbell>(kRegsSize, {
      {.at = kRing, .name = "RING", .read = &Doorbell::ringings, .write = &Doorbell::ring},
      {.at = kArmed, .name = "ARMED", .write = &Doorbell::set_armed},
      {.at = kExtra, .name = "EXTRA", .write = &Doorbell::set_extra}})};
};

/// Neither locks nor waits: its handler runs inside the caller's read section.
class LockFree final : public hw::Device {
 public:
  static constexpr object::Type kType{
      .name = "test-lock-free", .parent = &hw::Device::kType, .docs = "Covered by a grace period."};
  explicit LockFree(const hw::DeviceInit& init) : Device{init, gate::Locking::kGrace} {}

 private:
  std::uint32_t read() const { return 0x10cf; }

  hw::Mmio regs_{*this, "regs", hw::register_map<LockFree>(kRegsSize, {
      {.at = 0, .name = "VALUE", .read = &LockFree::read}})};
};

}  // namespace holdfast::test
