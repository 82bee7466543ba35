// SPDX-License-Identifier: Apache-2.0
#include "tests/concurrency/rcu/model.hpp"

#include <ucontext.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>

namespace holdfast::rcu::model {

namespace {

constexpr std::size_t kMostThreads = 4;
constexpr std::size_t kSetup = kMostThreads;  // "thread" of what happens before and after

/// 128 bits, so that no two of a few million states are taken for each other.
struct Digest {
  std::uint64_t a = 0x9e3779b97f4a7c15;
  std::uint64_t b = 0xc2b2ae3d27d4eb4f;
  void add(Word word) {
    a = mix(a ^ word);
    b = mix(b + word * 0xff51afd7ed558ccd);
  }
  friend bool operator==(const Digest&, const Digest&) = default;

 private:
  static std::uint64_t mix(std::uint64_t x) {
    x = (x ^ (x >> 33)) * 0xff51afd7ed558ccd;
    x = (x ^ (x >> 29)) * 0xc4ceb9fe1a85ec53;
    return x ^ (x >> 32);
  }
};
struct DigestHash {
  std::size_t operator()(const Digest& digest) const { return digest.a; }
};

struct Choice {
  enum class Kind : std::uint8_t { kRun, kCommit };
  Kind kind;
  std::uint8_t thread;
  std::uint8_t entry;  // of the store buffer
};

struct BufferedStore {
  Location* where;
  Word value;
  bool release;
};

struct Fiber {
  ucontext_t start{};
  std::jmp_buf here{};  // where it gave way; a jump, unlike swapcontext, costs no system call
  std::unique_ptr<char[]> stack;
  bool started = false;
  bool finished = false;
  bool pausing = false;     // until memory changes
  bool changed = false;     // memory, by another thread, since the last pause
  std::size_t awaited = 0;  // set of threads: their buffers have not been empty since it called
  std::vector<BufferedStore> buffer;
  std::optional<BufferedStore> late;  // kAnnouncedTooLate: made at the operation after next
  bool late_due = false;
  Digest history;
  std::uint32_t made = 0;
};

}  // namespace

class Checker {
 public:
  static constexpr std::size_t kStack = 64 * 1024;

  explicit Checker(Fault what) : fault_{what} {
    for (Fiber& fiber : fibers_) fiber.stack = std::make_unique<char[]>(kStack);
  }

  Result explore(const std::function<std::unique_ptr<Program>()>& make);

  // --- what runs in fibers -----------------------------------------------------------------------

  std::uint32_t enlist(Location& location) {
    locations_.push_back(&location);
    Fiber& maker = fibers_[running_];
    return static_cast<std::uint32_t>(running_ * 1000) + maker.made++;
  }
  void delist(Location& location) { std::erase(locations_, &location); }

  void step() {
    if (running_ == kSetup) return;
    give_way();
    Fiber& me = fibers_[running_];
    if (me.late_due) me.buffer.push_back(*std::exchange(me.late, std::nullopt));
    me.late_due = false;
  }

  Word load(const Location& from) {
    step();
    const Word value = visible(from);
    note(1, from, value);
    Fiber& me = fibers_[running_];
    me.late_due = me.late.has_value();
    return value;
  }

  void store(Location& to, Word value, std::memory_order order) {
    step();
    note(2, to, value);
    if (running_ == kSetup) return commit(to, value);
    Fiber& me = fibers_[running_];
    const bool announcement = to.kind_ == Location::Kind::kNumber && value != 0;
    if (fault_ == Fault::kAnnouncedTooLate && announcement) {
      me.late = BufferedStore{&to, value, true};
      return;
    }
    me.buffer.push_back({&to, value, order != std::memory_order_relaxed});
    if (order == std::memory_order_seq_cst) drain(me);
  }

  void begin_modify() {
    step();
    drain(fibers_[running_]);
  }
  void end_modify(const Location& of, Word old) {
    note(3, of, old);
    if (of.kind_ == Location::Kind::kBoolean) fibers_[running_].history.add(of.writes_);
  }

  void commit(Location& to, Word value) {
    to.value_ = value;
    ++to.writes_;
    for (std::size_t i = 0; i < threads_; ++i)
      if (i != running_) fibers_[i].changed = true;
  }

  void heavy_barrier() {
    if (fault_ == Fault::kNoHeavyBarrier) return;
    step();
    if (running_ == kSetup) return;
    Fiber& me = fibers_[running_];
    drain(me);
    for (std::size_t i = 0; i < threads_; ++i)
      if (!fibers_[i].buffer.empty()) me.awaited |= std::size_t{1} << i;
    me.history.add(4);
    step();
    me.history.add(5);
  }

  void pause() {
    fibers_[running_].pausing = true;
    step();
    fibers_[running_].pausing = fibers_[running_].changed = false;
    fibers_[running_].history.add(6);
  }

