// SPDX-License-Identifier: Apache-2.0
// A command of 4 KiB from its submission entry and doorbell to its completion entry, seen in RAM, and the
// doorbell that says so; by a driver in the same process, which polls. range(0) commands at a time, for which
// each doorbell is rung once. Time passed for back-ends with threads, for they work beside the driver.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "holdfast/block/file.hpp"
#include "holdfast/block/null.hpp"
#include "holdfast/devices/storage/nvme.hpp"
#include "tests/support/fake_disk.hpp"
#include "tests/support/nvme_host.hpp"
#include "tests/support/temp_file.hpp"

namespace holdfast::test {
namespace {

using IoOpcode = NvmeHost::IoOpcode;

constexpr std::uint64_t kBytes = 1U << 20U;
constexpr std::uint32_t kEntries = 64;
constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kPages = 32;  // of data; the next command's is the one behind

/// Queue 1 of a controller, driven through one port, as a hart would.
class Driver {
 public:
  Driver(Ref<block::Backend> drive, std::function<bool()> advance)
      : advance_{std::move(advance)} {
    world_.plug<devices::Nvme>("nvme0", "1", devices::Nvme::Config{.serial = "bench", .drive = std::move(drive)})
        .value();
    NvmeHost host{world_, 1, advance_};
    host.start();
    host.create_queues(1, kEntries);
  }

  /// That many commands, until all are completed; whether all went well.
  bool perform(IoOpcode opcode, std::int64_t commands) {
    const std::uint64_t first = tail_;
    for (std::int64_t i = 0; i < commands; ++i) put(opcode);
    store(kDoorbells, 4, tail_ % kEntries);
    bool good = true;
    for (std::uint64_t at = first; at != tail_; ++at) good = is_good(completion(at)) && good;
    store(kDoorbells + 4, 4, tail_ % kEntries);
    return good;
  }

 private:
  static constexpr std::uint64_t kDoorbells = NvmeHost::kBar0 + 0x1008;

  void store(std::uint64_t at, unsigned size, std::uint64_t value) { port_.store(at, size, value, {}); }

  void put(IoOpcode opcode) {
    const auto entry = NvmeHost::transfer(opcode, tail_ % kPages * (kPage / 512), kPage / 512,
                                          NvmeHost::kData + tail_ % kPages * kPage);
    const std::uint64_t at = NvmeHost::ring(1) + tail_ % kEntries * 64;
    for (std::size_t i = 0; i < entry.dw.size(); ++i) store(at + 4 * i, 4, entry.dw[i]);
    ++tail_;
  }
  /// Its last word, when it has come.
  std::uint64_t completion(std::uint64_t number) {
    const std::uint64_t at = NvmeHost::ring(1) + NvmeHost::kRingBytes + number % kEntries * 16 + 12;
    const std::uint64_t phase = number / kEntries % 2 == 0 ? 1 : 0;
    for (;;) {
      std::uint64_t value = 0;
      port_.load(at, 4, value, {});
      if ((value >> 16U & 1U) == phase) return value;
      advance_();
    }
  }
  static bool is_good(std::uint64_t completion) { return completion >> 17U == 0; }

  PciWorld world_;
  const std::function<bool()> advance_;
  memory::AddressSpace space_{world_->fabric(), world_->bus().memory().region(),
                              memory::AddressSpace::Init{.name = "driver"}};
  memory::Port port_{space_};
  std::uint64_t tail_ = 0;  // commands given
};

bool nothing() { return false; }

void run(benchmark::State& state, Driver& driver, IoOpcode opcode) {
  for (auto _ : state)
    if (!driver.perform(opcode, state.range(0))) state.SkipWithError("a command failed");
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

/// The controller alone: bytes are copied on the driver's thread.
void in_memory(benchmark::State& state, IoOpcode opcode) {
  const auto disk = FakeDisk::make(kBytes);
  Driver driver{FakeDisk::as_backend(disk), [&] { return disk->finish_one(); }};
  for (auto _ : state) {
    if (!driver.perform(opcode, state.range(0))) state.SkipWithError("a command failed");
    disk->done.clear();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void null(benchmark::State& state, IoOpcode opcode) {
  Driver driver{block::Null::make({.name = "drive 'bench'", .size = kBytes}), &nothing};
  run(state, driver, opcode);
}

void file(benchmark::State& state, IoOpcode opcode, block::EngineChoice engine) {
  const testing::TempFile bytes{kBytes, "/dev/shm/"};
  auto opened = block::File::open({.name = "drive 'bench'", .path = bytes.path(), .engine = engine});
  if (!opened) return state.SkipWithError(opened.error().message.c_str());
  Driver driver{*std::move(opened), &nothing};
  run(state, driver, opcode);
}

#define HF_COMMANDS(...) \
  BENCHMARK_CAPTURE(__VA_ARGS__)->MeasureProcessCPUTime()->UseRealTime()->Arg(1)->Arg(32)
HF_COMMANDS(in_memory, read, IoOpcode::kRead);
HF_COMMANDS(in_memory, write, IoOpcode::kWrite);
HF_COMMANDS(null, read, IoOpcode::kRead);
HF_COMMANDS(file, read/io_uring, IoOpcode::kRead, block::EngineChoice::kUring);
HF_COMMANDS(file, write/io_uring, IoOpcode::kWrite, block::EngineChoice::kUring);
HF_COMMANDS(file, read/threads, IoOpcode::kRead, block::EngineChoice::kThreads);
HF_COMMANDS(file, write/threads, IoOpcode::kWrite, block::EngineChoice::kThreads);

}  // namespace
}  // namespace holdfast::test
