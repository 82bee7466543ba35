// SPDX-License-Identifier: Apache-2.0
// Tables that a test prints and docs/lifetimes.md shows.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

namespace holdfast::test {

inline void expect_in_docs(const std::string& table) {
  std::cout << table;
  std::ifstream file{std::string{SOURCE_FOLDER} + "/docs/lifetimes.md"};
  std::stringstream page;
  page << file.rdbuf();
  EXPECT_NE(page.str().find(table), std::string::npos) << "docs/lifetimes.md has another table";
}

}  // namespace holdfast::test
