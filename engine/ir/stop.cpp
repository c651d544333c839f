#include "engine/ir/stop.h"

#include <algorithm>

namespace octet {
namespace {

using Clock = std::chrono::steady_clock;

thread_local const StopScope* current_scope = nullptr;

// Pieces grow until they take this long.
constexpr std::chrono::milliseconds kPiece(4);

Error stop_error() { return {ErrorCode::deadline, "stopped: a deadline passed, or a cancel"}; }

// A scope of the run's thread, on a thread that runs a piece of its work.
class Lent {
 public:
  explicit Lent(const StopScope& scope) : own_(current_scope) { current_scope = &scope; }
  ~Lent() { current_scope = own_; }
  Lent(const Lent&) = delete;
  Lent& operator=(const Lent&) = delete;

 private:
  const StopScope* own_;
};

void in_pieces(const StopScope& scope, size_t begin, size_t end, size_t grain,
               FunctionRef<void(size_t, size_t)> body) {
  const Lent lent(scope);
  size_t piece = std::max<size_t>(grain, 1);
  while (begin < end) {
    if (scope.requested()) throw StopError();
    const auto start = Clock::now();
    // None is shorter than the grain but a range that is.
    const size_t until = end - begin < 2 * piece ? end : begin + piece;
    body(begin, until);
    begin = until;
    if (Clock::now() - start < kPiece / 2) piece *= 2;
  }
}

}  // namespace

StopScope::StopScope(std::optional<Clock::time_point> deadline,
                     const std::function<bool()>& cancelled)
    : deadline_(deadline), cancelled_(cancelled), outer_(current_scope) {
  current_scope = this;
}
StopScope::~StopScope() { current_scope = outer_; }

bool StopScope::limited() const {
  return deadline_ || cancelled_ || (outer_ != nullptr && outer_->limited());
}

bool StopScope::requested() const {
  if (cancelled_ && cancelled_()) return true;
  if (deadline_ && Clock::now() >= *deadline_) return true;
  return outer_ != nullptr && outer_->requested();
}

const StopScope* StopScope::current() { return current_scope; }

bool stop_requested() { return current_scope != nullptr && current_scope->requested(); }

Status check_stop() {
  if (!stop_requested()) return {};
  return stop_error();
}

StopError::StopError() : AllocationError(stop_error()) {}

void StoppableParallel::for_ranges(size_t count, size_t grain,
                                   FunctionRef<void(size_t, size_t)> body) {
  const StopScope* scope = scope_;
  if (scope == nullptr || !scope->limited()) return inner_.for_ranges(count, grain, body);
  inner_.for_ranges(count, grain,
                    [&](size_t begin, size_t end) { in_pieces(*scope, begin, end, grain, body); });
}

}  // namespace octet
