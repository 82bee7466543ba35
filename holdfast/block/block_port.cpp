// SPDX-License-Identifier: Apache-2.0
#include "holdfast/block/block_port.hpp"

#include <optional>
#include <utility>

#include "holdfast/base/schedule_point.hpp"
#include "holdfast/gate/gate.hpp"

namespace holdfast::block {

Result<void> BlockPort::prepare() {
  if (backend_) claim_ = TRY(backend_->claim(path()));
  return {};
}

std::optional<object::PropertyValue> BlockPort::value() const {
  return backend_ ? backend_->location() : std::string{};
}

void BlockPort::write(std::uint64_t offset, std::vector<std::byte> bytes, Done done) {
  static constexpr gate::Use kUse{"completion of a write"};
  if (!may_act()) return;
  gate::Activity::current().outbox().post(
      gate::Outbox::Kind::kOther,
      [backend = backend_, gate = Ref<gate::Gate>::share(&gate()), offset, bytes = std::move(bytes),
       done = std::move(done)]() mutable {
        HF_SCHEDULE_POINT("block.port.before_write");
        const Result<void> result = backend->write(offset, bytes);
        const gate::Pass pass{*gate, kUse, gate::Reentry::kAllow};
        if (pass) done(result);
      });
}

}  // namespace holdfast::block
