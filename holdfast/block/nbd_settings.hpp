// SPDX-License-Identifier: Apache-2.0
// Which server of network block devices a back-end is at, as people and programs say it. Errors name the key
// and what it takes; nobody is connected to.
#pragma once

#include <string>
#include <string_view>

#include "holdfast/base/result.hpp"
#include "holdfast/block/nbd.hpp"
#include "holdfast/block/settings.hpp"

namespace holdfast::block {

/// `what` is the node, for messages.
Result<Nbd::Options> nbd_options(Settings& settings, const std::string& what);

/// Of a drive's "file": "nbd:unix:PATH:exportname=X", "nbd:HOST:PORT:exportname=X", "nbd://HOST:PORT/X",
/// "nbd+unix:///X?socket=PATH".
Result<void> take_nbd_name(Settings& node, std::string_view text);

}  // namespace holdfast::block
