// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/misc/fw_cfg.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "holdfast/base/log.hpp"
#include "holdfast/hw/base_types.hpp"

namespace holdfast::devices {
namespace {

constexpr std::uint64_t kData = 0x00;
constexpr std::uint64_t kSelector = 0x08;
constexpr std::uint64_t kDma = 0x10;
constexpr std::uint64_t kSize = 0x18;

// What the DMA register reads, "QEMU CFG", its first byte first.
constexpr std::array<char, 8> kDmaSignature{'Q', 'E', 'M', 'U', ' ', 'C', 'F', 'G'};
constexpr std::uint32_t kFeatures = 1 | 2;  // the traditional interface, and DMA

// The control word of a request.
constexpr std::uint32_t kError = 1;
constexpr std::uint32_t kRead = 2;
constexpr std::uint32_t kSkip = 4;
constexpr std::uint32_t kSelect = 8;
constexpr std::uint32_t kDmaWrite = 16;

constexpr std::uint16_t kWriteChannel = 0x4000;  // of a key; means nothing any more
constexpr std::size_t kDirectoryEntry = 64;
constexpr std::size_t kMostFiles = 4096;

// Only RAM: a request may name gigabytes, and what goes to a device is kept until it can be delivered.
constexpr memory::MemTxAttrs kToRam{.memory = true};

constexpr memory::AccessRules kRules{.valid = {.min = 1, .max = 8, .unaligned = false},
                                     .impl = {.min = 1, .max = 8, .unaligned = false}};

template <class T>
constexpr T big(T value) {
  return std::byteswap(value);
}

template <class T>
void put_big(std::vector<std::byte>& out, T value) {
  const auto bytes = std::bit_cast<std::array<std::byte, sizeof(T)>>(big(value));
  out.insert(out.end(), bytes.begin(), bytes.end());
}

template <class T>
T get_big(std::span<const std::byte> bytes) {
  T value{};
  std::memcpy(&value, bytes.data(), sizeof value);
  return big(value);
}

constexpr std::size_t index(FwCfg::Key key) { return static_cast<std::size_t>(key); }

}  // namespace

constinit const object::Type FwCfg::kType{
    .name = "fw_cfg_mem",
    .parent = &hw::kSysBusDevice,
    .docs = "Firmware configuration: items and files that firmware reads."};

/// What the guest leaves in memory to ask for a transfer.
struct FwCfg::Request {
  static constexpr std::size_t kSize = 16;
  std::uint32_t control;
  std::uint32_t length;
  std::uint64_t address;
};

FwCfg::Bytes FwCfg::bytes_of(std::span<const std::byte> bytes) {
  return std::make_shared<const std::vector<std::byte>>(bytes.begin(), bytes.end());
}
FwCfg::Bytes FwCfg::bytes_of(std::string_view text) { return bytes_of(std::as_bytes(std::span{text})); }

FwCfg::FwCfg(const hw::DeviceInit& init, Config config)
    : Device{init}, config_{std::move(config)}, regs_{*this, "regs", kSize, *this, kRules} {
  std::ranges::sort(config_.files, {}, &File::name);
  items_.resize(index(Key::kFirstFile));
  items_[index(Key::kSignature)] = bytes_of("QEMU");
  items_[index(Key::kId)] = number(kFeatures);
  items_[index(Key::kDirectory)] = directory();
  for (const Item& item : config_.items)
    if (index(item.key) < items_.size()) items_[index(item.key)] = item.bytes;
  for (const File& file : config_.files) items_.push_back(file.bytes);
}

FwCfg::Bytes FwCfg::directory() const {
  std::vector<std::byte> out;
  put_big(out, static_cast<std::uint32_t>(config_.files.size()));
  auto key = static_cast<std::uint16_t>(Key::kFirstFile);
  for (const File& file : config_.files) {
    const std::size_t end = out.size() + kDirectoryEntry;
    put_big(out, static_cast<std::uint32_t>(file.bytes->size()));
    put_big(out, key++);
    put_big(out, std::uint16_t{0});
    const auto name = std::as_bytes(std::span{file.name}).first(std::min(file.name.size(), kLongestName));
    out.insert(out.end(), name.begin(), name.end());
    out.resize(end);
  }
  return bytes_of(out);
}

Result<void> FwCfg::check() {
  if (config_.files.size() > kMostFiles)
    return fail("{}: {} files; it takes {} at most", full_path(), config_.files.size(), kMostFiles);
  for (std::size_t i = 0; i < config_.files.size(); ++i) {
    const std::string& name = config_.files[i].name;
    if (name.empty() || name.size() > kLongestName)
      return fail("{}: file '{}': a name has 1 to {} bytes", full_path(), name, kLongestName);
    if (i != 0 && config_.files[i - 1].name == name)
      return fail("{}: file '{}' is there twice; each name once", full_path(), name);
  }
  return {};
}

// --- registers -------------------------------------------------------------------------------------

// SPEC: fw_cfg, "Register Locations": each register is accessed whole or, from its first byte on, in
// part; which parts differs.
bool FwCfg::accepts(std::uint64_t offset, unsigned size, bool is_write, memory::MemTxAttrs) {
  if (offset < kSelector) return offset == kData;
  if (offset < kDma) return is_write && offset == kSelector && size == 2;
  return !is_write || size == 8 || size == 4;
}

memory::MemTxResult FwCfg::read(std::uint64_t offset, unsigned size, std::uint64_t& value,
                                memory::MemTxAttrs) {
  if (offset < kSelector)
    value = next_bytes(size);
  else
    std::memcpy(&value, kDmaSignature.data() + (offset - kDma), size);
  return memory::MemTxResult::kOk;
}

memory::MemTxResult FwCfg::write(std::uint64_t offset, unsigned size, std::uint64_t value,
                                 memory::MemTxAttrs) {
  if (offset == kSelector) {
    select(big(static_cast<std::uint16_t>(value)));
  } else if (offset >= kDma) {
    if (size == 8)
      request_ = big(value);
    else if (offset == kDma)
      request_ = std::uint64_t{big(static_cast<std::uint32_t>(value))} << 32U;
    else
      request_ |= std::uint64_t{big(static_cast<std::uint32_t>(value))};
    if (size == 8 || offset != kDma) transfer();
  }  // data cannot be written
  return memory::MemTxResult::kOk;
}

const std::vector<std::byte>* FwCfg::selected() const {
  return key_ < items_.size() ? items_[key_].get() : nullptr;
}

void FwCfg::select(std::uint16_t key) {
  key_ = static_cast<std::uint16_t>(key & ~kWriteChannel);
  offset_ = 0;
}

// The first byte of the item comes first, at the lowest address; behind its end are zeroes.
std::uint64_t FwCfg::next_bytes(unsigned size) {
  const auto* item = selected();
  std::uint64_t value = 0;
  if (item != nullptr && offset_ < item->size()) {
    const std::uint64_t length = std::min<std::uint64_t>(size, item->size() - offset_);
    std::memcpy(&value, item->data() + offset_, length);
    offset_ += length;
  }
  return value;
}

// --- DMA -------------------------------------------------------------------------------------------

void FwCfg::transfer() {
  const std::uint64_t at = std::exchange(request_.get(), 0);
  std::array<std::byte, Request::kSize> raw{};
  bool good = port_.read(at, raw, kToRam) == memory::MemTxResult::kOk;
  if (good)
    good = perform({.control = get_big<std::uint32_t>(raw),
                    .length = get_big<std::uint32_t>(std::span{raw}.subspan(4)),
                    .address = get_big<std::uint64_t>(std::span{raw}.subspan(8))});
  if (!good) log::guest_error("{}: the request at {:#x} fails", full_path(), at);
  const std::uint32_t answer = big(good ? 0U : kError);
  port_.write(at, std::as_bytes(std::span{&answer, 1}), kToRam);
}

// SPEC: fw_cfg, "Guest-side DMA Interface": of several commands, select comes first, then the first of
// read, write and skip.
bool FwCfg::perform(const Request& request) {
  if ((request.control & kSelect) != 0) select(static_cast<std::uint16_t>(request.control >> 16U));
  if ((request.control & kRead) != 0) return copy_out(request.address, request.length);
  if ((request.control & kDmaWrite) != 0) return request.length == 0;
  if ((request.control & kSkip) != 0) {
    const auto* item = selected();
    const std::uint64_t left =
        item == nullptr || offset_ >= item->size() ? 0 : item->size() - offset_;
    offset_ += std::min<std::uint64_t>(request.length, left);
  }
  return true;
}

bool FwCfg::copy_out(std::uint64_t address, std::uint32_t length) {
  static constexpr std::array<std::byte, 4096> kZeroes{};
  const auto* item = selected();
  const std::uint64_t left = item == nullptr || offset_ >= item->size() ? 0 : item->size() - offset_;
  const auto piece = static_cast<std::uint32_t>(std::min<std::uint64_t>(length, left));
  if (piece != 0 && port_.write(address, std::span{*item}.subspan(offset_, piece), kToRam) !=
                        memory::MemTxResult::kOk)
    return false;
  offset_ += std::uint64_t{piece};
  for (std::uint64_t done = piece; done < length; done += kZeroes.size()) {
    const auto size = std::min<std::uint64_t>(kZeroes.size(), length - done);
    if (port_.write(address + done, std::span{kZeroes}.first(size), kToRam) !=
        memory::MemTxResult::kOk)
      return false;
  }
  return true;
}

}  // namespace holdfast::devices
