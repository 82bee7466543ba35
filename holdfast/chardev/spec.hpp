// SPDX-License-Identifier: Apache-2.0
// What somebody wants of a back-end: read from `-chardev BACKEND,id=ID,key=value…`, from the short
// forms that -serial and -monitor take, or filled in by a monitor.
//
//   -chardev socket,id=c0,path=/tmp/s,server=on,wait=off
//   -serial  unix:/tmp/s,server=on,wait=off        -serial mon:stdio        -serial chardev:c0
//
// A comma inside a value is written twice. A switch may be written as its name alone, or with "no" in
// front to switch it off: `server,nowait`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "holdfast/base/result.hpp"
#include "holdfast/chardev/socket_address.hpp"

namespace holdfast::chardev {

enum class Backend : std::uint8_t {
  kNone,       // only from short forms: no back-end
  kReference,  // only from short forms: one that exists
  kNull,
  kStdio,
  kFile,
  kPty,
  kPipe,
  kSerial,  // a terminal of the host
  kSocket,
  kRingBuffer,
};
/// "stdio"
std::string_view to_string(Backend backend);

struct Spec {
  Backend backend = Backend::kNull;
  std::string id{};  // kReference: which one
  bool mux = false;
  std::string logfile{};
  bool log_append = false;
  bool signal = true;              // kStdio: control-C interrupts
  std::string path{};              // kFile, kPipe, kSerial
  std::string input_path{};        // kFile
  bool append = false;             // kFile
  std::uint64_t size = 64 * 1024;  // kRingBuffer
  SocketAddress address{};         // kSocket, and these:
  bool server = false;
  bool wait = true;
  bool no_delay = false;
  std::uint64_t reconnect_s = 0;
};

using Properties = std::vector<std::pair<std::string, std::string>>;

/// `BACKEND,id=ID,key=value…`. Errors name the back-end and what it takes.
Result<Spec> parse_chardev(std::string_view text);
/// The same from properties taken apart already, "backend" and "id" among them.
Result<Spec> spec_from(const Properties& properties);
/// What -serial, -monitor and their like take: `stdio`, `mon:stdio`, `tcp:HOST:PORT,server=on`, …
/// The id is left to the caller, but for kReference.
Result<Spec> parse_legacy(std::string_view text);

/// The answer to `-chardev help` and `-chardev BACKEND,help`; nothing if the text asks for no help.
std::optional<std::string> help_asked_for(std::string_view text);
/// The short forms, a line each, for help texts.
std::string_view legacy_help();

}  // namespace holdfast::chardev
