// SPDX-License-Identifier: Apache-2.0
#include "holdfast/block/ring.hpp"

#include <liburing.h>
#include <poll.h>

#include <array>
#include <cstring>

#include "holdfast/base/check.hpp"

namespace holdfast::block {
namespace {

/// What the host has to know of.
constexpr std::array kNeeded{IORING_OP_READ,        IORING_OP_READV, IORING_OP_WRITE,
                             IORING_OP_WRITEV,      IORING_OP_FSYNC, IORING_OP_POLL_ADD,
                             IORING_OP_ASYNC_CANCEL};

class HostRing final : public Ring {
 public:
  explicit HostRing(const io_uring& ring) : ring_{ring} {}
  ~HostRing() override { io_uring_queue_exit(&ring_); }

  bool knows_all() {
    io_uring_probe* const probe = io_uring_get_probe_ring(&ring_);
    if (probe == nullptr) return false;
    bool all = true;
    for (const auto operation : kNeeded)
      all = all && io_uring_opcode_supported(probe, operation) != 0;
    io_uring_free_probe(probe);
    return all;
  }

  io_uring_sqe& entry() override {
    io_uring_sqe* const entry = io_uring_get_sqe(&ring_);
    HF_CHECK(entry != nullptr, "io_uring: more entries are filled in than there are");
    return *entry;
  }
  bool submit(unsigned landings) override {
    io_uring_submit_and_wait(&ring_, landings);
    return io_uring_sq_ready(&ring_) == 0;
  }
  void wait(std::chrono::milliseconds at_most) override {
    pollfd done{.fd = ring_.ring_fd, .events = POLLIN, .revents = 0};
    ::poll(&done, 1, static_cast<int>(at_most.count()));
  }
  bool has_landings() override { return io_uring_cq_ready(&ring_) != 0; }
  void take(std::vector<Landing>& landings) override {
    unsigned head = 0;
    unsigned count = 0;
    io_uring_cqe* done = nullptr;
    io_uring_for_each_cqe(&ring_, head, done) {
      landings.push_back({done->user_data, done->res});
      ++count;
    }
    io_uring_cq_advance(&ring_, count);
  }

 private:
  io_uring ring_;
};

}  // namespace

Result<std::unique_ptr<Ring>> make_host_ring(unsigned entries) {
  io_uring made{};
  const int failed = io_uring_queue_init(entries, &made, IORING_SETUP_CLAMP);
  if (failed != 0) return fail("io_uring: {}", std::strerror(-failed));
  auto ring = std::make_unique<HostRing>(made);
  if (!ring->knows_all()) return fail("io_uring: the host's is too old");
  return ring;
}

}  // namespace holdfast::block
