#include "engine/ops/common/axes.h"
#include "engine/ops/op.h"

namespace octet::ops::arg {
namespace {

struct ArgAttrs {
  int64_t axis = 0;
  int64_t keepdims = 1;
  int64_t select_last_index = 0;
  static constexpr auto fields() {
    return std::tuple{field("axis", &ArgAttrs::axis), field("keepdims", &ArgAttrs::keepdims),
                      field("select_last_index", &ArgAttrs::select_last_index, {.since = 12})};
  }
};

Status infer(InferContext& context) {
  context.set_tensor(0, DType::s64);
  if (!context.has_rank(0)) return {};
  const auto& attrs = context.attrs<ArgAttrs>();
  Shape out = context.shape(0);
  OCTET_ASSIGN(const size_t axis, context.axis(attrs.axis, out.size()));
  if (out[axis] == Dim(0)) return invalid_model("no elements along the axis");
  if (attrs.keepdims != 0)
    out[axis] = Dim(1);
  else
    out.erase(out.begin() + static_cast<ptrdiff_t>(axis));
  context.set_tensor(0, DType::s64, std::move(out));
  return {};
}

template <typename T, bool Largest>
int64_t best(const T* x, size_t extent, size_t inner, bool last) {
  size_t at = 0;
  for (size_t k = 1; k < extent; ++k) {
    const T value = x[k * inner];
    const T held = x[at * inner];
    if ((Largest ? value > held : value < held) || (last && value == held)) at = k;
  }
  return static_cast<int64_t>(at);
}

template <bool Largest>
Status run(const Attrs& attrs, RunContext& context) {
  const TensorView& x = context.input(0);
  const auto& options = attrs.as<ArgAttrs>();
  const AxisCut cut = cut_at(x.dims, *normalize_axis(options.axis, x.rank()));
  int64_t* y = context.output(0).as<int64_t>();
  const bool last = options.select_last_index != 0;
  const bool known = visit_dtype(x.dtype, NumericTypes{}, [&]<typename T>() {
    const T* from = x.as<T>();
    context.parallel().for_ranges(
        cut.outer * cut.inner, kParallelGrain / (cut.extent + 1) + 1,
        [&](size_t begin, size_t end) {
          for (size_t i = begin; i < end; ++i)
            y[i] = best<T, Largest>(from + i / cut.inner * cut.extent * cut.inner + i % cut.inner,
                                    cut.extent, cut.inner, last);
        });
  });
  return known ? Status{} : unsupported("elements of type {}", dtype_name(x.dtype));
}

template <bool Largest>
constexpr Implementation kRows[] = {reference<run<Largest>>()};

}  // namespace

extern const OpDef ArgMax;
extern const OpDef ArgMin;
const OpDef ArgMax = {.domain = "",
                      .name = "ArgMax",
                      .attrs = attr_codec<ArgAttrs>(),
                      .infer = infer,
                      .implementations = kRows<true>};
const OpDef ArgMin = {.domain = "",
                      .name = "ArgMin",
                      .attrs = attr_codec<ArgAttrs>(),
                      .infer = infer,
                      .implementations = kRows<false>};

}  // namespace octet::ops::arg
