// SPDX-License-Identifier: Apache-2.0
// The engine over io_uring: one thread that hands the host what has been asked for since it last looked,
// in one call, and completes what the host has done. Nobody else touches the ring.
//
// What the ring does not do (discard, write zeroes), and what it did half (short transfers at the end of
// a file, refusals that are about the ring), goes to a thread pool, which knows every case.
#pragma once

#include <memory>

#include "holdfast/base/result.hpp"
#include "holdfast/block/engine.hpp"
#include "holdfast/block/host_file.hpp"

namespace holdfast::block {

class Uring final : public Engine {
 public:
  /// Error if the host has none, or refuses it.
  static Result<std::unique_ptr<Engine>> make(std::shared_ptr<const HostFile> file);
  ~Uring() override;

  std::string_view kind() const override { return "io_uring"; }
  void start(Ref<Request> request) override;
  void drop_cancelled() override;

 private:
  struct Rig;
  explicit Uring(std::shared_ptr<Rig> rig);

  const std::shared_ptr<Rig> rig_;
};

}  // namespace holdfast::block
