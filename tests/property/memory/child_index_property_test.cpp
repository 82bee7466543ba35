// SPDX-License-Identifier: Apache-2.0
// Random insertions and deletions of overlapping, equal and full-size children against a list.
#include <gtest/gtest.h>

#include <algorithm>
#include <tuple>
#include <vector>

#include "holdfast/memory/child_index.hpp"
#include "tests/property/memory/random_program.hpp"

namespace holdfast::memory {
namespace {

using testing::Chooser;

template <unsigned Fanout>
class ChildProgram {
 public:
  using Index = BasicChildIndex<Fanout>;
  using Entry = typename Index::Entry;

  explicit ChildProgram(std::uint64_t seed) : choose_{seed}, offsets_{choose_.between(1, 40)} {}

  void run() {
    {
      Index index{pool_};
      const bool large = choose_.one_in(100);
      if (large) choose_.live_everywhere();
      const std::uint64_t steps = large ? 2500 : choose_.between(10, 300);
      const std::uint64_t growth = large ? 20 : choose_.between(2, 6);
      for (std::uint64_t i = 0; i < steps && !::testing::Test::HasFailure(); ++i) {
        if (choose_.one_in(growth))
          erase(index);
        else
          insert(index);
        if (!large || choose_.one_in(20)) compare(index);
      }
      if (choose_.one_in(2)) empty(index);
    }
    EXPECT_EQ(pool_.in_use(), 0);
  }

 private:
  RegionControl* child() {
    return reinterpret_cast<RegionControl*>(static_cast<std::uintptr_t>(choose_.between(1, 50)));
  }

  void insert(Index& index) {
    Extent extent = choose_.extent();
    // Some programs put most children at few offsets.
    if (offsets_ < 10) extent.first = std::min(extent.first % offsets_, extent.last);
    const Entry entry{extent.first, extent.last, child()};
    index.insert(extent, entry.child);
    model_.push_back(entry);
  }

  void erase(Index& index) {
    if (model_.empty() || choose_.one_in(10)) {
      const std::uint64_t first = choose_.address();
      RegionControl* const nobody = reinterpret_cast<RegionControl*>(std::uintptr_t{99});
      EXPECT_FALSE(index.erase(first, nobody));
      return;
    }
    const auto victim = model_[choose_.below(model_.size())];
    EXPECT_TRUE(index.erase(victim.first, victim.child));
    // Children that are there twice at one offset may differ in their last: find which one went.
    std::vector<Entry> left;
    index.meeting(Extent::everything(), [&](const Entry& e) { left.push_back(e); });
    for (auto it = model_.begin(); it != model_.end(); ++it) {
      if (it->first != victim.first || it->child != victim.child) continue;
      if (std::count(left.begin(), left.end(), *it) ==
          std::count(model_.begin(), model_.end(), *it))
        continue;
      model_.erase(it);
      return;
    }
    ADD_FAILURE() << "nothing was erased";
  }

  void empty(Index& index) {
    while (!model_.empty() && !::testing::Test::HasFailure()) {
      erase(index);
      if (model_.size() < 300 || choose_.one_in(20)) compare(index);
    }
  }

  static auto order(const Entry& e) { return std::tuple{e.first, e.last, e.child}; }

  void compare(const Index& index) {
    const Result<void> sound = index.check();
    ASSERT_TRUE(sound) << sound.error().message;
    ASSERT_EQ(index.size(), model_.size());
    detail::avx2_in_use = detail::processor_has_avx2() && choose_.one_in(2);
    const Extent extent = choose_.one_in(4) ? Extent::everything() : choose_.extent();
    std::vector<Entry> met;
    index.meeting(extent, [&](const Entry& e) { met.push_back(e); });
    ASSERT_TRUE(std::is_sorted(met.begin(), met.end(),
                               [](const Entry& a, const Entry& b) { return a.first < b.first; }));
    std::vector<Entry> expected;
    for (const Entry& e : model_)
      if (e.extent().meets(extent)) expected.push_back(e);
    const auto by_order = [](const Entry& a, const Entry& b) { return order(a) < order(b); };
    std::sort(met.begin(), met.end(), by_order);
    std::sort(expected.begin(), expected.end(), by_order);
    ASSERT_EQ(met, expected);
    std::size_t seen = 0;
    index.meeting(extent, [&](const Entry&) { return ++seen < 3; });
    ASSERT_EQ(seen, std::min<std::size_t>(3, expected.size()));
  }

  Chooser choose_;
  const std::uint64_t offsets_;
  NodePool pool_{Index::kNodeBytes};
  std::vector<Entry> model_;
};

template <unsigned Fanout>
void run_child_programs(std::uint64_t count) {
  for (const std::uint64_t seed : testing::seeds(count)) {
    SCOPED_TRACE(::testing::Message() << "HOLDFAST_SEED=" << seed);
    ChildProgram<Fanout>{seed}.run();
    if (::testing::Test::HasFailure()) return;
  }
  detail::avx2_in_use = detail::processor_has_avx2();
}

TEST(ChildIndexProperty, MeetingAgreesWithAListAtFanout4) { run_child_programs<4>(1000); }
TEST(ChildIndexProperty, MeetingAgreesWithAListAtFanout8) { run_child_programs<8>(1000); }
TEST(ChildIndexProperty, MeetingAgreesWithAListAtFanout32) { run_child_programs<32>(1000); }

}  // namespace
}  // namespace holdfast::memory
