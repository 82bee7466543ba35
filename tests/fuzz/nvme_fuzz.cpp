// SPDX-License-Identifier: Apache-2.0
// An NVM Express controller with whatever a guest may put into its queues and registers: commands, lists
// of pages, descriptors, doorbells, memory that is not there, its own registers as memory; disks that are
// slow or fail; resets; being torn out. At the end nothing may be left.
//
// The input is a stream of commands, a byte each with what belongs to it.
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "holdfast/base/check.hpp"
#include "holdfast/devices/pci/pcie_host.hpp"
#include "holdfast/devices/storage/nvme.hpp"
#include "holdfast/devices/storage/nvme_namespace.hpp"
#include "holdfast/machine/machine.hpp"
#include "holdfast/memory/port.hpp"
#include "tests/support/fake_disk.hpp"

namespace {

using namespace holdfast;
using devices::Nvme;
using devices::NvmeNamespace;
using test::FakeDisk;

constexpr std::uint64_t kEcam = 0x4000'0000;
constexpr std::uint64_t kLow = 0x6000'0000;
constexpr std::uint64_t kLowSize = 0x1000'0000;
constexpr std::uint64_t kRam = 0x8000'0000;
constexpr std::uint64_t kRamSize = 0x4'0000;
constexpr std::uint64_t kBar0 = kLow;
constexpr std::uint64_t kBar2 = kLow + 0x100'0000;
constexpr std::uint64_t kData = kRam + 0x2'0000;
constexpr std::uint32_t kEntries = 16;
constexpr unsigned kQueues = 3;

/// Numbers from the input; zeroes when it is used up.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : bytes_{data, size} {}
  bool empty() const { return bytes_.empty(); }
  std::uint64_t number(unsigned bytes) {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < bytes && !bytes_.empty(); ++i) {
      value = value << 8U | bytes_.front();
      bytes_ = bytes_.subspan(1);
    }
    return value;
  }
  /// Somewhere that matters: RAM, its registers, its buffer, nowhere; the beginning of a page, a word of one,
  /// or at any offset.
  std::uint64_t address() {
    static constexpr std::array<std::uint64_t, 8> kPlaces{
        kData, kData, kData + 0x1000, kRam, kBar0, kBar2, 0x1'2345'0000, ~std::uint64_t{0xfff}};
    const std::uint64_t place = kPlaces[number(1) % kPlaces.size()];
    const std::uint64_t offset = number(2);
    constexpr std::uint64_t kInPage = 0xfff;
    if (offset % 4 == 2) return place + (offset & kInPage & ~std::uint64_t{3});
    return place + (offset % 4 != 3 ? offset & ~kInPage : offset & kInPage);
  }

 private:
  std::span<const std::uint8_t> bytes_;
};

class Bench {
 public:
  Bench() {
    boards::BoardPlan plan{"fuzz"};
    const auto ram = plan.ram("ram", kRamSize);
    const auto host = plan.add<devices::pci::PcieHost>("host", {.low_base = kLow, .low_size = kLowSize});
    plan.map({{kRam, ram}, {kEcam, host.region("pcie.0.config")}, {kLow, host.region("mmio-low")}});
    plan.link({{host.link("memory"), boards::BoardPlan::memory()}});
    plan.leave_loose(host);
    realize(plan);
    plug();
  }

  void obey(Input& input) {
    while (!input.empty()) obey_one(input);
  }

  void end() {
    machine_->unplug("nvme0");
    if (has_namespace_) machine_->unplug("ns");
    for (int i = 0; i < 2; ++i) {
      machine_->control().run_pending();
      disk_->finish_all();
      other_->finish_all();
    }
    port_.reset();
    space_.reset();
    const auto left = machine_->end();
    HF_CHECK(left == Census::Snapshot{}, "left: {}", left.to_string());
  }

 private:
  void realize(const boards::BoardPlan& plan) {
    const auto done = machine_->realize(plan);
    HF_CHECK(done.has_value(), "{}", done.error().message);
  }
  void plug() {
    boards::BoardPlan plan{"controller"};
    const auto device = plan.add<Nvme>("nvme0", {.serial = "fuzz",
                                                 .drive = FakeDisk::as_backend(disk_),
                                                 .queue_pairs = kQueues,
                                                 .buffer_mib = 1});
    plan.existing("host");
    plan.link({{device.link("bus"), {"host", "pcie.0"}}});
    realize(plan);
    bring_up();
  }
  void replug() {
    const auto ticket = machine_->unplug("nvme0");
    machine_->control().run_pending();
    disk_->finish_all();
    other_->finish_all();
    const auto gone = ticket->wait();
    HF_CHECK(gone.has_value(), "{}", gone.error().message);
    has_namespace_ = false;  // it goes with its controller
    plug();
  }
  void toggle_namespace() {
    if (std::exchange(has_namespace_, !has_namespace_)) {
      const auto ticket = machine_->unplug("ns");
      machine_->control().run_pending();
      other_->finish_all();
      const auto gone = ticket->wait();
      HF_CHECK(gone.has_value(), "{}", gone.error().message);
      return;
    }
    boards::BoardPlan plan{"namespace"};
    const auto device = plan.add<NvmeNamespace>("ns", {.drive = FakeDisk::as_backend(other_)});
    plan.existing("nvme0");
    plan.link({{device.link("bus"), {"nvme0", "namespaces"}}});
    realize(plan);
  }

