// SPDX-License-Identifier: Apache-2.0
// The host's two rings, as the engine over io_uring sees them: entries are filled in, handed over,
// done, and land. One thread's. What the host may do on a bad day is made up by a test in another
// Ring.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "holdfast/base/result.hpp"

struct io_uring_sqe;

namespace holdfast::block {

class Ring {
 public:
  struct Landing {
    std::uint64_t what;  // the entry's user_data
    int result;          // bytes, or an error number below 0
  };
  virtual ~Ring() = default;
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  /// The next one to fill in. There is room for as many as the ring was made for until they are
  /// handed over.
  virtual io_uring_sqe& entry() = 0;
  /// Hands over what is filled in and, if the host takes all of it, sleeps until so many are done
  /// or a signal comes. False if the host did not: it keeps what it has taken, and the rest stays
  /// filled in.
  virtual bool submit(unsigned landings) = 0;
  /// Hands over nothing; sleeps until something is done, for so long at most.
  virtual void wait(std::chrono::milliseconds at_most) = 0;
  /// Whether something is done that was not taken.
  virtual bool has_landings() = 0;
  /// Adds what is done.
  virtual void take(std::vector<Landing>& landings) = 0;

 protected:
  Ring() = default;
};

/// Makes one for so many entries, or says why the host has none.
using MakeRing = std::function<Result<std::unique_ptr<Ring>>(unsigned entries)>;
Result<std::unique_ptr<Ring>> make_host_ring(unsigned entries);

}  // namespace holdfast::block
