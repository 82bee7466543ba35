// SPDX-License-Identifier: Apache-2.0
// Registers, queues, interrupts. The commands are in admin.cpp and io.cpp.
#include "holdfast/devices/storage/nvme/controller.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace holdfast::devices::nvme {
namespace {

constexpr std::uint16_t kAdminQueue = 0;
constexpr std::uint64_t kReadyTimeout = 15;  // CAP.TO: 7.5 s
constexpr unsigned kMostPageBits = 16;

std::uint32_t submission_entries(std::uint32_t aqa) { return (aqa & 0xfffU) + 1; }
std::uint32_t completion_entries(std::uint32_t aqa) { return (aqa >> 16U & 0xfffU) + 1; }

}  // namespace

Controller::Controller(hw::Device& device, const Config& config, Wiring& wiring, Reach& reach,
                       Ref<NamespaceTable> namespaces, OwnMemory& own)
    : device_{device},
      config_{config},
      wiring_{wiring},
      reach_{reach},
      own_{own},
      namespaces_{std::move(namespaces)},
      home_{Home::make(Ref<gate::Gate>::share(&device.gate()))},
      features_{{.queue_pairs = config.queue_pairs,
                 .vectors = config.vectors,
                 .write_cache = config.identity.write_cache}},
      events_{config.identity.event_commands + std::size_t{1}},
      until_error_{config.injection.error_every} {
  namespaces_->follow(home_, [this] { namespaces_changed(); });
}

std::string Controller::who(const Command& command) const {
  return fmt::format("{}: command {} of queue {}", device_.full_path(), command.entry.id(),
                     command.queue);
}

// --- registers -------------------------------------------------------------------------------------

std::uint64_t Controller::capabilities() const {
  return (kQueueEntries - 1) | 1U << 16U /* CQR: queues are contiguous */ | kReadyTimeout << 24U |
         1ULL << 37U /* CSS: the NVM command set */ | std::uint64_t{kMostPageBits - 12} << 52U |
         (own_.has_persistent() ? 1ULL << 56U : 0U) | (own_.has_buffer() ? 1ULL << 57U : 0U);
}

void Controller::set_interrupt_mask(std::uint32_t bits) {
  masked_ |= bits;
  update_pin();
}

void Controller::clear_interrupt_mask(std::uint32_t bits) {
  masked_ &= ~bits;
  update_pin();
}

void Controller::configure(std::uint32_t value) {
  const std::uint32_t before = cc_;
  cc_ = value & cc::kWritable;
  const bool was_enabled = (before & cc::kEnable) != 0;
  const bool enabled = (cc_ & cc::kEnable) != 0;
  if (was_enabled && !enabled) {
    stop();
    cc_ = cc_ & cc::kShutdownMask;  // SPEC: 7.3.2: what says where the admin queue is stays, alone
  }
  if (!was_enabled && enabled) try_start();
  if (cc::shutdown(before) == 0 && cc::shutdown(cc_) != 0) begin_shutdown();
  if (cc::shutdown(cc_) == 0) csts_ &= ~csts::kShutdownMask;
}

void Controller::try_start() {
  if (state_ != State::kDisabled) return;  // once the host has given everything back
  const std::uint32_t submissions = submission_entries(aqa_);
  const std::uint32_t completions = completion_entries(aqa_);
  if (submissions < 2 || completions < 2 || cc::command_set(cc_) != 0 || cc::arbitration(cc_) != 0 ||
      cc::page_bits(cc_) > kMostPageBits || asq_ % page_size() != 0 || acq_ % page_size() != 0)
    return fail_fatally();
  submissions_[kAdminQueue] = {.ring = {asq_, submissions}};
  completions_[kAdminQueue] = {.ring = {acq_, completions}, .interrupts = true, .users = 1};
  static_cast<void>(namespaces_->take_changes());  // the host asks what there is
  state_ = State::kReady;
  csts_ |= csts::kReady;
}

