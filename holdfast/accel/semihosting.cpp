// SPDX-License-Identifier: Apache-2.0
#include "holdfast/accel/semihosting.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <utility>

#include "holdfast/base/log.hpp"
#include "holdfast/hw/clock.hpp"
#include "holdfast/hw/machine_requests.hpp"

namespace holdfast::accel {
namespace {

enum Operation : std::uint64_t {
  kOpen = 0x01,
  kClose = 0x02,
  kWriteCharacter = 0x03,
  kWriteText = 0x04,
  kWrite = 0x05,
  kRead = 0x06,
  kReadCharacter = 0x07,
  kIsError = 0x08,
  kIsTerminal = 0x09,
  kSeek = 0x0a,
  kLength = 0x0c,
  kTemporaryName = 0x0d,
  kRemove = 0x0e,
  kRename = 0x0f,
  kClock = 0x10,
  kTime = 0x11,
  kSystem = 0x12,
  kErrno = 0x13,
  kCommandLine = 0x15,
  kHeapInfo = 0x16,
  kExit = 0x18,
  kExitExtended = 0x20,
  kElapsed = 0x30,
  kTickFrequency = 0x31,
};

constexpr std::uint64_t kFailed = ~std::uint64_t{0};
constexpr std::uint64_t kNsPerSecond = 1'000'000'000;
constexpr std::size_t kPiece = 4096;
constexpr std::size_t kLongestText = 1 << 20;
constexpr std::size_t kMostUnsent = 1 << 20;

std::span<const std::uint8_t> octets(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
}

}  // namespace

struct Semihosting::CallIn {
  Hart& hart;
  const hw::Context& context;
  std::uint64_t operation;
  std::uint64_t parameter;
};

CpuEvents::Call Semihosting::perform(Hart& hart, const hw::Context& context) {
  constexpr unsigned kA0 = 10, kA1 = 11;
  const auto result = answer({hart, context, hart.integer(kA0), hart.integer(kA1)});
  if (!result) return CpuEvents::Call::kWaits;
  hart.answer_host_call(*result);
  return CpuEvents::Call::kDone;
}

Semihosting::Answer Semihosting::answer(const CallIn& call) {
  switch (call.operation) {
    case kOpen: return open(call);
    case kWriteCharacter:
    case kWriteText: return write_text(call);
    case kWrite: return write(call);
    case kRead: return read(call);
    case kReadCharacter: return read_character(call);
    case kTemporaryName: return temporary_name(call);
    case kRemove: return remove(call);
    case kRename: return rename(call);
    case kClock: return call.context.clock.now_ns() / (kNsPerSecond / 100);
    case kTime: return static_cast<std::uint64_t>(std::time(nullptr));
    case kSystem: return failure(EPERM);
    case kErrno: return static_cast<std::uint64_t>(files_.last_error());
    case kCommandLine: return command_line(call);
    case kHeapInfo: return heap_information(call);
    case kExit:
    case kExitExtended: return leave(call);
    case kElapsed: return elapsed(call);
    case kTickFrequency: return kNsPerSecond;
    default: return file_operation(call);
  }
}

Semihosting::Answer Semihosting::failure(int error) {
  files_.set_error(error);
  return kFailed;
}

bool Semihosting::words(const CallIn& call, std::span<std::uint64_t> words) {
  return call.hart.read_memory(call.parameter, std::as_writable_bytes(words));
}

std::optional<std::string> Semihosting::text(const CallIn& call, std::uint64_t from,
                                             std::uint64_t length) {
  constexpr std::uint64_t kLongestName = 4095;
  if (length > kLongestName) return std::nullopt;
  std::string text(static_cast<std::size_t>(length), '\0');
  if (!call.hart.read_memory(from, std::as_writable_bytes(std::span{text}))) return std::nullopt;
  if (text.find('\0') != text.npos) return std::nullopt;
  return text;
}

// --- files --------------------------------------------------------------------------------------

Semihosting::Answer Semihosting::open(const CallIn& call) {
  std::array<std::uint64_t, 3> in{};
  if (!words(call, in)) return failure(EFAULT);
  const auto name = text(call, in[0], in[2]);
  if (!name) return failure(EINVAL);
  return files_.open(*name, in[1]).value_or(kFailed);
}

/// Those that take a handle and perhaps a number.
Semihosting::Answer Semihosting::file_operation(const CallIn& call) {
  std::array<std::uint64_t, 2> in{};
  const std::size_t count = call.operation == kSeek ? 2 : 1;
  if (!words(call, std::span{in}.first(count))) return failure(EFAULT);
  switch (call.operation) {
    case kClose: return files_.close(in[0]) ? 0 : kFailed;
    case kIsError: return in[0] >> 63;
    case kIsTerminal: return files_.is_terminal(in[0]) ? 1 : 0;
    case kSeek: return files_.seek(in[0], in[1]) ? 0 : kFailed;
    case kLength: return files_.length(in[0]).value_or(kFailed);
    default:
      log::guest_error("semihosting: there is no operation {:#x}", call.operation);
      return failure(ENOSYS);
  }
}

// The answer is how many bytes were not written.
Semihosting::Answer Semihosting::write(const CallIn& call) {
  std::array<std::uint64_t, 3> in{};
  if (!words(call, in)) return failure(EFAULT);
  const auto [handle, from, length] = in;
  const bool console = files_.kind(handle) == SemihostingFiles::Kind::kOutput;
  std::array<std::byte, kPiece> bytes{};
  for (std::uint64_t done = 0; done < length;) {
    const auto piece = std::span{bytes}.first(std::min<std::uint64_t>(kPiece, length - done));
    if (!call.hart.read_memory(from + done, piece)) {
      files_.set_error(EFAULT);
      return length - done;
    }
    const std::size_t written =
        console ? piece.size() : files_.write(handle, piece).value_or(0);
    if (console) put(piece);
    done += written;
    if (written != piece.size()) return length - done;
  }
  return 0;
}

// The answer is how many bytes were not read.
Semihosting::Answer Semihosting::read(const CallIn& call) {
  std::array<std::uint64_t, 3> in{};
  if (!words(call, in)) return failure(EFAULT);
  const auto [handle, to, length] = in;
  if (files_.kind(handle) == SemihostingFiles::Kind::kInput) return read_console(call, to, length);
  std::array<std::byte, kPiece> bytes{};
  for (std::uint64_t done = 0; done < length;) {
    const auto piece = std::span{bytes}.first(std::min<std::uint64_t>(kPiece, length - done));
    const std::size_t got = files_.read(handle, piece).value_or(0);
    if (got == 0) return length - done;
    if (!call.hart.write_memory(to + done, piece.first(got))) {
      files_.set_error(EFAULT);
      return length - done;
    }
    done += got;
  }
  return 0;
}

Semihosting::Answer Semihosting::temporary_name(const CallIn& call) {
  std::array<std::uint64_t, 3> in{};
  if (!words(call, in)) return failure(EFAULT);
  const auto [to, identifier, length] = in;
  const std::string name = fmt::format("/tmp/holdfast-{}-{:02x}", ::getpid(), identifier & 0xff);
  if (identifier > 0xff || length < name.size() + 1) return failure(EINVAL);
  const auto bytes = std::as_bytes(std::span{name.c_str(), name.size() + 1});
  return call.hart.write_memory(to, bytes) ? 0 : failure(EFAULT);
}

Semihosting::Answer Semihosting::remove(const CallIn& call) {
  std::array<std::uint64_t, 2> in{};
  if (!words(call, in)) return failure(EFAULT);
  const auto name = text(call, in[0], in[1]);
  if (!name) return failure(EINVAL);
  return files_.remove(*name) ? 0 : kFailed;
}

Semihosting::Answer Semihosting::rename(const CallIn& call) {
  std::array<std::uint64_t, 4> in{};
  if (!words(call, in)) return failure(EFAULT);
  const auto from = text(call, in[0], in[1]);
  const auto to = text(call, in[2], in[3]);
  if (!from || !to) return failure(EINVAL);
  return files_.rename(*from, *to) ? 0 : kFailed;
}

// --- the console ----------------------------------------------------------------------------------

Semihosting::Answer Semihosting::write_text(const CallIn& call) {
  std::string text;
  for (std::uint64_t at = call.parameter; text.size() < kLongestText; ++at) {
    char c = 0;
    if (!call.hart.read_memory(at, std::as_writable_bytes(std::span{&c, 1}))) return failure(EFAULT);
    if (call.operation == kWriteText && c == '\0') break;
    text += c;
    if (call.operation == kWriteCharacter) break;
  }
  put(std::as_bytes(std::span{text}));
  return 0;
}

Semihosting::Answer Semihosting::read_character(const CallIn& call) {
  if (console_ == nullptr) return kFailed;
  const auto input = take_input(call.hart, 1);
  if (input.empty()) return std::nullopt;
  return std::to_integer<std::uint64_t>(input.front());
}

Semihosting::Answer Semihosting::read_console(const CallIn& call, std::uint64_t to,
                                              std::uint64_t length) {
  if (console_ == nullptr || length == 0) return length;  // the end of input
  const auto input = take_input(call.hart, length);
  if (input.empty()) return std::nullopt;
  if (!call.hart.write_memory(to, input)) return failure(EFAULT);
  return length - input.size();
}

std::vector<std::byte> Semihosting::take_input(Hart& hart, std::uint64_t most) {
  const LockGuard lock{mutex_};
  std::erase(waiting_, &hart);
  if (input_.empty()) waiting_.push_back(&hart);
  std::vector<std::byte> taken;
  for (; !input_.empty() && taken.size() < most; input_.pop_front())
    taken.push_back(std::byte{input_.front()});
  return taken;
}

void Semihosting::feed(chardev::Bytes bytes) {
  const LockGuard lock{mutex_};
  input_.insert(input_.end(), bytes.begin(), bytes.end());
  for (Hart* hart : waiting_) hart->request_stop();
  waiting_.clear();
}

void Semihosting::forget(Hart& hart) {
  const LockGuard lock{mutex_};
  std::erase(waiting_, &hart);
}

void Semihosting::put(std::span<const std::byte> bytes) {
  if (console_ == nullptr) {
    [[maybe_unused]] const auto shown = ::write(STDERR_FILENO, bytes.data(), bytes.size());
    return;
  }
  {
    const LockGuard lock{mutex_};
    const std::size_t space = kMostUnsent - std::min(kMostUnsent, unsent_.size());
    const auto taken = octets(bytes.first(std::min(bytes.size(), space)));
    unsent_.insert(unsent_.end(), taken.begin(), taken.end());
  }
  room();
}

void Semihosting::room() {
  const LockGuard lock{mutex_};
  const std::size_t sent = console_->write(unsent_);
  unsent_.erase(unsent_.begin(), unsent_.begin() + static_cast<std::ptrdiff_t>(sent));
}

// --- about the machine --------------------------------------------------------------------------

Semihosting::Answer Semihosting::command_line(const CallIn& call) {
  std::array<std::uint64_t, 2> in{};
  if (!words(call, in)) return failure(EFAULT);
  const std::string& line = options_.command_line;
  if (in[1] < line.size() + 1) return failure(E2BIG);
  const std::uint64_t length = line.size();
  const bool written =
      call.hart.write_memory(in[0], std::as_bytes(std::span{line.c_str(), line.size() + 1})) &&
      call.hart.write_memory(call.parameter + 8, std::as_bytes(std::span{&length, 1}));
  return written ? 0 : failure(EFAULT);
}

Semihosting::Answer Semihosting::heap_information(const CallIn& call) {
  std::array<std::uint64_t, 1> in{};
  if (!words(call, in)) return failure(EFAULT);
  std::array<std::uint64_t, 4> block{};  // heap: base, limit; stack: base, limit. 0: not known
  if (heap_) block = {heap_->first, heap_->last + 1, heap_->last + 1, 0};
  return call.hart.write_memory(in[0], std::as_bytes(std::span{block})) ? 0 : failure(EFAULT);
}

Semihosting::Answer Semihosting::elapsed(const CallIn& call) {
  const std::uint64_t ns = call.context.clock.now_ns();
  const auto bytes = std::as_bytes(std::span{&ns, 1});
  return call.hart.write_memory(call.parameter, bytes) ? 0 : failure(EFAULT);
}

// Another reason than that the program is done is a failure; what does not fit into an exit status
// must not look like success.
Semihosting::Answer Semihosting::leave(const CallIn& call) {
  constexpr std::uint64_t kProgramDone = 0x20026, kMost = 255;
  std::array<std::uint64_t, 2> in{};
  std::uint64_t status = 1;
  if (words(call, in) && in[0] == kProgramDone) status = std::min(in[1], kMost);
  if (call.context.requests != nullptr)
    call.context.requests->request_quit(static_cast<int>(status));
  return 0;
}

}  // namespace holdfast::accel
