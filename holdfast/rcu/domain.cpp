// SPDX-License-Identifier: Apache-2.0
#include "holdfast/rcu/domain.hpp"

#include <algorithm>

#include "holdfast/base/census.hpp"
#include "holdfast/base/check.hpp"
#include "holdfast/base/mutex.hpp"
#include "holdfast/base/schedule_point.hpp"

namespace holdfast::rcu {
namespace {

std::uint64_t next_domain_id() {
  // Process-wide: an id names one domain for ever, so that a thread's leftovers match no later one.
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

bool choose_asymmetric(const Options& options) {
  if (options.barrier == Barrier::kExchange) return false;
  const bool available = HostAtomics::has_heavy_barrier();
  HF_CHECK(available || options.barrier == Barrier::kAuto,
           "rcu: domain '{}' demands membarrier, which this kernel, sandbox or build has not",
           options.name);
  return available;
}

struct RetiredCall final : Retired {
  RetiredCall(std::move_only_function<void()> what, std::size_t n, std::size_t size)
      : Retired{&run_this, n, size}, callback{std::move(what)} {}
  static void run_this(Retired* self) noexcept {
    const std::unique_ptr<RetiredCall> record{static_cast<RetiredCall*>(self)};
    record->callback();
  }
  std::move_only_function<void()> callback;
};

}  // namespace

// --- Batch -----------------------------------------------------------------------------------------

Batch::~Batch() {
  HF_CHECK(items_.empty(), "rcu: a batch of {} objects was neither retired nor kept",
           items_.size());
}

void Batch::keep() noexcept {
  items_.clear();
  bytes_ = 0;
}

void Batch::run() noexcept {
  for (const Item& item : items_) item.free(item.object);
  keep();
}

// --- Domain: life ----------------------------------------------------------------------------------

Domain::Domain(Census* census, Options options)
    : id_{next_domain_id()},
      slots_{new SharedSlots{options.name}},
      options_{std::move(options)},
      census_{census},
      epochs_{slots_->list(), choose_asymmetric(options_)} {}

Domain::~Domain() {
  HF_CHECK(!inside_any(), "rcu: domain '{}' dies in a read section of domain '{}' ({})", name(),
           *domain_inside(), thread_label());
  HF_CHECK(!detail::reclaiming, "rcu: domain '{}' dies in a callback of reclamation", name());
  // What callbacks retire is garbage too: as many rounds as it takes.
  do {
    if (!epochs_.passed(epochs_.start())) {
      const std::vector<ReaderInfo> inside = readers();
      HF_CHECK(false, "rcu: domain '{}' dies with a reader inside: thread {}", name(),
               inside.empty() ? 0 : inside.front().thread);
    }
    poll();
  } while (garbage().objects != 0);
  slots_->retire_domain();
  slots_->unref();
}

// --- Domain: readers -------------------------------------------------------------------------------

bool Domain::inside() const noexcept {
  const HostSlot* const slot = detail::last_used.domain == id_ ? detail::last_used.slot
                                                               : detail::find_existing_slot(id_);
  return slot && epochs_.inside(*slot);
}

#ifdef HOLDFAST_DEBUG
void Domain::check_inside(const HostSlot& slot) const noexcept {
  HF_CHECK(epochs_.inside(slot), "rcu: {} leaves a read section of domain '{}' that it is not in",
           thread_label(), name());
}

void Domain::check_outermost(const HostSlot& slot) const noexcept {
  HF_CHECK(epochs_.inside(slot), "rcu: {} renews a read section of domain '{}' that it is not in",
           thread_label(), name());
  HF_CHECK(slot.nested == 0, "rcu: {} renews a nested read section of domain '{}'",
           thread_label(), name());
}

void Domain::check_outside(const HostSlot& slot) const noexcept {
  HF_CHECK(!epochs_.inside(slot),
           "rcu: {} ends a suspension inside a read section of domain '{}' entered under it",
           thread_label(), name());
}
#endif

std::vector<ReaderInfo> Domain::readers() const {
  std::vector<ReaderInfo> inside;
  const Epoch now = epochs_.now();
  for (const HostSlot* slot = slots_->list().first(); slot; slot = slot->next) {
    const Epoch seen = slot->seen.load(std::memory_order_acquire);  // for a report: may be stale
    if (seen == kOutside) continue;
    inside.push_back({slot->owner.load(std::memory_order_relaxed), now - std::min(now, seen)});
  }
  return inside;
}

std::size_t Domain::slot_count() const {
  std::size_t count = 0;
  for (const HostSlot* slot = slots_->list().first(); slot; slot = slot->next) ++count;
  return count;
}

// --- Domain: retiring ------------------------------------------------------------------------------

void Domain::retire(Batch&& batch) {
  if (batch.empty()) return;
  const std::size_t objects = batch.objects();
  const std::size_t bytes = batch.bytes();
  retire([dropped = std::move(batch)]() mutable { dropped.run(); }, objects, bytes);
}

void Domain::retire(std::move_only_function<void()> callback, std::size_t objects,
                    std::size_t bytes) {
  push(*new RetiredCall{std::move(callback), objects, bytes});
}

void Domain::push(Retired& record) {
  const std::size_t objects = record.objects;  // the record may be gone once it is pushed
  if (census_) census_->add(Census::Kind::kRetired, static_cast<std::int64_t>(objects));
  objects_.fetch_add(objects, std::memory_order_relaxed);  // counters only: order nothing
  bytes_.fetch_add(record.bytes, std::memory_order_relaxed);
  record.epoch = epochs_.start();
  HF_SCHEDULE_POINT("rcu.retire.stamped");
  retired_.push(record);
  const std::size_t unpolled = unpolled_.fetch_add(objects, std::memory_order_relaxed) + objects;
  if (options_.poll_every != 0 && unpolled >= options_.poll_every) poll();
}

void Domain::run(Retired& record) noexcept {
  const std::size_t objects = record.objects;
  const std::size_t bytes = record.bytes;
  {
    const lock_order::NoLocks rule{"a callback of reclamation"};
    record.run(&record);
  }
  if (census_) census_->remove(Census::Kind::kRetired, static_cast<std::int64_t>(objects));
  bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  objects_.fetch_sub(objects, std::memory_order_release);  // pairs with garbage(): 0 means freed
}

void Domain::poll() noexcept {
  if (detail::reclaiming || inside_any()) return;
  detail::reclaiming = true;
  unpolled_.store(0, std::memory_order_relaxed);
  retired_.reclaim(
      [this](Epoch first) {
        HF_SCHEDULE_POINT("rcu.reclaim.look");
        return epochs_.advance(first);
      },
      [this](Retired& record) { run(record); });
  detail::reclaiming = false;
}

Garbage Domain::garbage() const noexcept {
  const std::size_t objects = objects_.load(std::memory_order_acquire);  // pairs with run()
  return {objects, bytes_.load(std::memory_order_relaxed)};
}

bool Domain::over_budget() const noexcept {
  const Garbage now = garbage();
  return now.objects > options_.budget_objects || now.bytes > options_.budget_bytes;
}

// --- Domain: waiting -------------------------------------------------------------------------------

void Domain::await(Epoch epoch) {
  for (Backoff backoff; !epochs_.passed(epoch); backoff.pause())
    HF_SCHEDULE_POINT("rcu.wait.blocked");
}

void Domain::synchronize() {
  check_may_wait("synchronize");
  await(epochs_.start());
}

void Domain::wait(Token token) {
  check_may_wait("wait");
  await(token.epoch);
}

void Domain::barrier() {
  check_may_wait("barrier");
  struct Marker final : Retired {
    Marker() : Retired{&run_this, 0} {}
    static void run_this(Retired* self) noexcept {
      // Release pairs with the loop below: everything run before it is behind it.
      static_cast<Marker*>(self)->reached.store(true, std::memory_order_release);
    }
    std::atomic<bool> reached{false};
  };
  // On the heap, and freed here: the thread that runs it touches it no more after the store.
  const auto marker = std::make_unique<Marker>();
  marker->epoch = epochs_.start();
  retired_.push(*marker);
  await(marker->epoch);
  for (Backoff backoff;;) {
    poll();
    if (marker->reached.load(std::memory_order_acquire)) return;
    backoff.pause();
  }
}

void Domain::pace() {
  if (!over_budget()) return;
  check_may_wait("pace");
  poll();
  if (over_budget()) barrier();
}

}  // namespace holdfast::rcu
