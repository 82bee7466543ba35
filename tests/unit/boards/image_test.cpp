// SPDX-License-Identifier: Apache-2.0
#include "holdfast/boards/loader/image.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/elf_maker.hpp"

namespace holdfast::boards {
namespace {

using test::ElfMaker;

constexpr std::uint64_t kRam = 0x8000'0000;
constexpr Extent kRoom{kRam, kRam + (128 << 20) - 1};
const std::string kSbi = "/usr/lib/riscv64-linux-gnu/opensbi/generic/";
const std::string kUboot = "/usr/lib/u-boot/";

std::vector<std::byte> bytes(std::string_view text) {
  const auto all = std::as_bytes(std::span{text.data(), text.size()});
  return {all.begin(), all.end()};
}

ElfMaker sound() {
  ElfMaker elf;
  elf.loads = {{kRam, "code", 0x1000}, {kRam + 0x2000, "data", 4}};
  elf.symbols = {{"_start", kRam}, {"tohost", kRam + 0x2000}, {"to", 7}};
  return elf;
}

std::string error_of(std::vector<std::byte> file, LoadOptions options = {}) {
  options.name = "x";
  if (options.room == Extent::everything()) options.room = kRoom;
  if (options.base == 0) options.base = kRam;
  const auto image = parse_image(std::move(file), options);
  return image ? "accepted" : image.error().message;
}

// --- files from Debian: a machine that boots them is what this is for ---------------------------------

TEST(ImageFiles, FwDynamicElf) {
  const auto image = load_image(kSbi + "fw_dynamic.elf", {.room = kRoom});
  ASSERT_TRUE(image) << image.error().message;
  EXPECT_EQ(image->format(), ImageFormat::kElf);
  EXPECT_EQ(image->entry(), kRam);
  EXPECT_EQ(image->segments().size(), 1U);
  EXPECT_EQ(image->extent().first, kRam);
  EXPECT_GT(image->extent().span(), image->segments().front().bytes.size());
  EXPECT_TRUE(image->symbol("sbi_hart_expected_trap"));
  EXPECT_FALSE(image->symbol("sbi_hart"));
}

TEST(ImageFiles, FwDynamicAndFwJumpBin) {
  for (const auto* name : {"fw_dynamic.bin", "fw_jump.bin"}) {
    const auto image = load_image(kSbi + name, {.base = kRam, .room = kRoom});
    ASSERT_TRUE(image) << image.error().message;
    EXPECT_EQ(image->format(), ImageFormat::kRaw);
    EXPECT_EQ(image->entry(), kRam);
    EXPECT_EQ(image->extent().span() + 1, std::filesystem::file_size(kSbi + name));
  }
}

TEST(ImageFiles, TheBinaryOfFwDynamicIsTheSegmentOfItsElfFile) {
  const auto elf = load_image(kSbi + "fw_dynamic.elf", {.room = kRoom});
  const auto raw = load_image(kSbi + "fw_dynamic.bin", {.base = kRam, .room = kRoom});
  ASSERT_TRUE(elf && raw);
  EXPECT_TRUE(std::ranges::equal(elf->segments().front().bytes, raw->segments().front().bytes));
}

TEST(ImageFiles, UbootForSupervisorMode) {
  const auto elf = load_image(kUboot + "qemu-riscv64_smode/uboot.elf", {.room = kRoom});
  ASSERT_TRUE(elf) << elf.error().message;
  EXPECT_EQ(elf->entry(), kRam + 0x20'0000);
  const auto raw =
      load_image(kUboot + "qemu-riscv64_smode/u-boot.bin", {.base = kRam + 0x20'0000, .room = kRoom});
  ASSERT_TRUE(raw) << raw.error().message;
  EXPECT_EQ(raw->format(), ImageFormat::kRaw);
}

TEST(ImageFiles, UbootForMachineMode) {
  const auto elf = load_image(kUboot + "qemu-riscv64/uboot.elf", {.room = kRoom});
  ASSERT_TRUE(elf) << elf.error().message;
  EXPECT_EQ(elf->entry(), kRam);
  EXPECT_TRUE(load_image(kUboot + "qemu-riscv64/u-boot.bin", {.base = kRam, .room = kRoom}));
}

TEST(ImageFiles, UbootForOtherMachinesIsRefusedByTheirName) {
  const auto intel = load_image(kUboot + "qemu-x86_64/uboot.elf", {.room = kRoom});
  ASSERT_FALSE(intel);
  EXPECT_EQ(intel.error().message, kUboot + "qemu-x86_64/uboot.elf: an ELF file for x86-64; it takes "
                                            "one for RISC-V");
  const auto arm = load_image(kUboot + "qemu_arm/uboot.elf", {.room = kRoom});
  ASSERT_FALSE(arm);
  EXPECT_NE(arm.error().message.find("an ELF file for Arm;"), std::string::npos);
  const auto arm64 = load_image(kUboot + "qemu_arm64/uboot.elf", {.room = kRoom});
  ASSERT_FALSE(arm64);
  EXPECT_NE(arm64.error().message.find("an ELF file for AArch64;"), std::string::npos);
  const auto ppc = load_image(kUboot + "qemu-ppce500/uboot.elf", {.room = kRoom});
  ASSERT_FALSE(ppc);  // big-endian, too
  EXPECT_NE(ppc.error().message.find("an ELF file for PowerPC;"), std::string::npos);
}

TEST(ImageFiles, EveryTruncationOfFwDynamicIsRefusedButForOneOfItsSymbols) {
  const auto whole = load_image(kSbi + "fw_dynamic.elf", {.room = kRoom});
  const auto bytes = read_file(kSbi + "fw_dynamic.elf", 1 << 20);
  ASSERT_TRUE(whole && bytes);
  const auto cut = [&](std::size_t size) {
    return parse_image({bytes->begin(), bytes->begin() + static_cast<std::ptrdiff_t>(size)},
                       {.name = "cut", .base = kRam, .room = kRoom});
  };
  std::size_t size = 4;
  while (size < bytes->size() && !cut(size)) size += size < 300 ? 1 : 997;
  EXPECT_GT(size, whole->segments().front().bytes.size());
  testing::internal::CaptureStderr();
  for (; size < bytes->size(); size += 97) {
    const auto image = cut(size);
    ASSERT_TRUE(image) << size << ": " << image.error().message;
    EXPECT_TRUE(std::ranges::equal(image->segments().front().bytes, whole->segments().front().bytes));
    EXPECT_EQ(image->symbol("_start"), std::nullopt);
  }
  EXPECT_NE(testing::internal::GetCapturedStderr().find("cut: its "), std::string::npos);
}

TEST(ImageFiles, FilesThatCannotBeRead) {
  EXPECT_EQ(load_image("/nowhere/fw.elf", {}).error().message,
            "/nowhere/fw.elf: not found; it takes the path of a readable file");
  EXPECT_EQ(load_image("/usr", {}).error().message,
            "/usr: not a regular file; it takes the path of a readable file");
  EXPECT_FALSE(load_image("/dev/zero", {}));
  EXPECT_EQ(read_file(kSbi + "fw_dynamic.bin", 16).error().message,
            kSbi + "fw_dynamic.bin: 115328 bytes are too many; at most 16 are read");
}

// --- files made up ------------------------------------------------------------------------------------

TEST(Elf, SegmentsEntryAndSymbols) {
  const auto image = parse_image(sound().make(), {.name = "x", .room = kRoom});
  ASSERT_TRUE(image) << image.error().message;
  ASSERT_EQ(image->segments().size(), 2U);
  EXPECT_EQ(image->segments()[0].extent, (Extent{kRam, kRam + 0xfff}));
  EXPECT_EQ(image->segments()[0].bytes.size(), 4U);
  EXPECT_EQ(image->extent(), (Extent{kRam, kRam + 0x2003}));
  EXPECT_EQ(image->symbol("tohost"), kRam + 0x2000);
  EXPECT_EQ(image->symbol("to"), 7U);
  EXPECT_EQ(image->symbol("host"), std::nullopt);
  EXPECT_EQ(image->symbol(""), std::nullopt);
}

TEST(Elf, BytesStayWithAnImageThatMoves) {
  auto image = parse_image(sound().make(), {.name = "x", .room = kRoom});
  const Image moved = std::move(*image);
  EXPECT_EQ(moved.segments()[1].bytes[0], std::byte{'d'});
}

TEST(Elf, TheEntryIsTranslatedToItsPhysicalAddress) {
  ElfMaker elf;
  elf.entry = 0xffff'ffff'8000'0010;
  elf.loads = {{kRam, "code", 0x1000, 0xffff'ffff'8000'0000}};
  EXPECT_EQ(parse_image(elf.make(), {.name = "x", .room = kRoom})->entry(), kRam + 0x10);
}

TEST(Elf, SegmentsInAnyOrderAndEmptyOrForeignOnesLeftOut) {
  ElfMaker elf;
  elf.loads = {{kRam + 0x1000, "b", 1},
               {kRam, "a", 1},
               {kRam, "", 0},
               {0, "note", 4, 0, 4}};
  const auto image = parse_image(elf.make(), {.name = "x", .room = kRoom});
  ASSERT_TRUE(image) << image.error().message;
  ASSERT_EQ(image->segments().size(), 2U);
  EXPECT_EQ(image->segments()[0].bytes[0], std::byte{'a'});
}

TEST(Elf, OverlappingSegments) {
  auto elf = sound();
  elf.loads[1].address = kRam + 0xfff;
  EXPECT_EQ(error_of(elf.make()),
            "x: segments 0x80000000-0x80000fff and 0x80000fff-0x80001002 overlap");
}

TEST(Elf, OutsideOfTheRoom) {
  EXPECT_EQ(error_of(sound().make(), {.room = {kRam, kRam + 0x1fff}}),
            "x: it is linked for 0x80000000-0x80002003, which is not all inside "
            "0x80000000-0x80001fff");
  EXPECT_NE(error_of(sound().make(), {.room = {kRam + 1, kRoom.last}}), "accepted");
}

TEST(Elf, ASegmentThatLeavesTheAddressSpace) {
  auto elf = sound();
  elf.loads[1] = {~std::uint64_t{0}, "data", 4};
  EXPECT_EQ(error_of(elf.make()),
            "x: segment 1 at 0xffffffffffffffff with 0x4 bytes leaves the address space");
}

TEST(Elf, MoreBytesThanRoomForThem) {
  auto elf = sound();
  elf.loads[1].size = 3;
  EXPECT_EQ(error_of(elf.make()), "x: segment 1 has more bytes (4) than room for them (3)");
}

TEST(Elf, NothingToLoad) {
  EXPECT_EQ(error_of(ElfMaker{}.make()),
            "x: nothing in it is to be loaded; it takes a linked program");
}

TEST(Elf, AnEntryInNoSegment) {
  auto elf = sound();
  elf.entry = kRam + 0x1000;
  EXPECT_EQ(error_of(elf.make()),
            "x: its entry point 0x80001000 lies in none of its segments");
}

TEST(Elf, FieldsThatPointOutOfTheFile) {
  const auto with = [](std::size_t at, std::uint64_t value) {
    auto file = sound().make();
    ElfMaker::put(file, at, value);
    return error_of(std::move(file));
  };
  const auto huge = ~std::uint64_t{0};
  EXPECT_EQ(with(32, huge), "x: its program headers lie beyond the end of the file; it is truncated");
  EXPECT_EQ(with(64 + 8, huge),
            "x: segment 0 has bytes beyond the end of the file; it is truncated");
  EXPECT_EQ(with(64 + 32, huge),
            "x: segment 0 has bytes beyond the end of the file; it is truncated");
  EXPECT_EQ(with(64 + 40, huge),
            "x: segment 0 at 0x80000000 with 0xffffffffffffffff bytes leaves the address space");
}

TEST(Elf, SymbolsThatPointOutOfTheFile) {
  const auto file = sound().make();
  const auto sections = file.size() - 3 * 64;
  const auto check = [&](std::size_t at, std::uint64_t value, const std::string& why) {
    auto broken = file;
    ElfMaker::put(broken, at, value);
    testing::internal::CaptureStderr();
    const auto image = parse_image(std::move(broken), {.name = "x", .room = kRoom});
    const std::string warning = testing::internal::GetCapturedStderr();
    EXPECT_TRUE(image && image->symbol("_start") == std::nullopt && image->segments().size() == 2);
    EXPECT_NE(warning.find("x: its " + why + "; it is loaded without its symbols\n"), std::string::npos)
        << at << ": " << warning;
  };
  const auto huge = ~std::uint64_t{0};
  check(40, huge, "section headers lie beyond the end of the file; it is truncated");
  for (const std::size_t at : {64U + 24, 64U + 32, 128U + 24, 128U + 32})
    check(sections + at, huge, "symbols lie beyond the end of the file; it is truncated");
  check(sections + 64 + 40, 9, "symbols have no names: there is no section 9");
  check(sections + 64 + 40, 1, "symbols have no names: section 1 is no string table");
}

TEST(Elf, ASymbolWhoseNameLiesOutside) {
  auto file = sound().make();
  const auto table = 64 + 2 * 56 + 8U;
  ElfMaker::put<std::uint32_t>(file, table + 24, 0xffff'ffff);
  const auto image = parse_image(std::move(file), {.name = "x", .room = kRoom});
  ASSERT_TRUE(image);
  EXPECT_EQ(image->symbol("_start"), std::nullopt);
  EXPECT_EQ(image->symbol("to"), 7U);
}

TEST(Elf, WrongKinds) {
  const auto with = [](std::size_t at, auto value) {
    auto file = sound().make();
    ElfMaker::put(file, at, value);
    return error_of(std::move(file));
  };
  EXPECT_EQ(with(18, std::uint16_t{62}), "x: an ELF file for x86-64; it takes one for RISC-V");
  EXPECT_EQ(with(18, std::uint16_t{999}),
            "x: an ELF file for machine number 999; it takes one for RISC-V");
  EXPECT_EQ(with(4, std::uint8_t{1}), "x: a 32-bit ELF file; it takes a 64-bit one for RISC-V");
  EXPECT_EQ(with(16, std::uint16_t{1}),
            "x: an ELF file that cannot be executed (type 1); it takes a linked program");
  EXPECT_EQ(with(54, std::uint16_t{32}),
            "x: program headers of 32 bytes; an ELF file for 64 bits has 56");
  auto big = sound().make();
  ElfMaker::put<std::uint8_t>(big, 5, 2);
  ElfMaker::put<std::uint16_t>(big, 18, 0xf300);
  EXPECT_EQ(error_of(big), "x: a big-endian ELF file; it takes a little-endian one for RISC-V");
}

std::vector<std::byte> linux_image(std::uint64_t size_in_memory) {
  std::vector<std::byte> file(4096);
  ElfMaker::put<std::uint64_t>(file, 8, 0x20'0000);
  ElfMaker::put<std::uint64_t>(file, 16, size_in_memory);
  std::memcpy(file.data() + 56, "RSC\x05", 4);
  return file;
}

TEST(LinuxImage, TakesAllTheMemoryThatItsHeaderAsksFor) {
  const auto image = parse_image(linux_image(1 << 20), {.base = kRam + 0x20'0000, .room = kRoom});
  ASSERT_TRUE(image) << image.error().message;
  EXPECT_EQ(image->format(), ImageFormat::kLinux);
  EXPECT_EQ(image->entry(), kRam + 0x20'0000);
  EXPECT_EQ(image->extent().span() + 1, std::uint64_t{1} << 20);
  EXPECT_EQ(image->segments()[0].bytes.size(), 4096U);
}

TEST(LinuxImage, WhatIsRefused) {
  EXPECT_EQ(error_of(linux_image(std::uint64_t{1} << 30)),
            "x: 1073741824 bytes at 0x80000000 do not fit in 0x80000000-0x87ffffff");
  EXPECT_EQ(error_of(linux_image(~std::uint64_t{0})),
            "x: 18446744073709551615 bytes at 0x80000000 do not fit in 0x80000000-0x87ffffff");
  EXPECT_EQ(error_of(linux_image(4095)), "x: a Linux image of 4096 bytes that says it has 4095");
  EXPECT_EQ(error_of(linux_image(0), {.base = kRam + 0x1000}),
            "x: a Linux image starts at a multiple of 2M, not at 0x80001000");
  auto big = linux_image(0);
  ElfMaker::put<std::uint64_t>(big, 24, 1);
  EXPECT_EQ(error_of(big), "x: a big-endian Linux image; it takes a little-endian one");
  auto cut = linux_image(0);
  cut.resize(60);
  EXPECT_EQ(error_of(cut), "x: truncated inside the header of a Linux image");
}

TEST(RawImage, LiesWhereItIsPut) {
  const auto image = parse_image(bytes("raw"), {.base = kRam + 5, .room = kRoom});
  ASSERT_TRUE(image);
  EXPECT_EQ(image->extent(), (Extent{kRam + 5, kRam + 7}));
  EXPECT_EQ(image->entry(), kRam + 5);
  EXPECT_EQ(image->symbol("raw"), std::nullopt);
}

TEST(RawImage, LargerThanTheRoom) {
  EXPECT_EQ(error_of(bytes("12345"), {.room = {kRam, kRam + 3}}),
            "x: 5 bytes at 0x80000000 do not fit in 0x80000000-0x80000003");
  EXPECT_NE(error_of(bytes("12345"), {.base = ~std::uint64_t{0}}), "accepted");
}

TEST(Image, EmptyAndWrappedFiles) {
  EXPECT_EQ(error_of({}), "x: the file is empty; it takes a firmware or kernel image");
  EXPECT_EQ(error_of(bytes("\x1f\x8b\x08")),
            "x: packed with gzip, but truncated");
  EXPECT_EQ(error_of(bytes({"MZ\0\0zimg", 8})),
            "x: a self-extracting EFI image; it takes the plain Linux image inside");
  EXPECT_EQ(error_of(bytes("\x27\x05\x19\x56")),
            "x: wrapped for U-Boot (uImage); it takes the image itself");
  EXPECT_EQ(error_of(bytes("\x7f" "ELF")), "x: truncated inside the ELF header");
}

}  // namespace
}  // namespace holdfast::boards
