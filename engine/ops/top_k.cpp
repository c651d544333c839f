#include <algorithm>
#include <numeric>

#include "engine/ir/stop.h"
#include "engine/ops/common/axes.h"
#include "engine/ops/common/movement.h"

namespace octet::ops::top_k {
namespace {

struct TopKAttrs {
  int64_t axis = -1;
  int64_t largest = 1;
  int64_t sorted = 1;
  std::optional<int64_t> k;
  static constexpr auto fields() {
    return std::tuple{field("axis", &TopKAttrs::axis),
                      field("largest", &TopKAttrs::largest, {.since = 11}),
                      field("sorted", &TopKAttrs::sorted, {.since = 11}),
                      field("k", &TopKAttrs::k, {.until = 9})};
  }
};

Status canonical(const CanonicalContext& context) {
  const auto& k = context.attrs<TopKAttrs>().k;
  if (k) movement::attribute_to_input(context, 1, std::vector<int64_t>{*k}, "k");
  return {};
}

Status infer(InferContext& context) {
  context.set_tensor(0, context.dtype(0));
  context.set_tensor(1, DType::s64);
  if (!context.has_rank(0)) return {};
  Shape out = context.shape(0);
  OCTET_ASSIGN(const size_t axis, context.axis(context.attrs<TopKAttrs>().axis, out.size()));
  const auto* k = context.has_input(1) ? context.elements(1) : nullptr;
  if (k != nullptr && k->size() == 1) {
    if (k->front().known() && out[axis].known() &&
        (k->front().value() < 0 || k->front().value() > out[axis].value()))
      return invalid_model("k is " + k->front().to_string() + " of " + out[axis].to_string());
    out[axis] = k->front();
  } else {
    out[axis] = Dim::fresh();
  }
  context.set_tensor(0, context.dtype(0), out);
  context.set_tensor(1, DType::s64, std::move(out));
  return {};
}

// Equal values keep their order; a NaN is above every number.
template <typename T>
bool above(T a, T b) {
  return a > b || (a != a && b == b);
}

template <typename T>
void select(RunContext& context, const AxisCut& cut, size_t k, bool largest) {
  const T* x = context.input(0).as<T>();
  T* values = context.has_output(0) ? context.output(0).as<T>() : nullptr;
  int64_t* indices = context.has_output(1) ? context.output(1).as<int64_t>() : nullptr;
  context.parallel().for_ranges(
      cut.outer * cut.inner, kParallelGrain / (cut.extent + 1) + 1, [&](size_t begin, size_t end) {
        std::vector<int64_t> order(cut.extent);
        StopPoll poll;
        for (size_t i = begin; i < end; ++i) {
          const T* row = x + i / cut.inner * cut.extent * cut.inner + i % cut.inner;
          const auto at = [&](int64_t n) { return row[static_cast<size_t>(n) * cut.inner]; };
          std::iota(order.begin(), order.end(), int64_t{0});
          std::partial_sort(order.begin(), order.begin() + static_cast<ptrdiff_t>(k), order.end(),
                            [&](int64_t a, int64_t b) {
                              poll();
                              const T left = at(a);
                              const T right = at(b);
                              if (above(left, right)) return largest;
                              if (above(right, left)) return !largest;
                              return a < b;
                            });
          for (size_t n = 0; n < k; ++n) {
            const size_t to = (i / cut.inner * k + n) * cut.inner + i % cut.inner;
            if (values != nullptr) values[to] = at(order[n]);
            if (indices != nullptr) indices[to] = order[n];
          }
        }
      });
}

Status run(const Attrs& attrs, RunContext& context) {
  const TensorView& x = context.input(0);
  const auto& options = attrs.as<TopKAttrs>();
  const AxisCut cut = cut_at(x.dims, *normalize_axis(options.axis, x.rank()));
  const int64_t k = movement::integers_of(context.input(1)).at(0);
  if (k < 0 || static_cast<size_t>(k) > cut.extent)
    return invalid_data("k is " + std::to_string(k) + " of " + std::to_string(cut.extent));
  const bool known = visit_dtype(x.dtype, NumericTypes{}, [&]<typename T>() {
    select<T>(context, cut, static_cast<size_t>(k), options.largest != 0);
  });
  return known ? Status{} : unsupported("elements of type " + std::string(dtype_name(x.dtype)));
}

constexpr Implementation kRows[] = {reference<run>()};

}  // namespace

extern const OpDef TopK;
const OpDef TopK = {.domain = "",
                    .name = "TopK",
                    .inputs = {1, 2},
                    .outputs = {2, 2},
                    .attrs = attr_codec<TopKAttrs>(),
                    .canonical = canonical,
                    .infer = infer,
                    .implementations = kRows};

}  // namespace octet::ops::top_k
