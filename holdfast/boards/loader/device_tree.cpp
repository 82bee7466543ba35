// SPDX-License-Identifier: Apache-2.0
#include "holdfast/boards/loader/device_tree.hpp"

#include <fmt/core.h>
#include <libfdt.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "holdfast/boards/loader/image.hpp"

namespace holdfast::boards {
namespace {

constexpr std::size_t kFirstSize = 16 << 10;
constexpr std::size_t kLargest = 2 << 20;  // what Linux maps early
constexpr std::uint32_t kVersion = 17;

void append(std::vector<std::byte>& out, std::uint32_t value) {
  const std::uint32_t big = __builtin_bswap32(value);
  static_assert(std::endian::native == std::endian::little);
  const auto at = out.size();
  out.resize(at + sizeof big);
  std::memcpy(out.data() + at, &big, sizeof big);
}

/// False if `value` needs more cells than it has.
bool append_cells(std::vector<std::byte>& out, std::uint64_t value, std::uint32_t cells) {
  for (std::uint32_t left = cells; left > 0; --left)
    append(out, left > 2 ? 0 : static_cast<std::uint32_t>(value >> (32 * (left - 1))));
  return cells >= 2 || (value >> (32 * cells)) == 0;
}

bool is_word(std::string_view text, std::string_view besides) {
  return !text.empty() && text.size() <= 31 && std::ranges::all_of(text, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           besides.find(c) != besides.npos;
  });
}

/// "uart@10000000": a word that begins with a letter, and perhaps a unit address.
bool is_node_name(std::string_view name) {
  const auto at = name.find('@');
  const auto word = name.substr(0, at);
  const bool letter = !word.empty() && ((word[0] >= 'a' && word[0] <= 'z') ||
                                        (word[0] >= 'A' && word[0] <= 'Z'));
  return letter && is_word(word, ",._+-") &&
         (at == name.npos || is_word(name.substr(at + 1), ",._+-"));
}

std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span{text.data(), text.size()});
}

}  // namespace

template <class Call>
void DeviceTreeBuilder::write(Call call) {
  if (first_mistake_) return;
  int result = call(blob_.data());
  while (result == -FDT_ERR_NOSPACE) {
    if (blob_.size() >= kLargest)
      return mistake("device tree", fmt::format("it is larger than {} bytes", kLargest));
    std::vector<std::byte> larger(blob_.size() * 2);
    result = fdt_resize(blob_.data(), larger.data(), static_cast<int>(larger.size()));
    blob_ = std::move(larger);
    if (result == 0) result = call(blob_.data());
  }
  if (result < 0) mistake("device tree", fdt_strerror(result));
}

DeviceTreeBuilder::DeviceTreeBuilder(std::span<const Range> reserved) : blob_(kFirstSize) {
  write([&](void* fdt) { return fdt_create(fdt, static_cast<int>(blob_.size())); });
  for (const Range& range : reserved)
    write([&](void* fdt) { return fdt_add_reservemap_entry(fdt, range.address, range.size); });
  write([](void* fdt) { return fdt_finish_reservemap(fdt); });
}

DeviceTreeBuilder::~DeviceTreeBuilder() = default;

void DeviceTreeBuilder::mistake(std::string_view path, std::string message) {
  if (!first_mistake_) first_mistake_ = Error{fmt::format("{}: {}", path, message)};
}

DeviceTreeBuilder::Node DeviceTreeBuilder::root() {
  if (had_root_) mistake("/", "the root is opened twice");
  had_root_ = true;
  open(0, "");
  return Node{*this, 0};
}

void DeviceTreeBuilder::open(std::size_t depth, std::string_view name) {
  if (first_mistake_) return;
  if (depth != open_.size())
    return mistake(open_.empty() ? "/" : open_.back().path,
                   fmt::format("'{}' is opened while this is open", name));
  std::string path = "/";
  if (depth > 0) {
    Open& parent = open_.back();
    if (!is_node_name(name))
      return mistake(parent.path, fmt::format("'{}' is no name for a node", name));
    if (!parent.children.emplace(name).second)
      return mistake(parent.path, fmt::format("it has a node '{}' already", name));
    path = fmt::format("{}{}{}", parent.path, depth > 1 ? "/" : "", name);
  }
  open_.push_back({.path = std::move(path), .properties = {}, .children = {}});
  write([name = std::string{name}](void* fdt) { return fdt_begin_node(fdt, name.c_str()); });
}

