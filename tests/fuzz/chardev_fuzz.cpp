// SPDX-License-Identifier: Apache-2.0
// How people write back-ends: the text as -chardev takes it and as -serial does. Nothing is opened.
#include <bit>
#include <cstdint>
#include <string_view>

#include "holdfast/base/check.hpp"
#include "holdfast/chardev/spec.hpp"

namespace {

using namespace holdfast;

void check(const Result<chardev::Spec>& read) {
  if (!read) {
    HF_CHECK(!read.error().message.empty(), "a refusal without a reason");
    return;
  }
  using chardev::Backend;
  const chardev::Spec& spec = *read;
  const Backend kind = spec.backend;
  if (kind == Backend::kFile || kind == Backend::kPipe || kind == Backend::kSerial)
    HF_CHECK(!spec.path.empty(), "{} without a path", to_string(kind));
  HF_CHECK(std::has_single_bit(spec.size), "size {}", spec.size);
  HF_CHECK(kind != Backend::kReference || !spec.id.empty(), "a reference to nothing");
  HF_CHECK(kind != Backend::kSocket || !spec.wait || spec.server, "a client that waits for clients");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto full = chardev::parse_chardev(text);
  check(full);
  HF_CHECK(!full || !full->id.empty(), "made without an id");
  check(chardev::parse_legacy(text));
  return 0;
}
