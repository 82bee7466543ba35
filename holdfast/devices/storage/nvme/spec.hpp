// SPDX-License-Identifier: Apache-2.0
// What NVM Express 1.4 numbers: registers' fields, commands, statuses, features, logs.
//
// SPEC: "NVM Express Base Specification", revision 1.4; the sections are named where the numbers are.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace holdfast::devices::nvme {

/// Namespaces that a controller can have.
inline constexpr std::uint32_t kMaxNamespaces = 256;
inline constexpr std::uint32_t kAllNamespaces = 0xffff'ffff;

// --- 3.1 registers --------------------------------------------------------------------------------

namespace cc {  // controller configuration
inline constexpr std::uint32_t kEnable = 1U << 0;
constexpr unsigned command_set(std::uint32_t cc) { return cc >> 4U & 7U; }
constexpr unsigned page_bits(std::uint32_t cc) { return 12 + (cc >> 7U & 15U); }
constexpr unsigned arbitration(std::uint32_t cc) { return cc >> 11U & 7U; }
constexpr unsigned shutdown(std::uint32_t cc) { return cc >> 14U & 3U; }
constexpr unsigned submission_bits(std::uint32_t cc) { return cc >> 16U & 15U; }
constexpr unsigned completion_bits(std::uint32_t cc) { return cc >> 20U & 15U; }
inline constexpr std::uint32_t kShutdownMask = 3U << 14U;
inline constexpr std::uint32_t kWritable = 0x00ff'fff1;
}  // namespace cc

namespace csts {  // controller status
inline constexpr std::uint32_t kReady = 1U << 0;
inline constexpr std::uint32_t kFatal = 1U << 1;
inline constexpr std::uint32_t kShutdownMask = 3U << 2;
inline constexpr std::uint32_t kShutdownBegun = 1U << 2;
inline constexpr std::uint32_t kShutdownDone = 2U << 2;
}  // namespace csts

// --- 4.2 submission queue entries -----------------------------------------------------------------

/// A command as the host wrote it.
struct Submission {
  static constexpr std::size_t kSize = 64;
  std::array<std::uint32_t, 16> dw{};

  std::uint8_t opcode() const { return static_cast<std::uint8_t>(dw[0]); }
  unsigned fused() const { return dw[0] >> 8U & 3U; }
  /// How the data pointer is to be read: 0 PRP, 1 or 2 SGL.
  unsigned pointer_kind() const { return dw[0] >> 14U & 3U; }
  std::uint16_t id() const { return static_cast<std::uint16_t>(dw[0] >> 16U); }
  std::uint32_t namespace_id() const { return dw[1]; }
  std::uint64_t prp1() const { return pair(6); }
  std::uint64_t prp2() const { return pair(8); }
  /// Two dwords as a number; the lower one is `low`.
  std::uint64_t pair(std::size_t low) const {
    return std::uint64_t{dw[low + 1]} << 32U | dw[low];
  }
};

enum class AdminOpcode : std::uint8_t {
  kDeleteSubmissionQueue = 0x00,
  kCreateSubmissionQueue = 0x01,
  kGetLogPage = 0x02,
  kDeleteCompletionQueue = 0x04,
  kCreateCompletionQueue = 0x05,
  kIdentify = 0x06,
  kAbort = 0x08,
  kSetFeatures = 0x09,
  kGetFeatures = 0x0a,
  kAsynchronousEvent = 0x0c,
  kDoorbellBufferConfig = 0x7c,
};

enum class IoOpcode : std::uint8_t {
  kFlush = 0x00,
  kWrite = 0x01,
  kRead = 0x02,
  kCompare = 0x05,
  kWriteZeroes = 0x08,
  kDatasetManagement = 0x09,
};

// --- 4.6 completion queue entries -----------------------------------------------------------------

/// Status code type, shifted by 8, and status code.
enum class Status : std::uint16_t {
  kSuccess = 0x000,
  kInvalidOpcode = 0x001,
  kInvalidField = 0x002,
  kDataTransferError = 0x004,
  kInternalError = 0x006,
  kAbortRequested = 0x007,
  kInvalidNamespace = 0x00b,
  kCommandSequenceError = 0x00c,
  kInvalidSglSegment = 0x00d,
  kTooManySglDescriptors = 0x00e,
  kDataSglLengthInvalid = 0x00f,
  kSglDescriptorTypeInvalid = 0x011,
  kPrpOffsetInvalid = 0x013,
  kWriteProtected = 0x020,
  kLbaOutOfRange = 0x080,
  kCompletionQueueInvalid = 0x100,
  kInvalidQueueIdentifier = 0x101,
  kInvalidQueueSize = 0x102,
  kEventLimitExceeded = 0x105,
  kInvalidInterruptVector = 0x108,
  kInvalidLogPage = 0x109,
  kInvalidQueueDeletion = 0x10c,
  kFeatureNotSaveable = 0x10d,
  kFeatureNotPerNamespace = 0x10f,
  kWriteFault = 0x280,
  kUnrecoveredReadError = 0x281,
  kCompareFailure = 0x285,
};

/// Whether the same command, given again, would fail again: the "do not retry" bit.
constexpr bool is_for_good(Status status) {
  switch (status) {
    case Status::kSuccess:
    case Status::kDataTransferError:
    case Status::kInternalError:
    case Status::kAbortRequested:
    case Status::kWriteFault:
    case Status::kUnrecoveredReadError:
      return false;
    default:
      return true;
  }
}

struct Completion {
  static constexpr std::size_t kSize = 16;
  std::uint32_t result = 0;  // dword 0, by command
  Status status = Status::kSuccess;

  std::uint32_t status_field() const {
    return static_cast<std::uint32_t>(status) | (is_for_good(status) ? 1U << 14U : 0U);
  }
};

// --- 5 identifiers --------------------------------------------------------------------------------

enum class Feature : std::uint8_t {
  kArbitration = 0x01,
  kPowerManagement = 0x02,
  kTemperatureThreshold = 0x04,
  kErrorRecovery = 0x05,
  kVolatileWriteCache = 0x06,
  kNumberOfQueues = 0x07,
  kInterruptCoalescing = 0x08,
  kInterruptVector = 0x09,
  kWriteAtomicity = 0x0a,
  kEventConfiguration = 0x0b,
  kTimestamp = 0x0e,
};

enum class LogPage : std::uint8_t {
  kErrors = 0x01,
  kHealth = 0x02,
  kFirmware = 0x03,
  kChangedNamespaces = 0x04,
  kCommandEffects = 0x05,
};

// --- bytes ----------------------------------------------------------------------------------------

/// A page of data that a command returns, written field by field, little-endian.
template <std::size_t N>
class Page {
 public:
  template <class T>
  void put(std::size_t at, T value) {
    static_assert(std::endian::native == std::endian::little);
    std::memcpy(bytes_.data() + at, &value, sizeof value);
  }
  void put_bytes(std::size_t at, std::span<const std::byte> value) {
    std::memcpy(bytes_.data() + at, value.data(), value.size());
  }
  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::array<std::byte, N> bytes_{};
};

/// A number from bytes of a guest's.
template <class T>
T number_at(std::span<const std::byte> bytes, std::size_t at) {
  T value{};
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

}  // namespace holdfast::devices::nvme
