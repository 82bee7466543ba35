// SPDX-License-Identifier: Apache-2.0
// A device that is nothing but the way to a drive: a write to GO asks for the block of that number, as
// the test says, and DONE counts what came back.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "holdfast/base/schedule_point.hpp"
#include "holdfast/block/block_port.hpp"
#include "holdfast/boards/plan.hpp"
#include "holdfast/hw/mmio.hpp"
#include "tests/support/test_machine.hpp"

namespace holdfast::test {

inline constexpr std::uint64_t kBlockSize = 512;

class DiskDevice final : public hw::Device {
 public:
  static constexpr object::Type kType{
      .name = "test-disk", .parent = &hw::Device::kType, .docs = "The way to a drive."};
  /// What came of requests; the test's, and may outlive the device.
  struct Outcome {
    std::atomic<unsigned> done{0};
    std::atomic<unsigned> failed{0};
    std::atomic<unsigned> cancelled{0};
    std::atomic<unsigned> batches{0};  // that they came in
    std::atomic<unsigned> let_go{0};  // completions that were destroyed, called or not
  };
  struct Config {
    Ref<block::Backend> drive{};
    std::shared_ptr<Outcome> outcome = std::make_shared<Outcome>();
    block::Order::Kind kind = block::Order::Kind::kRead;
    std::function<void(DiskDevice&)> on_done{};  // inside the gate
  };
  DiskDevice(const hw::DeviceInit& init, Config config) : Device{init}, config_{std::move(config)} {}

  static constexpr std::size_t kMostInFlight = 64;
  static constexpr std::uint64_t kGo = 0x0;
  static constexpr std::uint64_t kDone = 0x4;
  static constexpr std::uint64_t kInFlight = 0x8;
  static constexpr std::uint64_t kCancel = 0xc;  // all

  void go(std::uint32_t number) {
    if (drive.in_flight() >= kMostInFlight) return;
    struct Buffer {
      explicit Buffer(std::shared_ptr<Outcome> of) : outcome{std::move(of)} {}
      ~Buffer() { ++outcome->let_go; }
      std::shared_ptr<Outcome> outcome;
      std::vector<std::byte> bytes = std::vector<std::byte>(kBlockSize, std::byte{0xa5});
    };
    auto buffer = std::make_unique<Buffer>(config_.outcome);
    block::Order order{.kind = config_.kind, .offset = number * kBlockSize, .length = kBlockSize,
                       .bytes = {buffer->bytes}};
    last_ = drive.submit(std::move(order), [this, buffer = std::move(buffer)](const block::IoResult& result) {
      HF_SCHEDULE_POINT("test.in_completion");
      last_bytes = buffer->bytes;
      if (result)
        ++config_.outcome->done;
      else if (result.error().failure == block::Failure::kCancelled)
        ++config_.outcome->cancelled;
      else
        ++config_.outcome->failed;
      if (config_.on_done) config_.on_done(*this);
    });
  }
  bool cancel_last() { return drive.cancel(last_); }

 private:
  std::uint32_t done() const { return config_.outcome->done; }
  std::uint32_t in_flight() const { return static_cast<std::uint32_t>(drive.in_flight()); }
  void cancel(std::uint32_t) { drive.cancel_all(); }

  const Config config_;
  block::RequestId last_{};
  hw::Mmio regs_{*this, "regs", hw::register_map<DiskDevice>(kRegsSize, {
      {.at = kGo, .name = "GO", .write = &DiskDevice::go},
      {.at = kDone, .name = "DONE", .read = &DiskDevice::done},
      {.at = kInFlight, .name = "IN_FLIGHT", .read = &DiskDevice::in_flight},
      {.at = kCancel, .name = "CANCEL", .write = &DiskDevice::cancel}})};

 public:
  std::vector<std::byte> last_bytes{};
  block::BlockPort drive{*this, "drive", config_.drive, [this] { ++config_.outcome->batches; }};
};

inline void plug_disk(TestMachine& machine, const std::string& name, std::uint64_t address,
                      DiskDevice::Config config) {
  boards::BoardPlan plan{"disk " + name};
  const auto bus = plan.existing("bus");
  const auto disk = plan.add<DiskDevice>(name, std::move(config));
  plan.map_into(bus.region("memory"), {{address, disk.region("regs")}});
  const auto plugged = machine->realize(plan);
  ASSERT_TRUE(plugged) << plugged.error().message;
}

/// A back-end that answers when the test says so. Requests stay with it, as with a host that hangs.
class SlowDrive final : public block::Backend {
 public:
  static Ref<SlowDrive> make() { return Ref<SlowDrive>::adopt(new SlowDrive); }
  static Ref<block::Backend> as_backend(const Ref<SlowDrive>& drive) {
    return Ref<block::Backend>::share(drive.get());
  }
  std::string location() const override { return "'slow'"; }
  std::uint64_t size() const override { return 1U << 20U; }
  block::Access access() const override { return block::Access::kReadWrite; }
  std::string_view engine() const override { return "test"; }
  void drop_cancelled() override { ++cancellations; }

  /// Answers the oldest; on the calling thread, which stands for one of the back-end's.
  void answer(const block::IoResult& result = {}) {
    Ref<block::Request> request;
    {
      LockGuard guard{waiting_mutex_};
      ASSERT_FALSE(waiting_.empty());
      request = std::move(waiting_.front());
      waiting_.erase(waiting_.begin());
    }
    request->finish(result);
  }
  /// Answers all that wait, together.
  void answer_all(const block::IoResult& result = {}) {
    auto done = take_all();
    for (block::Finished& one : done) one.result = result;
    block::finish(done);
    EXPECT_TRUE(done.empty());
  }
  std::vector<block::Finished> take_all() {
    std::vector<block::Finished> all;
    LockGuard guard{waiting_mutex_};
    for (auto& request : std::exchange(waiting_, {})) all.push_back({std::move(request)});
    return all;
  }
  std::size_t waiting() {
    LockGuard guard{waiting_mutex_};
    return waiting_.size();
  }
  std::atomic<unsigned> cancellations{0};

 private:
  SlowDrive() : Backend{"drive 'slow'"} {}
  ~SlowDrive() override = default;
  void start(Ref<block::Request> request) override {
    LockGuard guard{waiting_mutex_};
    waiting_.push_back(std::move(request));
  }

  Mutex waiting_mutex_{LockRank::kLeaf, "slow drive"};
  std::vector<Ref<block::Request>> waiting_ HF_GUARDED_BY(waiting_mutex_);
};

}  // namespace holdfast::test
