#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "engine/ops/common/axes.h"
#include "engine/ops/common/elements.h"
#include "engine/ops/common/movement.h"
#include "engine/ops/common/real.h"
#include "engine/ops/common/terms.h"
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
Result<std::optional<std::vector<bool>>> reduced_axes(const InferContext& context, size_t rank,
                                                      bool noop_when_empty) {
  std::vector<int64_t> axes;
  if (context.has_input(1)) {
    const auto given = context.known_elements(1);
    if (!given) return std::optional<std::vector<bool>>();
    axes = *given;
  }
  std::vector<bool> reduced(rank, axes.empty() && !noop_when_empty);
  for (const int64_t axis : axes) {
    OCTET_ASSIGN(const size_t index, context.axis(axis, rank));
    reduced[index] = true;
  }
  return std::optional(std::move(reduced));
}

// What a total of extents is; may be null.
using ElementTotal = Dim (*)(const Dim&, const Dim&);

Status infer_reduced(InferContext& context, bool keeps, bool noop_when_empty, ElementTotal total) {
  context.set_tensor(0, context.dtype(0));
  if (!context.has_rank(0)) return {};
  const Shape& shape = context.shape(0);
  OCTET_ASSIGN(const auto reduced, reduced_axes(context, shape.size(), noop_when_empty));
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
  const auto* elements = total != nullptr ? context.elements(0) : nullptr;
  if (elements != nullptr && !elements->empty() && shape.size() == 1 && (*reduced)[0])
    context.set_elements(
        0, {std::accumulate(elements->begin() + 1, elements->end(), elements->front(), total)});
  return {};
}

template <typename A, typename F>
Status infer(InferContext& context) {
  const A& attrs = context.attrs<A>();
  return infer_reduced(context, attrs.keepdims != 0, attrs.noop_with_empty_axes != 0, F::kElement);
}

