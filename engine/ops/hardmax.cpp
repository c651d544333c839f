#include <algorithm>

#include "engine/ir/stop.h"
#include "engine/ops/common/axes.h"
#include "engine/ops/common/rewrite.h"
#include "engine/ops/op.h"

namespace octet::ops::hardmax {
namespace {

struct HardmaxAttrs {
  std::optional<int64_t> axis;  ///< -1 when absent; 1 below opset 13.
  static constexpr auto fields() { return std::tuple{field("axis", &HardmaxAttrs::axis)}; }
};

// Below opset 13 the axes from `axis` on are one row: Reshape(Hardmax(Flatten(x)), Shape(x)).
Status canonical(const CanonicalContext& context) {
  if (context.opset >= 13) return {};
  return flatten_from_axis(context, context.attrs<HardmaxAttrs>().axis.value_or(1),
                           Attrs::of(HardmaxAttrs{-1}));
}

template <typename T>
void mark(const T* x, T* y, const AxisCut& cut) {
  std::fill_n(y, cut.outer * cut.extent * cut.inner, T{});
  StopPoll poll;
  for (size_t row = 0; row < cut.outer * cut.inner; ++row) {
    poll(cut.extent);
    const size_t base = row / cut.inner * cut.extent * cut.inner + row % cut.inner;
    size_t best = 0;
    for (size_t k = 1; k < cut.extent; ++k)
      if (x[base + k * cut.inner] > x[base + best * cut.inner]) best = k;
    if (cut.extent > 0) y[base + best * cut.inner] = T(1);
  }
}

Status infer(InferContext& context) {
  if (context.has_rank(0)) {
    OCTET_ASSIGN(
        [[maybe_unused]] const size_t axis,
        context.axis(context.attrs<HardmaxAttrs>().axis.value_or(-1), context.shape(0).size()));
  }
  return infer_same(context);
}

Status run(const Attrs& attrs, RunContext& context) {
  const TensorView& x = context.input(0);
  if (x.rank() == 0) return invalid_data("the input has no axis");
  const AxisCut cut =
      cut_at(x.dims, *normalize_axis(attrs.as<HardmaxAttrs>().axis.value_or(-1), x.rank()));
  const bool known = visit_dtype(x.dtype, FloatTypes{}, [&]<typename T>() {
    mark(x.as<T>(), context.output(0).as<T>(), cut);
  });
  return known ? Status{} : unsupported("elements of type {}", dtype_name(x.dtype));
}

constexpr Implementation kRows[] = {reference<run>()};

}  // namespace

extern const OpDef Hardmax;
const OpDef Hardmax = {.domain = "",
                       .name = "Hardmax",
                       .attrs = attr_codec<HardmaxAttrs>(),
                       .canonical = canonical,
                       .infer = infer,
                       .implementations = kRows};

}  // namespace octet::ops::hardmax
