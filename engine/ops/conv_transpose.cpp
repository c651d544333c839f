#include "engine/ops/conv_transpose.h"

#include "engine/ops/common/conv_transpose_f32.h"
#include "engine/ops/common/conv_transpose_geometry.h"
#include "engine/ops/common/conv_transpose_s8.h"
#include "engine/ops/op.h"

namespace octet::ops::conv_transpose {
namespace {

Status infer(InferContext& context) {
  OCTET_RETURN_IF_ERROR(context.require_same_dtype(0, 1));
  OCTET_ASSIGN(auto shape,
               conv_transpose_output_shape(context.attrs<ConvTransposeAttrs>(),
                                           context.input(0).shape, context.input(1).shape));
  const bool has_bias = context.input_count() > 2 && context.has_input(2);
  OCTET_RETURN_IF_ERROR(check_bias(context, has_bias ? std::optional<size_t>(2) : std::nullopt, 1,
                                   context.attrs<ConvTransposeAttrs>().group));
  context.set_tensor(0, context.dtype(0), std::move(shape));
  return {};
}

// Flat index of the input pixel that meets output pixel `at` by way of `tap`; -1: none.
int64_t source_index(const ConvGeometry& g, std::span<const int64_t> at,
                     std::span<const int64_t> tap) {
  int64_t index = 0;
  for (size_t i = 0; i < at.size(); ++i) {
    const int64_t reach = at[i] + g.pad_begin[i] - tap[i] * g.dilation[i];
    if (reach < 0 || reach % g.stride[i] != 0 || reach / g.stride[i] >= g.in[i]) return -1;
    index = index * g.in[i] + reach / g.stride[i];
  }
  return index;
}

// The sum of one output pixel: `x` and `w` are at its group's first channel and output channel.
template <typename T>
T pixel_sum(const ConvGeometry& g, std::span<const int64_t> at, const T* x, const T* w) {
  const int64_t pixels = detail::product_of(g.in);
  const int64_t taps = g.taps();
  if (taps == 0) return T{};
  std::vector<int64_t> tap(at.size());
  T sum{};
  int64_t k = 0;
  do {
    const int64_t from = source_index(g, at, tap);
    for (int64_t c = 0; from >= 0 && c < g.group_in(); ++c)
      sum += x[c * pixels + from] * w[c * g.group_out() * taps + k];
    ++k;
  } while (detail::advance(tap, g.kernel));
  return sum;
}

template <typename T>
void convolve(const ConvTransposeAttrs& attrs, RunContext& context) {
  const TensorView& out = context.output(0);
  if (out.count() == 0) return;
  const ConvGeometry g =
      conv_transpose_geometry(attrs, context.input(0).dims, context.input(1).dims, out.dims);
  const T* bias = context.has_input(2) ? context.input(2).as<T>() : nullptr;
  const int64_t pixels = detail::product_of(g.in);
  T* to = out.as<T>();
  for (int64_t n = 0; n < g.batch; ++n)
    for (int64_t m = 0; m < g.out_channels; ++m) {
      const int64_t group = m / g.group_out();
      const int64_t channel = group * g.group_in();
      const T* x = context.input(0).as<T>() + (n * g.in_channels + channel) * pixels;
      const T* w = context.input(1).as<T>() +
                   (channel * g.group_out() + m - group * g.group_out()) * g.taps();
      std::vector<int64_t> at(g.out.size());
      do {
        *to++ = pixel_sum(g, at, x, w) + (bias != nullptr ? bias[m] : T{});
      } while (detail::advance(at, g.out));
    }
}

Status run(const Attrs& attrs, RunContext& context) {
  const DType type = context.input(0).dtype;
  const bool known = visit_dtype(type, FloatTypes{}, [&]<typename T>() {
    convolve<T>(attrs.as<ConvTransposeAttrs>(), context);
  });
  return known ? Status{} : unsupported("a transposed convolution of {}", dtype_name(type));
}

// Channels of grouped weights lie on two axes, which no axis of scales can describe.
QuantSpec quant(const Graph&, const Node& node) {
  using Role = PortQuant::Role;
  if (node.attrs.as<ConvTransposeAttrs>().group != 1) return {};
  return {.inputs = {{Role::activation}, {.role = Role::weight, .axis = 1}, {Role::bias}},
          .outputs = {{Role::activation}},
          .anchor = true};
}

std::optional<Dim> macs(const Graph& graph, const Node& node) {
  const auto& x = graph.value(node.inputs[0]).type.shape;
  const auto& w = graph.value(node.inputs[1]).type.shape;
  if (!x || !w || w->empty()) return std::nullopt;
  return element_count(*x) * element_count(Shape(w->begin() + 1, w->end()));
}

constexpr Implementation kImplementations[] = {
    {.name = "conv_transpose_s8",
     .match = match_conv_transpose_s8,
     .prepare = prepare_conv_transpose_s8},
    {.name = "conv_transpose_f32",
     .match = match_conv_transpose_f32,
     .prepare = prepare_conv_transpose_f32},
    reference<run>(),
};

}  // namespace

extern const OpDef ConvTranspose;
const OpDef ConvTranspose = {
    .domain = "",
    .name = "ConvTranspose",
    .inputs = {2, 3},
    .attrs = attr_codec<ConvTransposeAttrs>(),
    .infer = infer,
    .quant = quant,
    .macs = macs,
    .implementations = kImplementations,
};

}  // namespace octet::ops::conv_transpose
