// SPDX-License-Identifier: Apache-2.0
// Makes small ELF files, sound or broken in one field.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::test {

/// A file with some program headers, their bytes, and a symbol table.
class ElfMaker {
 public:
  struct Load {
    std::uint64_t address;
    std::string bytes;
    std::uint64_t size;  // in memory
    std::uint64_t virtual_address = address;
    std::uint32_t type = 1;
  };

  std::uint64_t entry = 0x8000'0000;
  std::vector<Load> loads;
  std::vector<std::pair<std::string, std::uint64_t>> symbols;

  std::vector<std::byte> make() const {
    std::vector<std::byte> file(64 + 56 * loads.size());
    std::memcpy(file.data(), "\x7f" "ELF\x02\x01\x01", 7);
    put<std::uint16_t>(file, 16, 2);
    put<std::uint16_t>(file, 18, 243);
    put<std::uint32_t>(file, 20, 1);
    put<std::uint64_t>(file, 24, entry);
    put<std::uint64_t>(file, 32, 64);
    put<std::uint16_t>(file, 52, 64);
    put<std::uint16_t>(file, 54, 56);
    put<std::uint16_t>(file, 56, static_cast<std::uint16_t>(loads.size()));
    for (std::size_t i = 0; i < loads.size(); ++i) {
      const Load& load = loads[i];
      const std::size_t at = 64 + 56 * i;
      put<std::uint32_t>(file, at, load.type);
      put<std::uint64_t>(file, at + 8, file.size());
      put<std::uint64_t>(file, at + 16, load.virtual_address);
      put<std::uint64_t>(file, at + 24, load.address);
      put<std::uint64_t>(file, at + 32, load.bytes.size());
      put<std::uint64_t>(file, at + 40, load.size);
      append(file, load.bytes);
    }
    if (!symbols.empty()) add_symbols(file);
    return file;
  }

  template <class T>
  static void put(std::vector<std::byte>& file, std::size_t at, T value) {
    std::memcpy(file.data() + at, &value, sizeof value);
  }

 private:
  static void append(std::vector<std::byte>& file, std::string_view text) {
    for (const char c : text) file.push_back(static_cast<std::byte>(c));
  }

  /// Sections: nothing, the symbols, their names.
  void add_symbols(std::vector<std::byte>& file) const {
    std::string names(1, '\0');
    const std::size_t table = file.size();
    file.resize(table + 24 * (symbols.size() + 1));
    for (std::size_t i = 0; i < symbols.size(); ++i) {
      const std::size_t at = table + 24 * (i + 1);
      put<std::uint32_t>(file, at, static_cast<std::uint32_t>(names.size()));
      put<std::uint16_t>(file, at + 6, 1);
      put<std::uint64_t>(file, at + 8, symbols[i].second);
      names += symbols[i].first + '\0';
    }
    const std::size_t names_at = file.size();
    append(file, names);
    const std::size_t sections = file.size();
    file.resize(sections + 3 * 64);
    put<std::uint32_t>(file, sections + 64 + 4, 2);
    put<std::uint64_t>(file, sections + 64 + 24, table);
    put<std::uint64_t>(file, sections + 64 + 32, names_at - table);
    put<std::uint32_t>(file, sections + 64 + 40, 2);
    put<std::uint32_t>(file, sections + 128 + 4, 3);
    put<std::uint64_t>(file, sections + 128 + 24, names_at);
    put<std::uint64_t>(file, sections + 128 + 32, names.size());
    put<std::uint64_t>(file, 40, sections);
    put<std::uint16_t>(file, 58, 64);
    put<std::uint16_t>(file, 60, 3);
  }
};

}  // namespace holdfast::test
