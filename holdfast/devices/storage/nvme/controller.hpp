// SPDX-License-Identifier: Apache-2.0
// The heart of an NVM Express controller: its registers, its queues, and the commands under way.
//
// It knows nothing of the bus it is on: memory is reached by a Reach, interrupts and time are asked of
// its Wiring. A command is fetched, checked in full, and then done; one that is not as the
// specification has it touches nothing. What needs the host goes to the namespace's back-end and comes
// back as an event of its own; until then the request owns the command's memory.
//
// Disabled in the middle of its work, the controller posts no completion any more, and is not ready
// again (CSTS.RDY stays) before the host has given back what it was given.
//
// However it is entered, it is left by tell_host(): of all that was posted meanwhile, the host hears once.
//
// A visit does a bounded amount of work, whatever the host has in its queues and does to its shadow doorbells
// meanwhile: what is left is gone on with in visits of their own, which leave the gate in between.
//
// INVARIANT: each command that was fetched and not completed is in `commands_`, and counted by its
// queue for as long as that exists.
// LOCK: the gate of the device that this is a member of.
//
// SPEC: NVM Express 1.4.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "holdfast/devices/storage/nvme/errand.hpp"
#include "holdfast/devices/storage/nvme/events.hpp"
#include "holdfast/devices/storage/nvme/features.hpp"
#include "holdfast/devices/storage/nvme/identify.hpp"
#include "holdfast/devices/storage/nvme/logs.hpp"
#include "holdfast/devices/storage/nvme/namespace.hpp"
#include "holdfast/devices/storage/nvme/own_memory.hpp"
#include "holdfast/devices/storage/nvme/queues.hpp"
#include "holdfast/devices/storage/nvme/transfer.hpp"
#include "holdfast/hw/state.hpp"

namespace holdfast::devices::nvme {

/// What a controller asks of the function that it is the heart of.
class Wiring {
 public:
  /// Whether interrupts are messages now, and one of those.
  virtual bool has_messages() const = 0;
  virtual void send_message(unsigned vector) = 0;
  virtual void set_pin(bool level) = 0;
  /// Virtual time; and to be called, as time_passed(), when it is that late.
  virtual std::uint64_t now_ns() const = 0;
  virtual void wake_at(std::uint64_t ns) = 0;
  /// To be called soon, as go_on(), once the gate has been left.
  virtual void go_on_soon() = 0;

 protected:
  ~Wiring() = default;
};

/// Faults that a user asks for.
struct Injection {
  std::uint64_t delay_ns = 0;     // before each command for I/O is begun
  std::uint32_t error_every = 0;  // so many commands for I/O; 0: never
  std::uint32_t error_status = 0x281;  // what each of those gets: type << 8 | code
};

class Controller {
 public:
  struct Config {
    Identity identity;
    std::uint32_t queue_pairs = 64;  // for I/O
    std::uint32_t vectors = 65;
    Injection injection;
  };
  /// `wiring` and `reach` are the device's, as this is.
  Controller(hw::Device& device, const Config& config, Wiring& wiring, Reach& reach,
             Ref<NamespaceTable> namespaces, OwnMemory& own);
  ~Controller() { home_->drop(); }

  static constexpr std::uint64_t kRegisterBytes = 0x2000;
  static constexpr std::uint32_t kMostQueuePairs = 0x1000 / 8 - 1;
  static constexpr std::uint32_t kQueueEntries = 2048;
  /// What one visit does at most, in small commands: all that the largest queue has, that of the admin's.
  static constexpr std::uint32_t kWorkOfVisit = 4096;
  /// The same of a visit that goes on: short, for others wait at the gate.
  static constexpr std::uint32_t kWorkToGoOn = 32;