// A function: a fold of terms from a start, and what becomes of the total of n terms.
struct SumFunction {
  static constexpr auto kKernel = ReduceF32::sum;
  static constexpr ElementTotal kElement = [](const Dim& a, const Dim& b) { return a + b; };
  template <typename T>
  static T start(const Limits<T>& /*limits*/) {
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
};

struct MeanFunction : SumFunction {
  static constexpr auto kKernel = ReduceF32::mean;
  static constexpr ElementTotal kElement = nullptr;
  template <typename T>
  static T finish(T total, size_t count) {
    if constexpr (std::is_integral_v<T>)
      return count == 0 ? T{} : static_cast<T>(total / static_cast<T>(count));
    else
      return total / static_cast<T>(count);
  }
};

struct MaxFunction {
  static constexpr auto kKernel = ReduceF32::max;
  static constexpr ElementTotal kElement = max;
  template <typename T>
  static T start(const Limits<T>& limits) {
    return limits.lowest;
  }
  template <typename T>
  static T add(T total, T x) {
    return x > total || x != x ? x : total;
  }
  template <typename T>
  static T finish(T total, size_t /*count*/) {
    return total;
  }
};

struct MinFunction : MaxFunction {
  static constexpr auto kKernel = ReduceF32::min;
  static constexpr ElementTotal kElement = min;
  template <typename T>
  static T start(const Limits<T>& limits) {
    return limits.highest;
  }
  template <typename T>
  static T add(T total, T x) {
    return x < total || x != x ? x : total;
  }
};

struct ProdFunction : SumFunction {
  static constexpr auto kKernel = ReduceF32::prod;
  static constexpr ElementTotal kElement = [](const Dim& a, const Dim& b) { return a * b; };
  template <typename T>
  static T start(const Limits<T>& /*limits*/) {
    return 1;
  }
  template <typename T>
  static T add(T total, T x) {
    return wrapping_product(total, x);
  }
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

template <typename F, typename Total>
Total total_of(const Terms<Total>& terms) {
  if constexpr (std::is_same_v<F, LogSumExpFunction>) {
    // The largest term first, so that no exponential overflows.
    double peak = -std::numeric_limits<double>::infinity();
    terms.for_each([&](Total x) { peak = MaxFunction::add(peak, static_cast<double>(x)); });
    if (!std::isfinite(peak)) return from_double<Total>(peak);
    double sum = 0;
    terms.for_each([&](Total x) { sum += std::exp(static_cast<double>(x) - peak); });
    return from_double<Total>(peak + std::log(sum));
  } else {
    Total total = F::start(terms.elements.limits);
    terms.for_each([&](Total x) { total = F::add(total, x); });
    return F::finish(total, terms.extent);
  }
}

template <typename F, typename Total>
bool reduce_as(const GroupedAxes& x, const TensorView& y, DType dtype, Parallel& parallel) {
  const Elements<Total> elements = elements_of<Total>(dtype);
  if (elements.read == nullptr) return false;
  const auto [outer, extent, inner] = x.cut;
  const size_t bytes = dtype_bytes(dtype, 1);
  parallel.for_ranges(
      outer * inner, kParallelGrain / (extent + 1) + 1,
      [&, extent = extent, inner = inner](size_t begin, size_t end) {
        for (size_t i = begin; i < end; ++i) {
          const size_t first = i / inner * extent * inner + i % inner;
          const Terms<Total> terms{elements, x.data + first * bytes, extent, inner, bytes};
          elements.write(total_of<F>(terms), y.data + i * bytes);
        }
      });
  return true;
}

// What a function does to elements: by a kernel to f32, else by `run`, false for other types.
struct Reduction {
  std::optional<ReduceF32> kernel;
  bool (*run)(const GroupedAxes& x, const TensorView& y, DType dtype, Parallel& parallel);
};

template <typename F>
Reduction reduction_of() {
  constexpr bool kKernel = !std::is_same_v<F, LogSumExpFunction>;
  return {kKernel ? std::optional(F::kKernel) : std::nullopt,
          [](const GroupedAxes& x, const TensorView& y, DType dtype, Parallel& parallel) {
            return reduce_as<F, double>(x, y, dtype, parallel) ||
                   reduce_as<F, int64_t>(x, y, dtype, parallel) ||
                   reduce_as<F, uint64_t>(x, y, dtype, parallel);
          }};
}

std::vector<bool> marked_axes(const RunContext& context, bool noop_when_empty) {
  const size_t rank = context.input(0).rank();
  std::vector<int64_t> axes;
  if (context.has_input(1)) axes = movement::integers_of(context.input(1));
  std::vector<bool> marked(rank, axes.empty() && !noop_when_empty);
  for (const int64_t axis : axes) marked[*normalize_axis(axis, rank)] = true;
  return marked;
}

Status run_reduction(RunContext& context, bool noop_when_empty, const Reduction& reduction) {
  const TensorView& x = context.input(0);
  const TensorView& y = context.output(0);
  OCTET_ASSIGN(const size_t bytes, element_bytes(x.dtype));
  const GroupedAxes grouped =
      group_axes(x, marked_axes(context, noop_when_empty), bytes, context.parallel());
  if (x.dtype == DType::f32 && reduction.kernel) {
    const auto [outer, extent, inner] = grouped.cut;
    kernels::reduce_f32(*kernels::select_reduce_f32(context.cpu()).table,
                        {*reduction.kernel, reinterpret_cast<const float*>(grouped.data),
                         y.as<float>(), outer, extent, inner},
                        context.parallel());
    return {};
  }
  // Bools: the largest is "any", the smallest "all".
  const DType dtype = x.dtype == DType::boolean ? DType::u8 : x.dtype;
  if (reduction.run(grouped, y, dtype, context.parallel())) return {};
  return unsupported("elements of type {}", dtype_name(x.dtype));
}

template <typename A, typename F>
Status run(const Attrs& attrs, RunContext& context) {
  return run_reduction(context, attrs.as<A>().noop_with_empty_axes != 0, reduction_of<F>());
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
