// SPDX-License-Identifier: Apache-2.0
#include "holdfast/accel/riscv_cpu.hpp"

#include <array>
#include <utility>
#include <variant>

#include "holdfast/accel/riscv_inspector.hpp"

namespace holdfast::accel {

namespace {

using cpu::riscv::CpuProperty;
using cpu::riscv::kCpuProperties;

constexpr object::Property::Fallback fallback(const CpuProperty& row) {
  if (row.is_switch()) return row.fallback != 0;
  return row.fallback;
}

/// One row of the table of the instruction set as a property of the device.
template <std::size_t Row>
constexpr object::Property property() {
  const CpuProperty& row = kCpuProperties[Row];
  object::Property p{.name = row.name,
                     .type = row.is_switch() ? "bool" : "uint64",
                     .description = row.help,
                     .kind = row.is_switch() ? object::Property::Kind::kBool
                                             : object::Property::Kind::kUnsigned,
                     .settable = object::Settable::kBeforeRealize,
                     .fallback = fallback(row),
                     .max = row.most,
                     .least = row.least,
                     .choices{}};
  if (row.is_switch()) {
    p.get = [](const object::Object& object) -> object::PropertyValue {
      return static_cast<const RiscvCpu&>(object).model_property(Row) != 0;
    };
    p.set = [](object::Object& object, object::PropertyValue value) -> Result<void> {
      return static_cast<RiscvCpu&>(object).set_model_property(Row, std::get<bool>(value) ? 1 : 0);
    };
  } else {
    p.get = [](const object::Object& object) -> object::PropertyValue {
      return static_cast<const RiscvCpu&>(object).model_property(Row);
    };
    p.set = [](object::Object& object, object::PropertyValue value) -> Result<void> {
      return static_cast<RiscvCpu&>(object).set_model_property(Row, std::get<std::uint64_t>(value));
    };
  }
  return p;
}

constinit const auto kProperties = []<std::size_t... Row>(std::index_sequence<Row...>) {
  return std::array{property<Row>()...};
}(std::make_index_sequence<cpu::riscv::kCpuPropertyCount>());

}  // namespace

constinit const object::Type RiscvCpu::kType{.name = "rv64-riscv-cpu",
                                             .parent = &hw::Cpu::kType,
                                             .docs = "A 64-bit RISC-V hart",
                                             .properties = kProperties};

std::uint64_t CounterTime::instant_of(std::uint64_t tick) const {
  return ticks() >= tick ? clock_.now_ns() : counter_->deadline_of(clock_, tick);
}

std::chrono::nanoseconds CounterTime::until(std::uint64_t tick) const {
  constexpr auto kMost = std::chrono::nanoseconds::max();
  const std::uint64_t instant = instant_of(tick);
  if (instant >= static_cast<std::uint64_t>(kMost.count())) return kMost;
  const auto wait = clock_.host_ns_until(instant);
  return wait ? std::chrono::nanoseconds{static_cast<std::int64_t>(*wait)} : kMost;
}

RiscvCpu::RiscvCpu(const hw::DeviceInit& init, const Config& config)
    : Cpu{init},
      place_{config.hart},
      model_{config.model},
      gang_{config.gang},
      semihosting_{config.semihosting},
      files_{config.machine_file, config.supervisor_file},
      places_{config.places},
      time_{init.context.clock, config.counter ? config.counter : hw::TimeCounter::make()},
      hart_{config.hart, port_, time_} {
  hart_.set_interrupt_files(config.machine_file, config.supervisor_file);
  if (!takes_turns()) context().clock.follow(*this);
  time_.counter().follow(*this);
}

RiscvCpu::~RiscvCpu() {
  for (const auto& file : files_)
    if (file) file->unfollow(*this);
  if (takes_turns()) gang_->rota()->remove(hart_);
  time_.counter().unfollow(*this);
  if (!takes_turns()) context().clock.unfollow(*this);
  if (thread_) {
    gang_->leave(*thread_);
    thread_->stop();
  }
  if (semihosting_ != nullptr) semihosting_->forget(hart_);
}

std::uint64_t RiscvCpu::model_property(std::size_t row) const {
  return model_.get(kCpuProperties[row]);
}

Result<void> RiscvCpu::set_model_property(std::size_t row, std::uint64_t value) {
  return model_.set(kCpuProperties[row], value);
}

std::unique_ptr<hw::CpuInspector> RiscvCpu::inspect() {
  return std::make_unique<RiscvInspector>(hart_, space_.get());
}

Result<void> RiscvCpu::check() {
  if (places_)
    place_claim_ = TRY(places_->take(static_cast<std::uint32_t>(place_.hart_id), full_path()));
  hart_.configure(TRY(model_.hart(place_)));
  return {};
}

void RiscvCpu::start() {
  if (gang_ == nullptr) return;
  if (takes_turns()) {
    gang_->rota()->add(hart_, *this, context().clock);
    return listen_for_messages();
  }
  HartThread& thread =
      thread_.emplace(hart_, static_cast<CpuEvents&>(*this),
                      HartThread::Options{.name = gang_->thread_name(place_.hart_id)});
  listen_for_messages();
  gang_->join(thread);
  thread.start();
}

/// Once it is known whom to wake.
void RiscvCpu::listen_for_messages() {
  for (const auto& file : files_)
    if (file) file->follow(*this);
  hart_.notice_message();  // what came before
}

void RiscvCpu::pin_changed(unsigned line, bool level) noexcept {
  hart_.set_interrupt(static_cast<cpu::riscv::Interrupt>(line), level);
}

void RiscvCpu::between_slices() {
  rcu::Domain& domain = context().realm.domain();
  if (domain.poll_due()) domain.poll();
}

CpuEvents::Call RiscvCpu::host_call() {
  if (semihosting_ != nullptr) return semihosting_->perform(hart_, context());
  hart_.answer_host_call(0);
  return Call::kDone;
}

std::optional<std::uint64_t> RiscvCpu::wakes_at_ns() const {
  const auto tick = hart_.wake_tick();
  if (!tick) return std::nullopt;
  return time_.instant_of(*tick);
}

void RiscvCpu::on_reset(hw::ResetPhase phase) {
  if (phase != hw::ResetPhase::kEnter) return;
  for (const auto& file : files_)
    if (file) file->reset();
  hart_.reset();
}

}  // namespace holdfast::accel
