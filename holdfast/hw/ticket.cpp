// SPDX-License-Identifier: Apache-2.0
#include "holdfast/hw/ticket.hpp"

#include <fmt/core.h>

#include <cstring>
#include <utility>

#include "holdfast/base/check.hpp"
#include "holdfast/base/schedule_point.hpp"
#include "holdfast/hw/control_queue.hpp"

namespace holdfast::hw {
namespace {

const char* file_name(const char* path) {
  const char* slash = std::strrchr(path, '/');
  return slash == nullptr ? path : slash + 1;
}

}  // namespace

std::string_view to_string(Ticket::Stage stage) {
  switch (stage) {
    case Ticket::Stage::kRequested: return "requested";
    case Ticket::Stage::kSevered: return "severed";
    case Ticket::Stage::kDrained: return "drained";
    case Ticket::Stage::kReclaimed: return "reclaimed";
    case Ticket::Stage::kRefused: return "refused";
  }
  return "?";
}

Ref<Ticket> Ticket::make(ControlQueue& control, Census& census, std::string path) {
  return Ref<Ticket>::adopt(new Ticket{control, census, std::move(path)});
}

Ticket::Ticket(ControlQueue& control, Census& census, std::string path)
    : control_{control},
      path_{std::move(path)},
      since_{Clock::now()},
      counted_{std::in_place, census, Census::Kind::kTicket} {}

Result<void> Ticket::wait() {
  if (!done()) control_.wait_until([this] { return done(); });
  if (stage() == Stage::kReclaimed) return {};
  return fail("{}", report().reason);
}

bool Ticket::wait_for(Stage wanted, std::chrono::milliseconds limit) {
  return done() || control_.wait_until([&] { return stage() >= wanted; }, limit);
}

void Ticket::reach(Stage stage) { enter(stage, {}); }

void Ticket::device_gone() {
  if (stage() == Stage::kSevered) reach(Stage::kDrained);
  std::vector<Ref<Errands>> all;
  {
    LockGuard guard{mutex_};
    all = remains_.errands;
  }
  errands_left_ = all.size() + 1;
  for (const auto& errands : all)
    errands->when_over([self = Ref<Ticket>::share(this), errands] {
      HF_SCHEDULE_POINT("hw.ticket.errands_over");
      ControlQueue& control = self->control_;
      control.post_now("errands are over", [self, errands] {
        errands->forget();  // returns when who posted this is done with the queue: the machine may go next
        self->errands_over();
      });
    });
  errands_over();
}

void Ticket::errands_over() {
  if (--errands_left_ == 0 && !done()) reach(Stage::kReclaimed);
}

void Ticket::abandon_errands() {
  std::vector<Ref<Errands>> all;
  {
    LockGuard guard{mutex_};
    all = remains_.errands;
  }
  for (const auto& errands : all) errands->forget();
  if (!done()) reach(Stage::kReclaimed);
}

void Ticket::refuse(std::string reason) { enter(Stage::kRefused, std::move(reason)); }

void Ticket::enter(Stage next, std::string reason) {
  Remains gone;  // let go outside of the lock
  ControlQueue& control = control_;
  {
    LockGuard guard{mutex_};
    HF_CHECK(!done() && next > stage(), "{}: a ticket goes from {} to {}", path_,
             to_string(stage()), to_string(next));
    since_ = Clock::now();
    reason_ = std::move(reason);
    if (next >= Stage::kReclaimed) {
      gone = std::exchange(remains_, {});
      counted_.reset();
      for (auto& action : std::exchange(when_done_, {}))
        control.post_now("what follows a ticket", std::move(action));
    }
    stage_.store(next, std::memory_order_release);
  }
  control.changed();
}

void Ticket::await(std::string whose_consent) {
  LockGuard guard{mutex_};
  reason_ = std::move(whose_consent);
}

void Ticket::note_remains(Remains remains) {
  LockGuard guard{mutex_};
  remains_ = std::move(remains);
}

void Ticket::when_done(std::move_only_function<void()> action) {
  {
    LockGuard guard{mutex_};
    if (!done()) {
      when_done_.push_back(std::move(action));
      return;
    }
  }
  action();
}

Ticket::Report Ticket::report() const {
  Remains remains;
  Report report{};
  {
    LockGuard guard{mutex_};
    report.stage = stage();
    report.since = since_;
    report.reason = reason_;
    remains.gates = remains_.gates;
    remains.blocks = remains_.blocks;
    remains.errands = remains_.errands;
  }
  for (const auto& gate : remains.gates) {
    const gate::Use* use = gate->insider();
    if (use != nullptr && !gate->is_drained())
      report.insiders.push_back({gate->name(), use->what, use->where});
  }
  for (const auto& block : remains.blocks)
    for (const auto& holder : block->holders())
      report.held.push_back({block->name(), holder.who, holder.where, holder.since_ns});
  for (const auto& errands : remains.errands)
    for (Errand& errand : errands->errands()) report.errands.push_back(std::move(errand));
  return report;
}

std::string Ticket::Report::to_string() const {
  const auto ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - since).count();
  std::string text = fmt::format("{} for {} ms", hw::to_string(stage), ms);
  if (!reason.empty()) text += ": " + reason;
  for (const Insider& insider : insiders)
    text += fmt::format("; inside {}: {} ({}:{})", insider.device, insider.what,
                        file_name(insider.where.file_name()), insider.where.line());
  for (const Held& held_by : held)
    text += fmt::format("; RAM '{}' held by {} ({}:{})", held_by.block, held_by.by,
                        file_name(held_by.where.file_name()), held_by.where.line());
  for (const Errand& errand : errands)
    text += fmt::format("; {} with the host ({}:{})", errand.what,
                        file_name(errand.where.file_name()), errand.where.line());
  return text;
}

}  // namespace holdfast::hw
