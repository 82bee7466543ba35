// SPDX-License-Identifier: Apache-2.0
// The process: its standard descriptors, its way into the background, its pid file, its parent.
#pragma once

#include <string>
#include <string_view>

#include "holdfast/base/result.hpp"

namespace holdfast::app {

/// Opens /dev/null for each of the descriptors 0 to 2 that is closed, so that nothing else gets their
/// numbers.
void keep_standard_descriptors();

/// The process is to get SIGTERM when the one that started it ends. Error: it has ended already.
Result<void> end_with_parent();

/// What the host calls the process from here on, and threads that begin later: of that, the first 15 bytes.
void name_process(const std::string& name);

/// With the number of this process in place of "%d", if that is in it.
std::string with_process_number(std::string path);

/// Going into the background. The process that was started waits for the one that goes on, and ends
/// with status 0 when that is ready, or with 1 when it ends before.
class Background {
 public:
  Background() = default;
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  /// Returns in the new process alone. Before there is another thread.
  Result<void> enter();
  /// From here on there is no terminal. Does nothing if enter() was not called, or the second time.
  void ready();
  /// All files were opened: the folder it was started in may be unmounted from now on.
  void leave_folder();

 private:
  bool entered_ = false;
  int told_ = -1;  // the waiting process reads the other end
};

/// A file with the number of this process. Locked, so that two do not share it; removed at the end.
class PidFile {
 public:
  PidFile() = default;
  ~PidFile();
  PidFile(const PidFile&) = delete;
  PidFile& operator=(const PidFile&) = delete;

  Result<void> write(std::string_view path);

 private:
  void remove();

  std::string path_;  // absolute
  int fd_ = -1;
};

}  // namespace holdfast::app
