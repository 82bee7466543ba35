// SPDX-License-Identifier: Apache-2.0
// `-device loader`: something put into memory, or a hart started elsewhere, as the user says.
//
// Three uses: a number of up to 8 bytes at an address (`data`, `data_length`); a file, which is an
// image or, if `raw` or nothing else, its bytes at `address`; and with a hart named and nothing to
// load, where that hart starts. A hart named along with a file starts at the image's entry.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/base/extent.hpp"
#include "holdfast/base/result.hpp"
#include "holdfast/boards/loader/image.hpp"

namespace holdfast::boards {

enum class DataOrder : std::uint8_t { kLittle, kBig };

struct GenericLoad {
  std::uint64_t address = 0;
  std::optional<std::uint64_t> data{};
  std::uint64_t data_length = 0;  // bytes, 1 to 8, with data
  DataOrder data_order = DataOrder::kLittle;
  std::optional<std::string> file{};  // a path
  LoadFormat format = LoadFormat::kDetect;
  std::optional<std::uint32_t> hart{};
};

struct Loaded {
  struct Piece {
    std::uint64_t address;
    std::vector<std::byte> bytes;
    std::uint64_t size;  // zeroes follow the bytes up to it
  };
  std::string name;  // for messages
  std::vector<Piece> pieces;
  std::optional<std::uint64_t> start;  // of the hart
};

/// Reads and checks it for a machine of so many harts. Errors begin with "-device loader: ".
Result<Loaded> carry_out(const GenericLoad& load, std::uint32_t harts);

}  // namespace holdfast::boards
