// SPDX-License-Identifier: Apache-2.0
// Packed images, what the user has loaded besides, and where firmware is found.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "holdfast/boards/loader/firmware.hpp"
#include "holdfast/boards/loader/generic_load.hpp"
#include "holdfast/boards/loader/gunzip.hpp"
#include "tests/support/elf_maker.hpp"
#include "tests/support/gzip.hpp"

namespace holdfast::boards {
namespace {

using test::packed;

std::vector<std::byte> bytes_of(std::string_view text) {
  const auto all = std::as_bytes(std::span{text.data(), text.size()});
  return {all.begin(), all.end()};
}

std::string error_of(const auto& result) { return result ? "accepted" : result.error().message; }

/// A folder that goes with the test.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "holdfast-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string write(std::string_view name, std::span<const std::byte> content) const {
    const auto path = path_ / name;
    std::ofstream{path, std::ios::binary}.write(reinterpret_cast<const char*>(content.data()),
                                                static_cast<std::streamsize>(content.size()));
    return path.string();
  }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

// --- gzip ---------------------------------------------------------------------------------------

TEST(Gunzip, GivesBackWhatWasPacked) {
  std::vector<std::byte> large(3'000'000);
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<std::byte>(i * i >> 7);
  for (const auto& content : {bytes_of("a"), bytes_of(std::string(70'000, 'x')), large}) {
    const auto out = gunzip(packed(content), 1 << 30);
    ASSERT_TRUE(out) << out.error().message;
    EXPECT_EQ(*out, content);
  }
}

TEST(Gunzip, SeveralMembersAndPaddingBehindThem) {
  auto file = packed(bytes_of("one"));
  const auto more = packed(bytes_of("two"));
  file.insert(file.end(), more.begin(), more.end());
  file.resize(file.size() + 100);
  EXPECT_EQ(gunzip(file, 100).value(), bytes_of("onetwo"));
}

TEST(Gunzip, RefusesWhatIsDamagedTruncatedOrTooMuch) {
  const auto sound = packed(bytes_of(std::string(10'000, 'x')));
  for (std::size_t size = 2; size < sound.size(); ++size)
    EXPECT_EQ(error_of(gunzip(std::span{sound}.first(size), 1 << 20)),
              "packed with gzip, but truncated")
        << size;
  auto damaged = sound;
  damaged[sound.size() - 6] ^= std::byte{1};  // of the checksum
  EXPECT_EQ(error_of(gunzip(damaged, 1 << 20)), "packed with gzip, but damaged");
  auto followed = sound;
  followed.push_back(std::byte{7});
  EXPECT_EQ(error_of(gunzip(followed, 1 << 20)), "packed with gzip, with something else behind it");
  EXPECT_EQ(error_of(gunzip(sound, 9'999)), "packed with gzip, more than 9999 bytes when unpacked");
  EXPECT_TRUE(gunzip(sound, 10'000));
}

TEST(PackedImages, AreTakenForWhatIsInside) {
  test::ElfMaker elf;
  elf.loads = {{0x8000'0000, "code", 0x1000}};
  elf.symbols = {{"tohost", 0x8000'0100}};
  const auto image = parse_image(packed(elf.make()), {.name = "x"});
  ASSERT_TRUE(image) << image.error().message;
  EXPECT_EQ(image->format(), ImageFormat::kElf);
  EXPECT_EQ(image->symbol("tohost"), 0x8000'0100);
  const auto raw = parse_image(packed(bytes_of("raw")), {.name = "x", .base = 0x8000'0000});
  ASSERT_TRUE(raw);
  EXPECT_TRUE(std::ranges::equal(raw->segments().front().bytes, bytes_of("raw")));
}

TEST(PackedImages, OnceAndNotEmpty) {
  EXPECT_EQ(error_of(parse_image(packed(packed(bytes_of("x"))), {.name = "x"})),
            "x: packed with gzip twice; it takes an image packed once");
  EXPECT_EQ(error_of(parse_image(packed({}), {.name = "x"})),
            "x: packed with gzip, and empty inside");
}

TEST(PackedImages, AreLeftAsTheyAreIfTheBytesAreWanted) {
  const auto file = packed(bytes_of("x"));
  const auto image = parse_image(file, {.name = "x", .format = LoadFormat::kRaw});
  ASSERT_TRUE(image);
  EXPECT_TRUE(std::ranges::equal(image->segments().front().bytes, file));
}

// --- -device loader -----------------------------------------------------------------------------

TEST(GenericLoad, PutsANumberIntoMemory) {
  const auto little =
      carry_out({.address = 0x100, .data = 0x1122'3344'5566'7788, .data_length = 4}, 1);
  ASSERT_TRUE(little);
  ASSERT_EQ(little->pieces.size(), 1U);
  EXPECT_EQ(little->pieces[0].address, 0x100U);
  EXPECT_EQ(little->pieces[0].bytes, bytes_of("\x88\x77\x66\x55"));
  EXPECT_FALSE(little->start);
  const auto big = carry_out({.data = 0x1122'3344'5566'7788,
                              .data_length = 4,
                              .data_order = DataOrder::kBig}, 1);
  EXPECT_EQ(big.value().pieces[0].bytes, bytes_of("\x11\x22\x33\x44"));
}

TEST(GenericLoad, StartsAHart) {
  const auto loaded = carry_out({.address = 0x8000'0000, .hart = 1}, 2);
  ASSERT_TRUE(loaded);
  EXPECT_TRUE(loaded->pieces.empty());
  EXPECT_EQ(loaded->start, 0x8000'0000U);
}

TEST(GenericLoad, LoadsAFile) {
  const Folder folder;
  const auto raw = folder.write("raw", bytes_of("abc"));
  const auto loaded = carry_out({.address = 0x200, .file = raw}, 1);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->pieces[0].bytes, bytes_of("abc"));
  EXPECT_EQ(loaded->pieces[0].address, 0x200U);
  EXPECT_FALSE(loaded->start);

  test::ElfMaker elf;
  elf.entry = 0x8000'0004;
  elf.loads = {{0x8000'0000, "code-of-it", 0x1000}};
  const auto path = folder.write("elf", elf.make());
  const auto program = carry_out({.file = path, .hart = 0}, 1);
  ASSERT_TRUE(program);
  EXPECT_EQ(program->pieces[0].address, 0x8000'0000U);
  EXPECT_EQ(program->pieces[0].size, 0x1000U);
  EXPECT_EQ(program->start, 0x8000'0004U);
  const auto as_bytes = carry_out({.address = 0x300, .file = path, .format = LoadFormat::kRaw}, 1);
  ASSERT_TRUE(as_bytes);
  EXPECT_EQ(as_bytes->pieces[0].address, 0x300U);
  EXPECT_EQ(as_bytes->pieces[0].bytes, elf.make());
}

TEST(GenericLoad, RefusesWhatMakesNoSense) {
  EXPECT_NE(error_of(carry_out({}, 1)).find("nothing to do"), std::string::npos);
  EXPECT_NE(error_of(carry_out({.data = 1}, 1)).find("without data-len"), std::string::npos);
  EXPECT_NE(error_of(carry_out({.data = 1, .data_length = 9}, 1)).find("at most 8"),
            std::string::npos);
  EXPECT_NE(error_of(carry_out({.data = 1, .data_length = 1, .file = "x"}, 1)).find("one of them"),
            std::string::npos);
  EXPECT_NE(error_of(carry_out({.format = LoadFormat::kRaw}, 1)).find("without a file"),
            std::string::npos);
  EXPECT_NE(error_of(carry_out({.hart = 2}, 2)).find("there are 2 CPUs"), std::string::npos);
  EXPECT_NE(error_of(carry_out({.file = "/no/such/file"}, 1)).find("/no/such/file: not found"),
            std::string::npos);
}

// --- firmware -----------------------------------------------------------------------------------

TEST(Firmware, NoneIsNothingAndDefaultIsOpensbi) {
  EXPECT_EQ(find_firmware("none", {}).value(), std::nullopt);
  for (const auto& said : {std::optional<std::string>{}, std::optional<std::string>{"default"}})
    EXPECT_TRUE(find_firmware(said, {}).value()->ends_with("fw_dynamic.bin"));
}

TEST(Firmware, IsFoundByNameInTheUsersFoldersFirst) {
  const Folder folder;
  const auto own = folder.write("fw_jump.bin", bytes_of("x"));
  const std::vector<std::string> folders{folder.path()};
  EXPECT_EQ(find_firmware("fw_jump.bin", folders).value(), own);
  EXPECT_EQ(find_firmware("fw_jump.bin", {}).value(),
            "/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_jump.bin");
  EXPECT_EQ(find_firmware(own, {}).value(), own);
  EXPECT_EQ(find_firmware("no-such-firmware", {}).value(), "no-such-firmware");
}

}  // namespace
}  // namespace holdfast::boards