  // --- registers ------------------------------------------------------------------------------------
  std::uint64_t capabilities() const;
  std::uint32_t version() const { return 0x0001'0400; }
  std::uint32_t interrupt_mask() const { return masked_; }
  void set_interrupt_mask(std::uint32_t bits);
  void clear_interrupt_mask(std::uint32_t bits);
  std::uint32_t configuration() const { return cc_; }
  void configure(std::uint32_t value);
  std::uint32_t status() const { return csts_; }
  std::uint32_t admin_sizes() const { return aqa_; }
  void set_admin_sizes(std::uint32_t value) { aqa_ = value & 0x0fff'0fffU; }
  std::uint64_t admin_submissions() const { return asq_; }
  void set_admin_submissions(std::uint64_t value) { asq_ = value & ~std::uint64_t{0xfff}; }
  std::uint64_t admin_completions() const { return acq_; }
  void set_admin_completions(std::uint64_t value) { acq_ = value & ~std::uint64_t{0xfff}; }
  /// Doorbell `number`: submission queue number / 2's tail if it is even, completion queue's head else.
  void ring(unsigned number, std::uint32_t value);

  // --- events ---------------------------------------------------------------------------------------
  void time_passed();
  void namespaces_changed();
  /// With what visits before had no time for.
  void go_on();
  /// Events, and the interrupts of all that was posted since: each once. Behind what else brings results.
  void tell_host();
  void reset();
  /// The pin follows what there is to see, unless interrupts are messages.
  void update_pin();
  /// How many commands are under way.
  std::size_t under_way() const { return commands_.size(); }

 private:
  friend class Errand;
  using CommandId = std::uint64_t;

  /// A command from the moment it is fetched.
  struct Command {
    Submission entry;
    std::uint16_t queue = 0;
    enum class Stage : std::uint8_t {
      kWaiting,  // for time, or for room to bounce: nothing was begun
      kBegun,
      kOrphan,  // its queue is gone: nobody is to be told
    } stage = Stage::kWaiting;
    std::vector<Ref<Namespace>> targets{};
    block::Order order{};                // of each part, but for its range
    std::vector<Extent> ranges{};        // bytes; of a command in several parts
    Scatter scatter{};
    std::optional<Direction> direction{};  // of the data
    std::size_t parts = 0;                 // orders that have not come back
    std::uint64_t bounced = 0;             // bytes of buffers, which it has taken of the budget
    std::uint32_t shutdown = 0;            // which it is part of; 0: a command of the host's
    Status outcome = Status::kSuccess;
  };
  enum class State : std::uint8_t { kDisabled, kReady, kStopping };
  /// What becomes of a command at once: a completion, or nothing yet.
  using Answer = std::optional<Completion>;

  // controller.cpp
  void try_start();
  void stop();
  void stopped_if_idle();
  void begin_shutdown();
  void shut_down_if_flushed();
  void fail_fatally();
  void orphan_all();
  void ring_submission(std::uint16_t queue, std::uint32_t value);
  void ring_completion(std::uint16_t queue, std::uint32_t value);
  void serve(std::uint16_t queue);
  void serve_due();
  void put_last(std::uint16_t queue);
  /// This visit has done so much.
  void charge(std::uint64_t work) { work_left_ -= static_cast<std::uint32_t>(std::min<std::uint64_t>(work, work_left_)); }
  void serve_users_of(std::uint16_t completion_queue);
  bool may_fetch(const SubmissionQueue& queue);
  void serve_one(SubmissionQueue& queue, std::uint16_t number);
  void look_at_shadow(SubmissionQueue& queue);
  void execute(std::uint16_t queue, const Submission& entry);
  void post(std::uint16_t queue, std::uint16_t command, const Completion& completion);
  /// Whether some that had waited were posted, like the next.
  bool post_to(CompletionQueue& queue, const Posted& posted);
  bool post_waiting(CompletionQueue& queue);
  void look_at_shadow(CompletionQueue& queue);
  bool write_completion(CompletionQueue& queue, const Posted& posted);
  void interrupt(const CompletionQueue& queue);
  void tell_events();
  SubmissionQueue* submission_queue(std::uint32_t number);
  CompletionQueue* completion_queue(std::uint32_t number);
  void note_mishap(std::uint16_t queue, const Submission& entry, Status status);

  // admin.cpp
  Answer admin(const Submission& entry);
  Completion create_completion_queue(const Submission& entry);
  Completion create_submission_queue(const Submission& entry);
  Completion delete_completion_queue(const Submission& entry);
  Answer delete_submission_queue(const Submission& entry);
  void finish_deletion(std::uint16_t number, std::uint16_t command);
  Completion identify(const Submission& entry);
  Completion identify_one(const Submission& entry, Structure structure);
  Completion get_log_page(const Submission& entry);
  std::optional<std::vector<std::byte>> log(std::uint8_t page) const;
  Answer set_features(const Submission& entry);
  Answer empty_caches(const Submission& entry);
  Completion get_features(const Submission& entry);
  Completion set_timestamp(const Submission& entry);
  Completion abort(const Submission& entry);
  Answer wait_for_event(const Submission& entry);
  void end_wait(std::uint16_t command, const Completion& completion);
  void abort_waiting(const std::set<CommandId>& ids);
  Completion configure_shadows(const Submission& entry);
  std::optional<Shadow> shadow_of(std::uint32_t doorbell) const;
  Completion answer_with(const Submission& entry, std::span<const std::byte> bytes);
  bool is_hot() const;

  // io.cpp
  Answer io(std::uint16_t queue, const Submission& entry);
  Status check_io(Command& command);
  Status check_transfer(Command& command);
  Status check_zeroes(Command& command);
  Status check_ranges(Command& command);
  Status check_flush(Command& command);
  Status check_blocks(const Namespace& target, std::uint64_t first, std::uint64_t count) const;
  void launch(CommandId id);
  void launch_data(CommandId id, Command& command, Direction direction);
  void launch_parts(CommandId id, Command& command);
  bool has_room_to_bounce(std::uint64_t bytes) const;
  void launch_starved();
  /// Part of a command came back.
  void returned(Errand::Luggage luggage, const block::IoResult& result);
  void returned(CommandId id, Status status);
  Status judge(const Command& command, Errand::Luggage& luggage, const block::IoResult& result);
  void submit(const Namespace& target, block::Order order, Errand::Luggage luggage);
  void complete(CommandId id);
  void settle_if_due();
  void count(const Command& command);

  std::uint64_t page_size() const { return std::uint64_t{1} << cc::page_bits(cc_); }
  Wanted wanted(std::uint64_t length, Direction direction, Pointers pointers) const {
    return {.length = length, .direction = direction, .pointers = pointers,
            .page_bits = cc::page_bits(cc_)};
  }
  /// For reports: "/machine/nvme0: command 7 of queue 1".
  std::string who(const Command& command) const;

  // Configuration.
  hw::Device& device_;  // which this is a member of
  const Config config_;
  Wiring& wiring_;  // the device's, like the next two
  Reach& reach_;
  OwnMemory& own_;
  const Ref<NamespaceTable> namespaces_;
  const Ref<Home> home_;

  // Guest-visible state.
  hw::State<std::uint32_t> cc_{device_, "cc"};
  hw::State<std::uint32_t> csts_{device_, "csts"};
  hw::State<std::uint32_t> masked_{device_, "intm"};
  hw::State<std::uint32_t> aqa_{device_, "aqa"};
  hw::State<std::uint64_t> asq_{device_, "asq"};
  hw::State<std::uint64_t> acq_{device_, "acq"};
  State state_ = State::kDisabled;
  std::map<std::uint16_t, SubmissionQueue> submissions_;
  std::map<std::uint16_t, CompletionQueue> completions_;
  std::optional<Shadow> shadows_;  // the first of each
  Features features_;
  Events events_;
  Counts counts_;
  std::set<std::uint32_t> changed_;  // namespaces, since the log was read
  std::uint64_t timestamp_ms_ = 0;   // what the host set, less the time it did
  bool timestamp_set_ = false;

  // Under way.
  std::map<CommandId, Command> commands_;
  CommandId next_ = 0;
  std::multimap<std::uint64_t, CommandId> delayed_;  // by when they are due, ns
  std::deque<CommandId> starved_;                    // of room to bounce, in turn
  std::uint64_t bouncing_ = 0;                       // bytes
  std::uint32_t until_error_ = 0;                    // commands
  std::size_t flushing_ = 0;                         // namespaces, for a shutdown
  std::uint32_t shutdown_ = 0;                       // how many there were
  std::deque<std::uint16_t> due_;                    // submission queues to be looked at, each once
  std::uint32_t work_left_ = kWorkOfVisit;           // of this visit
  std::vector<std::uint16_t> due_vectors_;           // of interrupts
  bool serving_ = false;
  bool launching_ = false;  // those that were starved
};

}  // namespace holdfast::devices::nvme
