// SPDX-License-Identifier: Apache-2.0
#include "holdfast/block/request.hpp"

#include <algorithm>

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

Ref<Request> Request::make(Order order, Completion completion, std::source_location where) {
  return make(std::move(order), std::move(completion), {}, where);
}

Ref<Request> Request::make(Order order, Completion completion, Ref<Asker> asker,
                           std::source_location where) {
  return Ref<Request>::adopt(
      new Request{std::move(order), std::move(completion), std::move(asker), where});
}

Request::Request(Order order, Completion completion, Ref<Asker> asker, std::source_location where)
    : order_{std::move(order)},
      completion_{std::move(completion)},
      asker_{std::move(asker)},
      where_{where},
      since_ns_{EventLoop::now_ns()} {}

void Request::note_finished() {
  HF_CHECK(!std::exchange(finished_, true), "a {} is completed twice", to_string(order_.kind));
}

void Request::finish(const IoResult& result) {
  note_finished();
  if (!asker_) return answer(result);
  Finished one{Ref<Request>::share(this), result};
  asker_->finish(std::span{&one, 1});
}

void Request::answer(const IoResult& result) {
  tell(result);
  let_go();
}

void finish(std::vector<Finished>& done) {
  for (const Finished& one : done) one.request->note_finished();
  for (std::span<Finished> rest{done}; !rest.empty();) {
    Asker* const asker = rest.front().request->asker_.get();
    const auto end = std::ranges::find_if(
        rest, [asker](const Finished& one) { return one.request->asker_.get() != asker; });
    const auto of_one = rest.first(static_cast<std::size_t>(end - rest.begin()));
    rest = rest.subspan(of_one.size());
    if (asker != nullptr) {
      asker->finish(of_one);
    } else {
      for (const Finished& one : of_one) one.request->answer(one.result);
    }
  }
  done.clear();
}

}  // namespace holdfast::block
