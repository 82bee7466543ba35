// SPDX-License-Identifier: Apache-2.0
// Unpacking of what gzip has packed.
// SPEC: RFC 1952; zlib does it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "holdfast/base/result.hpp"

namespace holdfast::boards {

/// Whether the bytes begin as a gzip file does.
bool is_gzip(std::span<const std::byte> file);

/// The bytes inside, all members of the file one after the other; zeroes behind the last are padding.
/// Errors: it is damaged, it ends too early, something else follows, or there are more than `most`.
Result<std::vector<std::byte>> gunzip(std::span<const std::byte> file, std::uint64_t most);

}  // namespace holdfast::boards