void Controller::stop() {
  orphan_all();
  submissions_.clear();
  completions_.clear();
  shadows_.reset();
  due_.clear();
  due_vectors_.clear();
  events_.reset();
  features_.reset();
  changed_.clear();
  masked_ = 0;
  csts_ &= ~(csts::kFatal | csts::kShutdownMask);
  flushing_ = 0;
  ++shutdown_;  // what is flushed for an earlier one does not count
  update_pin();
  if (state_ == State::kReady) state_ = State::kStopping;
  stopped_if_idle();
}

void Controller::stopped_if_idle() {
  if (state_ != State::kStopping || !commands_.empty()) return;
  state_ = State::kDisabled;
  csts_ &= ~csts::kReady;
  if ((cc_ & cc::kEnable) != 0) try_start();  // which was asked for meanwhile
}

/// Nobody is to be told of what is under way; what was not begun is not.
void Controller::orphan_all() {
  delayed_.clear();
  starved_.clear();
  for (auto command = commands_.begin(); command != commands_.end();) {
    if (command->second.stage == Command::Stage::kWaiting) {
      command = commands_.erase(command);
    } else {
      command->second.stage = Command::Stage::kOrphan;
      ++command;
    }
  }
  if (commands_.empty()) return;
  for (const auto& target : namespaces_->all()) target->cancel_all();
}

void Controller::reset() {
  stop();
  own_.reset();
  counts_ = {};
  timestamp_ms_ = 0;
  timestamp_set_ = false;
  until_error_ = config_.injection.error_every;
  csts_ = 0;  // but it does not begin anew before the host has given everything back
}

void Controller::fail_fatally() { csts_ |= csts::kFatal; }

// --- shutdown --------------------------------------------------------------------------------------

// What was written is made to last; then the host is told.
void Controller::begin_shutdown() {
  csts_ = (csts_ & ~csts::kShutdownMask) | csts::kShutdownBegun;
  ++shutdown_;
  for (const auto& target : namespaces_->all()) {
    if (target->geometry().read_only) continue;
    const CommandId id = next_++;
    Command& flush = commands_[id];
    flush.stage = Command::Stage::kOrphan;
    flush.order.kind = block::Order::Kind::kFlush;
    flush.parts = 1;
    flush.shutdown = shutdown_;
    ++flushing_;
    submit(*target, flush.order, {.command = id});
  }
  shut_down_if_flushed();
}

void Controller::shut_down_if_flushed() {
  if (flushing_ != 0 || (csts_ & csts::kShutdownMask) != csts::kShutdownBegun) return;
  csts_ = (csts_ & ~csts::kShutdownMask) | csts::kShutdownDone;
}

// --- doorbells -------------------------------------------------------------------------------------

SubmissionQueue* Controller::submission_queue(std::uint32_t number) {
  const auto found = submissions_.find(static_cast<std::uint16_t>(number));
  return number > 0xffff || found == submissions_.end() ? nullptr : &found->second;
}

CompletionQueue* Controller::completion_queue(std::uint32_t number) {
  const auto found = completions_.find(static_cast<std::uint16_t>(number));
  return number > 0xffff || found == completions_.end() ? nullptr : &found->second;
}

void Controller::ring(unsigned number, std::uint32_t value) {
  if (state_ != State::kReady || (csts_ & csts::kFatal) != 0) return;
  const auto queue = static_cast<std::uint16_t>(number / 2);
  if (number % 2 == 0)
    ring_submission(queue, value);
  else
    ring_completion(queue, value);
  tell_host();
}

void Controller::ring_submission(std::uint16_t number, std::uint32_t value) {
  SubmissionQueue* const queue = submission_queue(number);
  if (queue == nullptr) return events_.raise(Event::invalid_doorbell_register());
  if (value >= queue->ring.entries) return events_.raise(Event::invalid_doorbell_value());
  queue->tail = static_cast<std::uint16_t>(value);
  // Hosts may ring this doorbell alone, though there is a shadow.
  if (number == kAdminQueue && queue->shadow) queue->shadow->store(reach_, value);
  serve(number);
}

void Controller::ring_completion(std::uint16_t number, std::uint32_t value) {
  CompletionQueue* const queue = completion_queue(number);
  if (queue == nullptr) return events_.raise(Event::invalid_doorbell_register());
  if (value >= queue->ring.entries) return events_.raise(Event::invalid_doorbell_value());
  queue->head = static_cast<std::uint16_t>(value);
  if (number == kAdminQueue && queue->shadow) queue->shadow->store(reach_, value);
  const bool has_room = post_waiting(*queue);
  update_pin();
  if (has_room) serve_users_of(number);
}

