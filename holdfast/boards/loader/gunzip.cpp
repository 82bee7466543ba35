// SPDX-License-Identifier: Apache-2.0
#include "holdfast/boards/loader/gunzip.hpp"

#include <zlib.h>

#include <algorithm>
#include <limits>

namespace holdfast::boards {
namespace {

constexpr int kGzipAlone = 16 + MAX_WBITS;  // no zlib wrapping, no bare deflate
constexpr std::size_t kPiece = 256 * 1024;

/// zlib's state for one file; ends with the scope.
class Inflater {
 public:
  Inflater() { ready_ = inflateInit2(&stream_, kGzipAlone) == Z_OK; }
  ~Inflater() {
    if (ready_) inflateEnd(&stream_);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  bool ready() const { return ready_; }
  bool start_again() { return inflateReset(&stream_) == Z_OK; }

  struct Step {
    int status;
    std::size_t taken;
    std::size_t given;
  };
  Step step(std::span<const std::byte> from, std::span<std::byte> to) {
    constexpr std::size_t kMost = std::numeric_limits<uInt>::max();
    // SAFETY: zlib does not write through next_in, which is not const for historical reasons.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(from.data()));
    stream_.avail_in = static_cast<uInt>(std::min(from.size(), kMost));
    stream_.next_out = reinterpret_cast<Bytef*>(to.data());
    stream_.avail_out = static_cast<uInt>(std::min(to.size(), kMost));
    const auto in_before = stream_.avail_in;
    const auto out_before = stream_.avail_out;
    const int status = inflate(&stream_, Z_NO_FLUSH);
    return {status, in_before - stream_.avail_in, out_before - stream_.avail_out};
  }

 private:
  z_stream stream_{};
  bool ready_ = false;
};

bool only_padding(std::span<const std::byte> rest) {
  return std::ranges::all_of(rest, [](std::byte byte) { return byte == std::byte{0}; });
}

}  // namespace

bool is_gzip(std::span<const std::byte> file) {
  return file.size() >= 2 && file[0] == std::byte{0x1f} && file[1] == std::byte{0x8b};
}

Result<std::vector<std::byte>> gunzip(std::span<const std::byte> file, std::uint64_t most) {
  Inflater inflater;
  if (!inflater.ready()) return fail("packed with gzip, and there is no memory to unpack it");
  std::vector<std::byte> out;
  std::size_t done = 0;
  for (;;) {
    if (done == out.size()) {
      if (done > most) return fail("packed with gzip, more than {} bytes when unpacked", most);
      // One byte more than allowed, to see that there is more.
      const std::uint64_t wanted = std::max<std::uint64_t>(kPiece, 2 * std::uint64_t{done});
      out.resize(static_cast<std::size_t>(std::min(wanted, most + 1)));
    }
    const auto [status, taken, given] = inflater.step(file, std::span{out}.subspan(done));
    file = file.subspan(taken);
    done += given;
    if (done > most) return fail("packed with gzip, more than {} bytes when unpacked", most);
    if (status == Z_STREAM_END) {
      if (only_padding(file)) break;
      if (!is_gzip(file)) return fail("packed with gzip, with something else behind it");
      if (!inflater.start_again()) return fail("packed with gzip, which cannot be unpacked");
    } else if (status != Z_OK && !(status == Z_BUF_ERROR && done == out.size())) {
      return fail("packed with gzip, but {}",
                  status == Z_BUF_ERROR ? "truncated" : "damaged");
    } else if (taken == 0 && given == 0 && done != out.size()) {
      return fail("packed with gzip, but truncated");
    }
  }
  out.resize(done);
  return out;
}

}  // namespace holdfast::boards
