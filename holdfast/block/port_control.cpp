// SPDX-License-Identifier: Apache-2.0
#include "holdfast/block/port_control.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "holdfast/base/schedule_point.hpp"

namespace holdfast::block {
namespace {

constexpr auto kCounted = Census::Kind::kRequest;

// Of completions, before a hart that waits at the gate gets its turn.
constexpr std::size_t kMostAtOnce = 16;

RequestId id_of(const Finished& done) { return RequestId{done.request->number()}; }

}  // namespace

Ref<PortControl> PortControl::make(Ref<Backend> backend, Ref<gate::Gate> gate,
                                   hw::Holdback& holdback, std::string path, AllTold all_told) {
  return Ref<PortControl>::adopt(new PortControl{std::move(backend), std::move(gate), holdback,
                                                 std::move(path), std::move(all_told)});
}

PortControl::PortControl(Ref<Backend> backend, Ref<gate::Gate> gate, hw::Holdback& holdback,
                         std::string path, AllTold all_told)
    : backend_{std::move(backend)},
      holdback_{holdback},
      path_{std::move(path)},
      all_told_{std::move(all_told)},
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

bool PortControl::note(Request& request) {
  LockGuard guard{mutex_};
  if (!gate_ || gate_->is_closed()) return false;
  request.set_number(next_++);
  requests_.push_back(Ref<Request>::share(&request));
  gate_->realm().census().add(kCounted);
  return true;
}

RequestId PortControl::submit(Order order, Request::Completion completion,
                              std::source_location where) {
  auto request =
      Request::make(std::move(order), std::move(completion), Ref<Asker>::share(this), where);
  if (!note(*request)) return RequestId{request->number()};
  const RequestId id{request->number()};
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
  const Order order{.kind = Order::Kind::kWrite, .offset = offset, .length = bytes.size()};
  auto request = Request::make(order, {});
  if (!note(*request)) return;
  gate::Activity::current().outbox().post(
      gate::Outbox::Kind::kOther,
      [self = Ref<PortControl>::share(this), one = Finished{std::move(request)}, offset,
       bytes = std::move(bytes), done = std::move(done)]() mutable {
        HF_SCHEDULE_POINT("block.port.before_write");
        const Result<void> result = self->backend_->write(offset, bytes);
        const std::span<const Finished> whole{&one, 1};
        std::optional<hw::Holdback::Visit> visit;
        if (auto gate = self->begin_visit(visit)) {
          if (const gate::Pass pass{*gate, kUse, gate::Reentry::kAllow};
              pass && self->begin(whole)) {
            self->untold_.fetch_sub(1, std::memory_order_relaxed);
            done(result);
            self->told();
          }
          gate = {};
        }
        visit.reset();
        done = nullptr;
        self->end(whole);
      });
}

PortControl::Requests::iterator PortControl::find(RequestId id) {
  const auto at = std::ranges::lower_bound(
      requests_, static_cast<std::uint64_t>(id), {},
      [](const Ref<Request>& request) { return request->number(); });
  return at == requests_.end() || RequestId{(*at)->number()} != id ? requests_.end() : at;
}

bool PortControl::cancel(RequestId id) {
  {
    LockGuard guard{mutex_};
    const auto found = find(id);
    if (found == requests_.end()) return false;
    (*found)->cancel();
  }
  backend_->drop_cancelled();
  return true;
}

void PortControl::cancel_all() {
  {
    LockGuard guard{mutex_};
    if (requests_.empty()) return;
    for (const auto& request : requests_) request->cancel();
  }
  backend_->drop_cancelled();
}

std::size_t PortControl::in_flight() const {
  LockGuard guard{mutex_};
  return requests_.size() + untold_.load(std::memory_order_relaxed);
}

// --- being told ------------------------------------------------------------------------------------

void PortControl::finish(std::span<Finished> done) {
  static constexpr gate::Use kUse{"completion of requests"};
  HF_SCHEDULE_POINT("block.port.before_completion");
  std::optional<hw::Holdback::Visit> visit;
  if (auto gate = begin_visit(visit)) {
    for (auto rest = done; !rest.empty();) {
      const auto some = rest.first(std::min(rest.size(), kMostAtOnce));
      rest = rest.subspan(some.size());
      const hw::OutsidePass pass{*gate, kUse, holdback_, gate::Reentry::kAllow};
      if (!pass) break;
      tell(*gate, some);
    }
    gate = {};  // the machine may end with the visit
  }
  visit.reset();
  // The holds end, before anybody is told that this is over.
  for (const Finished& one : done) one.request->let_go();
  HF_SCHEDULE_POINT("block.port.before_end");
  end(done);
}

// The device may go while it is told of the first ones: it hears nothing of the others then.
void PortControl::tell(const gate::Gate& gate, std::span<Finished> done) {
  if (!begin(done)) return;
  std::size_t left = done.size();
  for (const Finished& one : done) {
    HF_SCHEDULE_POINT("block.port.before_telling");
    if (gate.is_closed() || dropped_) break;
    untold_.fetch_sub(1, std::memory_order_relaxed);
    --left;
    one.request->tell(one.result);
  }
  untold_.fetch_sub(left, std::memory_order_relaxed);
  if (all_told_ && !dropped_) all_told_();
  told();
}

Ref<gate::Gate> PortControl::begin_visit(std::optional<hw::Holdback::Visit>& visit) {
  LockGuard guard{mutex_};
  if (gate_) visit.emplace(holdback_);
  return gate_;
}

bool PortControl::begin(std::span<const Finished> done) {
  LockGuard guard{mutex_};
  if (!gate_) return false;
  for (const Finished& one : done) ending(id_of(one));
  untold_.fetch_add(done.size(), std::memory_order_relaxed);
  ++telling_;
  return true;
}

void PortControl::told() {
  LockGuard guard{mutex_};
  --telling_;
  if (somebody_waits_) told_.notify_all();
}

void PortControl::ending(RequestId id) {
  const auto found = find(id);
  if (found == requests_.end()) return;
  requests_.erase(found);
  ++ending_;
}

void PortControl::end(std::span<const Finished> done) {
  LockGuard guard{mutex_};
  for (const Finished& one : done) ended(id_of(one));
  settle_if_over();
}

void PortControl::ended(RequestId id) {
  ending(id);  // unless the device was told
  --ending_;
  if (gate_) gate_->realm().census().remove(kCounted);
}

void PortControl::settle_if_over() {
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
    somebody_waits_ = true;
    HF_SCHEDULE_POINT("block.port.drop_waits");
    told_.wait(mutex_);
  }
  gate_->realm().census().remove(kCounted,
                                 static_cast<std::int64_t>(requests_.size() + ending_));
  gate = std::exchange(gate_, {});
  dropped_ = true;
  if (is_over()) claim_.release();
}

// --- for tickets -----------------------------------------------------------------------------------

std::string PortControl::describe(const Request& request) const {
  const Order& order = request.order();
  if (order.kind == Order::Kind::kFlush) return fmt::format("{}: flush", path_);
  return fmt::format("{}: {} of {} bytes at {}", path_, to_string(order.kind), order.length,
                     order.offset);
}

std::vector<hw::Errand> PortControl::errands() const {
  LockGuard guard{mutex_};
  std::vector<hw::Errand> all;
  for (const auto& request : requests_)
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
