// SPDX-License-Identifier: Apache-2.0
// A handle cannot become anything that keeps its target alive, nor anything that outlasts it unseen.
#include "holdfast/object/handle.hpp"

#include <memory>

using holdfast::object::Expires;
using holdfast::object::Handle;

struct Base : Expires {};
struct Device final : Base {};
struct Other final : Base {};

int main() {
  Device device;
  Handle<Device> handle{device};
  Handle<Base> wider = handle;
  Device* now = handle.get();
  (void)now;
#ifdef CASE_unique_ptr
  std::unique_ptr<Device> owner = handle;
#endif
#ifdef CASE_shared_ptr
  std::shared_ptr<Device> owner{handle};
#endif
#ifdef CASE_pointer
  Device* stored = handle;
#endif
#ifdef CASE_reference
  Device& reference = handle;
#endif
#ifdef CASE_temporary
  Handle<Device> dangling{Device{}};
#endif
#ifdef CASE_sideways
  Handle<Other> other = handle;
#endif
}
