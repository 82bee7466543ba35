// SPDX-License-Identifier: Apache-2.0
// What somebody wants of a back-end: read from properties with names and values, or filled in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "holdfast/base/result.hpp"
#include "holdfast/chardev/socket_address.hpp"
#include "holdfast/chardev/spelling.hpp"

namespace holdfast::chardev {

enum class Backend : std::uint8_t {
  kNone,       // a short form: no back-end
  kReference,  // a short form: one that exists
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

/// From a back-end's properties, "backend" and, if it is to be made, "id" among them. Errors name the
/// back-end and what it takes.
Result<Spec> spec_from(const Properties& properties);
/// `BACKEND,id=ID,key=value…`
Result<Spec> parse_chardev(std::string_view text);
/// The short forms; the id is left to the caller, but for kReference.
Result<Spec> parse_legacy(std::string_view text);

/// The back-ends, a line each.
std::string backends_help();
/// What one takes, a line a property; an error if there is none of that name.
Result<std::string> backend_help(std::string_view name);

}  // namespace holdfast::chardev
