// SPDX-License-Identifier: Apache-2.0
#include "holdfast/control/qmp/server.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <ctime>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "holdfast/control/conversation.hpp"
#include "holdfast/control/qmp/command.hpp"
#include "holdfast/control/qmp/json_stream.hpp"
#include "holdfast/control/version.hpp"

namespace holdfast::control {

using namespace qmp;

namespace {

Json timestamp() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return {{"seconds", now.tv_sec}, {"microseconds", now.tv_nsec / 1000}};
}

std::string_view reason_of(machine::Cause cause) {
  using machine::Cause;
  switch (cause) {
    case Cause::kGuestReset: return "guest-reset";
    case Cause::kGuestShutdown: return "guest-shutdown";
    case Cause::kHostReset: return "host-qmp-system-reset";
    case Cause::kHostRequest: return "host-qmp-quit";
    case Cause::kHostSignal: return "host-signal";
    case Cause::kHostUi: return "host-ui";
  }
  return "";
}

Json cause_data(machine::Cause cause, std::string_view reason) {
  using machine::Cause;
  return {{"guest", cause == Cause::kGuestReset || cause == Cause::kGuestShutdown},
          {"reason", reason}};
}

Json device_data(const std::string& name, const std::string& path) {
  const std::string prefix = std::string{machine::Machine::kPeripherals} + "/";
  Json data{{"path", path}};
  if (name.starts_with(prefix)) data["device"] = name.substr(prefix.size());
  return data;
}

Json version() {
  return {{"qemu", {{"major", kSpokenVersion.major}, {"minor", kSpokenVersion.minor}, {"micro", kSpokenVersion.micro}}},
          {"package", "Holdfast " HOLDFAST_VERSION}};
}

/// A request, with what of it is right.
struct Request {
  Json id = Json::value_t::discarded;  // there is none
  std::string command{};
  bool oob = false;
  Json arguments = Json::object();
  std::optional<QmpError> wrong{};  // it is none; this is said in its turn
  Descriptor descriptor{};          // that came with it, if the command takes one
  std::size_t bytes = sizeof(Request);  // that it counts for while it waits
};

std::expected<void, QmpError> read_members(const Json& message, Request& request) {
  if (!message.is_object()) return generic_error("a request is an object");
  bool named = false;
  for (const auto& [key, value] : message.items()) {
    if (key == "id") continue;
    if (key == "execute" || key == "exec-oob") {
      if (!value.is_string()) return generic_error(fmt::format("'{}' takes the name of a command", key));
      if (std::exchange(named, true)) return generic_error("either 'execute' or 'exec-oob', not both");
      request.command = value.get<std::string>();
      request.oob = key == "exec-oob";
    } else if (key == "arguments") {
      if (!value.is_object()) return generic_error("'arguments' takes an object");
      request.arguments = value;
    } else {
      return generic_error(fmt::format("a request has no member '{}'", key));
    }
  }
  if (!named) return generic_error("a request has a member 'execute'");
  return {};
}

/// What a value is made of, and the first key that an object of it has twice: of two values one would
/// be lost.
struct Parsed {
  Json value{};
  std::optional<std::string> twice{};
};
Parsed parse(std::string_view text) {
  Parsed parsed;
  std::vector<std::set<std::string, std::less<>>> keys;  // of the objects that are open
  const auto look = [&](int, Json::parse_event_t event, const Json& what) {
    using Event = Json::parse_event_t;
    if (event == Event::object_start) keys.emplace_back();
    if (event == Event::object_end) keys.pop_back();
    if (event == Event::key && !keys.back().insert(what.get_ref<const std::string&>()).second &&
        !parsed.twice)
      parsed.twice = what.get<std::string>();
    return true;
  };
  parsed.value = Json::parse(text, look, false);
  return parsed;
}

Request read_request(std::string_view text) {
  Request request;
  request.bytes = sizeof request + text.size();
  const auto [message, twice] = parse(text);
  if (message.is_discarded()) {
    request.wrong = QmpError{"GenericError", "JSON: what came is no value"};
    return request;
  }
  if (twice) {
    request.wrong = QmpError{"GenericError", fmt::format("JSON: an object has the key '{}' twice", *twice)};
    return request;
  }
  if (message.is_object() && message.contains("id")) request.id = message["id"];
  if (auto read = read_members(message, request); !read) request.wrong = std::move(read.error());
  // What is wrong with a request out of band is said at once, too.
  request.oob = message.is_object() && message.contains("exec-oob") && !message.contains("execute");
  return request;
}

}  // namespace

