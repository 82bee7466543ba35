// SPDX-License-Identifier: Apache-2.0
#include "holdfast/block/nbd.hpp"

#include <fmt/core.h>

#include <utility>

#include "holdfast/block/nbd_link.hpp"

namespace holdfast::block {

Result<Ref<Backend>> Nbd::open(Options options) {
  const LibNbd* const library = TRY(LibNbd::get());
  auto link = std::make_shared<NbdLink>(options, *library);
  const auto nbd = Ref<Nbd>::adopt(new Nbd{std::move(options), std::move(link)});
  TRY(nbd->link_->open());
  const auto facts = nbd->link_->connect();
  if (!facts)
    return fail("{}: cannot connect to {}: {}", nbd->name(), nbd->location(), facts.error().message);
  if (facts->read_only && nbd->access() == Access::kReadWrite)
    return fail("{}: the server at {} only lets it be read; it takes read-only=on", nbd->name(),
                nbd->location());
  nbd->size_ = facts->size;
  return Ref<Backend>::share(nbd.get());
}

Nbd::Nbd(Options options, std::shared_ptr<NbdLink> link)
    : Backend{options.name}, options_{std::move(options)}, link_{std::move(link)} {}

Nbd::~Nbd() { link_->end(); }

std::string Nbd::location() const {
  const std::string server = options_.path.empty()
                                 ? fmt::format("{}:{}", options_.host, options_.port)
                                 : options_.path;
  return fmt::format("'nbd:{}/{}'", server, options_.export_name);
}

void Nbd::start(Ref<Request> request) { link_->start(std::move(request)); }

void Nbd::drop_cancelled() { link_->drop_cancelled(); }

}  // namespace holdfast::block
