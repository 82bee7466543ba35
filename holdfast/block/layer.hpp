// SPDX-License-Identifier: Apache-2.0
// A back-end that is another one, or a stretch of it ("raw"). It is the other's one user.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "holdfast/block/backend.hpp"
#include "holdfast/block/host_file.hpp"

namespace holdfast::block {

class Layer final : public Backend {
 public:
  struct Options {
    std::string name;  // for messages
    Ref<Backend> below{};
    std::uint64_t offset = 0;              // bytes, where it begins below
    std::optional<std::uint64_t> size{};   // bytes; none: to the end of what is below
    Access access = Access::kReadWrite;
    Discard discard = Discard::kUnmap;
  };
  /// Error if what is below is in use, or too small.
  static Result<Ref<Backend>> make(Options options);

  std::string location() const override { return options_.below->location(); }
  std::uint64_t size() const override;
  Access access() const override;
  std::string_view engine() const override { return options_.below->engine(); }
  Result<void> resize(std::uint64_t size) override;
  void drop_cancelled() override { options_.below->drop_cancelled(); }
  Result<void> read(std::uint64_t offset, std::span<std::byte> bytes) override;
  Result<void> write(std::uint64_t offset, std::span<const std::byte> bytes) override;

 private:
  explicit Layer(Options options) : Backend{options.name}, options_{std::move(options)} {}
  ~Layer() override = default;
  void start(Ref<Request> request) override;

  const Options options_;
  hw::Claim claim_;
};

}  // namespace holdfast::block
