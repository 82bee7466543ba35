// SPDX-License-Identifier: Apache-2.0
#include "holdfast/cpu/riscv/cpu_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <iterator>
#include <vector>

#include "holdfast/object/text.hpp"

namespace holdfast::cpu::riscv {
namespace {

using Kind = CpuProperty::Kind;

constexpr CpuModel::Description kModels[] = {
    {"rv64", "RV64GC with bit manipulation, cache blocks, Sstc, Svadu, Svinval"},
    {"max", "rv64 with everything there is"},
};

const CpuProperty* find(std::string_view key) {
  for (const CpuProperty& property : kCpuProperties)
    if (property.name == key || (!property.other.empty() && property.other == key))
      return &property;
  return nullptr;
}

std::string unknown(std::string_view key) {
  std::vector<std::string_view> names;
  for (const CpuProperty& property : kCpuProperties) names.push_back(property.name);
  const auto near = object::nearest(key, names);
  return fmt::format("there is no property '{}'; {}`help` lists those there are", key,
                     near.empty() ? "" : fmt::format("there is '{}', and ", near));
}

std::string accepts(const CpuProperty& property) {
  switch (property.kind) {
    case Kind::kAlways:
      return "this hart always has it, so it takes 'on'";
    case Kind::kNever:
      return "this hart cannot have it, so it takes 'off'";
    case Kind::kBlock:
      return fmt::format("it takes a power of two from {} to {}", property.least, property.most);
    case Kind::kNumber:
      return fmt::format("it takes a whole number from {} to {}", property.least, property.most);
    default:
      return "it takes 'on' or 'off'";
  }
}

bool in_bounds(const CpuProperty& property, std::uint64_t value) {
  if (value < property.least || value > property.most) return false;
  return property.kind != Kind::kBlock || std::has_single_bit(value);
}

/// Which version of the privileged architecture harts follow can be said, and there is one.
constexpr std::string_view kPrivilegedKey = "priv_spec";
constexpr std::string_view kPrivilegedVersion = "v1.12.0";

/// What an extension cannot be without.
struct Need {
  std::string_view who, what;
};
constexpr Need kNeeds[] = {{"d", "f"}, {"f", "zicsr"}, {"zicntr", "zicsr"}, {"zihpm", "zicsr"}};

/// What `g` stands for, without what is always there.
constexpr std::string_view kGeneral[] = {"m", "a", "f", "d", "zicsr", "zifencei"};

}  // namespace

std::span<const CpuModel::Description> CpuModel::all() {
  return kModels;
}

Result<CpuModel> CpuModel::named(std::string_view name) {
  CpuModel model;
  if (name == "max")
    model.start_ = Start::kMax;
  else if (name != "rv64")
    return fail("unknown model '{}'; there are rv64 and max", name);
  return model;
}

const std::optional<std::uint64_t>& CpuModel::said(const CpuProperty& property) const {
  return said_[static_cast<std::size_t>(&property - kCpuProperties)];
}
std::optional<std::uint64_t>& CpuModel::said(const CpuProperty& property) {
  return said_[static_cast<std::size_t>(&property - kCpuProperties)];
}

Result<void> CpuModel::set(std::string_view key, std::string_view text) {
  if (key == kPrivilegedKey) {
    if (text == kPrivilegedVersion) return {};
    return fail("{} is '{}'; it takes {}, which these harts follow", key, text, kPrivilegedVersion);
  }
  const CpuProperty* property = find(key);
  if (property == nullptr) return fail("{}", unknown(key));
  std::optional<std::uint64_t> value;
  if (property->is_switch()) {
    if (const auto on = object::parse_bool(text)) value = *on ? 1 : 0;
  } else {
    value = object::parse_unsigned(text);
  }
  if (!value || !in_bounds(*property, *value))
    return fail("{} is '{}'; {}", key, text, accepts(*property));
  return set(*property, *value);
}

Result<void> CpuModel::set(const CpuProperty& property, std::uint64_t value) {
  if (!in_bounds(property, value))
    return fail("{} is {}; {}", property.name, value, accepts(property));
  said(property) = value;
  if (property.kind == Kind::kGeneral && value != 0)
    for (const std::string_view name : kGeneral) said(*find(name)) = 1;
  return {};
}

std::uint64_t CpuModel::get(const CpuProperty& property) const {
  switch (property.kind) {
    case Kind::kExtension:
      return isa().has(property.extension) ? 1 : 0;
    case Kind::kPaging: {
      const auto widest = paging();
      const Paging least = property.paging == Paging::kNone ? Paging::kSv39 : property.paging;
      return widest && *widest >= least ? 1 : 0;
    }
    case Kind::kGeneral:
      return std::ranges::all_of(kGeneral, [this](auto name) { return get(*find(name)) != 0; });
    default:
      return said(property).value_or(property.fallback);
  }
}

std::uint64_t CpuModel::number(std::string_view name) const {
  return get(*find(name));
}

IsaSet CpuModel::isa() const {
  IsaSet isa{Extension::kI};
  for (const CpuProperty& property : kCpuProperties) {
    if (property.kind != Kind::kExtension) continue;
    // Svade takes something away, so that even `max` has it only if asked.
    const bool at_start = start_ == Start::kMax ? property.extension != Extension::kSvade
                                                : property.fallback != 0;
    if (said(property).value_or(at_start ? 1 : 0) != 0) isa = isa.with(property.extension);
  }
  return isa;
}

/// The widest that was asked for; else the one below what was refused; else the widest there is.
Result<Paging> CpuModel::paging() const {
  if (said(*find("mmu")) == 0U) return Paging::kNone;
  Paging widest = Paging::kSv57;
  const CpuProperty* asked = nullptr;
  const CpuProperty* refused = nullptr;
  for (const CpuProperty& property : kCpuProperties) {
    if (property.kind != Kind::kPaging || property.paging == Paging::kNone) continue;
    if (said(property) == 1U) asked = &property;
    if (said(property) == 0U && refused == nullptr) refused = &property;
  }
  if (asked != nullptr && refused != nullptr && refused->paging < asked->paging)
    return fail("{0} needs {1}; turn {0} off, too, or leave {1} on", asked->name, refused->name);
  if (asked != nullptr) {
    widest = asked->paging;
  } else if (refused != nullptr) {
    const auto below = static_cast<Paging>(static_cast<unsigned>(refused->paging) - 1);
    widest = below < Paging::kSv39 ? Paging::kNone : below;
  }
  return widest;
}

Result<HartConfig> CpuModel::hart(HartConfig base) const {
  base.isa = isa();
  base.paging = TRY(paging());
  for (const Need& need : kNeeds)
    if (number(need.who) != 0 && number(need.what) == 0)
      return fail("{0} needs {1}; turn {0} off, too, or leave {1} on", need.who, need.what);
  base.clean_block = static_cast<std::uint16_t>(number("cbom_blocksize"));
  base.zero_block = static_cast<std::uint16_t>(number("cboz_blocksize"));
  base.event_counters = static_cast<std::uint8_t>(number("pmu-num"));
  base.vendor_id = static_cast<std::uint32_t>(number("mvendorid"));
  base.architecture_id = number("marchid");
  base.implementation_id = number("mimpid");
  return base;
}

std::vector<std::string_view> extension_names(const HartConfig& hart) {
  std::vector<std::string_view> names{"i"};
  for (const CpuProperty& property : kCpuProperties) {
    if (property.kind != Kind::kExtension || property.extension == Extension::kPmp) continue;
    // Without Svadu pages are marked as Svade says, whether it was asked for or not.
    const bool there =
        hart.isa.has(property.extension) ||
        (property.extension == Extension::kSvade && !hart.isa.has(Extension::kSvadu));
    if (there) names.push_back(property.name);
  }
  return names;
}

std::string isa_string(const HartConfig& hart) {
  std::string text = "rv64";
  for (const std::string_view name : extension_names(hart)) {
    if (name.size() > 1) text += '_';
    text += name;
  }
  return text;
}

std::string_view mmu_type(const HartConfig& hart) {
  switch (hart.paging) {
    case Paging::kSv39:
      return "riscv,sv39";
    case Paging::kSv48:
      return "riscv,sv48";
    case Paging::kSv57:
      return "riscv,sv57";
    default:
      return "riscv,none";
  }
}

Result<std::string> properties_text(std::string_view name) {
  const CpuModel model = TRY(CpuModel::named(name));
  std::string text = fmt::format("Properties of {}:\n", name);
  for (const CpuProperty& property : kCpuProperties) {
    const std::uint64_t value = model.get(property);
    fmt::format_to(
        std::back_inserter(text), "  {:<24} {} (default: {})\n",
        fmt::format("{}={}", property.name, property.is_switch() ? "on|off" : "N"), property.help,
        property.is_switch() ? (value != 0 ? "on" : "off") : fmt::format("{}", value));
  }
  fmt::format_to(std::back_inserter(text), "  {:<24} {}\n",
                 fmt::format("{}={}", kPrivilegedKey, kPrivilegedVersion),
                 "the version of the privileged architecture; there is no other");
  return text;
}

}  // namespace holdfast::cpu::riscv
