#include <algorithm>
#include <cmath>

#include "engine/ir/stop.h"
#include "engine/ops/common/elements.h"
#include "engine/ops/op.h"

namespace octet::ops::range {
namespace {

struct RangeAttrs {
  int64_t stash_type = 1;  ///< The type in which halves are computed: float.
  static constexpr auto fields() {
    return std::tuple{field("stash_type", &RangeAttrs::stash_type, {.since = 27})};
  }
};

using RangeTypes = TypeList<float, double, int32_t, int64_t, int16_t>;

template <typename T>
int64_t count_of(T start, T limit, T delta) {
  const double count = std::ceil((static_cast<double>(limit) - static_cast<double>(start)) /
                                 static_cast<double>(delta));
  return count > 0 && count < 0x1p62 ? static_cast<int64_t>(count) : 0;
}

// Elements that inference tells: axes and extents are few, positions of a sequence decide no type.
constexpr int64_t kMost = 64;

Status infer(InferContext& context) {
  if (const int64_t stash = context.attrs<RangeAttrs>().stash_type; stash != 1)
    return unsupported("stash_type {}", stash);
  context.set_tensor(0, context.dtype(0), Shape{Dim::fresh()});
  const auto* start = context.elements(0);
  const auto* limit = context.elements(1);
  const auto* delta = context.elements(2);
  if (start == nullptr || limit == nullptr || delta == nullptr) return {};
  const Dim& first = start->front();
  const Dim& step = delta->front();
  if (!step.known()) return {};
  if (step.value() == 0) return invalid_model("a delta of 0");
  const Dim span = limit->front() - first;
  const Dim count =
      step.value() > 0 ? ceil_div(span, step) : ceil_div(Dim(0) - span, Dim(0) - step);
  if (!count.known()) {
    context.set_tensor(0, context.dtype(0), Shape{count});
    return {};
  }
  const int64_t known = std::max<int64_t>(count.value(), 0);
  context.set_tensor(0, context.dtype(0), Shape{Dim(known)});
  if (known > kMost) return {};
  std::vector<Dim> elements;
  for (int64_t i = 0; i < known; ++i) elements.push_back(first + step * Dim(i));
  context.set_elements(0, std::move(elements));
  return {};
}

template <typename T>
Status fill(RunContext& context) {
  const T start = *context.input(0).as<T>();
  const T delta = *context.input(2).as<T>();
  if (delta == T{}) return invalid_data("a delta of 0");
  const int64_t count = count_of(start, *context.input(1).as<T>(), delta);
  OCTET_RETURN_IF_ERROR(context.allocate(0, {count}));
  T* out = context.output(0).as<T>();
  StopPoll poll;
  for (int64_t i = 0; i < count; ++i) {
    poll();
    out[i] = static_cast<T>(start + static_cast<T>(i) * delta);
  }
  return {};
}

Status run(const Attrs& /*attrs*/, RunContext& context) {
  Status status = unsupported("Range of {}", dtype_name(context.input(0).dtype));
  visit_dtype(context.input(0).dtype, RangeTypes{},
              [&]<typename T>() { status = fill<T>(context); });
  return status;
}

constexpr Implementation kRows[] = {reference<run>()};

}  // namespace

extern const OpDef Range;
const OpDef Range = {.domain = "",
                     .name = "Range",
                     .since = 11,
                     .inputs = {3, 3},
                     .attrs = attr_codec<RangeAttrs>(),
                     .infer = infer,
                     .implementations = kRows};

}  // namespace octet::ops::range
