// SPDX-License-Identifier: Apache-2.0
// Eventfds as parts of devices.
#include "holdfast/hw/event_fd.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "holdfast/hw/mmio.hpp"
#include "tests/support/device_bench.hpp"
#include "tests/support/schedule.hpp"

namespace holdfast::hw {
namespace {

using testing::DeviceBench;
using testing::Schedule;
using testing::Stop;
using testing::Thread;

/// Notes each count that it is given: "3 1 ".
class Bell final : public Device {
 public:
  static constexpr object::Type kType{.name = "bell", .parent = &Device::kType, .docs = "test"};
  explicit Bell(const DeviceInit& init, int given = -1)
      : Device{init}, bell{*this, "bell", &Bell::rung, given} {}

  std::function<void()> on_ring{};
  std::string seen;
  OwnedPart<EventFd> extra;

  std::uint32_t zero() const { return 0; }
  void rung(std::uint64_t count) {
    EXPECT_TRUE(gate().entered_by_me());
    seen += std::to_string(count) + " ";
    HF_SCHEDULE_POINT("test.rung");
    if (on_ring) on_ring();
  }

  Mmio regs{*this, "regs", register_map<Bell>(4, {{.at = 0, .name = "zero", .read = &Bell::zero}})};
  EventFd bell;
};

/// Somebody else's eventfd.
struct Theirs {
  explicit Theirs(int flags = EFD_NONBLOCK) : fd{::eventfd(0, flags | EFD_CLOEXEC)} {}
  ~Theirs() { ::close(fd); }
  Theirs(const Theirs&) = delete;
  Theirs& operator=(const Theirs&) = delete;
  void add(std::uint64_t count) const {
    EXPECT_EQ(::write(fd, &count, sizeof count), static_cast<ssize_t>(sizeof count));
  }
  int fd;
};

class EventFdTest : public ::testing::Test {
 protected:
  EventLoop& loop() { return bench_.services().loop(); }
  std::size_t run_loop() {
    std::size_t called = 0;
    while (const std::size_t now = loop().run_ready()) called += now;
    return called;
  }
  std::int64_t descriptors() {
    return bench_.services().realm().census().take()[Census::Kind::kDescriptor];
  }

