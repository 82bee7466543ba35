// SPDX-License-Identifier: Apache-2.0
// Nothing, as a back-end: a size, and requests that are done as soon as they are asked for, or so long
// after. Reads give zeroes, or leave the bytes as they were; writes vanish.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "holdfast/block/backend.hpp"
#include "holdfast/block/engine.hpp"

namespace holdfast::block {

class Null final : public Backend {
 public:
  struct Options {
    std::string name;  // for messages
    std::uint64_t size = std::uint64_t{1} << 30;  // bytes
    std::chrono::nanoseconds latency{0};          // of each request; they overlap
    bool read_zeroes = false;                     // else reads leave the bytes as they were
    Access access = Access::kReadWrite;
  };
  static Ref<Backend> make(Options options);

  std::string location() const override { return "nothing"; }
  std::uint64_t size() const override { return options_.size; }
  Access access() const override { return options_.access; }
  std::string_view engine() const override { return "null"; }
  void drop_cancelled() override;
  Result<void> read(std::uint64_t offset, std::span<std::byte> bytes) override;
  Result<void> write(std::uint64_t offset, std::span<const std::byte> bytes) override;

 private:
  struct Clerk;
  explicit Null(Options options);
  ~Null() override;
  void start(Ref<Request> request) override;

  const Options options_;
  const std::shared_ptr<Clerk> clerk_;
};

}  // namespace holdfast::block
