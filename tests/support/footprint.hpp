// SPDX-License-Identifier: Apache-2.0
// What a process has of the host, by the host's account: for tests that repeat something and want to see
// that nothing grows.
#pragma once

#include <malloc.h>
#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <ostream>
#include <string>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HOLDFAST_SANITIZED_HEAP 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HOLDFAST_SANITIZED_HEAP 1
#endif
#endif

#ifdef HOLDFAST_SANITIZED_HEAP
// Of the sanitizers' run time; g++ comes without the header that declares it.
extern "C" std::size_t __sanitizer_get_current_allocated_bytes();
#endif

namespace holdfast::test {

struct Footprint {
  std::size_t heap = 0;         // bytes allocated and not freed
  std::size_t mappings = 0;     // of the address space; not counted where a sanitizer has its own in it
  std::size_t descriptors = 0;
  std::size_t resident = 0;     // bytes; noisy: what is freed need not be given back

  static Footprint now() {
    Footprint footprint;
#ifdef HOLDFAST_SANITIZED_HEAP
    footprint.heap = __sanitizer_get_current_allocated_bytes();
#else
    const auto info = mallinfo2();
    footprint.heap = info.uordblks + info.hblkhd;
    std::ifstream maps{"/proc/self/maps"};
    for (std::string line; std::getline(maps, line);) ++footprint.mappings;
#endif
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator{"/proc/self/fd"})
      ++footprint.descriptors;
    std::size_t pages = 0;
    std::ifstream{"/proc/self/statm"} >> pages >> pages;  // the second number
    footprint.resident = pages * static_cast<std::size_t>(::getpagesize());
    return footprint;
  }
};

}  // namespace holdfast::test
