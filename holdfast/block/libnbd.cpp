// SPDX-License-Identifier: Apache-2.0
#include "holdfast/block/libnbd.hpp"

#include <dlfcn.h>

namespace holdfast::block {
namespace {

constexpr const char* kLibraryFile = "libnbd.so.0";

Result<LibNbd> load() {
  void* const library = ::dlopen(kLibraryFile, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr)
    return fail("network block devices take libnbd, which Debian's package libnbd0 has: {}", ::dlerror());
  LibNbd functions;
  bool all = true;
#define HF_LIBNBD_FIND(name)                                                                       \
  functions.name = reinterpret_cast<decltype(functions.name)>(::dlsym(library, "nbd_" #name));     \
  all = all && functions.name != nullptr;
  HF_LIBNBD_FUNCTIONS(HF_LIBNBD_FIND)
#undef HF_LIBNBD_FIND
  if (!all) return fail("{} is too old: it has not all that is needed", kLibraryFile);
  return functions;
}

}  // namespace

Result<const LibNbd*> LibNbd::get() {
  static const Result<LibNbd> kLoaded = load();
  if (!kLoaded) return std::unexpected{kLoaded.error()};
  return &*kLoaded;
}

}  // namespace holdfast::block
