// SPDX-License-Identifier: Apache-2.0
#include "holdfast/block/request.hpp"

#include "holdfast/base/check.hpp"
#include "holdfast/base/event_loop.hpp"

namespace holdfast::block {

std::string_view to_string(Failure failure) {
  switch (failure) {
    case Failure::kInputOutput: return "input/output error";
    case Failure::kNoSpace: return "no space left";
    case Failure::kReadOnly: return "read-only";
    case Failure::kOutOfRange: return "out of range";
    case Failure::kUnsupported: return "not supported";
    case Failure::kCancelled: return "cancelled";
  }
  return "?";
}

std::string_view to_string(Order::Kind kind) {
  switch (kind) {
    case Order::Kind::kRead: return "read";
    case Order::Kind::kWrite: return "write";
    case Order::Kind::kWriteZeroes: return "write zeroes";
    case Order::Kind::kDiscard: return "discard";
    case Order::Kind::kFlush: return "flush";
  }
  return "?";
}

Ref<Request> Request::make(Order order, Completion completion, std::string who,
                           std::source_location where) {
  return Ref<Request>::adopt(
      new Request{std::move(order), std::move(completion), std::move(who), where});
}

Request::Request(Order order, Completion completion, std::string who, std::source_location where)
    : order_{std::move(order)},
      completion_{std::move(completion)},
      who_{std::move(who)},
      where_{where},
      since_ns_{EventLoop::now_ns()} {}

void Request::finish(const IoResult& result) {
  HF_CHECK(completion_ != nullptr, "{}: a {} is completed twice", who_, to_string(order_.kind));
  Completion completion = std::exchange(completion_, {});
  completion(result);
}

}  // namespace holdfast::block