class QmpServer::Hub final : private machine::Observer {
 public:
  Hub(machine::Machine& machine, const object::TypeRegistry& types, About about);
  ~Hub();

  Result<void> serve(chardev::Chardev& backend, Layout layout);
  void await_configuration(Configuration configuration) {
    shared_.configuration = std::move(configuration);
  }
  void configured(std::shared_ptr<const boards::Expansion> board, std::vector<NodeInfo> nodes) {
    about_.nodes = std::move(nodes);
    adder_ = std::make_unique<machine::DeviceAdder>(machine_, types_, std::move(board), about_.globals);
    shared_.configuration.reset();
    if (const auto answer = std::exchange(shared_.configured, {})) answer(Json::object());
  }
  Shared& shared() { return shared_; }

 private:
  class Session;

  void emit(const char* event, Json data = Json::object());
  void run_state_changed(machine::RunState before, machine::RunState now) override;
  void was_reset(machine::Cause cause) override {
    emit("RESET", cause_data(cause, reason_of(cause)));
  }
  void switched_off(machine::Cause cause, Afterwards then) override {
    ends_ = then == Afterwards::kEnds;
    emit("SHUTDOWN", cause_data(cause, reason_of(cause)));
  }
  void asked_to_power_down() override { emit("POWERDOWN"); }
  void device_went(const std::string& name, const std::string& path) override {
    emit("DEVICE_DELETED", device_data(name, path));
  }
  void guest_kept(const std::string& name, const std::string& path) override {
    emit("DEVICE_UNPLUG_GUEST_ERROR", device_data(name, path));
  }

  machine::Machine& machine_;  // outlives this
  const object::TypeRegistry& types_;
  About about_;
  std::unique_ptr<machine::DeviceAdder> adder_;
  bool ends_ = false;
  Shared shared_;
  std::size_t clients_ = 0;  // sessions with somebody at the other end
  std::vector<std::unique_ptr<Session>> sessions_;
};

/// One conversation.
class QmpServer::Hub::Session {
 public:
  Session(Hub& hub, Layout layout)
      : hub_{hub},
        layout_{layout},
        stream_{{},
                {.value = [this](std::string_view text) { hear(text); },
                 .error =
                     [this](std::string_view text) {
                       Request none;
                       none.wrong = QmpError{"GenericError", fmt::format("JSON: {}", text)};
                       queue(std::move(none));
                     }}} {}

  Result<void> open(chardev::Chardev& backend) {
    client_ = TRY(Conversation::make(
        hub_.machine_.services(), backend, "qmp",
        {.input = [this](std::string_view bytes) { stream_.feed(bytes); },
         .descriptors =
             [this](std::vector<Descriptor> came) {
               descriptors_.clear();  // those before them nobody wanted
               for (Descriptor& one : came) descriptors_.push_back(std::move(one));
             },
         .opened = [this] { begin(); },
         .closed = [this] { left(); },
         .caught_up = [this] { go_on(); }}));
    return {};
  }

  /// A client that does not read what it was sent misses events.
  void emit(const Json& event) {
    if (negotiated_ && !client_->is_behind()) send(event);
  }

 private:
  void begin() {
    end();
    if (!std::exchange(occupied_, true)) ++hub_.clients_;
    send({{"QMP", {{"version", version()}, {"capabilities", {"oob"}}}}});
  }
  void left() {
    end();
    if (std::exchange(occupied_, false)) --hub_.clients_;
    if (hub_.clients_ == 0) hub_.shared_.sets.clear();  // nobody is there to use them
  }
  void end() {
    negotiated_ = oob_ = false;
    queue_.clear();
    queued_ = 0;
    descriptors_.clear();
    busy_ = false;
    ++generation_;  // answers that are still to come are for nobody
    stream_.forget();
    client_->hold_input(false);
  }

