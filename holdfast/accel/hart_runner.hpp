// SPDX-License-Identifier: Apache-2.0
// A host thread that runs harts, as whoever stops and resumes it sees it.
#pragma once

namespace holdfast::accel {

/// Pausing is counted: each `request_pause` needs one `resume`.
class HartRunner {
 public:
  /// Asks that no further instruction be executed; from any thread, the runner's own included, which
  /// executes none behind the one it is in.
  virtual void request_pause() = 0;
  /// Waits until nothing is executed after `request_pause`. Not from the runner's own thread.
  virtual void wait_paused() = 0;
  virtual void resume() = 0;

 protected:
  ~HartRunner() = default;
};

}  // namespace holdfast::accel
