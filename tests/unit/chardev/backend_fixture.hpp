// SPDX-License-Identifier: Apache-2.0
// A loop of its own, a front end, and a folder for files.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>

#include "holdfast/base/descriptor.hpp"
#include "holdfast/base/event_loop.hpp"
#include "tests/unit/chardev/fake_device.hpp"

namespace holdfast::chardev {

class Folder {
 public:
  Folder() {
    std::string name = std::filesystem::temp_directory_path() / "holdfast-XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string operator/(std::string_view name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

inline std::string content_of(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{}};
}

inline int open_descriptors() {
  return static_cast<int>(
      std::distance(std::filesystem::directory_iterator{"/proc/self/fd"}, {}));
}

class BackendTest : public ::testing::Test {
 protected:
  /// Runs the loop until it is so.
  void until(const std::function<bool()>& done) {
    static constexpr std::uint64_t kMillisecond = 1'000'000;
    const auto look = [&] {
      if (done()) loop_.stop();
      else alarm_->set(EventLoop::now_ns() + kMillisecond);
    };
    alarm_ = std::make_unique<EventLoop::Alarm>(loop_, look);
    alarm_->set(1);
    loop_.run();
    alarm_.reset();
  }
  void until_events(std::string_view events) {
    until([&] { return device_.events.size() >= events.size(); });
    EXPECT_EQ(device_.events, events);
  }
  void settle() {
    while (loop_.run_ready() != 0) {
    }
  }

  gate::Realm realm_{"test"};
  std::unique_ptr<EventLoop> owner_ = EventLoop::make().value();
  EventLoop& loop_ = *owner_;
  std::unique_ptr<EventLoop::Alarm> alarm_;
  FakeDevice device_{realm_};
  Folder folder_;
};

}  // namespace holdfast::chardev
