// SPDX-License-Identifier: Apache-2.0
// Commands to the admin queue.
// SPEC: NVM Express 1.4, chapter 5; where it lets the controller choose, the choice is the field's.
#include <algorithm>
#include <array>
#include <utility>

#include "holdfast/devices/storage/nvme/controller.hpp"

namespace holdfast::devices::nvme {
namespace {

constexpr Completion failed(Status status) { return {.status = status}; }

constexpr unsigned kSubmissionBits = 6;
constexpr unsigned kCompletionBits = 4;
constexpr std::uint32_t kContiguous = 1U << 0U;
constexpr std::uint32_t kInterrupts = 1U << 1U;

// dword 10 of the queues' commands
std::uint32_t queue_of(const Submission& entry) { return entry.dw[10] & 0xffffU; }
std::uint32_t entries_of(const Submission& entry) { return (entry.dw[10] >> 16U) + 1; }

constexpr std::uint64_t kTimestampMask = 0xffff'ffff'ffff;
constexpr std::uint64_t kNsPerMs = 1'000'000;

}  // namespace

Controller::Answer Controller::admin(const Submission& entry) {
  switch (static_cast<AdminOpcode>(entry.opcode())) {
    case AdminOpcode::kDeleteSubmissionQueue: return delete_submission_queue(entry);
    case AdminOpcode::kCreateSubmissionQueue: return create_submission_queue(entry);
    case AdminOpcode::kGetLogPage: return get_log_page(entry);
    case AdminOpcode::kDeleteCompletionQueue: return delete_completion_queue(entry);
    case AdminOpcode::kCreateCompletionQueue: return create_completion_queue(entry);
    case AdminOpcode::kIdentify: return identify(entry);
    case AdminOpcode::kAbort: return abort(entry);
    case AdminOpcode::kSetFeatures: return set_features(entry);
    case AdminOpcode::kGetFeatures: return get_features(entry);
    case AdminOpcode::kAsynchronousEvent: return wait_for_event(entry);
    case AdminOpcode::kDoorbellBufferConfig: return configure_shadows(entry);
  }
  return failed(Status::kInvalidOpcode);
}

/// Returns data to where the command wants them.
Completion Controller::answer_with(const Submission& entry, std::span<const std::byte> bytes) {
  const auto scatter =
      walk(reach_, entry, wanted(bytes.size(), Direction::kToHost, Pointers::kPagesOnly));
  if (!scatter) return failed(scatter.error());
  return failed(copy_to_host(reach_, *scatter, bytes));
}

// --- queues ----------------------------------------------------------------------------------------

Completion Controller::create_completion_queue(const Submission& entry) {
  const std::uint32_t number = queue_of(entry);
  const std::uint32_t vector = entry.dw[11] >> 16U;
  if (number == 0 || number > config_.queue_pairs || completion_queue(number) != nullptr)
    return failed(Status::kInvalidQueueIdentifier);
  if (entries_of(entry) < 2 || entries_of(entry) > kQueueEntries ||
      cc::completion_bits(cc_) != kCompletionBits)
    return failed(Status::kInvalidQueueSize);
  if (entry.prp1() % page_size() != 0) return failed(Status::kPrpOffsetInvalid);
  // SPEC: 5.3: without messages there is one interrupt, which is number 0.
  if (vector >= (wiring_.has_messages() ? config_.vectors : 1U))
    return failed(Status::kInvalidInterruptVector);
  if ((entry.dw[11] & kContiguous) == 0) return failed(Status::kInvalidField);
  CompletionQueue& queue = completions_[static_cast<std::uint16_t>(number)];
  queue = {
      .ring = {entry.prp1(), entries_of(entry)},
      .vector = static_cast<std::uint16_t>(vector),
      .interrupts = (entry.dw[11] & kInterrupts) != 0,
      .shadow = shadow_of(2 * number + 1)};
  if (queue.shadow) queue.shadow->begin(reach_, 0);
  return {};
}

Completion Controller::create_submission_queue(const Submission& entry) {
  const std::uint32_t number = queue_of(entry);
  const std::uint32_t completions = entry.dw[11] >> 16U;
  if (completions == 0 || completions > config_.queue_pairs)
    return failed(Status::kInvalidQueueIdentifier);
  CompletionQueue* const target = completion_queue(completions);
  if (target == nullptr) return failed(Status::kCompletionQueueInvalid);
  if (number == 0 || number > config_.queue_pairs || submission_queue(number) != nullptr)
    return failed(Status::kInvalidQueueIdentifier);
  if (entries_of(entry) < 2 || entries_of(entry) > kQueueEntries ||
      cc::submission_bits(cc_) != kSubmissionBits)
    return failed(Status::kInvalidQueueSize);
  if (entry.prp1() % page_size() != 0) return failed(Status::kPrpOffsetInvalid);
  if ((entry.dw[11] & kContiguous) == 0) return failed(Status::kInvalidField);
  ++target->users;
  SubmissionQueue& queue = submissions_[static_cast<std::uint16_t>(number)];
  queue = {
      .ring = {entry.prp1(), entries_of(entry)},
      .completion_queue = static_cast<std::uint16_t>(completions),
      .shadow = shadow_of(2 * number)};
  if (queue.shadow) queue.shadow->begin(reach_, 0);
  return {};
}

Completion Controller::delete_completion_queue(const Submission& entry) {
  const std::uint32_t number = queue_of(entry);
  const CompletionQueue* const queue = number == 0 ? nullptr : completion_queue(number);
  if (queue == nullptr) return failed(Status::kInvalidQueueIdentifier);
  if (queue->users != 0) return failed(Status::kInvalidQueueDeletion);
  completions_.erase(static_cast<std::uint16_t>(number));
  update_pin();
  return {};
}

// What is under way is completed first; nothing new is fetched.
Controller::Answer Controller::delete_submission_queue(const Submission& entry) {
  const std::uint32_t number = queue_of(entry);
  SubmissionQueue* const queue = number == 0 ? nullptr : submission_queue(number);
  if (queue == nullptr || queue->deleted_by) return failed(Status::kInvalidQueueIdentifier);
  queue->deleted_by = entry.id();
  if (queue->under_way == 0) finish_deletion(static_cast<std::uint16_t>(number), entry.id());
  return std::nullopt;
}

void Controller::finish_deletion(std::uint16_t number, std::uint16_t command) {
  const auto found = submissions_.find(number);
  --completion_queue(found->second.completion_queue)->users;
  submissions_.erase(found);
  post(0, command, {});
}

// --- identify --------------------------------------------------------------------------------------

Completion Controller::identify(const Submission& entry) {
  const auto structure = static_cast<Structure>(entry.dw[10] & 0xffU);
  switch (structure) {
    case Structure::kController: return answer_with(entry, identify_controller(config_.identity).bytes());
    case Structure::kNamespace:
    case Structure::kNamespaceDescriptors: return identify_one(entry, structure);
    case Structure::kActiveNamespaces: {
      if (entry.namespace_id() >= kAllNamespaces - 1) return failed(Status::kInvalidNamespace);
      std::vector<std::uint32_t> ids;
      for (const auto& one : namespaces_->all()) ids.push_back(one->id());
      return answer_with(entry, list_of(ids, entry.namespace_id()).bytes());
    }
    case Structure::kControllers: {
      DataPage page;  // a count, then the numbers: this one alone, which is 0
      if (entry.dw[10] >> 16U == 0) page.put<std::uint16_t>(0, 1);
      return answer_with(entry, page.bytes());
    }
  }
  return failed(Status::kInvalidField);
}

Completion Controller::identify_one(const Submission& entry, Structure structure) {
  const std::uint32_t id = entry.namespace_id();
  if (id == 0 || id > kMaxNamespaces) return failed(Status::kInvalidNamespace);
  const auto it = namespaces_->find(id);
  if (structure == Structure::kNamespace)
    // One that is not there is all zeroes.
    return answer_with(entry, it ? identify_namespace(it->geometry()).bytes() : DataPage{}.bytes());
  if (!it) return failed(Status::kInvalidNamespace);
  return answer_with(entry, identify_descriptors(it->geometry()).bytes());
}

// --- logs ------------------------------------------------------------------------------------------

bool Controller::is_hot() const {
  return kTemperature >= features_.hottest() || kTemperature <= features_.coldest();
}

std::optional<std::vector<std::byte>> Controller::log(std::uint8_t page) const {
  switch (static_cast<LogPage>(page)) {
    case LogPage::kErrors: return error_log(counts_);
    case LogPage::kHealth: return health_log(counts_, is_hot());
    case LogPage::kFirmware: return firmware_log();
    case LogPage::kChangedNamespaces: {
      const std::vector<std::uint32_t> ids{changed_.begin(), changed_.end()};
      return changes_log(ids);
    }
    case LogPage::kCommandEffects: return effects_log();
  }
  return std::nullopt;
}

Completion Controller::get_log_page(const Submission& entry) {
  const auto number = static_cast<std::uint8_t>(entry.dw[10]);
  const std::uint64_t dwords = (std::uint64_t{entry.dw[11] & 0xffffU} << 16U | entry.dw[10] >> 16U) + 1;
  const std::uint64_t offset = entry.pair(12);
  const bool keeps_event = (entry.dw[10] >> 15U & 1U) != 0;
  auto content = log(number);
  if (!content) return failed(Status::kInvalidLogPage);
  // SPEC: 5.14.1.2: it is the controller's, unless LPA says that each namespace has one.
  if (static_cast<LogPage>(number) == LogPage::kHealth && entry.namespace_id() != 0 &&
      entry.namespace_id() != kAllNamespaces)
    return failed(Status::kInvalidField);
  if (offset % 4 != 0 || offset > content->size()) return failed(Status::kInvalidField);
  // Beyond the page there is nothing to return: what is wanted of that stays as it is.
  const auto length = std::min<std::uint64_t>(4 * dwords, content->size() - offset);
  const auto answer = answer_with(entry, std::span{*content}.subspan(
                                             static_cast<std::size_t>(offset), static_cast<std::size_t>(length)));
  if (answer.status != Status::kSuccess || keeps_event) return answer;
  events_.unmask(static_cast<LogPage>(number));
  if (static_cast<LogPage>(number) == LogPage::kChangedNamespaces) changed_.clear();
  return answer;
}

// --- features --------------------------------------------------------------------------------------

Controller::Answer Controller::set_features(const Submission& entry) {
  const auto number = static_cast<std::uint8_t>(entry.dw[10]);
  const std::uint32_t id = entry.namespace_id();
  constexpr std::uint32_t kSave = 1U << 31U;
  if (!Features::is_known(number)) return failed(Status::kInvalidField);
  if ((entry.dw[10] & kSave) != 0) return failed(Status::kFeatureNotSaveable);
  if (id != 0 && id != kAllNamespaces)
    return failed(id > kMaxNamespaces ? Status::kInvalidNamespace : Status::kFeatureNotPerNamespace);
  const auto feature = static_cast<Feature>(number);
  if (feature == Feature::kTimestamp) return set_timestamp(entry);
  const auto queues = static_cast<std::uint32_t>(submissions_.size() + completions_.size() - 2);
  const bool had_cache = features_.write_cache();
  const auto result = features_.set(feature, entry.dw[11], queues);
  if (!result) return failed(result.error());
  if (feature == Feature::kTemperatureThreshold && is_hot()) {
    constexpr std::uint32_t kTemperatureNotices = 1U << 1U;
    if ((features_.event_configuration() & kTemperatureNotices) != 0)
      events_.raise(Event::temperature());
  }
  if (had_cache && !features_.write_cache()) return empty_caches(entry);
  return Completion{.result = *result};
}

/// Without a cache, what was written before is on the medium, too.
Controller::Answer Controller::empty_caches(const Submission& entry) {
  Command command{.entry = entry, .order = {.kind = block::Order::Kind::kFlush}};
  for (const auto& target : namespaces_->all())
    if (!target->geometry().read_only) command.targets.push_back(target);
  const CommandId id = next_++;
  commands_.emplace(id, std::move(command));
  launch(id);
  return std::nullopt;
}

Completion Controller::get_features(const Submission& entry) {
  const auto number = static_cast<std::uint8_t>(entry.dw[10]);
  const unsigned which = entry.dw[10] >> 8U & 7U;
  enum : unsigned { kCurrent = 0, kDefault = 1, kSaved = 2, kCapabilities = 3 };
  constexpr std::uint32_t kChangeable = 1U << 2U;
  if (!Features::is_known(number) || which > kCapabilities) return failed(Status::kInvalidField);
  if (entry.namespace_id() > kMaxNamespaces && entry.namespace_id() != kAllNamespaces)
    return failed(Status::kInvalidNamespace);
  if (which == kCapabilities) return {.result = kChangeable};
  const auto feature = static_cast<Feature>(number);
  if (feature == Feature::kTimestamp) {
    const bool was_set = timestamp_set_ && which == kCurrent;
    const std::uint64_t now =
        which == kCurrent ? timestamp_ms_ + wiring_.now_ns() / kNsPerMs : 0;
    constexpr std::uint64_t kSetByHost = 1ULL << 49U;  // of the synch and origin byte
    const std::uint64_t value = (now & kTimestampMask) | (was_set ? kSetByHost : 0);
    return answer_with(entry, std::as_bytes(std::span{&value, 1}));
  }
  const auto value = which == kCurrent ? features_.now(feature, entry.dw[11])
                                       : features_.at_reset(feature, entry.dw[11]);
  return value ? Completion{.result = *value} : failed(value.error());
}

Completion Controller::set_timestamp(const Submission& entry) {
  std::uint64_t value = 0;
  const auto scatter =
      walk(reach_, entry, wanted(sizeof value, Direction::kFromHost, Pointers::kPagesOnly));
  if (!scatter) return failed(scatter.error());
  const Status status =
      copy_from_host(reach_, *scatter, std::as_writable_bytes(std::span{&value, 1}));
  if (status != Status::kSuccess) return failed(status);
  timestamp_ms_ = (value & kTimestampMask) - wiring_.now_ns() / kNsPerMs;
  timestamp_set_ = true;
  return {};
}

// --- events, aborts --------------------------------------------------------------------------------

Controller::Answer Controller::wait_for_event(const Submission& entry) {
  if (!events_.wait(entry.id())) return failed(Status::kEventLimitExceeded);
  --submission_queue(0)->under_way;  // it may wait for ever, and takes nobody's place meanwhile
  tell_events();
  return std::nullopt;
}

void Controller::end_wait(std::uint16_t command, const Completion& completion) {
  ++submission_queue(0)->under_way;
  post(0, command, completion);
}

// What waits for an event, for time or for room can be aborted; what the host has is completed by it.
Completion Controller::abort(const Submission& entry) {
  constexpr std::uint32_t kNotAborted = 1;
  const auto queue = static_cast<std::uint16_t>(entry.dw[10]);
  const auto command = static_cast<std::uint16_t>(entry.dw[10] >> 16U);
  if (queue == 0) {
    if (!events_.give_up(command)) return {.result = kNotAborted};
    end_wait(command, failed(Status::kAbortRequested));
    return {};
  }
  constexpr std::size_t kLookedAtLikeOneDone = 64;
  charge(commands_.size() / kLookedAtLikeOneDone);
  const auto found = std::ranges::find_if(commands_, [&](const auto& one) {
    return one.second.queue == queue && one.second.entry.id() == command &&
           one.second.stage == Command::Stage::kWaiting;
  });
  if (found == commands_.end()) return {.result = kNotAborted};
  abort_waiting({found->first});
  return {};
}

/// None of them was begun.
void Controller::abort_waiting(const std::set<CommandId>& ids) {
  std::erase_if(delayed_, [&](const auto& one) { return ids.contains(one.second); });
  std::erase_if(starved_, [&](CommandId id) { return ids.contains(id); });
  for (const CommandId id : ids) {
    // The end of one may have others fetched, which may abort the next.
    const auto found = commands_.find(id);
    if (found == commands_.end()) continue;
    found->second.outcome = Status::kAbortRequested;
    complete(id);
  }
  launch_starved();  // they may have been in front of others
}

// --- shadow doorbells ------------------------------------------------------------------------------

std::optional<Shadow> Controller::shadow_of(std::uint32_t doorbell) const {
  if (!shadows_) return std::nullopt;
  return shadows_->of(doorbell);
}

Completion Controller::configure_shadows(const Submission& entry) {
  if (entry.pointer_kind() != 0 || entry.prp1() % page_size() != 0 || entry.prp2() % page_size() != 0)
    return failed(Status::kInvalidField);
  const Shadow& first = shadows_.emplace(Shadow{entry.prp1(), entry.prp2()});
  for (auto& [number, queue] : submissions_)
    queue.shadow.emplace(first.of(2U * number)).begin(reach_, queue.tail);
  for (auto& [number, queue] : completions_)
    queue.shadow.emplace(first.of(2U * number + 1)).begin(reach_, queue.head);
  return {};
}

}  // namespace holdfast::devices::nvme