  void violation(const char* what) {
    if (violation_.empty()) violation_ = what;
    if (running_ != kSetup) give_way();  // for good
  }

  void name_pointer(const void* object, std::uint32_t number) {
    named_.emplace_back(object, number);
  }

  Fault fault() const { return fault_; }

 private:
  static constexpr double kOnPath = -1;  // no state may be met again before it is done with

  struct Frame {
    Digest state;
    std::vector<Choice> choices;
    std::size_t next = 0;
    double interleavings = 0;
  };

  static void entry();

  void give_way() {
    if (_setjmp(fibers_[running_].here) == 0) std::longjmp(scheduler_, 1);
  }
  void resume(std::size_t thread) {
    running_ = thread;
    if (_setjmp(scheduler_) == 0) {
      Fiber& fiber = fibers_[thread];
      if (std::exchange(fiber.started, true)) std::longjmp(fiber.here, 1);
      setcontext(&fiber.start);
    }
    running_ = kSetup;
  }

  Word visible(const Location& from) const {
    const std::vector<BufferedStore>& buffer = fibers_[running_].buffer;
    const auto mine = std::find_if(buffer.rbegin(), buffer.rend(),
                                   [&](const BufferedStore& store) { return store.where == &from; });
    return mine == buffer.rend() ? from.value_ : mine->value;
  }

  void drain(Fiber& fiber) {
    for (const BufferedStore& store : std::exchange(fiber.buffer, {}))
      commit(*store.where, store.value);
    was_empty(fiber);
  }

  void was_empty(const Fiber& which) {
    const std::size_t bit = std::size_t{1} << (&which - fibers_.data());
    for (std::size_t i = 0; i < threads_; ++i) fibers_[i].awaited &= ~bit;
  }

  /// Pointers have other values in each run; their names have not.
  Word canonical(const Location& location, Word value) const {
    if (location.kind_ != Location::Kind::kPointer || value == 0) return value;
    for (const auto& [object, number] : named_)
      if (std::bit_cast<Word>(object) == value) return 1'000'000 + number;
    // A slot begins with its first location.
    for (const Location* known : locations_)
      if (std::bit_cast<Word>(known) == value) return 2'000'000 + known->id_;
    return 3'000'000;
  }

  void note(Word kind, const Location& at, Word value) {
    Digest& history = fibers_[running_].history;
    history.add(kind << 32 | at.id_);
    history.add(canonical(at, value));
  }

  Digest state() const {
    Digest digest;
    for (std::size_t i = 0; i < threads_; ++i) {
      const Fiber& fiber = fibers_[i];
      digest.add(fiber.history.a);
      digest.add(fiber.history.b);
      digest.add(Word{fiber.finished} | Word{fiber.pausing} << 1 | Word{fiber.changed} << 2 |
                 Word{fiber.late.has_value()} << 3 |
                 Word{fiber.late_due} << 4 | Word{fiber.buffer.size()} << 8 |
                 Word{fiber.awaited} << 16);
      for (const BufferedStore& store : fiber.buffer) {
        digest.add(Word{store.where->id_} << 1 | Word{store.release});
        digest.add(canonical(*store.where, store.value));
      }
    }
    // In an order that is the same in every run: by sum, for locations are made in any order.
    Word a = 0;
    Word b = 0;
    for (const Location* location : locations_) {
      Digest one;
      one.add(location->id_);
      one.add(canonical(*location, location->value_));
      a += one.a;
      b += one.b;
    }
    digest.add(a);
    digest.add(b);
    return digest;
  }

  std::vector<Choice> choices() const {
    std::vector<Choice> all;
    for (std::size_t i = 0; i < threads_; ++i) {
      const Fiber& fiber = fibers_[i];
      const auto thread = static_cast<std::uint8_t>(i);
      const bool held =
          fiber.finished || (fiber.pausing && !fiber.changed) || fiber.awaited != 0;
      if (!held) all.push_back({Choice::Kind::kRun, thread, 0});
      for (std::size_t at = 0; at < fiber.buffer.size(); ++at)
        if (may_commit(fiber, at))
          all.push_back({Choice::Kind::kCommit, thread, static_cast<std::uint8_t>(at)});
    }
    return all;
  }

  static bool may_commit(const Fiber& fiber, std::size_t at) {
    if (at == 0) return true;
    if (fiber.buffer[at].release) return false;
    return std::none_of(
        fiber.buffer.begin(), fiber.buffer.begin() + static_cast<std::ptrdiff_t>(at),
        [&](const BufferedStore& store) { return store.where == fiber.buffer[at].where; });
  }

  void take(Choice choice) {
    ++result_.steps;
    Fiber& fiber = fibers_[choice.thread];
    switch (choice.kind) {
      case Choice::Kind::kRun:
        resume(choice.thread);
        break;
      case Choice::Kind::kCommit: {
        const BufferedStore store = fiber.buffer[choice.entry];
        fiber.buffer.erase(fiber.buffer.begin() + choice.entry);
        running_ = choice.thread;
        commit(*store.where, store.value);
        running_ = kSetup;
        if (fiber.buffer.empty()) was_empty(fiber);
        break;
      }
    }
  }

