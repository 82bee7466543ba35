// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/storage/nvme/queues.hpp"

#include <atomic>
#include <span>

namespace holdfast::devices::nvme {

using memory::MemTxResult;

std::optional<std::uint32_t> Shadow::value(Reach& reach) const {
  std::uint64_t read = 0;
  if (reach.load(doorbell, 4, read) != MemTxResult::kOk) return std::nullopt;
  return static_cast<std::uint32_t>(read);
}

void Shadow::ask_beyond(Reach& reach, std::uint32_t value) const {
  // A host that has given an address where nothing is hears nothing.
  static_cast<void>(reach.store(event_index, 4, value));
  // The host looks at the index after it has written the doorbell. The doorbell is looked at again
  // after this, and a full barrier lies between: one of the two sees what the other wrote.
  std::atomic<int> barrier{0};
  barrier.exchange(1, std::memory_order_seq_cst);
}

void Shadow::store(Reach& reach, std::uint32_t value) const {
  static_cast<void>(reach.store(doorbell, 4, value));
}

bool CompletionQueue::write(Reach& reach, const Posted& posted, std::uint16_t submission_head) {
  const std::uint64_t at = ring.base + std::uint64_t{tail} * Completion::kSize;
  const std::uint64_t ids = std::uint64_t{posted.submission_queue} << 16U | submission_head;
  const std::uint64_t last = std::uint64_t{posted.command} | (phase ? 1U << 16U : 0U) |
                             std::uint64_t{posted.completion.status_field()} << 17U;
  // The phase tag is in the second half: who sees it sees the rest.
  if (reach.store(at, 8, posted.completion.result) != MemTxResult::kOk) return false;
  if (reach.store(at + 8, 8, last << 32U | ids) != MemTxResult::kOk) return false;
  tail = ring.after(tail);
  if (tail == 0) phase = !phase;
  return true;
}

std::optional<Submission> fetch(Reach& reach, SubmissionQueue& queue) {
  Submission command;
  const auto bytes = std::as_writable_bytes(std::span{command.dw});
  if (reach.read(queue.ring.base + std::uint64_t{queue.head} * Submission::kSize, bytes) !=
      MemTxResult::kOk)
    return std::nullopt;
  queue.head = queue.ring.after(queue.head);
  return command;
}

}  // namespace holdfast::devices::nvme
