// SPDX-License-Identifier: Apache-2.0
// What monitor clients can say and hear: commands with their arguments and results, events, types.
// Read from schema/qmp.txt, the one place where it is written down; dispatch, introspection and the
// reference page are made of it.
//
//   enum NAME: value value…              object NAME
//   command NAME [oob] [preconfig] [-> TYPE]   event NAME
//
// Below each, indented: `| a line about it`, and `member: TYPE` or `member?: TYPE`. A member `...`
// says that others are accepted, too; `case VALUE: OBJECT` that members of an object follow where the first
// member, an enum, is that value. Types: str int number bool any, [TYPE], or a name.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/result.hpp"

namespace holdfast::control {

struct SchemaMember {
  std::string name;
  std::string type;
  bool optional = false;
};

/// What else an entry has where its first member is `value`.
struct SchemaVariant {
  std::string value;
  std::string object;  // a name
};

struct SchemaEntry {
  enum class Kind { kEnum, kObject, kCommand, kEvent } kind{};
  std::string name;
  std::string docs;
  std::vector<SchemaMember> members;  // of an object; arguments; data
  std::vector<SchemaVariant> variants;  // none, or one for each value of the first member
  std::vector<std::string> values;    // of an enumeration
  std::string returns;                // "": nothing
  bool oob = false;                   // may be executed out of band
  bool preconfig = false;             // and before the machine is made
  bool open = false;                  // takes other members, too

  const SchemaMember* member(std::string_view member_name) const;
};

class Schema {
 public:
  /// Errors name the line.
  static Result<Schema> parse(std::string_view text);
  /// The one that is built in.
  static const Schema& get();

  const std::vector<SchemaEntry>& entries() const { return entries_; }
  const SchemaEntry* find(std::string_view name) const;
  const SchemaEntry* command(std::string_view name) const;
  /// The members of an entry where its first one is `value`.
  std::vector<SchemaMember> members(const SchemaEntry& entry, std::string_view value) const;

  /// For people: a page with all of it.
  std::string reference() const;

 private:
  Result<void> check() const;
  Result<void> check_variants(const SchemaEntry& entry) const;
  std::vector<SchemaEntry> entries_;
};

/// The commands and events that clients of other emulators know, and which of them wait for what:
/// lines `NAME` (present) or `NAME waits for WHAT`.
std::string_view known_text();

}  // namespace holdfast::control
