// SPDX-License-Identifier: Apache-2.0
// A back-end on a pseudo-terminal of its own, which some other program opens by its path. Linked while
// somebody has it open; the host does not say when that begins, so it is looked at in intervals.
#pragma once

#include <memory>
#include <string>

#include "holdfast/base/descriptor.hpp"
#include "holdfast/chardev/channel.hpp"

namespace holdfast::chardev {

class Pty final : public Channel {
 public:
  /// On the loop thread, or while nobody runs the loop, like the destructor.
  static Result<std::unique_ptr<Pty>> make(EventLoop& loop, Common common, Limits limits = {});
  ~Pty() override;

  std::string filename() const override { return "pty:" + path_; }
  /// "/dev/pts/3"
  const std::string& path() const { return path_; }

 protected:
  void input_ended() override;
  void output_failed() override { input_ended(); }

 private:
  Pty(EventLoop& loop, Common common, Limits limits);
  Result<void> open();
  bool somebody_has_it_open() const;
  void look();
  void look_later();

  Descriptor master_;
  std::string path_;
  EventLoop::Alarm look_;
};

}  // namespace holdfast::chardev
