// SPDX-License-Identifier: Apache-2.0
#include "holdfast/boards/loader/generic_load.hpp"

#include <bit>
#include <cstring>

namespace holdfast::boards {
namespace {

constexpr std::uint64_t kMostData = 8;

Result<void> check(const GenericLoad& load, std::uint32_t harts) {
  if (load.hart && *load.hart >= harts)
    return fail("-device loader: cpu-num={}: there are {} CPUs, from 0 on", *load.hart, harts);
  const bool data = load.data || load.data_length != 0 || load.data_order == DataOrder::kBig;
  const bool file = load.file || load.format == LoadFormat::kRaw;
  if (data && file)
    return fail("-device loader: data and file: it takes one of them; give each a device");
  if (data && !load.data_length)
    return fail("-device loader: data without data-len, which is its number of bytes");
  if (load.data_length > kMostData)
    return fail("-device loader: data-len={}: it is at most {}", load.data_length, kMostData);
  if (file && !load.file) return fail("-device loader: force-raw without a file");
  if (!data && !file && !load.hart)
    return fail("-device loader: nothing to do; it takes data and data-len, or file, or cpu-num "
                "and the address where that CPU starts");
  return {};
}

/// In big-endian order the number is one of eight bytes, of which the first are stored.
Loaded number(const GenericLoad& load) {
  std::uint64_t value = load.data.value_or(0);
  if (load.data_order == DataOrder::kBig) value = std::byteswap(value);
  std::vector<std::byte> bytes(static_cast<std::size_t>(load.data_length));
  std::memcpy(bytes.data(), &value, bytes.size());
  return {.name = "-device loader",
          .pieces = {{load.address, std::move(bytes), load.data_length}},
          .start = std::nullopt};
}

Result<Loaded> file(const GenericLoad& load, const std::string& path) {
  const auto image = load_image(path, {.base = load.address, .format = load.format});
  if (!image) return fail("-device loader: {}", image.error().message);
  Loaded loaded{.name = path, .pieces = {}, .start = std::nullopt};
  for (const Segment& segment : image->segments())
    loaded.pieces.push_back({segment.extent.first,
                             {segment.bytes.begin(), segment.bytes.end()},
                             segment.extent.span() + 1});
  if (load.hart) loaded.start = image->entry();
  return loaded;
}

}  // namespace

Result<Loaded> carry_out(const GenericLoad& load, std::uint32_t harts) {
  TRY(check(load, harts));
  if (load.file) return file(load, *load.file);
  if (load.data_length != 0) return number(load);
  return Loaded{.name = "-device loader", .pieces = {}, .start = load.address};
}

}  // namespace holdfast::boards
