// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/misc/htif.hpp"

#include <algorithm>
#include <array>

#include "holdfast/base/log.hpp"
#include "holdfast/hw/base_types.hpp"
#include "holdfast/hw/machine_requests.hpp"

namespace holdfast::devices {
namespace {

constexpr std::uint64_t kMillisecond = 1'000'000;
constexpr std::uint64_t kPayload = (std::uint64_t{1} << 48) - 1;

enum Command : std::uint64_t {
  kSystem = 0x0000,
  kGetCharacter = 0x0100,
  kPutCharacter = 0x0101,
};

enum SystemCall : std::uint64_t { kWriteCall = 64, kExitCall = 93 };
constexpr auto kNoSuchCall = static_cast<std::uint64_t>(-38);   // as Linux says
constexpr auto kBadAddress = static_cast<std::uint64_t>(-14);
constexpr auto kBadDescriptor = static_cast<std::uint64_t>(-9);

}  // namespace

constinit const object::Type Htif::kType{
    .name = "riscv.htif",
    .parent = &hw::kSysBusDevice,
    .docs = "Host-target interface: console and exit status by two words in memory."};

Htif::Htif(const hw::DeviceInit& init, const Config& config)
    : Device{init}, console_{*this, "chardev", config.console, {.room = &Htif::send}} {}

void Htif::set_tohost(unsigned half, std::uint32_t value) {
  if (half == 1) return perform(std::uint64_t{value} << 32 | low_);
  if (pending_) return perform(low_);  // it says the same again and again, and will not go on
  low_ = value;
  pending_ = value != 0;
  if (pending_) half_a_command_.arm(half_a_command_.now_ns() + kMillisecond);
}

std::uint32_t Htif::fromhost(unsigned half) {
  return static_cast<std::uint32_t>(fromhost_ >> (32 * half));
}

void Htif::set_fromhost(unsigned half, std::uint32_t value) {
  const std::uint64_t kept = fromhost_ & (half == 0 ? ~std::uint64_t{0} << 32 : ~std::uint32_t{0});
  fromhost_ = kept | std::uint64_t{value} << (32 * half);
}

void Htif::perform(std::uint64_t command) {
  low_ = 0;
  pending_ = false;
  half_a_command_.cancel();
  if (command == 0) return;
  const std::uint64_t payload = command & kPayload;
  switch (command >> 48) {
    case kSystem:
      return (payload & 1) != 0 ? quit(payload >> 1) : system_call(payload);
    case kPutCharacter: {
      const auto byte = static_cast<std::uint8_t>(payload);
      put({&byte, 1});
      fromhost_ = std::uint64_t{kPutCharacter} << 48 | 0x100 | byte;
      return;
    }
    case kGetCharacter:
      return;  // answered when a character comes; none does
    default:
      log::guest_error("{}: command {:#x} is for nobody", full_path(), command);
  }
}

// What does not fit into the exit status of a process must not look like success.
void Htif::quit(std::uint64_t status) {
  constexpr std::uint64_t kMost = 255;
  if (hw::MachineRequests* machine = context().requests)
    machine->request_quit(static_cast<int>(std::min(status, kMost)));
}

void Htif::system_call(std::uint64_t words_at) {
  std::array<std::uint64_t, 8> words{};
  auto outcome = port_.read(words_at, std::as_writable_bytes(std::span{words}));
  if (outcome != memory::MemTxResult::kOk)
    return log::guest_error("{}: no memory for a system call at {:#x}", full_path(), words_at);
  switch (words[0]) {
    case kExitCall:
      return quit(words[1] & 0xff);
    case kWriteCall:
      words[0] = words[1] == 1 || words[1] == 2 ? write_out(words[2], words[3]) : kBadDescriptor;
      break;
    default:
      log::guest_error("{}: there is no system call {}", full_path(), words[0]);
      words[0] = kNoSuchCall;
  }
  outcome = port_.write(words_at, std::as_bytes(std::span{words}).first(sizeof words[0]));
  fromhost_ = 1;
}

std::uint64_t Htif::write_out(std::uint64_t from, std::uint64_t length) {
  std::array<std::uint8_t, 256> bytes{};
  length = std::min<std::uint64_t>(length, kMostUnsent);
  for (std::uint64_t done = 0; done < length;) {
    const auto piece = std::span{bytes}.first(std::min<std::uint64_t>(bytes.size(), length - done));
    if (port_.read(from + done, std::as_writable_bytes(piece)) != memory::MemTxResult::kOk)
      return kBadAddress;
    put(piece);
    done += piece.size();
  }
  return length;
}

void Htif::put(std::span<const std::uint8_t> bytes) {
  const std::size_t room = kMostUnsent - std::min(kMostUnsent, unsent_.size());
  const auto taken = bytes.first(std::min(bytes.size(), room));
  unsent_.insert(unsent_.end(), taken.begin(), taken.end());
  send();
}

void Htif::send() {
  const std::size_t sent = console_.write(unsent_);
  unsent_.erase(unsent_.begin(), unsent_.begin() + static_cast<std::ptrdiff_t>(sent));
}

void Htif::on_reset(hw::ResetPhase phase) {
  if (phase == hw::ResetPhase::kEnter) unsent_.clear();
}

}  // namespace holdfast::devices
