// SPDX-License-Identifier: Apache-2.0
#include "holdfast/control/qmp/server.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <ctime>
#include <deque>
#include <utility>

#include "holdfast/control/conversation.hpp"
#include "holdfast/control/qmp/command.hpp"
#include "holdfast/control/qmp/json_stream.hpp"

namespace holdfast::control {

using namespace qmp;

namespace {

constexpr int kMajor = 8;
constexpr int kMinor = 2;
constexpr int kMicro = 0;

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
    case Cause::kHostRequest: return "host-qmp-system-reset";
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

Json version() {
  return {{"qemu", {{"major", kMajor}, {"minor", kMinor}, {"micro", kMicro}}},
          {"package", "Holdfast " HOLDFAST_VERSION}};
}

/// A request, with what of it is right.
struct Request {
  Json id{};  // discarded if there is none
  std::string command{};
  bool oob = false;
  Json arguments = Json::object();
};

std::expected<void, QmpError> read_request(const Json& message, Request& request) {
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

}  // namespace

class QmpServer::Hub final : private machine::Observer {
 public:
  Hub(machine::Machine& machine, const object::TypeRegistry& types, About about);
  ~Hub();

  Result<void> serve(chardev::Chardev& backend, Layout layout);

 private:
  class Session;

  void emit(const char* event, Json data = Json::object());
  void run_state_changed(machine::RunState before, machine::RunState now) override;
  void was_reset(machine::Cause cause) override {
    emit("RESET", cause_data(cause, reason_of(cause)));
  }
  void switched_off(machine::Cause cause, Afterwards then) override {
    ends_ = then == Afterwards::kEnds;
    using machine::Cause;
    emit("SHUTDOWN",
         cause_data(cause, cause == Cause::kHostRequest ? "host-qmp-quit" : reason_of(cause)));
  }
  void asked_to_power_down() override { emit("POWERDOWN"); }
  void device_went(const std::string& name, const std::string& path) override;

  machine::Machine& machine_;  // outlives this
  const object::TypeRegistry& types_;
  const About about_;
  const machine::DeviceAdder adder_;
  bool ends_ = false;
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
                       refuse(QmpError{"GenericError", fmt::format("JSON: {}", text)}, Json::value_t::discarded);
                     }}} {}

  Result<void> open(chardev::Chardev& backend) {
    client_ = TRY(Conversation::make(
        hub_.machine_.services(), backend, "qmp",
        {.input = [this](std::string_view bytes) { stream_.feed(bytes); },
         .opened = [this] { begin(); },
         .closed = [this] { end(); }}));
    return {};
  }

  void emit(const Json& event) {
    if (negotiated_) send(event);
  }

 private:
  void begin() {
    end();
    send({{"QMP", {{"version", version()}, {"capabilities", {"oob"}}}}});
  }
  void end() {
    negotiated_ = oob_ = false;
    queue_.clear();
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
    const Json message = Json::parse(text, nullptr, false);
    Request request{.id = Json::value_t::discarded};
    if (message.is_discarded())
      return refuse(QmpError{"GenericError", "JSON: what came is no value"}, request.id);
    if (message.is_object() && message.contains("id")) request.id = message["id"];
    if (const auto read = read_request(message, request); !read)
      return refuse(read.error(), request.id);
    if (request.oob) return out_of_band(request);
    queue_.push_back(std::move(request));
    if (queue_.size() >= kMostQueued) client_->hold_input(true);
    go_on();
  }

  void out_of_band(const Request& request) {
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

  // One after the other; one that answers later keeps those behind it.
  void go_on() {
    while (!busy_ && !queue_.empty()) {
      const Request request = std::move(queue_.front());
      queue_.pop_front();
      if (queue_.size() < kMostQueued) client_->hold_input(false);
      bool later = false;
      const std::uint64_t generation = generation_;
      const Answer result = perform(request, later);
      if (generation != generation_) return;
      if (!later) answer(result, request.id);
    }
  }

  Answer perform(const Request& request, bool& later) {
    if (!negotiated_) return negotiate(request);
    const SchemaEntry* command = Schema::get().command(request.command);
    if (command == nullptr || command->name == "qmp_capabilities")
      return std::unexpected{unknown(request.command)};
    if (const auto checked = check_arguments(Schema::get(), *command, request.arguments); !checked)
      return std::unexpected{checked.error()};
    Call call{.machine = hub_.machine_,
              .types = hub_.types_,
              .about = hub_.about_,
              .adder = hub_.adder_,
              .arguments = request.arguments,
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

  static QmpError unknown(const std::string& command) {
    return {"CommandNotFound", fmt::format("there is no command '{}'", command)};
  }
  static std::unique_ptr<QmpError> generic(std::string text) {
    return std::make_unique<QmpError>("GenericError", std::move(text));
  }

  static constexpr std::size_t kMostQueued = 8;

  Hub& hub_;  // which owns this
  const Layout layout_;
  bool negotiated_ = false;
  bool oob_ = false;
  bool busy_ = false;  // a command answers later
  std::uint64_t generation_ = 0;  // of clients, one after the other
  std::deque<Request> queue_;
  JsonStream stream_;
  std::unique_ptr<Conversation> client_;
};

QmpServer::Hub::Hub(machine::Machine& machine, const object::TypeRegistry& types, About about)
    : machine_{machine},
      types_{types},
      about_{std::move(about)},
      adder_{machine_, types_, about_.board, about_.globals} {
  machine_.observe(*this);
}

QmpServer::Hub::~Hub() {
  machine_.forget(*this);
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

void QmpServer::Hub::device_went(const std::string& name, const std::string& path) {
  const std::string prefix = std::string{machine::Machine::kPeripherals} + "/";
  Json data{{"path", path}};
  if (name.starts_with(prefix)) data["device"] = name.substr(prefix.size());
  emit("DEVICE_DELETED", std::move(data));
}

namespace qmp {

const CommandRow* find_command(std::string_view name) {
  for (const auto rows : {query_commands(), object_commands(), device_commands(), machine_commands(),
                          own_commands()})
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

}  // namespace holdfast::control
