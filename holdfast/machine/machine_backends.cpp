// SPDX-License-Identifier: Apache-2.0
// The back-ends that a machine keeps for its devices: character devices, memory and threads.
#include <algorithm>
#include <utility>

#include "holdfast/machine/machine.hpp"

namespace holdfast::machine {

chardev::Chardev& Machine::keep(std::unique_ptr<chardev::Chardev> backend) {
  chardev::Chardev& kept = *backend;
  run_job("keep a back-end", [&] { backends_.push_back(std::move(backend)); });
  return kept;
}

chardev::Chardev* Machine::find_backend(std::string_view id) {
  const auto all = backends();
  const auto found = std::ranges::find(all, id, &chardev::Chardev::id);
  return found == all.end() ? nullptr : *found;
}

std::vector<chardev::Chardev*> Machine::backends() {
  std::vector<chardev::Chardev*> all;
  run_job("list back-ends", [&] {
    for (const auto& backend : backends_) all.push_back(backend.get());
  });
  return all;
}

Result<void> Machine::discard_backend(std::string_view id) {
  std::unique_ptr<chardev::Chardev> gone;  // outside of the job, for it may write to the host
  Result<void> result;
  run_job("discard a back-end", [&] {
    const auto found = std::ranges::find(backends_, id, [](const auto& it) { return it->id(); });
    if (found == backends_.end()) {
      result = fail("chardev '{}': not found", id);
    } else if ((*found)->is_attached()) {
      result = fail("chardev '{}' is in use; it can be removed when nobody uses it", id);
    } else {
      gone = std::move(*found);
      backends_.erase(found);
    }
  });
  return result;
}

void Machine::find_descriptors_by(FindDescriptor find) {
  drives_.find_descriptors_by(find);
  find_descriptor_ = std::move(find);
}

Result<void> Machine::join(std::unique_ptr<hw::MemoryBackend> memory) {
  TRY(memory->node().attach(objects_, memory->id()));
  memory_.push_back(std::move(memory));
  return {};
}

Result<void> Machine::add_memory(const hw::MemoryBackend::Init& init) {
  Result<void> result;
  run_job("add memory", [&] {
    result = [&]() -> Result<void> {
      TRY(check_free(init.id));
      return join(TRY(hw::MemoryBackend::make(context(), init, find_descriptor_)));
    }();
  });
  return result;
}

Result<void> Machine::note_board_memory(const hw::MemoryBackend::Init& init, const std::string& path) {
  Result<void> result;
  run_job("note memory", [&] { result = join(hw::MemoryBackend::of_board(context(), init, path)); });
  return result;
}

Result<void> Machine::add_io_thread(const std::string& id,
                                    const std::vector<std::pair<std::string, std::string>>& values) {
  Result<void> result;
  run_job("add a thread", [&] {
    result = [&]() -> Result<void> {
      TRY(check_free(id));
      auto thread = TRY(hw::IoThread::make(context(), id));
      for (const auto& [name, value] : values) TRY(thread->set_property(name, value));
      TRY(thread->start());
      TRY(thread->node().attach(objects_, id));
      io_threads_.push_back(std::move(thread));
      return {};
    }();
  });
  return result;
}

Result<void> Machine::discard_object(std::string_view id) {
  std::unique_ptr<hw::IoThread> gone;  // outside of the job, for it is waited for
  Result<void> result;
  run_job("discard an object", [&] {
    const auto thread = std::ranges::find(io_threads_, id, [](const auto& it) { return it->id(); });
    if (thread == io_threads_.end()) {
      result = discard_memory_now(id);
      return;
    }
    gone = std::move(*thread);
    io_threads_.erase(thread);
  });
  return result;
}

Result<void> Machine::discard_memory_now(std::string_view id) {
  const auto found = std::ranges::find(memory_, id, [](const auto& it) { return it->id(); });
  if (found == memory_.end()) return fail("object '{}' not found", id);
  if (const std::string& user = (*found)->user(); !user.empty())
    return fail("object '{}' is in use by {}; it can be deleted when that has gone", id, user);
  memory_.erase(found);
  return {};
}

Result<void> Machine::check_free(const std::string& id) {
  if (tree().has("/objects/" + id)) return fail("id '{}' is taken; it takes one that no object has", id);
  return {};
}

std::vector<hw::IoThread*> Machine::io_threads_now() {
  std::vector<hw::IoThread*> all;
  for (const auto& thread : io_threads_) all.push_back(thread.get());
  return all;
}

std::vector<hw::MemoryBackend*> Machine::memory_now() {
  std::vector<hw::MemoryBackend*> all;
  for (const auto& memory : memory_) all.push_back(memory.get());
  return all;
}

std::vector<chardev::Chardev*> Machine::backends_now() {
  std::vector<chardev::Chardev*> backends;
  for (const auto& backend : backends_) backends.push_back(backend.get());
  return backends;
}

}  // namespace holdfast::machine
