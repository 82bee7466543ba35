// SPDX-License-Identifier: Apache-2.0
#include "holdfast/chardev/chardev.hpp"

#include "holdfast/base/check.hpp"

namespace holdfast::chardev {

Chardev::~Chardev() { HF_CHECK(!is_attached(), "chardev '{}': destroyed while in use", id_); }

Result<hw::Claim> Chardev::attach(Ref<FrontEnd> front) {
  LockGuard guard{mutex_};
  if (front_) return fail("chardev '{}' is in use by {}", id_, front_->path());
  front_ = std::move(front);
  return hw::Claim{"chardev '" + id_ + "'", [this] { detach(); }};
}

bool Chardev::is_attached() const {
  LockGuard guard{mutex_};
  return static_cast<bool>(front_);
}

Ref<FrontEnd> Chardev::front() const {
  LockGuard guard{mutex_};
  return front_;
}

void Chardev::detach() {
  LockGuard guard{mutex_};
  front_ = {};
}

}  // namespace holdfast::chardev
