// SPDX-License-Identifier: Apache-2.0
// The queues of a controller: rings in the host's memory, and what the controller knows of them.
//
// LOCK: the controller's gate.
//
// SPEC: NVM Express 1.4, 4.1 (queues), 4.6.1 (phase tag), 7.13 (shadow doorbells).
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "holdfast/devices/storage/nvme/reach.hpp"
#include "holdfast/devices/storage/nvme/spec.hpp"

namespace holdfast::devices::nvme {

/// Where the entries of a queue are: one behind the other.
struct Ring {
  std::uint64_t base = 0;
  std::uint32_t entries = 0;  // at least 2

  std::uint16_t after(std::uint32_t index) const {
    return static_cast<std::uint16_t>(index + 1 == entries ? 0 : index + 1);
  }
};

/// The doorbell's copy in memory, where the host writes it without telling, and how far it need not.
struct Shadow {
  std::uint64_t doorbell = 0;
  std::uint64_t event_index = 0;

  /// That of a later doorbell, if this is the first.
  Shadow of(std::uint32_t number) const {
    return {.doorbell = doorbell + 4 * number, .event_index = event_index + 4 * number};
  }
  /// What the host wrote last, or nothing if that cannot be read.
  std::optional<std::uint32_t> value(Reach& reach) const;
  /// Has the host ring the doorbell itself when it goes past that. Look at value() again afterwards.
  void ask_beyond(Reach& reach, std::uint32_t value) const;
  void store(Reach& reach, std::uint32_t value) const;
  /// Both are what the queue is at.
  void begin(Reach& reach, std::uint32_t value) const {
    store(reach, value);
    ask_beyond(reach, value);
  }
};

struct SubmissionQueue {
  Ring ring;
  std::uint16_t completion_queue = 0;
  std::uint16_t head = 0;
  std::uint16_t tail = 0;
  std::uint32_t under_way = 0;  // commands fetched, whose completion is not posted
  std::optional<Shadow> shadow{};
  /// The command that wants it deleted, once nothing is under way.
  std::optional<std::uint16_t> deleted_by{};

  bool has_more() const { return head != tail; }
};

/// What a completion says beside what its queues know.
struct Posted {
  Completion completion;
  std::uint16_t submission_queue = 0;
  std::uint16_t command = 0;
};

struct CompletionQueue {
  Ring ring;
  std::uint16_t vector = 0;
  bool interrupts = false;
  std::uint16_t head = 0;
  std::uint16_t tail = 0;
  bool phase = true;
  std::uint32_t users = 0;  // submission queues
  std::optional<Shadow> shadow{};
  std::deque<Posted> waiting{};  // for room

  bool is_full() const { return ring.after(tail) == head; }
  bool has_unseen() const { return head != tail; }
  /// Writes an entry and goes on. False if memory does not take it. There is room.
  bool write(Reach& reach, const Posted& posted, std::uint16_t submission_head);
};

/// The next entry, which is then gone from the queue; nothing if it cannot be read.
std::optional<Submission> fetch(Reach& reach, SubmissionQueue& queue);

}  // namespace holdfast::devices::nvme
