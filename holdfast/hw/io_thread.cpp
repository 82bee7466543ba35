// SPDX-License-Identifier: Apache-2.0
#include "holdfast/hw/io_thread.hpp"

#include <unistd.h>

#include <array>
#include <system_error>
#include <utility>

#include "holdfast/object/base_types.hpp"

namespace holdfast::hw {
namespace {

constexpr std::array<const object::Type*, 1> kIoThreadAbilities{&object::kUserCreatable};

constexpr object::PropertyOptions<std::int64_t> count_from_zero(std::int64_t fallback) {
  return {.fallback = fallback, .min = 0, .settable = object::Settable::kAlways};
}

/// As clients know them.
constexpr object::Property as_int(object::Property property) {
  property.type = "int";
  return property;
}

}  // namespace

constinit const object::Property IoThread::kProperties[] = {
    as_int(object::property<&IoThread::longest_poll_>(
        "poll-max-ns", "how long it looks for work before it sleeps, in ns", count_from_zero(32768))),
    as_int(object::property<&IoThread::poll_growth_>("poll-grow", "how much longer it looks the next time",
                                                     count_from_zero(0))),
    as_int(object::property<&IoThread::poll_shrinkage_>(
        "poll-shrink", "how much shorter it looks the next time", count_from_zero(0))),
    as_int(object::property<&IoThread::most_at_once_>(
        "aio-max-batch", "requests that it hands to the host at once; 0: as it likes", count_from_zero(0))),
    as_int(object::computed<&IoThread::least_helpers, &IoThread::set_least_helpers>(
        "thread-pool-min", "threads that help it, at least", count_from_zero(0))),
    as_int(object::computed<&IoThread::most_helpers, &IoThread::set_most_helpers>(
        "thread-pool-max", "threads that help it, at most", count_from_zero(64))),
};

constinit const object::Type IoThread::kType{.name = "iothread",
                                             .interfaces = kIoThreadAbilities,
                                             .docs = "a thread for input and output",
                                             .properties = kProperties};

Result<std::unique_ptr<IoThread>> IoThread::make(Context& context, std::string id) {
  auto loop = TRY(EventLoop::make());
  return std::unique_ptr<IoThread>{new IoThread{context, std::move(id), std::move(loop)}};
}

IoThread::IoThread(Context& context, std::string id, std::unique_ptr<EventLoop> loop)
    : Object{kType, context.tree}, id_{std::move(id)}, loop_{std::move(loop)} {}

IoThread::~IoThread() {
  if (!thread_.joinable()) return;
  loop_->stop();
  thread_.join();
}

Result<void> IoThread::start() {
  mark_realized();
  TRY(check_helpers(least_helpers_, most_helpers_));
  try {
    thread_ = std::thread{[this] { run(); }};
  } catch (const std::system_error& error) {
    return fail("the host refuses a thread: {}", error.code().message());
  }
  return {};
}

int IoThread::host_id() const {
  host_id_.wait(0, std::memory_order_acquire);
  return host_id_.load(std::memory_order_acquire);
}

void IoThread::run() {
  host_id_.store(::gettid(), std::memory_order_release);  // pairs with the loads
  host_id_.notify_one();
  loop_->run();
}

Result<void> IoThread::set_least_helpers(std::int64_t count) {
  TRY(check_helpers(count, most_helpers_));
  least_helpers_ = count;
  return {};
}

Result<void> IoThread::set_most_helpers(std::int64_t count) {
  TRY(check_helpers(least_helpers_, count));
  most_helpers_ = count;
  return {};
}

Result<void> IoThread::check_helpers(std::int64_t least, std::int64_t most) const {
  if (!realized() || (most != 0 && least <= most)) return {};
  return fail("thread-pool-min is {} and thread-pool-max {}; the most are 1 or more, and no fewer than the "
              "least",
              least, most);
}

}  // namespace holdfast::hw