  DeviceBench bench_;
  Bell& it_ = bench_.add<Bell>("it", 0x1000);
};

TEST_F(EventFdTest, WhatIsSignalledReachesTheDeviceOnTheLoop) {
  it_.bell.signal();
  EXPECT_EQ(it_.seen, "");
  run_loop();
  EXPECT_EQ(it_.seen, "1 ");
  EXPECT_EQ(run_loop(), 0U) << "once";
}

TEST_F(EventFdTest, SignalsBeforeTheLoopComesAroundAreAddedUp) {
  it_.bell.signal(2);
  it_.bell.signal();
  run_loop();
  EXPECT_EQ(it_.seen, "3 ");
}

TEST_F(EventFdTest, WhoeverHasACopyOfTheDescriptorSignals) {
  const int copy = ::fcntl(it_.bell.descriptor(), F_DUPFD_CLOEXEC, 0);
  const std::uint64_t five = 5;
  EXPECT_EQ(::write(copy, &five, sizeof five), static_cast<ssize_t>(sizeof five));
  ::close(copy);
  run_loop();
  EXPECT_EQ(it_.seen, "5 ");
}

TEST_F(EventFdTest, AnEventFdThatIsGivenIsCopied) {
  std::optional<Theirs> theirs{std::in_place};
  Bell& other = bench_.add<Bell>("other", 0x2000, theirs->fd);
  EXPECT_NE(other.bell.descriptor(), theirs->fd);
  theirs->add(2);
  theirs.reset();
  run_loop();
  EXPECT_EQ(other.seen, "2 ");
}

TEST_F(EventFdTest, WhatWasSignalledBeforeTheDeviceWasThereIsDelivered) {
  const Theirs theirs;
  theirs.add(4);
  Bell& other = bench_.add<Bell>("other", 0x2000, theirs.fd);
  run_loop();
  EXPECT_EQ(other.seen, "4 ");
}

TEST_F(EventFdTest, DisarmedItKeepsItsCount) {
  it_.bell.disarm();
  it_.bell.signal(2);
  EXPECT_EQ(run_loop(), 0U) << "nobody looks at it meanwhile";
  EXPECT_FALSE(it_.bell.armed());
  it_.bell.arm();
  run_loop();
  EXPECT_EQ(it_.seen, "2 ");
}

TEST_F(EventFdTest, DisarmedOnItsWayItIsDroppedAtTheGateAndKeepsItsCount) {
  it_.bell.signal(2);
  {
    Schedule schedule;
    schedule.run_at("hw.event_fd.ready", "main", [&] { it_.bell.disarm(); });
    run_loop();
  }
  EXPECT_EQ(it_.seen, "");
  it_.bell.arm();
  run_loop();
  EXPECT_EQ(it_.seen, "2 ");
}

TEST_F(EventFdTest, ArrivingAsItsDeviceGoesItIsDropped) {
  std::string seen;
  it_.on_ring = [&] { seen += 'x'; };
  it_.bell.signal();
  Schedule schedule;
  schedule.run_at("hw.event_fd.ready", "main", [&] { bench_.remove(it_); });
  run_loop();
  EXPECT_EQ(seen, "");
  EXPECT_EQ(descriptors(), 0);
}

TEST_F(EventFdTest, ADeviceMayForgetWhatWasSignalled) {
  it_.bell.signal(3);
  EXPECT_EQ(it_.bell.take(), 3U);
  EXPECT_EQ(it_.bell.take(), 0U);
  run_loop();
  EXPECT_EQ(it_.seen, "");
}

TEST_F(EventFdTest, AResetArmsItAndKeepsWhatCameFromOutside) {
  it_.bell.disarm();
  it_.bell.signal();
  bench_.reset(it_);
  EXPECT_TRUE(it_.bell.armed());
  run_loop();
  EXPECT_EQ(it_.seen, "1 ");
}

TEST_F(EventFdTest, ACounterThatIsFullStaysSo) {
  it_.bell.disarm();
  it_.bell.signal(~std::uint64_t{0} - 1);
  it_.bell.signal();
  EXPECT_EQ(it_.bell.take(), ~std::uint64_t{0} - 1);
}

TEST_F(EventFdTest, SignalledInItsOwnCallbackItIsCalledAgain) {
  it_.on_ring = [&] {
    if (it_.seen.size() < 6) it_.bell.signal(2);
  };
  it_.bell.signal();
  run_loop();
  EXPECT_EQ(it_.seen, "1 2 2 ");
}

TEST_F(EventFdTest, MadeAndDroppedWhileItsDeviceLives) {
  it_.extra = make_part<EventFd>(it_, "extra", [&](std::uint64_t) { it_.seen += 'x'; }).value();
  EXPECT_EQ(descriptors(), 2);
  it_.extra->signal();
  run_loop();
  EXPECT_EQ(it_.seen, "x");
  it_.extra->signal();
  it_.extra.reset();
  EXPECT_EQ(run_loop(), 0U);
  EXPECT_EQ(it_.seen, "x");
  EXPECT_EQ(descriptors(), 1);
}

TEST_F(EventFdTest, DroppedInItsOwnCallback) {
  it_.extra = make_part<EventFd>(it_, "extra", [&](std::uint64_t) {
                it_.seen += 'x';
                it_.extra.reset();
                it_.seen += 'y';
              }).value();
  it_.extra->signal();
  run_loop();
  EXPECT_EQ(it_.seen, "xy");
  EXPECT_EQ(descriptors(), 1);
}

// On another thread, as its handler runs: the drop waits for it.
TEST_F(EventFdTest, ADropWaitsForTheHandler) {
  std::atomic<bool> left{false};
  it_.extra = make_part<EventFd>(it_, "extra", [&](std::uint64_t) {
                HF_SCHEDULE_POINT("test.in_extra");
                left = true;
              }).value();
  it_.extra->signal();
  {
    Schedule schedule;
    Stop& running = schedule.stop_at("test.in_extra", "loop");
    Stop& waiting = schedule.stop_at("hw.event_fd.drop_waits", "dropper");
    Thread looper{"loop", [&] { loop().run_ready(); }};
    running.wait_reached();
    Thread dropper{"dropper", [&] {
      it_.extra.reset();
      EXPECT_TRUE(left);
    }};
    waiting.wait_reached();
    waiting.release();
    running.release();
  }
  EXPECT_EQ(descriptors(), 1);
}

TEST_F(EventFdTest, ADescriptorThatIsNoneFailsThePrepare) {
  const auto before = bench_.services().census();
  {
    auto device = make_device<Bell>(bench_.context(), "other", 1'000'000);
    const auto done = device->prepare();
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().message, "/machine/other:bell: descriptor 1000000: Bad file descriptor");
  }
  EXPECT_EQ(bench_.services().census(), before);
}

TEST_F(EventFdTest, ADescriptorThatBlocksFailsThePrepare) {
  const Theirs theirs{0};
  auto device = make_device<Bell>(bench_.context(), "other", theirs.fd);
  const auto done = device->prepare();
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message.find("EFD_NONBLOCK"), std::string::npos);
}

TEST_F(EventFdTest, ADescriptorThatIsNoEventFdIsLookedAtOnce) {
  const int null = ::open("/dev/null", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  Bell& other = bench_.add<Bell>("other", 0x2000, null);
  ::close(null);
  EXPECT_EQ(run_loop(), 1U);
  EXPECT_EQ(other.seen, "");
}

TEST_F(EventFdTest, PreparedAndDroppedItsDescriptorIsClosed) {
  const auto before = bench_.services().census();
  {
    auto device = make_device<Bell>(bench_.context(), "other");
    EXPECT_EQ(device->bell.descriptor(), -1);
    ASSERT_TRUE(device->prepare());
    EXPECT_GE(device->bell.descriptor(), 0);
    EXPECT_EQ(descriptors(), 2);
    device->bell.signal();
    EXPECT_EQ(run_loop(), 0U) << "not published";
  }
  EXPECT_EQ(bench_.services().census(), before);
}

TEST_F(EventFdTest, APrepareThatFailsLaterClosesIt) {
  auto device = make_device<Bell>(bench_.context(), "other");
  FaultPlan last{.fail_at = 2};
  struct Tail : Part {
    explicit Tail(Device& device) : Part{device, "tail", "tail"} {}
  } tail{*device};
  bench_.context().faults = &last;
  EXPECT_FALSE(device->prepare());
  bench_.context().faults = nullptr;
  EXPECT_EQ(descriptors(), 1);
}

}  // namespace
}  // namespace holdfast::hw
