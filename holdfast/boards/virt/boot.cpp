// SPDX-License-Identifier: Apache-2.0
#include "holdfast/boards/virt/boot.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "holdfast/boards/loader/device_tree.hpp"
#include "holdfast/boards/loader/image.hpp"
#include "holdfast/boards/loader/riscv_boot.hpp"
#include "holdfast/boards/virt/layout.hpp"

namespace holdfast::boards::virt {
namespace {

using Blob = ImageLoader::Blob;
using devices::FwCfg;
using Key = FwCfg::Key;

constexpr std::uint64_t kMiB = 1U << 20U;
// Supervisor-mode code starts where a 2 MiB page of its own can begin.
constexpr std::uint64_t kKernelAlignment = 2 * kMiB;
// The device tree stays below this address, where the first page tables of kernels reach.
constexpr std::uint64_t kLowEnd = 3 * 1024 * kMiB;

constexpr std::uint64_t align_up(std::uint64_t value, std::uint64_t to) {
  return (value + to - 1) / to * to;
}
constexpr std::uint64_t align_down(std::uint64_t value, std::uint64_t to) {
  return value / to * to;
}

Extent ram_of(const Options& options) {
  return {map::kRam, map::kRam + (options.ram_size - 1)};
}

void add_image(std::vector<Blob>& blobs, const std::string& name, const Image& image) {
  for (const Segment& segment : image.segments())
    blobs.push_back({.name = name,
                     .address = segment.extent.first,
                     .bytes = {segment.bytes.begin(), segment.bytes.end()},
                     .size = segment.extent.span() + 1});
}

/// Everything the boot puts into RAM, from the bottom up and from the top down.
class Boot {
 public:
  explicit Boot(const Options& options) : options_{options}, ram_{ram_of(options)} {}

  Result<BootPlan> plan() && {
    TRY(add_firmware());
    if (boots_from_flash()) {
      (options_.bios ? kernel_entry_ : firmware_entry_) = map::kFlash;
      TRY(offer_kernel());
    } else {
      TRY(add_kernel());
      TRY(add_initrd());
    }
    TRY(add_device_tree());
    blobs_.push_back(reset_code());
    TRY(add_loads());
    add_board_items();
    return BootPlan{.blobs = std::move(blobs_),
                    .htif = htif_,
                    .starts = std::move(starts_),
                    .free = free_ram(),
                    .fw_cfg = std::move(fw_cfg_),
                    .device_tree = std::move(tree_)};
  }

 private:
  std::optional<Extent> free_ram() const {
    const std::uint64_t first = align_up(next_free_, 4096);
    if (first < next_free_ || first >= tree_at_) return std::nullopt;
    return Extent{first, tree_at_ - 1};
  }

  Result<void> add_firmware() {
    if (!options_.bios) return {};
    const auto image =
        TRY(load_image(*options_.bios, {.base = map::kRam, .room = ram_}));
    look_for_htif(image);
    firmware_entry_ = image.entry();
    next_free_ = image.extent().last + 1;
    add_image(blobs_, *options_.bios, image);
    return {};
  }

  /// What runs from flash: without firmware it is the firmware, else what the firmware goes on to, and
  /// it finds the kernel and the RAM disk by itself.
  bool boots_from_flash() const { return static_cast<bool>(options_.flash.front()); }

  Result<void> offer(const std::string& path, Key size, Key data) {
    const auto bytes = FwCfg::bytes_of(TRY(read_file(path, std::numeric_limits<std::uint32_t>::max())));
    fw_cfg_.items.push_back({size, FwCfg::number(static_cast<std::uint32_t>(bytes->size()))});
    fw_cfg_.items.push_back({data, bytes});
    return {};
  }
  /// To firmware that loads it itself.
  Result<void> offer_kernel() {
    if (options_.kernel) TRY(offer(*options_.kernel, Key::kKernelSize, Key::kKernelData));
    if (options_.initrd) TRY(offer(*options_.initrd, Key::kInitrdSize, Key::kInitrdData));
    if (options_.append.empty()) return {};
    const std::string text = options_.append + '\0';
    fw_cfg_.items.push_back(
        {Key::kCommandLineSize, FwCfg::number(static_cast<std::uint32_t>(text.size()))});
    fw_cfg_.items.push_back({Key::kCommandLineData, FwCfg::bytes_of(text)});
    return {};
  }

  void add_board_items() {
    fw_cfg_.items.push_back({Key::kCpus, FwCfg::number(static_cast<std::uint16_t>(options_.harts))});
    fw_cfg_.items.push_back(
        {Key::kMaxCpus, FwCfg::number(static_cast<std::uint16_t>(hart_places(options_)))});
    fw_cfg_.items.push_back({Key::kRamSize, FwCfg::number(options_.ram_size)});
    fw_cfg_.items.push_back(
        {Key::kNoGraphics, FwCfg::number(static_cast<std::uint16_t>(options_.graphics ? 0 : 1))});
    fw_cfg_.files = options_.fw_cfg;
    // No order of boot devices, and no time after which to start over.
    fw_cfg_.files.push_back({"bootorder", FwCfg::bytes_of("")});
    fw_cfg_.files.push_back({"etc/boot-fail-wait", FwCfg::number(~std::uint32_t{0})});
  }

