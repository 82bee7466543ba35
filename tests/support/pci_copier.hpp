// SPDX-License-Identifier: Apache-2.0
// A PCI function that copies from one scatter list to another, as a disk's controller does: what is RAM
// is held where it is, what is not goes through buffers of a budget, and without room in that it waits. And
// one whose BAR is a box of bytes, to be copied to and from.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "holdfast/memory/guest_bytes.hpp"
#include "holdfast/memory/mapping.hpp"
#include "tests/support/pci_devices.hpp"

namespace holdfast::test {

/// A BAR whose bytes keep what is written. Takes accesses of 1 to 4 bytes.
class PciBox final : public pci::Function {
 public:
  static constexpr object::Type kType{
      .name = "test-pci-box", .parent = &pci::Function::kType, .docs = "A box of bytes."};
  static constexpr std::uint64_t kBytes = 0x1000;
  explicit PciBox(const hw::DeviceInit& init) : Function{init, test_identity(0xf011)} {}

  std::array<std::uint8_t, kBytes> bytes{};
  std::uint16_t last_writer = 0;  // its requester id

 private:
  class Content final : public memory::MmioHandler {
   public:
    explicit Content(PciBox& box) : box_{box} {}
    memory::MemTxResult read(std::uint64_t offset, unsigned size, std::uint64_t& value,
                             memory::MemTxAttrs) override {
      value = 0;
      for (unsigned i = 0; i < size; ++i) value |= std::uint64_t{box_.bytes[offset + i]} << (8 * i);
      return memory::MemTxResult::kOk;
    }
    memory::MemTxResult write(std::uint64_t offset, unsigned size, std::uint64_t value,
                              memory::MemTxAttrs attrs) override {
      box_.last_writer = attrs.requester_id;
      for (unsigned i = 0; i < size; ++i)
        box_.bytes[offset + i] = static_cast<std::uint8_t>(value >> (8 * i));
      return memory::MemTxResult::kOk;
    }

   private:
    PciBox& box_;  // contains this
  };
  Content content_{*this};
  hw::Mmio regs_{*this, "regs", kBytes, content_};
  pci::Bar bar_{*this, 0, regs_};
};

struct Stretch {
  std::uint64_t address = 0;
  std::uint64_t length = 0;  // bytes
};
using ScatterList = std::vector<Stretch>;

class PciCopier final : public pci::Function {
 public:
  static constexpr object::Type kType{
      .name = "test-pci-copier", .parent = &pci::Function::kType, .docs = "Copies."};
  struct Config {
    std::shared_ptr<memory::BounceBudget> budget = std::make_shared<memory::BounceBudget>();
  };
  PciCopier(const hw::DeviceInit& init, const Config& config)
      : Function{init, test_identity(0xf010)}, budget_{config.budget} {}

  static constexpr std::uint64_t kGo = 0x0;    // written: begins with the next lists
  static constexpr std::uint64_t kDone = 0x4;  // how many copies are done
  static constexpr std::uint64_t kOwn = 0x8;   // keeps what is written
  static constexpr std::uint64_t kBytes = 0x1000;

  /// Before GO; `to` is as long as `from`.
  void set_lists(ScatterList from, ScatterList to) { next_ = {std::move(from), std::move(to)}; }
  memory::MemTxResult result() const { return result_; }
  bool is_waiting() const { return copy_.has_value(); }

 private:
  using Direction = memory::Mapping::Direction;

  /// Nobody waits for room any more when the function goes.
  class Waiting final : public hw::Part {
   public:
    explicit Waiting(PciCopier& copier) : Part{copier, "waiting", "waiting"}, copier_{copier} {}

   private:
    void severed() override { copier_.budget_->forget_waiters(); }

    PciCopier& copier_;  // contains this
  };

  /// One copy under way: it owns the bytes that it has gathered and not scattered yet.
  struct Copy {
    ScatterList from;
    ScatterList to;
    std::vector<std::byte> bytes{};
    std::uint64_t scattered = 0;
  };

  void go(std::uint32_t) {
    copy_ = Copy{std::move(next_.first), std::move(next_.second)};
    result_ = memory::MemTxResult::kOk;
    go_on();
  }
  void go_on() {
    if (!copy_ || !gather() || !scatter()) return;
    copy_.reset();
    done_ += 1U;
  }
  /// Nothing if there is no room: it goes on when there is.
  std::optional<memory::Mapping> map(const Stretch& stretch, Direction direction) {
    auto mapping = memory::Mapping::make(dma().control(), budget_,
                                         {.address = stretch.address,
                                          .length = stretch.length,
                                          .direction = direction,
                                          .attrs = attrs(),
                                          .who = full_path()});
    if (!mapping) wait_for_room();
    return mapping;
  }
  /// Whoever gives room back comes through the gate; if the function has gone by then, it is closed.
  void wait_for_room() {
    budget_->when_room([this, gate = Ref<gate::Gate>::share(&gate())] {
      static constexpr gate::Use kUse{"room to bounce"};
      const gate::Pass pass{*gate, kUse, gate::Reentry::kAllow};
      if (pass) go_on();
    });
  }
  static void shorten(ScatterList& list, std::uint64_t by) {
    list.front().address += by;
    list.front().length -= by;
    if (list.front().length == 0) list.erase(list.begin());
  }
  bool gather() {
    while (!copy_->from.empty()) {
      auto mapping = map(copy_->from.front(), Direction::kFromGuest);
      if (!mapping) return false;
      const std::size_t length = mapping->bytes().size();
      const std::size_t have = copy_->bytes.size();
      copy_->bytes.resize(have + length);
      memory::copy_guest_bytes(copy_->bytes.data() + have, mapping->bytes().data(), length);
      result_ |= mapping->finish(0);
      shorten(copy_->from, length);
    }
    return true;
  }
  bool scatter() {
    while (!copy_->to.empty()) {
      auto mapping = map(copy_->to.front(), Direction::kToGuest);
      if (!mapping) return false;
      const std::size_t length = mapping->bytes().size();
      memory::copy_guest_bytes(mapping->bytes().data(), copy_->bytes.data() + copy_->scattered, length);
      result_ |= mapping->finish(length);
      copy_->scattered += length;
      shorten(copy_->to, length);
    }
    return true;
  }
  std::uint32_t done() const { return done_; }
  std::uint32_t own() const { return own_; }
  void set_own(std::uint32_t value) { own_ = value; }

  const std::shared_ptr<memory::BounceBudget> budget_;
  std::pair<ScatterList, ScatterList> next_;
  std::optional<Copy> copy_;
  memory::MemTxResult result_ = memory::MemTxResult::kOk;
  hw::State<std::uint32_t> done_{*this, "done"};
  hw::State<std::uint32_t> own_{*this, "own"};
  Waiting waiting_{*this};
  hw::Mmio regs_{*this, "regs", hw::register_map<PciCopier>(kBytes, {
      {.at = kGo, .name = "GO", .write = &PciCopier::go},
      {.at = kDone, .name = "DONE", .read = &PciCopier::done},
      {.at = kOwn, .name = "OWN", .read = &PciCopier::own, .write = &PciCopier::set_own}})};
  pci::Bar bar_{*this, 0, regs_};
};

}  // namespace holdfast::test
