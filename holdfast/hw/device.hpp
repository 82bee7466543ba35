// SPDX-License-Identifier: Apache-2.0
// A device: parts behind one gate.
//
//   built → prepared → live → closed → drained → dead          built → dead is ordinary, too
//
// *Built*: constructed; only the control thread knows it. *Prepared*: everything that may fail has
// been done. *Live*: published, the gate is open. *Closed*: out of the map, nobody comes in any
// more. *Drained*: the last insider has left. *Dead*: destroyed.
//
// A device author writes parts and callbacks. There is no teardown code: dropping the Owned<T>
// severs the device, waits for nobody, and the storage goes when the last insider has left, by a job
// on the control thread. That holds from the device's own callback, too.
//
// INVARIANT: a device is realized at most once. Its destructor runs with the gate closed and drained,
// so no member's destruction order matters.
// LOCK: the gate guards everything in a device but its list of parts.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "holdfast/base/census.hpp"
#include "holdfast/base/mutex.hpp"
#include "holdfast/base/result.hpp"
#include "holdfast/gate/gate.hpp"
#include "holdfast/hw/context.hpp"
#include "holdfast/hw/part.hpp"
#include "holdfast/object/object.hpp"

namespace holdfast::hw {

class Device;
class Ticket;

/// Where and what a device is to be. Handed on by a device's constructor to Device.
struct DeviceInit {
  Context& context;
  const object::Type& type;
  std::string name;
  Device* parent = nullptr;       // for a Child: the device it is a part of
  std::string below = "/machine";  // for others: where the name will appear
};

enum class Life : std::uint8_t {
  kBuilt,
  kPrepared,
  kLive,
  kSpent,    // a prepare failed: only good for being dropped
  kClosed,
  kDrained,
};
std::string_view to_string(Life life);

/// The deleter of whoever owns a device that is not a member: disposes.
struct Dispose {
  void operator()(Device* device) const;
};
template <class T>
using Owned = std::unique_ptr<T, Dispose>;

class Device : public object::Object {
 public:
  static const object::Type kType;  // abstract; every device's kType descends from it

  explicit Device(const DeviceInit& init, gate::Locking locking = gate::Locking::kExclusive);
  ~Device() override;

  /// The name it was built with; the node has it from publish on.
  const std::string& id() const { return id_; }
  /// Where it is, or will be once published.
  const std::string& full_path() const { return gate_->name(); }
  Context& context() const { return context_; }
  gate::Gate& gate() const { return *gate_; }
  Device* parent() const { return parent_; }
  Life life() const { return life_.load(std::memory_order_acquire); }
  object::Handle<Device> device_handle() { return object::Handle<Device>{*this}; }

  // --- life: by whoever owns it, on the control thread --------------------------------------------

  /// Brings up all parts, children's included. On error everything is undone and the device is spent.
  Result<void> prepare();
  /// Adds the device to a transaction and opens its gates. After prepare(); cannot fail.
  void publish(memory::Transaction& map);
  /// After the transaction is in force: parts start, the name appears below `parent`. Cannot fail:
  /// the name was found free before.
  void published(object::Node& parent);
  /// prepare, publish, commit, published for one device that needs no wiring.
  Result<void> realize(object::Node& parent);
  /// One phase of a reset, inside the gate; parts first, then the device itself. Not the children.
  void reset(ResetPhase phase);

  /// Severs the device now, or, inside a callback, once the thread has left it; the rest follows by
  /// itself. Takes ownership. `ticket`, if given, is told of each step.
  static void dispose(Device* device, Ref<Ticket> ticket);

  // --- looking inside ----------------------------------------------------------------------------

  /// A part by name and class ("regs"), a child's by "child/name"; nullptr if there is none.
  Part* find_part(std::string_view name);
  template <class P>
  P* find_part(std::string_view name) {
    return dynamic_cast<P*>(find_part(name));
  }
  struct PartInfo {
    std::string name;
    std::string_view kind;
  };
  /// In declaration order. Any thread.
  std::vector<PartInfo> part_infos() const;
  std::size_t part_count() const;
  /// This device and all below it, parents first.
  std::vector<Device*> subtree();
  /// Calls `what` for each part that is whole. LOCK: the list of parts, so `what` locks nothing
  /// below it.
  void for_each_part(const std::function<void(Part&)>& what) const HF_EXCLUDES(parts_mutex_);

 protected:
  /// Says what is wrong with the configuration, before any part is prepared.
  virtual Result<void> check() { return {}; }
  /// What a reset does to the device beyond its parts. Inside the gate.
  virtual void on_reset(ResetPhase /*phase*/) {}

  Result<void> access(const std::function<Result<void>()>& body) const override;
  std::vector<object::PropertyInfo> own_properties() const override;

 private:
  friend class Part;
  friend struct DropPart;
  friend class Severing;
  friend Result<void> detail::join(Part& part);

  void add(Part& part) HF_EXCLUDES(parts_mutex_);
  /// Takes it out of the list; false if somebody goes over it just now, who then destroys it.
  bool remove(Part& part) HF_EXCLUDES(parts_mutex_);
  std::vector<Part*> parts() const HF_EXCLUDES(parts_mutex_);
  /// The parts there are, kept whole while it lives though they be dropped meanwhile.
  class Pinned;
  bool is_listed(const Part& part) const HF_EXCLUDES(parts_mutex_);
  bool begin_telling(Part& part) HF_EXCLUDES(parts_mutex_);
  Result<void> prepare_parts();
  void unprepare_parts();
  /// Severs the parts that are whole; those that come later have missed it, and see to themselves.
  void sever_parts(memory::Transaction& map) HF_EXCLUDES(parts_mutex_);
  void enter_life(Life life) { life_.store(life, std::memory_order_release); }
  void collect(std::vector<Device*>& out);

  Context& context_;  // the machine's
  Device* const parent_;
  const std::string id_;
  const Ref<gate::Gate> gate_;
  std::atomic<Life> life_{Life::kBuilt};
  mutable Mutex parts_mutex_{LockRank::kParts, "parts of a device"};
  std::vector<Part*> parts_ HF_GUARDED_BY(parts_mutex_);
  bool severing_ HF_GUARDED_BY(parts_mutex_) = false;
  Counted counted_;
};

/// Makes an unrealized device. `args` follow the DeviceInit in T's constructor.
template <class T, class... Args>
Owned<T> make_device(Context& context, std::string name, Args&&... args) {
  return Owned<T>{new T(DeviceInit{.context = context, .type = T::kType, .name = std::move(name)},
                        std::forward<Args>(args)...)};
}

/// A device that is part of another: prepared, published, severed and destroyed with it.
template <class T>
class Child final : public Part {
 public:
  template <class... Args>
  Child(Device& device, std::string name, Args&&... args)
      : Part{device, "child", name},
        it_(DeviceInit{.context = device.context(), .type = T::kType, .name = std::move(name),
                       .parent = &device},
            std::forward<Args>(args)...) {}

  T& operator*() { return it_; }
  T* operator->() { return &it_; }
  T& get() { return it_; }

 private:
  Device* child() override { return &it_; }

  T it_;
};

}  // namespace holdfast::hw
