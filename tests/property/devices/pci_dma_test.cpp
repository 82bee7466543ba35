// SPDX-License-Identifier: Apache-2.0
// What functions do by DMA: scatter lists of any shape over RAM, a peer's registers, addresses where
// nothing is and the function's own, beside a byte-by-byte account; room for bounced bytes that runs out;
// functions that go meanwhile.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <vector>

#include "tests/support/pci_copier.hpp"
#include "tests/support/pci_world.hpp"

namespace holdfast::test {
namespace {

namespace command = pci::command;
using memory::MemTxResult;
using pci_map::kLow;
using pci_map::kRam;

constexpr std::uint64_t kCopier = kLow;
constexpr std::uint64_t kBox = kLow + 0x1'0000;
constexpr std::uint64_t kNoFunction = kLow + 0x2'0000;  // of the bus: reads ones, takes writes
constexpr std::uint64_t kNothing = 0x1000'0000;         // no bus's: an error
constexpr std::uint64_t kBytes = 0x1000;                // of each place that lists reach
constexpr std::uint64_t kBudget = 64;

class PciDma {
 public:
  PciDma() {
    EXPECT_TRUE(world.plug<PciCopier>("copier", "1", PciCopier::Config{.budget = budget}));
    EXPECT_TRUE(world.plug<PciBox>("box", "2"));
    map(1, kCopier);
    map(2, kBox);
  }
  void map(unsigned device, std::uint64_t at) {
    world.set_config(device, pci::reg::kBar0, 4, static_cast<std::uint32_t>(at));
    world.set_config(device, pci::reg::kCommand, 2, command::kMemory | command::kBusMaster);
  }
  PciCopier& copier() { return world.get<PciCopier>("copier"); }
  PciBox& box() { return world.get<PciBox>("box"); }
  void go(ScatterList from, ScatterList to) {
    copier().set_lists(std::move(from), std::move(to));
    world.write32(kCopier + PciCopier::kGo, 1);
  }
  std::uint32_t done() { return world.read32(kCopier + PciCopier::kDone); }
  std::uint8_t ram(std::uint64_t offset) { return static_cast<std::uint8_t>(world.load(kRam + offset, 1)); }

  std::shared_ptr<memory::BounceBudget> budget = std::make_shared<memory::BounceBudget>(kBudget);
  PciWorld world;
  const Census::Snapshot before = world->census();
};

enum class Place : std::uint8_t { kInRam, kInBox, kAtNobody, kOutside, kOwn };
struct Piece {
  Place place;
  std::uint64_t offset;
  std::uint64_t length;
};
using Pieces = std::vector<Piece>;

std::uint64_t base(Place place) {
  constexpr std::uint64_t kBases[] = {kRam, kBox, kNoFunction, kNothing, kCopier + PciCopier::kOwn};
  return kBases[static_cast<unsigned>(place)];
}
ScatterList list_of(const Pieces& pieces) {
  ScatterList list;
  for (const Piece& piece : pieces) list.push_back({base(piece.place) + piece.offset, piece.length});
  return list;
}
bool has(const Pieces& pieces, Place place) {
  return std::ranges::any_of(pieces, [&](const Piece& piece) { return piece.place == place; });
}
std::uint64_t length_of(const Pieces& pieces) {
  return std::accumulate(pieces.begin(), pieces.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const Piece& piece) { return sum + piece.length; });
}

Pieces any_pieces() {
  Pieces pieces;
  const auto count = *rc::gen::inRange(1, 8);
  for (int i = 0; i < count; ++i) {
    Piece piece{.place = static_cast<Place>(*rc::gen::inRange(0, 5)),
                .offset = *rc::gen::inRange<std::uint64_t>(0, kBytes),
                .length = *rc::gen::inRange<std::uint64_t>(1, 200)};
    if (piece.place == Place::kOwn) piece = {Place::kOwn, 0, 4};
    piece.length = std::min(piece.length, kBytes - piece.offset);
    pieces.push_back(piece);
  }
  return pieces;
}
/// Both lists as long as the shorter one.
void cut(Pieces& pieces, std::uint64_t length) {
  for (auto piece = pieces.begin(); piece != pieces.end(); ++piece) {
    if (piece->length < length) {
      length -= piece->length;
      continue;
    }
    piece->length = length;
    pieces.erase(piece + 1, pieces.end());
    return;
  }
}

/// What the places hold, byte by byte.
struct Account {
  std::vector<std::uint8_t> ram = std::vector<std::uint8_t>(kBytes);
  std::vector<std::uint8_t> box = std::vector<std::uint8_t>(kBytes);