  Result<void> add_kernel() {
    if (!options_.kernel) return {};
    const std::uint64_t base = options_.bios ? align_up(next_free_, kKernelAlignment) : map::kRam;
    if (base > ram_.last)
      return fail("'{}': no room in {} bytes of RAM", *options_.kernel, options_.ram_size);
    const auto image =
        TRY(load_image(*options_.kernel, {.base = base, .room = {base, ram_.last}}));
    look_for_htif(image);
    kernel_entry_ = image.entry();
    kernel_at_ = image.extent().first;
    next_free_ = image.extent().last + 1;
    add_image(blobs_, *options_.kernel, image);
    if (!options_.bios) firmware_entry_ = kernel_entry_;
    return {};
  }

  Result<void> add_initrd() {
    if (!options_.initrd) return {};
    // Half of the RAM above where the kernel begins, at most 128 MiB, so that it has room to unpack
    // itself; behind a kernel that is larger.
    const std::uint64_t base =
        align_up(std::max(next_free_, kernel_at_ + std::min(options_.ram_size / 2, 128 * kMiB)), 4096);
    if (base > ram_.last)
      return fail("'{}': no room in {} bytes of RAM", *options_.initrd, options_.ram_size);
    auto bytes = TRY(read_file(*options_.initrd, ram_.last - base + 1));
    initrd_ = DeviceTreeBuilder::Range{base, bytes.size()};
    next_free_ = base + bytes.size();
    const std::uint64_t size = bytes.size();
    blobs_.push_back({*options_.initrd, base, std::move(bytes), size});
    return {};
  }

  Result<void> add_device_tree() {
    auto tree = options_.dtb ? TRY(load_device_tree(*options_.dtb)) : TRY(make_device_tree(options_));
    Chosen chosen{.bootargs = std::nullopt, .initrd = initrd_};
    if (!options_.append.empty()) chosen.bootargs = options_.append;
    tree = TRY(with_chosen(tree, chosen));
    const std::uint64_t top = std::min(map::kRam + options_.ram_size, kLowEnd);
    const std::uint64_t room = top - map::kRam;
    if (tree.size() > room || align_down(top - tree.size(), 8) < next_free_)
      return fail("-m: {} bytes of RAM have no room for the device tree of {} bytes",
                  options_.ram_size, tree.size());
    tree_at_ = std::max(align_down(top - tree.size(), kKernelAlignment), map::kRam);
    if (tree_at_ < next_free_) tree_at_ = align_down(top - tree.size(), 8);
    const std::uint64_t size = tree.size();
    tree_ = tree;
    blobs_.push_back({"device tree", tree_at_, std::move(tree), size});
    return {};
  }

  Result<void> add_loads() {
    for (const GenericLoad& load : options_.loads) {
      auto loaded = TRY(carry_out(load, options_.harts));
      for (auto& piece : loaded.pieces)
        blobs_.push_back({loaded.name, piece.address, std::move(piece.bytes), piece.size});
      if (const auto hart = load.hart; hart && loaded.start) starts_[*hart] = *loaded.start;
    }
    return {};
  }

  void look_for_htif(const Image& image) {
    if (image.format() != ImageFormat::kElf) return;
    const auto tohost = image.symbol("tohost");
    const auto fromhost = image.symbol("fromhost");
    if (!tohost || !fromhost) return;
    const auto to = Extent::of_size(*tohost, 8);
    const auto from = Extent::of_size(*fromhost, 8);
    if (!to || !from || !ram_.contains(*to) || !ram_.contains(*from)) return;
    if (to->first <= from->last && from->first <= to->last) return;
    htif_ = HtifWords{*tohost, *fromhost};
  }

  Blob reset_code() const {
    auto bytes = boot_rom({.at = map::kBootRom.first,
                           .firmware = firmware_entry_,
                           .device_tree = tree_at_,
                           .next = {.next_address = kernel_entry_}});
    const std::uint64_t size = bytes.size();
    return {"boot ROM", map::kBootRom.first, std::move(bytes), size};
  }

  const Options& options_;
  const Extent ram_;
  std::vector<Blob> blobs_;
  FwCfg::Config fw_cfg_;
  std::vector<std::byte> tree_;
  std::uint64_t firmware_entry_ = map::kRam;
  std::uint64_t kernel_entry_ = 0;
  std::uint64_t kernel_at_ = map::kRam;
  std::uint64_t next_free_ = map::kRam;
  std::uint64_t tree_at_ = 0;
  std::optional<DeviceTreeBuilder::Range> initrd_;
  std::optional<HtifWords> htif_;
  std::vector<std::uint64_t> starts_ =
      std::vector<std::uint64_t>(hart_places(options_), map::kBootRom.first);
};

}  // namespace

Result<BootPlan> plan_boot(const Options& options) {
  return Boot{options}.plan();
}

Result<std::vector<std::byte>> device_tree(const Options& options) {
  TRY(check(options));
  return std::move(TRY(plan_boot(options)).device_tree);
}

}  // namespace holdfast::boards::virt
