// SPDX-License-Identifier: Apache-2.0
// A part: what a device is made of. A region, a piece of state, an interrupt line, a timer, a child.
//
// A part registers with its device by being a member of it (or by being made with make_part() while
// the device lives). From then on the device's life is the part's life:
//
//   prepare()    control thread, nothing is visible. May fail; whatever it took is then given back
//                by its own return path. In declaration order over the device and its children.
//   unprepare()  undoes a prepare() that succeeded, because a later one failed. Reverse order.
//   publish()    adds its edits to the one transaction that makes the device visible. Cannot fail.
//   published()  the map is in force and the gate is open.
//   sever()      adds its edits to the one transaction that makes the device invisible. Cannot fail.
//   severed()    the map without the device is in force and the gate is closed; others may still be
//                inside the device.
//   drop()       for a part that goes alone, while its device lives: leaves whatever it is in and
//                waits for those who are in it. The thread is inside no gate.
//   destructor   nobody is inside any more, or the device was never published. A part that went
//                alone may outlive its device by a moment, so it uses control blocks only.
//
// LOCK: prepare, unprepare, publish, published and reset run on the control thread. sever() and
// severed() run with the device's list of parts locked (LockRank::kParts) and outside of its gate,
// so they touch control blocks, never what the gate guards. reset() and value() run inside the gate.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/census.hpp"
#include "holdfast/base/result.hpp"
#include "holdfast/gate/gate.hpp"
#include "holdfast/object/property.hpp"

namespace holdfast::memory {
class Transaction;
}

namespace holdfast::hw {

class Device;
class Part;
struct Context;
struct Remains;

namespace detail {
/// Makes the part known as whole, prepared and published like those that were there before.
Result<void> join(Part& part);
}  // namespace detail

/// Three phases, each over all devices before the next begins.
enum class ResetPhase : std::uint8_t {
  kEnter,  // set own state; touch nobody else
  kHold,   // drive outputs to what they are in reset
  kExit,   // out of reset: start what runs by itself
};

class Part {
 public:
  /// `kind` is a literal: "mmio", "irq out", "timer".
  Part(Device& device, std::string_view kind, std::string name);
  virtual ~Part();
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;

  const std::string& name() const { return name_; }
  std::string_view kind() const { return kind_; }
  /// "/machine/uart0:regs"
  std::string path() const;
  Device& device() const { return device_; }
  Context& context() const;
  gate::Gate& gate() const;
  /// Whether the part may still start something (arm, map, submit, raise): its device is not being
  /// taken away.
  bool may_act() const { return !gate().is_closed(); }

 protected:
  virtual Result<void> prepare() { return {}; }
  virtual void unprepare() {}
  virtual void publish(memory::Transaction& /*map*/) {}
  virtual void published() {}
  virtual void sever(memory::Transaction& /*map*/) {}
  virtual void severed() {}
  virtual void drop() {}
  virtual void reset(ResetPhase /*phase*/) {}
  /// What it shows as a read-only property of the device, if anything.
  virtual std::optional<object::PropertyValue> value() const { return std::nullopt; }
  /// What may outlive the device for a while: blocks of RAM that others hold. For unplug tickets;
  /// same lock as sever().
  virtual void note_remains(Remains& /*remains*/) const {}
  /// A child is prepared part by part with its parent; only Child<T> has one.
  virtual Device* child() { return nullptr; }

 private:
  friend class Device;
  friend class Severing;
  friend struct DropPart;
  friend Result<void> detail::join(Part& part);

  /// Severs a part that was made too late to be severed with the others.
  void sever_late();

  Device& device_;  // which this is a member of
  const std::string_view kind_;
  const std::string name_;
  // LOCK: the device's list of parts for these four.
  bool listed_ = true;
  bool joined_ = false;    // whole: others may call it
  bool told_ = false;      // that it is published, or somebody is about to tell it
  unsigned pins_ = 0;      // who goes over it without the lock; the last one destroys what was dropped
  bool prepared_ = false;  // control thread
  Counted counted_;
};

/// What a dropped part's owner calls: takes the part out of its device's list while it is whole, and
/// destroys it when this thread is outside of every gate: the part's own callback may be on its stack.
struct DropPart {
  void operator()(Part* part) const;
  static void destroy(Part* part);
};
/// A part made and dropped while its device lives. A member of the device.
template <class P>
using OwnedPart = std::unique_ptr<P, DropPart>;

/// A part for a device that may be live already, from inside its gate or on its control thread.
/// Fails as the part's prepare() does.
template <class P, class... Args>
Result<OwnedPart<P>> make_part(Device& device, Args&&... args) {
  OwnedPart<P> part{new P{device, std::forward<Args>(args)...}};
  TRY(detail::join(*part));
  return part;
}

}  // namespace holdfast::hw