void DeviceTreeBuilder::close(std::size_t depth) {
  if (first_mistake_) return;
  if (depth + 1 != open_.size())
    return mistake(open_[depth].path, "it is closed while a node in it is open");
  open_.pop_back();
  write([](void* fdt) { return fdt_end_node(fdt); });
}

bool DeviceTreeBuilder::may_write(std::size_t depth, std::string_view property) {
  if (first_mistake_) return false;
  Open& node = open_[depth];
  if (depth + 1 != open_.size() || !node.children.empty())
    mistake(node.path, fmt::format("property '{}' comes after a child; properties come first", property));
  else if (!is_word(property, ",._+?#-"))
    mistake(node.path, fmt::format("'{}' is no name for a property", property));
  else if (!node.properties.emplace(property).second)
    mistake(node.path, fmt::format("it has a property '{}' already", property));
  return !first_mistake_;
}

void DeviceTreeBuilder::property(std::size_t depth, std::string_view name,
                                 std::span<const std::byte> value) {
  if (!may_write(depth, name)) return;
  if (value.size() > kLargest)
    return mistake(open_[depth].path, fmt::format("property '{}' is larger than {} bytes", name,
                                                  kLargest));
  write([&, key = std::string{name}](void* fdt) {
    return fdt_property(fdt, key.c_str(), value.data(), static_cast<int>(value.size()));
  });
}

void DeviceTreeBuilder::note_cells(std::string_view name, std::uint32_t value) {
  if (first_mistake_ || (name != "#address-cells" && name != "#size-cells")) return;
  if (value > 4) return mistake(open_.back().path, fmt::format("{} is {}, not 0 to 4", name, value));
  (name == "#address-cells" ? open_.back().address_cells : open_.back().size_cells) = value;
}

void DeviceTreeBuilder::reg(std::size_t depth, std::span<const Range> ranges) {
  if (first_mistake_) return;
  if (depth == 0) return mistake("/", "the root has no reg: it has no parent that gives it cells");
  const Open& parent = open_[depth - 1];
  std::vector<std::byte> value;
  for (const Range& range : ranges)
    if (!append_cells(value, range.address, parent.address_cells) ||
        !append_cells(value, range.size, parent.size_cells))
      return mistake(open_[depth].path,
                     fmt::format("reg {:#x} with {:#x} bytes does not fit in {} and {} cells",
                                 range.address, range.size, parent.address_cells, parent.size_cells));
  property(depth, "reg", value);
}

Result<std::vector<std::byte>> DeviceTreeBuilder::finish() && {
  if (!had_root_) mistake("device tree", "it has no root");
  if (!open_.empty()) mistake(open_.back().path, "it is still open");
  for (Phandle handle = 1; handle <= last_phandle_; ++handle)
    if (!placed_.contains(handle))
      mistake("device tree", fmt::format("no node has the handle {}", handle));
  write([](void* fdt) { return fdt_finish(fdt); });
  if (first_mistake_) return std::unexpected{*std::move(first_mistake_)};
  blob_.resize(fdt_totalsize(blob_.data()));
  return std::move(blob_);
}

DeviceTreeBuilder::Node::~Node() { builder_.close(depth_); }

DeviceTreeBuilder::Node& DeviceTreeBuilder::Node::u32(std::string_view name, std::uint32_t value) {
  cells(name, {value});
  builder_.note_cells(name, value);
  return *this;
}

DeviceTreeBuilder::Node& DeviceTreeBuilder::Node::u64(std::string_view name, std::uint64_t value) {
  return cells(name, {static_cast<std::uint32_t>(value >> 32), static_cast<std::uint32_t>(value)});
}

DeviceTreeBuilder::Node& DeviceTreeBuilder::Node::cells(std::string_view name,
                                                        std::span<const std::uint32_t> values) {
  std::vector<std::byte> value;
  for (const auto cell : values) append(value, cell);
  return bytes(name, value);
}

DeviceTreeBuilder::Node& DeviceTreeBuilder::Node::string(std::string_view name,
                                                         std::string_view value) {
  return strings(name, {value});
}

DeviceTreeBuilder::Node& DeviceTreeBuilder::Node::strings(
    std::string_view name, std::span<const std::string_view> values) {
  std::string all;
  for (const auto value : values) {
    if (value.find('\0') != value.npos)
      builder_.mistake(name, "a string in a device tree cannot hold a zero byte");
    all.append(value).push_back('\0');
  }
  return bytes(name, as_bytes(all));
}

