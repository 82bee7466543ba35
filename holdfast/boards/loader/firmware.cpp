// SPDX-License-Identifier: Apache-2.0
#include "holdfast/boards/loader/firmware.hpp"

#include <array>
#include <filesystem>
#include <string_view>
#include <system_error>

namespace holdfast::boards {
namespace {

constexpr std::array<std::string_view, 3> kUsualFolders{
    "/usr/lib/riscv64-linux-gnu/opensbi/generic", "/usr/share/opensbi/lp64/generic/firmware",
    "/usr/share/qemu"};
/// The same file has one name in its own package and another where emulators look for it.
constexpr std::array<std::string_view, 2> kDefaultNames{
    "opensbi-riscv64-generic-fw_dynamic.bin", "fw_dynamic.bin"};

bool is_file(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::is_regular_file(path, error);
}

std::optional<std::string> find(std::string_view name, std::span<const std::string> folders) {
  for (const std::string& folder : folders)
    if (const auto path = std::filesystem::path{folder} / name; is_file(path)) return path.string();
  for (const std::string_view folder : kUsualFolders)
    if (const auto path = std::filesystem::path{folder} / name; is_file(path)) return path.string();
  return std::nullopt;
}

}  // namespace

Result<std::optional<std::string>> find_firmware(const std::optional<std::string>& bios,
                                                 std::span<const std::string> folders) {
  if (bios == "none") return std::nullopt;
  if (!bios || *bios == "default") {
    for (const std::string_view name : kDefaultNames)
      if (auto found = find(name, folders)) return found;
    return fail("-bios: the default firmware, fw_dynamic.bin, is not in {} (package opensbi); "
                "'-bios none' does without",
                kUsualFolders.front());
  }
  if (is_file(*bios)) return *bios;
  if (auto found = find(*bios, folders)) return found;
  return *bios;  // whoever reads it says what is wrong with it
}

}  // namespace holdfast::boards
