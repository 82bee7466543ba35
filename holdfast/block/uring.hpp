// SPDX-License-Identifier: Apache-2.0
// The engine over io_uring: one thread that hands the host what has been asked for since it last looked,
// in one call, and completes what the host has done. Nobody else touches the ring.
//
// A transfer that the host did in part goes on from there. What the ring does not do (discard, write zeroes)
// and what the host would not do this way or was interrupted in goes to a thread pool, which knows every case.
// A host that is out of memory for entries is asked again when it has done something, or a little later;
// until then it is given no others.
#pragma once

#include <memory>

#include "holdfast/base/result.hpp"
#include "holdfast/block/engine.hpp"
#include "holdfast/block/host_file.hpp"
#include "holdfast/block/ring.hpp"

namespace holdfast::block {

class Uring final : public Engine {
 public:
  /// Error if the host has none, or refuses it.
  static Result<std::unique_ptr<Engine>> make(std::shared_ptr<const HostFile> file,
                                              const MakeRing& make_ring = make_host_ring);
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