DeviceTreeBuilder::Node& DeviceTreeBuilder::Node::bytes(std::string_view name,
                                                        std::span<const std::byte> value) {
  builder_.property(depth_, name, value);
  return *this;
}

DeviceTreeBuilder::Node& DeviceTreeBuilder::Node::flag(std::string_view name) { return bytes(name, {}); }

DeviceTreeBuilder::Node& DeviceTreeBuilder::Node::reg(std::span<const Range> ranges) {
  builder_.reg(depth_, ranges);
  return *this;
}

DeviceTreeBuilder::Node& DeviceTreeBuilder::Node::phandle(Phandle handle) {
  u32("phandle", handle);
  if (handle == 0 || handle > builder_.last_phandle_)
    builder_.mistake("device tree", fmt::format("{} is no handle that was given out", handle));
  else if (!builder_.placed_.insert(handle).second)
    builder_.mistake("device tree", fmt::format("two nodes have the handle {}", handle));
  return *this;
}

DeviceTreeBuilder::Node DeviceTreeBuilder::Node::node(std::string_view name) {
  builder_.open(depth_ + 1, name);
  return Node{builder_, depth_ + 1};
}

Result<std::size_t> check_device_tree(std::span<const std::byte> blob) {
  if (blob.size() < sizeof(fdt_header)) return fail("truncated inside the header of a device tree");
  if (fdt_magic(blob.data()) != FDT_MAGIC)
    return fail("no device tree: it does not begin with d0 0d fe ed");
  // libfdt reads older versions too, but does not survive everything that claims to be one.
  if (fdt_version(blob.data()) < kVersion || fdt_last_comp_version(blob.data()) > kVersion)
    return fail("a device tree of version {}, compatible with {}; it takes version {}",
                fdt_version(blob.data()), fdt_last_comp_version(blob.data()), kVersion);
  const std::size_t size = fdt_totalsize(blob.data());
  if (size > kLargest) return fail("a device tree of {} bytes; it takes at most {}", size, kLargest);
  if (size > blob.size())
    return fail("a device tree of {} bytes, of which {} are there; it is truncated", size, blob.size());
  if (const int result = fdt_check_full(blob.data(), blob.size()); result != 0)
    return fail("a broken device tree: {}", fdt_strerror(result));
  return size;
}

Result<std::vector<std::byte>> load_device_tree(const std::string& path) {
  auto blob = TRY(read_file(path, kLargest));
  const auto size = check_device_tree(blob);
  if (!size) return fail("{}: {}", path, size.error().message);
  blob.resize(*size);
  return blob;
}

Result<std::vector<std::byte>> with_chosen(std::span<const std::byte> blob, const Chosen& chosen) {
  const std::size_t more = 1024 + (chosen.bootargs ? chosen.bootargs->size() : 0);
  if (blob.size() > kLargest || more > kLargest)
    return fail("a device tree with its boot arguments is larger than {} bytes", kLargest);
  std::vector<std::byte> copy(blob.size() + more);
  void* fdt = copy.data();
  const auto edit = [&]() -> int {
    if (const int r = fdt_open_into(blob.data(), fdt, static_cast<int>(copy.size())); r != 0) return r;
    int node = fdt_path_offset(fdt, "/chosen");
    if (node == -FDT_ERR_NOTFOUND) node = fdt_add_subnode(fdt, 0, "chosen");
    if (node < 0) return node;
    if (chosen.bootargs)
      if (const int r = fdt_setprop(fdt, node, "bootargs", chosen.bootargs->c_str(),
                                    static_cast<int>(chosen.bootargs->size() + 1));
          r != 0)
        return r;
    if (!chosen.initrd) return 0;
    const auto [address, size] = *chosen.initrd;
    const std::uint64_t end = address + size;
    // Of one cell where that is enough, as firmware is used to; readers go by the length.
    const auto set = [&](const char* name, std::uint64_t value) {
      return end <= std::numeric_limits<std::uint32_t>::max()
                 ? fdt_setprop_u32(fdt, node, name, static_cast<std::uint32_t>(value))
                 : fdt_setprop_u64(fdt, node, name, value);
    };
    if (const int r = set("linux,initrd-start", address); r != 0) return r;
    return set("linux,initrd-end", end);
  };
  if (const int result = edit(); result != 0)
    return fail("device tree: /chosen cannot be completed: {}", fdt_strerror(result));
  if (const int result = fdt_pack(fdt); result != 0)
    return fail("device tree: {}", fdt_strerror(result));
  copy.resize(fdt_totalsize(fdt));
  return copy;
}

}  // namespace holdfast::boards
