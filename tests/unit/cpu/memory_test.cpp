// SPDX-License-Identifier: Apache-2.0
// Loads and stores: widths, misalignment, devices, faults; page tables; what a changed map does.
#include <gtest/gtest.h>

#include "bench.hpp"

namespace holdfast::test::riscv {
namespace {

using memory::MemTxResult;

TEST(Loads, ExtendAsTheirNamesSay) {
  Bench bench;
  bench.memory->write(kData, std::uint64_t{0x8182'8384'8586'8788});
  bench.set_x(kA1, kData);
  const std::pair<Word, std::uint64_t> cases[] = {{lb(kA0, kA1), 0xffff'ffff'ffff'ff88},
                                                  {lh(kA0, kA1), 0xffff'ffff'ffff'8788},
                                                  {lw(kA0, kA1), 0xffff'ffff'8586'8788},
                                                  {ld(kA0, kA1), 0x8182'8384'8586'8788},
                                                  {lbu(kA0, kA1), 0x88},
                                                  {lhu(kA0, kA1), 0x8788},
                                                  {lwu(kA0, kA1), 0x8586'8788}};
  for (const auto& [instruction, expected] : cases) {
    bench.run({instruction});
    EXPECT_EQ(bench.x(kA0), expected) << std::hex << instruction;
  }
}

TEST(Loads, AndStoresWorkMisalignedAlsoAcrossPages) {
  Bench bench;
  const std::uint64_t value = 0x1122'3344'5566'7788;
  bench.set_x(kA1, kData);
  bench.set_x(kA2, value);
  for (const std::int32_t offset : {1, 3, 5, 0x7f9}) {
    bench.set_x(kA1, kData + 0x800);
    bench.run({sd(kA2, kA1, offset), ld(kA0, kA1, offset), lhu(kA3, kA1, offset + 1),
               lw(kA4, kA1, offset + 2)});
    EXPECT_EQ(bench.x(kA0), value) << offset;
    EXPECT_EQ(bench.x(kA3), 0x6677u);
    EXPECT_EQ(bench.x(kA4), 0x3344'5566u);
    EXPECT_EQ(bench.memory->read(kData + 0x800 + static_cast<unsigned>(offset)), value);
  }
}

TEST(Stores, WriteTheirWidthAndNoMore) {
  Bench bench;
  bench.set_x(kA1, kData);
  bench.set_x(kA2, ~std::uint64_t{0});
  bench.run({sb(kA2, kA1, 1), sh(kA2, kA1, 8), sw(kA2, kA1, 20)});
  EXPECT_EQ(bench.memory->read(kData), 0xff00u);
  EXPECT_EQ(bench.memory->read(kData + 8), 0xffffu);
  EXPECT_EQ(bench.memory->read(kData + 16), 0xffff'ffff'0000'0000u);
}

TEST(AccessFaults, NameTheAddressAndChangeNoRegister) {
  Bench bench;
  bench.set_x(kA0, 7);
  bench.set_x(kA1, 0x4000'0000);
  bench.run({nop(), lw(kA0, kA1, 4)});
  EXPECT_TRUE(bench.trapped());
  EXPECT_EQ(bench.cause(), Cause::kLoadAccess);
  EXPECT_EQ(bench.csr_value(csr::kMtval), 0x4000'0004u);
  EXPECT_EQ(bench.csr_value(csr::kMepc), kProgram + 4);
  EXPECT_EQ(bench.x(kA0), 7u);
  bench.run({sw(kA0, kA1, 8)});
  EXPECT_EQ(bench.cause(), Cause::kStoreAccess);
  EXPECT_EQ(bench.csr_value(csr::kMtval), 0x4000'0008u);
  bench.run({jalr(0, kA1, 0)});
  EXPECT_EQ(bench.cause(), Cause::kInstructionAccess);
  EXPECT_EQ(bench.csr_value(csr::kMepc), 0x4000'0000u);
}

/// A device of one register that counts accesses.
struct Register {
  explicit Register(Bench& bench)
      : device{*bench.memory, 0x1000'0000,
               [this](std::uint64_t, unsigned size, std::uint64_t& v) {
                 ++loads;
                 last_size = size;
                 v = value;
                 if (effect) effect();
                 return result;
               },
               [this](std::uint64_t, unsigned size, std::uint64_t v) {
                 ++stores;
                 last_size = size;
                 value = v;
                 if (effect) effect();
                 return result;
               }} {}
  unsigned loads = 0, stores = 0, last_size = 0;
  std::uint64_t value = 0;
  MemTxResult result = MemTxResult::kOk;
  std::function<void()> effect;
  Device device;
};

/// A page of RAM that is nowhere yet.
struct Page {
  explicit Page(Memory& memory)
      : block{memory.block(0x1000)},
        region{memory::MemoryRegion::ram(memory.fabric, {.name = "page", .size = 0x1000}, block)} {}
  ~Page() {
    region = {};  // out of the map first
    block->close();
  }
  Ref<memory::RamBlock> block;
  memory::MemoryRegion region;
};

TEST(Devices, SeeEachAccessOnceAndWhole) {
  Bench bench;
  Register device{bench};
  device.value = 0x80;
  bench.set_x(kA1, 0x1000'0000);
  bench.run({lb(kA0, kA1), lbu(kA2, kA1), sw(kA1, kA1)});
  EXPECT_EQ(bench.x(kA0), 0xffff'ffff'ffff'ff80u);
  EXPECT_EQ(bench.x(kA2), 0x80u);
  EXPECT_EQ(device.loads, 2u);
  EXPECT_EQ(device.stores, 1u);
  EXPECT_EQ(device.last_size, 4u);
  EXPECT_EQ(device.value, 0x1000'0000u);
}

TEST(Devices, AnErrorIsAnAccessFault) {
  Bench bench;
  Register device{bench};
  device.result = MemTxResult::kError;
  bench.set_x(kA1, 0x1000'0000);
  bench.run({sw(kA0, kA1)});
  EXPECT_EQ(bench.cause(), Cause::kStoreAccess);
}

TEST(Devices, AtomicsOnThemAreALoadAndAStore) {
  Bench bench;
  Register device{bench};
  device.value = 40;
  bench.set_x(kA1, 0x1000'0000);
  bench.set_x(kA2, 2);
  bench.run({amo(0, kWordWidth, kA0, kA1, kA2)});
  EXPECT_EQ(bench.x(kA0), 40u);
  EXPECT_EQ(device.value, 42u);
}

// What a device does to the map when it is accessed: by a store, and by a load.
class MapChangesBy : public testing::TestWithParam<Word> {
 protected:
  MapChangesBy() { bench.set_x(kA1, 0x1000'0000); }
  Bench bench;
  Register device{bench};
  Page page{*bench.memory};
};

INSTANTIATE_TEST_SUITE_P(Accesses, MapChangesBy, testing::Values(sw(kZero, kA1), lw(kA5, kA1)));

TEST_P(MapChangesBy, AreSeenByTheInstructionAfterTheOneThatCausedThem) {
  bench.set_x(kA2, kData);
  bench.memory->write(kData, std::uint64_t{0x11});
  page.block->host()[0] = std::byte{0x77};
  device.effect = [&] { bench.memory->place(kData, page.region); };
  bench.run({ld(kA3, kA2), GetParam(), ld(kA4, kA2), sb(kA1, kA2)});
  EXPECT_EQ(bench.x(kA3), 0x11u);
  EXPECT_EQ(bench.x(kA4), 0x77u);
  EXPECT_EQ(page.block->host()[0], std::byte{0});
  EXPECT_EQ(bench.memory->read(kData), 0x11u);
}

TEST_P(MapChangesBy, CodeThatWasDecodedAheadIsNotRun) {
  const Word replacement[] = {nop(), li(kA0, 2), wfi()};
  std::memcpy(page.block->host(), replacement, sizeof replacement);
  device.effect = [&] { bench.memory->place(kProgram, page.region); };
  bench.run({GetParam(), li(kA0, 1)});
  EXPECT_EQ(bench.x(kA0), 2u);
}

TEST(MapChanges, BetweenSlicesAreSeenByTheNext) {
  Bench bench;
  Page page{*bench.memory};
  bench.set_x(kA2, kData);
  bench.run({ld(kA3, kA2)});
  page.block->host()[0] = std::byte{0x77};
  bench.memory->place(kData, page.region);
  bench.run({ld(kA3, kA2)});
  EXPECT_EQ(bench.x(kA3), 0x77u);
  page.region = {};  // gone: the RAM below shows again
  bench.run({ld(kA3, kA2)});
  EXPECT_EQ(bench.x(kA3), 0u);
}

TEST(Fetch, FromADeviceRunsOneInstructionAtATime) {
  Bench bench;
  const Device device{*bench.memory, 0x2000'0000,
                      [](std::uint64_t offset, unsigned, std::uint64_t& v) {
                        const Word code[] = {li(kA0, 3), addi(kA0, kA0, 4), wfi()};
                        v = offset / 4 < 3 ? code[offset / 4] >> (offset % 4 * 8) & 0xffff : 0;
                        return MemTxResult::kOk;
                      },
                      [](std::uint64_t, unsigned, std::uint64_t) { return MemTxResult::kOk; }};
  bench.hart.set_pc(0x2000'0000);
  EXPECT_EQ(bench.go(), Stop::kWaiting);
  EXPECT_EQ(bench.x(kA0), 7u);
}

TEST(Fetch, AnInstructionAcrossTwoPagesIsWhole) {
  Bench bench;
  const std::uint64_t start = kRamBase + 0x3ffe;
  bench.memory->write_code(start, {li(kA0, 9), wfi()});
  bench.hart.set_pc(start);
  EXPECT_EQ(bench.go(), Stop::kWaiting);
  EXPECT_EQ(bench.x(kA0), 9u);
}

// Code that is stored to --------------------------------------------------------------------------

/// Calls a function, has it overwritten by one instruction, and calls it again.
struct Rewritten : Bench {
  static constexpr std::uint64_t kFunction = kProgram + 0x100;
  Rewritten() {
    set_x(kA1, kFunction);
    set_x(kA2, li(kA0, 2));
    memory->write_code(kFunction, {li(kA0, 1), jalr(0, kRa, 0)});
  }
  void run_around(Word store) {
    run({jal(kRa, 0x100), add(kA3, kA0, kZero), store, jal(kRa, 0x100 - 12)});
  }
};

TEST(StoresToCode, AreExecutedFromTheNextInstructionOn) {
  const Word stores[] = {sw(kA2, kA1), amo(1, kWordWidth, kZero, kA1, kA2)};
  for (const Word store : stores) {
    Rewritten bench;
    bench.run_around(store);
    EXPECT_EQ(bench.x(kA3), 1u);
    EXPECT_EQ(bench.x(kA0), 2u) << std::hex << store;
  }
}

TEST(StoresToCode, AreExecutedThoughTheyStandInTheSameBlock) {
  Bench bench;
  bench.set_x(kA1, kProgram);
  bench.set_x(kA2, li(kA0, 2));
  bench.set_x(kA3, 0x20);  // a byte of the immediate
  bench.set_x(kA4, kProgram + 12);
  for (const Word store : {sw(kA2, kA1, 12), sb(kA3, kA1, 14), amo(1, kWordWidth, kZero, kA4, kA2)}) {
    bench.run({nop(), nop(), store, li(kA0, 1)});
    EXPECT_EQ(bench.x(kA0), 2u) << std::hex << store;
  }
}

TEST(StoresToCode, ByConditionalStoresBlocksAndMisalignedOnesCountToo) {
  Rewritten conditional;
  conditional.run({jal(kRa, 0x100), lr(kWordWidth, kA3, kA1), sc(kWordWidth, kA4, kA1, kA2),
                   jal(kRa, 0x100 - 12)});
  EXPECT_EQ(conditional.x(kA4), 0u);
  EXPECT_EQ(conditional.x(kA0), 2u);

  Rewritten cleared;  // zeros are no instruction
  cleared.run({jal(kRa, 0x100), cbo_zero(kA1), jal(kRa, 0x100 - 8)});
  EXPECT_EQ(cleared.cause(), Cause::kIllegalInstruction);
  EXPECT_EQ(cleared.csr_value(csr::kMepc), Rewritten::kFunction);

  Rewritten misaligned;  // the upper half of one instruction and the lower one of the next
  misaligned.set_x(kA2, (jalr(0, kRa, 0) & 0xffff) << 16 | li(kA0, 2) >> 16);
  misaligned.run_around(sw(kA2, kA1, 2));
  EXPECT_EQ(misaligned.x(kA0), 2u);
}

TEST(StoresToCode, ThatAreDataLeaveTheCodeAsItIs) {
  Rewritten bench;  // the line holds instructions and, behind them, a number
  bench.run({jal(kRa, 0x100), sw(kA2, kA1, 32), jal(kRa, 0x100 - 8), lw(kA3, kA1, 32)});
  EXPECT_EQ(bench.x(kA0), 1u);
  EXPECT_EQ(bench.x(kA3), li(kA0, 2));
}

TEST(StoresToCode, AcrossTwoLinesAreSeenInBothHalves) {
  constexpr std::uint64_t kStart = kProgram + 0x13e;
  Bench bench;
  bench.memory->write_code(kStart, {li(kA0, 1)});
  bench.memory->write(kStart + 4, std::uint16_t{0x8082});  // c.jr ra
  bench.set_x(kA1, kStart);
  bench.set_x(kA2, li(kA0, 2) >> 16);
  bench.run({jalr(kRa, kA1, 0), add(kA3, kA0, kZero), sh(kA2, kA1, 2), jalr(kRa, kA1, 0)});
  EXPECT_EQ(bench.x(kA3), 1u);
  EXPECT_EQ(bench.x(kA0), 2u);
}

TEST(StoresToCode, AcrossTwoPagesAreSeenInBothHalves) {
  constexpr std::uint64_t kStart = kRamBase + 0x3ffe;
  for (const std::uint64_t half : {kStart, kStart + 2}) {
    Bench bench;
    bench.memory->write_code(kStart, {li(kA0, 1), jalr(0, kRa, 0)});
    const Word other = half == kStart ? li(kA3, 1) & 0xffff : li(kA0, 2) >> 16;
    bench.set_x(kA1, half);
    bench.set_x(kA2, other);
    bench.set_x(kA4, kStart);
    bench.run({jalr(kRa, kA4, 0), sh(kA2, kA1), jalr(kRa, kA4, 0)});
    EXPECT_EQ(bench.x(half == kStart ? kA3 : kA0), half == kStart ? 1u : 2u);
  }
}

TEST(StoresToCode, ThatMakeTheLastInstructionOfAPageReachIntoTheNextAreSeen) {
  constexpr std::uint64_t kStart = kRamBase + 0x3ffe;
  Bench bench;
  bench.memory->write(kStart, std::uint16_t{0x8082});  // c.jr ra
  bench.memory->write(kStart + 2, static_cast<std::uint16_t>(li(kA0, 2) >> 16));
  bench.memory->write_code(kStart + 4, {jalr(0, kRa, 0)});
  bench.set_x(kA1, kStart);
  bench.set_x(kA2, li(kA0, 2) & 0xffff);
  bench.run({jalr(kRa, kA1, 0), sh(kA2, kA1), jalr(kRa, kA1, 0)});
  EXPECT_EQ(bench.x(kA0), 2u);
}

TEST(StoresToCode, OfOtherHartsAreSeenByTheNextSlice) {
  Rewritten bench;
  bench.run({jal(kRa, 0x100)});
  EXPECT_EQ(bench.x(kA0), 1u);
  Bench other{bench.memory, {.hart_id = 1}};
  other.set_x(kA1, Rewritten::kFunction);
  other.set_x(kA2, li(kA0, 2));
  other.memory->write_code(kProgram + 0x200, {sw(kA2, kA1), wfi()});
  other.hart.set_pc(kProgram + 0x200);
  other.go();
  bench.hart.set_pc(kProgram);
  bench.go();
  EXPECT_EQ(bench.x(kA0), 2u);
}

TEST(StoresToCode, OfDevicesAreSeenByTheInstructionAfterTheOneThatCausedThem) {
  for (const Word access : {sw(kZero, kA4), lw(kA5, kA4)}) {
    Rewritten bench;
    Register device{bench};
    memory::Port dma{bench.memory->space};
    device.effect = [&] {
      const Word code = li(kA0, 2);
      const auto bytes = std::as_bytes(std::span{&code, 1});
      EXPECT_EQ(dma.write(Rewritten::kFunction, bytes), MemTxResult::kOk);
    };
    bench.set_x(kA4, 0x1000'0000);
    bench.run_around(access);
    EXPECT_EQ(bench.x(kA3), 1u);
    EXPECT_EQ(bench.x(kA0), 2u) << std::hex << access;
  }
}

TEST(StoresToCode, OfAnAliasAreSeenInWhatItShows) {
  Rewritten bench;
  auto alias = memory::MemoryRegion::alias(bench.memory->fabric, {.name = "alias", .size = 0x1000},
                                           bench.memory->ram(), 0);
  bench.memory->place(0x4000'0000, alias);
  bench.set_x(kA1, 0x4000'0000 + Rewritten::kFunction - kRamBase);
  bench.run_around(sw(kA2, kA1));
  EXPECT_EQ(bench.x(kA0), 2u);
}

TEST(MapChanges, CodeThatMovedIsRunWhereItIsAndNotWhereItWas) {
  Bench bench;
  Page page{*bench.memory};
  const Word moved[] = {li(kA0, 7), wfi()};
  std::memcpy(page.block->host(), moved, sizeof moved);
  bench.memory->place(kData, page.region);
  bench.hart.set_pc(kData);
  bench.go();
  EXPECT_EQ(bench.x(kA0), 7u);
  bench.memory->move(page.region, kData + 0x2000);  // from the one place to the other
  bench.set_x(kA0, 0);
  bench.hart.set_pc(kData + 0x2000);
  bench.go();
  EXPECT_EQ(bench.x(kA0), 7u);
  bench.hart.set_pc(kData);
  bench.go();  // the RAM below: zeros
  EXPECT_TRUE(bench.trapped());
  EXPECT_EQ(bench.cause(), Cause::kIllegalInstruction);
  // Changed where it is now, through a device's port.
  memory::Port dma{bench.memory->space};
  EXPECT_EQ(dma.store(kData + 0x2000, 4, li(kA0, 8), {}), MemTxResult::kOk);
  bench.hart.set_pc(kData + 0x2000);
  bench.go();
  EXPECT_EQ(bench.x(kA0), 8u);
}

/// A flash: while it is programmed it answers by itself, and shows its memory again afterwards.
struct Flash final : memory::MmioHandler {
  explicit Flash(Memory& memory)
      : bus{memory},
        block{memory.block(0x1000)},
        region{memory::MemoryRegion::rom_device(memory.fabric, {.name = "flash", .size = 0x1000},
                                                {.handler = *this}, block)} {
    memory.place(kAddress, region);
  }
  ~Flash() {
    region = {};
    block->close();
  }
  MemTxResult read(std::uint64_t, unsigned, std::uint64_t& value, memory::MemTxAttrs) override {
    value = 0x80;  // ready
    return MemTxResult::kOk;
  }
  MemTxResult write(std::uint64_t offset, unsigned size, std::uint64_t value,
                    memory::MemTxAttrs) override {
    show_memory(false);
    std::memcpy(block->host() + offset, &value, size);
    show_memory(true);
    return MemTxResult::kOk;
  }
  void show_memory(bool direct) {
    memory::Transaction edit;
    edit.set_rom_mode(region, direct);
    bus.fabric.post(std::move(edit));
  }
  static constexpr std::uint64_t kAddress = 0x2000'0000;
  Memory& bus;
  Ref<memory::RamBlock> block;
  memory::MemoryRegion region;
};

TEST(StoresToCode, InFlashAreSeenWhenItShowsItsMemoryAgain) {
  Rewritten bench;
  Flash flash{*bench.memory};
  const Word function[] = {li(kA0, 1), jalr(0, kRa, 0)};
  std::memcpy(flash.block->host(), function, sizeof function);
  bench.set_x(kA1, Flash::kAddress);
  bench.run({jalr(kRa, kA1, 0), add(kA3, kA0, kZero), sw(kA2, kA1), jalr(kRa, kA1, 0)});
  EXPECT_EQ(bench.x(kA3), 1u);
  EXPECT_EQ(bench.x(kA0), 2u);
}

TEST(FenceI, ShowsFetchWhatNobodyHeardOf) {
  Rewritten bench;
  Register device{bench};
  const Word other = li(kA0, 2);
  device.effect = [&] { std::memcpy(bench.memory->at(Rewritten::kFunction), &other, sizeof other); };
  bench.set_x(kA4, 0x1000'0000);
  bench.run({jal(kRa, 0x100), sw(kZero, kA4), fence_i(), jal(kRa, 0x100 - 12)});
  EXPECT_EQ(bench.x(kA0), 2u);
}

TEST(FenceI, MakesStoresVisibleToFetch) {
  Bench bench;
  bench.set_x(kA1, kProgram + 0x100);
  bench.set_x(kA2, li(kA0, 2));
  bench.memory->write_code(kProgram + 0x100, {li(kA0, 1), jalr(0, kRa, 0)});
  bench.run({jal(kRa, 0x100), add(kA3, kA0, kZero), sw(kA2, kA1), fence_i(), jal(kRa, 0x100 - 16)});
  EXPECT_EQ(bench.x(kA3), 1u);
  EXPECT_EQ(bench.x(kA0), 2u);
}

// Page tables -------------------------------------------------------------------------------------

constexpr std::uint64_t kV = 1, kR = 2, kW = 4, kX = 8, kU = 16, kA = 64, kD = 128;
constexpr std::uint64_t kAll = kV | kR | kW | kX | kA | kD;
constexpr std::uint64_t kVirtual =
    0x40'0000'0000 / 2 - 0x20'0000;  // high in the lower half of Sv39

std::uint64_t pte(std::uint64_t physical, std::uint64_t flags) {
  return physical >> 12 << 10 | flags;
}

/// S-mode with RAM identity-mapped by a gigapage, and kVirtual mapped to kData as a test likes.
struct Paged : Bench {
  explicit Paged(HartConfig config = {}, std::uint64_t mode = 8) : Bench{config} {
    std::uint64_t table = kTables;
    const unsigned levels = static_cast<unsigned>(mode) - 5;
    for (unsigned level = levels - 1; level > 2; --level) {  // Sv48, Sv57: extra levels on top
      memory->write(table, pte(table + 0x1000, kV));
      table += 0x1000;
    }
    root = table;
    memory->write(root + 2 * 8, pte(kRamBase, kAll));
    memory->write(root + (kVirtual >> 30) * 8, pte(root + 0x1000, kV));
    memory->write(root + 0x1000 + (kVirtual >> 21 & 511) * 8, pte(root + 0x2000, kV));
    hart.set_csr(csr::kSatp, mode << 60 | kTables >> 12);
    hart.set_csr(csr::kMedeleg, 0xb3ff);
    hart.set_privilege(Privilege::kSupervisor);
    set_x(kA1, kVirtual);
  }
  std::uint64_t leaf_address() const { return root + 0x2000 + (kVirtual >> 12 & 511) * 8; }
  void map(std::uint64_t flags) { memory->write(leaf_address(), pte(kData, flags)); }
  Stop run_supervisor(std::initializer_list<Word> words) {
    hart.set_privilege(Privilege::kSupervisor);
    return run(words);
  }
  Cause supervisor_cause() const { return static_cast<Cause>(csr_value(csr::kScause)); }
  std::uint64_t root = 0;
};

class PageTables : public testing::TestWithParam<std::uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Modes, PageTables, testing::Values(8, 9, 10));

TEST_P(PageTables, MapWhatTheySay) {
  Paged bench{{}, GetParam()};
  bench.map(kV | kR | kW | kA | kD);
  bench.memory->write(kData + 8, std::uint64_t{0x1234});
  bench.run_supervisor({ld(kA0, kA1, 8), sd(kA0, kA1, 16)});
  EXPECT_EQ(bench.x(kA0), 0x1234u);
  EXPECT_EQ(bench.memory->read(kData + 16), 0x1234u);
}

TEST(Paging, RefusesWhatThePageDoesNotAllow) {
  struct Case {
    std::uint64_t flags;
    Word instruction;
    Cause cause;
  };
  const Case cases[] = {
      {0, ld(kA0, kA1), Cause::kLoadPage},
      {0, sd(kA0, kA1), Cause::kStorePage},
      {0, jalr(0, kA1, 0), Cause::kInstructionPage},
      {kV | kR | kA | kD, sd(kA0, kA1), Cause::kStorePage},
      {kV | kX | kA | kD, ld(kA0, kA1), Cause::kLoadPage},
      {kV | kR | kA | kD, jalr(0, kA1, 0), Cause::kInstructionPage},
      {kV | kW | kA | kD, ld(kA0, kA1), Cause::kLoadPage},                 // reserved
      {kV | kR | kW | kX | kU | kA | kD, ld(kA0, kA1), Cause::kLoadPage},  // SUM is clear
      {kV | kR | kW | kX | kU | kA | kD, jalr(0, kA1, 0), Cause::kInstructionPage},
      {kAll | std::uint64_t{1} << 61, ld(kA0, kA1), Cause::kLoadPage},  // reserved bit
      {kV, ld(kA0, kA1), Cause::kLoadPage},  // a pointer where only leaves can be
      {kV | kR | kA, amo(0, kDoubleWidth, kA0, kA1, kA2), Cause::kStorePage},
      {kV | kX | kA | kD, amo(0, kDoubleWidth, kA0, kA1, kA2), Cause::kStorePage},
      {0, amo(8, kWordWidth, kA0, kA1, kA2), Cause::kStorePage},
      {0, lr(kWordWidth, kA0, kA1), Cause::kLoadPage},
      {0, sc(kWordWidth, kA0, kA1, kA2), Cause::kStorePage},
  };
  for (const Case& c : cases) {
    Paged bench;
    bench.map(c.flags);
    bench.run_supervisor({c.instruction});
    EXPECT_TRUE(bench.trapped_to_supervisor()) << std::hex << c.flags << " " << c.instruction;
    EXPECT_EQ(bench.supervisor_cause(), c.cause) << std::hex << c.flags << " " << c.instruction;
    EXPECT_EQ(bench.csr_value(csr::kStval), kVirtual);
  }
}

TEST(Paging, APageWhereNothingIsIsAnAccessFault) {
  const std::pair<Word, Cause> cases[] = {
      {ld(kA0, kA1, 8), Cause::kLoadAccess},
      {lr(kWordWidth, kA0, kA1), Cause::kLoadAccess},
      {sd(kA0, kA1, 8), Cause::kStoreAccess},
      {amo(8, kWordWidth, kA0, kA1, kA2), Cause::kStoreAccess},
      {amo(0, kDoubleWidth, kA0, kA1, kA2), Cause::kStoreAccess},
      {jalr(0, kA1, 0), Cause::kInstructionAccess},
  };
  for (const auto& [instruction, cause] : cases) {
    Paged bench;
    bench.memory->write(bench.leaf_address(), pte(0, kAll));
    bench.run_supervisor({instruction});
    EXPECT_TRUE(bench.trapped_to_supervisor()) << std::hex << instruction;
    EXPECT_EQ(bench.supervisor_cause(), cause) << std::hex << instruction;
    EXPECT_EQ(bench.csr_value(csr::kStval) & ~std::uint64_t{8}, kVirtual);
  }
}

TEST(Paging, SumLetsSupervisorsLoadFromUserPagesButNeverExecuteThem) {
  Paged bench;
  bench.map(kAll | kU);
  bench.hart.set_csr(csr::kSstatus, 1u << 18);
  bench.run_supervisor({ld(kA0, kA1)});
  EXPECT_FALSE(bench.trapped_to_supervisor());
  bench.run_supervisor({jalr(0, kA1, 0)});
  EXPECT_EQ(bench.supervisor_cause(), Cause::kInstructionPage);
}

TEST(Paging, MxrMakesExecutablePagesReadable) {
  Paged bench;
  bench.map(kV | kX | kA | kD);
  bench.hart.set_csr(csr::kSstatus, 1u << 19);
  bench.run_supervisor({ld(kA0, kA1)});
  EXPECT_FALSE(bench.trapped_to_supervisor());
}

TEST(Paging, NonCanonicalAddressesFault) {
  Paged bench;
  bench.set_x(kA1, std::uint64_t{1} << 39);
  bench.run_supervisor({ld(kA0, kA1)});
  EXPECT_EQ(bench.supervisor_cause(), Cause::kLoadPage);
}

TEST(Paging, MisalignedSuperpagesFault) {
  Paged bench;
  bench.memory->write(bench.root + 2 * 8 + 8, pte(kRamBase + 0x1000, kAll));  // third gigabyte
  bench.set_x(kA1, 0xc000'0000);
  bench.run_supervisor({ld(kA0, kA1)});
  EXPECT_EQ(bench.supervisor_cause(), Cause::kLoadPage);
}

TEST(Paging, TheHartMarksPagesAccessedAndDirty) {
  Paged bench;
  bench.map(kV | kR | kW);
  bench.run_supervisor({ld(kA0, kA1)});
  EXPECT_EQ(bench.memory->read(bench.leaf_address()) & (kA | kD), kA);
  bench.run_supervisor({ld(kA0, kA1), sd(kA0, kA1)});
  EXPECT_EQ(bench.memory->read(bench.leaf_address()) & (kA | kD), kA | kD);
}

TEST(Paging, WithoutSvaduUnmarkedPagesFault) {
  Paged bench{{.isa = cpu::riscv::kDefaultIsa.without(Extension::kSvadu)}};
  bench.map(kV | kR | kW);
  bench.run_supervisor({ld(kA0, kA1)});
  EXPECT_EQ(bench.supervisor_cause(), Cause::kLoadPage);
  bench.map(kV | kR | kW | kA);
  bench.run_supervisor({ld(kA0, kA1), sd(kA0, kA1)});
  EXPECT_EQ(bench.supervisor_cause(), Cause::kStorePage);
  EXPECT_EQ(bench.memory->read(bench.leaf_address()) & (kA | kD), kA);
}

// SPEC: Svadu 1.0, "Hardware Updating of PTE A/D Bits": A is set by what is accessed, D by what is written.
TEST(Svadu, MarksWhatTheAccessNeeds) {
  struct Case {
    Word instruction;
    std::uint64_t marks;
  };
  const Case cases[] = {{ld(kA0, kA1), kA},
                        {sd(kA0, kA1), kA | kD},
                        {lr(kDoubleWidth, kA0, kA1), kA},
                        {amo(0, kDoubleWidth, kA0, kA1, kA2), kA | kD},
                        {jalr(0, kA1, 0), kA},
                        {cbo_zero(kA1), kA | kD}};
  for (const Case& c : cases) {
    Paged bench;
    bench.hart.set_csr(csr::kMenvcfg, ~std::uint64_t{0});
    bench.map(kV | kR | kW | kX);
    bench.memory->write_code(kData, {wfi()});
    bench.run_supervisor({c.instruction});
    EXPECT_FALSE(bench.trapped_to_supervisor()) << std::hex << c.instruction;
    EXPECT_EQ(bench.memory->read(bench.leaf_address()), pte(kData, kV | kR | kW | kX | c.marks))
        << std::hex << c.instruction;
  }
}

// The update checks that the entry is valid and grants the access: what faults leaves it as it was.
TEST(Svadu, LeavesEntriesThatRefuseTheAccess) {
  struct Case {
    std::uint64_t flags;
    Word instruction;
    Cause cause;
  };
  const Case cases[] = {{kR | kW, ld(kA0, kA1), Cause::kLoadPage},
                        {kV | kR, sd(kA0, kA1), Cause::kStorePage},
                        {kV | kX, ld(kA0, kA1), Cause::kLoadPage},
                        {kV | kR | kW, jalr(0, kA1, 0), Cause::kInstructionPage},
                        {kV | kR | kW | kU, ld(kA0, kA1), Cause::kLoadPage}};
  for (const Case& c : cases) {
    Paged bench;
    bench.map(c.flags);
    bench.run_supervisor({c.instruction});
    EXPECT_EQ(bench.supervisor_cause(), c.cause) << std::hex << c.flags;
    EXPECT_EQ(bench.memory->read(bench.leaf_address()), pte(kData, c.flags)) << std::hex << c.flags;
  }
}

// Step 7.1: if PMP forbids to store to the entry, the access faults as one that PMP refused.
TEST(Svadu, AnEntryThatMayNotBeWrittenIsAnAccessFault) {
  constexpr std::uint64_t kReadOnly = 0x19;  // naturally aligned power of two, R
  for (const auto& [instruction, cause] :
       {std::pair{ld(kA0, kA1), Cause::kLoadAccess}, std::pair{sd(kA0, kA1), Cause::kStoreAccess}}) {
    Paged bench;
    bench.map(kV | kR | kW);
    bench.hart.set_csr(csr::kPmpcfg0, 0);
    bench.hart.set_csr(csr::kPmpaddr0, bench.leaf_address() >> 12 << 10 | 0x1ff);
    bench.hart.set_csr(csr::kPmpaddr0 + 1, ~std::uint64_t{0});
    bench.hart.set_csr(csr::kPmpcfg0, kReadOnly | 0x1f << 8);
    bench.run_supervisor({instruction});
    EXPECT_EQ(bench.supervisor_cause(), cause);
    EXPECT_EQ(bench.csr_value(csr::kStval), kVirtual);
    EXPECT_EQ(bench.memory->read(bench.leaf_address()), pte(kData, kV | kR | kW));
  }
}

TEST(Svadu, ItsEnableBitIsZeroWithoutIt) {
  Bench bench{{.isa = cpu::riscv::kDefaultIsa.without(Extension::kSvadu)}};
  bench.hart.set_csr(csr::kMenvcfg, ~std::uint64_t{0});
  EXPECT_EQ(bench.csr_value(csr::kMenvcfg) >> 61 & 1, 0u);
}

// SPEC: Svadu 1.0: menvcfg.ADUE decides; both names given, it is clear after reset.
TEST(Paging, WhoMarksPagesIsDecidedByTheEnvironment) {
  Paged bench{{.isa = cpu::riscv::kDefaultIsa.with(Extension::kSvade)}};
  EXPECT_EQ(bench.csr_value(csr::kMenvcfg), 0u);
  bench.map(kV | kR | kW);
  bench.run_supervisor({ld(kA0, kA1)});
  EXPECT_EQ(bench.supervisor_cause(), Cause::kLoadPage);
  bench.hart.set_csr(csr::kMenvcfg, std::uint64_t{1} << 61);
  bench.run_supervisor({sd(kA0, kA1)});
  EXPECT_FALSE(bench.trapped_to_supervisor());
  EXPECT_EQ(bench.memory->read(bench.leaf_address()) & (kA | kD), kA | kD);
  bench.hart.set_csr(csr::kMenvcfg, 0);
  bench.map(kV | kR | kW | kA);
  bench.run_supervisor({sfence_vma(), sd(kA0, kA1)});
  EXPECT_EQ(bench.supervisor_cause(), Cause::kStorePage);
}

TEST(Paging, TranslationsAreForgottenAtSfence) {
  Paged bench;
  bench.map(kV | kR | kW | kA | kD);
  bench.memory->write(kData + 0x1000, std::uint64_t{5});
  bench.set_x(kA2, bench.leaf_address());
  bench.set_x(kA3, pte(kData + 0x1000, kV | kR | kA | kD));
  bench.run_supervisor({ld(kA0, kA1), sd(kA3, kA2), sfence_vma(), ld(kA0, kA1)});
  EXPECT_EQ(bench.x(kA0), 5u);
}

TEST(Paging, AMisalignedStoreThatFaultsOnItsSecondPageWritesNothing) {
  Paged bench;
  bench.map(kV | kR | kW | kA | kD);  // the page behind it is not mapped
  bench.set_x(kA1, kVirtual + 0xffc);
  bench.set_x(kA2, ~std::uint64_t{0});
  bench.run_supervisor({sd(kA2, kA1)});
  EXPECT_EQ(bench.supervisor_cause(), Cause::kStorePage);
  EXPECT_EQ(bench.csr_value(csr::kStval), kVirtual + 0x1000);
  EXPECT_EQ(bench.memory->read<std::uint32_t>(kData + 0xffc), 0u);
}

TEST(Paging, AFetchThatFaultsOnItsSecondPageNamesThatPage) {
  Paged bench;
  bench.map(kV | kX | kA);
  const Word word = li(kA0, 1);
  bench.memory->write(kData + 0xffe, static_cast<std::uint16_t>(word));
  bench.set_x(kA1, kVirtual + 0xffe);
  bench.run_supervisor({jalr(0, kA1, 0)});
  EXPECT_EQ(bench.supervisor_cause(), Cause::kInstructionPage);
  EXPECT_EQ(bench.csr_value(csr::kSepc), kVirtual + 0xffe);
  EXPECT_EQ(bench.csr_value(csr::kStval), kVirtual + 0x1000);
}

TEST(Paging, MprvTranslatesLoadsOfMachineModeAsThoseOfMpp) {
  Paged bench;
  bench.map(kV | kR | kW | kA | kD);
  bench.memory->write(kData, std::uint64_t{0x42});
  bench.hart.set_privilege(Privilege::kMachine);
  bench.hart.set_csr(csr::kMstatus, 1u << 17 | 1u << 11);
  bench.run({ld(kA0, kA1)});
  EXPECT_EQ(bench.x(kA0), 0x42u);
}

}  // namespace
}  // namespace holdfast::test::riscv
