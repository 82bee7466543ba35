// SPDX-License-Identifier: Apache-2.0
// The functions of libnbd that are used, found when the library is loaded. For nbd_link.cpp.
#pragma once

#include <libnbd.h>

#include "holdfast/base/result.hpp"

namespace holdfast::block {

#define HF_LIBNBD_FUNCTIONS(X)                                                                     \
  X(create)                                                                                        \
  X(close)                                                                                         \
  X(get_error)                                                                                     \
  X(set_export_name)                                                                               \
  X(aio_connect_unix)                                                                              \
  X(aio_connect_tcp)                                                                               \
  X(aio_is_ready)                                                                                  \
  X(aio_is_dead)                                                                                   \
  X(aio_is_closed)                                                                                 \
  X(aio_get_fd)                                                                                    \
  X(aio_get_direction)                                                                             \
  X(aio_notify_read)                                                                               \
  X(aio_notify_write)                                                                              \
  X(aio_pread)                                                                                     \
  X(aio_pwrite)                                                                                    \
  X(aio_flush)                                                                                     \
  X(aio_trim)                                                                                      \
  X(aio_zero)                                                                                      \
  X(aio_disconnect)                                                                                \
  X(get_size)                                                                                      \
  X(is_read_only)                                                                                  \
  X(can_flush)                                                                                     \
  X(can_fua)                                                                                       \
  X(can_trim)                                                                                      \
  X(can_zero)

/// What the library has, for as long as the process lives.
struct LibNbd {
  static Result<const LibNbd*> get();

#define HF_LIBNBD_MEMBER(name) decltype(&::nbd_##name) name = nullptr;
  HF_LIBNBD_FUNCTIONS(HF_LIBNBD_MEMBER)
#undef HF_LIBNBD_MEMBER
};

}  // namespace holdfast::block
