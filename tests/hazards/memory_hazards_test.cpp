// SPDX-License-Identifier: Apache-2.0
// Lifetime bugs that shipped elsewhere, as far as they can be built from regions, spaces, gates and
// holds alone. Each leaves the machine's census as it was.
#include <array>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "holdfast/memory/cached_window.hpp"
#include "holdfast/memory/listener.hpp"
#include "holdfast/memory/mapping.hpp"
#include "tests/support/memory_world.hpp"

namespace holdfast::testing {
namespace {

using memory::AddressSpace;
using memory::BounceBudget;
using memory::CachedWindow;
using memory::Mapping;
using memory::MemoryRegion;
using memory::MemTxResult;
using memory::Port;
using memory::Subscription;
using memory::Transaction;

constexpr std::uint64_t kA = 0x1000;
constexpr std::uint64_t kB = 0x2000;
constexpr std::uint64_t kRam = 0x8000;

class MemoryHazards : public World {
 protected:
  void SetUp() override { before_ = settled_census(realm_); }
  void TearDown() override { EXPECT_EQ(settled_census(realm_), before_); }

 private:
  Census::Snapshot before_;
};

/// An owner of a container, a region in it, a window onto that, and a space that sees all that. The
/// members stand in the order that is worst for them.
struct Composite {
  Composite(memory::Fabric& fabric, Ref<gate::Gate> its_gate)
      : space{fabric, {.name = "inside"}},
        container{MemoryRegion::container(fabric, {.name = "container", .gate = its_gate})},
        part{fabric, "part", 0x1},
        window{MemoryRegion::alias(fabric, {.name = "window", .size = 0x100, .gate = its_gate}, part.region, 0)} {
    EXPECT_TRUE(fabric.commit(std::move(
        Transaction{}.add(container, kA, part.region).add(container, kB, window, 1))));
    space.set_root(container);
  }
  AddressSpace space;
  MemoryRegion container;
  Device part;
  MemoryRegion window;
};

TEST_F(MemoryHazards, H1_AContainerAndItsSubregionInOneOwnerThatIsOnlyLookedAt) {
  auto never_opened = gate::Gate::make(realm_, "device");
  for (int i = 0; i < 100; ++i) {
    auto container =
        MemoryRegion::container(fabric_, {.name = "container", .gate = never_opened});
    auto part = MemoryRegion::reservation(fabric_,
                                          {.name = "part", .size = 0x100, .gate = never_opened});
    commit(std::move(Transaction{}.add(container, 0, part)));
    if (i % 2 == 0) container = {};  // either order
  }
}

TEST_F(MemoryHazards, H2_ASpaceWhoseRootBelongsToTheSameOwner) {
  auto gate = gate::Gate::make(realm_, "device");
  {
    Composite unused{fabric_, gate};
    Composite used{fabric_, gate};
    Port port{used.space};
    EXPECT_EQ(read(port, kA), Answer{0x1});
    EXPECT_EQ(read(port, kB), Answer{0x1});
  }
}

TEST_F(MemoryHazards, H5_ASpaceMadeWithItsOwnerThatIsOnlyLookedAt) {
  for (int i = 0; i < 100; ++i) {
    const AddressSpace without_root{fabric_, {.name = "unused"}};
    const AddressSpace on_the_machine{fabric_, root_, {.name = "unused, too"}};
    EXPECT_FALSE(without_root.find(kA).found);
  }
}

TEST_F(MemoryHazards, H6_ARegionUnderAnOwnerThatIsNoDevice) {
  struct RegisterBlock {  // no gate, no type, no name in any tree
    explicit RegisterBlock(memory::Fabric& fabric)
        : registers{fabric, "block", 0x5, {.owned = false}} {}
    Device registers;
  };
  auto block = std::make_unique<RegisterBlock>(fabric_);
  put(kA, block->registers);
  // The guard against re-entrancy is the same …
  Port dma{space_};
  Answer inside{};
  block->registers.on_read = [&] { inside = read(dma, kA); };
  EXPECT_EQ(read(port_, kA), Answer{0x5});
  EXPECT_EQ(inside, kRefused);
  // … and so is the end.
  block.reset();
  EXPECT_EQ(read(port_, kA), kNobody);
}

TEST_F(MemoryHazards, H7_AHeapRegionIsFreedAtOnceWhileAnOldViewNamesIt) {
  Schedule schedule;
  Device below{fabric_, "below", 0x22};
  auto heap = std::make_unique<Device>(fabric_, "heap", 0x11);
  put(kA, below);
  put(kA, *heap, 1);
  Stop& reader = schedule.stop_at("memory.port.looked_up", "cpu");
  Answer answer{};
  Thread cpu{"cpu", [&] {
               Port port{space_};
               answer = read(port, kA);
             }};
  reader.wait_reached();
  heap.reset();
  reader.release();
  cpu.join();
  EXPECT_EQ(answer, Answer{0x22});
}

TEST_F(MemoryHazards, H9_AnArrayOfSpacesGoesAtOnceInsideASection) {
  Device device{fabric_, "device", 0x1};
  put(kA, device);
  struct Cpu {
    explicit Cpu(memory::Fabric& fabric, const MemoryRegion& root)
        : spaces{AddressSpace{fabric, root, {.name = "memory"}},
                 AddressSpace{fabric, root, {.name = "secure"}},
                 AddressSpace{fabric, {.name = "smm"}}} {}
    std::array<AddressSpace, 3> spaces;
  };
  auto cpu = std::make_unique<Cpu>(fabric_, root_);
  const auto section = port_.section();
  Port port{cpu->spaces[1]};  // names the control block, not the space
  EXPECT_EQ(read(port, kA), Answer{0x1});
  cpu.reset();
  EXPECT_EQ(read(port, kA), kNobody);
  EXPECT_EQ(read(port_, kA), Answer{0x1});
}

TEST_F(MemoryHazards, H10_AViewIsUsedAfterItsLastSpaceIsGone) {
  Schedule schedule;
  Device device{fabric_, "device", 0x1};
  auto other_root = MemoryRegion::container(fabric_, {.name = "other"});
  commit(std::move(Transaction{}.add(other_root, kA, device.region)));
  auto space = std::make_unique<AddressSpace>(fabric_, other_root, AddressSpace::Init{.name = "last"});
  Stop& reader = schedule.stop_at("test.has_view", "cpu");
  bool found_in_the_old_view = false;
  Thread cpu{"cpu", [&] {
               const rcu::Section section{realm_.domain()};
               const memory::View& view = space->view();
               HF_SCHEDULE_POINT("test.has_view");
               found_in_the_old_view = memory::find(fabric_, view, kA).found;
             }};
  reader.wait_reached();
  space.reset();
  // The view is dead, and so made anew for whoever wants the same next.
  AddressSpace again{fabric_, other_root, {.name = "again"}};
  reader.release();
  cpu.join();
  EXPECT_TRUE(found_in_the_old_view);
  EXPECT_TRUE(again.find(kA).found);
}

TEST_F(MemoryHazards, H11_ASpaceIsAMemberOfWhatIsFreedAndItsEndCanBeAwaited) {
  Schedule schedule;
  struct Owner {
    Owner(memory::Fabric& fabric, const MemoryRegion& root) : space{fabric, root, {.name = "dma"}} {}
    AddressSpace space;
  };
  Device device{fabric_, "device", 0x1};
  put(kA, device);
  auto owner = std::make_unique<Owner>(fabric_, root_);
  Stop& reader = schedule.stop_at("test.reading", "reader");
  Stop& blocked = schedule.stop_at("rcu.wait.blocked", "control");
  Thread cpu{"reader", [&] {
               const rcu::Section section{realm_.domain()};
               HF_SCHEDULE_POINT("test.reading");
             }};
  reader.wait_reached();
  std::atomic<bool> drained{false};
  Thread control{"control", [&] {
                   owner->space.set_root({});
                   owner->space.drain();
                   drained = true;
                   owner.reset();
                 }};
  blocked.wait_reached();
  EXPECT_FALSE(drained);
  blocked.release();
  reader.release();
  control.join();
  EXPECT_TRUE(drained);
}

TEST_F(MemoryHazards, H12_WhatAReaderRetiresWaitsForNobody) {
  Device device{fabric_, "device", 0x1};
  put(kA, device);
  const auto section = port_.section();
  for (unsigned i = 0; i < 1000; ++i)  // several times what makes retire() look for garbage
    commit(std::move(Transaction{}.move(device.region, kA + 0x100 * (i % 7))));
  EXPECT_GT(realm_.domain().garbage().objects, 0U);
}

TEST_F(MemoryHazards, H13_AStuckReaderDuringAStormOfEditsPacesTheWriters) {
  Schedule schedule;
  gate::Realm realm{"paced", {.budget_bytes = 64 * 1024}};
  const auto before = realm.census().take();
  {
    memory::Fabric fabric{realm};
    auto root = MemoryRegion::container(fabric, {.name = "system"});
    Device device{fabric, "device", 0x1};
    ASSERT_TRUE(fabric.commit(std::move(Transaction{}.add(root, kA, device.region))));
    const AddressSpace space{fabric, root, {.name = "cpu"}};
    Stop& stuck = schedule.stop_at("test.stuck", "cpu");
    Stop& paced = schedule.stop_at("rcu.wait.blocked", "writer");
    Thread cpu{"cpu", [&] {
                 const rcu::Section section{realm.domain()};
                 HF_SCHEDULE_POINT("test.stuck");
               }};
    stuck.wait_reached();
    std::atomic<int> edits{0};
    Thread writer{"writer", [&] {
                    for (; edits < 10'000; ++edits)
                      EXPECT_TRUE(fabric.commit(std::move(Transaction{}.move(
                          device.region, kA + 0x100 * static_cast<unsigned>(edits % 7)))));
                  }};
    paced.wait_reached();
    EXPECT_LT(edits, 10'000);
    EXPECT_GT(realm.domain().garbage().bytes, 64U * 1024);
    EXPECT_LT(realm.domain().garbage().bytes, 80U * 1024);
    ASSERT_EQ(realm.domain().readers().size(), 1U);  // and who it is can be told
    stuck.release();
    paced.release();
  }
  EXPECT_EQ(settled_census(realm), before);
}

TEST_F(MemoryHazards, H17_ARingIsTornDownAfterTheMemoryItNames) {
  auto ram = std::make_unique<Ram>(fabric_, "queue", 0x1000);
  put(kRam, ram->region);
  auto space = std::make_unique<AddressSpace>(fabric_, root_, AddressSpace::Init{.name = "dma"});
  CachedWindow ring{space->control(), *Extent::of_size(kRam, 0x100)};
  std::uint64_t value = 0;
  EXPECT_EQ(ring.store(8, 8, 42), MemTxResult::kOk);
  ram.reset();
  EXPECT_EQ(ring.load(8, 8, value), MemTxResult::kDecodeError);
  space.reset();
  EXPECT_EQ(ring.load(8, 8, value), MemTxResult::kDecodeError);
  EXPECT_EQ(value, 0U);
}

TEST_F(MemoryHazards, H19_AListenerOfAnOwnerThatFailedToComeUp) {
  struct Failover final : memory::LayoutListener {
    Failover(memory::Fabric& fabric, AddressSpace& space, int& its_calls)
        : calls{its_calls}, subscription{space, *this}, part{fabric, "failover", 0x1} {
      throw std::runtime_error{"no peer"};
    }
    void region_del(const memory::Section&) override { ++calls; }
    void region_add(const memory::Section&) override { ++calls; }
    int& calls;
    Subscription subscription;
    Device part;
  };
  Device device{fabric_, "device", 0x1};
  put(kA, device);
  int calls = 0;
  EXPECT_THROW((Failover{fabric_, space_, calls}), std::runtime_error);
  const int replayed = calls;
  EXPECT_EQ(replayed, 2);  // came and went
  commit(std::move(Transaction{}.move(device.region, kB)));
  EXPECT_EQ(calls, replayed);
}

TEST_F(MemoryHazards, H27_ADeviceWhoseDmaMeansItsOwnRegisters) {
  Device device{fabric_, "device", 0x1};
  put(kA, device);
  auto window = MemoryRegion::alias(fabric_, {.name = "window", .size = 0x100}, device.region, 0);
  put(kB, window);
  Port dma{space_};
  for (const std::uint64_t target : {kA, kB}) {
    for (int i = 0; i < 3; ++i) {
      Answer answer{};
      MemTxResult written{};
      std::array<std::byte, 64> bytes{};
      MemTxResult copied{};
      device.on_write = [&] {
        answer = read(dma, target);
        written = write(dma, target, 1);
        copied = dma.write(target, bytes);
      };
      write(port_, kA, 1);
      EXPECT_EQ(answer, kRefused);
      EXPECT_EQ(written, MemTxResult::kAccessError);
      EXPECT_EQ(copied, MemTxResult::kAccessError);
    }
  }
  EXPECT_EQ(device.reads, 0U);
  EXPECT_EQ(device.writes, 6U);
  EXPECT_FALSE(device.region.control()->first_warning());  // given, and given once
  window = {};
}

TEST_F(MemoryHazards, H29_AnUnmapNeverGoesBeyondWhatWasMapped) {
  Ram ram{fabric_, "ram", 0x1000};
  Device device{fabric_, "device", 0x1};
  put(kRam, ram.region);
  put(kA, device);
  auto budget = std::make_shared<BounceBudget>();
  const auto map = [&](std::uint64_t address, std::uint64_t length) {
    return Mapping::make(space_.control(), budget,
                         {.address = address, .length = length,
                          .direction = Mapping::Direction::kToGuest, .who = "request"});
  };
  // What was granted is less than what was wanted, and that counts.
  auto held = map(kRam + 0xf00, 0x1000);
  ASSERT_TRUE(held);
  EXPECT_EQ(held->bytes().size(), 0x100U);
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(held->finish(0x101), "a mapping of 256 bytes is finished with 257");
  // A buffer holds zeroes, not what the host had there.
  for (int i = 0; i < 8; ++i) {
    auto bounced = map(kA, 0x40);
    ASSERT_TRUE(bounced && bounced->is_bounced());
    for (const std::byte byte : bounced->bytes()) EXPECT_EQ(byte, std::byte{0});
    std::memset(bounced->bytes().data(), 0xee, bounced->bytes().size());
    bounced->finish(4);
    EXPECT_EQ(device.writes, static_cast<unsigned>(i) + 1);  // four bytes of the sixty-four
    EXPECT_EQ(device.written, 0xeeee'eeeeU);
  }
}

TEST_F(MemoryHazards, H30_WhoFindsNoBounceRoomIsWokenAndNothingFails) {
  Device peer{fabric_, "peer", 0x1};
  Device master{fabric_, "master", 0x2};
  put(kA, peer);
  put(kB, master);
  auto budget = std::make_shared<BounceBudget>(std::size_t{64});
  const auto map = [&] {
    return Mapping::make(space_.control(), budget,
                         {.address = kA, .length = 64,
                          .direction = Mapping::Direction::kToGuest, .who = "request"});
  };
  std::vector<Mapping> in_flight;
  auto first = map();
  ASSERT_TRUE(first);
  in_flight.push_back(std::move(*first));
  int completed = 0;
  // The queue's next request finds no room, and goes on when told; from its gate, like all it does.
  // It is an event of the device's own, not an access that came back to it.
  std::function<void()> next = [&] {
    const gate::Use use{"bounce room"};
    const gate::Pass pass{*master.gate, use, gate::Reentry::kAllow};
    ASSERT_TRUE(pass);
    auto request = map();
    if (!request) return budget->when_room(next);
    request->finish(4);
    ++completed;
  };
  next();
  next();
  EXPECT_EQ(completed, 0);
  bool woken_inside = false;
  master.on_write = [&] {  // the first request ends inside the device
    in_flight.front().finish(4);
    in_flight.clear();
    woken_inside = completed != 0;
  };
  write(port_, kB, 1);
  EXPECT_FALSE(woken_inside);
  EXPECT_EQ(completed, 2);
  EXPECT_EQ(budget->in_use(), 0U);
  EXPECT_EQ(peer.writes, 3U);
}

TEST_F(MemoryHazards, H31_AnAccessWiderThanTheDeviceDeclares) {
  struct Narrow final : memory::MmioHandler {
    MemTxResult read(std::uint64_t offset, unsigned size, std::uint64_t& value,
                     memory::MemTxAttrs) override {
      EXPECT_LE(size, widest);
      EXPECT_LE(offset + size, 16U);
      value = 0;
      ++calls;
      return MemTxResult::kOk;
    }
    MemTxResult write(std::uint64_t offset, unsigned size, std::uint64_t,
                      memory::MemTxAttrs) override {
      EXPECT_LE(size, widest);
      EXPECT_LE(offset + size, 16U);
      ++calls;
      return MemTxResult::kOk;
    }
    unsigned widest = 0;
    int calls = 0;
  };
  for (const std::uint8_t declared : std::array<std::uint8_t, 4>{1, 2, 4, 8}) {
    Narrow handler;
    handler.widest = declared;
    auto region = MemoryRegion::mmio(
        fabric_, {.name = "narrow", .size = 16},
        {.handler = handler, .rules = {.valid = {.max = declared}, .impl = {.max = declared}}});
    put(kA, region);
    for (const unsigned size : {1U, 2U, 4U, 8U}) {
      for (std::uint64_t offset = 0; offset + size <= 16; offset += size) {
        handler.calls = 0;
        const bool fits = size <= declared;
        EXPECT_EQ(read(port_, kA + offset, size).result,
                  fits ? MemTxResult::kOk : MemTxResult::kDecodeError);
        EXPECT_EQ(write(port_, kA + offset, 1, size),
                  fits ? MemTxResult::kOk : MemTxResult::kDecodeError);
        EXPECT_EQ(handler.calls, fits ? 2 : 0);
      }
    }
    // A long transfer is cut into what the device accepts, and ends where the region does.
    std::array<std::byte, 32> bytes{};
    EXPECT_EQ(port_.read(kA, bytes), MemTxResult::kDecodeError);
    EXPECT_EQ(port_.write(kA + 1, bytes), MemTxResult::kDecodeError);
  }
}

}  // namespace
}  // namespace holdfast::testing
