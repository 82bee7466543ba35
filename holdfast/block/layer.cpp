// SPDX-License-Identifier: Apache-2.0
#include "holdfast/block/layer.hpp"

#include <algorithm>
#include <utility>

namespace holdfast::block {

Result<Ref<Backend>> Layer::make(Options options) {
  const std::uint64_t whole = options.below->size();
  if (options.offset > whole || options.size.value_or(0) > whole - options.offset)
    return fail("{}: {} bytes from {} on are more than {} has, which are {}", options.name,
                options.size.value_or(0), options.offset, options.below->name(), whole);
  const auto layer = Ref<Layer>::adopt(new Layer{std::move(options)});
  layer->claim_ = TRY(layer->options_.below->claim(layer->name()));
  return Ref<Backend>::share(layer.get());
}

std::uint64_t Layer::size() const {
  const std::uint64_t whole = options_.below->size();
  const std::uint64_t rest = whole - std::min(whole, options_.offset);
  return std::min(rest, options_.size.value_or(rest));
}

Access Layer::access() const {
  return options_.access == Access::kReadOnly ? Access::kReadOnly : options_.below->access();
}

Result<void> Layer::resize(std::uint64_t size) {
  if (options_.size) return fail("{}: it has a size of its own, which stays", name());
  return options_.below->resize(options_.offset + size);
}

Result<void> Layer::read(std::uint64_t offset, std::span<std::byte> bytes) {
  return options_.below->read(options_.offset + offset, bytes);
}

Result<void> Layer::write(std::uint64_t offset, std::span<const std::byte> bytes) {
  return options_.below->write(options_.offset + offset, bytes);
}

void Layer::start(Ref<Request> request) {
  const Order& order = request->order();
  if (order.kind == Order::Kind::kDiscard && options_.discard == Discard::kIgnore)
    request->decide({});
  if (options_.discard == Discard::kIgnore) request->keep_allocated();
  if (order.kind != Order::Kind::kFlush) request->shift(options_.offset);
  options_.below->submit(std::move(request));
}

}  // namespace holdfast::block
