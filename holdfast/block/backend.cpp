// SPDX-License-Identifier: Apache-2.0
#include "holdfast/block/backend.hpp"

#include <utility>

namespace holdfast::block {

Backend::~Backend() = default;

Result<hw::Claim> Backend::claim(std::string who) {
  LockGuard guard{mutex_};
  if (!user_.empty())
    return fail("{}: is in use by {}; a drive has one user", name_, user_);
  user_ = std::move(who);
  return hw::Claim{name_, [self = Ref<Backend>::share(this)] {
                     LockGuard again{self->mutex_};
                     self->user_.clear();
                   }};
}

}  // namespace holdfast::block
