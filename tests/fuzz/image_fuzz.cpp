// SPDX-License-Identifier: Apache-2.0
// A firmware or kernel image.
#include "holdfast/boards/loader/image.hpp"

#include <numeric>

#include "holdfast/base/check.hpp"

using namespace holdfast;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span{data, size});
  const boards::LoadOptions options{
      .name = "input", .base = 0x8020'0000, .room = {0x8000'0000, 0x87ff'ffff},
      .most_unpacked = 1 << 20};
  const auto image = boards::parse_image({bytes.begin(), bytes.end()}, options);
  if (!image) {
    HF_CHECK(image.error().message.starts_with("input: "), "message '{}'", image.error().message);
    return 0;
  }
  HF_CHECK(options.room.contains(image->extent()), "outside of the room");
  HF_CHECK(image->format() != boards::ImageFormat::kElf || image->entry() <= image->extent().last,
           "entry {:#x}", image->entry());
  std::optional<std::uint64_t> last;
  unsigned sum = 0;
  for (const auto& segment : image->segments()) {
    HF_CHECK(!last || segment.extent.first > *last, "segments overlap");
    HF_CHECK(segment.bytes.empty() || segment.bytes.size() - 1 <= segment.extent.span(), "too long");
    for (const std::byte b : segment.bytes) sum += static_cast<unsigned>(b);  // all of them are there
    last = segment.extent.last;
  }
  for (const auto* name : {"", "_start", "tohost", "x"}) sum += image->symbol(name) ? 1U : 0U;
  return sum == 0xffff'ffff ? -1 : 0;
}