void Controller::look_at_shadow(SubmissionQueue& queue) {
  if (!queue.shadow) return;
  const auto tail = queue.shadow->value(reach_);
  if (tail && *tail < queue.ring.entries) queue.tail = static_cast<std::uint16_t>(*tail);
}

void Controller::look_at_shadow(CompletionQueue& queue) {
  if (!queue.shadow) return;
  const auto head = queue.shadow->value(reach_);
  if (head && *head < queue.ring.entries) queue.head = static_cast<std::uint16_t>(*head);
}

// --- serving ---------------------------------------------------------------------------------------

/// Fetches and begins what a queue has; queues that become due meanwhile come after.
void Controller::serve(std::uint16_t number) {
  put_last(number);
  serve_due();
}

void Controller::put_last(std::uint16_t number) {
  if (std::ranges::find(due_, number) == due_.end()) due_.push_back(number);
}

// What the visit has no time for stays due, and tell_host() sees to it.
void Controller::serve_due() {
  if (std::exchange(serving_, true)) return;
  while (!due_.empty() && work_left_ != 0) {
    const std::uint16_t next = due_.front();
    due_.pop_front();
    if (SubmissionQueue* queue = submission_queue(next)) serve_one(*queue, next);
  }
  serving_ = false;
}

void Controller::go_on() {
  if ((csts_ & csts::kFatal) != 0) due_.clear();
  work_left_ = kWorkToGoOn;
  serve_due();
  tell_host();
}

/// Those that post to a queue may have waited for it.
void Controller::serve_users_of(std::uint16_t completion_queue) {
  std::vector<std::uint16_t> numbers;
  for (const auto& [number, queue] : submissions_)
    if (queue.completion_queue == completion_queue && queue.has_more()) numbers.push_back(number);
  for (const std::uint16_t number : numbers) serve(number);
}

/// Not more than fit the queue are under way, nor wait for a host that takes no completions.
bool Controller::may_fetch(const SubmissionQueue& queue) {
  if (!queue.has_more() || queue.deleted_by || queue.under_way >= queue.ring.entries) return false;
  const CompletionQueue* const to = completion_queue(queue.completion_queue);
  return to == nullptr || to->waiting.size() < queue.ring.entries;
}

void Controller::serve_one(SubmissionQueue& queue, std::uint16_t number) {
  look_at_shadow(queue);
  for (;;) {
    while (may_fetch(queue)) {
      // The host, or the commands themselves, may move the shadow's tail for ever.
      if (work_left_ == 0) return put_last(number);
      charge(1);
      const auto entry = fetch(reach_, queue);
      if (!entry) return fail_fatally();
      ++queue.under_way;
      execute(number, *entry);
      // The command may have been the end of its queue.
      if (submission_queue(number) != &queue || state_ != State::kReady) return;
    }
    if (!queue.shadow || queue.has_more()) return;
    queue.shadow->ask_beyond(reach_, queue.tail);
    look_at_shadow(queue);
    if (!queue.has_more()) return;
  }
}

void Controller::execute(std::uint16_t number, const Submission& entry) {
  const Answer answer = entry.fused() != 0 ? Answer{{.status = Status::kInvalidField}}
                        : number == kAdminQueue ? admin(entry)
                                                : io(number, entry);
  if (!answer) return;
  if (answer->status != Status::kSuccess) note_mishap(number, entry, answer->status);
  post(number, entry.id(), *answer);
}

void Controller::note_mishap(std::uint16_t queue, const Submission& entry, Status status) {
  ++counts_.mishaps;
  constexpr unsigned kMedia = 2;  // the type of status
  if (static_cast<unsigned>(status) >> 8U == kMedia && status != Status::kCompareFailure)
    ++counts_.media_errors;
  counts_.last = {.queue = queue,
                  .command = entry.id(),
                  .status = status,
                  .block = queue == kAdminQueue ? 0 : entry.pair(10),
                  .namespace_id = entry.namespace_id()};
}

