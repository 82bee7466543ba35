// SPDX-License-Identifier: Apache-2.0
// How people write back-ends, taken apart into properties: what -chardev takes, and the short forms
// of -serial and -monitor.
//
//   socket,id=c0,path=/tmp/s,server=on,wait=off
//   unix:/tmp/s,server=on,wait=off        mon:stdio        chardev:c0
//
// A comma inside a value is written twice. A switch may be written as its name alone, or with "no" in
// front to switch it off: `server,nowait`. After file:, pipe: and a terminal's name all is the path.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "holdfast/base/result.hpp"

namespace holdfast::chardev {

/// Names and values; "backend" comes first.
using Properties = std::vector<std::pair<std::string, std::string>>;

/// `BACKEND[,KEY=VALUE…]`
Result<Properties> take_apart(std::string_view text);

/// `none` is the back-end "none"; `chardev:ID` is the back-end "chardev" with that id. Of others the
/// id is left to the caller.
///
///   stdio null pty vc none · ringbuf[,size=SIZE] · file:PATH · pipe:PATH · /dev/TERMINAL ·
///   unix:PATH[,KEY=VALUE…] · tcp:[HOST]:PORT[,…] · telnet:[HOST]:PORT[,…] · chardev:ID
///
/// before those that make something: `mon:`, which is mux=on.
Result<Properties> take_short_form_apart(std::string_view text);

/// The short forms, as error messages and help list them.
std::string_view short_forms();

}  // namespace holdfast::chardev