  void send(const Json& message) {
    constexpr int kIndent = 4;
    client_->send(message.dump(layout_ == Layout::kPretty ? kIndent : -1, ' ', false,
                               Json::error_handler_t::replace) +
                  "\r\n");
  }
  void refuse(const QmpError& error, const Json& id) {
    Json reply{{"error", {{"class", error.error_class}, {"desc", error.text}}}};
    if (!id.is_discarded()) reply["id"] = id;
    send(reply);
  }
  void answer(const Answer& answer, const Json& id) {
    if (!answer) return refuse(answer.error(), id);
    Json reply{{"return", *answer}};
    if (!id.is_discarded()) reply["id"] = id;
    send(reply);
  }

  void hear(std::string_view text) {
    Request request = read_request(text);
    if (request.oob) return out_of_band(request);
    if (takes_descriptor(request.command) && !descriptors_.empty()) {
      request.descriptor = std::move(descriptors_.front());
      descriptors_.pop_front();
    }
    queue(std::move(request));
  }

  void queue(Request request) {
    queued_ += request.bytes;
    queue_.push_back(std::move(request));
    if (full()) client_->hold_input(true);
    go_on();
  }
  /// Behind what waits there may be something out of band, for those who use that.
  bool full() const { return oob_ ? queued_ >= kMostQueuedBytes : queue_.size() >= kMostQueued; }

  void out_of_band(Request& request) {
    if (request.wrong) return refuse(*request.wrong, request.id);
    const SchemaEntry* command = Schema::get().command(request.command);
    if (!oob_) return refuse(*generic("exec-oob: the capability 'oob' is not enabled"), request.id);
    if (command == nullptr || command->name == "qmp_capabilities")
      return refuse(unknown(request.command), request.id);
    if (!command->oob)
      return refuse(*generic(fmt::format("{} cannot be executed out of band", request.command)),
                    request.id);
    bool later = false;
    const Answer result = perform(request, later);
    answer(result, request.id);
  }

  // One after the other; one that answers later keeps those behind it, and so does a client that does not read.
  void go_on() {
    while (!busy_ && !queue_.empty() && !client_->is_behind()) {
      Request request = std::move(queue_.front());
      queue_.pop_front();
      queued_ -= request.bytes;
      if (!full()) client_->hold_input(false);
      if (request.wrong) {
        refuse(*request.wrong, request.id);
        continue;
      }
      bool later = false;
      const std::uint64_t generation = generation_;
      const Answer result = perform(request, later);
      if (generation != generation_) return;
      if (!later) answer(result, request.id);
    }
  }

  Answer perform(Request& request, bool& later) {
    if (!negotiated_) return negotiate(request);
    const SchemaEntry* command = Schema::get().command(request.command);
    if (command == nullptr || command->name == "qmp_capabilities")
      return std::unexpected{unknown(request.command)};
    if (hub_.shared_.configuration && !command->preconfig)
      return generic_error(fmt::format("{}: not before the machine is made; x-exit-preconfig has it made",
                                       command->name));
    if (const auto checked = check_arguments(Schema::get(), *command, request.arguments); !checked)
      return std::unexpected{checked.error()};
    Call call{.machine = hub_.machine_,
              .types = hub_.types_,
              .about = hub_.about_,
              .adder = *hub_.adder_,
              .arguments = request.arguments,
              .shared = hub_.shared_,
              .named = named_,
              .descriptor = request.descriptor,
              .answer_later = [&] {
                later = true;
                return wait_for_answer(request.id);
              }};
    return find_command(request.command)->perform(call);
  }

  Answer negotiate(const Request& request) {
    if (request.command != "qmp_capabilities")
      return std::unexpected{QmpError{"CommandNotFound",
                                      "the conversation begins with 'qmp_capabilities'"}};
    const Schema& schema = Schema::get();
    const auto checked =
        check_arguments(schema, *schema.command("qmp_capabilities"), request.arguments);
    if (!checked) return std::unexpected{checked.error()};
    const Json enable = request.arguments.value("enable", Json::array());
    oob_ = std::ranges::find(enable, Json("oob")) != enable.end();
    negotiated_ = true;
    return Json::object();
  }

