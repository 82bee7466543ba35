// SPDX-License-Identifier: Apache-2.0
// Listeners that check what they are told.
#pragma once

#include <gtest/gtest.h>

#include <iterator>
#include <map>
#include <vector>

#include "holdfast/memory/listener.hpp"

namespace holdfast::memory::test {

/// Keeps what it was told; nothing may overlap at any time, and only what is there may go.
class Shadow final : public LayoutListener {
 public:
  void begin() override {
    EXPECT_FALSE(in_change_);
    in_change_ = true;
    adding_ = false;
  }
  void region_del(const Section& section) override {
    EXPECT_TRUE(in_change_);
    EXPECT_FALSE(adding_) << "a deletion after an addition";
    const auto at = sections_.find(section.extent.first);
    if (at == sections_.end() || at->second != section) {
      ADD_FAILURE() << "a deletion of what was never added, at " << section.extent.first;
      return;
    }
    sections_.erase(at);
  }
  void region_add(const Section& section) override {
    EXPECT_TRUE(in_change_);
    adding_ = true;
    const auto after = sections_.upper_bound(section.extent.first);
    if (after != sections_.end()) {
      EXPECT_LT(section.extent.last, after->first) << "an addition overlaps";
    }
    if (after != sections_.begin()) {
      EXPECT_LT(std::prev(after)->second.extent.last, section.extent.first)
          << "an addition overlaps";
    }
    sections_.emplace(section.extent.first, section);
  }
  void commit() override {
    EXPECT_TRUE(in_change_);
    in_change_ = false;
    ++calls_;
  }

  std::vector<Section> sections() const {
    std::vector<Section> all;
    for (const auto& [first, section] : sections_) all.push_back(section);
    return all;
  }
  int calls() const { return calls_; }

 private:
  std::map<std::uint64_t, Section> sections_;
  bool in_change_ = false;
  bool adding_ = false;
  int calls_ = 0;
};

/// Collects the windows that went stale.
class StaleWindows final : public TranslationListener {
 public:
  void stale(std::span<const Extent> windows) override {
    ++calls_;
    for (std::size_t i = 1; i < windows.size(); ++i)
      EXPECT_LT(windows[i - 1].last, windows[i].first) << "windows overlap or are out of order";
    windows_.insert(windows_.end(), windows.begin(), windows.end());
  }
  bool contains(std::uint64_t address) const {
    for (const Extent window : windows_)
      if (window.contains(address)) return true;
    return false;
  }
  int calls() const { return calls_; }
  void clear() {
    windows_.clear();
    calls_ = 0;
  }

 private:
  std::vector<Extent> windows_;
  int calls_ = 0;
};

}  // namespace holdfast::memory::test
