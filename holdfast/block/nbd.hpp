// SPDX-License-Identifier: Apache-2.0
// A block back-end at a server of network block devices, over a unix socket or TCP.
//
// One thread talks to the server, without ever waiting for it alone. A connection that is lost is made
// anew when there is something to ask for; requests that were with the server are asked again, until the
// time for that is over. The bytes of a request pass through a buffer of the back-end's: what is cancelled
// is over at once, whatever the server does, and what a lost connection had begun to read is seen by
// nobody.
//
// The library that speaks the protocol (libnbd) is loaded with the first of these.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "holdfast/block/backend.hpp"
#include "holdfast/block/host_file.hpp"

namespace holdfast::block {

class NbdLink;

class Nbd final : public Backend {
 public:
  struct Options {
    std::string name;     // for messages
    std::string path{};   // of a unix socket; or
    std::string host{};
    std::string port = "10809";
    std::string export_name{};
    Access access = Access::kReadWrite;
    Cache cache = Cache::kWriteBack;
    Discard discard = Discard::kIgnore;
    std::chrono::milliseconds reconnect_delay{0};  // how long requests wait for a server that has gone
    std::chrono::milliseconds open_timeout{10'000};
  };
  /// Connects, and waits for that. Errors: there is no library, nobody listens, the export is not there or
  /// may not be written to.
  static Result<Ref<Backend>> open(Options options);

  std::string location() const override;
  std::uint64_t size() const override { return size_; }
  Access access() const override { return options_.access; }
  std::string_view engine() const override { return "libnbd"; }
  void drop_cancelled() override;

 private:
  Nbd(Options options, std::shared_ptr<NbdLink> link);
  ~Nbd() override;
  void start(Ref<Request> request) override;

  const Options options_;
  const std::shared_ptr<NbdLink> link_;  // its thread's, too
  std::uint64_t size_ = 0;
};

}  // namespace holdfast::block
