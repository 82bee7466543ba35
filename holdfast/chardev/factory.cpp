// SPDX-License-Identifier: Apache-2.0
#include "holdfast/chardev/factory.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "holdfast/chardev/pty.hpp"
#include "holdfast/chardev/ring_buffer.hpp"
#include "holdfast/chardev/socket.hpp"
#include "holdfast/chardev/stream.hpp"

namespace holdfast::chardev {
namespace {

using Made = Result<std::unique_ptr<Chardev>>;

Result<Descriptor> open_file(const Surroundings& around, const std::string& path, int how) {
  const int flags = how | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  if (around.open) return around.open(path, flags);
  Descriptor file{::open(path.c_str(), flags, 0666)};
  if (!file) return fail("'{}': {}", path, std::strerror(errno));
  return file;
}

Result<Descriptor> open_fifo(const Surroundings& around, const std::string& path) {
  // For reading and writing: neither waits for somebody at the other end, nor ends with him.
  Descriptor file = TRY(open_file(around, path, O_RDWR));
  struct stat info {};
  if (::fstat(file.get(), &info) != 0 || !(S_ISFIFO(info.st_mode) || S_ISCHR(info.st_mode)))
    return fail("'{}' is no FIFO; mkfifo makes one", path);
  return file;
}

Made make_file(const Spec& spec, const Surroundings& around, Chardev::Common common) {
  Stream::Init init{.filename = "file"};
  if (!spec.input_path.empty()) init.owned_input = TRY(open_file(around, spec.input_path, O_RDONLY));
  init.owned_output =
      TRY(open_file(around, spec.path, O_WRONLY | O_CREAT | (spec.append ? O_APPEND : O_TRUNC)));
  return Stream::make(around.loop, std::move(common), std::move(init));
}

Made make_pipe(const Spec& spec, const Surroundings& around, Chardev::Common common) {
  Stream::Init init{.filename = "pipe"};
  auto in = open_fifo(around, spec.path + ".in");
  auto out = open_fifo(around, spec.path + ".out");
  if (in && out) {
    init.owned_input = std::move(*in);
    init.owned_output = std::move(*out);
    return Stream::make(around.loop, std::move(common), std::move(init));
  }
  auto both = open_fifo(around, spec.path);
  if (!both)
    return fail("{}; it takes a FIFO of that name, or two called {}.in and {}.out",
                both.error().message, spec.path, spec.path);
  init.output = both->get();
  init.owned_input = std::move(*both);
  return Stream::make(around.loop, std::move(common), std::move(init));
}

Made make_terminal(const Spec& spec, const Surroundings& around, Chardev::Common common) {
  Stream::Init init{.filename = "serial", .terminal = SharedDescriptor::Terminal::kRaw};
  init.owned_input = TRY(open_file(around, spec.path, O_RDWR));
  if (::isatty(init.owned_input.get()) != 1) return fail("'{}' is no terminal", spec.path);
  init.output = init.owned_input.get();
  return Stream::make(around.loop, std::move(common), std::move(init));
}

Made make_socket(const Spec& spec, EventLoop& loop, Chardev::Common common) {
  return Socket::make(loop, std::move(common),
                      {.address = spec.address,
                       .server = spec.server,
                       .wait = spec.wait,
                       .no_delay = spec.no_delay,
                       .reconnect_s = spec.reconnect_s});
}

Made make_pty(const Surroundings& surroundings, Chardev::Common common) {
  auto pty = TRY(Pty::make(surroundings.loop, std::move(common)));
  const std::string line =
      fmt::format("char device redirected to {} (label {})", pty->path(), pty->id());
  if (surroundings.announce) {
    surroundings.announce(line);
  } else {
    fmt::print("{}\n", line);
    std::fflush(stdout);
  }
  return pty;
}

Made make_kind(const Spec& spec, const Surroundings& around, Chardev::Common common) {
  const auto terminal = spec.signal ? SharedDescriptor::Terminal::kCharacters
                                    : SharedDescriptor::Terminal::kRaw;
  switch (spec.backend) {
    case Backend::kNull: return std::make_unique<NullChardev>(std::move(common));
    case Backend::kStdio: return make_stdio(around.loop, std::move(common), terminal);
    case Backend::kFile: return make_file(spec, around, std::move(common));
    case Backend::kPty: return make_pty(around, std::move(common));
    case Backend::kPipe: return make_pipe(spec, around, std::move(common));
    case Backend::kSerial: return make_terminal(spec, around, std::move(common));
    case Backend::kSocket: return make_socket(spec, around.loop, std::move(common));
    case Backend::kRingBuffer: return std::make_unique<RingBuffer>(std::move(common), spec.size);
    case Backend::kNone:
    case Backend::kReference: break;
  }
  return fail("'{}' is no back-end of its own", to_string(spec.backend));
}

}  // namespace

Result<std::unique_ptr<Chardev>> make(const Spec& spec, const Surroundings& surroundings) {
  Chardev::Common common{
      .id = spec.id,
      .sharing = spec.mux ? Chardev::Sharing::kMux : Chardev::Sharing::kExclusive,
      .on_command = surroundings.on_command};
  if (!spec.logfile.empty())
    common.log = TRY(OutputLog::make(surroundings.loop, spec.logfile,
                                     spec.log_append ? OutputLog::Existing::kAppend
                                                     : OutputLog::Existing::kTruncate));
  auto made = make_kind(spec, surroundings, std::move(common));
  if (made || made.error().message.starts_with("chardev '")) return made;
  return fail("chardev '{}': {}: {}", spec.id, to_string(spec.backend), made.error().message);
}

}  // namespace holdfast::chardev
