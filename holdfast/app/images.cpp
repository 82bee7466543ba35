// SPDX-License-Identifier: Apache-2.0
#include "holdfast/app/images.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "holdfast/block/file.hpp"

namespace holdfast::app {
namespace {

constexpr std::size_t kBanks = 2;

/// An image that somebody may use.
struct Image {
  const OptionGroup* group = nullptr;  // which the options have
  std::string id;                      // or node-name; "" if it has none
  std::optional<std::size_t> bank;     // of -drive if=pflash
  bool is_drive = false;
  std::string path;                    // of a node above another: ""
  std::string below;                   // of such a node: the other's name
  bool read_only = false;
};

// How the host's file is handled is the host's affair here; the words are checked all the same.
constexpr std::array<std::string_view, 5> kCaches{"writeback", "none", "writethrough", "unsafe",
                                                  "directsync"};
constexpr std::array<std::string_view, 3> kAio{"threads", "native", "io_uring"};
constexpr std::array<std::string_view, 4> kDiscards{"ignore", "off", "unmap", "on"};
constexpr std::array<std::string_view, 3> kZeroes{"off", "on", "unmap"};
constexpr std::array<std::string_view, 2> kMedia{"disk", "cdrom"};
constexpr std::array<std::string_view, 3> kLockings{"auto", "on", "off"};

Result<bool> read_only(Fields& fields) {
  for (const std::string_view key : {"readonly", "read-only"})
    if (const auto flag = TRY(fields.flag(key))) return *flag;
  return false;
}

Result<std::size_t> unit(Fields& fields) {
  TRY(fields.number("bus", 0, 0));
  const auto by_unit = TRY(fields.number("unit", 0, kBanks - 1));
  const auto by_index = TRY(fields.number("index", 0, kBanks - 1));
  if (by_unit && by_index) return fail("it has unit and index, which mean the same; give one");
  if (by_unit) return static_cast<std::size_t>(*by_unit);
  if (by_index) return static_cast<std::size_t>(*by_index);
  return kBanks;  // the next one that is free
}

Result<void> check_host_words(Fields& fields) {
  TRY(fields.choice("cache", kCaches));
  TRY(fields.choice("aio", kAio));
  TRY(fields.choice("discard", kDiscards));
  TRY(fields.choice("detect-zeroes", kZeroes));
  return {};
}

Result<Image> read_drive(Fields& fields) {
  Image image{.group = &fields.group(), .id = fields.text("id").value_or(""), .bank = std::nullopt,
              .is_drive = true, .path = {}, .below = {}};
  const auto interface = fields.text("if");
  if (interface != "pflash" && interface != "none")
    return fail("if is '{}'; there are pflash, a bank of flash memory, and none, which -M virt,pflash0=ID "
                "can name",
                interface.value_or("virtio"));
  image.path = TRY(fields.required_text("file", "the path of an image"));
  if (const auto format = fields.text("format"); format && *format != "raw")
    return fail("format is '{}'; it takes raw", *format);
  image.read_only = TRY(read_only(fields));
  if (TRY(fields.flag("snapshot")).value_or(false))
    return fail("snapshot is on; images are written to, or not with readonly=on");
  TRY(fields.choice("media", kMedia));
  TRY(check_host_words(fields));
  const std::size_t bank = TRY(unit(fields));
  if (interface == "pflash") image.bank = bank;
  return image;
}

Result<Image> read_node(Fields& fields) {
  Image image{.group = &fields.group(), .id = fields.text("node-name").value_or(""),
              .bank = std::nullopt, .path = {}, .below = {}};
  const auto driver = fields.text("driver");
  TRY(fields.flag("auto-read-only"));
  for (const std::string_view key : {"cache.direct", "cache.no-flush"}) TRY(fields.flag(key));
  TRY(fields.choice("locking", kLockings));
  TRY(check_host_words(fields));
  image.read_only = TRY(read_only(fields));
  if (driver == "file") {
    image.path = TRY(fields.required_text("filename", "the path of an image"));
  } else if (driver == "raw") {
    const auto inner = fields.text("file.driver");
    if (inner && *inner != "file") return fail("file.driver is '{}'; it takes file", *inner);
    if (inner)
      image.path = TRY(fields.required_text("file.filename", "the path of an image"));
    else
      image.below = TRY(fields.required_text("file", "the name of a node"));
  } else {
    return fail("driver is '{}'; there are file and raw", driver.value_or(""));
  }
  return image;
}

/// All that the options name. Banks are given out.
Result<std::vector<Image>> images(const Options& options) {
  std::vector<Image> images;
  for (const OptionGroup& group : options.drives) images.push_back(TRY(read_group(group, read_drive)));
  for (const OptionGroup& group : options.blockdevs)
    images.push_back(TRY(read_group(group, read_node)));
  std::array<const Image*, kBanks> taken{};
  for (Image& image : images) {
    if (!image.bank) continue;
    if (*image.bank == kBanks)
      image.bank = static_cast<std::size_t>(std::ranges::find(taken, nullptr) - taken.begin());
    if (*image.bank == kBanks)
      return std::unexpected{about(*image.group, {"machine 'virt' has two banks of flash, which are taken"})};
    if (const Image* other = std::exchange(taken[*image.bank], &image))
      return std::unexpected{about(*image.group, {fmt::format("bank {} has '{}' already", *image.bank,
                                                              other->path)})};
  }
  return images;
}

Result<const Image*> find(const std::vector<Image>& images, std::string_view name) {
  for (const Image& image : images)
    if (!name.empty() && image.id == name) return &image;
  std::string names;
  for (const Image& image : images)
    if (!image.id.empty()) names += (names.empty() ? "" : ", ") + image.id;
  if (names.empty())
    return fail("there is no drive '{}'; it takes the id of a -drive or the node-name of a -blockdev",
                name);
  return fail("there is no drive '{}'; there are {}", name, names);
}

/// What a bank of flash has, if anything.
Result<const Image*> of_bank(const std::vector<Image>& images, const FlashNames& names,
                             std::size_t bank) {
  const Image* by_unit = nullptr;
  for (const Image& image : images)
    if (image.bank == bank) by_unit = &image;
  if (names[bank].empty()) return by_unit;
  const auto found = find(images, names[bank]);
  if (!found) return fail("-M virt,pflash{}={}: {}", bank, names[bank], found.error().message);
  if (by_unit != nullptr && by_unit != *found)
    return std::unexpected{about(*by_unit->group, {fmt::format("-M gives bank {} '{}'; give it one",
                                                               bank, names[bank])})};
  return *found;
}

/// The file at the bottom of a chain of nodes.
Result<block::File::Options> file_of(const std::vector<Image>& images, const Image& top) {
  bool read_only = top.read_only;
  const Image* image = &top;
  for (std::size_t steps = 0; image->path.empty(); ++steps) {
    const auto below = find(images, image->below);
    if (!below) return std::unexpected{about(*image->group, below.error())};
    image = *below;
    read_only = read_only || image->read_only;
    if (steps > images.size())
      return std::unexpected{about(*top.group, {"its nodes lie in a circle"})};
  }
  std::string name = top.id.empty() ? fmt::format("pflash{}", top.bank.value_or(0)) : top.id;
  return block::File::Options{
      .name = fmt::format("{} '{}'", top.is_drive ? "drive" : "node", name),
      .path = image->path,
      .access = read_only ? block::Access::kReadOnly : block::Access::kReadWrite};
}

}  // namespace

Result<void> check_images(const Options& options, const FlashNames& names) {
  const auto all = TRY(images(options));
  for (std::size_t bank = 0; bank < kBanks; ++bank)
    if (const Image* image = TRY(of_bank(all, names, bank))) TRY(file_of(all, *image));
  return {};
}

Result<std::array<Ref<block::Backend>, kBanks>> open_flash(const Options& options,
                                                           const FlashNames& names) {
  const auto all = TRY(images(options));
  std::array<Ref<block::Backend>, kBanks> flash;
  for (std::size_t bank = 0; bank < kBanks; ++bank)
    if (const Image* image = TRY(of_bank(all, names, bank))) {
      auto file = TRY(file_of(all, *image));
      auto opened = block::File::open(std::move(file));
      if (!opened) return std::unexpected{about(*image->group, opened.error())};
      flash[bank] = std::move(*opened);
    }
  return flash;
}

}  // namespace holdfast::app
