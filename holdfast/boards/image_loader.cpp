// SPDX-License-Identifier: Apache-2.0
#include "holdfast/boards/image_loader.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "holdfast/base/log.hpp"
#include "holdfast/memory/port.hpp"

namespace holdfast::boards {

constinit const object::Type ImageLoader::kType{
    .name = "image-loader",
    .parent = &hw::Device::kType,
    .docs = "Fills memory with firmware and kernels at each reset."};

ImageLoader::ImageLoader(const hw::DeviceInit& init, Config config)
    : Device{init}, config_{std::move(config)} {}

void ImageLoader::on_reset(hw::ResetPhase phase) {
  if (phase == hw::ResetPhase::kHold && life() == hw::Life::kLive) load();
}

void ImageLoader::load() {
  static constexpr std::array<std::byte, 4096> kZeroes{};
  memory::Port port{space_.get()};
  const memory::MemTxAttrs as_tool{.debug = true};  // ROM, too
  for (const Blob& blob : config_.blobs) {
    auto result = port.write(blob.address, blob.bytes, as_tool);
    for (std::uint64_t done = blob.bytes.size(); done < blob.size; done += kZeroes.size()) {
      const auto length = std::min<std::uint64_t>(kZeroes.size(), blob.size - done);
      result |= port.write(blob.address + done, std::span{kZeroes}.first(length), as_tool);
    }
    if (result != memory::MemTxResult::kOk)
      log::warn("{}: some of its {} bytes at {:#x} found no memory", blob.name, blob.size,
                blob.address);
  }
}

}  // namespace holdfast::boards
