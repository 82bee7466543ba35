// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/storage/nvme/logs.hpp"

#include <array>
#include <utility>

namespace holdfast::devices::nvme {
namespace {

template <std::size_t N>
std::vector<std::byte> as_log(const Page<N>& page) {
  return {page.bytes().begin(), page.bytes().end()};
}

constexpr std::uint32_t kSupported = 1U << 0U;
constexpr std::uint32_t kChangesData = 1U << 1U;

template <class Opcode, std::size_t N>
void put_effects(Page<4096>& page, std::size_t base, const std::array<std::pair<Opcode, std::uint32_t>, N>& all) {
  for (const auto& [opcode, effects] : all)
    page.put(base + 4 * static_cast<std::size_t>(opcode), effects);
}

}  // namespace

std::vector<std::byte> error_log(const Counts& counts) {
  Page<64> page;
  if (counts.mishaps == 0) return as_log(page);
  page.put<std::uint64_t>(0, counts.mishaps);
  page.put<std::uint16_t>(8, counts.last.queue);
  page.put<std::uint16_t>(10, counts.last.command);
  const Completion completion{.status = counts.last.status};
  page.put<std::uint16_t>(12, static_cast<std::uint16_t>(completion.status_field() << 1U));
  page.put<std::uint16_t>(14, 0xffff);  // no one field is to blame
  page.put<std::uint64_t>(16, counts.last.block);
  page.put<std::uint32_t>(24, counts.last.namespace_id);
  return as_log(page);
}

std::vector<std::byte> health_log(const Counts& counts, bool hot) {
  // SPEC: counted in thousands of units of 512 bytes, rounded up.
  constexpr std::uint64_t kUnit = 512'000;
  Page<512> page;
  page.put<std::uint8_t>(0, hot ? 1U << 1U : 0U);
  page.put<std::uint16_t>(1, kTemperature);
  page.put<std::uint8_t>(3, 100);  // spare, per cent
  page.put<std::uint8_t>(4, 10);
  page.put<std::uint64_t>(32, (counts.bytes_read + kUnit - 1) / kUnit);
  page.put<std::uint64_t>(48, (counts.bytes_written + kUnit - 1) / kUnit);
  page.put<std::uint64_t>(64, counts.reads);
  page.put<std::uint64_t>(80, counts.writes);
  page.put<std::uint64_t>(112, 1);  // power cycles
  page.put<std::uint64_t>(160, counts.media_errors);
  page.put<std::uint64_t>(176, counts.mishaps);
  return as_log(page);
}

std::vector<std::byte> firmware_log() {
  Page<512> page;
  page.put<std::uint8_t>(0, 1);  // slot 1 runs
  constexpr std::array<char, 8> kRevision{'1', '.', '0', ' ', ' ', ' ', ' ', ' '};
  page.put_bytes(8, std::as_bytes(std::span{kRevision}));
  return as_log(page);
}

std::vector<std::byte> effects_log() {
  using A = AdminOpcode;
  using I = IoOpcode;
  constexpr std::array kAdmin{
      std::pair{A::kDeleteSubmissionQueue, kSupported}, std::pair{A::kCreateSubmissionQueue, kSupported},
      std::pair{A::kGetLogPage, kSupported},            std::pair{A::kDeleteCompletionQueue, kSupported},
      std::pair{A::kCreateCompletionQueue, kSupported}, std::pair{A::kIdentify, kSupported},
      std::pair{A::kAbort, kSupported},                 std::pair{A::kSetFeatures, kSupported},
      std::pair{A::kGetFeatures, kSupported},           std::pair{A::kAsynchronousEvent, kSupported},
      std::pair{A::kDoorbellBufferConfig, kSupported}};
  constexpr std::array kIo{
      std::pair{I::kFlush, kSupported | kChangesData}, std::pair{I::kWrite, kSupported | kChangesData},
      std::pair{I::kRead, kSupported},                 std::pair{I::kCompare, kSupported},
      std::pair{I::kWriteZeroes, kSupported | kChangesData},
      std::pair{I::kDatasetManagement, kSupported | kChangesData}};
  Page<4096> page;
  put_effects(page, 0, kAdmin);
  put_effects(page, 1024, kIo);
  return as_log(page);
}

std::vector<std::byte> changes_log(std::span<const std::uint32_t> namespaces) {
  constexpr std::size_t kMost = 1024;
  Page<4096> page;
  if (namespaces.size() > kMost) {
    page.put<std::uint32_t>(0, kAllNamespaces);
    return as_log(page);
  }
  for (std::size_t i = 0; i < namespaces.size(); ++i) page.put(4 * i, namespaces[i]);
  return as_log(page);
}

}  // namespace holdfast::devices::nvme
