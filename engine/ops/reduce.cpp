#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/ops/common/axes.h"
#include "engine/ops/common/elements.h"
#include "engine/ops/common/movement.h"
#include "engine/ops/common/real.h"
#include "kernels/reduce_f32/reduce_f32.h"

namespace octet::ops::reduce {
namespace {

using kernels::ReduceF32;

// `InputSince`: the opset from which the axes are an input.
template <int InputSince>
struct ReduceAttrs {
  std::optional<std::vector<int64_t>> axes;
  int64_t keepdims = 1;
  int64_t noop_with_empty_axes = 0;
  static constexpr auto fields() {
    using A = ReduceAttrs;
    return std::tuple{
        field("axes", &A::axes, {.until = InputSince - 1}), field("keepdims", &A::keepdims),
        field("noop_with_empty_axes", &A::noop_with_empty_axes, {.since = InputSince})};
  }
};

template <typename A>
Status canonical(const CanonicalContext& context) {
  movement::attribute_to_input(context, 1, context.attrs<A>().axes, "axes");
  return {};
}

// Which axes go; nothing while that isn't known.
template <typename A>
Result<std::optional<std::vector<bool>>> reduced_axes(const InferContext& context, size_t rank) {
  std::vector<int64_t> axes;
  if (context.has_input(1)) {
    const auto given = context.known_elements(1);
    if (!given) return std::optional<std::vector<bool>>();
    axes = *given;
  }
  const bool all = axes.empty() && context.attrs<A>().noop_with_empty_axes == 0;
  std::vector<bool> reduced(rank, all);
  for (const int64_t axis : axes) {
    OCTET_ASSIGN(const size_t index, context.axis(axis, rank));
    reduced[index] = true;
  }
  return std::optional(std::move(reduced));
}

template <typename A, typename F>
Status infer(InferContext& context) {
  context.set_tensor(0, context.dtype(0));
  if (!context.has_rank(0)) return {};
  const Shape& shape = context.shape(0);
  const bool keeps = context.attrs<A>().keepdims != 0;
  OCTET_ASSIGN(const auto reduced, reduced_axes<A>(context, shape.size()));
  Shape out;
  if (!reduced) {
    if (!keeps) return {};
    for (size_t a = 0; a < shape.size(); ++a) out.push_back(Dim::fresh());
    context.set_tensor(0, context.dtype(0), std::move(out));
    return {};
  }
  for (size_t a = 0; a < shape.size(); ++a) {
    if (!(*reduced)[a])
      out.push_back(shape[a]);
    else if (keeps)
      out.emplace_back(1);
  }
  context.set_tensor(0, context.dtype(0), std::move(out));
  if constexpr (requires(Dim d) { F::element(d, d); }) {
    const auto* elements = context.elements(0);
    if (elements != nullptr && !elements->empty() && shape.size() == 1 && (*reduced)[0]) {
      Dim total = elements->front();
      for (size_t i = 1; i < elements->size(); ++i) total = F::element(total, (*elements)[i]);
      context.set_elements(0, {total});
    }
  }
  return {};
}

// A function: a fold of terms from a start, and what becomes of the total of n terms.
struct SumFunction {
  static constexpr auto kKernel = ReduceF32::sum;
  template <typename T>
  static T start() {
    return 0;
  }
  template <typename T>
  static T add(T total, T x) {
    return wrapping_sum(total, x);
  }
  template <typename T>
  static T finish(T total, size_t /*count*/) {
    return total;
  }
  static Dim element(const Dim& a, const Dim& b) { return a + b; }
};

struct MeanFunction : SumFunction {
  static constexpr auto kKernel = ReduceF32::mean;
  template <typename T>
  static T finish(T total, size_t count) {
    if constexpr (std::is_integral_v<T>)
      return count == 0 ? T{} : static_cast<T>(total / static_cast<T>(count));
    else
      return total / static_cast<T>(count);
  }
  static void element() = delete;
};

struct MaxFunction {
  static constexpr auto kKernel = ReduceF32::max;
  template <typename T>
  static T start() {
    return std::numeric_limits<T>::has_infinity ? -std::numeric_limits<T>::infinity()
                                                : std::numeric_limits<T>::lowest();
  }
  template <typename T>
  static T add(T total, T x) {
    return x > total || x != x ? x : total;
  }
  template <typename T>
  static T finish(T total, size_t /*count*/) {
    return total;
  }
  static Dim element(const Dim& a, const Dim& b) { return max(a, b); }
};

struct MinFunction : MaxFunction {
  static constexpr auto kKernel = ReduceF32::min;
  template <typename T>
  static T start() {
    return std::numeric_limits<T>::has_infinity ? std::numeric_limits<T>::infinity()
                                                : std::numeric_limits<T>::max();
  }
  template <typename T>
  static T add(T total, T x) {
    return x < total || x != x ? x : total;
  }
  static Dim element(const Dim& a, const Dim& b) { return min(a, b); }
};

struct ProdFunction : SumFunction {
  static constexpr auto kKernel = ReduceF32::prod;
  template <typename T>
  static T start() {
    return 1;
  }
  template <typename T>
  static T add(T total, T x) {
    return wrapping_product(total, x);
  }
  static Dim element(const Dim& a, const Dim& b) { return a * b; }
};

struct SumSquareFunction : MeanFunction {
  static constexpr auto kKernel = ReduceF32::sum_square;
  template <typename T>
  static T add(T total, T x) {
    return wrapping_sum(total, wrapping_product(x, x));
  }
  template <typename T>
  static T finish(T total, size_t /*count*/) {
    return total;
  }
};

struct L1Function : SumSquareFunction {
  static constexpr auto kKernel = ReduceF32::l1;
  template <typename T>
  static T add(T total, T x) {
    return wrapping_sum(total, x < T{} ? wrapping_product(x, static_cast<T>(-1)) : x);
  }
};

struct L2Function : SumSquareFunction {
  static constexpr auto kKernel = ReduceF32::l2;
  template <typename T>
  static T finish(T total, size_t /*count*/) {
    return from_double<T>(std::sqrt(static_cast<double>(total)));
  }
};

struct LogSumFunction : SumSquareFunction {
  static constexpr auto kKernel = ReduceF32::log_sum;
  template <typename T>
  static T add(T total, T x) {
    return wrapping_sum(total, x);
  }
  template <typename T>
  static T finish(T total, size_t /*count*/) {
    return from_double<T>(std::log(static_cast<double>(total)));
  }
};

struct LogSumExpFunction : SumSquareFunction {};

// Sums of integers wrap around in 64 bits and are then narrowed.
template <typename T>
using Total =
    std::conditional_t<std::is_floating_point_v<T>, double,
                       std::conditional_t<std::is_same_v<T, uint64_t>, uint64_t, int64_t>>;

template <typename F, typename T>
T reduce_one(const T* x, size_t extent, size_t inner) {
  if constexpr (std::is_same_v<F, LogSumExpFunction>) {
    // The largest term first, so that no exponential overflows.
    auto peak = MaxFunction::start<double>();
    for (size_t k = 0; k < extent; ++k)
      peak = MaxFunction::add(peak, static_cast<double>(x[k * inner]));
    if (!std::isfinite(peak)) return from_double<T>(peak);
    double sum = 0;
    for (size_t k = 0; k < extent; ++k) sum += std::exp(static_cast<double>(x[k * inner]) - peak);
    return from_double<T>(peak + std::log(sum));
  } else {
    using Keep = std::conditional_t<std::is_base_of_v<MaxFunction, F>, T, Total<T>>;
    Keep total = F::template start<Keep>();
    for (size_t k = 0; k < extent; ++k) total = F::add(total, static_cast<Keep>(x[k * inner]));
    return static_cast<T>(F::finish(total, extent));
  }
}

template <typename F, typename T>
void reduce(const GroupedAxes& x, T* y, Parallel& parallel) {
  const AxisCut cut = x.cut;
  const T* from = reinterpret_cast<const T*>(x.data);
  parallel.for_ranges(
      cut.outer * cut.inner, kParallelGrain / (cut.extent + 1) + 1, [&](size_t begin, size_t end) {
        for (size_t i = begin; i < end; ++i)
          y[i] = reduce_one<F>(from + i / cut.inner * cut.extent * cut.inner + i % cut.inner,
                               cut.extent, cut.inner);
      });
}

template <typename A>
std::vector<bool> marked_axes(const Attrs& attrs, const RunContext& context) {
  const size_t rank = context.input(0).rank();
  std::vector<int64_t> axes;
  if (context.has_input(1)) axes = movement::integers_of(context.input(1));
  std::vector<bool> marked(rank, axes.empty() && attrs.as<A>().noop_with_empty_axes == 0);
  for (const int64_t axis : axes) marked[*normalize_axis(axis, rank)] = true;
  return marked;
}

template <typename A, typename F>
Status run(const Attrs& attrs, RunContext& context) {
  const TensorView& x = context.input(0);
  const TensorView& y = context.output(0);
  OCTET_ASSIGN(const size_t bytes, element_bytes(x.dtype));
  const GroupedAxes grouped =
      group_axes(x, marked_axes<A>(attrs, context), bytes, context.parallel());
  if constexpr (!std::is_same_v<F, LogSumExpFunction>) {
    if (x.dtype == DType::f32) {
      const auto& table = *kernels::select_reduce_f32(context.cpu()).table;
      const auto [outer, extent, inner] = grouped.cut;
      kernels::reduce_f32(table,
                          {F::kKernel, reinterpret_cast<const float*>(grouped.data), y.as<float>(),
                           outer, extent, inner},
                          context.parallel());
      return {};
    }
  }
  // Bools: the largest is "any", the smallest "all".
  const DType dtype = x.dtype == DType::boolean ? DType::u8 : x.dtype;
  const bool known = visit_dtype(dtype, NumericTypes{}, [&]<typename T>() {
    reduce<F>(grouped, reinterpret_cast<T*>(y.data), context.parallel());
  });
  return known ? Status{} : unsupported("elements of type " + std::string(dtype_name(x.dtype)));
}

// Reducing all spatial axes of a channels-last image leaves bytes that are in row-major order too.
std::optional<Ports> match_spatial(const LowerContext& context) {
  if (context.input_layout(0) != Layout::channels_last || !context.input(0).type.shape)
    return std::nullopt;
  const Tensor* axes = context.constant(1);
  const size_t rank = context.input(0).type.shape->size();
  if (axes == nullptr) return std::nullopt;
  std::vector<bool> reduced(rank, false);
  for (const int64_t axis : axes->to_int64())
    if (const auto index = normalize_axis(axis, rank)) reduced[*index] = true;
  if (reduced[0] || reduced[1] || std::count(reduced.begin(), reduced.end(), false) != 2)
    return std::nullopt;
  return Ports{{{PortForm::Storage::real, Layout::channels_last}, PortForm{}}, {PortForm{}}};
}

template <typename A, typename F>
constexpr Implementation kRows[] = {
    {.name = "reduce_f32", .match = match_spatial, .prepare = prepare_function<run<A, F>>},
    reference<run<A, F>>("reduce_f32"),
};

QuantSpec quant_mean(const Graph&, const Node&) {
  return {.inputs = {{PortQuant::Role::activation}}, .outputs = {{PortQuant::Role::activation}}};
}

template <typename F, int InputSince = 18>
constexpr OpDef reduce_op(std::string_view name) {
  using A = ReduceAttrs<InputSince>;
  return {.domain = "",
          .name = name,
          .inputs = {1, 2},
          .attrs = attr_codec<A>(),
          .canonical = canonical<A>,
          .infer = infer<A, F>,
          .quant = std::is_same_v<F, MeanFunction> ? quant_mean : nullptr,
          .implementations = kRows<A, F>};
}

}  // namespace

extern const OpDef ReduceL1;
extern const OpDef ReduceL2;
extern const OpDef ReduceLogSum;
extern const OpDef ReduceLogSumExp;
extern const OpDef ReduceMax;
extern const OpDef ReduceMean;
extern const OpDef ReduceMin;
extern const OpDef ReduceProd;
extern const OpDef ReduceSum;
extern const OpDef ReduceSumSquare;
const OpDef ReduceL1 = reduce_op<L1Function>("ReduceL1");
const OpDef ReduceL2 = reduce_op<L2Function>("ReduceL2");
const OpDef ReduceLogSum = reduce_op<LogSumFunction>("ReduceLogSum");
const OpDef ReduceLogSumExp = reduce_op<LogSumExpFunction>("ReduceLogSumExp");
const OpDef ReduceMax = reduce_op<MaxFunction>("ReduceMax");
const OpDef ReduceMean = reduce_op<MeanFunction>("ReduceMean");
const OpDef ReduceMin = reduce_op<MinFunction>("ReduceMin");
const OpDef ReduceProd = reduce_op<ProdFunction>("ReduceProd");
const OpDef ReduceSum = reduce_op<SumFunction, 13>("ReduceSum");
const OpDef ReduceSumSquare = reduce_op<SumSquareFunction>("ReduceSumSquare");

}  // namespace octet::ops::reduce
