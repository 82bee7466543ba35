// SPDX-License-Identifier: Apache-2.0
#include "holdfast/control/qtest/interception.hpp"

#include <fmt/core.h>

#include <utility>

namespace holdfast::control {
namespace {

constexpr std::string_view kUnnamedInput = "in";
constexpr std::string_view kUnnamedOutput = "out";

/// What clients call lines by, and what boards here do.
std::string_view own_name_of_input(std::string_view name) {
  return name.empty() || name == "unnamed-gpio-in" ? kUnnamedInput : name;
}
std::string_view own_name_of_output(std::string_view name) {
  if (name == "sysbus-irq") return "irq";
  return name.empty() || name == "unnamed-gpio-out" ? kUnnamedOutput : name;
}

template <class Array>
struct Found {
  std::string name;
  decltype(std::vector{std::declval<Array&>().pin(0)}) pins;
};

// The pins outlive their device; so they may be used when its list of parts is let go.
template <class Array>
std::vector<Found<Array>> arrays_of(const hw::Device& device) {
  std::vector<Found<Array>> found;
  device.for_each_part([&](hw::Part& part) {
    auto* array = dynamic_cast<Array*>(&part);
    if (array == nullptr) return;
    auto& entry = found.emplace_back();
    entry.name = array->name();
    for (unsigned line = 0; line < array->count(); ++line) entry.pins.push_back(array->pin(line));
  });
  return found;
}

}  // namespace

Result<hw::Device*> device_at(machine::Machine& machine, std::string_view path) {
  const auto entry = TRY(machine.tree().resolve(path));
  auto* device = dynamic_cast<hw::Device*>(entry.object.get());
  if (device == nullptr) return fail("'{}' is no device", entry.path);
  return device;
}

Result<Ref<hw::InPin>> input_line(hw::Device& device, std::string_view name, std::uint64_t line) {
  for (const auto& array : arrays_of<hw::IrqInArray>(device)) {
    if (array.name != own_name_of_input(name)) continue;
    if (line >= array.pins.size())
      return fail("{}: input '{}' has {} lines", device.full_path(), name, array.pins.size());
    return array.pins[line];
  }
  return fail("{}: has no input '{}'", device.full_path(), name);
}

Interception::Interception(machine::Machine& machine, std::function<void()> noted)
    : machine_{machine}, noted_{std::move(noted)} {
  machine_.observe(*this);
}

Interception::~Interception() { machine_.forget(*this); }

// Whichever device it was: ours has gone, too, if its handle has expired.
void Interception::device_went(const std::string&, const std::string&) {
  if (!device_) forget();
}

// What the device did last is nobody's any more, and above all not that of the next one.
void Interception::forget() {
  taps_.clear();
  device_ = {};
  reported_.reset();
  high_before_.reset();
  LockGuard guard{mutex_};
  changes_.clear();
}

Result<hw::Device*> Interception::begin(std::string_view path) {
  hw::Device* device = TRY(device_at(machine_, path));
  if (device_ && device_.get() != device) return fail("IRQ intercept already enabled");
  return device;
}

Result<void> Interception::watch_inputs(std::string_view path) {
  hw::Device* device = TRY(begin(path));
  if (device_) return {};
  forget();
  for (const auto& array : arrays_of<hw::IrqInArray>(*device))
    for (unsigned line = 0; line < array.pins.size() && line < kMostLines; ++line)
      watch(array.pins[line], line);
  if (taps_.empty()) return fail("{} has no inputs", device->full_path());
  device_ = device->device_handle();
  return {};
}

Result<void> Interception::watch_outputs(std::string_view path, std::string_view name) {
  hw::Device* device = TRY(begin(path));
  if (device_) return {};
  forget();
  for (const auto& array : arrays_of<hw::IrqOutArray>(*device)) {
    if (array.name != own_name_of_output(name)) continue;
    for (unsigned line = 0; line < array.pins.size() && line < kMostLines; ++line)
      watch(array.pins[line], line);
  }
  if (taps_.empty())
    return fail("{} has no output '{}'", device->full_path(), own_name_of_output(name));
  device_ = device->device_handle();
  return {};
}

template <class Pin>
void Interception::watch(const Ref<Pin>& pin, unsigned line) {
  taps_.emplace_back(pin, [this, line](bool level) { note(line, level); });
  // A change between the two is noted, and what is noted counts.
  if (pin->level()) high_before_.set(line);
}

void Interception::driven_again(std::uint64_t line) {
  if (line < kMostLines && high_before_[line]) note(static_cast<unsigned>(line), true);
}

void Interception::note(unsigned line, bool level) {
  {
    LockGuard guard{mutex_};
    changes_.push_back({line, level});
  }
  noted_();
}

std::string Interception::take_report() {
  std::vector<Change> changes;
  {
    LockGuard guard{mutex_};
    if (changes_.empty()) return {};
    changes.swap(changes_);
  }
  std::string report;
  for (const auto& [line, level] : changes) {
    high_before_.reset(line);
    // Lines of several arrays share a number: what is told is a change of the number's level.
    if (reported_[line] == level) continue;
    reported_[line] = level;
    report += fmt::format("IRQ {} {}\n", level ? "raise" : "lower", line);
  }
  return report;
}

}  // namespace holdfast::control