  static std::uint64_t ring(unsigned queue) { return kRam + queue * std::uint64_t{0x2000}; }
  void bring_up() {
    const std::uint64_t config = kEcam + (1U << 15U);
    store(config + 0x10, 4, kBar0);
    store(config + 0x18, 4, kBar2);
    store(config + 4, 2, 6);
    store(kBar0 + 0x24, 4, (kEntries - 1) << 16U | (kEntries - 1));
    store(kBar0 + 0x28, 8, ring(0));
    store(kBar0 + 0x30, 8, ring(0) + 0x1000);
    store(kBar0 + 0x14, 4, 0x0046'0001);
    tails_ = {};
    for (unsigned queue = 1; queue <= kQueues; ++queue) {
      give(0, {5, 0, 0, 0, 0, 0, static_cast<std::uint32_t>(ring(queue) + 0x1000), 0, 0, 0,
               (kEntries - 1) << 16U | queue, 3});
      give(0, {1, 0, 0, 0, 0, 0, static_cast<std::uint32_t>(ring(queue)), 0, 0, 0,
               (kEntries - 1) << 16U | queue, queue << 16U | 1U});
    }
  }
  void give(unsigned queue, const std::array<std::uint32_t, 16>& entry) {
    const std::uint64_t at = ring(queue) + 64 * tails_[queue];
    for (unsigned i = 0; i < entry.size(); ++i) store(at + 4 * i, 4, entry[i]);
    tails_[queue] = (tails_[queue] + 1) % kEntries;
    store(kBar0 + 0x1000 + 8 * queue, 4, tails_[queue]);
  }
  void give_command(Input& input) {
    const auto what = static_cast<std::uint32_t>(input.number(1));
    const unsigned queue = what % (kQueues + 1);
    std::array<std::uint32_t, 16> entry{};
    entry[0] = static_cast<std::uint32_t>(input.number(1)) % 16 | (what >> 6U) << 14U |
               static_cast<std::uint32_t>(input.number(1)) << 16U;
    if ((what & 0x20U) != 0) entry[0] = (entry[0] & ~0xffU) | 0x7cU;
    entry[1] = static_cast<std::uint32_t>(input.number(1)) % 4;
    const std::uint64_t first = input.address();
    const std::uint64_t second = input.address();
    entry[6] = static_cast<std::uint32_t>(first);
    entry[7] = static_cast<std::uint32_t>(first >> 32U);
    entry[8] = static_cast<std::uint32_t>(second);
    entry[9] = static_cast<std::uint32_t>(second >> 32U);
    for (unsigned i = 10; i < 14; ++i) entry[i] = static_cast<std::uint32_t>(input.number(i == 10 ? 4 : 2));
    give(queue, entry);
  }

  void obey_one(Input& input) {
    const auto command = input.number(1);
    switch (command % 16) {
      case 0: case 1: case 2: case 3:
        return give_command(input);
      case 4: {  // lists and descriptors
        const std::uint64_t at = kData + (input.number(2) & 0x1fff8U);
        return store(at, 8, input.address());
      }
      // Where, then what: in this order, whoever compiles it.
      case 5: {
        const std::uint64_t at = kRam + input.number(3) % kRamSize;
        return store(at, 8, input.number(8));
      }
      case 6: {
        const std::uint64_t at = kBar0 + 0x1000 + 4 * (input.number(1) % 16);
        return store(at, 4, input.number(1) % 32);
      }
      case 7: {
        const std::uint64_t at = kBar0 + (input.number(2) & 0xfffU);
        return store(at, 1U << (command >> 4U & 3U), input.number(4));
      }
      case 8:
        return load(kBar0 + input.number(2) % 0x4000, 1U << (command >> 4U & 3U));
      case 9:
        if ((command & 0x10U) != 0) return static_cast<void>(machine_->loop().run_ready());
        disk_->finish_one();
        return static_cast<void>(other_->finish_one());
      case 10:
        disk_->failure = (command & 0x10U) != 0 ? std::optional{block::Failure::kInputOutput} : std::nullopt;
        return disk_->finish_all();
      case 11:
        return toggle_namespace();
      case 12:
        if ((command & 0x10U) != 0) return replug();
        machine_->reset();
        disk_->finish_all();
        return bring_up();
      case 13:
        return store(kEcam + (1U << 15U) + 4, 2, input.number(1));
      case 14:
        return store(kBar0 + 0x14, 4, (command & 0x10U) != 0 ? 0x0046'0001 : 0);
      default:
        return bring_up();
    }
  }

  void store(std::uint64_t at, unsigned size, std::uint64_t value) {
    static_cast<void>(port_->store(at, size, value, {}));
  }
  void load(std::uint64_t at, unsigned size) {
    std::uint64_t value = 0;
    static_cast<void>(port_->load(at, size, value, {}));
  }

  std::unique_ptr<machine::Machine> machine_ = machine::Machine::make({}).value();
  std::unique_ptr<memory::AddressSpace> space_ = std::make_unique<memory::AddressSpace>(
      machine_->fabric(), machine_->bus().memory().region(), memory::AddressSpace::Init{.name = "fuzz"});
  std::unique_ptr<memory::Port> port_ = std::make_unique<memory::Port>(*space_);
  const Ref<FakeDisk> disk_ = FakeDisk::make(1U << 18U);
  const Ref<FakeDisk> other_ = FakeDisk::make(1U << 14U);
  std::array<std::uint32_t, kQueues + 1> tails_{};
  bool has_namespace_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input{data, size};
  Bench bench;
  bench.obey(input);
  bench.end();
  return 0;
}