  void begin(const std::function<std::unique_ptr<Program>()>& make) {
    named_.clear();
    locations_.clear();  // a fiber that was abandoned in mid-run may have left some
    threads_ = 0;
    running_ = kSetup;
    for (Fiber& fiber : fibers_) {
      fiber.started = fiber.finished = fiber.pausing = fiber.changed = fiber.late_due = false;
      fiber.awaited = 0;
      fiber.buffer.clear();
      fiber.late.reset();
      fiber.history = {};
      fiber.made = 0;
    }
    program_ = make();
    threads_ = program_->threads();
    for (std::size_t i = 0; i < threads_; ++i) {
      Fiber& fiber = fibers_[i];
      getcontext(&fiber.start);
      fiber.start.uc_stack.ss_sp = fiber.stack.get();
      fiber.start.uc_stack.ss_size = kStack;
      fiber.start.uc_link = nullptr;
      makecontext(&fiber.start, &Checker::entry, 0);
      // Up to its first operation: nothing of that is shared.
      resume(i);
    }
  }

  double end() {
    const bool stuck = std::any_of(
        fibers_.begin(), fibers_.begin() + static_cast<std::ptrdiff_t>(threads_),
        [](const Fiber& fiber) { return !fiber.finished; });
    if (stuck) violation("a thread waits for ever");
    if (violation_.empty()) program_->check_end();
    ++result_.executions;
    return 1;
  }

  const Fault fault_;
  std::array<Fiber, kMostThreads + 1> fibers_;
  std::size_t threads_ = 0;
  std::size_t running_ = kSetup;
  std::jmp_buf scheduler_{};
  std::vector<Location*> locations_;
  std::vector<std::pair<const void*, std::uint32_t>> named_;
  std::unique_ptr<Program> program_;
  std::string violation_;
  Result result_;
};

namespace {
Checker* g_checker = nullptr;  // the tests are single-threaded
}

void Checker::entry() {
  Checker& checker = *g_checker;
  const std::size_t self = checker.running_;
  checker.program_->run(self);
  checker.fibers_[self].finished = true;
  std::longjmp(checker.scheduler_, 1);
}

Result Checker::explore(const std::function<std::unique_ptr<Program>()>& make) {
  std::unordered_map<Digest, double, DigestHash> visited;  // interleavings from there on
  std::vector<Frame> path;
  for (bool more = true; more && violation_.empty();) {
    begin(make);
    for (const Frame& frame : path) take(frame.choices[frame.next - 1]);
    double reached = 0;  // interleavings from the state in which this run stops
    while (violation_.empty()) {
      const Digest here = state();
      if (const auto known = visited.find(here); known != visited.end()) {
        reached = known->second;
        if (reached == kOnPath) violation("the search goes round in a circle");
        break;
      }
      std::vector<Choice> all = choices();
      if (all.empty()) {
        reached = end();
        visited.emplace(here, reached);
        break;
      }
      visited.emplace(here, kOnPath);
      path.push_back({here, std::move(all), 1});
      take(path.back().choices[0]);
    }
    program_.reset();
    while (!path.empty()) {
      Frame& last = path.back();
      last.interleavings += reached;
      if (last.next < last.choices.size()) {
        ++last.next;
        break;
      }
      reached = visited[last.state] = last.interleavings;
      path.pop_back();
    }
    more = !path.empty();
    result_.interleavings = reached;
  }
  result_.states = visited.size();
  result_.violation = violation_;
  return result_;
}

// --- the interface of model.hpp --------------------------------------------------------------------

Location::Location(Kind kind, Word initial)
    : kind_{kind}, id_{g_checker->enlist(*this)}, value_{initial} {}
Location::~Location() { g_checker->delist(*this); }
Word Location::read() const { return g_checker->load(*this); }
void Location::write(Word value, std::memory_order order) { g_checker->store(*this, value, order); }
void Location::begin_modify() { g_checker->begin_modify(); }
void Location::end_modify(Word old) { g_checker->end_modify(*this, old); }
void Location::commit(Word value) { g_checker->commit(*this, value); }

Fault fault() { return g_checker->fault(); }
void violation(const char* what) { g_checker->violation(what); }
void pause() { g_checker->pause(); }
void name_pointer(const void* object, std::uint32_t number) {
  g_checker->name_pointer(object, number);
}
void heavy_barrier() { g_checker->heavy_barrier(); }

Result explore(const std::function<std::unique_ptr<Program>()>& make, Fault what) {
  Checker checker{what};
  g_checker = &checker;
  Result result = checker.explore(make);
  g_checker = nullptr;
  return result;
}

}  // namespace holdfast::rcu::model
