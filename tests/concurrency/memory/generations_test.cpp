// SPDX-License-Identifier: Apache-2.0
// What a port remembers against edits, through links as well: old and new are never taken for each
// other, and never seen by halves.
#include "tests/support/memory_world.hpp"

namespace holdfast::testing {
namespace {

using memory::AddressSpace;
using memory::MemoryRegion;
using memory::Port;
using memory::Transaction;

constexpr std::uint64_t kA = 0x1000;
constexpr std::uint64_t kB = 0x2000;

/// A board everybody sees, and a CPU with things of its own above it.
class Links : public World {
 protected:
  Links() : World{{.link_children = 1}} {
    *private_ram_.block->host() = std::byte{1};
    *old_ram_.block->host() = std::byte{2};
    *new_ram_.block->host() = std::byte{3};
    put(kA, device_);
    commit(std::move(Transaction{}.add(overlay_, 0, board_, 0).add(overlay_, 0x9000, timer_.region, 1)));
    EXPECT_TRUE(cpu_space_.view().has_links());
  }
  Device device_{fabric_, "device", 0xa};
  Device timer_{fabric_, "timer", 0x7};
  Ram private_ram_{fabric_, "private", 0x1000};
  Ram old_ram_{fabric_, "old", 0x1000};
  Ram new_ram_{fabric_, "new", 0x1000};
  MemoryRegion overlay_ = MemoryRegion::container(fabric_, {.name = "overlay"});
  MemoryRegion board_ = MemoryRegion::alias(fabric_, {.name = "board"}, root_, 0);
  AddressSpace cpu_space_{fabric_, overlay_, {.name = "cpu with a timer"}};
  Port cpu_port_{cpu_space_};
  Schedule schedule_;
};

TEST_F(Links, AnEditBehindTheLinkIsSeenByWhoCachedWhatItFoundThroughIt) {
  EXPECT_EQ(read(cpu_port_, kA), Answer{0xa});
  auto above = std::make_unique<Device>(fabric_, "above", 0xb);
  put(kA, *above, 1);
  EXPECT_EQ(read(cpu_port_, kA), Answer{0xb});
  above.reset();
  EXPECT_EQ(read(cpu_port_, kA), Answer{0xa});
}

TEST_F(Links, AnEditBeforeTheLinkIsSeenByWhoCachedWhatItFoundThroughIt) {
  EXPECT_EQ(read(cpu_port_, kA), Answer{0xa});
  auto above = std::make_unique<Device>(fabric_, "above", 0xb);
  commit(std::move(Transaction{}.add(overlay_, kA, above->region, 1)));
  EXPECT_EQ(read(cpu_port_, kA), Answer{0xb});
  EXPECT_EQ(read(port_, kA), Answer{0xa});  // private
  above.reset();
  EXPECT_EQ(read(cpu_port_, kA), Answer{0xa});
}

TEST_F(Links, AReaderBetweenLookingUpThroughTheLinkAndTheGateGetsTheMapAfter) {
  auto bar = std::make_unique<Device>(fabric_, "bar", 0xb);
  put(kB, *bar);
  Stop& reader = schedule_.stop_at("memory.port.before_gate", "cpu");
  Answer answer{};
  Thread cpu{"cpu", [&] {
               Port port{cpu_space_};
               answer = read(port, kB);
             }};
  reader.wait_reached();
  commit(std::move(Transaction{}.move(bar->region, 0x5000)));
  reader.release();
  cpu.join();
  EXPECT_EQ(answer, kNobody);
}

TEST_F(Links, AReaderOnItsWayThroughTheLinkSeesATransactionWhole) {
  put(kB, old_ram_.region);
  commit(std::move(Transaction{}.set_enabled(private_ram_.region, false).add(overlay_, kB, private_ram_.region, 1)));
  Stop& reader = schedule_.stop_at("memory.find.at_link", "cpu");
  Answer answer{};
  Thread cpu{"cpu", [&] {
               Port port{cpu_space_};
               answer = read(port, kB);
             }};
  reader.wait_reached();  // it has the overlay's old root
  commit(std::move(Transaction{}
                       .remove(old_ram_.region)
                       .add(root_, kB, new_ram_.region)
                       .set_enabled(private_ram_.region, true)));
  reader.release();
  cpu.join();
  EXPECT_EQ(answer, Answer{1});  // 2 would be the map before; 3 was never to be seen here
}

TEST_F(Links, AReaderThatComesBetweenTwoPublishedViewsSeesATransactionWhole) {
  put(kB, old_ram_.region);
  commit(std::move(Transaction{}.add(overlay_, kB, private_ram_.region, 1)));
  Stop& writer = schedule_.stop_at("memory.publish.between_views", "control");
  Stop& through = schedule_.stop_at("memory.find.at_link", "cpu");
  Stop& once_more = schedule_.stop_at("memory.find.at_link", "cpu", 1);
  Thread control{"control", [&] {
                   commit(std::move(Transaction{}
                                        .set_enabled(private_ram_.region, false)
                                        .remove(old_ram_.region)
                                        .add(root_, kB, new_ram_.region)));
                 }};
  writer.wait_reached();
  Answer answer{};
  Thread cpu{"cpu", [&] {
               Port port{cpu_space_};
               answer = read(port, kB);
             }};
  through.wait_reached();
  through.release();
  once_more.wait_reached();  // while the writer stands where it stands
  writer.release();
  once_more.release();
  cpu.join();
  control.join();
  EXPECT_EQ(answer, Answer{3});
}

/// Another CPU, which a full-size alias lets see either overlay. Both overlays' views are there before.
class Rebinding : public Links {
 protected:
  Rebinding() {
    put(kB, old_ram_.region);
    commit(std::move(Transaction{}
                         .add(other_, 0, other_board_, 0)
                         .add(other_, kB, private_ram_.region, 1)));
    EXPECT_TRUE(other_space_.view().has_links());
    EXPECT_EQ(&switched_space_.view(), &cpu_space_.view());
  }
  /// The other overlay, and other memory behind the link: kB shows 2 before and 1 after; 3 is what the
  /// first overlay would show of the map after.
  void rebind_and_edit() {
    commit(std::move(Transaction{}
                         .set_alias(switch_, other_, 0)
                         .remove(old_ram_.region)
                         .add(root_, kB, new_ram_.region)));
  }
  Answer look() {
    Port port{switched_space_};
    return read(port, kB);
  }
  MemoryRegion other_ = MemoryRegion::container(fabric_, {.name = "other overlay"});
  MemoryRegion other_board_ = MemoryRegion::alias(fabric_, {.name = "board again"}, root_, 0);
  AddressSpace other_space_{fabric_, other_, {.name = "keeps the other view"}};
  MemoryRegion switch_ = MemoryRegion::alias(fabric_, {.name = "switch"}, overlay_, 0);
  AddressSpace switched_space_{fabric_, switch_, {.name = "cpu that is switched over"}};
};

TEST_F(Rebinding, AReaderThatComesBetweenTheEditBehindTheLinkAndTheNewViewSeesATransactionWhole) {
  Stop& writer = schedule_.stop_at("memory.publish.between_views", "control");
  Stop& through = schedule_.stop_at("memory.find.at_link", "cpu");
  Stop& once_more = schedule_.stop_at("memory.find.at_link", "cpu", 1);
  Thread control{"control", [&] { rebind_and_edit(); }};
  writer.wait_reached();
  Answer answer{};
  Thread cpu{"cpu", [&] { answer = look(); }};
  through.wait_reached();
  through.release();
  once_more.wait_reached();  // while the writer stands where it stands
  writer.release();
  once_more.release();
  cpu.join();
  control.join();
  EXPECT_EQ(answer, Answer{1});
}

TEST_F(Rebinding, AReaderWithTheOldViewInHandSeesATransactionWhole) {
  Stop& reader = schedule_.stop_at("memory.find.has_view", "cpu");
  Answer answer{};
  Thread cpu{"cpu", [&] { answer = look(); }};
  reader.wait_reached();
  rebind_and_edit();
  reader.release();
  cpu.join();
  EXPECT_EQ(answer, Answer{1});
}

// A link is dropped: the stamp loses the linked view's part, and what is left of it is the number
// under which a port remembers something that is long gone.
TEST_F(Links, AStampThatLosesALinkDoesNotComeBackToWhatItWas) {
  auto gone = std::make_unique<Device>(fabric_, "gone", 0xb);
  commit(std::move(Transaction{}
                       .add(overlay_, 0x9000, gone->region, 2)
                       .add(overlay_, 0xb000, private_ram_.region)));
  EXPECT_EQ(read(cpu_port_, 0x9000), Answer{0xb});
  const std::uint64_t remembered = cpu_space_.stamp();
  gone.reset();
  realm_.domain().barrier();
  const std::uint64_t base = cpu_space_.stamp() - cpu_space_.view().stamp();
  bool enabled = true;
  while (base + cpu_space_.view().generation() < remembered)
    commit(std::move(Transaction{}.set_enabled(private_ram_.region, enabled = !enabled)));
  ASSERT_EQ(base + cpu_space_.view().generation(), remembered);
  Stop& writer = schedule_.stop_at("memory.publish.links_stored", "control");
  Thread control{"control", [&] { commit(std::move(Transaction{}.remove(board_))); }};
  writer.wait_reached();
  EXPECT_EQ(read(cpu_port_, 0x9000), Answer{0x7});
  writer.release();
}

class Spaces : public World {
 protected:
  Schedule schedule_;
};

// A space changes its view: a port that remembers something of long ago meets the new view before
// the count of the old one is added.
TEST_F(Spaces, AStampDoesNotComeBackToWhatItWasWhileTheViewChanges) {
  auto gone = std::make_unique<Device>(fabric_, "gone", 0xb);
  Device here{fabric_, "here", 0xc};
  auto other_root = MemoryRegion::container(fabric_, {.name = "other"});
  commit(std::move(Transaction{}.add(other_root, kA, here.region)));
  put(kA, *gone);
  Port port{space_};
  EXPECT_EQ(read(port, kA), Answer{0xb});
  const std::uint64_t remembered = space_.stamp();
  gone.reset();
  realm_.domain().barrier();  // nothing is left of it
  for (int i = 0; i < 4; ++i) put(kB, memory::MemoryRegion::reservation(fabric_, {.name = "r", .size = 1}));
  EXPECT_GT(space_.stamp(), remembered);
  // The other root's view reaches the very number.
  AddressSpace keeps{fabric_, other_root, {.name = "keeps the view"}};
  bool enabled = true;
  while (keeps.view().stamp() < remembered)
    commit(std::move(Transaction{}.set_enabled(here.region, enabled = !enabled)));
  commit(std::move(Transaction{}.set_enabled(here.region, true)));
  Stop& writer = schedule_.stop_at("memory.publish.view_stored", "control");
  Thread control{"control", [&] { space_.set_root(other_root); }};
  writer.wait_reached();
  Answer answer{};
  Stop& waits = schedule_.stop_at("memory.space.between_views", "cpu");
  Thread cpu{"cpu", [&] { answer = read(port, kA); }};
  waits.wait_reached();
  waits.release();
  writer.release();
  cpu.join();
  control.join();
  EXPECT_EQ(answer, Answer{0xc});
}

TEST_F(Spaces, OneCpuIsToldByAnotherOfADeviceJustMappedAndSeesIt) {
  Device bridge{fabric_, "bridge", 0};
  Device fresh{fabric_, "fresh", 0xf};
  put(kA, bridge);
  bridge.on_write = [&] { fabric_.post(std::move(Transaction{}.add(root_, kB, fresh.region))); };
  Stop& missed = schedule_.stop_at("test.missed", "cpu 1");
  std::atomic<bool> told{false};  // the guest's message, with its fences
  Answer before{};
  Answer after{};
  Thread cpu_1{"cpu 1", [&] {
                 Port port{space_};
                 const auto section = port.section();  // one slice, from before the edit to behind it
                 before = read(port, kB);
                 HF_SCHEDULE_POINT("test.missed");
                 while (!told.load(std::memory_order_acquire)) {
                 }
                 after = read(port, kB);
               }};
  missed.wait_reached();
  missed.release();
  Thread cpu_0{"cpu 0", [&] {
                 Port port{space_};
                 write(port, kA, 1);
                 told.store(true, std::memory_order_release);
               }};
  cpu_0.join();
  cpu_1.join();
  EXPECT_EQ(before, kNobody);
  EXPECT_EQ(after, Answer{0xf});
}

}  // namespace
}  // namespace holdfast::testing