  std::uint8_t read(Place place, std::uint64_t at) const {
    switch (place) {
      case Place::kInRam:
        return ram[at];
      case Place::kInBox:
        return box[at];
      case Place::kAtNobody:
        return 0xff;
      default:
        return 0;  // an error
    }
  }
  void write(Place place, std::uint64_t at, std::uint8_t value) {
    if (place == Place::kInRam) ram[at] = value;
    if (place == Place::kInBox) box[at] = value;
  }
  void copy(const Pieces& from, const Pieces& to) {
    std::vector<std::uint8_t> bytes;
    for (const Piece& piece : from)
      for (std::uint64_t i = 0; i < piece.length; ++i)
        bytes.push_back(read(piece.place, piece.offset + i));
    auto next = bytes.begin();
    for (const Piece& piece : to)
      for (std::uint64_t i = 0; i < piece.length; ++i) write(piece.place, piece.offset + i, *next++);
  }
};

RC_GTEST_PROP(PciDmaProperty, ListsOfAnyShapeAreCopiedByteByByte, ()) {
  PciDma dma;
  Account account;
  for (std::uint64_t i = 0; i < kBytes; ++i) {
    account.ram[i] = static_cast<std::uint8_t>(i * 7 + 1);
    account.box[i] = static_cast<std::uint8_t>(i * 5 + 2);
    dma.world.store(kRam + i, 1, account.ram[i]);
    dma.box().bytes[i] = account.box[i];
  }
  for (int copies = *rc::gen::inRange(1, 4); copies > 0; --copies) {
    Pieces from = any_pieces();
    Pieces to = any_pieces();
    const std::uint64_t length = std::min(length_of(from), length_of(to));
    cut(from, length);
    cut(to, length);
    const std::uint32_t before = dma.done();
    dma.go(list_of(from), list_of(to));
    RC_ASSERT(dma.done() == before + 1);
    account.copy(from, to);
    // What is written to another device is on its way when the copy is done, its outcome not known.
    RC_ASSERT((dma.copier().result() & MemTxResult::kAccessError) ==
              (has(from, Place::kOwn) || has(to, Place::kOwn)));
    RC_ASSERT((dma.copier().result() & MemTxResult::kDecodeError) ==
              (has(from, Place::kOutside) || has(to, Place::kOutside)));
    for (std::uint64_t i = 0; i < kBytes; ++i) {
      RC_ASSERT(dma.ram(i) == account.ram[i]);
      RC_ASSERT(dma.box().bytes[i] == account.box[i]);
    }
    RC_ASSERT(dma.world.read32(kCopier + PciCopier::kOwn) == 0U);
    RC_ASSERT(dma.budget->in_use() == 0U);
  }
  RC_ASSERT(dma.world.unplug("copier"));
}

TEST(PciDma, GoesByTheFunctionsRequesterId) {
  PciDma dma;
  dma.go({{kRam, 4}}, {{kBox, 4}});
  EXPECT_EQ(dma.box().last_writer, 1U << 3);
}

TEST(PciDma, WithoutBusMasterThereIsNothing) {
  PciDma dma;
  dma.world.set_config(1, pci::reg::kCommand, 2, command::kMemory);
  dma.world.store(kRam, 1, 0x55);
  dma.go({{kRam, 1}}, {{kRam + 1, 1}});
  EXPECT_EQ(dma.done(), 1U);
  EXPECT_EQ(dma.ram(1), 0U);
  EXPECT_TRUE(dma.copier().result() & MemTxResult::kDecodeError);
}

// All of the room is somebody else's: nothing is lost, nothing is refused.
TEST(PciDma, WaitsForRoomToBounce) {
  PciDma dma;
  ASSERT_EQ(dma.budget->take(kBudget), kBudget);
  dma.go({{kRam, 200}, {kBox, 200}}, {{kRam + 0x800, 400}});
  EXPECT_EQ(dma.done(), 0U);
  EXPECT_TRUE(dma.copier().is_waiting());
  memory::BounceBudget::give_back(dma.budget, kBudget);
  EXPECT_EQ(dma.done(), 1U);
  EXPECT_EQ(dma.budget->in_use(), 0U);
}

TEST(PciDma, AFunctionThatWaitsForRoomCanGo) {
  PciDma dma;
  ASSERT_EQ(dma.budget->take(kBudget), kBudget);
  dma.go({{kBox, 200}}, {{kRam, 200}});
  EXPECT_TRUE(dma.copier().is_waiting());
  EXPECT_TRUE(dma.world.unplug("copier"));
  memory::BounceBudget::give_back(dma.budget, kBudget);
  EXPECT_EQ(dma.budget->in_use(), 0U);
  EXPECT_TRUE(dma.world.unplug("box"));
}

TEST(PciDma, APeerThatHasGoneIsLikeNothing) {
  PciDma dma;
  dma.world.store(kRam, 4, 0x12345678);
  EXPECT_TRUE(dma.world.unplug("box"));
  dma.go({{kBox, 4}, {kRam, 4}}, {{kRam + 8, 4}, {kBox, 4}});
  EXPECT_EQ(dma.done(), 1U);
  EXPECT_EQ(dma.world.read32(kRam + 8), 0xffff'ffffU);
}

}  // namespace
}  // namespace holdfast::test
