// SPDX-License-Identifier: Apache-2.0
// What may be said of a hart by name: spellings, defaults, contradictions, and what comes of them.
#include "holdfast/cpu/riscv/cpu_model.hpp"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <utility>

namespace holdfast::cpu::riscv {
namespace {

using Said = std::initializer_list<std::pair<const char*, const char*>>;

Result<HartConfig> hart(Said said, const char* model = "rv64") {
  auto named = TRY(CpuModel::named(model));
  for (const auto& [key, text] : said) TRY(named.set(key, text));
  return named.hart();
}
std::string error_of(Said said) {
  const auto made = hart(said);
  return made ? "no error" : made.error().message;
}

TEST(CpuModel, IsRv64UnlessToldOtherwise) {
  const auto made = hart({});
  ASSERT_TRUE(made);
  EXPECT_EQ(made->isa, kDefaultIsa);
  EXPECT_EQ(isa_string(*made),
            "rv64imafdc_zicbom_zicboz_zicntr_zicond_zicsr_zifencei_zihintpause_zihpm_"
            "zba_zbb_zbc_zbs_sstc_svadu_svinval");
  EXPECT_EQ(mmu_type(*made), "riscv,sv57");
}

TEST(CpuModel, ItsExtensionsHaveNamesEach) {
  const auto made = hart({{"f", "off"}, {"d", "off"}, {"svadu", "off"}, {"x-ssaia", "on"}});
  ASSERT_TRUE(made);
  EXPECT_EQ(extension_names(*made),
            (std::vector<std::string_view>{"i", "m", "a", "c", "zicbom", "zicboz", "zicntr", "zicond",
                                           "zicsr", "zifencei", "zihintpause", "zihpm", "zba", "zbb",
                                           "zbc", "zbs", "ssaia", "sstc", "svade", "svinval"}));
}

TEST(CpuModel, MaxHasWhatIsOtherwiseOff) {
  const auto made = hart({}, "max");
  ASSERT_TRUE(made);
  EXPECT_TRUE(made->isa.has(Extension::kSmaia));
  EXPECT_TRUE(made->isa.has(Extension::kSsaia));
  EXPECT_FALSE(made->isa.has(Extension::kSvade));
}

TEST(CpuModel, ExtensionsAreSwitchedInEverySpelling) {
  const auto made = hart({{"Zba", "off"}, {"zbb", "no"}, {"x-smaia", "on"}, {"Zifencei", "false"}});
  ASSERT_TRUE(made);
  EXPECT_FALSE(made->isa.has(Extension::kZba));
  EXPECT_FALSE(made->isa.has(Extension::kZbb));
  EXPECT_TRUE(made->isa.has(Extension::kZbs));
  EXPECT_TRUE(made->isa.has(Extension::kSmaia));
  EXPECT_FALSE(made->isa.has(Extension::kZifencei));
}

TEST(CpuModel, TheLastWordCounts) {
  EXPECT_TRUE(hart({{"c", "off"}, {"c", "on"}})->isa.has(Extension::kC));
  EXPECT_TRUE(hart({{"m", "off"}, {"g", "on"}})->isa.has(Extension::kM));
  EXPECT_FALSE(hart({{"g", "on"}, {"m", "off"}})->isa.has(Extension::kM));
}

TEST(CpuModel, NumbersHaveBounds) {
  const auto made = hart({{"cbom_blocksize", "128"}, {"cboz_blocksize", "0x20"}, {"pmu-num", "29"},
                          {"mvendorid", "5"}, {"marchid", "6"}, {"mimpid", "7"}});
  ASSERT_TRUE(made);
  EXPECT_EQ(made->clean_block, 128);
  EXPECT_EQ(made->zero_block, 32);
  EXPECT_EQ(made->event_counters, 29);
  EXPECT_EQ(made->vendor_id, 5u);
  EXPECT_EQ(made->architecture_id, 6u);
  EXPECT_EQ(made->implementation_id, 7u);
  for (const auto* bad : {"0", "4", "48", "8192", "-64", "64K", ""})
    EXPECT_EQ(error_of({{"cboz_blocksize", bad}}),
              "cboz_blocksize is '" + std::string{bad} +
                  "'; it takes a power of two from 8 to 4096");
  EXPECT_EQ(error_of({{"pmu-num", "30"}}),
            "pmu-num is '30'; it takes a whole number from 0 to 29");
}

TEST(CpuModel, SaysWhatItDoesNotKnow) {
  EXPECT_EQ(CpuModel::named("rv65").error().message,
            "unknown model 'rv65'; there are rv64 and max");
  EXPECT_EQ(error_of({{"zbz", "on"}}).substr(0, 29), "there is no property 'zbz'; t");
  EXPECT_EQ(error_of({{"m", "maybe"}}), "m is 'maybe'; it takes 'on' or 'off'");
}

TEST(CpuModel, WhatIsFixedMayBeSaidButNotChanged) {
  EXPECT_TRUE(hart({{"i", "on"}, {"s", "on"}, {"h", "off"}, {"v", "off"}, {"Zfh", "off"}}));
  EXPECT_EQ(error_of({{"i", "off"}}), "i is 'off'; this hart always has it, so it takes 'on'");
  EXPECT_EQ(error_of({{"v", "on"}}), "v is 'on'; this hart cannot have it, so it takes 'off'");
}

TEST(CpuModel, RefusesExtensionsWithoutWhatTheyNeed) {
  EXPECT_EQ(error_of({{"f", "off"}}), "d needs f; turn d off, too, or leave f on");
  EXPECT_TRUE(hart({{"f", "off"}, {"d", "off"}}));
  EXPECT_EQ(error_of({{"zicsr", "off"}}), "f needs zicsr; turn f off, too, or leave zicsr on");
  EXPECT_EQ(error_of({{"zicsr", "off"}, {"f", "off"}, {"d", "off"}}),
            "zicntr needs zicsr; turn zicntr off, too, or leave zicsr on");
}

TEST(CpuModel, PageTablesAreThoseAskedForOrBelowThoseRefused) {
  EXPECT_EQ(hart({{"sv48", "on"}})->paging, Paging::kSv48);
  EXPECT_EQ(hart({{"sv57", "off"}})->paging, Paging::kSv48);
  EXPECT_EQ(hart({{"sv48", "off"}})->paging, Paging::kSv39);
  EXPECT_EQ(hart({{"sv39", "off"}})->paging, Paging::kNone);
  EXPECT_EQ(hart({{"mmu", "off"}})->paging, Paging::kNone);
  EXPECT_EQ(error_of({{"sv57", "on"}, {"sv39", "off"}}),
            "sv57 needs sv39; turn sv57 off, too, or leave sv39 on");
  EXPECT_EQ(mmu_type(*hart({{"sv57", "off"}})), "riscv,sv48");
  EXPECT_EQ(mmu_type(*hart({{"mmu", "off"}})), "riscv,none");
}

TEST(CpuModel, EveryPropertyIsListedWithItsDefault) {
  const auto text = properties_text("rv64");
  ASSERT_TRUE(text);
  for (const CpuProperty& property : kCpuProperties)
    EXPECT_NE(text->find("  " + std::string{property.name} + "="), std::string::npos)
        << property.name;
  EXPECT_NE(text->find("smaia=on|off             advanced interrupts, machine level (default: off)"),
            std::string::npos);
  EXPECT_FALSE(properties_text("rv65"));
}

TEST(CpuModel, NoTwoPropertiesShareASpelling) {
  for (const CpuProperty& one : kCpuProperties)
    for (const CpuProperty& other : kCpuProperties) {
      if (&one == &other) continue;
      EXPECT_NE(one.name, other.name);
      EXPECT_NE(one.name, other.other);
    }
}

TEST(IsaString, NamesSvadeWherePagesAreNotMarkedByTheHart) {
  EXPECT_NE(isa_string(*hart({{"svadu", "off"}})).find("_svade"), std::string::npos);
  EXPECT_EQ(isa_string(*hart({{"svadu", "off"}})).find("_svadu"), std::string::npos);
}

}  // namespace
}  // namespace holdfast::cpu::riscv
