// SPDX-License-Identifier: Apache-2.0
// Descriptors that clients gave to the process: by a name, for whoever asks for it, or in numbered
// sets, whose members stand for files: opening "/dev/fdset/2" gives a duplicate of the member of set 2
// that was opened for the same (reading, writing, both).
//
// THREADS: the control thread's.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/descriptor.hpp"
#include "holdfast/base/result.hpp"

namespace holdfast::control::qmp {

using NamedDescriptors = std::map<std::string, Descriptor, std::less<>>;

class DescriptorSets {
 public:
  struct Member {
    Descriptor descriptor;
    std::optional<std::string> note;  // the client's
  };
  using Set = std::vector<Member>;

  /// Into the set of that number, which is made if there is none, or into a new one. Returns which.
  std::int64_t add(Descriptor descriptor, std::optional<std::int64_t> set,
                   std::optional<std::string> note);
  /// One of a set, by its number in this process, or all of it.
  Result<void> remove(std::int64_t set, std::optional<std::int64_t> descriptor);
  void clear() { sets_.clear(); }
  const std::map<std::int64_t, Set>& sets() const { return sets_; }

  /// See FindDescriptor: a member of the set that the path names, if it names one.
  Result<Descriptor> find(const std::string& path, int flags) const;
  /// As open(2): files of the host, and the sets. Close-on-exec.
  Result<Descriptor> open(const std::string& path, int flags) const;

 private:
  Result<Descriptor> duplicate(std::string_view number, int flags) const;

  std::map<std::int64_t, Set> sets_;
};

}  // namespace holdfast::control::qmp