// --- completions -----------------------------------------------------------------------------------

/// The end of a command that was fetched from there.
void Controller::post(std::uint16_t number, std::uint16_t command, const Completion& completion) {
  SubmissionQueue* const queue = submission_queue(number);
  if (queue == nullptr) return;
  --queue->under_way;
  const std::uint16_t completions = queue->completion_queue;
  CompletionQueue* const to = completion_queue(completions);
  const bool has_room = to != nullptr && post_to(*to, {.completion = completion,
                                                       .submission_queue = number,
                                                       .command = command});
  // The queues may go with the next line.
  if (queue->deleted_by && queue->under_way == 0)
    finish_deletion(number, *queue->deleted_by);
  else if (queue->has_more())
    serve(number);  // it may have waited for one to end
  if (has_room) serve_users_of(completions);
}

bool Controller::post_to(CompletionQueue& queue, const Posted& posted) {
  if (queue.waiting.empty() && queue.is_full()) look_at_shadow(queue);
  if (!queue.waiting.empty() || queue.is_full()) {
    queue.waiting.push_back(posted);
    if (!queue.shadow) return false;
    queue.shadow->ask_beyond(reach_, queue.head);
    look_at_shadow(queue);
    return post_waiting(queue);
  }
  // So the host rings when it has seen it: the pin falls only then.
  if (queue.shadow) queue.shadow->ask_beyond(reach_, queue.head);
  if (write_completion(queue, posted)) interrupt(queue);
  return false;
}

bool Controller::write_completion(CompletionQueue& queue, const Posted& posted) {
  const SubmissionQueue* const from = submission_queue(posted.submission_queue);
  const bool written = queue.write(reach_, posted, from == nullptr ? std::uint16_t{0} : from->head);
  if (!written) fail_fatally();
  return written;
}

bool Controller::post_waiting(CompletionQueue& queue) {
  bool posted = false;
  while (!queue.waiting.empty() && !queue.is_full()) {
    const Posted next = queue.waiting.front();
    queue.waiting.pop_front();
    posted = write_completion(queue, next) || posted;
  }
  if (posted) interrupt(queue);
  return posted;
}

void Controller::interrupt(const CompletionQueue& queue) {
  if (queue.interrupts && std::ranges::find(due_vectors_, queue.vector) == due_vectors_.end())
    due_vectors_.push_back(queue.vector);
}

void Controller::update_pin() {
  bool level = false;
  for (const auto& [number, queue] : completions_)
    level = level || (queue.interrupts && queue.has_unseen() && queue.vector < 32 &&
                      (masked_ >> queue.vector & 1U) == 0);
  wiring_.set_pin(level && !wiring_.has_messages());
}

void Controller::tell_events() {
  events_.deliver([this](std::uint16_t command, const Event& event) {
    end_wait(command, {.result = event.result()});
  });
}

void Controller::tell_host() {
  tell_events();
  // Here the visit ends.
  work_left_ = kWorkOfVisit;
  if (!due_.empty()) wiring_.go_on_soon();
  if (due_vectors_.empty()) return;
  if (wiring_.has_messages()) {
    for (const std::uint16_t vector : due_vectors_) wiring_.send_message(vector);
  } else {
    update_pin();
  }
  due_vectors_.clear();
}

void Controller::namespaces_changed() {
  const auto changes = namespaces_->take_changes();
  if (state_ != State::kReady || changes.empty()) return;
  changed_.insert(changes.begin(), changes.end());
  // What was begun is ended by the drive that goes; what waits has nothing to wait for.
  std::set<CommandId> over;
  for (const auto& [id, command] : commands_)
    if (command.stage == Command::Stage::kWaiting &&
        std::ranges::any_of(command.targets, [&](const Ref<Namespace>& target) {
          return changes.contains(target->id()) &&
                 namespaces_->find(target->id()).get() != target.get();
        }))
      over.insert(id);
  if (!over.empty()) abort_waiting(over);
  constexpr std::uint32_t kNamespaceNotices = 1U << 8U;
  if ((features_.event_configuration() & kNamespaceNotices) != 0)
    events_.raise(Event::namespaces_changed());
  tell_host();
}

}  // namespace holdfast::devices::nvme
