// SPDX-License-Identifier: Apache-2.0
#include "holdfast/boards/b_l475e_iot01a/b_l475e_iot01a.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "holdfast/boards/b_l475e_iot01a/stm32l4x5_soc.hpp"
#include "holdfast/boards/image_loader.hpp"
#include "holdfast/boards/loader/image.hpp"
#include "holdfast/devices/display/dm163.hpp"

namespace holdfast::boards::b_l475e_iot01a {
namespace {

using Soc = Stm32l4x5Soc;

constexpr Extent extent(std::uint64_t at, std::uint64_t size) { return {at, at + (size - 1)}; }

/// Where a program may be: in flash, there or at 0, and in SRAM.
constexpr std::array kPlaces{extent(0, Soc::kFlashSize), extent(Soc::kFlash, Soc::kFlashSize),
                             extent(Soc::kSram1, Soc::kSram1Size),
                             extent(Soc::kSram2, Soc::kSram2Size)};

Result<std::vector<ImageLoader::Blob>> load(const std::string& path) {
  const Image image = TRY(load_image(
      path, {.base = Soc::kFlash, .room = extent(0, Soc::kMemorySize), .target = LoadTarget::kArm32}));
  std::vector<ImageLoader::Blob> blobs;
  for (const Segment& segment : image.segments()) {
    if (std::ranges::none_of(kPlaces, [&](Extent one) { return one.contains(segment.extent); }))
      return fail("{}: {:#x}-{:#x} is not all in one memory; there are 1M of flash at 0x0 and {:#x}, 96K of "
                  "SRAM at {:#x}, 32K at {:#x}",
                  path, segment.extent.first, segment.extent.last, Soc::kFlash, Soc::kSram1, Soc::kSram2);
    blobs.push_back({.name = path,
                     .address = segment.extent.first,
                     .bytes = {segment.bytes.begin(), segment.bytes.end()},
                     .size = segment.extent.span() + 1});
  }
  return blobs;
}

/// What a pin of the matrix of lights on the shield is connected to; in the order of the DM163's inputs.
/// The last of them, the one that switches all lights, is tied.
struct Pin {
  std::string_view port;
  unsigned number;
};
constexpr auto kLights = std::to_array<Pin>({
    {"gpiob", 2}, {"gpioa", 15}, {"gpioa", 2}, {"gpioa", 7}, {"gpioa", 6}, {"gpioa", 5}, {"gpiob", 0},
    {"gpioa", 3}, {"gpioa", 4}, {"gpiob", 1}, {"gpioc", 3}, {"gpioc", 4}, {"gpioc", 5},
});

void add_lights(BoardPlan& board, const DeviceRef& soc) {
  const auto lights = board.add<devices::Dm163>("dm163");
  for (unsigned input = 0; input < kLights.size(); ++input) {
    const auto& [port, number] = kLights[input];
    board.wire({{soc.out(fmt::format("{}/pad", port), number), lights.in(input)}});
  }
  board.leave_loose(lights.out("sout"));
}

}  // namespace

Result<BoardPlan> plan(const Options& options) {
  BoardPlan board{"b-l475e-iot01a"};
  const auto soc = board.add<Soc>("soc", {.serials = options.serials});
  board.map({{0, soc.region("memory")}});
  board.link({{soc.link("armv7m/memory"), BoardPlan::memory()}});
  board.leave_loose(soc);
  add_lights(board, soc);
  if (options.kernel) {
    const auto loader = board.add<ImageLoader>("loader", {.blobs = TRY(load(*options.kernel))});
    board.link({{loader.link("memory"), BoardPlan::memory()}});
  }
  return std::move(board).validated();
}

}  // namespace holdfast::boards::b_l475e_iot01a