  std::function<void(Answer)> wait_for_answer(const Json& id) {
    busy_ = true;
    // The conversation, and who takes part in it, may have ended by then.
    return [this, self = object::Handle<Conversation>{*client_}, generation = generation_,
            id](const Answer& result) {
      if (!self || generation != generation_) return;
      busy_ = false;
      answer(result, id);
      go_on();
    };
  }

  static bool takes_descriptor(std::string_view command) {
    return command == "getfd" || command == "add-fd";
  }
  static QmpError unknown(const std::string& command) {
    return {"CommandNotFound", fmt::format("there is no command '{}'", command)};
  }
  static std::unique_ptr<QmpError> generic(std::string text) {
    return std::make_unique<QmpError>("GenericError", std::move(text));
  }

  static constexpr std::size_t kMostQueued = 8;
  static constexpr std::size_t kMostQueuedBytes = std::size_t{1} << 20;

  Hub& hub_;  // which owns this
  const Layout layout_;
  bool occupied_ = false;  // somebody is there
  bool negotiated_ = false;
  bool oob_ = false;
  bool busy_ = false;  // a command answers later
  std::uint64_t generation_ = 0;  // of clients, one after the other
  std::deque<Request> queue_;
  std::size_t queued_ = 0;  // bytes of it
  NamedDescriptors named_;
  std::deque<Descriptor> descriptors_;  // that came, for commands that take them
  JsonStream stream_;
  std::unique_ptr<Conversation> client_;
};

QmpServer::Hub::Hub(machine::Machine& machine, const object::TypeRegistry& types, About about)
    : machine_{machine}, types_{types}, about_{std::move(about)} {
  adder_ = std::make_unique<machine::DeviceAdder>(machine_, types_, about_.board, about_.globals);
  shared_.on_panic = about_.on_panic;
  shared_.on_watchdog = about_.on_watchdog;
  shared_.emit = [this](const char* event, Json data) { emit(event, std::move(data)); };
  machine_.find_descriptors_by(
      [this](const std::string& path, int flags) { return shared_.sets.find(path, flags); });
  machine_.observe(*this);
}

QmpServer::Hub::~Hub() {
  machine_.forget(*this);
  machine_.find_descriptors_by({});
  sessions_.clear();
}

Result<void> QmpServer::Hub::serve(chardev::Chardev& backend, Layout layout) {
  auto session = std::make_unique<Session>(*this, layout);
  TRY(session->open(backend));
  sessions_.push_back(std::move(session));
  return {};
}

void QmpServer::Hub::emit(const char* event, Json data) {
  Json message{{"timestamp", timestamp()}, {"event", event}};
  if (!data.empty()) message["data"] = std::move(data);
  for (const auto& session : sessions_) session->emit(message);
}

void QmpServer::Hub::run_state_changed(machine::RunState before, machine::RunState now) {
  using machine::RunState;
  if (now == RunState::kRunning) emit("RESUME");
  if (before == RunState::kRunning && !ends_) emit("STOP");
}

namespace qmp {

std::vector<std::span<const CommandRow>> all_commands() {
  return {query_commands(),   object_commands(), device_commands(), machine_commands(),
          chardev_commands(), host_commands(),   block_commands(), memory_commands(), dump_commands(),
          pci_commands(),     own_commands()};
}

const CommandRow* find_command(std::string_view name) {
  for (const auto& rows : all_commands())
    for (const CommandRow& row : rows)
      if (row.name == name) return &row;
  return nullptr;
}

}  // namespace qmp

QmpServer::QmpServer(machine::Machine& machine, const object::TypeRegistry& types, About about)
    : hub_{std::make_unique<Hub>(machine, types, std::move(about))} {}

QmpServer::~QmpServer() = default;

Result<void> QmpServer::serve(chardev::Chardev& backend, Layout layout) {
  return hub_->serve(backend, layout);
}

void QmpServer::await_configuration(Configuration configuration) {
  hub_->await_configuration(std::move(configuration));
}

void QmpServer::configured(std::shared_ptr<const boards::Expansion> board, std::vector<NodeInfo> nodes) {
  hub_->configured(std::move(board), std::move(nodes));
}

Shared& QmpServer::shared() { return hub_->shared(); }

}  // namespace holdfast::control
