// SPDX-License-Identifier: Apache-2.0
#include "holdfast/block/port_control.hpp"

#include <fmt/core.h>

#include <utility>

#include "holdfast/base/schedule_point.hpp"

namespace holdfast::block {
namespace {

constexpr auto kCounted = Census::Kind::kRequest;

std::string describe(const Request& request) {
  const Order& order = request.order();
  if (order.kind == Order::Kind::kFlush) return fmt::format("{}: flush", request.who());
  return fmt::format("{}: {} of {} bytes at {}", request.who(), to_string(order.kind), order.length,
                     order.offset);
}

}  // namespace

Ref<PortControl> PortControl::make(Ref<Backend> backend, Ref<gate::Gate> gate,
                                   hw::Holdback& holdback, std::string path) {
  return Ref<PortControl>::adopt(
      new PortControl{std::move(backend), std::move(gate), holdback, std::move(path)});
}

PortControl::PortControl(Ref<Backend> backend, Ref<gate::Gate> gate, hw::Holdback& holdback,
                         std::string path)
    : backend_{std::move(backend)},
      holdback_{holdback},
      path_{std::move(path)},
      gate_{std::move(gate)} {}

// --- the claim -------------------------------------------------------------------------------------

Result<void> PortControl::claim() {
  if (!backend_) return {};
  auto claim = TRY(backend_->claim(path_));
  LockGuard guard{mutex_};
  claim_ = std::move(claim);
  return {};
}

void PortControl::release_claim() {
  LockGuard guard{mutex_};
  claim_.release();
}

// --- asking ----------------------------------------------------------------------------------------

RequestId PortControl::next_id() {
  LockGuard guard{mutex_};
  return RequestId{next_++};
}

bool PortControl::note(RequestId id, Ref<Request> request) {
  LockGuard guard{mutex_};
  if (!gate_ || gate_->is_closed()) return false;
  requests_.emplace(id, std::move(request));
  gate_->realm().census().add(kCounted);
  return true;
}

RequestId PortControl::submit(Order order, Request::Completion completion,
                              std::source_location where) {
  const RequestId id = next_id();
  auto request = Request::make(
      std::move(order),
      [self = Ref<PortControl>::share(this), id,
       completion = std::move(completion)](const IoResult& result) mutable {
        self->complete(id, result, std::move(completion));
      },
      path_, where);
  if (!note(id, request)) return id;
  gate::Activity::current().outbox().post(
      gate::Outbox::Kind::kOther, [backend = backend_, request = std::move(request)]() mutable {
        HF_SCHEDULE_POINT("block.port.before_submit");
        backend->submit(std::move(request));
      });
  return id;
}

void PortControl::write(std::uint64_t offset, std::vector<std::byte> bytes,
                        std::move_only_function<void(const Result<void>&)> done) {
  static constexpr gate::Use kUse{"completion of a write"};
  const RequestId id = next_id();
  const Order order{.kind = Order::Kind::kWrite, .offset = offset, .length = bytes.size()};
  if (!note(id, Request::make(order, {}, path_))) return;
  gate::Activity::current().outbox().post(
      gate::Outbox::Kind::kOther, [self = Ref<PortControl>::share(this), id, offset,
                                   bytes = std::move(bytes), done = std::move(done)]() mutable {
        HF_SCHEDULE_POINT("block.port.before_write");
        const Result<void> result = self->backend_->write(offset, bytes);
        std::optional<hw::Holdback::Visit> visit;
        if (auto gate = self->begin_visit(visit)) {
          if (const gate::Pass pass{*gate, kUse, gate::Reentry::kAllow}; pass && self->begin(id)) {
            done(result);
            self->told();
          }
          gate = {};
        }
        visit.reset();
        done = nullptr;
        self->end(id);
      });
}

bool PortControl::cancel(RequestId id) {
  {
    LockGuard guard{mutex_};
    const auto found = requests_.find(id);
    if (found == requests_.end()) return false;
    found->second->cancel();
  }
  backend_->drop_cancelled();
  return true;
}

void PortControl::cancel_all() {
  {
    LockGuard guard{mutex_};
    if (requests_.empty()) return;
    for (const auto& [id, request] : requests_) request->cancel();
  }
  backend_->drop_cancelled();
}

std::size_t PortControl::in_flight() const {
  LockGuard guard{mutex_};
  return requests_.size();
}

// --- being told ------------------------------------------------------------------------------------

void PortControl::complete(RequestId id, const IoResult& result, Request::Completion completion) {
  static constexpr gate::Use kUse{"completion of a request"};
  HF_SCHEDULE_POINT("block.port.before_completion");
  std::optional<hw::Holdback::Visit> visit;
  if (auto gate = begin_visit(visit)) {
    if (const hw::OutsidePass pass{*gate, kUse, holdback_, gate::Reentry::kAllow};
        pass && begin(id)) {
      completion(result);
      told();
    }
    gate = {};  // the machine may end with the visit
  }
  visit.reset();
  completion = nullptr;  // the holds end, before anybody is told that this is over
  HF_SCHEDULE_POINT("block.port.before_end");
  end(id);
}

Ref<gate::Gate> PortControl::begin_visit(std::optional<hw::Holdback::Visit>& visit) {
  LockGuard guard{mutex_};
  if (gate_) visit.emplace(holdback_);
  return gate_;
}

bool PortControl::begin(RequestId id) {
  LockGuard guard{mutex_};
  if (!gate_) return false;
  ending(id);
  ++telling_;
  return true;
}

void PortControl::told() {
  LockGuard guard{mutex_};
  --telling_;
  told_.notify_all();
}

void PortControl::ending(RequestId id) {
  if (requests_.erase(id) != 0) ++ending_;
}

void PortControl::end(RequestId id) {
  LockGuard guard{mutex_};
  ending(id);  // unless the device was told
  --ending_;
  if (gate_) gate_->realm().census().remove(kCounted);
  if (!is_over()) return;
  claim_.release();  // before anybody is told
  if (auto action = std::exchange(when_over_, {})) action();
}

void PortControl::drop() {
  Ref<gate::Gate> gate;  // let go below, outside of the lock
  LockGuard guard{mutex_};
  if (!gate_) return;  // again
  const bool inside = gate_->entered_by_me();
  while (telling_ != 0 && !inside) {
    HF_SCHEDULE_POINT("block.port.drop_waits");
    told_.wait(mutex_);
  }
  gate_->realm().census().remove(kCounted,
                                 static_cast<std::int64_t>(requests_.size() + ending_));
  gate = std::exchange(gate_, {});
  if (is_over()) claim_.release();
}

// --- for tickets -----------------------------------------------------------------------------------

std::vector<hw::Errand> PortControl::errands() const {
  LockGuard guard{mutex_};
  std::vector<hw::Errand> all;
  for (const auto& [id, request] : requests_)
    all.push_back({describe(*request), request->where(), request->since_ns()});
  return all;
}

void PortControl::when_over(std::move_only_function<void()> action) {
  LockGuard guard{mutex_};
  if (is_over())
    action();
  else
    when_over_ = std::move(action);
}

void PortControl::forget() {
  LockGuard guard{mutex_};
  when_over_ = nullptr;
}

}  // namespace holdfast::block
