// SPDX-License-Identifier: Apache-2.0
// Universally unique identifiers: of namespaces, and in the names of subsystems.
//
// SPEC: RFC 9562. In text "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", most significant digits first.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>

namespace holdfast::devices::nvme {

using Uuid = std::array<std::byte, 16>;

std::optional<Uuid> parse_uuid(const std::string& text);
std::string uuid_text(const Uuid& uuid);
/// Always the same for the same words: a name-based identifier of the form that is free for any hash.
Uuid uuid_of(const std::string& words);

}  // namespace holdfast::devices::nvme
