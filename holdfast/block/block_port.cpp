// SPDX-License-Identifier: Apache-2.0
#include "holdfast/block/block_port.hpp"

#include <optional>
#include <utility>

#include "holdfast/base/check.hpp"

namespace holdfast::block {

BlockPort::BlockPort(hw::Device& device, std::string name, Ref<Backend> backend, AllTold all_told)
    : Part{device, "drive", std::move(name)},
      backend_{std::move(backend)},
      control_{PortControl::make(backend_, Ref<gate::Gate>::share(&device.gate()),
                                 device.context().holdback, path(),
                                 std::move(all_told))} {}

BlockPort::~BlockPort() { control_->drop(); }

Result<void> BlockPort::prepare() { return control_->claim(); }

std::optional<object::PropertyValue> BlockPort::value() const {
  return backend_ ? backend_->location() : std::string{};
}

void BlockPort::note_remains(hw::Remains& remains) const {
  remains.errands.push_back(Ref<hw::Errands>::share(control_.get()));
}

RequestId BlockPort::submit(Order order, Completion completion, std::source_location where) {
  HF_DCHECK(backend_, "{}: a request, and there is no back-end", path());
  return control_->submit(std::move(order), std::move(completion), where);
}

void BlockPort::write(std::uint64_t offset, std::vector<std::byte> bytes, Done done) {
  if (may_act()) control_->write(offset, std::move(bytes), std::move(done));
}

}  // namespace holdfast::block
