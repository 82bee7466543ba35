// SPDX-License-Identifier: Apache-2.0
// A socket whose device is unplugged, or whose client goes, at the worst moment: as input is about to
// be offered, room to be told, an event to be delivered, output to be put in.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <string>
#include <string_view>

#include "holdfast/chardev/socket.hpp"
#include "tests/support/probe.hpp"
#include "tests/support/schedule.hpp"
#include "tests/support/temp_file.hpp"
#include "tests/unit/chardev/backend_fixture.hpp"

namespace holdfast::test {
namespace {

using chardev::Chardev;
using chardev::Event;
using chardev::Socket;
using testing::Schedule;
using testing::Stop;
using testing::Thread;
using Stage = hw::Ticket::Stage;

constexpr std::uint64_t kOther = kHole + 0x1000;
constexpr std::size_t kCapacity = 256;

/// "a" at kHole, and its line, which is connected to nobody yet.
class ChardevRace : public ::testing::Test {
 protected:
  void SetUp() override {
    plug("a", kHole);
    settle();
  }

  Socket& make_line(Chardev::Sharing sharing) {
    auto made = Socket::make(machine->loop(), {.id = "line", .sharing = sharing},
                             {.address = address_, .server = true, .limits = {.capacity = kCapacity, .patience_ms = 20}});
    EXPECT_TRUE(made) << made.error().message;
    return dynamic_cast<Socket&>(machine->keep(std::move(*made)));
  }
  void plug(const std::string& name, std::uint64_t where) {
    plug_probe(machine, name, where,
               {.chardev = &line_,
                .on_write = [this](Probe& it, std::uint32_t count) { write_out(it, count); },
                .on_input = [this, name](Probe&, chardev::Bytes) { inputs += name; },
                .on_room = [this](Probe&) { ++rooms; },
                .on_event =
                    [this](Probe&, Event event) {
                      if (event == Event::kOpened) ++opened;
                      if (event == Event::kClosed) ++closed;
                    }});
  }
  void write_out(Probe& it, std::uint32_t count) {
    const std::string text(count, 'x');
    written = it.serial.write({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  }
  void connect() {
    peer = chardev::connect_to(address_, 10'000).value();
    while (!line_.is_open()) machine->loop().run_ready();
    settle();
  }
  void settle() {
    while (machine->loop().run_ready() != 0) {
    }
  }
  void put(std::string_view text) const {
    ASSERT_EQ(::send(peer.get(), text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  /// Has one turn of the loop, which finds what is ready now, on a thread that stops at `point`;
  /// meanwhile `act`; then it goes on. One turn only: jobs that `act` posts are this thread's.
  template <class Act>
  void meanwhile(const char* point, Act act) {
    Schedule schedule;
    Stop& stop = schedule.stop_at(point, "loop");
    Thread loop{"loop", [&] { machine->loop().run_ready(); }};
    stop.wait_reached();
    act();
    stop.release();
  }
  /// Fills the buffers up to the peer, which reads nothing, until output is refused.
  void fill() {
    do {
      machine.write32(kHole + Probe::kCall, kCapacity);
      settle();
    } while (written != 0);
  }
  void drain_peer() const {
    std::array<char, 65536> chunk;
    while (::recv(peer.get(), chunk.data(), chunk.size(), MSG_DONTWAIT) > 0) {
    }
  }

  chardev::Folder folder_;
  chardev::SocketAddress address_{.path = folder_ / "s"};
  TestMachine machine;
  Socket& line_ = make_line(Chardev::Sharing::kMux);
  const Census::Snapshot before = machine.census();
  Descriptor peer;
  std::string inputs;
  std::size_t written = 0;
  std::atomic<int> rooms = 0;
  std::atomic<int> opened = 0;
  std::atomic<int> closed = 0;
};

TEST_F(ChardevRace, InputAboutToBeOfferedToADeviceThatGoes) {
  connect();
  put("x");
  meanwhile("chardev.before_offer", [&] { EXPECT_TRUE(machine->unplug("a")->wait()); });
  EXPECT_EQ(inputs, "");
  EXPECT_EQ(machine.census(), before);
}

TEST_F(ChardevRace, InputInsideADeviceThatGoes) {
  connect();
  put("x");
  Ref<hw::Ticket> ticket;
  meanwhile("test.in_input", [&] {
    ticket = machine->unplug("a");
    machine->control().run_pending();
    EXPECT_EQ(ticket->stage(), Stage::kSevered);
  });
  EXPECT_TRUE(ticket->wait());
  EXPECT_EQ(inputs, "a");
}

TEST_F(ChardevRace, InputForOneThatGoesIsNotGivenToAnother) {
  plug("b", kOther);  // has the focus
  connect();
  put("x");
  meanwhile("chardev.before_offer", [&] { EXPECT_TRUE(machine->unplug("b")->wait()); });
  EXPECT_EQ(inputs, "");
  put("y");
  settle();
  EXPECT_EQ(inputs, "a");
}

TEST_F(ChardevRace, AnEventForADeviceThatGoes) {
  peer = chardev::connect_to(address_, 10'000).value();
  meanwhile("chardev.before_event", [&] { EXPECT_TRUE(machine->unplug("a")->wait()); });
  EXPECT_EQ(opened, 0);
}

TEST_F(ChardevRace, AnEndThatOneWillNotHearAndAnotherNeedNot) {
  connect();
  EXPECT_EQ(opened, 1);
  peer.close();
  meanwhile("chardev.before_event", [&] {
    EXPECT_TRUE(machine->unplug("a")->wait());
    plug("a", kHole);
  });
  settle();
  EXPECT_EQ(opened, 1);
  EXPECT_EQ(closed, 0);
}

TEST_F(ChardevRace, RoomForADeviceThatGoes) {
  connect();
  fill();
  drain_peer();
  const int before_it = rooms;
  meanwhile("chardev.before_room", [&] { EXPECT_TRUE(machine->unplug("a")->wait()); });
  EXPECT_EQ(rooms, before_it);
}

TEST_F(ChardevRace, AClientThatGoesWhileTheGuestWrites) {
  connect();
  Schedule schedule;
  Stop& stop = schedule.stop_at("chardev.before_put", "cpu");
  Thread cpu{"cpu", [&] { machine.write32(kHole + Probe::kCall, 7); }};
  stop.wait_reached();
  peer.close();
  // The event waits for the device that is writing, so it is somebody else who delivers it.
  Thread loop{"loop", [&] { machine->loop().run_ready(); }};
  while (line_.is_open()) std::this_thread::yield();
  stop.release();
  cpu.join();
  loop.join();
  EXPECT_EQ(written, 7U);  // taken, and forgotten
  EXPECT_EQ(closed, 1);
}

TEST_F(ChardevRace, AGuestThatWritesWhileTheClientGoes) {
  connect();
  peer.close();
  meanwhile("chardev.before_forgetting",
            [&] { EXPECT_TRUE(machine.write32(kHole + Probe::kCall, 7)); });
  EXPECT_EQ(written, 7U);
  connect();
  machine.write32(kHole + Probe::kCall, 1);
  settle();
  std::array<char, 16> text{};
  EXPECT_EQ(::recv(peer.get(), text.data(), text.size(), 0), 1);  // the seven were for the other one
}

TEST_F(ChardevRace, AClientThatGoesWhileTheGuestIsTurnedAway) {
  connect();
  fill();
  peer.close();
  settle();
  EXPECT_GT(rooms, 0);
  machine.write32(kHole + Probe::kCall, 1000);
  EXPECT_EQ(written, 1000U);
}

TEST_F(ChardevRace, AMachineThatEndsWithEverythingInFlight) {
  connect();
  fill();
  put("x");
  machine.end();
  drain_peer();
  char end = 0;
  EXPECT_EQ(::recv(peer.get(), &end, 1, 0), 0);
}

TEST(ChardevStream, ADeviceComesAndGoesUnderAStreamOfInputAndOutput) {
  constexpr int kRounds = 20;
  chardev::Folder folder;
  const chardev::SocketAddress address{.path = folder / "s"};
  TestMachine machine{boards::BoardPlan{"bare"}, {.control = machine::Machine::Control::kOwnThread}};
  Socket* line = nullptr;
  machine->run_job("make a line", [&] {
    auto made = Socket::make(machine->loop(), {.id = "line"}, {.address = address, .server = true});
    line = dynamic_cast<Socket*>(&machine->keep(std::move(*made)));
  });
  const Descriptor peer = chardev::connect_to(address, 10'000).value();
  const Census::Snapshot before = machine.census();
  std::atomic<bool> over = false;
  std::atomic<std::size_t> input = 0;
  Thread client{"client", [&] {
                  std::array<char, 4096> chunk{};
                  while (!over) {
                    ::send(peer.get(), "zzz", 3, MSG_NOSIGNAL | MSG_DONTWAIT);
                    ::recv(peer.get(), chunk.data(), chunk.size(), MSG_DONTWAIT);
                  }
                }};
  Thread cpu{"cpu", [&] {
               while (!over) machine.write32(kHole + Probe::kCall, 3);
             }};
  for (int i = 0; i < kRounds; ++i) {
    plug_probe(machine, "a", kHole,
               {.chardev = line,
                .on_write =
                    [](Probe& it, std::uint32_t) {
                      const std::array<std::uint8_t, 3> bytes{'x', 'y', '\n'};
                      it.serial.write(bytes);
                    },
                .on_input = [&](Probe&, chardev::Bytes bytes) { input += bytes.size(); }});
    const std::size_t seen = input;
    while (input == seen) std::this_thread::yield();  // it serves
    EXPECT_TRUE(machine->unplug("a")->wait());
  }
  over = true;
  cpu.join();
  client.join();
  EXPECT_EQ(machine.census(), before);
}

}  // namespace
}  // namespace holdfast::test
