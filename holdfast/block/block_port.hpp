// SPDX-License-Identifier: Apache-2.0
// The connector of a device for a block back-end, as a part.
//
//   block::BlockPort drive_{*this, "drive", config.drive};
//
// The back-end is claimed from prepare until the device is destroyed. Without one, the device's
// bytes live as long as the device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "holdfast/block/backend.hpp"
#include "holdfast/hw/device.hpp"

namespace holdfast::block {

class BlockPort final : public hw::Part {
 public:
  /// Called inside the device's gate.
  using Done = std::move_only_function<void(const Result<void>& result)>;

  BlockPort(hw::Device& device, std::string name, Ref<Backend> backend)
      : Part{device, "drive", std::move(name)}, backend_{std::move(backend)} {}

  /// Null if there is none.
  Backend* backend() const { return backend_.get(); }
  bool is_read_only() const { return backend_ && backend_->access() == Access::kReadOnly; }

  /// Writes when the thread has left the device, before its access returns to the guest; then calls
  /// `done`, unless the device has gone meanwhile. The device starts nothing new before that. There
  /// is a back-end, and it can be written to.
  void write(std::uint64_t offset, std::vector<std::byte> bytes, Done done);

 private:
  Result<void> prepare() override;
  void unprepare() override { claim_.release(); }
  std::optional<object::PropertyValue> value() const override;

  const Ref<Backend> backend_;
  hw::Claim claim_;
};

}  // namespace holdfast::block
