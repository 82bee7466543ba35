// SPDX-License-Identifier: Apache-2.0
// What a driver of an NVM Express controller does, for tests: queues in RAM, commands, completions. It
// polls; whoever brings the back-end forward is asked to whenever there is nothing to see.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "holdfast/devices/storage/nvme/spec.hpp"
#include "tests/support/pci_world.hpp"

namespace holdfast::test {

class NvmeHost {
 public:
  using Submission = devices::nvme::Submission;
  using Status = devices::nvme::Status;
  using AdminOpcode = devices::nvme::AdminOpcode;
  using IoOpcode = devices::nvme::IoOpcode;

  static constexpr std::uint64_t kBar0 = pci_map::kLow;
  static constexpr std::uint64_t kBar2 = pci_map::kLow + 0x100'0000;
  static constexpr std::uint64_t kBar4 = pci_map::kLow + 0x200'0000;
  // In RAM: 16 KiB for each of a queue's rings, then what is for data.
  static constexpr std::uint64_t kRings = pci_map::kRam;
  static constexpr std::uint64_t kRingBytes = 0x4000;
  static constexpr std::uint64_t kData = pci_map::kRam + 0x4'0000;
  static constexpr std::uint32_t kAdminEntries = 8;

  static constexpr std::uint64_t kCap = 0x00, kVs = 0x08, kIntms = 0x0c, kIntmc = 0x10, kCc = 0x14,
                                 kCsts = 0x1c, kAqa = 0x24, kAsq = 0x28, kAcq = 0x30;
  static constexpr std::uint32_t kEnable = 0x0046'0001;  // CC: entries of 64 and 16 bytes

  struct Seen {
    std::uint32_t result = 0;
    std::uint16_t submission_head = 0;
    std::uint16_t submission_queue = 0;
    std::uint16_t command = 0;
    Status status = Status::kSuccess;
    bool for_good = false;
  };

  /// `device`: its number on the bus.
  NvmeHost(PciWorld& world, unsigned device, std::function<bool()> advance)
      : world_{world}, device_{device}, advance_{std::move(advance)} {}

  // --- registers ------------------------------------------------------------------------------------
  std::uint32_t reg(std::uint64_t at) { return world_.read32(kBar0 + at); }
  std::uint64_t reg64(std::uint64_t at) { return world_.load(kBar0 + at, 8); }
  void set_reg(std::uint64_t at, std::uint32_t value) { world_.write32(kBar0 + at, value); }
  void set_reg64(std::uint64_t at, std::uint64_t value) { world_.store(kBar0 + at, 8, value); }

  /// Its BARs show, and it may be a bus master.
  void map() {
    for (const auto& [bar, at] : {std::pair{0x10U, kBar0}, std::pair{0x18U, kBar2}, std::pair{0x20U, kBar4}}) {
      world_.set_config(device_, bar, 4, static_cast<std::uint32_t>(at));
      world_.set_config(device_, bar + 4, 4, 0);
    }
    world_.set_config(device_, 4, 2, 0x6);
  }
  void enable(std::uint32_t configuration = kEnable) {
    queues_.clear();
    queues_[0] = {.entries = kAdminEntries};
    clear(kRings, 2 * kRingBytes);
    set_reg(kAqa, (kAdminEntries - 1) << 16U | (kAdminEntries - 1));
    set_reg64(kAsq, ring(0));
    set_reg64(kAcq, ring(0) + kRingBytes);
    set_reg(kCc, configuration);
  }
  void disable() { set_reg(kCc, 0); }
  bool is_ready() { return (reg(kCsts) & 1U) != 0; }
  bool is_fatal() { return (reg(kCsts) & 2U) != 0; }
  void start() {
    map();
    enable();
    ASSERT_TRUE(is_ready());
  }

  // --- queues ---------------------------------------------------------------------------------------
  static std::uint64_t ring(std::uint16_t queue) { return kRings + queue * 2 * kRingBytes; }

  /// Both, with the same number, of as many entries.
  void create_queues(std::uint16_t queue, std::uint32_t entries = 16, std::uint16_t vector = 0,
                     std::uint32_t flags = 3) {
    clear(ring(queue), 2 * kRingBytes);
    queues_[queue] = {.entries = entries};
    EXPECT_EQ(admin(create_completions(queue, entries, vector, flags)).status, Status::kSuccess);
    EXPECT_EQ(admin(create_submissions(queue, entries)).status, Status::kSuccess);
  }
  /// Another driver has made it; from now on it is this one's.
  void share_queue(std::uint16_t queue, std::uint32_t entries) { queues_[queue] = {.entries = entries}; }
  static Submission create_completions(std::uint16_t queue, std::uint32_t entries,
                                       std::uint16_t vector = 0, std::uint32_t flags = 3) {
    Submission entry = command(AdminOpcode::kCreateCompletionQueue);
    set_pair(entry, 6, ring(queue) + kRingBytes);
    entry.dw[10] = (entries - 1) << 16U | queue;
    entry.dw[11] = std::uint32_t{vector} << 16U | flags;
    return entry;
  }
  static Submission create_submissions(std::uint16_t queue, std::uint32_t entries) {
    Submission entry = command(AdminOpcode::kCreateSubmissionQueue);
    set_pair(entry, 6, ring(queue));
    entry.dw[10] = (entries - 1) << 16U | queue;
    entry.dw[11] = std::uint32_t{queue} << 16U | 1U;
    return entry;
  }

