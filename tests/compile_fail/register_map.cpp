// SPDX-License-Identifier: Apache-2.0
// A register map that contradicts itself does not compile.
#include "holdfast/hw/register_map.hpp"

struct Chip {
  std::uint32_t word();
  void set_word(std::uint32_t value);
  std::uint32_t element(unsigned index);
  std::uint64_t wide();
};

constexpr auto kMap = holdfast::hw::register_map<Chip>(0x20, {
    {.at = 0x0, .name = "A", .read = &Chip::word, .write = &Chip::set_word},
    {.at = 0x10, .name = "B", .read = &Chip::element, .count = 2, .stride = 8},
#ifdef CASE_overlap
    {.at = 0x0, .name = "C", .read = &Chip::wide},
#endif
#ifdef CASE_overlap_array
    {.at = 0x18, .name = "C", .write = &Chip::set_word},
#endif
#ifdef CASE_misaligned
    {.at = 0x6, .name = "C", .read = &Chip::word},
#endif
#ifdef CASE_outside
    {.at = 0x1c, .name = "C", .read = &Chip::element, .count = 2},
#endif
#ifdef CASE_widths
    {.at = 0x8, .name = "C", .read = &Chip::wide, .write = &Chip::set_word},
#endif
#ifdef CASE_array_index
    {.at = 0x8, .name = "C", .read = &Chip::word, .count = 2},
#endif
#ifdef CASE_index
    {.at = 0x8, .name = "C", .read = &Chip::element},
#endif
#ifdef CASE_nothing
    {.at = 0x8, .name = "C"},
#endif
#ifdef CASE_merge
    {.at = 0x8, .name = "C", .write = &Chip::set_word,
     .partial = holdfast::hw::Partial::kMerge},
#endif
});

int main() { return static_cast<int>(kMap.size); }
