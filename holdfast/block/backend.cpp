// SPDX-License-Identifier: Apache-2.0
#include "holdfast/block/backend.hpp"

#include <fmt/core.h>

#include <utility>

#include "holdfast/base/check.hpp"
#include "holdfast/gate/gate.hpp"

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

std::string Backend::user() const {
  LockGuard guard{mutex_};
  return user_;
}

Result<void> Backend::resize(std::uint64_t) { return fail("{}: its size is settled", name_); }

void Backend::submit(Ref<Request> request) {
  if (!request->decision())
    if (auto decided = verdict(request->order())) request->decide(*std::move(decided));
  start(std::move(request));
}

std::optional<IoResult> Backend::verdict(const Order& order) const {
  if (order.kind == Order::Kind::kFlush) return std::nullopt;
  const auto refuse = [&](Failure failure) {
    return IoResult{std::unexpected{IoError{
        failure, fmt::format("{}: cannot {} {} bytes at {} of {}: {}", name_, to_string(order.kind),
                             order.length, order.offset, size(), to_string(failure))}}};
  };
  if (order.length > size() || order.offset > size() - order.length)
    return refuse(Failure::kOutOfRange);
  if (order.kind != Order::Kind::kRead && access() == Access::kReadOnly)
    return refuse(Failure::kReadOnly);
  if (order.length == 0) return IoResult{};
  return std::nullopt;
}

IoResult Backend::perform(Order order) {
  HF_DCHECK(!gate::Activity::current().inside_any(), "{}: waited for inside a gate", name_);
  struct Wait {
    Mutex mutex{LockRank::kLeaf, "a wait for a block back-end"};
    ConditionVariable over;
    std::optional<IoResult> result HF_GUARDED_BY(mutex);
  } wait;
  submit(Request::make(std::move(order), [&wait](const IoResult& result) {
    LockGuard guard{wait.mutex};
    wait.result = result;
    wait.over.notify_all();  // with the lock held: whoever waits destroys it all
  }));
  LockGuard guard{wait.mutex};
  while (!wait.result) wait.over.wait(wait.mutex);
  return *wait.result;
}

Result<void> plain(const IoResult& result) {
  if (result) return {};
  return std::unexpected{Error{result.error().message}};
}

std::span<std::byte> as_written(std::span<const std::byte> bytes) {
  return {const_cast<std::byte*>(bytes.data()), bytes.size()};
}

Result<void> Backend::read(std::uint64_t offset, std::span<std::byte> bytes) {
  return plain(perform({.kind = Order::Kind::kRead, .offset = offset, .length = bytes.size(),
                        .bytes = {bytes}}));
}

Result<void> Backend::write(std::uint64_t offset, std::span<const std::byte> bytes) {
  return plain(perform({.kind = Order::Kind::kWrite, .offset = offset, .length = bytes.size(),
                        .bytes = {as_written(bytes)}}));
}

}  // namespace holdfast::block
