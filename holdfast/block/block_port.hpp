// SPDX-License-Identifier: Apache-2.0
// The connector of a device for a block back-end, as a part. A member of the device, for all its life.
//
//   block::BlockPort drive_{*this, "drive", config.drive};
//
//   drive_.submit({.kind = block::Order::Kind::kRead, .offset = at, .length = n, .bytes = {where}},
//                 [this, hold = std::move(hold)](const block::IoResult& result) { complete(result); });
//
// The back-end is claimed from prepare until the device is destroyed and the last of its requests has
// ended. Without a back-end, the device's bytes live as long as the device.
//
// A request belongs to the back-end: it owns what its bytes lie in, and a reference to the port's control
// block, which stops calling the device when that goes. A device that is severed cancels what the host
// has not begun; the ticket says which requests are still with the host, and waits for them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <source_location>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "holdfast/block/backend.hpp"
#include "holdfast/block/port_control.hpp"
#include "holdfast/hw/device.hpp"
#include "holdfast/hw/ticket.hpp"

namespace holdfast::block {

class BlockPort final : public hw::Part {
 public:
  /// Called inside the device's gate.
  using Done = std::move_only_function<void(const Result<void>& result)>;
  using Completion = Request::Completion;

  /// Called inside the gate behind completions of which several came at once, after the last of them:
  /// where a device tells the guest of all, once.
  using AllTold = PortControl::AllTold;

  BlockPort(hw::Device& device, std::string name, Ref<Backend> backend, AllTold all_told = {});
  ~BlockPort() override;

  /// Null if there is none.
  Backend* backend() const { return backend_.get(); }
  bool is_read_only() const { return backend_ && backend_->access() == Access::kReadOnly; }

  // --- from inside the gate, with a back-end --------------------------------------------------------

  /// Asks when the thread has left the device. `completion` is called inside the gate, once, on a thread
  /// of the back-end's, and held back while a reset goes on; or never, if the device goes first. It is
  /// destroyed in any case, and not before the host is done with `order.bytes`: it owns what those lie
  /// in. What it owns may outlive the device.
  RequestId submit(Order order, Completion completion,
                   std::source_location where = std::source_location::current());
  /// Nobody wants it any more: it is completed soon, cancelled or not, by the host's choice. False if it
  /// has been completed.
  bool cancel(RequestId id) { return control_->cancel(id); }
  void cancel_all() { control_->cancel_all(); }
  /// Submitted, and the completion has not returned.
  std::size_t in_flight() const { return control_->in_flight(); }

  /// Writes when the thread has left the device, before its access returns to the guest; then calls
  /// `done`, unless the device has gone meanwhile. The device starts nothing new before that. The drive
  /// can be written to.
  void write(std::uint64_t offset, std::vector<std::byte> bytes, Done done);

 private:
  Result<void> prepare() override;
  void unprepare() override { control_->release_claim(); }
  void severed() override { control_->cancel_all(); }
  void drop() override { control_->drop(); }
  void note_remains(hw::Remains& remains) const override;
  std::optional<object::PropertyValue> value() const override;

  const Ref<Backend> backend_;
  const Ref<PortControl> control_;
};

}  // namespace holdfast::block
