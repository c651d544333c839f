#include "engine/ops/softmax.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/ops/common/axes.h"
#include "engine/ops/common/real.h"
#include "engine/ops/common/rewrite.h"
#include "engine/ops/op.h"
#include "kernels/softmax_f32/softmax_f32.h"

namespace octet::ops::softmax {
namespace {

using namespace kernels;

AxisCut cut_of(const Attrs& attrs, const Dims& dims) {
  if (dims.empty()) return {};
  return cut_at(dims, *normalize_axis(attrs.as<SoftmaxAttrs>().axis.value_or(-1), dims.size()));
}

Status infer(InferContext& context) {
  if (context.has_rank(0)) {
    const size_t rank = std::max<size_t>(context.shape(0).size(), 1);
    OCTET_RETURN_IF_ERROR(context.axis(context.attrs<SoftmaxAttrs>().axis.value_or(-1), rank));
  }
  return infer_same(context);
}

Status canonical(const CanonicalContext& context) {
  if (context.opset >= 13) return {};
  return flatten_from_axis(context, context.attrs<SoftmaxAttrs>().axis.value_or(1),
                           Attrs::of(SoftmaxAttrs{-1}));
}

template <typename T>
struct Column {
  const T* x;
  T* y;
  size_t extent, step;

  T maximum() const {
    T max = -std::numeric_limits<T>::infinity();
    for (size_t i = 0; i < extent; ++i) max = std::max(max, x[i * step]);
    return max;
  }
  double sum(T max) const {
    double total = 0.0;
    for (size_t i = 0; i < extent; ++i) total += std::exp(static_cast<double>(x[i * step] - max));
    return total;
  }
};

template <typename T>
void soft(const Column<T>& c) {
  const T max = c.maximum();
  const double sum = c.sum(max);
  for (size_t i = 0; i < c.extent * c.step; i += c.step)
    c.y[i] = static_cast<T>(std::exp(static_cast<double>(c.x[i] - max)) / sum);
}

template <typename T>
void log_soft(const Column<T>& c) {
  const T max = c.maximum();
  const double log_sum = std::log(c.sum(max));
  for (size_t i = 0; i < c.extent * c.step; i += c.step)
    c.y[i] = static_cast<T>(static_cast<double>(c.x[i] - max) - log_sum);
}

template <template <typename> class Apply>
Status run_columns(const Attrs& attrs, RunContext& context) {
  const TensorView& x = context.input(0);
  const AxisCut cut = cut_of(attrs, x.dims);
  const bool known = visit_dtype(x.dtype, FloatTypes{}, [&]<typename T>() {
    for (size_t o = 0; o < cut.outer; ++o)
      for (size_t i = 0; i < cut.inner; ++i) {
        const size_t first = o * cut.extent * cut.inner + i;
        Apply<T>::run(
            {x.as<T>() + first, context.output(0).as<T>() + first, cut.extent, cut.inner});
      }
  });
  return known ? Status{} : unsupported("elements of {}", dtype_name(x.dtype));
}

template <typename T>
struct ApplySoft {
  static void run(const Column<T>& c) { soft(c); }
};
template <typename T>
struct ApplyLog {
  static void run(const Column<T>& c) { log_soft(c); }
};

class SoftmaxStep final : public Step {
 public:
  SoftmaxStep(Attrs attrs, bool logarithm, const SoftmaxF32Variant& variant)
      : attrs_(std::move(attrs)), logarithm_(logarithm), variant_(variant) {}
  Status run(RunContext& context) const override {
    const TensorView& x = context.input(0);
    const AxisCut cut = cut_of(attrs_, x.dims);
    SoftmaxF32Args args;
    args.x = x.as<float>();
    args.y = context.output(0).as<float>();
    args.outer = cut.outer;
    args.axis = cut.extent;
    args.inner = cut.inner;
    args.logarithm = logarithm_;
    if (cut.outer * cut.extent * cut.inner > 0)
      softmax_f32(*variant_.table, args, context.parallel());
    return {};
  }
  StepInfo info() const override { return {"softmax_f32", "native", variant_.isa}; }

 private:
  Attrs attrs_;
  bool logarithm_;
  const SoftmaxF32Variant& variant_;
};

std::optional<Ports> match_f32(const LowerContext& context) {
  return runs_as_f32(context.input(0).type.dtype) ? std::optional<Ports>(Ports{}) : std::nullopt;
}

template <bool Logarithm>
Result<std::unique_ptr<Step>> prepare_f32(const LowerContext& context) {
  return std::unique_ptr<Step>(std::make_unique<SoftmaxStep>(context.node().attrs, Logarithm,
                                                             select_softmax_f32(context.cpu())));
}

QuantSpec quant(const Graph&, const Node&) {
  const PortQuant probability{PortQuant::Role::fixed, 0, Scale{1.0F / 255.0F}, ZeroPoint{0}};
  return {.inputs = {{}}, .outputs = {probability}};
}

constexpr Implementation kSoftmaxRows[] = {
    {.name = "softmax_f32", .match = match_f32, .prepare = prepare_f32<false>},
    reference<run_columns<ApplySoft>>(),
};
constexpr Implementation kLogSoftmaxRows[] = {
    {.name = "softmax_f32", .match = match_f32, .prepare = prepare_f32<true>},
    reference<run_columns<ApplyLog>>(),
};

}  // namespace

extern const OpDef LogSoftmax;
extern const OpDef Softmax;
const OpDef LogSoftmax = {
    .domain = "",
    .name = "LogSoftmax",
    .attrs = attr_codec<SoftmaxAttrs>(),
    .canonical = canonical,
    .infer = infer,
    .alias = {AliasRule::Kind::in_place},
    .implementations = kLogSoftmaxRows,
};
const OpDef Softmax = {
    .domain = "",
    .name = "Softmax",
    .attrs = attr_codec<SoftmaxAttrs>(),
    .canonical = canonical,
    .infer = infer,
    .alias = {AliasRule::Kind::in_place},
    .quant = quant,
    .implementations = kSoftmaxRows,
};

}  // namespace octet::ops::softmax
