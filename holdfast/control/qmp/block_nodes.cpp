// SPDX-License-Identifier: Apache-2.0
#include "holdfast/control/qmp/block_nodes.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "holdfast/block/blkdebug.hpp"

namespace holdfast::control::qmp {
namespace {

using Json = BlockNodes::Json;

Result<void> flatten(const std::string& key, const Json& value, block::Settings& settings) {
  const auto inside = [&](const std::string& name) { return key.empty() ? name : key + "." + name; };
  if (value.is_object()) {
    for (const auto& [name, one] : value.items()) {
      if (name.contains('.')) return fail("there is no '{}'; what is inside of something is its object", name);
      TRY(flatten(inside(name), one, settings));
    }
  } else if (value.is_array()) {
    for (std::size_t i = 0; i < value.size(); ++i)
      TRY(flatten(inside(std::to_string(i)), value[i], settings));
  } else if (value.is_string()) {
    settings.set(key, value.get<std::string>());
  } else if (value.is_boolean()) {
    settings.set(key, value.get<bool>() ? "on" : "off");
  } else if (value.is_number()) {
    settings.set(key, value.dump());
  } else {
    return fail("'{}' is nothing; leave it out", key);
  }
  return {};
}

/// Whether somebody has to be connected to, who may take his time.
bool has_server(const Json& options) {
  if (!options.is_object()) return false;
  return options.value("driver", Json{}) == "nbd" ||
         std::ranges::any_of(options, [](const Json& inner) { return has_server(inner); });
}

}  // namespace

BlockNodes::~BlockNodes() {
  for (Making& making : makings_) making.thread.join();
}

Result<block::Settings> settings_of(const Json& object) {
  block::Settings settings;
  TRY(flatten("", object, settings));
  return settings;
}

void BlockNodes::add(machine::Machine& machine, const Json& options, Done done) {
  const auto config = options.find("config");
  if (config == options.end() || options.at("driver") != "blkdebug") {
    auto settings = settings_of(options);
    if (!settings) return done(std::unexpected{settings.error()});
    if (has_server(options)) return make_elsewhere(machine, std::move(*settings), std::move(done));
    return done(machine.drives().add(std::move(*settings)));
  }
  if (!config->is_string()) return done(fail("'config' takes the path of a file"));
  read_rules(machine.loop(), config->get<std::string>(),
             [this, &machine, rest = options, done = std::move(done)](const Result<void>& read) mutable {
               if (!read) return done(read);
               rest.erase("config");
               add(machine, rest, std::move(done));
             });
}

// The thread touches nothing but the draft, and posts; the loop is the machine's, which outlives this.
void BlockNodes::make_elsewhere(machine::Machine& machine, block::Settings settings, Done done) {
  const auto making = makings_.emplace(makings_.end(), machine.drives().draft());
  auto ready = [this, &machine, making, alive = std::weak_ptr<int>{alive_}, done = std::move(done)] {
    if (alive.expired()) return;
    making->thread.join();
    const Result<void> made =
        making->made ? machine.drives().add(std::move(making->draft)) : making->made;
    makings_.erase(making);
    done(made);
  };
  making->thread = std::thread{[&loop = machine.loop(), it = &*making, settings = std::move(settings),
                                ready = std::move(ready)]() mutable {
    it->made = it->draft.make(std::move(settings));
    loop.post(std::move(ready));
  }};
}

// --- a configuration -------------------------------------------------------------------------------

// Not waited for: whoever writes to a FIFO comes when he comes.
void BlockNodes::read_rules(EventLoop& loop, const std::string& path, Done done) {
  auto reading = std::make_unique<Reading>();
  reading->file = Descriptor{::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)};
  if (!reading->file) return done(fail("config '{}': {}", path, std::strerror(errno)));
  reading->done = std::move(done);
  auto watch = loop.watch(reading->file.get(), EventLoop::kReadable,
                          [this, it = reading.get()](unsigned) { read_more(*it); });
  if (!watch) return reading->done(std::unexpected{watch.error()});
  reading->watch = std::move(*watch);
  readings_.push_back(std::move(reading));
}

void BlockNodes::read_more(Reading& reading) {
  std::array<char, 4096> chunk;
  const auto count = ::read(reading.file.get(), chunk.data(), chunk.size());
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  Result<void> result;
  if (count < 0) {
    result = fail("config: {}", std::strerror(errno));
  } else if (count == 0) {
    result = block::check_rules(reading.text);
  } else {
    reading.text.append(chunk.data(), static_cast<std::size_t>(count));
    if (reading.text.size() <= block::kMostRules) return;
    result = fail("config: there are more than {} bytes", block::kMostRules);
  }
  const auto done = std::move(reading.done);
  std::erase_if(readings_, [&](const auto& it) { return it.get() == &reading; });
  done(result);
}

}  // namespace holdfast::control::qmp
