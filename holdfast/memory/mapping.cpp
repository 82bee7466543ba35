// SPDX-License-Identifier: Apache-2.0
#include "holdfast/memory/mapping.hpp"

#include <algorithm>
#include <utility>

#include "holdfast/base/check.hpp"

namespace holdfast::memory {

std::optional<Mapping> Mapping::make(const Ref<SpaceControl>& space,
                                     const std::shared_ptr<BounceBudget>& budget,
                                     const Wanted& wanted) {
  HF_CHECK(wanted.length != 0, "{}: a mapping of no bytes", wanted.who);
  Mapping mapping;
  mapping.space_ = space;
  mapping.address_ = wanted.address;
  mapping.attrs_ = wanted.attrs;
  mapping.direction_ = wanted.direction;
  Port port{space};
  const auto use =
      wanted.direction == Direction::kToGuest ? Port::HoldFor::kWriting : Port::HoldFor::kReading;
  mapping.hold_ = port.hold(wanted.address, wanted.length, use, wanted.who, wanted.where);
  if (mapping.hold_) {
    mapping.space_ = {};  // the hold is enough, and may outlive the machine
    mapping.bytes_ = mapping.hold_->bytes();
    return mapping;
  }
  const std::size_t granted = budget->take(static_cast<std::size_t>(
      std::min<std::uint64_t>(wanted.length, BounceBudget::kLargestBuffer)));
  if (granted == 0) return std::nullopt;
  mapping.budget_ = budget;
  mapping.buffer_ = std::make_unique<std::byte[]>(granted);  // zeroed: no host memory leaks out
  mapping.bytes_ = {mapping.buffer_.get(), granted};
  if (wanted.direction == Direction::kFromGuest)
    mapping.result_ = port.read(wanted.address, mapping.bytes_, wanted.attrs);
  return mapping;
}

Mapping::~Mapping() { end(); }

MemTxResult Mapping::finish(std::uint64_t filled) {
  HF_CHECK(filled <= bytes_.size(), "a mapping of {} bytes is finished with {}", bytes_.size(),
           filled);
  MemTxResult result = result_;
  if (buffer_ && direction_ == Direction::kToGuest && filled != 0) {
    Port port{space_};
    result |= port.write(address_, bytes_.first(static_cast<std::size_t>(filled)), attrs_);
  }
  end();
  return result;
}

void Mapping::end() {
  hold_.reset();
  if (buffer_) {
    buffer_.reset();
    BounceBudget::give_back(budget_, bytes_.size());
  }
  bytes_ = {};
}

}  // namespace holdfast::memory