  /// Writes an entry; the doorbell is not rung. The command's number is the next one.
  std::uint16_t put(std::uint16_t queue, Submission entry) {
    Queue& q = queues_.at(queue);
    const std::uint16_t id = next_++;
    entry.dw[0] = (entry.dw[0] & 0xffffU) | std::uint32_t{id} << 16U;
    write(ring(queue) + q.tail * std::uint64_t{64}, std::as_bytes(std::span{entry.dw}));
    q.tail = (q.tail + 1) % q.entries;
    return id;
  }
  void ring_doorbell(std::uint16_t queue) { set_reg(0x1000 + 8U * queue, queues_.at(queue).tail); }
  std::uint16_t give(std::uint16_t queue, const Submission& entry) {
    const std::uint16_t id = put(queue, entry);
    ring_doorbell(queue);
    return id;
  }
  /// The next completion, if it is there; the controller is told that it was seen.
  std::optional<Seen> look(std::uint16_t queue) {
    auto seen = peek(queue);
    if (seen) set_reg(0x1004 + 8U * queue, queues_.at(queue).head);
    return seen;
  }
  /// The same, and it is not.
  std::optional<Seen> peek(std::uint16_t queue) {
    Queue& q = queues_.at(queue);
    const std::uint64_t at = ring(queue) + kRingBytes + q.head * std::uint64_t{16};
    const std::uint32_t last = world_.read32(at + 12);
    if ((last >> 16U & 1U) != (q.phase ? 1U : 0U)) return std::nullopt;
    Seen seen{.result = world_.read32(at),
              .submission_head = static_cast<std::uint16_t>(world_.read32(at + 8)),
              .submission_queue = static_cast<std::uint16_t>(world_.read32(at + 8) >> 16U),
              .command = static_cast<std::uint16_t>(last),
              .status = static_cast<Status>(last >> 17U & 0x7ffU),
              .for_good = (last >> 31U) != 0};
    q.head = (q.head + 1) % q.entries;
    if (q.head == 0) q.phase = !q.phase;
    return seen;
  }
  /// Brings everything forward until there is one.
  Seen wait(std::uint16_t queue) {
    for (;;) {
      if (const auto seen = look(queue)) return *seen;
      if (!advance_()) {
        ADD_FAILURE() << "queue " << queue << ": nothing comes any more";
        return {.status = Status{0x7ff}};
      }
    }
  }
  Seen admin(const Submission& entry) { return ask(0, entry); }
  Seen ask(std::uint16_t queue, const Submission& entry) {
    const std::uint16_t id = give(queue, entry);
    const Seen seen = wait(queue);
    EXPECT_EQ(seen.command, id);
    return seen;
  }

  // --- commands -------------------------------------------------------------------------------------
  static void set_pair(Submission& entry, std::size_t low, std::uint64_t value) {
    entry.dw[low] = static_cast<std::uint32_t>(value);
    entry.dw[low + 1] = static_cast<std::uint32_t>(value >> 32U);
  }
  template <class Opcode>
  static Submission command(Opcode opcode, std::uint32_t id = 0) {
    Submission entry;
    entry.dw[0] = static_cast<std::uint32_t>(opcode);
    entry.dw[1] = id;
    return entry;
  }
  /// `blocks` from `first` on, with data in pages from `prp1` and at `prp2`.
  static Submission transfer(IoOpcode opcode, std::uint64_t first, std::uint32_t blocks,
                             std::uint64_t prp1, std::uint64_t prp2 = 0, std::uint32_t id = 1) {
    Submission entry = command(opcode, id);
    set_pair(entry, 6, prp1);
    set_pair(entry, 8, prp2);
    set_pair(entry, 10, first);
    entry.dw[12] = blocks - 1;
    return entry;
  }
  Submission identify(std::uint32_t structure, std::uint32_t id = 0) {
    Submission entry = command(AdminOpcode::kIdentify, id);
    set_pair(entry, 6, kData);
    entry.dw[10] = structure;
    return entry;
  }

  // --- memory ---------------------------------------------------------------------------------------
  void write(std::uint64_t at, std::span<const std::byte> bytes) {
    for (std::size_t i = 0; i < bytes.size(); i += 8) {
      std::uint64_t value = 0;
      std::memcpy(&value, bytes.data() + i, 8);
      world_.store(at + i, 8, value);
    }
  }
  std::vector<std::byte> read(std::uint64_t at, std::size_t length) {
    std::vector<std::byte> bytes(length);
    for (std::size_t i = 0; i < length; i += 8) {
      const std::uint64_t value = world_.load(at + i, 8);
      std::memcpy(bytes.data() + i, &value, std::min<std::size_t>(8, length - i));
    }
    return bytes;
  }
  void clear(std::uint64_t at, std::size_t length) {
    write(at, std::vector<std::byte>(length));
  }
  static std::vector<std::byte> pattern(std::size_t length, unsigned seed = 1) {
    std::vector<std::byte> bytes(length);
    for (std::size_t i = 0; i < length; ++i)
      bytes[i] = static_cast<std::byte>(i * 7 + (i >> 9U) * 13 + seed);
    return bytes;
  }

 private:
  struct Queue {
    std::uint32_t entries = 0;
    std::uint32_t tail = 0;
    std::uint32_t head = 0;
    bool phase = true;
  };

  PciWorld& world_;
  const unsigned device_;
  const std::function<bool()> advance_;
  std::map<std::uint16_t, Queue> queues_;
  std::uint16_t next_ = 1;
};

}  // namespace holdfast::test
