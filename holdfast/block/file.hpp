// SPDX-License-Identifier: Apache-2.0
// A regular file as a block back-end: byte k of the file is byte k of the back-end.
//
// The file is locked for as long as it is open (an open file description lock over all of it): against
// everybody if it is written to, against writers if it is only read.
//
// Requests are done by io_uring where the host has it, else by a few threads. Waiting calls, read() and
// write(), go to the host at once; what they have written is in the file when they return.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "holdfast/base/find_descriptor.hpp"
#include "holdfast/block/backend.hpp"
#include "holdfast/block/engine.hpp"
#include "holdfast/block/host_file.hpp"
#include "holdfast/block/ring.hpp"

namespace holdfast::block {

/// Who does the requests.
enum class EngineChoice : std::uint8_t {
  kBest,     // io_uring, else threads
  kUring,    // or an error
  kThreads,
};
/// Whether the file is locked.
enum class FileLock : std::uint8_t {
  kOn,
  kIfPossible,  // not where the host's file system cannot
  kOff,
};

class File final : public Backend {
 public:
  struct Options {
    std::string name;  // "drive 'flash0'", for messages
    std::string path;
    Access access = Access::kReadWrite;
    Cache cache = Cache::kWriteBack;
    Discard discard = Discard::kIgnore;
    EngineChoice engine = EngineChoice::kBest;
    FileLock lock = FileLock::kOn;
    MakeRing make_ring = make_host_ring;
    FindDescriptor find{};  // what stands for the path, if anything does
  };
  /// Errors name the drive and the file and say what would be accepted: it does not exist, is no
  /// regular file, may not be written to, is in use by another process or another drive, cannot be
  /// read around the host's cache.
  static Result<Ref<Backend>> open(Options options);

  std::string location() const override;
  std::uint64_t size() const override { return size_.load(std::memory_order_relaxed); }
  Access access() const override { return options_.access; }
  std::string_view engine() const override { return engine_->kind(); }
  Result<void> resize(std::uint64_t size) override;
  void drop_cancelled() override { engine_->drop_cancelled(); }
  Result<void> read(std::uint64_t offset, std::span<std::byte> bytes) override;
  Result<void> write(std::uint64_t offset, std::span<const std::byte> bytes) override;

 private:
  explicit File(Options options);
  ~File() override { unlock(); }
  Result<void> open_file();
  Result<Descriptor> open_descriptor() const;
  Result<Descriptor> open_direct(int fd, HostFile::Size& alignment) const;
  Result<void> lock(int fd) const;
  void unlock() const;
  Result<void> make_engine();
  void start(Ref<Request> request) override { engine_->start(std::move(request)); }

  const Options options_;
  const std::shared_ptr<HostFile> file_;  // the engine's threads', too
  std::unique_ptr<Engine> engine_;
  std::atomic<std::uint64_t> size_{0};  // on its own
};

}  // namespace holdfast::block
